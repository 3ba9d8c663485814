#include "compiler/ir/boxes.h"

#include "compiler/base/check.h"

namespace ravelin::ir {

bool IsPathAttribute(std::string_view attribute) { return attribute == "path" || attribute == "from" || attribute == "on" || attribute == "target"; }
bool IsPatternAttribute(std::string_view attribute) { return IsPathAttribute(attribute) || attribute == "to"; }

std::string LiteralPattern(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("*?[]{},\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

namespace {

bool Lacks(FacetId id, int operation, const std::string& attribute) {
  const kernel::FacetInfo& facet = kernel::Facets()[id];
  return kernel::OperationLacks(facet.name, facet.operations.at(static_cast<size_t>(operation)), attribute);
}

// The rule's texts of an attribute, as patterns.
std::vector<std::string> Patterns(const std::string& attribute, const std::vector<std::string>& texts) {
  if (IsPatternAttribute(attribute)) return texts;
  std::vector<std::string> patterns;
  for (const std::string& text : texts) patterns.push_back(LiteralPattern(text));
  return patterns;
}

// 5.7: whoever may run a program may map it.
bool IsMapExec(FacetId facet, int operation) {
  return facet == FacetOf("file") && kernel::Facets()[facet].operations[static_cast<size_t>(operation)] == "map_exec";
}

// Rules that differ in their paths alone, as one: thousands of rules for files become a few boxes.
struct Shape {
  std::map<std::string, std::vector<Interval>> integers;
  std::map<std::string, std::vector<std::string>> texts;  // but for `path`
  bool has_path = false;
  auto operator<=>(const Shape&) const = default;
};

class Merger {
 public:
  Merger(FacetId facet, int operation) : facet_(facet), operation_(operation) {}
  void Add(const Rule& rule) {
    Shape shape;
    for (const auto& [attribute, set] : rule.integers) {
      if (!Lacks(facet_, operation_, attribute)) shape.integers[attribute] = set.intervals();
    }
    if (rule.owner_only) shape.integers["owner"] = {{1, 1}};
    for (const auto& [attribute, texts] : rule.texts) {
      if (attribute != "transition" && attribute != "path" && !Lacks(facet_, operation_, attribute)) shape.texts[attribute] = texts;
    }
    const auto path = rule.texts.find("path");
    shape.has_path = path != rule.texts.end() && !Lacks(facet_, operation_, "path");
    std::vector<std::string>& paths = paths_[shape];
    if (shape.has_path) paths.insert(paths.end(), path->second.begin(), path->second.end());
  }
  Result<Boxes> Finish() const {
    Boxes boxes;
    for (const auto& [shape, paths] : paths_) {
      Box box;
      for (const auto& [attribute, intervals] : shape.integers) box.integers.emplace(attribute, IntervalSet(intervals));
      for (const auto& [attribute, texts] : shape.texts) {
        RAVELIN_TRY(set, PathSet::ParseAny(Patterns(attribute, texts)));
        box.texts.emplace(attribute, std::move(set));
      }
      if (shape.has_path) {
        RAVELIN_TRY(set, PathSet::ParseAny(paths));
        box.texts.emplace("path", std::move(set));
      }
      boxes.push_back(std::move(box));
    }
    return boxes;
  }

 private:
  FacetId facet_;  // of the attempts, which an exec rule may speak of, too (5.7)
  int operation_;
  std::map<Shape, std::vector<std::string>> paths_;
};

}  // namespace

Result<Box> BoxOf(const Rule& rule, int operation) {
  Merger merger(rule.facet, operation);
  merger.Add(rule);
  RAVELIN_TRY(boxes, merger.Finish());
  return std::move(boxes.front());
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
  Merger allows(facet, operation);
  Merger denies(facet, operation);
  Merger complains(facet, operation);
  const bool maps = IsMapExec(facet, operation);
  const FacetId exec = FacetOf("exec");
  for (const Rule& rule : domain.rules) {
    if (maps && rule.facet == exec && rule.effect == Effect::kAllow) allows.Add(rule);
    if (maps && rule.facet == exec && rule.effect == Effect::kComplain) complains.Add(rule);
    if (rule.facet != facet || (rule.operations >> operation & 1) == 0) continue;
    if (rule.effect == Effect::kAllow) allows.Add(rule);
    if (rule.effect == Effect::kDeny) denies.Add(rule);
    if (rule.effect == Effect::kComplain) complains.Add(rule);
  }
  RAVELIN_TRY(allowed, allows.Finish());
  RAVELIN_TRY(denied, denies.Finish());
  RAVELIN_TRY(complained, complains.Finish());
  const auto open = [&](FacetId one) { return !domain.defaults[one].stated || Permits(domain.defaults[one].action); };
  if (open(facet) || (maps && open(exec))) allowed = {{}};
  RAVELIN_TRY(permitted, Minus(allowed, denied));
  for (Box& box : complained) permitted.push_back(std::move(box));
  return permitted;
}

BoxMember MemberOf(const Box& box) {
  BoxMember member;
  for (const auto& [attribute, set] : box.integers) {
    RAVELIN_CHECK(!set.empty(), "a box is not empty");
    member.integers[attribute] = set.Min();
  }
  for (const auto& [attribute, set] : box.texts) {
    auto text = set.Witness();
    if (IsPathAttribute(attribute)) {  // a name, where there is one in it
      static const PathSet names = PathSet::Names();
      static const PathSet below_root = *names.Minus(*PathSet::Parse("/"));
      for (const PathSet* wanted : {&names, &below_root}) {
        const auto both = set.Intersect(*wanted);
        if (both && !both->Empty()) text = both->Witness();
      }
    }
    RAVELIN_CHECK(text.has_value(), "a box is not empty");
    member.texts[attribute] = *text;
  }
  return member;
}

}  // namespace ravelin::ir
