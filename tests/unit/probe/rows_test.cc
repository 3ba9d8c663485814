// Every row of the view tables has an attempt that asks for it, or a reason why it has none.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "compiler/ir/grant.h"
#include "compiler/kernel/lsm_view.h"
#include "compiler/kernel/selinux_facts.h"
#include "profiler/probe/catalogue.h"
#include "profiler/probe/plan.h"
#include "tests/support/compiled.h"

namespace ravelin::probe {
namespace {

// A rule of every kind that a probe can be made for.
constexpr const char* kEverything = R"(language 1
policy all {
  layers { seccomp + apparmor, seccomp + selinux }
  default deny
  allow file { getattr, traverse, read, list, write, append, truncate, create, create_dir, create_fifo, create_socket, create_char,
    create_block, create_symlink, delete, rename, setattr, xattr, utimes, lock, map_exec, watch } on path("/srv/a/*")
  allow file { link } on path("/srv/b/*") to path("/srv/a/*")
  allow file { ioctl } command { 0x5401 } on path("/srv/a/*")
  allow file { ioctl } command { FIONREAD } on path("/srv/c/*")
  allow file { ioctl } command { 0x40086602 } on path("/srv/d/*")
  allow exec "/usr/bin/helper"
}
)";

// Rows that no attempt of a probe asks for: table, facet, operations (or calls of the filter's table; "*" all), and why.
struct Without {
  const char* table;
  const char* facet;
  std::set<std::string> what;
  const char* why;
};
constexpr const char* kNoCheckComesFirst = "no call asks for it before something else decides, or fails for want of it";
constexpr const char* kAskedByADaemon = "messages are asked about by the bus' daemon, and no call of a kernel";
constexpr const char* kOfTheLauncher = "descriptors of others come from the launcher, and what it may give is in the closed list of the base";
constexpr const char* kAnotherDomain = "what changes the domain is judged by the workloads that do it";
const std::vector<Without> kWithout = {
    {"apparmor", "capability", {"fsetid", "linux_immutable", "net_broadcast", "audit_write", "audit_control", "mac_override", "mac_admin", "block_suspend", "perfmon", "checkpoint_restore"}, kNoCheckComesFirst},
    {"selinux", "capability", {"fsetid", "linux_immutable", "net_broadcast", "audit_write", "audit_control", "mac_override", "mac_admin", "block_suspend", "perfmon", "checkpoint_restore"}, kNoCheckComesFirst},
    {"apparmor", "file", {"inherit"}, kOfTheLauncher},
    {"selinux", "file", {"inherit"}, kOfTheLauncher},
    {"apparmor", "dbus", {"*"}, kAskedByADaemon},
    {"selinux", "dbus", {"*"}, kAskedByADaemon},
    {"apparmor", "domain", {"change_at_exec"}, kAnotherDomain},
    {"selinux", "domain", {"change_at_exec"}, kAnotherDomain},
    {"selinux", "exec", {"exec"}, kAnotherDomain},
    {"apparmor", "syscall", {"call"}, "no module sees a call"},
    {"selinux", "syscall", {"call"}, "no module sees a call"},
    {"selinux", "bpf", {"use 7", "use 13", "use 14"}, "asked of a map or program that is there: BPF_OBJ_GET and BPF_*_GET_FD_BY_ID"},
    {"selinux", "keyring", {"use 8"}, "links keys and more that only keys of others can be asked for"},
};

const Plan& Everything() {
  static const Plan plan = [] {
    const ir::Domain domain = testing::DomainOf(kEverything);
    auto made = MakePlan(domain, true);
    EXPECT_TRUE(made.has_value());
    return std::move(*made);
  }();
  return plan;
}

bool IsWithout(const std::string& table, const std::string& facet, const std::string& what, std::set<const Without*>& used) {
  for (const Without& one : kWithout) {
    if (table != one.table || facet != one.facet || (one.what.count(what) == 0 && one.what.count("*") == 0)) continue;
    used.insert(&one);
    return true;
  }
  return false;
}

// Attempts that a security module is asked about, each check once.
std::vector<ir::ObjectCheck> Asked() {
  std::vector<ir::ObjectCheck> all;
  for (const Probe& probe : Everything().probes) {
    if (probe.bare) continue;
    for (const Call& call : probe.calls) {
      all.insert(all.end(), call.event.objects.begin(), call.event.objects.end());
      for (const auto& checks : call.one_of) all.insert(all.end(), checks.begin(), checks.end());
    }
  }
  return all;
}

std::vector<const ir::ObjectCheck*> Of(const std::vector<ir::ObjectCheck>& all, const std::string& facet, const std::string& operation) {
  std::vector<const ir::ObjectCheck*> out;
  for (const ir::ObjectCheck& check : all) {
    const kernel::FacetInfo& info = kernel::Facets()[check.facet];
    if (info.name == facet && info.operations[static_cast<size_t>(check.operation)] == operation) out.push_back(&check);
  }
  return out;
}

TEST(ProbeRows, EachRowOfTheFiltersViewHasAnAttempt) {
  std::map<uint32_t, std::vector<ir::Args>> made;
  for (const Probe& probe : Everything().probes) {
    for (const Call& call : probe.calls) made[call.number].push_back(call.event.args);
  }
  size_t rows = 0;
  std::set<const Without*> used;
  for (const kernel::Syscall& call : kernel::Syscalls(kernel::Arch::kX86_64)) {
    for (const ir::ConditionalRow& row : ir::RowsOf(kernel::Arch::kX86_64, call)) {
      ++rows;
      const auto& args = made[call.number];
      const bool has = std::any_of(args.begin(), args.end(), [&](const ir::Args& one) { return row.when.Holds(one); });
      EXPECT_NE(has, IsWithout("seccomp", row.row->facet, call.name, used)) << call.name << " for " << row.row->facet << " " << row.row->operation;
    }
  }
  EXPECT_GT(rows, 200u);
  for (const Without& one : kWithout) EXPECT_TRUE(std::string_view(one.table) != "seccomp" || used.count(&one) != 0) << "needless: " << one.facet << ": " << one.why;
}

TEST(ProbeRows, EachRowOfApparmorsViewHasAnAttempt) {
  const auto asked = Asked();
  std::set<const Without*> used;
  for (const kernel::LsmRow& row : kernel::LsmRows("apparmor")) {
    EXPECT_NE(!Of(asked, row.facet, row.operation).empty(), IsWithout("apparmor", row.facet, row.operation, used)) << row.facet << " " << row.operation;
  }
  for (const Without& one : kWithout) EXPECT_TRUE(std::string_view(one.table) != "apparmor" || used.count(&one) != 0) << "needless: " << one.facet << ": " << one.why;
}

TEST(ProbeRows, EachRowOfSelinuxsViewHasAnAttempt) {
  const auto asked = Asked();
  std::set<const Without*> used;
  for (const kernel::SelinuxViewRow& row : kernel::SelinuxViewRows()) {
    const auto checks = Of(asked, row.facet, row.operation);
    const bool has = std::any_of(checks.begin(), checks.end(), [&](const ir::ObjectCheck* check) {
      return std::all_of(row.conditions.begin(), row.conditions.end(), [&](const kernel::SelinuxCondition& condition) {
        const auto at = check->integers.find(condition.attribute);
        return !condition.words.empty() ? !condition.numbers.excluded == (condition.words.front() == "self") : at != check->integers.end() && condition.numbers.Holds(at->second);
      });
    });
    std::string what = row.operation;
    for (const kernel::SelinuxCondition& condition : row.conditions) {
      if (condition.attribute == "command" && row.facet != "file") what += fmt::format(" {}", condition.numbers.values.front());
    }
    const bool leaves = std::any_of(row.conditions.begin(), row.conditions.end(), [](const auto& condition) { return !condition.words.empty() && condition.numbers.excluded; });
    if (row.facet == "exec" && !leaves) what = "in the domain";
    EXPECT_NE(has, IsWithout("selinux", row.facet, what, used)) << row.facet << " " << row.operation << ": " << fmt::format("{}", fmt::join(row.classes, ",")) << " " << fmt::format("{}", fmt::join(row.permissions, ","));
  }
  for (const Without& one : kWithout) EXPECT_TRUE(std::string_view(one.table) != "selinux" || used.count(&one) != 0) << "needless: " << one.facet << ": " << one.why;
}

// Without its attempts nothing would be known of either side.
TEST(ProbeRows, BothSidesOfEveryRuleAndNoKindMoreThanTwoInFive) {
  const Plan& plan = Everything();
  std::map<std::string, size_t> kinds;
  std::map<std::pair<uint32_t, bool>, size_t> sides;
  for (const Probe& probe : plan.probes) {
    ++kinds[probe.kind];
    if (probe.rule) ++sides[{*probe.rule, probe.inside}];
  }
  EXPECT_GE(plan.probes.size(), 200u);
  for (const auto& [kind, count] : kinds) EXPECT_LE(count * 5, plan.probes.size() * 2) << kind;
  const ir::Domain domain = testing::DomainOf(kEverything);
  for (const ir::Rule& rule : domain.rules) {
    for (const bool inside : {true, false}) EXPECT_GT(sides[std::pair(rule.id, inside)], 0u) << rule.from.place << (inside ? " inside" : " outside");
  }
}

// Whoever may unmount anything still has to get to it: SELinux asks for a search of each folder on the way.
TEST(Mounts, TheWayToThePointIsAskedFor) {
  ir::Domain domain;
  for (const Probe& probe : MountProbes(domain, "/mnt/a/q")) {
    std::set<std::string> way;
    for (const ir::ObjectCheck& check : probe.calls.front().event.objects) {
      if (check.facet == ir::FacetOf("file")) way.insert(check.texts.at("path"));
    }
    EXPECT_EQ(way, (std::set<std::string>{"/", "/mnt", "/mnt/a"})) << probe.shown;
  }
}

}  // namespace
}  // namespace ravelin::probe
