#include "backends/selinux/reach.h"

#include <algorithm>

#include "compiler/base/check.h"
#include "compiler/kernel/view.h"

namespace ravelin::selinux {
namespace {

using ir::Effect;
using ir::IntervalSet;

const IntervalSet& Everything() {
  static const IntervalSet all = IntervalSet::All(64);
  return all;
}

const IntervalSet& ValuesOf(const Box& box, const std::string& attribute) {
  const auto at = box.find(attribute);
  return at == box.end() ? Everything() : at->second;
}

// The box's intersection; nullopt where it is empty.
std::optional<Box> Meet(const Box& a, const Box& b) {
  Box out = a;
  for (const auto& [attribute, values] : b) {
    const auto [at, fresh] = out.emplace(attribute, values);
    if (!fresh) at->second = at->second.Intersect(values);
    if (at->second.empty()) return std::nullopt;
  }
  return out;
}

int MapExec() {
  static const int operation = [] {
    const auto& operations = kernel::FindFacet("file")->operations;
    return static_cast<int>(std::find(operations.begin(), operations.end(), "map_exec") - operations.begin());
  }();
  return operation;
}

}  // namespace

bool IsPathAttribute(const std::string& attribute) { return attribute == "path" || attribute == "from" || attribute == "on" || attribute == "target"; }

std::string PeerOf(const ir::Domain& domain, const std::string& text) { return text == domain.name ? "self" : text; }

std::string FolderOf(const std::string& pattern) {
  size_t slash = std::string::npos;
  int depth = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      ++i;
    } else if (c == '[') {
      for (i += 2; i < pattern.size() && pattern[i] != ']'; ++i) {
        if (pattern[i] == '\\') ++i;
      }
    } else if (c == '{' || c == '}') {
      depth += c == '{' ? 1 : -1;
    } else if (c == '/') {
      slash = depth == 0 ? i : std::string::npos;
    }
  }
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : pattern.substr(0, slash);
}

namespace {

int DepthOf(const std::string& folder) { return folder == "/" ? 0 : static_cast<int>(std::count(folder.begin(), folder.end(), '/')); }

// Operations that ask the directory, too.
bool ChangesFolders(const ir::Rule& rule) {
  const kernel::FacetInfo& facet = kernel::Facets()[rule.facet];
  if (facet.name != "file" || (rule.effect != Effect::kAllow && rule.effect != Effect::kComplain)) return false;
  for (size_t i = 0; i < facet.operations.size(); ++i) {
    const std::string& name = facet.operations[i];
    if ((rule.operations >> i & 1) != 0 && (name.rfind("create", 0) == 0 || name == "delete" || name.rfind("rename", 0) == 0 || name == "link")) return true;
  }
  return false;
}

}  // namespace

Result<PathCells> PathCells::Build(const ir::Policy& policy, int folder_depth) {
  std::set<std::string> patterns;
  for (const ir::Domain& domain : policy.domains) {
    patterns.insert(domain.attach.begin(), domain.attach.end());
    for (const ir::Rule& rule : domain.rules) {
      for (const auto& [attribute, texts] : rule.texts) {
        if (!IsPathAttribute(attribute)) continue;
        patterns.insert(texts.begin(), texts.end());
        for (const std::string& text : texts) {
          const std::string folder = ChangesFolders(rule) && attribute != "target" ? FolderOf(text) : "";
          if (!folder.empty() && DepthOf(folder) >= folder_depth) patterns.insert(folder);
        }
      }
    }
  }
  PathCells out;
  out.patterns.assign(patterns.begin(), patterns.end());
  RAVELIN_TRY(automaton, ir::CompilePatterns(out.patterns));
  out.tree.emplace(std::move(automaton));
  std::vector<std::vector<ir::Interval>> labels(out.patterns.size());
  for (const auto& [label, witness] : out.tree->Witnesses()) {
    for (const uint32_t p : out.PatternsOf(label)) labels[p].push_back({label, label});
  }
  for (size_t i = 0; i < out.patterns.size(); ++i) out.labels_of[out.patterns[i]] = IntervalSet(labels[i]);
  return out;
}

Vocabulary::Vocabulary(const ir::Domain& domain) {
  for (const ir::Rule& rule : domain.rules) {
    for (const auto& [attribute, texts] : rule.texts) {
      auto& known = numbers_[attribute];
      for (const std::string& text : texts) known.emplace(attribute == "peer" ? PeerOf(domain, text) : text, known.size());
    }
  }
}

uint64_t Vocabulary::Number(const std::string& attribute, const std::string& text) const {
  const auto& known = Texts(attribute);
  const auto at = known.find(text);
  return at == known.end() ? kOther : at->second;
}

const std::map<std::string, uint64_t>& Vocabulary::Texts(const std::string& attribute) const {
  static const std::map<std::string, uint64_t> none;
  const auto at = numbers_.find(attribute);
  return at == numbers_.end() ? none : at->second;
}

Reach::Reach(const ir::Domain& domain, const PathCells& cells) : domain_(domain), cells_(cells), vocabulary_(domain) {
  const ir::FacetId file = ir::FacetOf("file");
  const ir::FacetId exec = ir::FacetOf("exec");
  for (const ir::Rule& rule : domain.rules) {
    RAVELIN_CHECK(rule.id == boxes_.size(), "rules are not numbered by their position");
    Box box;
    for (const auto& [attribute, values] : rule.integers) box[attribute] = values;
    for (const auto& [attribute, texts] : rule.texts) {
      IntervalSet values;
      if (IsPathAttribute(attribute)) {
        for (const std::string& text : texts) values = values.Union(cells.labels_of.at(text));
      } else {
        for (const std::string& text : texts) values = values.Union(IntervalSet::Single(vocabulary_.Number(attribute, attribute == "peer" ? PeerOf(domain, text) : text)));
      }
      box[attribute] = std::move(values);
    }
    if (rule.owner_only) box["owner"] = IntervalSet::Single(1);
    boxes_.push_back(std::move(box));
    for (int operation = 0; operation < static_cast<int>(kernel::Facets()[rule.facet].operations.size()); ++operation) {
      if ((rule.operations >> operation & 1) != 0) by_operation_[{rule.facet, operation}].push_back(&rule);
    }
    if (rule.facet == exec && (rule.effect == Effect::kAllow || rule.effect == Effect::kComplain)) by_operation_[{file, MapExec()}].push_back(&rule);  // 5.7
  }
  for (const auto& [label, witness] : cells.tree->Witnesses()) live_.push_back({label, label});
}

std::string Reach::PlaceOf(const ir::Rule& rule) {
  const char* verb = rule.effect == Effect::kComplain ? "complain" : rule.effect == Effect::kNever ? "never"
                                                                                                   : "allow";
  return rule.from.place + " " + verb + " " + kernel::Facets()[rule.facet].name;
}

bool Reach::DefaultPermits(ir::FacetId facet) const {
  const ir::FacetDefault& d = domain_.defaults[facet];
  return !d.stated || ir::Permits(d.action);
}

bool Reach::DefaultPermits(ir::FacetId facet, int operation) const {
  if (facet == ir::FacetOf("file") && operation == MapExec() && DefaultPermits(ir::FacetOf("exec"))) return true;  // 5.7
  return DefaultPermits(facet);
}

const Box& Reach::BoxOf(const ir::Rule& rule, ir::FacetId facet, int operation) const {
  const kernel::FacetInfo& info = kernel::Facets()[facet];
  const auto lacks = [&](const auto& constraint) {
    return rule.facet != facet ? constraint.first == "transition" : kernel::OperationLacks(info.name, info.operations[static_cast<size_t>(operation)], constraint.first);
  };
  const Box& whole = boxes_[rule.id];
  if (std::none_of(whole.begin(), whole.end(), lacks)) return whole;
  // An exec rule that stands for map_exec has no operation of its own there.
  const auto [at, fresh] = without_lacking_.try_emplace({rule.id, rule.facet != facet ? -1 : operation});
  if (fresh) {
    for (const auto& constraint : whole) {
      if (!lacks(constraint)) at->second.insert(constraint);
    }
  }
  return at->second;
}

const std::vector<const ir::Rule*>& Reach::Candidates(ir::FacetId facet, int operation, std::optional<uint32_t> cell) const {
  static const std::vector<const ir::Rule*> none;
  const auto all = by_operation_.find({facet, operation});
  if (all == by_operation_.end()) return none;
  if (!cell) return all->second;
  const auto [at, fresh] = by_cell_.try_emplace({facet, operation, *cell});
  if (fresh) {
    for (const ir::Rule* rule : all->second) {
      const Box& box = BoxOf(*rule, facet, operation);
      const auto path = box.find("path");
      if (path == box.end() || path->second.Contains(*cell)) at->second.push_back(rule);
    }
  }
  return at->second;
}

std::vector<const Box*> Reach::Denies(const std::vector<const ir::Rule*>& candidates, ir::FacetId facet, int operation) const {
  std::vector<const Box*> denies;
  for (const ir::Rule* rule : candidates) {
    if (rule->effect == Effect::kDeny) denies.push_back(&BoxOf(*rule, facet, operation));
  }
  return denies;
}

// Whether a point of the box lies outside every deny.
bool Reach::Remains(Box box, const std::vector<const Box*>& denies, size_t next) const {
  for (; next < denies.size(); ++next) {
    if (Meet(box, *denies[next])) break;
  }
  if (next == denies.size()) return true;
  for (const auto& [attribute, values] : *denies[next]) {
    Box outside = box;
    IntervalSet rest = ValuesOf(box, attribute).Minus(values);
    if (!rest.empty()) {
      outside[attribute] = std::move(rest);
      if (Remains(std::move(outside), denies, next + 1)) return true;
    }
    box[attribute] = ValuesOf(box, attribute).Intersect(values);
  }
  return false;
}

namespace {
std::optional<uint32_t> CellOf(const Box& fixed) {
  const auto path = fixed.find("path");
  if (path == fixed.end() || path->second.intervals().size() != 1 || path->second.intervals()[0].lo != path->second.intervals()[0].hi) return std::nullopt;
  return static_cast<uint32_t>(path->second.Min());
}
}  // namespace

std::vector<uint32_t> Reach::Allows(ir::FacetId facet, int operation, const Box& fixed) const {
  const auto& candidates = Candidates(facet, operation, CellOf(fixed));
  const auto denies = Denies(candidates, facet, operation);
  std::vector<uint32_t> ids;
  for (const ir::Rule* rule : candidates) {
    if (rule->effect != Effect::kAllow && rule->effect != Effect::kComplain) continue;
    auto box = Meet(fixed, BoxOf(*rule, facet, operation));
    if (!box) continue;
    if (rule->effect == Effect::kComplain || Remains(std::move(*box), denies, 0)) ids.push_back(rule->id);
  }
  return ids;
}

std::optional<Places> Reach::Permits(ir::FacetId facet, int operation, const Box& given) const {
  const auto cell = CellOf(given);
  if (Candidates(facet, operation, cell).empty() && !DefaultPermits(facet, operation)) return std::nullopt;
  Box fixed = given;
  // A path that the check does not see is still one of the paths that there are.
  for (const std::string& attribute : kernel::Facets()[facet].attributes) {
    if (IsPathAttribute(attribute) && fixed.count(attribute) == 0) fixed[attribute] = IntervalSet(live_);
  }
  if (fixed.count("owner") == 0) fixed["owner"] = IntervalSet::Of({0, 1});
  Places places;
  for (const uint32_t id : Allows(facet, operation, fixed)) places.insert(PlaceOf(domain_.rules[id]));
  if (DefaultPermits(facet, operation) && Remains(fixed, Denies(Candidates(facet, operation, cell), facet, operation), 0)) {
    const bool stated = domain_.defaults[facet].stated;
    places.insert(stated ? domain_.defaults[facet].from.place + " default" : "no default: " + kernel::Facets()[facet].name + " is unmediated");
  }
  if (places.empty()) return std::nullopt;
  return places;
}

}  // namespace ravelin::selinux
