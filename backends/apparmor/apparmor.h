// The AppArmor back end: a policy's profiles as text, compiled by apparmor_parser and proved.
#pragma once

#include <string>
#include <vector>

#include "backends/apparmor/lower.h"
#include "compiler/base/result.h"
#include "compiler/ir/policy.h"

namespace ravelin::apparmor {

// How one domain's profile came out.
struct ProfileResult {
  std::string name;
  bool proved = false;
  std::string why_not;            // a difference, or why it could not be decided
  std::vector<Problem> problems;  // not expressible; no text was made then
};

struct Artifact {
  std::string text;  // all profiles of the policy; empty where a domain has problems
  std::vector<ProfileResult> profiles;  // one for each domain
  size_t binary_size = 0;               // of all compiled profiles
  std::string parser;                   // version of the apparmor_parser that compiled them
};

// `head`: comment lines on top.  Fails with kEnvironment where apparmor_parser is missing, with kMalformed where it rejects the
// text: a defect of ours, said with the source line that it comes from.
Result<Artifact> Compile(const ir::Policy& policy, const TargetFacts& target, const std::vector<std::string>& head);

}  // namespace ravelin::apparmor
