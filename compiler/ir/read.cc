#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "compiler/ir/ir_json.h"

namespace ravelin::ir {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 256;

// Thrown and caught within this file only: a reader of a nested format is clearest when it can give up anywhere.
struct Malformed {
  std::string message;
};

[[noreturn]] void Bad(const std::string& message) { throw Malformed{message}; }

const Json& Member(const Json& object, const char* key) {
  if (!object.is_object()) Bad(fmt::format("an object with `{}` is needed", key));
  const auto it = object.find(key);
  if (it == object.end()) Bad(fmt::format("`{}` is missing", key));
  return *it;
}

const Json* Optional(const Json& object, const char* key) {
  if (!object.is_object()) Bad(fmt::format("an object with `{}` is needed", key));
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

std::string Text(const Json& value, const char* what) {
  if (!value.is_string()) Bad(fmt::format("{} is no string", what));
  return value.get<std::string>();
}

uint64_t Number(const Json& value, const char* what, uint64_t most) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > most) Bad(fmt::format("{} is no number from 0 to {}", what, most));
  return value.get<uint64_t>();
}

const Json& Array(const Json& value, const char* what) {
  if (!value.is_array()) Bad(fmt::format("{} is no list", what));
  return value;
}

std::vector<std::string> Texts(const Json& value, const char* what) {
  std::vector<std::string> out;
  for (const Json& one : Array(value, what)) out.push_back(Text(one, what));
  return out;
}

IntervalSet ReadSet(const Json& value) {
  std::vector<Interval> intervals;
  for (const Json& one : Array(value, "a set")) {
    if (!one.is_array() || one.size() != 2) Bad("an interval is a list of two numbers");
    const Interval interval{Number(one[0], "an interval's end", ~uint64_t{0}), Number(one[1], "an interval's end", ~uint64_t{0})};
    if (interval.lo > interval.hi) Bad("an interval's ends are reversed");
    intervals.push_back(interval);
  }
  return IntervalSet(std::move(intervals));
}

Predicate ReadPredicate(const Json& value, int depth) {
  if (depth > kMaxDepth) Bad("a condition is nested too deep");
  if (value.is_boolean()) return value.get<bool>() ? Predicate::True() : Predicate::False();
  if (const Json* inner = Optional(value, "not")) return Predicate::Not(ReadPredicate(*inner, depth + 1));
  for (const char* key : {"and", "or"}) {
    const Json* list = Optional(value, key);
    if (list == nullptr) continue;
    std::vector<Predicate> terms;
    for (const Json& one : Array(*list, key)) terms.push_back(ReadPredicate(one, depth + 1));
    return *key == 'a' ? Predicate::And(std::move(terms)) : Predicate::Or(std::move(terms));
  }
  ArgTest test;
  test.arg = static_cast<uint8_t>(Number(Member(value, "arg"), "`arg`", 5));
  test.bits = static_cast<uint8_t>(Number(Member(value, "bits"), "`bits`", 64));
  if (test.bits != 32 && test.bits != 64) Bad("`bits` is 32 or 64");
  test.mask = Number(Member(value, "mask"), "`mask`", ~uint64_t{0});
  test.values = ReadSet(Member(value, "in"));
  return Predicate::Test(std::move(test));
}

Action ReadAction(const Json& value) {
  const auto action = ParseAction(Text(value, "an action"));
  if (!action) Bad("an action is not known");
  return *action;
}

Provenance ReadFrom(const Json& object) {
  Provenance from;
  const Json* value = Optional(object, "from");
  if (value == nullptr) return from;
  from.place = Text(Member(*value, "place"), "`place`");
  if (const Json* via = Optional(*value, "via")) from.via = Texts(*via, "`via`");
  if (const Json* because = Optional(*value, "because")) from.because = Text(*because, "`because`");
  return from;
}

FacetDefault ReadDefault(const Json& value) { return {true, ReadAction(Member(value, "action")), ReadFrom(value)}; }

kernel::Arch ReadArch(const Json& value) {
  const auto arch = kernel::ArchFromName(Text(value, "an architecture"));
  if (!arch || *arch == kernel::Arch::kX32) Bad("an architecture is not known");
  return *arch;
}

FacetId ReadFacet(const std::string& name) {
  if (kernel::FindFacet(name) == nullptr) Bad(fmt::format("there is no facet `{}`", name));
  return FacetOf(name);
}

OperationSet ReadOperations(FacetId id, const Json& value) {
  const kernel::FacetInfo& facet = kernel::Facets()[id];
  OperationSet out = 0;
  for (const std::string& name : Texts(value, "`operations`")) {
    const auto at = std::find(facet.operations.begin(), facet.operations.end(), name);
    if (at == facet.operations.end()) Bad(fmt::format("`{}` has no operation `{}`", facet.name, name));
    out |= OperationSet{1} << (at - facet.operations.begin());
  }
  return out;
}

Effect ReadEffect(const std::string& name) {
  constexpr std::string_view names[] = {"allow", "deny", "audit", "quiet", "complain", "never"};
  const auto at = std::find(std::begin(names), std::end(names), name);
  if (at == std::end(names)) Bad(fmt::format("there is no effect `{}`", name));
  return static_cast<Effect>(at - std::begin(names));
}

bool Flag(const Json& object, const char* key) {
  const Json* value = Optional(object, key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) Bad(fmt::format("`{}` is true or false", key));
  return value->get<bool>();
}

void CheckAttribute(const kernel::FacetInfo& facet, const std::string& attribute) {
  const bool known = attribute == "label" || attribute == "transition" ||
                     std::find(facet.attributes.begin(), facet.attributes.end(), attribute) != facet.attributes.end();
  if (!known) Bad(fmt::format("`{}` has no attribute `{}`", facet.name, attribute));
}

Rule ReadRule(const Json& value, const Domain& domain) {
  Rule rule;
  rule.id = static_cast<uint32_t>(domain.rules.size());
  rule.effect = ReadEffect(Text(Member(value, "effect"), "`effect`"));
  rule.facet = ReadFacet(Text(Member(value, "facet"), "`facet`"));
  const kernel::FacetInfo& facet = kernel::Facets()[rule.facet];
  if (const Json* label = Optional(value, "label")) rule.label = Text(*label, "`label`");
  rule.narrow = Flag(value, "narrow");
  if (const Json* boolean = Optional(value, "boolean")) rule.boolean = Text(*boolean, "`boolean`");
  const auto word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  if (!std::all_of(rule.boolean.begin(), rule.boolean.end(), word)) Bad("a boolean has no name");
  if (!rule.boolean.empty() && (rule.effect != Effect::kAllow || facet.name == "syscall")) Bad("what depends on a boolean is no allow of objects");
  rule.owner_only = Flag(value, "owner");
  rule.keeps_environment = Flag(value, "keeps_environment");
  if (const Json* action = Optional(value, "action")) rule.action = ReadAction(*action);
  if (rule.effect == Effect::kDeny && Permits(rule.action)) Bad("a deny rule permits");
  if (rule.effect == Effect::kAllow && !Permits(rule.action)) Bad("an allow rule refuses");
  if (const Json* operations = Optional(value, "operations")) rule.operations = ReadOperations(rule.facet, *operations);
  if (const Json* calls = Optional(value, "calls")) {
    if (facet.name != "syscall") Bad("only syscall rules have `calls`");
    for (const Json& one : Array(*calls, "`calls`")) {
      CallMatch match{ReadArch(Member(one, "arch")), static_cast<uint32_t>(Number(Member(one, "number"), "`number`", 0xffffffff)), {}};
      if (kernel::FindSyscall(match.arch, match.number) == nullptr) Bad(fmt::format("{} has no system call {}", kernel::ArchName(match.arch), match.number));
      if (IsX32Number(match.arch, match.number)) Bad(fmt::format("{} is a number of x32", match.number));
      if (const Json* when = Optional(one, "when")) match.when = ReadPredicate(*when, 0);
      rule.calls.push_back(std::move(match));
    }
  }
  if (const Json* integers = Optional(value, "integers")) {
    if (!integers->is_object()) Bad("`integers` is no object");
    for (const auto& [attribute, set] : integers->items()) {
      CheckAttribute(facet, attribute);
      rule.integers[attribute] = ReadSet(set);
    }
  }
  if (const Json* texts = Optional(value, "texts")) {
    if (!texts->is_object()) Bad("`texts` is no object");
    for (const auto& [attribute, list] : texts->items()) {
      CheckAttribute(facet, attribute);
      rule.texts[attribute] = Texts(list, "a list of texts");
    }
  }
  rule.from = ReadFrom(value);
  return rule;
}

Domain ReadDomain(const Json& value) {
  Domain domain;
  domain.name = Text(Member(value, "name"), "`name`");
  for (const char* relation : {"hat_of", "child_of"}) {
    const Json* parent = Optional(value, relation);
    if (parent == nullptr) continue;
    domain.parent = Text(*parent, "the parent");
    domain.hat = std::string_view(relation) == "hat_of";
  }
  if (const Json* limits = Optional(value, "limits")) {
    for (const Json& limit : Array(*limits, "`limits`")) domain.limits.push_back({static_cast<uint32_t>(Number(Member(limit, "resource"), "`resource`", 15)), Number(Member(limit, "most"), "`most`", ~uint64_t{0}), ReadFrom(limit)});
  }
  if (const Json* attach = Optional(value, "attach")) domain.attach = Texts(*attach, "`attach`");
  for (const Json& arch : Array(Member(value, "architectures"), "`architectures`")) domain.architectures.push_back(ReadArch(arch));
  std::sort(domain.architectures.begin(), domain.architectures.end());
  domain.architectures.erase(std::unique(domain.architectures.begin(), domain.architectures.end()), domain.architectures.end());
  if (domain.architectures.empty()) Bad("a domain has at least one architecture");
  for (const kernel::Arch arch : domain.architectures) {
    if (kernel::IsBigEndian(arch) != kernel::IsBigEndian(domain.architectures.front())) Bad("a domain's architectures have one byte order");
  }
  const auto version = kernel::ParseVersion(Text(Member(value, "reference_kernel"), "`reference_kernel`"));
  if (!version) Bad("`reference_kernel` is no version");
  domain.reference_kernel = *version;
  for (const Json& set : Array(Member(value, "layers"), "`layers`")) domain.layer_sets.push_back(Texts(set, "a layer set"));
  const Json& defaults = Member(value, "defaults");
  if (!defaults.is_object()) Bad("`defaults` is no object");
  for (const auto& [facet, one] : defaults.items()) domain.defaults[ReadFacet(facet)] = ReadDefault(one);
  if (const Json* unknown = Optional(value, "unknown_syscall")) {
    domain.unknown_syscall = ReadDefault(*unknown);
    if (Permits(domain.unknown_syscall->action)) Bad("unknown system calls are permitted");
  }
  domain.foreign = ReadDefault(Member(value, "foreign_architecture"));
  if (Permits(domain.foreign.action)) Bad("foreign architectures are permitted");
  for (const Json& rule : Array(Member(value, "rules"), "`rules`")) domain.rules.push_back(ReadRule(rule, domain));
  if (const Json* gaps = Optional(value, "accepted_gaps")) {
    for (const Json& gap : Array(*gaps, "`accepted_gaps`")) {
      Operations bound;
      if (const Json* of = Optional(gap, "of")) {
        if (!of->is_object()) Bad("`of` is no object");
        for (const auto& [facet, operations] : of->items()) bound[ReadFacet(facet)] = ReadOperations(ReadFacet(facet), operations);
      }
      domain.acceptances.push_back({Text(Member(gap, "rule"), "`rule`"), Text(Member(gap, "direction"), "`direction`") == "wider", Texts(Member(gap, "layers"), "`layers`"), std::move(bound), ReadFrom(gap)});
    }
  }
  if (const Json* raw = Optional(value, "raw")) {
    for (const Json& one : Array(*raw, "`raw`")) domain.raw.emplace_back(Text(Member(one, "mechanism"), "`mechanism`"), Text(Member(one, "text"), "`text`"));
  }
  domain.from = ReadFrom(value);
  return domain;
}

// nlohmann's parser is iterative; its values are destroyed recursively, so depth is bounded here.
bool TooDeep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > 4 * kMaxDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<Policy> ReadJson(std::string_view text) {
  if (TooDeep(text)) return Fail(ErrorCode::kMalformed, "brackets are nested too deep");
  try {
    const Json json = Json::parse(text);
    if (Number(Member(json, "ravelin_ir"), "`ravelin_ir`", 1u << 30) != kIrFormat) Bad("this version of the format is not known");
    Policy policy;
    policy.target_name = Text(Member(json, "target"), "`target`");
    for (const Json& domain : Array(Member(json, "domains"), "`domains`")) policy.domains.push_back(ReadDomain(domain));
    for (const Domain& inner : policy.domains) {
      if (inner.parent.empty()) continue;
      const auto parent = std::find_if(policy.domains.begin(), policy.domains.end(), [&](const Domain& one) { return one.name == inner.parent; });
      if (parent == policy.domains.end() || !parent->parent.empty()) Bad("a parent is no domain of its own");
      parent->has_inner = true;
    }
    return policy;
  } catch (const Malformed& bad) {
    return Fail(ErrorCode::kMalformed, bad.message);
  } catch (const Json::exception& bad) {
    return Fail(ErrorCode::kMalformed, bad.what());
  }
}

}  // namespace ravelin::ir
