// Random policies for AppArmor as source text, and names that their patterns turn on.
#pragma once

#include <random>
#include <set>
#include <string>
#include <vector>

#include "compiler/ir/policy.h"

namespace ravelin::testing {

struct RandomProfile {
  std::string text;
  std::set<std::string> kinds;  // rule kinds and parts of globs that it uses
};

// Several domains; file and exec rules of every verb over patterns from one small alphabet, so that their sets overlap; records,
// owners, transitions; sockets, capabilities, signals, ptrace and mounts with their peers.
RandomProfile MakeProfile(std::mt19937_64& random);

// Resolved names at and beside the patterns of the domain's rules.
std::vector<std::string> MakeNames(const ir::Domain& domain, size_t count, std::mt19937_64& random);

// True where two file or exec rules of the domain name sets that meet and differ.
bool HasOverlaps(const ir::Domain& domain);

}  // namespace ravelin::testing
