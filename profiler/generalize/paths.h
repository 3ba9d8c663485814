// Which paths to grant: chosen by what it costs to write a rule down and what it opens beyond what was used.
//
// Costs are bits.  A literal costs its length; a pattern costs little but every file of the system that it opens and nobody used: much where the file is of this
// system alone, little where it is of a package that everybody can have.  A name that was seen in one run only says that the next run will bring another, which a
// literal will not cover: the share of such names is what leaving each run out in turn would miss.  Reads and writes are judged apart: a pattern that
// opens names for writing costs so much that only names which do change between runs get one.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/generalize/places.h"

namespace ravelin::generalize {

struct Evidence {
  std::set<size_t> runs;
  uint64_t count = 0;
  std::string example;
  bool own = false;     // a file of the process's own user, where the recorder tells; some of another
  bool others = false;
  void Join(const Evidence& other);
};

struct PathUse {
  std::string path;
  std::map<std::string, Evidence> operations;
  bool alike = false;  // some of them were seen of other names alone, with which it shares a label
};

struct PathRule {
  std::string pattern;
  std::set<std::string> operations;
  Evidence evidence;
  std::string step;        // "literal", "names that change: 10 characters", "all of a folder"
  size_t used = 1;         // paths that it stands for
  size_t beyond = 0;       // files of the system that it opens beyond those
  std::vector<std::string> opened;  // those, where they are code
  bool choice = false;     // it stands for names of which each run takes some, not for names that are another in each run
  bool harmless = false;   // nothing to decide about: devices behind which there is nothing
  bool owner = false;      // of own files alone
  std::string module = {}; // that grants it, as the policy uses it; "": a rule of the policy's own
};

std::vector<PathRule> GeneralizePaths(const std::vector<PathUse>& uses, size_t runs, const Sensitive& sensitive, const Listing& listing, bool labels = false);

// Programs that are started.  What their own files and libraries need to be opened for, beyond what was seen, is added to `files`.
std::vector<PathRule> GeneralizePrograms(const std::map<std::string, Evidence>& programs, size_t runs, const Sensitive& sensitive, const System& system, std::vector<PathRule>& files);

// --- the parts, for tests
// A pattern for names that differ: "" where they have nothing in common that could be relied on.
struct Hole {
  std::string pattern;
  std::string what;
  bool typed = false;  // a version or a locale: machines that agree in it for many runs differ in it
};
Hole HoleOf(const std::vector<std::string>& names);
// For a single name a part of which looks as if made by chance (mktemp(3)): letters of both cases, or digits among letters.
Hole HoleOfRandom(const std::string& name);
// The name as a pattern that matches itself alone.
std::string Literal(const std::string& name);

}  // namespace ravelin::generalize
