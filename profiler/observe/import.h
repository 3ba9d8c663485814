// Others' records of what programs did, as recordings.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/observe/fact.h"
#include "profiler/observe/log.h"

namespace ravelin::observe {

struct Imported {
  std::string format;          // "audit", "strace", ...
  Recording recording;         // one run
  size_t records = 0;          // that were understood
  size_t not_understood = 0;   // records of this kind that hold something no fact has a place for
  std::vector<std::string> notes;  // what of the text was left out, and why
};

// Where the facts of a run go that holds too many.  It is asked between two events.
struct Overflow {
  size_t most = SIZE_MAX;          // facts that a run holds
  std::function<void(Run&)> take;  // takes them all out of it; those that come later Continue them

  bool operator()(Run& run) const {  // true: the run is empty
    if (run.facts.size() < most) return false;
    take(run);
    return true;
  }
};

// Finds out what the log is.  kUnsupported, with the reason, where it holds no observations: an unknown format, or a profile that
// somebody derived already.
Result<Imported> ImportEvents(const std::string& name, Log& log, const Overflow& overflow = {});
Result<Imported> ImportEvents(const std::string& name, std::string_view text);

// --- the formats, each in its own file.  `run` is filled; records are counted in `out`.
void ImportAudit(Log& log, Run& run, Imported& out, const Overflow& overflow = {});
void ImportStrace(Log& log, Run& run, Imported& out, const Overflow& overflow = {});
// What is known of a sandbox beside its log.
struct Sandbox {
  std::string first;                                 // the program that it began with
  std::map<int, std::vector<std::string>> programs;  // by process, what it executed, links followed
  std::function<std::string(const std::string& path, bool follow)> place;  // as of TracedProcesses; may be empty
};
void ImportGvisor(std::string_view text, Run& run, Imported& out, const Sandbox& sandbox = {}, const Overflow& overflow = {});
void ImportRecorder(Log& log, Run& run, Imported& out, const Overflow& overflow = {});  // of our own recorder (profiler/recorder/format.h)
// JSON documents one after another.  False where no document is one of a recorder that is known; `why` says what it is instead.
bool ImportJson(std::string_view text, Run& run, Imported& out, std::string& why, const Overflow& overflow = {});

template <typename Function>
void EachLine(std::string_view text, const Function& function) {
  Log log(text);
  EachLine(log, function);
}

}  // namespace ravelin::observe
