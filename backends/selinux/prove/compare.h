// What must be allowed against what is.  Internal to the proof.
#pragma once

#include <functional>

#include "backends/selinux/prove/decode.h"
#include "backends/selinux/prove/demand.h"
#include "backends/selinux/prove/events.h"
#include "backends/selinux/prove/prove.h"
#include "backends/selinux/sepol/sepol.h"

namespace ravelin::selinux {

struct Comparison {
  const ir::Policy& policy;
  const World& world;
  const Demand& demand;
  const DecodedPolicy& decoded;
  const DecodedModule& own;
  const std::string& probe;
  const std::set<std::string>& reused;
  const std::map<std::string, std::string>& called;
  const TargetFacts& target;
  ProofResult& result;

  // Every (domain, type, class, permission) and the commands of ioctl.
  void Quadruples(PolicyQuery& query) const;
  // neverallow for what events of `never` ask, as far as no permitted event asks it too (9.9).
  void Nevers() const;
  void NeverCommands(const std::set<std::vector<std::string>>& granted, const std::function<std::string(const DemandTarget&)>& name_of) const;
  // Types of ports: for the ports that rules tell apart, and no others.
  void Ports() const;
  // The process after an exec, the label of a new object.
  void Transitions() const;
  // Each path has the type of its patterns; no other path, and nothing but a path, has one of these types.
  void Contexts() const;
  // Single files of the kernel's own file systems have the type of their patterns, and no others there; all of them, where the policy stands alone.
  void KernelNames(bool standalone) const;

  void Report(Difference difference) const;
  std::vector<std::string> TypesOf(const DemandTarget& target) const;
};

}  // namespace ravelin::selinux
