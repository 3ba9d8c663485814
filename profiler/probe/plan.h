// From a policy to attempts on both sides of its rules.
//
// For each rule: objects inside of it, and near misses (a byte of a name more, less or another, a neighbour, what lies below; a port, a
// signal or a value one off).  Then what no rule speaks of: each capability, each signal, sockets, mounts, name spaces; and system calls
// at the bounds of their conditions.  What an attempt asks for is read off the view tables, so that the oracle and the layers can say
// beforehand what must come of it.
#pragma once

#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/ir/policy.h"
#include "profiler/kernels/own_folder.h"
#include "profiler/probe/attempt.h"

namespace ravelin::probe {

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
// What the prober's arguments and a host's file names can hold.
bool IsName(const std::string& path);

// `as_root`: whether the files of the guest's root will belong to root there.
Result<Plan> MakePlan(const ir::Domain& domain, bool as_root);

// A folder with the places, removed at the end.  It lies where temporary files do: the guest sees neither this machine's /dev nor what
// is mounted in it.
class Root {
 public:
  static Result<Root> Make(const Plan& plan);
  std::string folder() const { return folder_.path() + "/root"; }

 private:
  explicit Root(kernels::OwnFolder folder) : folder_(std::move(folder)) {}
  kernels::OwnFolder folder_;
};

}  // namespace ravelin::probe
