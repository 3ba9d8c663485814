// What a set of runs was generalised to, ready to be asked about another run.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/ir/path_set.h"
#include "profiler/generalize/generalize.h"

namespace ravelin::generalize {

class Coverage {
 public:
  // Of these runs, by identity; empty: of all.
  static Result<Coverage> Of(const observe::Recording& recording, Options options, const std::vector<std::string>& runs);

  // What of the path another run would have in common: the pattern where names change by themselves, else the path; "" where nothing covers it.
  std::string Shape(const Seen& seen) const;
  bool Covers(const Seen& seen) const;
  bool CoversArgument(const std::string& argument) const { return keys_.count(argument) != 0; }
  const Learned& learned() const { return learned_; }

 private:
  struct Path {
    std::optional<ir::PathSet> set;  // none: the pattern is a path
    std::set<std::string> operations;
    std::string pattern;
    bool choice = false;  // a whole folder, of which each run uses what it needs
    bool owner = false;
  };
  const Path* Find(const Seen& seen) const;

  Learned learned_;
  std::vector<Path> paths_;
  std::set<std::string> keys_;
};

// The facet of a report that the sighting counts for; "" where it counts for none.
std::string FacetOf(const Seen& seen);
// Of a call that is many calls: what its rule names.
std::string ArgumentOf(const Seen& seen);
// What of a sighting a rule is about.
std::string KeyOf(const Seen& seen);
// Operations on files that are permitted whatever the name.
bool IsEverywhere(const Seen& seen);
// What the run showed, names that change as the pattern that covers them: equal sets are one sample.
std::set<std::string> Shown(const observe::Recording& recording, const std::string& run, const Coverage& coverage);
// What of the run is not covered, by facet: "file read /etc/x".
std::map<std::string, std::set<std::string>> Surprises(const observe::Recording& recording, const std::string& run, const Coverage& coverage);

}  // namespace ravelin::generalize
