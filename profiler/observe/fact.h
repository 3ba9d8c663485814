// What was observed: facts, the runs in which they were seen, and how much of a run nobody saw.
//
// A recording is a value.  Merging is a join of semilattices (sets unite, counters take the greater value, times widen), so it is
// commutative, associative and idempotent: recordings of many machines are combined in any order, and one that comes twice counts once.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ravelin::observe {

// Names and values of one thing, written as one line: `key=value key=value`, keys sorted, every byte of a value that is no printing
// ASCII, and `%`, as %HH.  Equal attributes have equal texts.
using Attributes = std::map<std::string, std::string>;
std::string Encode(const Attributes& attributes);
Attributes Decode(std::string_view text);

// One thing that a process did, without when and how often.
//
//   facet, operation  those of the language (`file` `read`); of a system call `syscall` and its name
//   attributes        file: path (resolved), given (as the caller wrote it, where it is another), owner=1, command
//                     exec: path, script; network: family type protocol port address path abstract; signal, ptrace: peer, signal
//                     mount: fstype from on flags; syscall: arch and the arguments that mean something, by their parameters' names
//                     refused=ERRNO where the attempt did not succeed
//   process           program, chain (programs from the first one on, joined by " > "), subject (profile or type)
struct Fact {
  std::string facet;
  std::string operation;
  std::string attributes;
  std::string process;
  auto operator<=>(const Fact&) const = default;
};

struct Sighting {
  uint64_t count = 0;
  double first = 0;  // seconds since 1970, of the recording machine
  double last = 0;
  std::string example;  // where it stands in what was read: "line 12", or the record in short
  bool operator==(const Sighting&) const = default;
};

// One channel that events came through: audit, calls, strings.
struct Channel {
  uint64_t lost = 0;    // events that the channel could not hold
  uint64_t unread = 0;  // strings that could not be read; records that were not understood
  bool operator==(const Channel&) const = default;
};

struct Completeness {
  std::map<std::string, Channel> channels;
  std::set<std::string> blind;   // what the driver cannot see: "capabilities"
  std::set<std::string> doubts;  // why this run does not count as whole
  bool clean_start = true;       // it saw the workload from its first instruction
  bool clean_end = true;         // and until the last process had ended
  bool operator==(const Completeness&) const = default;

  uint64_t Lost() const;
  // Nothing was lost, and it began and ended cleanly.
  bool Whole() const;
  std::vector<std::string> WhyNotWhole() const;
};

struct Run {
  std::string driver;   // "uml", "ptrace", "import audit"
  std::string command;  // of the workload, or the name of what was imported
  std::string kernel;
  std::string arch;
  double started = 0;
  double ended = 0;
  std::string status;    // "exit 0", "signal 9"
  Attributes variation;  // what the recorder set for this run: TMPDIR, HOME, ...
  Completeness completeness;
  std::map<Fact, Sighting> facts;
  bool operator==(const Run&) const = default;

  void Add(const Fact& fact, double time, std::string_view example, uint64_t count = 1);
};

struct Recording {
  std::map<std::string, Run> runs;  // by identity, which is unique over all machines
  bool operator==(const Recording&) const = default;
};

Recording Merge(Recording one, const Recording& other);

// Facts of one and not of the other, over all runs, whatever process did them.
struct Difference {
  std::vector<Fact> only_first;
  std::vector<Fact> only_second;
};
Difference Diff(const Recording& first, const Recording& second);

// "file read /etc/passwd", "syscall openat", for people.
std::string Show(const Fact& fact);
// One JSON object a line: first the runs, then the facts, each with the runs in which it was seen.
std::string ExportLines(const Recording& recording);

// The identity of a run that has none of its own: the same content is the same run.
std::string RunIdentity(std::string_view kind, std::string_view content);
// One that no other recording has.
std::string FreshRunIdentity();

}  // namespace ravelin::observe
