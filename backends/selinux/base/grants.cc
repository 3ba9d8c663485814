#include "backends/selinux/base/grants.h"

#include <fmt/format.h>

#include "backends/selinux/base/embedded.h"
#include "compiler/base/check.h"
#include "compiler/kernel/selinux_facts.h"

namespace ravelin::selinux {
namespace {

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

}  // namespace

std::span<const BaseGrant> BaseGrants() {
  static const std::vector<BaseGrant> grants = [] {
    std::vector<BaseGrant> all;
    for (const std::string& line : Split(EmbeddedBase("grants.tsv"), '\n')) {
      if (line.empty() || line.front() == '#') continue;
      const auto cells = Split(line, '\t');
      RAVELIN_CHECK(cells.size() == 5, "base/grants.tsv has a malformed row");
      all.push_back({cells[0], cells[1], cells[2], Split(cells[3], ','), cells[4]});
    }
    return all;
  }();
  return grants;
}

std::span<const BaseGrant> ContainerGrants() {
  static const std::vector<BaseGrant> grants = [] {
    std::vector<BaseGrant> all;
    for (const std::string& line : Split(EmbeddedBase("container.tsv"), '\n')) {
      if (line.empty() || line.front() == '#') continue;
      const auto cells = Split(line, '\t');
      RAVELIN_CHECK(cells.size() == 4, "base/container.tsv has a malformed row");
      all.push_back({"", cells[0], cells[1], Split(cells[2], ','), cells[3]});
    }
    return all;
  }();
  return grants;
}

std::string ContainerBase() { return std::string(EmbeddedBase("container.cil")); }

std::string StandaloneBase(const std::vector<std::string>& policy_capabilities) {
  std::string out;
  for (const auto& common : kernel::SelinuxCommons()) out += fmt::format("(common {} ({}))\n", common.first, fmt::join(common.second, " "));
  std::string order;
  for (const kernel::SelinuxClass& one : kernel::SelinuxClasses()) {
    out += fmt::format("(class {} ({}))\n", one.name, fmt::join(one.permissions, " "));
    if (!one.common.empty()) out += fmt::format("(classcommon {} {})\n", one.name, one.common);
    order += " " + one.name;
  }
  out += fmt::format("(classorder (unordered{}))\n", order);
  for (const std::string& capability : policy_capabilities) out += fmt::format("(policycap {})\n", capability);
  out += EmbeddedBase("standalone.cil");
  for (const kernel::SelinuxClass& one : kernel::SelinuxClasses()) out += fmt::format("(allow unconfined_base every_type ({} (all)))\n", one.name);
  return out;
}

}  // namespace ravelin::selinux
