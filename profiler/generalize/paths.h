// Which paths to grant: chosen by what it costs to write a rule down and what it opens beyond what was used.
//
// Costs are bits.  A literal costs its length; a pattern costs little but every file of the system that it opens and nobody used; a name that was seen in one
// run only says that the next run will bring another, which a literal will not cover.  Reads and writes are judged apart: a pattern that
// opens names for writing costs so much that only names which do change between runs get one.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::generalize {

struct Evidence {
  std::set<size_t> runs;
  uint64_t count = 0;
  std::string example;
  void Join(const Evidence& other);
};

struct PathUse {
  std::string path;
  std::map<std::string, Evidence> operations;
};

struct PathRule {
  std::string pattern;
  std::set<std::string> operations;
  Evidence evidence;
  std::string step;        // "literal", "names that change: 10 characters", "all of a folder"
  size_t used = 1;         // paths that it stands for
  size_t beyond = 0;       // files of the system that it opens beyond those
};

// Names in a folder; empty where there is none.  A name that ends in "/" is a folder.
using Listing = std::function<std::vector<std::string>(const std::string& folder)>;
// Of roots that lie over one another.
Listing ListingOf(const std::vector<std::string>& roots);

// Sensitive patterns (tables/sensitive.tsv); asked by pattern.  The table is read once; what was asked is remembered.
class Sensitive {
 public:
  // Why the pattern reaches something that only a literal may reach; "" where it does not.
  std::string Reaches(const std::string& pattern) const;

 private:
  mutable std::map<std::string, std::string> asked_;
};

std::vector<PathRule> GeneralizePaths(const std::vector<PathUse>& uses, size_t runs, const Sensitive& sensitive, const Listing& listing);

// --- the parts, for tests
// A pattern for names that differ: "" where they have nothing in common that could be relied on.
struct Hole {
  std::string pattern;
  std::string what;
};
Hole HoleOf(const std::vector<std::string>& names);
// The name as a pattern that matches itself alone.
std::string Literal(const std::string& name);

}  // namespace ravelin::generalize
