#include "compiler/ir/boxes.h"

#include "compiler/base/check.h"

namespace ravelin::ir {

bool IsPathAttribute(std::string_view attribute) { return attribute == "path" || attribute == "from" || attribute == "on"; }

std::string LiteralPattern(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("*?[]{},\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

Result<Box> BoxOf(const Rule& rule) {
  Box box;
  box.integers = rule.integers;
  if (rule.owner_only) box.integers["owner"] = IntervalSet::Single(1);
  for (const auto& [attribute, texts] : rule.texts) {
    if (attribute == "transition") continue;  // what happens after the exec, not what the attempt is
    std::vector<std::string> patterns;
    for (const std::string& text : texts) patterns.push_back(IsPathAttribute(attribute) ? text : LiteralPattern(text));
    RAVELIN_TRY(set, PathSet::ParseAny(patterns));
    box.texts.emplace(attribute, std::move(set));
  }
  return box;
}

Result<std::optional<Box>> Meet(const Box& a, const Box& b) {
  Box out = a;
  for (const auto& [attribute, set] : b.integers) {
    const auto [at, fresh] = out.integers.emplace(attribute, set);
    if (!fresh) at->second = at->second.Intersect(set);
    if (at->second.empty()) return std::optional<Box>();
  }
  for (const auto& [attribute, set] : b.texts) {
    const auto [at, fresh] = out.texts.emplace(attribute, set);
    if (fresh) continue;
    RAVELIN_TRY(both, at->second.Intersect(set));
    if (both.Empty()) return std::optional<Box>();
    at->second = std::move(both);
  }
  return std::optional<Box>(std::move(out));
}

Result<Boxes> Minus(const Box& a, const Box& b) {
  RAVELIN_TRY(common, Meet(a, b));
  if (!common) return Boxes{a};
  Boxes out;
  Box inside = a;  // agrees with b on the attributes before this one
  for (const auto& [attribute, set] : b.integers) {
    const auto at = inside.integers.emplace(attribute, IntervalSet::All(64)).first;
    const IntervalSet rest = at->second.Minus(set);
    const IntervalSet both = at->second.Intersect(set);
    if (!rest.empty()) {
      at->second = rest;
      out.push_back(inside);
    }
    inside.integers[attribute] = both;
  }
  for (const auto& [attribute, set] : b.texts) {
    const auto at = inside.texts.emplace(attribute, PathSet::All()).first;
    RAVELIN_TRY(rest, at->second.Minus(set));
    RAVELIN_TRY(both, at->second.Intersect(set));
    if (!rest.Empty()) {
      at->second = std::move(rest);
      out.push_back(inside);
    }
    inside.texts[attribute] = std::move(both);
  }
  return out;
}

Result<Boxes> Minus(const Boxes& a, const Boxes& b) {
  Boxes left = a;
  for (const Box& box : b) {
    Boxes next;
    for (const Box& one : left) {
      RAVELIN_TRY(parts, Minus(one, box));
      for (Box& part : parts) next.push_back(std::move(part));
    }
    left = std::move(next);
  }
  return left;
}

Result<Boxes> PermittedOf(const Domain& domain, FacetId facet, int operation) {
  Boxes allows;
  Boxes denies;
  Boxes complains;
  const FacetDefault& fallback = domain.defaults[facet];

  const bool by_default = !fallback.stated || Permits(fallback.action);
  if (by_default) allows.push_back({});
  for (const Rule& rule : domain.rules) {
    if (rule.facet != facet || (rule.operations >> operation & 1) == 0) continue;
    if (rule.effect != Effect::kAllow && rule.effect != Effect::kDeny && rule.effect != Effect::kComplain) continue;
    RAVELIN_TRY(box, BoxOf(rule));
    (rule.effect == Effect::kAllow ? allows : rule.effect == Effect::kDeny ? denies : complains).push_back(std::move(box));
  }
  RAVELIN_TRY(permitted, Minus(allows, denies));
  for (Box& box : complains) permitted.push_back(std::move(box));
  return permitted;
}

BoxMember MemberOf(const Box& box) {
  BoxMember member;
  for (const auto& [attribute, set] : box.integers) {
    RAVELIN_CHECK(!set.empty(), "a box is not empty");
    member.integers[attribute] = set.Min();
  }
  for (const auto& [attribute, set] : box.texts) {
    const auto text = set.Witness();
    RAVELIN_CHECK(text.has_value(), "a box is not empty");
    member.texts[attribute] = *text;
  }
  return member;
}

}  // namespace ravelin::ir
