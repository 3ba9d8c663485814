#include "backends/combine/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "backends/selinux/names.h"
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
  std::optional<uint32_t> Of(const std::string& path, ir::OperationSet operations) {
    for (const ir::Rule& rule : domain_.rules) {
      if (rule.facet != ir::FacetOf("file") || (rule.effect != ir::Effect::kAllow && rule.effect != ir::Effect::kComplain) || (rule.operations & operations) == 0 || rule.texts.count("label") != 0) continue;
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
std::vector<std::pair<int, std::vector<const kernel::SelinuxViewRow*>>> AskedOfLabels() {
  std::vector<std::pair<int, std::vector<const kernel::SelinuxViewRow*>>> out;
  const auto& operations = kernel::Facets()[ir::FacetOf("file")].operations;
  for (size_t i = 0; i < operations.size(); ++i) {
    const std::string& name = operations[i];
    if (name.rfind("create", 0) == 0 || name == "rename_to" || name == "link" || name == "inherit" || name == "ioctl") continue;
    std::vector<const kernel::SelinuxViewRow*> rows;
    for (const kernel::SelinuxViewRow& row : kernel::SelinuxViewRows()) {
      if (row.facet == "file" && row.operation == name && row.Sees("path") && !row.needs.kernel && row.needs.policy_capabilities.empty()) rows.push_back(&row);
    }
    if (!rows.empty()) out.emplace_back(static_cast<int>(i), std::move(rows));
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

}  // namespace

std::optional<std::string> LabelledByFileSystem(const ir::Rule& rule) {
  // genfscon labels them (security/selinux/hooks.c, inode_doinit_with_dentry).
  const auto there = ir::PathSet::Parse("/{proc,sys}/**");
  const auto path = rule.texts.find("path");
  const std::string& facet = kernel::Facets()[rule.facet].name;
  if (!there || rule.effect != ir::Effect::kAllow || path == rule.texts.end() || (facet != "file" && facet != "exec")) return std::nullopt;
  for (const std::string& pattern : path->second) {
    const auto set = ir::PathSet::Parse(pattern);
    const auto both = set ? set->Intersect(*there) : Result<ir::PathSet>(ir::PathSet());
    if (const auto witness = both ? both->Witness() : std::nullopt) return witness;
  }
  return std::nullopt;
}

std::vector<Gap> FileSystemGaps(const ir::Domain& domain, const std::vector<std::string>& layers) {
  std::map<std::pair<ir::FacetId, int>, std::string> refused;  // operation -> a path
  for (const ir::Rule& rule : domain.rules) {
    const auto witness = LabelledByFileSystem(rule);
    for (size_t i = 0; witness && i < kernel::Facets()[rule.facet].operations.size(); ++i) {
      if ((rule.operations >> i & 1) != 0) refused.emplace(std::pair(rule.facet, static_cast<int>(i)), *witness);
    }
  }
  std::vector<Gap> gaps;
  for (const auto& [operation, path] : refused) {
    ir::BoxMember witness;
    witness.texts["path"] = path;
    gaps.push_back({std::nullopt, operation.first, operation.second, false, layers, "SELinux labels what is in /proc and /sys by the file system, not by its path", witness, std::nullopt});
  }
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
        if (given.count(std::string(one) + " rename") != 0) classes.emplace_back(one);
      }
    }
    const std::string reason = d.renamed ? fmt::format("an object that is renamed keeps its label, which may be {} there", d.has) : fmt::format("a new object there gets the label {} of its directory or name, not that of its path", d.has);
    for (const auto& [operation, rows] : asked) {
      bool more = false;
      bool less = false;
      for (const std::string& object_class : classes) {
        const auto wants = Answered(rows, object_class, wanted);
        const auto has = Answered(rows, object_class, given);
        if (!wants || !has) continue;
        more |= *has && !*wants;
        less |= *wants && !*has;
      }
      ir::BoxMember witness;
      witness.texts["path"] = d.path;
      if (more) gaps.push_back({allowers.Of(d.path, d.renamed ? ir::OperationsNamed(file, "rename_to") : creations), file, operation, true, layers, reason, witness, std::nullopt});
      // Less than the policy says only where it says it.
      const auto loser = less ? allowers.Of(d.path, ir::OperationSet{1} << operation) : std::nullopt;
      if (loser) gaps.push_back({loser, file, operation, false, layers, reason, witness, std::nullopt});
    }
  }
  return gaps;
}

}  // namespace ravelin::combine
