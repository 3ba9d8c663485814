// Random policies: program, plain program, proof and oracle agree.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/filter.h>

#include <cstdlib>
#include <map>

#include "backends/seccomp/codegen.h"
#include "backends/seccomp/lower.h"
#include "backends/seccomp/prove/prove.h"
#include "backends/seccomp/prove/symbolic.h"
#include "compiler/ir/ir_json.h"
#include "compiler/oracle/decide.h"
#include "tests/support/compiled.h"
#include "tests/support/random_policy.h"

namespace ravelin {
namespace {

size_t Setting(const char* name, size_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoul(text, nullptr, 10);
}

struct Tally {
  size_t policies = 0;
  size_t refused = 0;  // two rules contradict each other: an error, nothing to compare
  size_t events = 0;
  size_t wrong = 0;
  size_t unproved = 0;
  size_t instructions = 0;
  size_t aimed = 0;
  size_t too_large = 0;  // an error of the source: nothing to compare
  size_t plain_too_large = 0;
  size_t large = 0;  // not all contexts of arguments were told apart
  std::map<std::string, size_t> kinds;
  std::map<std::string, size_t> actions;
};

// Every instruction that the random calls did not reach is reached by a call that is made for it, and the oracle agrees there
// too.  None is dead.
void ReachTheRest(const ir::Domain& domain, const seccomp::Generated& generated, const std::vector<bool>& executed, const std::string& text, Tally& tally) {
  const seccomp::Program& program = generated.program;
  constexpr uint32_t kMark = 0x7ff0dead;  // an answer that no policy here gives
  const bool big_endian = kernel::IsBigEndian(domain.architectures.front());
  for (size_t i = 0; i < program.size(); ++i) {
    ++tally.instructions;
    if (executed[i]) continue;
    seccomp::Program marked = program;
    marked[i] = {BPF_RET | BPF_K, 0, 0, kMark};
    ir::Diagrams diagrams;
    const auto node = seccomp::SymbolicProgram(marked, big_endian, std::nullopt, diagrams);
    ASSERT_TRUE(node.has_value()) << text;
    const auto input = diagrams.Find(*node, [](uint32_t value) { return value == kMark; });
    if (!input && !generated.contexts_told_apart) continue;
    ASSERT_TRUE(input.has_value()) << "instruction " << i << " is never executed\n" << seccomp::FormatListing(program) << text;
    ++tally.aimed;
    ir::Event event;
    event.audit_arch = input->arch;
    event.number = input->number;
    event.args = input->args;
    event.instruction_pointer = input->instruction_pointer;
    ASSERT_EQ(seccomp::RunProgram(marked, event, big_endian).value, kMark);
    ASSERT_EQ(seccomp::RunProgram(program, event, big_endian).value, ir::ToSeccompReturn(oracle::DecideCall(domain, event).action)) << text;
  }
}

void Compare(const ir::Domain& domain, const std::string& text, std::mt19937_64& random, Tally& tally) {
  const seccomp::FilterSpec spec = seccomp::Lower(domain);
  const auto optimized = seccomp::Generate(spec, {});
  const auto plain = seccomp::Generate(spec, {{}, false});
  if (!optimized && optimized.error().code == ErrorCode::kTooLarge) {
    ++tally.too_large;
    return;
  }
  // Where only the straight one is too large, the other is compared with the oracle alone.
  ASSERT_TRUE(optimized.has_value() && (plain.has_value() || plain.error().code == ErrorCode::kTooLarge)) << text;
  tally.plain_too_large += plain ? 0 : 1;
  tally.large += optimized->contexts_told_apart ? 0 : 1;
  const bool big_endian = kernel::IsBigEndian(domain.architectures.front());
  const auto proof = seccomp::Prove(domain, optimized->program, big_endian);
  tally.unproved += proof.proved ? 0 : 1;
  EXPECT_TRUE(proof.proved) << proof.why_not << (proof.counterexample ? driver::ShowEvent(proof.counterexample->event) : "") << "\n" << text;
  std::vector<bool> executed(optimized->program.size());
  for (const ir::Event& event : testing::MakeEvents(domain, 200, random)) {
    const uint32_t expected = ir::ToSeccompReturn(oracle::DecideCall(domain, event).action);
    const seccomp::Run run = seccomp::RunProgram(optimized->program, event, big_endian, true);
    const uint32_t plainly = plain ? seccomp::RunProgram(plain->program, event, big_endian).value : expected;
    ++tally.events;
    ++tally.actions[FormatAction(*ir::FromSeccompReturn(expected))];
    for (const uint32_t at : run.path) executed[at] = true;
    if (run.value == expected && plainly == expected) continue;
    ++tally.wrong;
    ADD_FAILURE() << driver::ShowEvent(event) << fmt::format(" args {:#x}: the oracle says {:#x}, the program {:#x}, without optimization {:#x}\n", fmt::join(event.args, ", "), expected, run.value, plainly) << text;
    return;
  }
  if (tally.policies % 20 == 0) ReachTheRest(domain, *optimized, executed, text, tally);
}

TEST(Random, ProgramsAgreeWithTheOracle) {
  const size_t cases = Setting("RAVELIN_PROPERTY_CASES", 5000);
  std::mt19937_64 random(Setting("RAVELIN_PROPERTY_SEED", 1));
  Tally tally;
  while (tally.policies < cases && tally.wrong + tally.unproved < 5) {
    const testing::RandomPolicy policy = testing::MakePolicy(random);
    const auto front = testing::ReadText(policy.text, "debian12", policy.arch);
    ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front) << policy.text;
    const ir::Domain& domain = front->policy.domains.front();
    diag::Sink conflicts;
    driver::CheckConflicts(domain, conflicts);
    if (conflicts.HasErrors()) {
      ++tally.refused;
      ASSERT_LT(tally.refused, 1000 + 2 * tally.policies);
      continue;
    }
    ++tally.policies;
    for (const std::string& kind : policy.kinds) ++tally.kinds[kind];
    Compare(domain, policy.text, random, tally);
    if (tally.policies % 16 != 0) continue;
    const auto again = ir::ReadJson(ir::DumpJson(front->policy));  // the printed form says the same
    ASSERT_TRUE(again.has_value()) << policy.text;
    ASSERT_EQ(ir::DumpJson(*again), ir::DumpJson(front->policy));
  }
  EXPECT_LT(tally.too_large * 1000, tally.policies + 999);
  std::string coverage;
  for (const auto& [kind, count] : tally.kinds) {
    coverage += fmt::format(" {} {:.0f}%", kind, 100.0 * static_cast<double>(count) / static_cast<double>(tally.policies));
    EXPECT_GE(count * 20, tally.policies) << kind << " takes part in less than 5%";
  }
  EXPECT_EQ(tally.kinds.size(), 19u) << "a kind that reaches seccomp does not take part";
  std::string actions;
  for (const auto& [action, count] : tally.actions) actions += fmt::format(" {}: {}", action, count);
  fmt::print("{} policies ({} contradictory ones left out), {} calls, {} wrong; {} refused as too large, {} without optimization only, {} with more contexts than are told apart\nkinds:{}\nactions:{}\ninstructions of every 20th policy: {}, all executed, {} of them by calls aimed at them\n", tally.policies, tally.refused, tally.events, tally.wrong, tally.too_large, tally.plain_too_large, tally.large, coverage, actions,
             tally.instructions, tally.aimed);
}

}  // namespace
}  // namespace ravelin
