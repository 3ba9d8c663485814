#include "backends/selinux/prove/events.h"

#include <algorithm>
#include <set>

#include "backends/selinux/paths/regex.h"
#include "compiler/ir/automaton.h"
#include "compiler/ir/pattern_nfa.h"
#include "compiler/kernel/selinux_facts.h"
#include "compiler/kernel/view.h"

// Clause numbers refer to docs/semantics.md.

namespace ravelin::selinux {
namespace {

bool HoldsPatterns(const std::string& attribute) { return attribute == "path" || attribute == "on" || attribute == "from" || attribute == "target"; }

std::vector<uint32_t> Filter(const std::vector<uint32_t>& rules, const Atoms& atoms, size_t atom) {
  std::vector<uint32_t> out;
  for (const uint32_t rule : rules) {
    if (atoms.matches[rule].empty() || atoms.matches[rule][atom]) out.push_back(rule);
  }
  return out;
}

}  // namespace

Result<World> World::Build(const ir::Policy& policy, const std::vector<DecodedContext>& contexts, const std::set<std::string>& reused) {
  World world;
  std::set<std::string> patterns;
  std::set<std::string> labels;
  std::set<std::string> peers;
  for (const ir::Domain& domain : policy.domains) {
    world.peers.push_back(domain.name);
    patterns.insert(domain.attach.begin(), domain.attach.end());
    for (const ir::Rule& rule : domain.rules) {
      for (const auto& [attribute, texts] : rule.texts) {
        if (HoldsPatterns(attribute)) patterns.insert(texts.begin(), texts.end());
        if (attribute == "label") labels.insert(texts.begin(), texts.end());
        if (attribute == "peer") peers.insert(texts.begin(), texts.end());
      }
    }
  }
  for (const std::string& peer : peers) {
    if (peer.rfind("label:", 0) == 0) world.peers.push_back(peer);
  }
  world.peers.insert(world.peers.end(), {"self", "outside"});
  world.patterns.assign(patterns.begin(), patterns.end());
  world.file_labels.assign(labels.begin(), labels.end());
  // Patterns and file_contexts together in one automaton.
  ir::PatternNfa nfa;
  uint32_t next = 0;
  for (const std::string& pattern : world.patterns) {
    auto items = ir::ParsePattern(pattern);
    if (!items) return tl::make_unexpected(std::move(items.error()).In(pattern));
    world.pattern_index[pattern] = next;
    ir::AddPattern(*items, next++, nfa);
  }
  struct Entry {
    uint32_t body;
    std::vector<uint32_t> required, refused;
  };
  std::vector<Entry> entries;
  std::map<uint32_t, uint32_t> entry_of_body;
  uint32_t live = 0;  // nodes of what is ours
  const auto matters = [&](const DecodedContext& context) { return !context.host || reused.count(context.type) != 0; };
  const auto order = [&] {
    std::vector<uint32_t> all;
    for (const bool first : {true, false}) {
      for (uint32_t i = 0; i < contexts.size(); ++i) {
        if (matters(contexts[i]) == first) all.push_back(i);
      }
    }
    return all;
  }();
  entries.resize(contexts.size());
  for (const uint32_t i : order) {
    const DecodedContext& context = contexts[i];
    Entry entry;
    const auto add = [&](const std::string& regex, uint32_t& index) {
      index = next++;
      return AddRegex(regex, index, nfa);
    };
    Result<void> added = add(context.regex.body, entry.body);
    for (const std::string& regex : context.regex.required) {
      if (added) added = add(regex, entry.required.emplace_back());
    }
    for (const std::string& regex : context.regex.refused) {
      if (added) added = add(regex, entry.refused.emplace_back());
    }
    if (!added) return tl::make_unexpected(std::move(added.error()));
    entry_of_body[entry.body] = i;
    entries[i] = std::move(entry);
    if (matters(context)) live = static_cast<uint32_t>(nfa.nodes.size());
  }
  if (live == 0) live = static_cast<uint32_t>(nfa.nodes.size());
  // Where nothing of ours can match any more, the host's entries do not matter.
  auto automaton = ir::Determinize(nfa, ir::kMaxMapStates, [live](std::vector<uint32_t>& nodes) {
    if (!nodes.empty() && nodes.front() >= live) nodes.clear();
  });
  if (!automaton) return tl::make_unexpected(std::move(automaton.error()));
  world.tree.emplace(std::move(*automaton));
  for (const auto& [label, witness] : world.tree->Witnesses()) {
    const auto& matching = world.tree->PatternsOf(label);
    const auto matches = [&](uint32_t text) { return std::binary_search(matching.begin(), matching.end(), text); };
    PathKind kind{{}, "", "", witness};
    int64_t ours = -1;  // the last of our entries that matches decides
    int64_t theirs = -1;
    std::map<std::string, int64_t> by_kind = {{"", -1}};  // the last of all, by kind of file
    for (const uint32_t m : matching) {
      if (m < world.patterns.size()) kind.patterns.push_back(m);
      const auto found = entry_of_body.find(m);
      if (found == entry_of_body.end()) continue;
      const int64_t position = found->second;
      const Entry& e = entries[found->second];
      if (!std::all_of(e.required.begin(), e.required.end(), matches) || std::any_of(e.refused.begin(), e.refused.end(), matches)) continue;
      int64_t& last = contexts[found->second].host ? theirs : ours;
      last = std::max(last, position);
      by_kind.emplace(contexts[found->second].kind, -1);
      for (auto& [of, winner] : by_kind) {
        if (contexts[found->second].kind.empty() || contexts[found->second].kind == of) winner = std::max(winner, position);
      }
    }
    for (const auto& winner : by_kind) {
      if (winner.second >= 0 && reused.count(contexts[static_cast<size_t>(winner.second)].type) != 0) kind.reused = contexts[static_cast<size_t>(winner.second)].type;
    }
    if (ours >= 0) kind.type = contexts[static_cast<size_t>(ours)].type;
    if (ours >= 0 && theirs > ours && contexts[static_cast<size_t>(theirs)].type != kind.type) kind.host = contexts[static_cast<size_t>(theirs)].text + " " + contexts[static_cast<size_t>(theirs)].type;
    world.kind_of_label[label] = static_cast<uint32_t>(world.kinds.size());
    world.kinds.push_back(std::move(kind));
  }
  // Objects that file_contexts never label exist even where the patterns take every path.
  const bool outside = std::any_of(world.kinds.begin(), world.kinds.end(), [](const PathKind& kind) { return kind.patterns.empty() && kind.type.empty(); });
  if (!outside) world.kinds.push_back({{}, "", "", "an object that no pattern takes"});
  return world;
}

FacetEvents::FacetEvents(const ir::Domain& domain, ir::FacetId facet, const World& world) : domain_(domain), facet_(facet), world_(world) {
  for (const ir::Rule& rule : domain.rules) {
    const bool maps = kernel::Facets()[facet].name == "file" && kernel::Facets()[rule.facet].name == "exec" && (rule.effect == ir::Effect::kAllow || rule.effect == ir::Effect::kComplain);  // 5.7
    if (rule.facet == facet || maps) rules_.push_back(&rule);
  }
  const ir::FacetDefault& d = domain.defaults[facet];
  default_permits_ = !d.stated || Permits(d.action);
  const std::string& name = kernel::Facets()[facet].name;
  object_attribute_ = name == "mount" ? "on" : name == "file" || name == "exec" || name == "network" ? "path"
                                                                                                     : "";
  static const std::set<std::string> kIntegers = {"command", "family", "type", "protocol", "port", "value", "signal", "request", "flags", "resource"};
  for (const std::string& attribute : kernel::Facets()[facet].attributes) {
    if (attribute == object_attribute_ || attribute == "label") continue;
    if (kIntegers.count(attribute) != 0) {
      AddIntegers(attribute);
    } else if (HoldsPatterns(attribute)) {
      AddPaths(attribute);
    } else {
      AddTexts(attribute);
    }
  }
  Atoms owner;
  owner.numbers = {{0, 0}, {1, 1}};
  for (const ir::Rule* rule : rules_) owner.matches.push_back(rule->owner_only ? std::vector<bool>{false, true} : std::vector<bool>{});
  atoms_["owner"] = std::move(owner);
  AddObjects();
}

void FacetEvents::AddIntegers(const std::string& attribute) {
  std::set<uint64_t> edges = {0};
  const uint64_t last = attribute == "port" ? 0xffff : attribute == "flags" ? ~uint64_t{0}
                                                                            : 0xffffffff;
  const auto edge = [&](uint64_t lo, uint64_t hi) {
    edges.insert(lo);
    if (hi < last) edges.insert(hi + 1);
  };
  for (const ir::Rule* rule : rules_) {
    const auto values = rule->integers.find(attribute);
    if (values == rule->integers.end()) continue;
    for (const ir::Interval& i : values->second.intervals()) edge(i.lo, i.hi);
  }
  for (const kernel::SelinuxViewRow& row : kernel::SelinuxViewRows()) {
    if (row.facet != kernel::Facets()[facet_].name) continue;
    for (const auto& condition : row.conditions) {
      if (condition.attribute != attribute) continue;
      for (const uint64_t v : condition.numbers.values) edge(v, v);
    }
  }
  for (const kernel::SelinuxSocketRow& row : kernel::SelinuxSocketRows()) {
    const kernel::ValueTest* test = attribute == "family" ? &row.family : attribute == "type"   ? &row.type
                                                                      : attribute == "protocol" ? &row.protocol
                                                                                                : nullptr;
    if (test == nullptr) break;
    for (const uint64_t v : test->values) edge(v, v);
  }
  Atoms atoms;
  for (auto at = edges.begin(); at != edges.end(); ++at) {
    if (*at > last) break;
    atoms.numbers.push_back({*at, std::next(at) == edges.end() ? last : *std::next(at) - 1});
  }
  for (const ir::Rule* rule : rules_) {
    std::vector<bool> takes;
    const auto values = rule->integers.find(attribute);
    if (values != rule->integers.end()) {
      for (const ir::Interval& i : atoms.numbers) takes.push_back(values->second.Contains(i.lo));
    }
    atoms.matches.push_back(std::move(takes));
  }
  atoms_[attribute] = std::move(atoms);
}

void FacetEvents::AddTexts(const std::string& attribute) {
  std::set<std::string> texts;
  for (const ir::Rule* rule : rules_) {
    const auto values = rule->texts.find(attribute);
    if (values != rule->texts.end()) texts.insert(values->second.begin(), values->second.end());
  }
  const auto named = [&](const std::string& text) { return attribute == "peer" && text == domain_.name ? std::string("self") : text; };
  if (attribute == "peer") {
    texts.insert(world_.peers.begin(), world_.peers.end());
    texts.erase(domain_.name);  // that is `self`
  } else {
    texts.insert("");
  }
  Atoms atoms;
  atoms.texts.assign(texts.begin(), texts.end());
  for (const ir::Rule* rule : rules_) {
    std::vector<bool> takes;
    const auto values = rule->texts.find(attribute);
    if (values != rule->texts.end()) {
      for (const std::string& text : atoms.texts) takes.push_back(std::any_of(values->second.begin(), values->second.end(), [&](const std::string& value) { return named(value) == text; }));
    }
    atoms.matches.push_back(std::move(takes));
  }
  atoms_[attribute] = std::move(atoms);
}

// Kinds of path that these rules do not tell apart are one.
void FacetEvents::AddPaths(const std::string& attribute) {
  std::map<std::vector<bool>, std::vector<uint32_t>> different;
  for (uint32_t k = 0; k < world_.kinds.size(); ++k) {
    const PathKind& kind = world_.kinds[k];
    std::vector<bool> taken;
    for (const ir::Rule* rule : rules_) {
      const auto values = rule->texts.find(attribute);
      bool takes = values == rule->texts.end();
      for (size_t i = 0; !takes && i < values->second.size(); ++i) takes = std::binary_search(kind.patterns.begin(), kind.patterns.end(), world_.pattern_index.at(values->second[i]));
      taken.push_back(takes);
    }
    different[std::move(taken)].push_back(k);
  }
  Atoms atoms;
  atoms.texts.assign(different.size(), "");
  for (const auto& [taken, kinds] : different) atoms.kinds.push_back(kinds);
  atoms.matches.resize(rules_.size());
  for (size_t r = 0; r < rules_.size(); ++r) {
    for (const auto& [taken, kinds] : different) atoms.matches[r].push_back(taken[r]);
  }
  atoms_[attribute] = std::move(atoms);
}

void FacetEvents::AddObjects() {
  for (uint32_t k = 0; k < world_.kinds.size(); ++k) objects_.push_back({k, "", {}});
  if (object_attribute_.empty()) objects_ = {Object{}};
  const std::string& name = kernel::Facets()[facet_].name;
  const bool labelled = name == "file" || name == "exec";
  // Types that rules name stand for objects without a path of ours.
  const size_t paths = objects_.size();
  if (!object_attribute_.empty()) {
    for (const std::string& label : world_.file_labels) objects_.push_back({0, label, {}});
  }
  std::map<uint32_t, std::vector<uint32_t>> with_pattern;  // pattern -> objects
  for (uint32_t o = 0; o < paths && !object_attribute_.empty(); ++o) {
    for (const uint32_t p : world_.kinds[objects_[o].kind].patterns) with_pattern[p].push_back(o);
  }
  for (uint32_t r = 0; r < rules_.size(); ++r) {
    const auto path = rules_[r]->texts.find(object_attribute_);
    const auto label = labelled ? rules_[r]->texts.find("label") : rules_[r]->texts.end();
    std::set<uint32_t> matching;
    if (!object_attribute_.empty() && path != rules_[r]->texts.end()) {
      for (const std::string& pattern : path->second) {
        const auto& those = with_pattern[world_.pattern_index.at(pattern)];
        matching.insert(those.begin(), those.end());
      }
    } else {
      for (uint32_t o = 0; o < objects_.size(); ++o) matching.insert(o);
    }
    for (const uint32_t o : matching) {
      const bool right = label == rules_[r]->texts.end() || std::find(label->second.begin(), label->second.end(), objects_[o].label) != label->second.end();
      if (right) objects_[o].rules.push_back(r);
    }
  }
}

// 5.2 for one event, given the rules that match it.
bool FacetEvents::Decide(const std::vector<uint32_t>& rules, bool by_default) const {
  bool allowed = false;
  bool denied = false;
  for (const uint32_t r : rules) {
    if (rules_[r]->effect == ir::Effect::kComplain) return true;
    allowed = allowed || rules_[r]->effect == ir::Effect::kAllow;
    denied = denied || rules_[r]->effect == ir::Effect::kDeny;
  }
  return !denied && (allowed || by_default);
}

// Some event, whatever SELinux does not see of it.
bool FacetEvents::Any(const std::vector<uint32_t>& rules, bool by_default, const std::vector<const Atoms*>& hidden, size_t next) const {
  if (next == hidden.size()) return Decide(rules, by_default);
  for (size_t atom = 0; atom < hidden[next]->size(); ++atom) {
    if (Any(Filter(rules, *hidden[next], atom), by_default, hidden, next + 1)) return true;
  }
  return false;
}

// Whether the rule has the operation; 5.7 gives one to what lets a program run.
bool FacetEvents::SpeaksOf(uint32_t rule, int operation) const {
  if (rules_[rule]->facet != facet_) return kernel::Facets()[facet_].operations[static_cast<size_t>(operation)] == "map_exec";
  return (rules_[rule]->operations >> operation & 1) != 0;
}

bool FacetEvents::DefaultPermits(int operation) const {
  const ir::FacetDefault& exec = domain_.defaults[ir::FacetOf("exec")];
  const bool maps = kernel::Facets()[facet_].name == "file" && kernel::Facets()[facet_].operations[static_cast<size_t>(operation)] == "map_exec";
  return default_permits_ || (maps && (!exec.stated || Permits(exec.action)));
}

std::vector<std::string> FacetEvents::Constrained(const std::vector<uint32_t>& rules, int operation) const {
  std::vector<std::string> attributes;
  const kernel::FacetInfo& info = kernel::Facets()[facet_];
  for (const auto& entry : atoms_) {
    const std::string& attribute = entry.first;
    const Atoms& atoms = entry.second;
    if (kernel::OperationLacks(info.name, info.operations[static_cast<size_t>(operation)], attribute)) continue;  // 2.6
    const bool any = std::any_of(rules.begin(), rules.end(), [&](uint32_t r) { return !atoms.matches[r].empty(); });
    if (any) attributes.push_back(attribute);
  }
  return attributes;
}

void FacetEvents::Walk(const Object& object, const std::vector<uint32_t>& rules, bool by_default, const std::vector<std::string>& seen, size_t next, const std::vector<std::string>& hidden, Values& values,
                       const std::function<void(const Object&, const Values&)>& take) const {
  if (rules.empty() && !by_default) return;
  if (next == seen.size()) {
    std::vector<const Atoms*> atoms;
    for (const std::string& attribute : hidden) atoms.push_back(&atoms_.at(attribute));
    if (Any(rules, by_default, atoms, 0)) take(object, values);
    return;
  }
  const Atoms& atoms = atoms_.at(seen[next]);
  for (size_t atom = 0; atom < atoms.size(); ++atom) {
    values[seen[next]] = atom;
    Walk(object, Filter(rules, atoms, atom), by_default, seen, next + 1, hidden, values, take);
  }
  values.erase(seen[next]);
}

void FacetEvents::ForEach(int operation, bool by_object, const std::vector<std::string>& seen, const std::function<void(const Object&, const Values&)>& take) const {
  const kernel::FacetInfo& info = kernel::Facets()[facet_];
  const bool by_default = DefaultPermits(operation);
  // 2.6: where attempts have no such object, a rule's constraint on it says nothing.
  Object anything;
  for (uint32_t r = 0; r < rules_.size(); ++r) anything.rules.push_back(r);
  const bool lacks = kernel::OperationLacks(info.name, info.operations[static_cast<size_t>(operation)], object_attribute_);
  const std::vector<Object> one = {anything};
  std::set<std::vector<uint32_t>> done;  // where the object is not seen, equal rules are equal events
  for (const Object& object : lacks ? one : objects_) {
    std::vector<uint32_t> rules;
    for (const uint32_t r : object.rules) {
      const ir::Effect effect = rules_[r]->effect;
      const bool decides = effect == ir::Effect::kAllow || effect == ir::Effect::kDeny || effect == ir::Effect::kComplain;
      if (decides && SpeaksOf(r, operation)) rules.push_back(r);
    }
    if (!by_object && !done.insert(rules).second) continue;
    std::vector<std::string> hidden;
    for (const std::string& attribute : Constrained(rules, operation)) {
      if (std::find(seen.begin(), seen.end(), attribute) == seen.end()) hidden.push_back(attribute);
    }
    Values values;
    Walk(object, rules, by_default, seen, 0, hidden, values, take);
  }
}

std::vector<const ir::Rule*> FacetEvents::Permitting(int operation, const Object& object) const {
  std::vector<uint32_t> rules;
  for (const uint32_t r : object.rules) {
    if (SpeaksOf(r, operation)) rules.push_back(r);
  }
  const auto hidden_names = Constrained(rules, operation);
  std::vector<const Atoms*> hidden;
  for (const std::string& attribute : hidden_names) hidden.push_back(&atoms_.at(attribute));
  // A rule permits an event if it is permitted with this rule as the only one that permits.
  std::vector<const ir::Rule*> out;
  for (const uint32_t r : rules) {
    if (rules_[r]->effect != ir::Effect::kAllow && rules_[r]->effect != ir::Effect::kComplain) continue;
    std::vector<uint32_t> alone;
    for (const uint32_t other : rules) {
      if (other == r || rules_[other]->effect == ir::Effect::kDeny) alone.push_back(other);
    }
    const std::function<bool(const std::vector<uint32_t>&, size_t)> some = [&](const std::vector<uint32_t>& left, size_t next) {
      if (std::find(left.begin(), left.end(), r) == left.end()) return false;
      if (next == hidden.size()) return rules_[r]->effect == ir::Effect::kComplain || std::none_of(left.begin(), left.end(), [&](uint32_t x) { return rules_[x]->effect == ir::Effect::kDeny; });
      for (size_t atom = 0; atom < hidden[next]->size(); ++atom) {
        if (some(Filter(left, *hidden[next], atom), next + 1)) return true;
      }
      return false;
    };
    if (some(alone, 0)) out.push_back(rules_[r]);
  }
  return out;
}

}  // namespace ravelin::selinux
