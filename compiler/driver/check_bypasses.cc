// Doors beside a restricted one: calls that do the same work, multiplexers, arguments in memory, io_uring.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compiler/driver/analyze.h"
#include "compiler/driver/permitted.h"
#include "compiler/kernel/view.h"

namespace ravelin::driver {
namespace {

using ir::ActionKind;
using ir::Predicate;

// What the filter makes of one call.
struct State {
  const kernel::Syscall* call = nullptr;
  const seccomp::CallAnswer* answer = nullptr;
  Predicate permitted;
  bool always() const { return permitted.IsTrue(); }
  bool never() const { return permitted.IsFalse(); }
  bool sometimes() const { return !always() && !never(); }
};

// The rule that a finding about a call is shown at: the first that permits (or refuses) it.
source::Span PlaceOf(const ir::Domain& domain, const State& state, bool permitting) {
  for (const seccomp::Clause& clause : state.answer->clauses) {
    if (Permits(clause.action) != permitting) continue;
    for (const uint32_t rule : clause.reason.rules) {
      if (domain.rules[rule].from.span.IsValid()) return domain.rules[rule].from.span;
    }
  }
  return domain.from.span;
}

bool DeniedByRule(const ir::Domain& domain, const State& state) {
  for (const seccomp::Clause& clause : state.answer->clauses) {
    if (Permits(clause.action)) continue;
    for (const uint32_t rule : clause.reason.rules) {
      if (domain.rules[rule].effect == ir::Effect::kDeny) return true;
    }
  }
  return false;
}

// Libraries take ENOSYS as "try the older call".
bool AnswersENOSYS(const State& state) {
  return std::any_of(state.answer->clauses.begin(), state.answer->clauses.end(), [](const auto& c) { return c.action.kind == ActionKind::kErrno && kernel::ErrnoName(c.action.data) == "ENOSYS"; });
}

class Checker {
 public:
  Checker(const ir::Domain& domain, const seccomp::FilterSpec& spec, kernel::Arch arch, std::set<std::string>& said, diag::Sink& sink)
      : domain_(domain), spec_(spec), arch_(arch), said_(said), sink_(sink) {}

  void Run() {
    for (const kernel::EquivalentGroup& group : kernel::EquivalentGroups()) {
      std::vector<State> states;
      for (const std::string& name : group.calls) {
        if (auto state = StateOf(name)) states.push_back(std::move(*state));
      }
      if (group.kind == "essential") {
        for (const State& state : states) Essential(group, state);
      } else if (states.size() > 1 && (group.kind == "twin" || group.kind == "rival" || group.kind == "fallback")) {
        Twins(group, states);
      } else if (states.size() > 1 && states.back().call->name == group.calls.back()) {
        group.kind == "multi" ? Multiplexer(group, states) : Struct(group, states);
      }
    }
    IoUring();
  }

 private:
  std::optional<State> StateOf(std::string_view name) {
    State state;
    state.call = kernel::FindSyscall(arch_, name);
    if (state.call == nullptr || !ir::IsKnown(domain_, arch_, state.call->number)) return std::nullopt;
    state.answer = seccomp::AnswerOf(spec_, arch_, state.call->number);
    if (state.answer == nullptr) {
      static const seccomp::CallAnswer kNone;
      state.answer = &kNone;
      state.permitted = RangePermits(state.call->number) ? Predicate::True() : Predicate::False();
    } else {
      state.permitted = seccomp::PermittedBy(*state.answer);
    }
    return state;
  }

  bool RangePermits(uint32_t number) const {
    for (const seccomp::ArchSpec& one : spec_.arches) {
      if (one.arch != arch_) continue;
      for (const seccomp::RangeAnswer& range : one.ranges) {
        if (range.lo <= number && number <= range.hi) return Permits(range.action);
      }
    }
    return false;
  }

  // Once per group and kind, however many architectures.
  bool First(diag::Kind kind, const std::string& what) { return said_.insert(std::string(diag::KindName(kind)) + what).second; }

  void Essential(const kernel::EquivalentGroup& group, const State& state) {
    if (!state.never() || !First(diag::Kind::kEssentialCallMissing, state.call->name)) return;
    sink_.Report(diag::Kind::kEssentialCallMissing, domain_.from.span, fmt::format("policy `{}` refuses `{}`: {}", domain_.name, state.call->name, group.note)).Help("`use std::base` permits what every process needs");
  }

  void Twins(const kernel::EquivalentGroup& group, const std::vector<State>& states) {
    const auto tested = std::find_if(states.begin(), states.end(), [](const State& s) { return s.sometimes(); });
    const auto denied = std::find_if(states.begin(), states.end(), [&](const State& s) { return s.never() && DeniedByRule(domain_, s) && !AnswersENOSYS(s); });
    const auto restricted = denied != states.end() ? denied : tested;
    const auto open = std::find_if(states.begin(), states.end(), [](const State& s) { return s.always(); });
    if (group.kind != "fallback" && restricted != states.end() && open != states.end()) {
      if (!First(diag::Kind::kEquivalentCallOpen, group.name)) return;
      sink_.Report(diag::Kind::kEquivalentCallOpen, PlaceOf(domain_, *open, true), fmt::format("`{}` is permitted whatever its arguments, and does the work of `{}`, which is restricted", open->call->name, restricted->call->name))
          .Note(PlaceOf(domain_, *restricted, false), "the restriction")
          .Help(fmt::format("restrict both: {}", group.note));
      return;
    }
    if (group.kind == "rival" || denied != states.end() || open == states.end()) return;
    // What libraries try first stands last.
    const State& preferred = states.back();
    if (!preferred.never() || AnswersENOSYS(preferred) || !First(diag::Kind::kEquivalentCallMissing, group.name)) return;
    sink_.Report(diag::Kind::kEquivalentCallMissing, PlaceOf(domain_, *open, true), fmt::format("`{}` is permitted, `{}` is not: {}", open->call->name, preferred.call->name, group.note))
        .Help(fmt::format("permit both: `allow syscall {{ {}, {} }}`", open->call->name, preferred.call->name));
  }

  // The call is permitted by rules on objects alone, and every set of layers has a layer that sees those.
  bool ObjectsAreJudgedElsewhere(const State& state) const {
    for (const auto& set : domain_.layer_sets) {
      if (set.size() < 2) return false;
    }
    for (const seccomp::Clause& clause : state.answer->clauses) {
      if (!Permits(clause.action)) continue;
      if (clause.reason.rules.empty()) return false;
      for (const uint32_t rule : clause.reason.rules) {
        if (kernel::Facets()[domain_.rules[rule].facet].name == "syscall") return false;
      }
    }
    return true;
  }

  void Struct(const kernel::EquivalentGroup& group, const std::vector<State>& states) {
    if (!states.back().always() || ObjectsAreJudgedElsewhere(states.back())) return;
    for (size_t i = 0; i + 1 < states.size(); ++i) {
      if (!states[i].sometimes()) continue;
      if (!First(diag::Kind::kStructArgument, group.name)) return;
      const source::Span at = PlaceOf(domain_, states.back(), true);
      const source::Span test = PlaceOf(domain_, states[i], true);
      auto& d = sink_.Report(diag::Kind::kStructArgument, at, fmt::format("`{}` is permitted, and takes in memory what the policy tests of `{}`", states.back().call->name, states[i].call->name));
      if (test != at) d.Note(test, "the test");
      d.Help(group.note)
          .Help(fmt::format("`deny syscall {} with errno(ENOSYS)` makes libraries use `{}`", states.back().call->name, states[i].call->name));
      return;
    }
  }

  void Multiplexer(const kernel::EquivalentGroup& group, const std::vector<State>& states) {
    if (states.back().never()) return;
    for (size_t i = 0; i + 1 < states.size(); ++i) {
      if (states[i].always()) continue;
      if (!First(diag::Kind::kMultiplexerOpen, group.name)) return;
      sink_.Report(diag::Kind::kMultiplexerOpen, PlaceOf(domain_, states.back(), true), fmt::format("`{}` is permitted on {}, and reaches what the policy restricts in `{}`", states.back().call->name, kernel::ArchName(arch_), states[i].call->name))
          .Help(group.note)
          .Help(fmt::format("do not allow `{}`: libraries of this century use the single calls", states.back().call->name));
      return;
    }
  }

  void IoUring() {
    const auto setup = StateOf("io_uring_setup");
    const auto enter = StateOf("io_uring_enter");
    if (!setup || !enter || setup->never() || enter->never() || !First(diag::Kind::kIoUringOpen, "")) return;
    const ir::FacetDefault& syscall = domain_.defaults[ir::FacetOf("syscall")];
    if (!syscall.stated || Permits(syscall.action)) return;
    sink_.Report(diag::Kind::kIoUringOpen, PlaceOf(domain_, *setup, true), "io_uring is permitted: its operations (open, connect, send, ...) pass no filter").Help("refuse `io_uring_setup`, or restrict what it reaches with a layer that sees objects");
  }

  const ir::Domain& domain_;
  const seccomp::FilterSpec& spec_;
  kernel::Arch arch_;
  std::set<std::string>& said_;
  diag::Sink& sink_;
};

}  // namespace

void CheckBypasses(const ir::Domain& domain, const seccomp::FilterSpec& spec, diag::Sink& sink) {
  const ir::FacetDefault& syscall = domain.defaults[ir::FacetOf("syscall")];
  std::set<std::string> said;
  // A policy that speaks of no call at all restricts none.
  const bool speaks = syscall.stated || std::any_of(domain.rules.begin(), domain.rules.end(), [](const ir::Rule& rule) { return rule.effect == ir::Effect::kDeny; });
  if (!speaks) return;
  for (const kernel::Arch arch : domain.architectures) Checker(domain, spec, arch, said, sink).Run();
}

}  // namespace ravelin::driver
