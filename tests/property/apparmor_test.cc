// Random policies: their compiled profiles are proved, and the oracle agrees with the compiled automata event by event.
#include "backends/apparmor/apparmor.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "backends/apparmor/emit.h"
#include "backends/apparmor/lower.h"
#include "backends/apparmor/parser.h"
#include "backends/apparmor/prove/prove.h"
#include "backends/apparmor/read/compiled.h"
#include "compiler/driver/permitted.h"
#include "compiler/kernel/apparmor_features.h"
#include "tests/support/apparmor_oracle.h"
#include "tests/support/compiled.h"
#include "tests/support/random_profile.h"

namespace ravelin::apparmor {
namespace {

size_t Setting(const char* variable, size_t usual) {
  const char* text = getenv(variable);
  return text == nullptr ? usual : static_cast<size_t>(strtoul(text, nullptr, 10));
}

struct Tally {
  size_t policies = 0;
  size_t contradictory = 0;  // an error of the source: nothing to compare
  size_t inexpressible = 0;  // a rule that AppArmor has no words for, said so
  size_t overlapping = 0;
  size_t profiles = 0;
  size_t events = 0;
  size_t permitted = 0;
  size_t wrong = 0;
  std::map<std::string, size_t> kinds;
};

// As `ravelin compile` does; then the compiled file is judged without the proof.
void Compare(const ir::Policy& policy, const std::string& text, std::mt19937_64& random, Tally& tally) {
  std::vector<Profile> profiles;
  for (const ir::Domain& domain : policy.domains) profiles.push_back(Lower(policy, domain, {"6.1"}));
  const std::string emitted = Emit(profiles, {}).text;
  const auto verdict = RunParser(emitted, kernel::ApparmorFeaturesText("6.1"));
  ASSERT_TRUE(verdict.has_value()) << verdict.error().message;
  if (!verdict->accepted) {
    ++tally.wrong;
    ADD_FAILURE() << "rejected: " << verdict->message << "\n"
                  << text << emitted;
    return;
  }
  const auto compiled = ReadCompiled(verdict->binary);
  ASSERT_TRUE(compiled.has_value()) << compiled.error().message << text;
  ASSERT_EQ(compiled->size(), policy.domains.size());
  for (const CompiledProfile& one : *compiled) {
    const ir::Domain* domain = nullptr;
    for (const ir::Domain& each : policy.domains) domain = each.name == one.name ? &each : domain;
    ASSERT_NE(domain, nullptr) << one.name;
    const auto proof = Prove(policy, *domain, one, "6.1");
    ++tally.profiles;
    if (!proof || !proof->proved) {
      ++tally.wrong;
      ADD_FAILURE() << one.name << ": not proved: " << (proof ? proof->difference : proof.error().message) << "\n"
                    << text << emitted;
      continue;
    }
    const testing::Judged judged = testing::JudgeByOracle(policy, *domain, one, 60, random);
    tally.events += judged.events;
    tally.permitted += judged.permitted;
    if (!judged.wrong) continue;
    ++tally.wrong;
    ADD_FAILURE() << one.name << ": proved, but " << *judged.wrong << "\n"
                  << text << emitted;
  }
}

TEST(ApparmorProperty, RandomPoliciesAreProvedAndTheOracleAgrees) {
  if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message;
  const size_t cases = Setting("RAVELIN_APPARMOR_POLICIES", 200);
  std::mt19937_64 random(Setting("RAVELIN_PROPERTY_SEED", 1));
  Tally tally;
  while (tally.policies < cases && tally.wrong < 5) {
    const testing::RandomProfile made = testing::MakeProfile(random);
    const auto front = testing::ReadText(made.text);
    ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front) << made.text;
    diag::Sink conflicts;
    for (const ir::Domain& domain : front->policy.domains) driver::CheckConflicts(domain, conflicts);
    bool expressible = true;
    for (const ir::Domain& domain : front->policy.domains) expressible = expressible && Lower(front->policy, domain, {"6.1"}).problems.empty();
    tally.contradictory += conflicts.HasErrors() ? 1 : 0;
    tally.inexpressible += !conflicts.HasErrors() && !expressible ? 1 : 0;
    ASSERT_LT(tally.contradictory + tally.inexpressible, 1000 + 4 * tally.policies) << "too few are compiled";
    if (conflicts.HasErrors() || !expressible) continue;
    ++tally.policies;
    for (const std::string& kind : made.kinds) ++tally.kinds[kind];
    bool overlaps = false;
    for (const ir::Domain& domain : front->policy.domains) overlaps = overlaps || testing::HasOverlaps(domain);
    tally.overlapping += overlaps ? 1 : 0;
    Compare(front->policy, made.text, random, tally);
    if (HasFatalFailure()) return;
  }
  std::string coverage;
  for (const auto& [kind, count] : tally.kinds) {
    coverage += fmt::format("\n  {:24} {:5.1f}%", kind, 100.0 * static_cast<double>(count) / static_cast<double>(tally.policies));
    const bool enough = count * 20 >= tally.policies || cases < 200;
    EXPECT_TRUE(enough) << kind << " takes part in fewer than 5%";
  }
  EXPECT_GE(tally.overlapping * 20, tally.policies);
  fmt::print("{} policies ({} contradictory and {} inexpressible ones left out; {} with overlapping sets), {} profiles, {} events ({} permitted), {} wrong{}\n", tally.policies, tally.contradictory, tally.inexpressible, tally.overlapping, tally.profiles, tally.events, tally.permitted, tally.wrong, coverage);
}

}  // namespace
}  // namespace ravelin::apparmor
