// What is known of the system that the workload runs on, and of the places where paths lie.  Whoever has no system passes empty functions.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace ravelin::generalize {

// Names in a folder; empty where there is none.  A name that ends in "/" is a folder.
using Listing = std::function<std::vector<std::string>(const std::string& folder)>;

struct Reach {
  std::set<std::string> calls;   // by name; empty: nobody looked
  size_t unresolved = 0;         // instructions that call the kernel with a number that was not found
  bool loads_more = false;       // it can load code that nobody read
  bool unread = false;           // a library could not be followed
};

struct System {
  Listing listing;
  // Regular files that a pattern matches, and folders with "/" at the end; links are not followed.
  std::function<std::vector<std::string>(const std::string& pattern)> matches;
  // Programs of the same folder that the same package put there, by their paths, the asked one among them; those that change who they run as
  // are left out.  Empty where no package is known.
  std::function<std::vector<std::string>(const std::string& program)> siblings;
  // Programs in a folder, by their paths: plain files that may be started and do not change who they run as.
  std::function<std::vector<std::string>(const std::string& folder)> programs;
  // Programs of the folder that the distribution puts on every system.  Empty where it does not say.
  std::function<std::vector<std::string>(const std::string& folder)> base;
  // What the program can reach in its own code and that of its libraries.
  std::function<Reach(const std::string& program)> reaches;
  // What the loader reads and maps for a program: its libraries and theirs, and the interpreter of a script.
  std::function<std::vector<std::string>(const std::string& program)> needs;
};
// Of roots that lie over one another, the first of them on top.  Folders are read once.
System SystemOf(const std::vector<std::string>& roots);

// Sensitive patterns (tables/sensitive.tsv); asked by pattern.  The table is read once; what was asked is remembered.
class Sensitive {
 public:
  // Why the pattern reaches something that only a literal may reach; "" where it does not.
  std::string Reaches(const std::string& pattern) const;

 private:
  mutable std::map<std::string, std::string> asked_;
};

// tables/places.tsv.
bool IsPublic(const std::string& path);
// A folder where others make names too.
bool IsCommon(const std::string& folder);
// A folder of programs that users start.
bool IsSearched(const std::string& folder);
// Devices that nothing is behind; those that random bytes are behind.
bool IsVoid(const std::string& path);
bool IsSource(const std::string& path);
std::vector<std::string> PatternsOfKind(const std::string& kind);

}  // namespace ravelin::generalize
