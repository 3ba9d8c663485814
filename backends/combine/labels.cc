#include "backends/combine/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "backends/selinux/names.h"
#include "backends/selinux/paths/single.h"
#include "compiler/ir/operation_words.h"
#include "compiler/kernel/selinux_facts.h"

namespace ravelin::combine {
namespace {

// What the domain may do with objects of a type, "class permission"; "" stands for the host's types.
std::set<std::string> GrantsOn(const selinux::Module& module, const std::string& source, const std::string& type) {
  std::set<std::string> grants;
  for (const auto& [access, allowed] : module.allows) {
    if (access.source != source || access.target != type) continue;
    for (const auto& [permission, places] : allowed.permissions) grants.insert(access.object_class + " " + permission);
  }
  for (const auto& [boolean, allows] : module.conditional) {
    for (const auto& [access, allowed] : allows) {
      if (access.source != source || access.target != type) continue;
      for (const auto& [permission, places] : allowed.permissions) grants.insert(access.object_class + " " + permission);
    }
  }
  return grants;
}

// Rules by what they permit of one path; remembers their sets of paths.
class Allowers {
 public:
  explicit Allowers(const ir::Domain& domain) : domain_(domain) {}
  // The first that permits one of the operations there, or nullopt.
  std::optional<uint32_t> Of(const std::string& path, ir::FacetId facet, ir::OperationSet operations) {
    for (const ir::Rule& rule : domain_.rules) {
      if (rule.facet != facet || (rule.effect != ir::Effect::kAllow && rule.effect != ir::Effect::kComplain) || (rule.operations & operations) == 0 || rule.texts.count("label") != 0) continue;
      const auto patterns = rule.texts.find("path");
      if (patterns == rule.texts.end()) return rule.id;
      auto known = sets_.find(rule.id);
      if (known == sets_.end()) known = sets_.emplace(rule.id, ir::PathSet::ParseAny(patterns->second)).first;
      if (known->second && known->second->Contains(path)) return rule.id;
    }
    return std::nullopt;
  }

 private:
  const ir::Domain& domain_;
  std::map<uint32_t, Result<ir::PathSet>> sets_;
};

// Operations on an object itself, with what SELinux asks of its label; not those that make it or give it its name, whose label is another question.
struct Asked {
  ir::FacetId facet;
  int operation;
  std::vector<const kernel::SelinuxViewRow*> rows;
};
std::vector<Asked> AskedOfLabels() {
  std::vector<Asked> out;
  for (const char* facet : {"file", "exec"}) {
    const auto& operations = kernel::FindFacet(facet)->operations;
    for (size_t i = 0; i < operations.size(); ++i) {
      const std::string& name = operations[i];
      if (name.rfind("create", 0) == 0 || name == "rename_to" || name == "link" || name == "inherit") continue;
      Asked asked{ir::FacetOf(facet), static_cast<int>(i), {}};
      for (const kernel::SelinuxViewRow& row : kernel::SelinuxViewRows()) {
        // Of programs, what is asked whatever the process becomes.
        const bool always = row.conditions.empty() && !row.needs.kernel && row.needs.policy_capabilities.empty();
        if (row.facet == facet && row.operation == name && row.Sees("path") && always) asked.rows.push_back(&row);
      }
      if (!asked.rows.empty()) out.push_back(std::move(asked));
    }
  }
  return out;
}

// Whether everything that is asked of an object of the class is among the grants; nullopt: nothing is asked of such.
std::optional<bool> Answered(const std::vector<const kernel::SelinuxViewRow*>& rows, const std::string& object_class, const std::set<std::string>& grants) {
  bool asked = false;
  for (const kernel::SelinuxViewRow* row : rows) {
    if (std::find(row->classes.begin(), row->classes.end(), object_class) == row->classes.end()) continue;
    asked = true;
    const auto granted = [&](const std::string& permission) { return grants.count(object_class + " " + permission) != 0; };
    const bool passes = row->any_suffices ? std::any_of(row->permissions.begin(), row->permissions.end(), granted) : std::all_of(row->permissions.begin(), row->permissions.end(), granted);
    if (!passes) return false;
  }
  return asked ? std::optional(true) : std::nullopt;
}

// One that a standalone policy labels by itself.
bool IsSingleFile(const std::string& path, const ir::Domain& domain) {
  std::vector<std::string> patterns;
  for (const ir::Rule& rule : domain.rules) {
    const auto at = rule.texts.find("path");
    if (at != rule.texts.end()) patterns.insert(patterns.end(), at->second.begin(), at->second.end());
  }
  const auto labelled = selinux::LabelledFiles(patterns);
  return std::binary_search(labelled.begin(), labelled.end(), path);
}

}  // namespace

std::optional<std::string> LabelledByFileSystem(const ir::Rule& rule) {
  // genfscon labels them (security/selinux/hooks.c, inode_doinit_with_dentry).
  const auto there = ir::PathSet::Parse("/{proc,sys}/**");
  const auto path = rule.texts.find("path");
  const std::string& facet = kernel::Facets()[rule.facet].name;
  if (!there || rule.effect != ir::Effect::kAllow || path == rule.texts.end() || (facet != "file" && facet != "exec")) return std::nullopt;
  std::optional<std::string> single;
  for (const std::string& pattern : path->second) {
    const auto set = ir::PathSet::Parse(pattern);
    const auto both = set ? set->Intersect(*there) : Result<ir::PathSet>(ir::PathSet());
    const auto witness = both ? both->Witness() : std::nullopt;
    if (witness && selinux::LabelledFiles({pattern}).empty()) return witness;
    if (!single) single = witness;
  }
  return single;
}

std::vector<Gap> FileSystemGaps(const ir::Domain& domain, const std::vector<std::string>& layers) {
  const auto has = [&](const char* layer) { return std::find(layers.begin(), layers.end(), layer) != layers.end(); };
  std::map<std::pair<ir::FacetId, int>, std::string> refused;  // operation -> a path; one that every form refuses rather than a single file
  for (const ir::Rule& rule : domain.rules) {
    if (!has("selinux")) break;
    const auto witness = LabelledByFileSystem(rule);
    for (size_t i = 0; witness && i < kernel::Facets()[rule.facet].operations.size(); ++i) {
      if ((rule.operations >> i & 1) == 0) continue;
      const auto [at, is_new] = refused.emplace(std::pair(rule.facet, static_cast<int>(i)), *witness);
      if (!is_new && IsSingleFile(at->second, domain)) at->second = *witness;
    }
  }
  std::vector<Gap> gaps;
  for (const auto& [operation, path] : refused) {
    ir::BoxMember witness;
    witness.texts["path"] = path;
    const bool single = IsSingleFile(path, domain);
    gaps.push_back({std::nullopt, operation.first, operation.second, false, layers, std::string(single ? "beside a host's policy (forms `module` and `container`) " : "") + "SELinux labels what is in /proc and /sys by the file system, not by its path", witness, std::nullopt});
  }
  const ir::FacetId ipc = ir::FacetOf("ipc");
  const ir::OperationSet queues = ir::OperationsNamed(ipc, "mqueue");
  const bool wanted = std::any_of(domain.rules.begin(), domain.rules.end(), [&](const ir::Rule& rule) { return rule.facet == ipc && rule.effect == ir::Effect::kAllow && (rule.operations & queues) != 0; });
  if (wanted && has("apparmor")) gaps.push_back({std::nullopt, ipc, std::countr_zero(queues), false, layers, "AppArmor finds no path for a message queue, and refuses every one", {}, std::nullopt});
  return gaps;
}

std::vector<Gap> LabelGaps(const ir::Domain& domain, const selinux::Module& module, const std::vector<std::string>& layers) {
  std::vector<Gap> gaps;
  const std::string source = selinux::DomainType(domain.name);
  const ir::FacetId file = ir::FacetOf("file");
  const auto& operations = kernel::Facets()[file].operations;
  ir::OperationSet creations = 0;
  for (size_t i = 0; i < operations.size(); ++i) creations |= operations[i].rfind("create", 0) == 0 ? ir::OperationSet{1} << i : 0;
  const auto asked = AskedOfLabels();
  Allowers allowers(domain);
  for (const selinux::LabelDifference& d : module.differences) {
    if (d.domain != domain.name) continue;
    const bool known = std::any_of(module.paths.begin(), module.paths.end(), [&](const selinux::PathType& path) { return path.type == d.labelled; });
    const std::set<std::string> wanted = GrantsOn(module, source, known ? d.labelled : selinux::RestFiles(module.name));
    const std::set<std::string> given = GrantsOn(module, source, d.has);
    std::vector<std::string> classes = {d.object_class};
    if (d.renamed) {
      classes.clear();
      for (const char* one : {"file", "dir", "lnk_file", "chr_file", "blk_file", "sock_file", "fifo_file"}) {
        if (!d.by.empty() || given.count(std::string(one) + " rename") != 0) classes.emplace_back(one);
      }
    }
    const ir::OperationSet to = ir::OperationsNamed(file, "rename_to");
    const auto bringer = allowers.Of(d.by.empty() ? d.path : d.by, file, d.renamed ? to : creations);
    const std::string reason = d.renamed ? fmt::format("what is renamed, and what lies below it, keeps its label, which may be {} there", d.has) : fmt::format("a new object there gets the label {} of its directory or name, not that of its path", d.has);
    ir::BoxMember witness;
    witness.texts["path"] = d.path;
    bool told_more = false;
    bool told_less = false;
    for (const auto& [facet, operation, rows] : asked) {
      bool more = false;
      bool less = false;
      for (const std::string& object_class : classes) {
        const auto wants = Answered(rows, object_class, wanted);
        const auto has = Answered(rows, object_class, given);
        if (!wants || !has) continue;
        more |= *has && !*wants;
        less |= *wants && !*has;
      }
      told_more |= more;
      told_less |= less;
      if (more) gaps.push_back({bringer, facet, operation, true, layers, reason, witness, std::nullopt});
      // Less than the policy says only where it says it.
      const auto loser = less ? allowers.Of(d.path, facet, ir::OperationSet{1} << operation) : std::nullopt;
      if (loser) gaps.push_back({loser, facet, operation, false, layers, reason, witness, std::nullopt});
    }
    // What differs and is no operation by itself (a command of ioctl, entries of a directory) is told of what brought it there.
    const int brought = std::countr_zero(d.renamed ? to : creations);
    for (const bool wider : {true, false}) {
      const auto& rich = wider ? given : wanted;
      const auto& poor = wider ? wanted : given;
      const bool differs = std::any_of(rich.begin(), rich.end(), [&](const std::string& grant) { return poor.count(grant) == 0 && std::any_of(classes.begin(), classes.end(), [&](const std::string& one) { return grant.starts_with(one + " "); }); });
      if (differs && !(wider ? told_more : told_less)) gaps.push_back({bringer, file, brought, wider, layers, reason, witness, std::nullopt});
    }
  }
  return gaps;
}

}  // namespace ravelin::combine
