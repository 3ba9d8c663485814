#include "backends/combine/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "backends/selinux/names.h"

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

// A rule that permits creation of the path, and the operation.
std::pair<std::optional<uint32_t>, int> CreatorOf(const ir::Domain& domain, const std::string& path) {
  const ir::FacetId file = ir::FacetOf("file");
  const auto& operations = kernel::Facets()[file].operations;
  int first = 0;
  for (size_t i = operations.size(); i-- > 0;) {
    if (operations[i].rfind("create", 0) != 0) continue;
    first = static_cast<int>(i);
    for (const ir::Rule& rule : domain.rules) {
      if (rule.facet != file || rule.effect != ir::Effect::kAllow || (rule.operations >> i & 1) == 0) continue;
      const auto box = ir::BoxOf(rule, first);
      if (!box) continue;
      const auto at = box->texts.find("path");
      if (at == box->texts.end() || at->second.Contains(path)) return {rule.id, first};
    }
  }
  return {std::nullopt, first};
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
  for (const selinux::LabelDifference& d : module.differences) {
    if (d.domain != domain.name) continue;
    const bool known = std::any_of(module.paths.begin(), module.paths.end(), [&](const selinux::PathType& path) { return path.type == d.labelled; });
    const std::set<std::string> wanted = GrantsOn(module, source, known ? d.labelled : selinux::RestFiles(module.name));
    const std::set<std::string> given = GrantsOn(module, source, d.created);
    const auto [rule, operation] = CreatorOf(domain, d.path);
    ir::BoxMember witness;
    witness.texts["path"] = d.path;
    const std::string reason = fmt::format("a new object there gets the label {} of its directory or name, not that of its path", d.created);
    if (!std::includes(given.begin(), given.end(), wanted.begin(), wanted.end())) gaps.push_back({rule, ir::FacetOf("file"), operation, false, layers, reason, witness, std::nullopt});
    if (!std::includes(wanted.begin(), wanted.end(), given.begin(), given.end())) gaps.push_back({rule, ir::FacetOf("file"), operation, true, layers, reason, witness, std::nullopt});
  }
  return gaps;
}

}  // namespace ravelin::combine
