// From a policy to attempts on both sides of its rules.
//
// For each rule: names inside of its patterns, and near misses (a byte more, less or another, a neighbour, what lies below).  Each is one
// call of a small program; what the call asks for is read off the view tables, so that the oracle and the layers can say beforehand what
// must come of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/ir/event.h"

namespace ravelin::probe {

struct Probe {
  std::vector<std::string> arguments;  // of the prober
  std::vector<std::string> before;     // of the prober unconfined, to make the object what the attempt needs; empty: nothing
  std::string path;                    // of the object, or ""
  uint64_t kind = 0;                   // of file: as combine::Checks counts them (0 file, 1 directory, ...)
  ir::Event event;                     // the call and what it asks of its object
  std::optional<uint32_t> rule;        // for which it was made
  bool inside = false;                 // the rule's patterns match it
  std::string shown;                   // "file { read } on /srv/a"
};

// What the guest's root holds.
struct Place {
  enum class Kind { kFolder, kFile, kProgram };
  std::string path;
  Kind kind = Kind::kFile;
};

struct Plan {
  std::string program;  // the prober's path, by which the policy's domain may begin
  std::string helper;   // another path of it, by which no domain begins
  std::vector<Probe> probes;
  std::vector<Place> places;           // folders on the way are not listed
  std::vector<std::string> left_out;   // rules without a probe, and why
};

// Where the guest mounts what is its own.
bool IsTheGuests(const std::string& path);

// `as_root`: whether the files of the guest's root will belong to root there.
Result<Plan> MakePlan(const ir::Domain& domain, bool as_root);

// A folder with the places, removed at the end.  It lies where temporary files do: the guest sees neither this machine's /dev nor what
// is mounted in it.
class Root {
 public:
  static Result<Root> Make(const Plan& plan);
  Root(Root&& other) noexcept;
  Root& operator=(Root&&) = delete;
  ~Root();
  const std::string& folder() const { return folder_; }

 private:
  explicit Root(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

}  // namespace ravelin::probe
