// Gaps and `never` over layer sets, and the boxes they are computed from.
#include "backends/combine/gaps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "backends/seccomp/lower.h"
#include "compiler/driver/analyze.h"
#include "compiler/oracle/decide.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

using ::testing::HasSubstr;

std::string Policy(const std::string& layers, const std::string& rules) { return "language 1\npolicy p {\n  layers { " + layers + " }\n" + rules + "\n}\n"; }

// What `check` says of the policy.
std::string Said(const std::string& layers, const std::string& rules) {
  const auto front = testing::ReadText(Policy(layers, rules));
  EXPECT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  for (const ir::Domain& domain : front->policy.domains) driver::Analyze(front->policy, domain, seccomp::Lower(domain), {}, driver::GapsAre::kErrors, nullptr, front->sink);
  return testing::Messages(*front);
}

// "file/delete wider" for each gap of a rule.
std::set<std::string> GapsOf(const std::string& layers, const std::string& rules) {
  const auto front = testing::ReadText(Policy(layers, rules));
  EXPECT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  const ir::Domain& domain = front->policy.domains.front();
  const seccomp::FilterSpec spec = seccomp::Lower(domain);
  combine::Effective effective(domain, spec, {});
  const auto gaps = combine::FindGaps(effective, domain.layer_sets.front());
  EXPECT_TRUE(gaps.has_value());
  std::set<std::string> out;
  for (const combine::Gap& gap : *gaps) {
    if (gap.rule) out.insert(kernel::Facets()[gap.facet].name + "/" + kernel::Facets()[gap.facet].operations[static_cast<size_t>(gap.operation)] + (gap.wider ? " wider" : " narrower"));
  }
  return out;
}

// Clause 7.6: what no module asks is let pass, filter or not.
TEST(Never, HoldsOfASetWithoutAFilterOnlyIfAModuleRefuses) {
  EXPECT_THAT(Said("apparmor", "  never file { xattr } on path(\"/etc/**\")\n  default deny"), HasSubstr("[never-violated]"));
  EXPECT_THAT(Said("apparmor", "  never file { write } on path(\"/etc/**\")\n  default deny"), ::testing::Not(HasSubstr("[never-violated]")));
}

// Clause 7.7: operations of io_uring pass no filter.
TEST(Never, IsReachedThroughIoUring) {
  const std::string rest = "  never network { create } family AF_ALG\n  default deny network, syscall, io_uring";
  EXPECT_THAT(Said("seccomp", "  allow syscall { io_uring_setup, io_uring_enter }\n" + rest), HasSubstr("[never-violated]"));
  EXPECT_THAT(Said("seccomp", "  allow syscall { read }\n" + rest), ::testing::Not(HasSubstr("[never-violated]")));
}

// A write that is refused at open may still come by a descriptor: `never` counts every call, a gap its way in.
TEST(Never, CountsCallsThatAreNoWayIn) {
  const std::string rules = "  allow syscall { write }\n  never file { write } on path(\"/etc/**\")\n  default deny file, syscall";
  EXPECT_THAT(Said("seccomp", rules), HasSubstr("[never-violated]"));
}

// Clause 7.4: the accepted gap of another rule does not excuse it.
TEST(Never, IsJudgedOverAcceptedGaps) {
  const std::string rules = "  logs: allow file { create } on path(\"/etc/log\")\n  accept gap logs wider on seccomp + apparmor because \"test\"\n  never file { write } on path(\"/etc/**\")\n  default deny file, syscall";
  EXPECT_THAT(Said("seccomp + apparmor", rules), HasSubstr("[never-violated]"));
}

// Clause 7.3: the same kinds of rules with other sets get other verdicts.
TEST(Gaps, AreSetsAndNotKinds) {
  const std::string rest = "\n  allow file { inherit, traverse }\n  default deny file, network, syscall";
  EXPECT_TRUE(GapsOf("seccomp + apparmor", "  allow network { create } family AF_INET type SOCK_STREAM" + rest).empty());
  EXPECT_FALSE(GapsOf("seccomp + apparmor", "  allow network { create, bind } family AF_INET type SOCK_STREAM port 80" + rest).empty());
  EXPECT_TRUE(GapsOf("seccomp + apparmor", "  allow file { read } on path(\"/a\")" + rest).empty());
  EXPECT_THAT(GapsOf("seccomp", "  allow file { read } on path(\"/a\")" + rest), ::testing::Contains("file/read wider"));
  EXPECT_THAT(GapsOf("seccomp + apparmor", "  allow file { create } on path(\"/a\")" + rest), ::testing::Contains("file/write wider"));
}

// Clause 7.9.
TEST(Gaps, AnExecThatChangesTheProfileIsLostUnderNoNewPrivs) {
  const std::string rest = "\n  allow file { inherit, traverse }\n  default deny\n}\npolicy q {\n  default deny";
  EXPECT_THAT(GapsOf("seccomp + apparmor", "  allow exec \"/bin/q\" as q" + rest), ::testing::Contains("exec/exec narrower"));
  EXPECT_THAT(GapsOf("seccomp + apparmor", "  allow exec \"/bin/q\"" + rest), ::testing::Not(::testing::Contains("exec/exec narrower")));
}

// Whoever may bind a folder somewhere may change the propagation of what is there: SELinux asks the same, and of a new mount more.
TEST(Gaps, AChangeOfPropagationIsNoNewMountToSelinux) {
  const std::string rest = "\n  allow file { inherit, traverse }\n  default deny";
  EXPECT_THAT(GapsOf("selinux", "  allow mount { bind } on \"/m\"" + rest), ::testing::Contains("mount/mount wider"));
  EXPECT_THAT(GapsOf("selinux", "  allow mount { umount } on \"/m\"" + rest), ::testing::Not(::testing::Contains("mount/mount wider")));
}

// Clause 7.13: `w` comes with whatever AppArmor asks it for, on all the names or on some.
TEST(Gaps, WhoMayNotWriteLosesExclusiveLocksUnderApparmor) {
  const std::string rest = "\n  allow file { inherit, traverse }\n  default deny";
  const auto lost = [&](const std::string& layers, const std::string& rules) { return GapsOf(layers, rules + rest).count("file/lock narrower") != 0; };
  EXPECT_TRUE(lost("seccomp + apparmor", "  allow file { read, lock } on path(\"/a/*\")"));
  EXPECT_TRUE(lost("seccomp + apparmor", "  allow file { lock }"));
  EXPECT_FALSE(lost("seccomp + apparmor", "  allow file { read, lock, write } on path(\"/a/*\")"));
  EXPECT_FALSE(lost("seccomp + apparmor", "  allow file { lock } on path(\"/a/b\")\n  allow file { delete } on path(\"/a/**\")"));
  EXPECT_TRUE(lost("seccomp + apparmor", "  allow file { lock } on path(\"/a/*\")\n  allow file { write } on path(\"/a/b\")"));
  EXPECT_FALSE(lost("seccomp + selinux", "  allow file { read, lock } on path(\"/a/*\")"));
  EXPECT_FALSE(lost("seccomp", "  allow file { read, lock } on path(\"/a/*\")"));
  // Where no call can ask for it, nothing is lost.
  EXPECT_FALSE(lost("seccomp + apparmor", "  allow file { read, lock } on path(\"/a/*\")\n  deny syscall { flock }"));
  EXPECT_TRUE(lost("apparmor", "  allow file { read, lock } on path(\"/a/*\")\n  deny syscall { flock }"));
}

// The boxes say of every object what the oracle says (clauses 5.2, 2.6 and 5.7), on random rules.
TEST(Boxes, DecideAsTheOracle) {
  std::mt19937_64 random(31);
  const std::vector<std::string> patterns = {"/a", "/a/**", "/a/*", "/a/b", "/**", "/{a,b}/b"};
  const std::vector<std::string> names = {"/", "/a", "/a/b", "/a/b/c", "/b", "/b/b"};
  const char* const file_operations[] = {"read", "write", "map_exec", "ioctl", "create"};
  size_t permitted_count = 0;
  size_t judged = 0;
  for (int round = 0; round < 150; ++round) {
    std::string rules;
    for (size_t i = 0; i < 1 + random() % 6; ++i) {
      const char* const verbs[] = {"allow", "allow", "deny", "complain"};
      const std::string verb = verbs[random() % 4];
      const std::string path = "\"" + patterns[random() % patterns.size()] + "\"";
      switch (random() % 4) {
        case 0: rules += "  " + verb + " exec " + path + "\n"; break;
        case 1: rules += "  " + verb + " network { create, bind } family " + (random() % 2 == 0 ? "AF_INET" : "AF_UNIX") + " port " + std::to_string(80 + random() % 2) + "\n"; break;
        default: {
          const std::string operation = file_operations[random() % 5];
          rules += "  " + verb + " file { " + operation + " }" + (random() % 3 == 0 ? " owner" : "") + (operation == "ioctl" && random() % 2 == 0 ? " command 5" : "") + " on path(" + path + ")\n";
        }
      }
    }
    const auto front = testing::ReadText(Policy("seccomp", rules + (random() % 4 == 0 ? "  default deny file, network, syscall" : "  default deny")));
    if (front->sink.HasErrors()) continue;  // two transitions that overlap, say
    const ir::Domain& domain = front->policy.domains.front();
    for (const std::string facet_name : {"file", "exec", "network"}) {
      const ir::FacetId facet = ir::FacetOf(facet_name);
      const auto& operations = kernel::Facets()[facet].operations;
      for (size_t operation = 0; operation < operations.size(); ++operation) {
        const auto boxes = ir::PermittedOf(domain, facet, static_cast<int>(operation));
        ASSERT_TRUE(boxes.has_value());
        for (const std::string& name : names) {
          for (const bool owner : {false, true}) {
            ir::ObjectCheck check{facet, static_cast<int>(operation), {{"command", 4 + random() % 2}, {"family", 1 + random() % 2}, {"type", 1}, {"protocol", 0}}, {{"path", name}}, owner};
            if (!kernel::OperationLacks(facet_name, operations[operation], "port")) check.integers["port"] = 79 + random() % 3;
            const auto in = [&](const ir::Box& box) {
              for (const auto& [attribute, set] : box.integers) {
                if (!set.Contains(attribute == "owner" ? (owner ? 1 : 0) : check.integers.at(attribute))) return false;
              }
              for (const auto& [attribute, set] : box.texts) {
                if (!set.Contains(check.texts.at(attribute))) return false;
              }
              return true;
            };
            const bool by_boxes = std::any_of(boxes->begin(), boxes->end(), in);
            // The call itself is left out: only the object decides here.
            ir::Event event;
            event.audit_arch = kernel::AuditArch(domain.architectures.front());
            event.objects = {check};
            ir::Domain objects_only = domain;
            objects_only.defaults[ir::FacetOf("syscall")] = {};
            objects_only.unknown_syscall.reset();
            event.number = kernel::FindSyscall(domain.architectures.front(), "getpid")->number;
            const bool by_oracle = oracle::Decide(objects_only, event).permitted();
            ASSERT_EQ(by_boxes, by_oracle) << rules << facet_name << " " << operations[operation] << " " << name << " owner " << owner;
            permitted_count += by_oracle ? 1 : 0;
            ++judged;
          }
        }
      }
    }
  }
  EXPECT_GT(judged, 20000u);
  EXPECT_GT(permitted_count, 1000u);
}

}  // namespace
}  // namespace ravelin
