// Every cell of compiled profiles, changed by one: what the kernel could tell from the original is refused by the proof.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "backends/apparmor/emit.h"
#include "backends/apparmor/parser.h"
#include "backends/apparmor/prove/prove.h"
#include "backends/apparmor/read/compiled.h"
#include "compiler/kernel/apparmor_features.h"
#include "tests/support/apparmor_cells.h"
#include "tests/support/compiled.h"

namespace ravelin::apparmor {
namespace {

using testing::Cell;

// Small ones, that together use every permission, owners, records, silence, transitions, links, an attachment and every class.
const char* const kPolicies[] = {
    "policy p {\n  allow file { read, list } on path(\"/a/*\")\n  deny file { read, list } on path(\"/a/b\")\n  allow file { append } owner on path(\"/l\")\n  default deny\n}\n",
    "policy p {\n  attach \"/p*\"\n  allow file { link, lock } on path(\"/k\")\n  quiet deny file { link, read } on path(\"/q\")\n  audit allow file { write, map_exec } on path(\"/w\")\n  default deny\n}\n",
    "policy p {\n  allow exec \"/x?\"\n  allow exec \"/y\" as q\n  audit allow exec \"/z\" as unconfined_danger\n  default deny\n}\npolicy q {\n  default deny\n}\n",
    "policy p {\n  allow network { create } family AF_INET type SOCK_STREAM\n  allow signal { send } set SIGTERM, 34 peer q\n  quiet deny signal { send } set SIGKILL peer q\n  default deny\n}\npolicy q {\n  default deny\n}\n",
    "policy p {\n  allow ptrace { read } peer outside\n  audit allow ptrace { trace } peer self\n  allow mount { mount, pivot_root }\n  default deny\n}\n",
};

struct Count {
  size_t mutants = 0;
  size_t rejected = 0;        // and the kernel could tell
  size_t rejected_alike = 0;  // although the kernel could not
  size_t unread = 0;          // refused by the reader
  size_t equivalent = 0;      // proved, and the kernel could not tell
  size_t wrong = 0;           // proved, and the kernel could tell
};

class Mutants {
 public:
  Mutants(const ir::Policy& policy, std::vector<uint8_t> file) : policy_(policy), file_(std::move(file)) {}

  void Run(std::map<std::string, Count>& counts) {
    const auto original = ReadCompiled(file_);
    ASSERT_TRUE(original.has_value());
    std::vector<std::vector<Cell::Of>> kinds;
    for (const CompiledProfile& one : *original) {
      kinds.emplace_back();
      if (one.attach) kinds.back().push_back(Cell::Of::kAttachment);
      if (one.policy) kinds.back().push_back(Cell::Of::kPolicy);
      if (one.files) kinds.back().push_back(Cell::Of::kFiles);
    }
    for (const Cell& cell : testing::CellsOf(file_, kinds)) {
      Count& count = counts[cell.of == Cell::Of::kAttachment ? "attachment" : cell.of == Cell::Of::kPolicy ? "policy"
                                                                                                           : "files"];
      const uint32_t value = testing::ValueOf(file_, cell);
      if (cell.IsAccept()) {
        for (int bit = 0; bit < 32; ++bit) Try(cell, value ^ 1u << bit, count);
      } else {
        Try(cell, value + 1, count);
      }
    }
  }

 private:
  void Try(const Cell& cell, uint32_t value, Count& count) {
    if (++seen_ % Every() != 0) return;
    std::vector<uint8_t> mutant = file_;
    testing::SetValue(mutant, cell, value);
    if (mutant == file_) return;
    ++count.mutants;
    const auto compiled = ReadCompiled(mutant);
    if (!compiled) {
      ++count.unread;
      return;
    }
    const CompiledProfile& one = (*compiled)[cell.profile];
    const ir::Domain* domain = nullptr;
    for (const ir::Domain& each : policy_.domains) domain = each.name == one.name ? &each : domain;
    ASSERT_NE(domain, nullptr);
    const auto proof = Prove(policy_, *domain, one, "6.1");
    const bool alike = testing::AnswersAlike(file_, mutant, cell);
    if (!proof || !proof->proved) {
      ++(alike ? count.rejected_alike : count.rejected);
      return;
    }
    ++(alike ? count.equivalent : count.wrong);
    if (!alike && count.wrong < 5) ADD_FAILURE() << fmt::format("proved, and the kernel could tell: {} of `{}`, table {}, offset {}, {:#x} -> {:#x}", cell.of == Cell::Of::kFiles ? "files" : "policy", one.name, cell.table, cell.at, testing::ValueOf(file_, cell), value);
  }

  // One change of so many; 1 in the long run.  Coprime to the bits of an entry, so that each bit has its turn.
  static size_t Every() {
    const char* text = std::getenv("RAVELIN_CELLS_EVERY");
    return text == nullptr ? 11 : std::max<size_t>(1, std::strtoul(text, nullptr, 10));
  }

  const ir::Policy& policy_;
  std::vector<uint8_t> file_;
  size_t seen_ = 0;
};

TEST(Cells, EveryChangeThatTheKernelCouldTellIsRejected) {
  if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message;
  std::map<std::string, Count> counts;
  for (const std::string text : kPolicies) {
    const auto front = testing::ReadText("language 1\n" + text);
    ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
    std::vector<Profile> profiles;
    for (const ir::Domain& domain : front->policy.domains) profiles.push_back(Lower(front->policy, domain, {"6.1"}));
    const auto verdict = RunParser(Emit(profiles, {}).text, kernel::ApparmorFeaturesText("6.1"));
    ASSERT_TRUE(verdict.has_value() && verdict->accepted) << (verdict ? verdict->message : verdict.error().message);
    const auto compiled = ReadCompiled(verdict->binary);
    ASSERT_TRUE(compiled.has_value());
    for (const CompiledProfile& one : *compiled) {  // else every change of it would be rejected for nothing
      const auto domain = std::find_if(front->policy.domains.begin(), front->policy.domains.end(), [&](const ir::Domain& each) { return each.name == one.name; });
      const auto proof = Prove(front->policy, *domain, one, "6.1");
      ASSERT_TRUE(proof.has_value() && proof->proved) << text << (proof ? proof->difference : proof.error().message);
    }
    Mutants(front->policy, verdict->binary).Run(counts);
  }
  for (const auto& [kind, count] : counts) {
    fmt::print("{}: {} mutants, {} rejected, {} rejected though no question tells them apart, {} not readable, {} equivalent, {} wrongly proved\n", kind, count.mutants, count.rejected, count.rejected_alike, count.unread, count.equivalent, count.wrong);
    EXPECT_EQ(count.wrong, 0u);
    EXPECT_GT(count.rejected, 20u);
  }
  EXPECT_EQ(counts.size(), 3u);
}

}  // namespace
}  // namespace ravelin::apparmor
