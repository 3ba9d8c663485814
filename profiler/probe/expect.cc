#include <errno.h>

#include <algorithm>

#include "backends/selinux/base/grants.h"
#include "compiler/ir/boxes.h"
#include "compiler/oracle/decide.h"
#include "profiler/probe/probe.h"

namespace ravelin::probe {
namespace {

bool IsFile(const ir::ObjectCheck& check) {
  const std::string& facet = kernel::Facets()[check.facet].name;
  return facet == "file" || facet == "exec";
}

Result<ir::Box> BoxOf(const std::string& layer, const ir::ObjectCheck& check) {
  ir::Box box;
  for (const auto& [attribute, value] : check.integers) {
    // AppArmor tells directories from everything else; SELinux every kind of file.
    const bool plain = attribute == "kind" && IsFile(check) && layer == "apparmor" && value != 1;
    box.integers.emplace(attribute, ir::IntervalSet::Single(plain ? 0 : value));
  }
  box.integers.emplace("owner", ir::IntervalSet::Single(check.owner ? 1 : 0));
  for (const auto& [attribute, text] : check.texts) {
    RAVELIN_TRY(set, ir::PathSet::Parse(ir::LiteralPattern(text)));
    box.texts.emplace(attribute, std::move(set));
  }
  return box;
}

// The closed list of what every domain is granted beside its rules has one that a rule could speak of: the end of a child is told.
bool InTheBase(const std::string& layer, const ir::ObjectCheck& check) {
  constexpr uint64_t kChild = 17;  // SIGCHLD
  const auto signal = check.integers.find("signal");
  const auto peer = check.texts.find("peer");
  if (layer != "selinux" || signal == check.integers.end() || signal->second != kChild || peer == check.texts.end()) return false;
  const auto& grants = selinux::BaseGrants();
  return std::any_of(grants.begin(), grants.end(), [&](const selinux::BaseGrant& grant) {
    return grant.source == "domain" && grant.target == (peer->second == "outside" ? "launcher" : peer->second) && grant.object_class == "process" && std::find(grant.permissions.begin(), grant.permissions.end(), "sigchld") != grant.permissions.end();
  });
}

// What a security module must do about one question.
Result<Expected> AnswerOf(combine::Effective& effective, const std::string& layer, const ir::ObjectCheck& check) {
  RAVELIN_TRY(passed, effective.PassedBy(layer, check.facet, check.operation));
  if (!passed || InTheBase(layer, check)) return Expected::kPermitted;
  RAVELIN_TRY(box, BoxOf(layer, check));
  RAVELIN_TRY(outside, ir::Minus(ir::Boxes{box}, *passed));
  if (outside.empty()) return Expected::kPermitted;
  for (const ir::Box& one : *passed) {
    RAVELIN_TRY(both, ir::Meet(one, box));
    if (both) return Expected::kUnsure;
  }
  return Expected::kRefused;
}

class Judge {
 public:
  Judge(combine::Effective& effective, const std::string& layer) : effective_(effective), layer_(layer) {}

  Result<Expected> Of(const Probe& probe) {
    if (layer_ == "seccomp") {
      if (probe.actor == Actor::kOutside) return Expected::kPermitted;
      const bool all = std::all_of(probe.calls.begin(), probe.calls.end(), [&](const Call& call) { return call.may_fail || oracle::DecideCall(effective_.domain(), call.event).permitted(); });
      return all ? Expected::kPermitted : Expected::kRefused;
    }
    // A call with arguments of nothing reaches no object that a module would be asked about, or some; nobody knows beforehand.
    if (probe.bare) return Expected::kUnsure;
    Expected all = Expected::kPermitted;
    for (const Call& call : probe.calls) {
      std::vector<ir::ObjectCheck> asked = call.event.objects;
      if (const auto more = call.asked_by.find(layer_); more != call.asked_by.end()) asked.insert(asked.end(), more->second.begin(), more->second.end());
      for (const ir::ObjectCheck& check : asked) {
        RAVELIN_TRY(one, AnswerOf(effective_, layer_, check));
        if (one == Expected::kRefused) return one;
        if (one == Expected::kUnsure) all = one;
      }
      for (const std::vector<ir::ObjectCheck>& checks : call.one_of) {
        RAVELIN_TRY(some, OneOf(checks));
        if (some == Expected::kRefused) return some;
        if (some == Expected::kUnsure) all = some;
      }
    }
    return all;
  }

 private:
  Result<Expected> OneOf(const std::vector<ir::ObjectCheck>& checks) {
    Expected some = Expected::kRefused;
    for (const ir::ObjectCheck& check : checks) {
      RAVELIN_TRY(one, AnswerOf(effective_, layer_, check));
      if (one == Expected::kPermitted) return one;
      if (one == Expected::kUnsure) some = one;
    }
    return some;
  }

  combine::Effective& effective_;
  const std::string& layer_;
};

}  // namespace

Result<Expected> ExpectOf(combine::Effective& effective, const std::vector<std::string>& layers, const Probe& probe) {
  Expected expected = Expected::kPermitted;
  for (const std::string& layer : layers) {
    RAVELIN_TRY(one, Judge(effective, layer).Of(probe));
    if (one == Expected::kRefused) return one;
    if (one == Expected::kUnsure) expected = one;
  }
  return expected;
}

bool PolicyPermits(const ir::Domain& domain, const Probe& probe, bool with_calls) {
  return std::all_of(probe.calls.begin(), probe.calls.end(), [&](const Call& call) {
    if (with_calls && !call.may_fail && !oracle::DecideCall(domain, call.event).permitted()) return false;
    const auto permits = [&](const ir::ObjectCheck& check) { return oracle::DecideObject(domain, check).permitted(); };
    return std::all_of(call.event.objects.begin(), call.event.objects.end(), permits) && std::all_of(call.one_of.begin(), call.one_of.end(), [&](const auto& checks) { return std::any_of(checks.begin(), checks.end(), permits); });
  });
}

int FilterRefusal(const ir::Domain& domain, const Probe& probe) {
  for (const Call& call : probe.calls) {
    const ir::Decision decision = oracle::DecideCall(domain, call.event);
    if (call.may_fail || decision.permitted()) continue;
    if (decision.action.kind == ir::ActionKind::kErrno) return static_cast<int>(decision.action.data);
    // Without a supervisor (seccomp(2)).
    return decision.action.kind == ir::ActionKind::kNotify || decision.action.kind == ir::ActionKind::kTrace ? ENOSYS : 0;
  }
  return 0;
}

}  // namespace ravelin::probe
