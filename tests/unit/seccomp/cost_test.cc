#include "backends/seccomp/cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>

#include <random>

#include "backends/seccomp/codegen.h"
#include "backends/seccomp/lower.h"
#include "compiler/driver/frequencies.h"
#include "compiler/import/oci_import.h"
#include "tests/support/compiled.h"
#include "tests/support/programs.h"

namespace ravelin::seccomp {
namespace {

TEST(Cost, OneNumberIsOneComparison) {
  const ir::Domain domain = testing::DomainOf("language 1\npolicy p {\n  allow syscall read\n  default deny syscall with errno(EPERM)\n}\n");
  const FilterSpec spec = Lower(domain);
  const auto filter = Generate(spec, {});
  ASSERT_TRUE(filter.has_value());
  const CostReport report = ReportCost(spec, filter->program, {{"read", 1}});
  // Load and test of the architecture, load of the number, `==`, return.
  EXPECT_DOUBLE_EQ(report.uniform, 5);
  EXPECT_DOUBLE_EQ(report.uniform_optimum, 5);
  EXPECT_DOUBLE_EQ(report.weighted_optimum, 5);
  EXPECT_EQ(report.constant_allows, 1u);
  EXPECT_EQ(report.cacheable, 1u);
}

TEST(Cost, NoEmittedTreeBeatsTheOptimum) {
  std::mt19937 random(20);
  const auto calls = kernel::Syscalls(kernel::Arch::kX86_64);
  for (int round = 0; round < 40; ++round) {
    std::string allowed;
    std::map<std::string, double> weights;
    for (const kernel::Syscall& call : calls) {
      if (call.number > 300) continue;
      if (random() % 3 == 0) allowed += (allowed.empty() ? "" : ", ") + std::string(call.name);
      if (random() % 4 == 0) weights[std::string(call.name)] = std::pow(10.0, random() % 5);
    }
    const FilterSpec spec = Lower(testing::DomainOf("language 1\npolicy p {\n  allow syscall { " + allowed + " }\n  default deny syscall with errno(EPERM)\n}\n"));
    CodegenOptions options;
    if (round % 2 == 1) options.frequencies = weights;
    const auto filter = Generate(spec, options);
    ASSERT_TRUE(filter.has_value());
    const CostReport report = ReportCost(spec, filter->program, weights);
    EXPECT_LE(report.uniform_optimum, report.uniform + 1e-6);
    EXPECT_LE(report.weighted_optimum, report.weighted + 1e-6);
    const double emitted = round % 2 == 1 ? report.weighted : report.uniform;
    const double optimum = round % 2 == 1 ? report.weighted_optimum : report.uniform_optimum;
    EXPECT_LE(emitted, optimum * 1.06) << "round " << round;  // `==` stands at the top only
  }
}

// Docker's default on x86_64, without capabilities: the figures that the project promises.
TEST(Cost, DockersDefaultStaysWithinItsBounds) {
  RAVELIN_NEEDS_DATA("seccomp/moby-default.json");
  const std::string path = testing::SharedData("seccomp/moby-default.json");
  source::SourceManager sources;
  const auto file = sources.Load(path);
  ASSERT_TRUE(file.has_value());
  diag::Sink sink;
  const auto text = import::ImportOciSeccomp(*file, sources.Text(*file), {}, sink);
  ASSERT_TRUE(text.has_value());
  const FilterSpec spec = Lower(testing::DomainOf(*text));
  const auto workloads = driver::ReadFrequencies(testing::SharedData("seccomp/syscall-frequencies.json"));
  ASSERT_TRUE(workloads.has_value());
  CodegenOptions weighted;
  weighted.frequencies = driver::Mean(*workloads);

  const auto plain = Generate(spec, {});
  ASSERT_TRUE(plain.has_value());
  const CostReport uniform = ReportCost(spec, plain->program, {});
  EXPECT_LE(uniform.instructions, 100u);
  EXPECT_LE(uniform.uniform, 9.5);
  EXPECT_LE(uniform.uniform, uniform.uniform_optimum * 1.03);
  EXPECT_EQ(uniform.constant_allows, 305u);
  EXPECT_EQ(uniform.cacheable, 305u);

  const auto hot = Generate(spec, weighted);
  ASSERT_TRUE(hot.has_value());
  const CostReport mix = ReportCost(spec, hot->program, weighted.frequencies);
  EXPECT_LE(mix.instructions, 100u);
  EXPECT_LE(mix.weighted, 6.5);
  EXPECT_LE(mix.weighted, mix.weighted_optimum * 1.03);
  EXPECT_EQ(mix.cacheable, 305u);
}

TEST(Listing, EveryTestOfAnArgumentNamesItsRule) {
  const Generated filter = testing::FilterOf(testing::DomainOf(
      "language 1\npolicy p {\n  allow syscall read\n  allow syscall socket(domain in { AF_UNIX, AF_INET6 })\n  allow syscall personality(persona == 0)\n  default deny syscall with errno(EPERM)\n}\n"));
  size_t tests = 0;
  for (size_t i = 0; i < filter.program.size(); ++i) {
    if (BPF_CLASS(filter.program[i].code) != BPF_LD || filter.program[i].k < kOffsetArgs) continue;
    ++tests;
    EXPECT_THAT(filter.notes[i], ::testing::AnyOf(::testing::ContainsRegex("<- socket: .*test.rav:4:3 allow"), ::testing::ContainsRegex("<- personality: .*test.rav:5:3 allow")));
  }
  EXPECT_EQ(tests, 2u);
  EXPECT_THAT(filter.notes, ::testing::Contains(::testing::ContainsRegex("^nr .*<- socket: .*test.rav:4:3 allow")));
}

}  // namespace
}  // namespace ravelin::seccomp
