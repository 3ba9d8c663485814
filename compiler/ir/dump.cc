#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "compiler/ir/grant.h"
#include "compiler/ir/ir_json.h"

namespace ravelin::ir {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kEffectNames[] = {"allow", "deny", "audit", "quiet", "complain", "never"};

Json DumpSet(const IntervalSet& set) {
  Json out = Json::array();
  for (const Interval& i : set.intervals()) out.push_back({i.lo, i.hi});
  return out;
}

Json DumpPredicate(const Predicate& p) {
  switch (p.kind()) {
    case PredicateKind::kTrue:
      return true;
    case PredicateKind::kFalse:
      return false;
    case PredicateKind::kTest:
      return {{"arg", p.test().arg}, {"bits", p.test().bits}, {"mask", p.test().mask}, {"in", DumpSet(p.test().values)}};
    case PredicateKind::kNot:
      return {{"not", DumpPredicate(p.terms().front())}};
    case PredicateKind::kAnd:
    case PredicateKind::kOr:
      break;
  }
  Json terms = Json::array();
  for (const Predicate& term : p.terms()) terms.push_back(DumpPredicate(term));
  return {{p.kind() == PredicateKind::kAnd ? "and" : "or", std::move(terms)}};
}

Json DumpFrom(const Provenance& from) {
  Json out = {{"place", from.place}};
  if (!from.via.empty()) out["via"] = from.via;
  if (!from.because.empty()) out["because"] = from.because;
  return out;
}

Json DumpAction(const Action& action) { return FormatAction(action); }

Json DumpDefault(const FacetDefault& d) { return {{"action", DumpAction(d.action)}, {"from", DumpFrom(d.from)}}; }

Json DumpRule(const Domain& domain, const Rule& rule) {
  const kernel::FacetInfo& facet = kernel::Facets()[rule.facet];
  Json out = {{"id", rule.id}, {"effect", kEffectNames[static_cast<int>(rule.effect)]}, {"facet", facet.name}};
  if (!rule.label.empty()) out["label"] = rule.label;
  if (rule.narrow) out["narrow"] = true;
  if (!rule.boolean.empty()) out["boolean"] = rule.boolean;
  if (rule.action.kind != ActionKind::kAllow) out["action"] = DumpAction(rule.action);
  if (rule.operations != 0) out["operations"] = OperationNames(rule.facet, rule.operations);
  for (const CallMatch& match : rule.calls) {
    const kernel::Syscall* call = kernel::FindSyscall(match.arch, match.number);
    Json one = {{"arch", kernel::ArchName(match.arch)}, {"number", match.number}};
    if (call != nullptr) one["name"] = call->name;
    if (!match.when.IsTrue()) one["when"] = DumpPredicate(match.when);
    out["calls"].push_back(std::move(one));
  }
  for (const auto& [attribute, set] : rule.integers) out["integers"][attribute] = DumpSet(set);
  for (const auto& [attribute, texts] : rule.texts) out["texts"][attribute] = texts;
  if (rule.owner_only) out["owner"] = true;
  if (rule.keeps_environment) out["keeps_environment"] = true;
  if (rule.effect == Effect::kAllow && facet.name != "syscall") {
    for (const ImpliedCall& implied : ImpliedBy(domain, rule)) {
      Json one = {{"arch", kernel::ArchName(implied.arch)}, {"name", implied.call->name}, {"mode", implied.needed ? "needs" : "serves"}};
      if (!implied.when.IsTrue()) one["when"] = DumpPredicate(implied.when);
      out["implies"].push_back(std::move(one));
    }
  }
  out["from"] = DumpFrom(rule.from);
  return out;
}

Json DumpDomain(const Domain& domain) {
  Json out = {{"name", domain.name}};
  if (!domain.parent.empty()) out[domain.hat ? "hat_of" : "child_of"] = domain.parent;
  if (!domain.attach.empty()) out["attach"] = domain.attach;
  for (const Limit& limit : domain.limits) out["limits"].push_back({{"resource", limit.resource}, {"most", limit.most}, {"from", DumpFrom(limit.from)}});
  Json arches = Json::array();
  for (const kernel::Arch arch : domain.architectures) arches.push_back(kernel::ArchName(arch));
  out["architectures"] = std::move(arches);
  out["reference_kernel"] = kernel::FormatVersion(domain.reference_kernel);
  out["layers"] = domain.layer_sets;
  Json defaults = Json::object();
  for (size_t i = 0; i < kernel::Facets().size(); ++i) {
    if (domain.defaults[i].stated) defaults[kernel::Facets()[i].name] = DumpDefault(domain.defaults[i]);
  }
  out["defaults"] = std::move(defaults);
  if (domain.unknown_syscall) out["unknown_syscall"] = DumpDefault(*domain.unknown_syscall);
  out["foreign_architecture"] = DumpDefault(domain.foreign);
  out["rules"] = Json::array();
  for (const Rule& rule : domain.rules) out["rules"].push_back(DumpRule(domain, rule));
  for (const GapAcceptance& gap : domain.acceptances) {
    Json one = {{"rule", gap.rule_label}, {"direction", gap.wider ? "wider" : "narrower"}, {"layers", gap.layers}};
    for (const auto& [facet, operations] : gap.bound) one["of"][kernel::Facets()[facet].name] = OperationNames(facet, operations);
    one["from"] = DumpFrom(gap.from);
    out["accepted_gaps"].push_back(std::move(one));
  }
  for (const auto& [mechanism, text] : domain.raw) out["raw"].push_back({{"mechanism", mechanism}, {"text", text}});
  out["from"] = DumpFrom(domain.from);
  return out;
}

}  // namespace

std::string DumpJson(const Policy& policy) {
  Json out = {{"ravelin_ir", kIrFormat}, {"target", policy.target_name}, {"domains", Json::array()}};
  for (const Domain& domain : policy.domains) out["domains"].push_back(DumpDomain(domain));
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ravelin::ir
