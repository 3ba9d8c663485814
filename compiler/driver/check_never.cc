// `never`: an assertion over what is permitted in effect (docs/semantics.md, clause 7.4).
#include <fmt/format.h>

#include <algorithm>

#include "compiler/driver/analyze.h"
#include "compiler/driver/gap_text.h"
#include "compiler/driver/permitted.h"
#include "compiler/ir/grant.h"
#include "compiler/ir/path_set.h"
#include "compiler/ir/satisfy.h"

namespace ravelin::driver {
namespace {

using ir::Effect;
using ir::IntervalSet;
using ir::Predicate;
using ir::Rule;

// What is left of a `never` after it is met with what one rule (or default) permits: a box of attributes.
struct Box {
  ir::OperationSet operations = 0;
  std::map<std::string, IntervalSet> integers;
  const Rule* by = nullptr;  // null: the facet's default
};

bool TextsMeet(const std::string& attribute, const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const bool paths = attribute == "path" || attribute == "from" || attribute == "on";
  for (const std::string& x : a) {
    for (const std::string& y : b) {
      if (x == y) return true;
      if (!paths) continue;
      const auto left = ir::PathSet::Parse(x);
      const auto right = ir::PathSet::Parse(y);
      if (!left || !right) return true;
      const auto both = left->Intersect(*right);
      if (!both || !both->Empty()) return true;
    }
  }
  return false;
}

std::optional<Box> Meet(const Rule& never, const Rule& allow) {
  Box box;
  box.by = &allow;
  box.operations = never.operations & allow.operations;
  if (box.operations == 0) return std::nullopt;
  box.integers = never.integers;
  for (const auto& [attribute, set] : allow.integers) {
    const auto [at, fresh] = box.integers.emplace(attribute, set);
    if (!fresh) at->second = at->second.Intersect(set);
    if (at->second.empty()) return std::nullopt;
  }
  for (const auto& [attribute, texts] : allow.texts) {
    const auto it = never.texts.find(attribute);
    if (it != never.texts.end() && !TextsMeet(attribute, it->second, texts)) return std::nullopt;
  }
  return box;
}

// Takes away what a deny rule without text constraints refuses of the box, where that leaves a box.
void Subtract(Box& box, const Rule& deny) {
  if (!deny.texts.empty() || deny.owner_only) return;
  std::string only;
  for (const auto& [attribute, set] : deny.integers) {
    const auto it = box.integers.find(attribute);
    if (it != box.integers.end() && set.Includes(it->second)) continue;
    if (!only.empty()) return;
    only = attribute;
  }
  if (only.empty()) {
    box.operations &= ~deny.operations;
  } else if ((box.operations & ~deny.operations) == 0) {
    const auto it = box.integers.emplace(only, IntervalSet::All(64)).first;
    it->second = it->second.Minus(deny.integers.at(only));
    if (it->second.empty()) box.operations = 0;
  }
}

struct Witness {
  std::string call;
  std::string why;
};

class Judge {
 public:
  Judge(combine::Effective& effective, const seccomp::FilterSpec& spec) : effective_(effective), domain_(effective.domain()), spec_(spec) {}

  NeverResult Run(const Rule& never) {
    NeverResult result;
    result.rule = never.id;
    for (const Rule& rule : domain_.rules) {
      const auto to = rule.texts.find("transition");
      if (rule.effect == Effect::kAllow && to != rule.texts.end() && to->second.front() == "unconfined_danger") {
        return {never.id, NeverVerdict::kViolated, fmt::format("the unconfined exec at {} escapes every assertion", rule.from.place)};
      }
    }
    if (kernel::Facets()[never.facet].name == "syscall") {
      if (const auto witness = PermittedCall(never)) return {never.id, NeverVerdict::kViolated, fmt::format("`{}` is permitted", *witness)};
      return result;
    }
    std::vector<Box> boxes = PermittedBoxes(never);
    for (const Box& box : boxes) {
      const auto call = Carrier(never.facet, box);
      if (!call) continue;
      const std::string by = box.by == nullptr ? fmt::format("`{}` has no default that refuses", kernel::Facets()[never.facet].name) : fmt::format("the rule at {} permits it", box.by->from.place);
      return {never.id, NeverVerdict::kViolated, call->empty() ? by : fmt::format("{}: `{}`", by, *call)};
    }
    // The policy keeps it; does the effective permission of each layer set?
    Box whole;
    whole.operations = never.operations;
    whole.integers = never.integers;
    const auto call = Carrier(never.facet, whole);
    if (!call) return result;
    bool undecided = false;
    for (const auto& set : domain_.layer_sets) {
      if (set.size() == 1 && set.front() == "seccomp") {
        return {never.id, NeverVerdict::kViolated, call->empty() ? "seccomp does not see it, and no other layer is declared" : fmt::format("seccomp permits `{}` without seeing what it reaches, and no other layer is declared", *call)};
      }
      if (!std::all_of(set.begin(), set.end(), [](const std::string& layer) { return IsBuilt(layer); })) {
        undecided = true;
        continue;
      }
      const Result<std::string> reached = Reached(never, set);
      if (!reached) return {never.id, NeverVerdict::kInconclusive, reached.error().message};
      if (!reached->empty()) return {never.id, NeverVerdict::kViolated, fmt::format("{} together permit {}", fmt::join(set, " and "), *reached)};
    }
    if (!undecided) return result;
    result.verdict = NeverVerdict::kInconclusive;
    result.why = call->empty() ? "seccomp does not see it" : fmt::format("seccomp permits `{}` and cannot see what it reaches", *call);
    return result;
  }

 private:
  // A permitted call that a `never syscall` rule matches.
  std::optional<std::string> PermittedCall(const Rule& never) {
    for (const ir::CallMatch& match : never.calls) {
      const seccomp::CallAnswer* answer = seccomp::AnswerOf(spec_, match.arch, match.number);
      if (answer == nullptr) continue;
      const auto args = ir::FindArgs(Predicate::And({match.when, seccomp::PermittedBy(*answer)}));
      if (args) return ShowCall(match.arch, *kernel::FindSyscall(match.arch, match.number), *args);
    }
    return std::nullopt;
  }

  // Parts of the `never` that rules or the default permit at the level of objects.
  std::vector<Box> PermittedBoxes(const Rule& never) {
    std::vector<Box> boxes;
    for (const Rule& rule : domain_.rules) {
      if (rule.facet != never.facet || (rule.effect != Effect::kAllow && rule.effect != Effect::kComplain)) continue;
      if (auto box = Meet(never, rule)) boxes.push_back(std::move(*box));
    }
    const ir::FacetDefault& fallback = domain_.defaults[never.facet];
    if (!fallback.stated || Permits(fallback.action)) boxes.push_back({never.operations, never.integers, nullptr});
    for (Box& box : boxes) {
      if (box.by != nullptr && box.by->effect == Effect::kComplain) continue;  // beats deny
      for (const Rule& rule : domain_.rules) {
        if (rule.effect == Effect::kDeny && rule.facet == never.facet) Subtract(box, rule);
      }
    }
    std::erase_if(boxes, [](const Box& box) { return box.operations == 0; });
    return boxes;
  }

  // An attempt of what the `never` names that every layer of the set lets pass; "" for none.
  Result<std::string> Reached(const Rule& never, const std::vector<std::string>& set) {
    for (size_t i = 0; i < kernel::Facets()[never.facet].operations.size(); ++i) {
      if ((never.operations >> i & 1) == 0) continue;
      bool mediated = false;
      RAVELIN_TRY(passed, effective_.PassedByAll(set, never.facet, static_cast<int>(i), &mediated));
      RAVELIN_TRY(named, ir::BoxOf(never, static_cast<int>(i)));
      for (const ir::Box& box : passed) {
        RAVELIN_TRY(both, ir::Meet(box, named));
        if (!both) continue;
        const auto carrier = effective_.FindCarrier(never.facet, static_cast<int>(i), *both);
        if (carrier) return WitnessText(domain_, {never.id, never.facet, static_cast<int>(i), true, set, "", ir::MemberOf(*both), carrier});
      }
    }
    return std::string();
  }

  // A permitted call that could carry out something in the box; "" where no call shows it to a filter.
  std::optional<std::string> Carrier(ir::FacetId facet, const Box& box) {
    bool any_row = false;
    for (const seccomp::ArchSpec& arch : spec_.arches) {
      for (const seccomp::CallAnswer& answer : arch.calls) {
        const kernel::Syscall* call = kernel::FindSyscall(arch.arch, answer.number);
        if (call == nullptr) continue;
        for (const ir::ConditionalRow& row : ir::RowsOf(arch.arch, *call)) {
          if (row.facet != facet || (box.operations >> row.operation & 1) == 0) continue;
          any_row = true;
          if (row.row->mode == kernel::RowMode::kFollows) continue;
          Rule probe;  // the box as a rule: where would it refuse this row, as far as registers show it?
          probe.facet = facet;
          probe.operations = box.operations;
          for (const auto& entry : box.integers) {
            const std::string& attribute = entry.first;
            const bool bound = std::any_of(row.row->bindings.begin(), row.row->bindings.end(), [&](const auto& b) { return b.attribute == attribute; });
            if (bound) probe.integers.emplace(attribute, entry.second);
          }
          const auto args = ir::FindArgs(Predicate::And({ir::RefusalOf(*call, row, probe), seccomp::PermittedBy(answer)}));
          if (args) return ShowCall(arch.arch, *call, *args);
        }
      }
    }
    return any_row ? std::nullopt : std::optional<std::string>("");
  }

  combine::Effective& effective_;
  const ir::Domain& domain_;
  const seccomp::FilterSpec& spec_;
};

}  // namespace

std::vector<NeverResult> CheckNevers(combine::Effective& effective, const seccomp::FilterSpec& spec, diag::Sink& sink) {
  const ir::Domain& domain = effective.domain();
  std::vector<NeverResult> results;
  Judge judge(effective, spec);
  for (const Rule& rule : domain.rules) {
    if (rule.effect != Effect::kNever) continue;
    results.push_back(judge.Run(rule));
    if (results.back().verdict == NeverVerdict::kViolated) {
      sink.Report(diag::Kind::kNeverViolated, rule.from.span, fmt::format("policy `{}` permits what this forbids: {}", domain.name, results.back().why));
    }
  }
  return results;
}

}  // namespace ravelin::driver
