// From what was observed to policy source that a reviewer can read.
//
// The result depends on the observations, the options and what the listing says of the system, on nothing else: equal inputs give equal bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/generalize/modules.h"
#include "profiler/generalize/paths.h"
#include "profiler/generalize/review.h"
#include "profiler/observe/fact.h"

namespace ravelin::generalize {

struct Options {
  std::string name = "learned";       // of the policy
  std::string program;                // that starts in it: `attach`; "" where it is not known
  std::vector<std::string> layers = {"seccomp + apparmor"};
  bool companions = true;             // calls that go with those that were seen
  System system;                      // empty: nothing is known of it
  std::vector<Module> modules;        // of the standard library, that may be proposed
  std::vector<std::string> statements;  // that the operator gave beforehand (acceptances): kept as they are
  Decisions decisions;                // of a reviewer
  std::vector<std::string> runs;      // only these, by identity; empty: all
};

// One statement, and why it stands there.
struct Rule {
  std::string section;                // "files", "network", ...
  std::vector<std::string> comments;  // above it
  std::string statement;
};

struct Learned {
  std::string text;                   // policy source, not yet laid out
  std::vector<Rule> rules;
  size_t runs = 0;
  size_t observed_calls = 0;          // distinct system calls
  size_t granted_calls = 0;
  std::set<std::string> calls;        // that are granted, some of them with conditions
  bool answers_unix_sockets = false;  // socket(AF_UNIX) is answered EACCES: those that were made reached nobody
  Reach reach;                        // of the programs that were seen, together
  size_t read_programs = 0;           // of them, whose code was followed
  std::vector<PathRule> paths;
  std::vector<PathRule> programs;     // that may be started
  std::vector<ModuleUse> modules;     // that grant some of the paths
  std::vector<std::string> incomplete;  // why the observations are not whole
  std::vector<std::string> withheld;    // what was seen and is not granted, and why
  std::vector<std::string> sensitive;   // literals that are granted and sensitive, and why
};
// kMalformed where a decision is about a rule that is not learned: more observations make other rules, and what was denied must not come
// back in other words.
Result<Learned> Generalize(const observe::Recording& recording, const Options& options);

// --- the parts

// What was seen of one facet's operation with one set of attributes, over all runs.
struct Seen {
  std::string facet;
  std::string operation;
  observe::Attributes attributes;
  Evidence evidence;
};
// Facts of the chosen runs without their processes; what each run was given (TMPDIR) in place of what it gave.
std::vector<Seen> SeenIn(const observe::Recording& recording, const std::vector<std::string>& runs);

// Takes away what was seen of sockets of the machine if none of them reached anybody, and says the rule that answers them instead.
std::optional<Rule> TakeAbsent(std::vector<Seen>& seen, size_t runs);

struct CallRules {
  std::vector<Rule> rules;
  std::set<std::string> calls;
  size_t observed = 0;
  size_t granted = 0;
};
// `denied`: facets of which something was denied in review; their calls are left to those rules.
// `learned`: by now what the programs can reach, empty where that is not known, and which modules are used.
CallRules RulesOfCalls(const std::vector<Seen>& seen, size_t runs, bool companions, const std::set<std::string>& denied, const Learned& learned);
// `first`: programs that the recorder started.  `decided` gets the decisions that were about one of the rules.
Result<std::vector<Rule>> RulesOfFiles(const std::vector<Seen>& seen, const std::set<std::string>& first, size_t runs, const Sensitive& sensitive, const Options& options, std::set<std::string>& decided, Learned& out);
std::vector<Rule> RulesOfObjects(const std::vector<Seen>& seen, size_t runs, Learned& out);

// "runs 2/2, x14, openat /etc/passwd"
std::string EvidenceText(const Evidence& evidence, size_t runs);
// Without control bytes, which are said as \xHH: what a workload calls its files is no line of a policy or of a terminal.
std::string OneLine(const std::string& text);
// As a string of the language.
std::string QuoteText(const std::string& text);
std::string JoinNames(const std::set<std::string>& names);

}  // namespace ravelin::generalize
