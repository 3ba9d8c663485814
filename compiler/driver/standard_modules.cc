#include "compiler/driver/standard_modules.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "compiler/driver/library.h"

namespace ravelin::driver {
namespace {

// Looking for names is granted to every learned policy, and so is what was open before.
bool IsEverywhere(const std::string& operation) { return operation == "getattr" || operation == "traverse" || operation == "inherit"; }

bool AddFiles(const ir::Rule& rule, generalize::Module& out) {
  generalize::Module::Part part;
  for (const std::string& operation : ir::OperationNames(rule.facet, rule.operations)) {
    out.granted.insert({"file", operation});
    if (!IsEverywhere(operation)) part.operations.insert(operation);
  }
  if (part.operations.empty()) return true;
  if (part.operations == std::set<std::string>{"ioctl"} && rule.texts.empty()) {
    for (const auto& [attribute, values] : rule.integers) {
      for (const ir::Interval& one : values.intervals()) out.commands += one.hi - one.lo + 1;
    }
    return rule.integers.size() == 1;
  }
  // Whoever may make or change files has a gap under some layer, and no operator knows the names of a module's rules beforehand.
  static const std::set<std::string> exact = {"read", "list", "map_exec", "lock", "watch"};
  if (!std::includes(exact.begin(), exact.end(), part.operations.begin(), part.operations.end())) return false;
  const auto patterns = rule.texts.find("path");
  if (patterns == rule.texts.end() || rule.texts.size() != 1 || !rule.integers.empty() || rule.owner_only) return false;
  for (const std::string& pattern : patterns->second) {
    part.pattern = pattern;
    out.files.push_back(part);
  }
  return true;
}

// Nothing where it grants something else.
std::optional<generalize::Module> ModuleOf(const std::string& name, const std::string& parameter, const ir::Domain& domain) {
  generalize::Module out;
  out.name = "std::" + name;
  out.parameter = parameter;
  for (const ir::Rule& rule : domain.rules) {
    if (rule.effect != ir::Effect::kAllow || !rule.boolean.empty()) return std::nullopt;
    if (rule.facet == ir::FacetOf("syscall")) {
      for (const ir::CallMatch& match : rule.calls) {
        const kernel::Syscall* call = kernel::FindSyscall(match.arch, match.number);
        if (call == nullptr || !match.when.IsTrue()) return std::nullopt;
        out.calls.insert(call->name);
      }
    } else if (rule.facet != ir::FacetOf("file") || !AddFiles(rule, out)) {
      return std::nullopt;
    }
  }
  if (out.files.empty()) return std::nullopt;
  return out;
}

}  // namespace

std::vector<generalize::Module> StandardModules(const LoadOptions& options, const resolve::Target& target) {
  source::SourceManager sources;
  diag::Sink sink;
  std::vector<generalize::Module> out;
  for (const auto& [name, file] : LoadModules(options, sources, sink)) {
    const auto module = std::find_if(file.modules.begin(), file.modules.end(), [&name = name](const ast::Module& one) { return one.name.text == name; });
    if (module == file.modules.end() || module->parameters.size() > 1) continue;
    const std::string parameter = module->parameters.empty() ? "" : module->parameters[0].name.text;
    const std::string value = parameter.empty() ? "" : fmt::format("({} = \"{}\")", parameter, generalize::kParameterValue);
    const auto front = ReadPolicyText("std::" + name, fmt::format("language 1\npolicy learned {{\n  use std::{}{}\n  default deny with errno(EPERM)\n}}\n", name, value), options, target);
    // A parameter that is no path.
    if (front->sink.HasErrors() || front->policy.domains.size() != 1) continue;
    if (auto found = ModuleOf(name, parameter, front->policy.domains[0])) out.push_back(std::move(*found));
  }
  return out;
}

}  // namespace ravelin::driver
