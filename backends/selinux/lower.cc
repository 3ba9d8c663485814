#include "backends/selinux/lower.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/selinux/base/grants.h"
#include "backends/selinux/contexts.h"
#include "backends/selinux/lowering.h"
#include "backends/selinux/names.h"
#include "compiler/base/check.h"
#include "compiler/kernel/view.h"

namespace ravelin::selinux {
namespace {

// "srv_www" for "/srv/www/**": the plain components that a pattern begins with; "" where it begins with none.
std::string SlugOf(const std::string& pattern) {
  std::string slug;
  for (const char c : pattern) {
    if (std::string_view("*?[{\\").find(c) != std::string_view::npos || slug.size() > 40) break;
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain) {
      slug += c;
    } else if (!slug.empty() && slug.back() != '_') {
      slug += '_';
    }
  }
  while (!slug.empty() && slug.back() == '_') slug.pop_back();
  return slug;
}

// Disjoint sets of ports by which rules hold them; ports that no rule names are left out.
std::vector<ir::IntervalSet> CutPorts(const std::vector<ir::IntervalSet>& sets) {
  std::set<uint64_t> edges;
  for (const ir::IntervalSet& set : sets) {
    for (const ir::Interval& i : set.intervals()) {
      edges.insert(i.lo);
      if (i.hi < 0xffff) edges.insert(i.hi + 1);
    }
  }
  std::map<std::vector<bool>, std::vector<ir::Interval>> cells;
  for (auto at = edges.begin(); at != edges.end(); ++at) {
    const auto next = std::next(at);
    std::vector<bool> holds;
    holds.reserve(sets.size());
    for (const ir::IntervalSet& set : sets) holds.push_back(set.Contains(*at));
    if (*at > 0xffff || std::find(holds.begin(), holds.end(), true) == holds.end()) continue;
    cells[holds].push_back({*at, next == edges.end() ? 0xffff : *next - 1});
  }
  std::vector<ir::IntervalSet> out;
  for (auto& [holds, intervals] : cells) out.emplace_back(std::move(intervals));
  std::sort(out.begin(), out.end(), [](const ir::IntervalSet& a, const ir::IntervalSet& b) { return a.Min() < b.Min(); });
  return out;
}

}  // namespace

Result<Module> Lower(const ir::Policy& policy, const LowerOptions& options) { return Lowering(policy, options).Run(options.folder_depth); }

// What no module states is refused rather than left out.
Result<void> Lowering::CheckStatable() const {
  const auto no = [](const ir::Provenance& from, const char* what) { return Fail(ErrorCode::kUnsupported, fmt::format("{}: {} not written into SELinux modules; `exec ... as NAME` is", from.place, what)); };
  const char* changes = "changes of domain that a process asks for itself are";
  for (const ir::Domain& domain : policy_.domains) {
    if (domain.hat) return Fail(ErrorCode::kUnsupported, fmt::format("{}: SELinux has no hats", domain.from.place));
    const ir::FacetDefault& fallback = domain.defaults[ir::FacetOf("domain")];
    if (fallback.stated && Permits(fallback.action)) return no(fallback.from, changes);
    for (const ir::Rule& rule : domain.rules) {
      if (rule.effect != ir::Effect::kAllow && rule.effect != ir::Effect::kComplain) continue;
      if (rule.facet == ir::FacetOf("domain")) return no(rule.from, changes);
      if (rule.keeps_environment) return no(rule.from, "an exec that keeps the environment is");
      const auto to = rule.texts.find("transition");
      if (to != rule.texts.end() && (to->second.size() > 1 || to->second.front() == "attached")) return no(rule.from, "an exec whose outcome depends on what else is loaded is");
    }
  }
  return {};
}

Result<Module> Lowering::Run(int folder_depth) {
  if (auto statable = CheckStatable(); !statable) return tl::make_unexpected(std::move(statable.error()));
  auto cells = PathCells::Build(policy_, folder_depth);
  if (!cells) return tl::make_unexpected(std::move(cells.error()));
  cells_ = std::move(*cells);
  module_.policy_capabilities = target_.policy_capabilities;
  DeclareTypes();
  DeclarePorts();
  for (const ir::Domain& domain : policy_.domains) {
    const auto lowered = LowerDomain(domain);
    if (!lowered) return tl::make_unexpected(lowered.error());
  }
  // After all grants: one domain's exec rule grants to another.
  for (const ir::Domain& domain : policy_.domains) AddNevers(domain);
  std::map<std::vector<uint32_t>, std::string> by_patterns;
  for (const auto& [label, type] : types_) by_patterns[cells_.PatternsOf(label)] = type;
  module_.contexts = MakeContexts(cells_.patterns, by_patterns);
  if (options_.host != nullptr) {
    ReuseTypes(*options_.host, module_);
    FindConflicts();
  }
  return std::move(module_);
}

void PlaceConflict(const ir::Policy& policy, const std::vector<std::string>& patterns, Conflict& conflict) {
  const auto named = [&](const std::string& text) { return std::find(patterns.begin(), patterns.end(), text) != patterns.end(); };
  for (size_t d = 0; d < policy.domains.size(); ++d) {
    for (const ir::Rule& rule : policy.domains[d].rules) {
      for (const auto& [attribute, texts] : rule.texts) {
        if (!IsPathAttribute(attribute) || std::none_of(texts.begin(), texts.end(), named)) continue;
        conflict.domain = d;
        conflict.rule = rule.id;
        return;
      }
    }
    if (std::any_of(policy.domains[d].attach.begin(), policy.domains[d].attach.end(), named)) conflict.domain = d;
  }
}

void Lowering::DeclareTypes() {
  std::map<std::string, Places> from;  // pattern -> rules
  for (const ir::Domain& domain : policy_.domains) {
    module_.domains.push_back({domain.name, DomainType(domain.name), EntryType(domain.name), !domain.attach.empty()});
    for (const std::string& pattern : domain.attach) from[pattern].insert(domain.from.place + " attach");
    for (const ir::Rule& rule : domain.rules) {
      for (const auto& [attribute, texts] : rule.texts) {
        if (IsPathAttribute(attribute)) {
          for (const std::string& pattern : texts) {
            from[pattern].insert(rule.from.place);
            from[FolderOf(pattern)].insert(rule.from.place);
          }
        } else if (attribute == "label") {
          module_.labels.insert(texts.begin(), texts.end());
        } else if (attribute == "peer") {
          for (const std::string& text : texts) {
            if (text.rfind("label:", 0) == 0) module_.peers.insert(text.substr(6));
          }
        }
      }
    }
  }
  std::set<std::string> taken;
  if (options_.host != nullptr) taken = options_.host->types;
  for (const DomainTypes& domain : module_.domains) taken.insert({domain.type, domain.entry_type});
  for (const auto& [label, witness] : cells_.tree->Witnesses()) {
    const auto& patterns = cells_.PatternsOf(label);
    if (patterns.empty()) continue;
    PathType type;
    std::string base;
    for (const uint32_t p : patterns) {
      type.patterns.push_back(cells_.patterns[p]);
      type.from.insert(from[cells_.patterns[p]].begin(), from[cells_.patterns[p]].end());
      if (SlugOf(cells_.patterns[p]).size() > base.size()) base = SlugOf(cells_.patterns[p]);
    }
    const std::string stem = module_.name + "_" + (base.empty() ? "path" : base);
    type.type = stem + "_t";
    for (int n = 2; !taken.insert(type.type).second; ++n) type.type = fmt::format("{}_{}_t", stem, n);
    type.witness = witness;
    types_[label] = type.type;
    module_.paths.push_back(std::move(type));
  }
}

void Lowering::DeclarePorts() {
  std::vector<ir::IntervalSet> sets;
  std::vector<std::set<std::string>> protocols;  // by set
  for (const ir::Domain& domain : policy_.domains) {
    for (const ir::Rule& rule : domain.rules) {
      const auto port = rule.integers.find("port");
      if (port == rule.integers.end()) continue;
      sets.push_back(port->second);
      protocols.emplace_back();
      for (const char* protocol : kProtocols) {
        const auto boxes = SocketBoxes(std::string(protocol) + "_socket");
        const bool meant = std::any_of(boxes.begin(), boxes.end(), [&](const Box& box) {
          return std::all_of(box.begin(), box.end(), [&](const auto& one) {
            const auto stated = rule.integers.find(one.first);
            return stated == rule.integers.end() || !stated->second.Intersect(one.second).empty();
          });
        });
        if (meant) protocols.back().insert(protocol);
      }
    }
  }
  for (const ir::IntervalSet& ports : CutPorts(sets)) {
    PortType type{fmt::format("{}_port_{}_t", module_.name, ports.Min()), ports, {}};
    for (size_t i = 0; i < sets.size(); ++i) {
      if (sets[i].Contains(ports.Min())) type.protocols.insert(protocols[i].begin(), protocols[i].end());
    }
    for (const std::string& protocol : std::set<std::string>(type.protocols)) {
      auto known = TypeOfHostPorts(protocol, ports);
      if (!known) continue;
      type.protocols.erase(protocol);
      module_.ports.push_back(std::move(*known));
    }
    if (!type.protocols.empty()) module_.ports.push_back(std::move(type));
  }
}

// A host's portcon for these very ports cannot be stated again; one for more ports loses against ours.
std::optional<PortType> Lowering::TypeOfHostPorts(const std::string& protocol, const ir::IntervalSet& ports) {
  if (options_.host == nullptr) return std::nullopt;
  std::set<std::string> types;
  ir::IntervalSet taken;
  for (const ir::Interval& i : ports.intervals()) {
    for (const HostPort& host : options_.host->ports) {
      if (host.protocol != protocol || host.hi < i.lo || host.lo > i.hi || host.hi - host.lo > i.hi - i.lo) continue;
      types.insert(host.type);
      taken = taken.Union(ir::IntervalSet({{host.lo, host.hi}}));
    }
  }
  if (types.empty()) {
    module_.choices.push_back(fmt::format("{} port {}: a new type; the host has none for it alone", protocol, ports.Min()));
    return std::nullopt;
  }
  if (types.size() > 1 || taken != ports) {
    const std::string text = fmt::format("{} port {} and others that the same rules name cannot have one type: the host's policy has {} for port {}", protocol, ports.Min(), *types.begin(), taken.Min());
    for (size_t d = 0; d < policy_.domains.size(); ++d) {
      for (const ir::Rule& rule : policy_.domains[d].rules) {
        const auto port = rule.integers.find("port");
        if (port == rule.integers.end() || port->second.Intersect(ports).empty()) continue;
        module_.conflicts.push_back({Conflict::Kind::kPort, d, rule.id, text, fmt::format("name port {} in a rule of its own", taken.Min())});
        return std::nullopt;
      }
    }
  }
  PortType reused{*types.begin(), {}, {protocol}, true};
  for (const HostPort& host : options_.host->ports) {
    if (host.protocol == protocol && host.type == reused.type) reused.ports = reused.ports.Union(ir::IntervalSet({{host.lo, host.hi}}));
  }
  const ir::IntervalSet others = reused.ports.Minus(ports);
  const std::string wider = others.empty() ? "" : fmt::format("; what is granted holds for its other ports, too (port {}, say)", others.Min());
  module_.choices.push_back(fmt::format("{} port {}: the host's type {}, since a port has one type in a policy{}", protocol, ports.Min(), reused.type, wider));
  return reused;
}

// Names of types, and entries for one regular expression: a policy has one of each.
void Lowering::FindConflicts() {
  for (size_t d = 0; d < module_.domains.size(); ++d) {
    const DomainTypes& domain = module_.domains[d];
    for (const std::string& type : {domain.type, domain.entry_type}) {
      if (options_.host->types.count(type) == 0 || (domain.attached && type == domain.entry_type)) continue;
      module_.conflicts.push_back({Conflict::Kind::kName, d, std::nullopt, fmt::format("policy `{}` needs a type {}, and the host's policy has one of that name", domain.name, type), "give the policy a name that is free there"});
    }
  }
  std::map<std::string, const FileContext*> ours;
  for (const FileContext& context : module_.contexts) ours[context.regex] = &context;
  for (const HostContext& host : options_.host->contexts) {
    const auto same = ours.find(host.regex);
    if (same == ours.end() || (host.kind == "any" && host.type == same->second->type)) continue;
    const auto path = std::find_if(module_.paths.begin(), module_.paths.end(), [&](const PathType& one) { return one.type == same->second->type; });
    Conflict conflict{Conflict::Kind::kLabel, 0, std::nullopt, fmt::format("the host labels `{}` already, as {}", host.regex, host.type.empty() ? "nothing" : host.type), ""};
    conflict.help = host.type.empty() ? "name the path otherwise" : fmt::format("grant what is needed on `label(\"{}\")`, which all objects of that type share", host.type);
    if (path != module_.paths.end()) PlaceConflict(policy_, path->patterns, conflict);
    module_.conflicts.push_back(std::move(conflict));
  }
}

std::string Lowering::TypeOfLabel(uint32_t label) const {
  const auto at = types_.find(label);
  return at == types_.end() ? RestFiles(module_.name) : at->second;
}

void Lowering::Add(const std::string& source, const std::string& target, const std::string& object_class, const std::vector<std::string>& permissions, const Places& places) {
  auto& granted = module_.allows[{source, target, object_class}].permissions;
  for (const std::string& permission : permissions) granted[permission].insert(places.begin(), places.end());
}

bool Lowering::Asked(const Row& row) const {
  if (row.classes.empty() || (row.needs.kernel && *row.needs.kernel > target_.kernel)) return false;
  return std::all_of(row.needs.policy_capabilities.begin(), row.needs.policy_capabilities.end(), [&](const std::string& name) { return target_.policy_capabilities.count(name) != 0; });
}

Result<void> Lowering::LowerDomain(const ir::Domain& domain) {
  const Reach reach(domain, cells_);
  Current at{&domain, &reach, DomainType(domain.name), {}};
  const auto found = FindTransitions(at);
  if (!found) return tl::make_unexpected(found.error());
  for (const Row& row : kernel::SelinuxViewRows()) {
    if (!Asked(row)) continue;
    const ir::FacetId facet = ir::FacetOf(row.facet);
    const auto& operations = kernel::Facets()[facet].operations;
    const auto operation = std::find(operations.begin(), operations.end(), row.operation) - operations.begin();
    RAVELIN_CHECK(operation < static_cast<std::ptrdiff_t>(operations.size()), "view_selinux.tsv names an unknown operation");
    LowerRow(at, facet, static_cast<int>(operation), row);
  }
  AddExecTransitions(at);
  AddCreationTransitions(at);
  AddRenames(at);
  AddBase(domain);
  for (size_t facet = 0; facet < kernel::Facets().size(); ++facet) {
    const ir::FacetDefault& d = domain.defaults[facet];
    if (!reach.DefaultPermits(static_cast<ir::FacetId>(facet))) continue;
    module_.wide[kernel::Facets()[facet].name].insert(domain.name + (d.stated ? ": default allow" : ": no default, unmediated"));
  }
  return {};
}

void Lowering::AddBase(const ir::Domain& domain) {
  std::vector<std::string> entries;
  for (const std::string& pattern : domain.attach) {
    for (const ir::Interval& i : cells_.labels_of.at(pattern).intervals()) {
      for (uint64_t label = i.lo; label <= i.hi; ++label) entries.push_back(types_.at(static_cast<uint32_t>(label)));
    }
  }
  if (domain.attach.empty()) entries = {EntryType(domain.name)};
  const std::string type = DomainType(domain.name);
  for (const BaseGrant& grant : BaseGrants()) {
    // A container's runtime starts the domain, and what that takes is the host's to grant.
    if (target_.container && (grant.source != "domain" || (grant.target != "self" && grant.target != "domain"))) continue;
    const std::string source = grant.source == "domain" ? type : kLauncher;
    std::vector<std::string> targets = entries;
    if (grant.target == "self" || grant.target == "domain") targets = {type};
    if (grant.target == "launcher") targets = {kLauncher};
    if (grant.target == "terminals") targets = {kTerminals};
    if (grant.target == "filesystems") targets = {kFilesystems};
    for (const std::string& target : targets) {
      for (const std::string& permission : grant.permissions) module_.base[{source, target, grant.object_class}].permissions[permission].insert("base: " + grant.reason);
    }
  }
  if (target_.container) return;
  for (const std::string& entry : entries) module_.transitions[{kLauncher, entry, "process", ""}] = {type, {domain.from.place + " policy " + domain.name}};
}

}  // namespace ravelin::selinux
