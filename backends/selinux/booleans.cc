#include "backends/selinux/booleans.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/base/check.h"
#include "compiler/ir/booleans.h"

namespace ravelin::selinux {
namespace {

Places PlacesOf(const ir::Policy& policy, const std::string& boolean) {
  Places places;
  for (const ir::Domain& domain : policy.domains) {
    for (const ir::Rule& rule : domain.rules) {
      if (rule.boolean == boolean) places.insert(rule.from.place);
    }
  }
  return places;
}

// What two modules say beside their allows; "" where it is the same.
std::string Differs(const Module& a, const Module& b) {
  const auto types = [](const Module& module) {
    std::vector<std::pair<std::string, std::vector<std::string>>> out;
    for (const PathType& path : module.paths) out.emplace_back(path.type, path.patterns);
    return out;
  };
  const auto contexts = [](const Module& module) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const FileContext& context : module.contexts) out.emplace_back(context.regex, context.type);
    return out;
  };
  const auto ports = [](const Module& module) {
    std::vector<std::pair<std::string, ir::IntervalSet>> out;
    for (const PortType& port : module.ports) out.emplace_back(port.type, port.ports);
    return out;
  };
  if (types(a) != types(b) || contexts(a) != contexts(b)) return "the types of paths";
  if (ports(a) != ports(b)) return "the types of ports";
  const auto commands = [](const Module& module) {
    std::map<Access, ir::IntervalSet> out;
    for (const auto& [access, values] : module.commands) out[access] = values.values;
    return out;
  };
  if (commands(a) != commands(b)) return "commands of ioctl";
  const auto transitions = [](const Module& module) {
    std::map<Transition, std::string> out;
    for (const auto& [transition, result] : module.transitions) out[transition] = result.first;
    return out;
  };
  if (transitions(a) != transitions(b)) return "transitions, of execs or of what is created";
  return "";
}

std::map<Access, Allowed> Beyond(const std::map<Access, Allowed>& more, const std::map<Access, Allowed>& less) {
  std::map<Access, Allowed> out;
  for (const auto& [access, allowed] : more) {
    const auto same = less.find(access);
    for (const auto& [permission, places] : allowed.permissions) {
      if (same == less.end() || same->second.permissions.count(permission) == 0) out[access].permissions.emplace(permission, places);
    }
  }
  return out;
}

}  // namespace

Result<Module> LowerBooleans(const ir::Policy& policy, const std::set<std::string>& names, const std::function<Result<Module>(const ir::Policy&)>& lower) {
  const auto no = [&](const std::string& boolean, const std::string& what) { return Fail(ErrorCode::kUnsupported, fmt::format("{}: {} cannot depend on a boolean", fmt::join(PlacesOf(policy, boolean), ", "), what)); };
  if (names.size() > kMaxBooleans) return Fail(ErrorCode::kUnsupported, fmt::format("there are {} booleans, and the states of {} are proved at most", names.size(), kMaxBooleans));
  RAVELIN_TRY(on, lower(policy));
  RAVELIN_TRY(module, lower(ir::WithBooleans(policy, {})));
  std::map<Access, Allowed> all = module.allows;
  for (const std::string& name : names) {
    RAVELIN_TRY(one, lower(ir::WithBooleans(policy, {name})));
    const std::string differs = Differs(one, module);
    if (!differs.empty()) return no(name, differs);
    auto& granted = module.conditional[name];
    granted = Beyond(one.allows, module.allows);
    for (const auto& [access, allowed] : granted) all[access].permissions.insert(allowed.permissions.begin(), allowed.permissions.end());
  }
  // A grant comes from one rule at a time: what all booleans permit together one of them does.
  RAVELIN_CHECK(Beyond(on.allows, all).empty(), "a grant that takes two booleans");
  module.nevers = std::move(on.nevers);
  module.wide = std::move(on.wide);
  return module;
}

std::vector<std::set<std::string>> StatesOf(const std::set<std::string>& names) {
  std::vector<std::set<std::string>> states = {{}};
  for (const std::string& name : names) {
    for (size_t i = states.size(); i-- > 0;) {
      states.push_back(states[i]);
      states.back().insert(name);
    }
  }
  return states;
}

std::string InState(std::string cil, const std::set<std::string>& names, const std::set<std::string>& on) {
  for (const std::string& name : names) {
    const std::string off = fmt::format("(boolean {} false)", name);
    const size_t at = cil.find(off);
    RAVELIN_CHECK(at != std::string::npos, "a boolean that the module does not declare");
    if (on.count(name) != 0) cil.replace(at, off.size(), fmt::format("(boolean {} true)", name));
  }
  return cil;
}

}  // namespace ravelin::selinux
