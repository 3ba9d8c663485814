#include "compiler/resolve/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "compiler/kernel/apparmor_features.h"
#include "compiler/resolve/embedded_targets.h"
#include "compiler/resolve/layer_sets.h"

namespace ravelin::resolve {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t at = text.find(separator);
    const std::string_view part = Trim(text.substr(0, at));
    if (!part.empty()) parts.emplace_back(part);
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::optional<unsigned> ParseNumber(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<void> Set(Target& target, std::string_view key, std::string_view value) {
  const auto bad = [&](std::string_view what) { return Fail(ErrorCode::kMalformed, fmt::format("`{}` is no {}", value, what)); };
  if (key == "name") {
    target.name = value;
  } else if (key == "description") {
    target.description = value;
  } else if (key == "arch") {
    const auto arch = kernel::ArchFromName(value);
    if (!arch || *arch == kernel::Arch::kX32) return bad("architecture that a filter can be compiled for");
    target.arch = *arch;
  } else if (key == "kernel") {
    const auto version = kernel::ParseVersion(value);
    if (!version) return bad("kernel version");
    target.kernel = *version;
  } else if (key == "features") {
    for (std::string& feature : Split(value, ',')) target.features.insert(std::move(feature));
  } else if (key == "apparmor_features") {
    const std::vector<std::string> sets = kernel::ApparmorFeatureSets();
    if (std::find(sets.begin(), sets.end(), value) == sets.end()) return bad("set of AppArmor features that is known (compiler/kernel/tables/apparmor_features.tsv)");
    target.apparmor_features = value;
  } else if (key == "apparmor_parser") {
    if (!kernel::ParseVersion(value)) return bad("version of apparmor_parser");
    target.apparmor_parser = value;
  } else if (key == "modules") {
    target.modules.clear();
    for (std::string& module : Split(value, ',')) {
      if (module != "apparmor" && module != "selinux") return bad("list of security modules (apparmor, selinux)");
      target.modules.insert(std::move(module));
    }
  } else if (key == "selinux_policy_version") {
    // libsepol 3.4 reads and writes 15 to 33 (sepol/policydb/policydb.h).
    const auto version = ParseNumber(value);
    if (!version || *version < 30 || *version > 40) return bad("version of a binary SELinux policy (30 and more)");
    target.selinux_policy_version = *version;
  } else if (key == "selinux_policy_capabilities") {
    target.selinux_policy_capabilities.clear();
    for (std::string& capability : Split(value, ',')) target.selinux_policy_capabilities.insert(std::move(capability));
  } else if (key == "layers") {
    target.layer_sets = ParseLayerSets(value);
    if (target.layer_sets.empty()) return bad("set of layers (seccomp, apparmor, selinux)");
  } else {
    return Fail(ErrorCode::kMalformed, fmt::format("unknown key `{}`", key));
  }
  return {};
}

}  // namespace

bool IsLayerName(std::string_view name) { return name == "seccomp" || name == "apparmor" || name == "selinux"; }

bool HasLayer(const Target& target, std::string_view layer) { return layer == "seccomp" || target.modules.count(std::string(layer)) != 0; }

Result<Target> ParseTarget(std::string_view text, std::string name) {
  Target target;
  target.name = std::move(name);
  bool has_kernel = false;
  for (size_t line_number = 1; !text.empty(); ++line_number) {
    const size_t end = text.find('\n');
    const std::string_view whole = text.substr(0, end);
    const std::string_view line = Trim(whole.substr(0, whole.find('#')));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return Fail(ErrorCode::kMalformed, fmt::format("line {}: a descriptor's line is `key = value`", line_number));
    }
    const std::string_view key = Trim(line.substr(0, equals));
    if (auto set = Set(target, key, Trim(line.substr(equals + 1))); !set) {
      return tl::make_unexpected(std::move(set.error()).In(fmt::format("line {}", line_number)));
    }
    has_kernel |= key == "kernel";
  }
  if (!has_kernel) return Fail(ErrorCode::kMalformed, "a descriptor states `kernel = VERSION`");
  if (target.layer_sets.empty()) target.layer_sets = {{"seccomp"}};
  for (const auto& set : target.layer_sets) {
    for (const std::string& layer : set) {
      if (!HasLayer(target, layer)) return Fail(ErrorCode::kMalformed, fmt::format("`layers` names {}, which `modules` does not", layer));
    }
  }
  return target;
}

std::vector<std::string> BuiltinTargets() {
  std::vector<std::string> names;
  for (std::string_view file : EmbeddedTargetNames()) names.emplace_back(file.substr(0, file.rfind('.')));
  std::sort(names.begin(), names.end());
  return names;
}

Result<Target> BuiltinTarget(std::string_view name) {
  const std::string file = std::string(name) + ".target";
  const std::string_view text = EmbeddedTarget(file);
  if (text.empty()) return Fail(ErrorCode::kNotFound, fmt::format("no built-in target `{}`", name));
  return ParseTarget(text, std::string(name));
}

}  // namespace ravelin::resolve
