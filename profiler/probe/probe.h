// Attempts in a guest kernel under real enforcement, against what the oracle and the layers say beforehand.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backends/combine/effective.h"
#include "profiler/probe/plan.h"
#include "profiler/verify/verify.h"

namespace ravelin::probe {

// kUnsure: it depends on what the attempt leaves open, or no layer of the set can be judged by it.
enum class Expected { kPermitted, kRefused, kUnsure };

// What a layer set must do about an attempt: refuse it where one of its members does.
Result<Expected> ExpectOf(combine::Effective& effective, const std::vector<std::string>& layers, const Probe& probe);
// Whether the policy permits all of it, the calls as such included or not.
bool PolicyPermits(const ir::Domain& domain, const Probe& probe, bool with_calls);
// The errno by which the filter refuses it; 0 where it does not, or does so otherwise.
int FilterRefusal(const ir::Domain& domain, const Probe& probe);

struct Finding {
  size_t probe = 0;  // of the plan
  std::string text;  // what was expected and what came
};

struct SetReport {
  std::vector<std::string> layers;
  std::string kernel;
  size_t permitted = 0;  // expected to be, and were
  size_t refused = 0;
  size_t excess = 0;     // of the permitted: what the policy refuses, and the gap report says that this set lets pass
  size_t loss = 0;       // of the refused: what the policy permits
  std::vector<Finding> disagreements;
  std::map<std::string, size_t> known;    // attempts that a known difference of the kernel explains, by its name
  std::vector<Finding> undecided;         // attempts from which nothing follows
  std::vector<std::string> inconclusive;  // why the whole run does not count
};

// `request`: the artifacts, its first step the prober in the policy's domain.  One boot for each layer set, one without confinement for
// each kernel to compare with.
Result<std::vector<SetReport>> RunProbes(const verify::Request& request, const Plan& plan, combine::Effective& effective);

}  // namespace ravelin::probe
