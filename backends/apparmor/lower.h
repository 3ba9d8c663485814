// IR to the rules of AppArmor profiles.
//
// Each allow becomes lines of its own; a deny becomes a line only where it takes away what another rule's line grants.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"
#include "compiler/ir/policy.h"

namespace ravelin::apparmor {

// What the target's kernel and parser can do.
struct TargetFacts {
  std::string features;  // a set of compiler/kernel/apparmor_features.h
};

struct Line {
  std::string text;   // without indentation and comma
  std::string place;  // "web.rav:7:3"; "" for what no rule asked for by itself
};

// A rule whose meaning AppArmor's language has no words for.
struct Problem {
  uint32_t rule = 0;  // of the domain, or kNoRule
  std::string message;
};
inline constexpr uint32_t kNoRule = ~0u;

struct Profile {
  std::string name;        // qualified
  std::string parent;      // the qualified name of the profile that it stands in, or ""
  std::string local_name;  // without its parent's
  bool hat = false;
  std::string attachment;  // a glob, or ""
  std::vector<Line> lines;
  std::vector<Problem> problems;
};

Profile Lower(const ir::Policy& policy, const ir::Domain& domain, const TargetFacts& target);

// --- the parts, each in its own file
void LowerFiles(const ir::Policy& policy, const ir::Domain& domain, Profile& profile);
void LowerLimits(const ir::Domain& domain, Profile& profile);
void LowerCapabilities(const ir::Domain& domain, Profile& profile);
void LowerNetwork(const ir::Domain& domain, const TargetFacts& target, Profile& profile);
void LowerPeers(const ir::Policy& policy, const ir::Domain& domain, const TargetFacts& target, Profile& profile);  // signal, ptrace
void LowerLinks(const ir::Domain& domain, Profile& profile);
void LowerDomains(const ir::Domain& domain, Profile& profile);
void LowerMounts(const ir::Domain& domain, Profile& profile);

// The name of a domain's profile, as peers and transitions name it; of the domain of that name.
std::string ProfileName(const ir::Domain& domain);
std::string ProfileName(const ir::Policy& policy, const std::string& domain);

}  // namespace ravelin::apparmor
