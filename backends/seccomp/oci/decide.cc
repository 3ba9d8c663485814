#include "backends/seccomp/oci/decide.h"

#include <algorithm>

namespace ravelin::seccomp {
namespace {

using ir::ActionKind;

struct ActionNameRow {
  std::string_view name;
  ActionKind kind;
};
// libseccomp's names; SCMP_ACT_KILL is its old word for kill thread.
constexpr ActionNameRow kActions[] = {
    {"SCMP_ACT_KILL_PROCESS", ActionKind::kKillProcess}, {"SCMP_ACT_KILL_THREAD", ActionKind::kKillThread}, {"SCMP_ACT_KILL", ActionKind::kKillThread},
    {"SCMP_ACT_TRAP", ActionKind::kTrap},                {"SCMP_ACT_ERRNO", ActionKind::kErrno},            {"SCMP_ACT_NOTIFY", ActionKind::kNotify},
    {"SCMP_ACT_TRACE", ActionKind::kTrace},              {"SCMP_ACT_LOG", ActionKind::kLog},                {"SCMP_ACT_ALLOW", ActionKind::kAllow},
};

bool SameArg(const OciArg& a, const OciArg& b) {
  return a.index == b.index && a.op == b.op && a.value == b.value && (a.op != OciOp::kMaskedEq || a.value_two == b.value_two);
}

// Every comparison of `general` is one of `special`.
bool Covers(const std::vector<OciArg>& general, const std::vector<OciArg>& special) {
  return std::all_of(general.begin(), general.end(), [&](const OciArg& g) { return std::any_of(special.begin(), special.end(), [&](const OciArg& s) { return SameArg(g, s); }); });
}

bool NamesArch(const std::vector<std::string>& names, kernel::Arch arch) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return kernel::ArchFromName(name) == arch; });
}

bool ReachesKernel(const std::string& least, kernel::Version version) {
  const auto parsed = kernel::ParseVersion(least);
  return parsed && version >= *parsed;
}

bool HasCapability(const OciContainer& container, const std::string& name) {
  const auto wanted = kernel::FindCapability(name);
  return std::any_of(container.capabilities.begin(), container.capabilities.end(), [&](const std::string& held) { return held == name || (wanted && kernel::FindCapability(held) == wanted); });
}

}  // namespace

std::optional<ir::Action> OciActionOf(std::string_view name, std::optional<uint32_t> errno_ret) {
  for (const ActionNameRow& row : kActions) {
    if (row.name != name) continue;
    ir::Action action{row.kind, 0};
    if (row.kind != ActionKind::kErrno && row.kind != ActionKind::kTrace) return action;
    const uint32_t data = errno_ret.value_or(1);  // EPERM, as runc and crun
    if (data > (row.kind == ActionKind::kErrno ? 4095u : 65535u)) return std::nullopt;
    action.data = static_cast<uint16_t>(data);
    return action;
  }
  return std::nullopt;
}

std::string_view OciActionName(ActionKind kind) {
  return std::find_if(std::begin(kActions), std::end(kActions), [&](const ActionNameRow& row) { return row.kind == kind; })->name;
}

std::string OciArchName(kernel::Arch arch) {
  std::string name(arch == kernel::Arch::kI386 ? "x86" : kernel::ArchName(arch));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); });
  return "SCMP_ARCH_" + name;
}

bool InForce(const OciRule& rule, const OciContainer& container) {
  const auto held = [&](const std::string& name) { return HasCapability(container, name); };
  const OciFilter& in = rule.includes;
  const OciFilter& out = rule.excludes;
  if (!in.arches.empty() && !NamesArch(in.arches, container.arch)) return false;
  if (!std::all_of(in.caps.begin(), in.caps.end(), held)) return false;
  if (!in.min_kernel.empty() && !ReachesKernel(in.min_kernel, container.kernel)) return false;
  if (NamesArch(out.arches, container.arch)) return false;
  if (std::any_of(out.caps.begin(), out.caps.end(), held)) return false;
  return out.min_kernel.empty() || !ReachesKernel(out.min_kernel, container.kernel);
}

std::vector<std::vector<OciArg>> Alternatives(const OciRule& rule) {
  uint32_t seen = 0;
  bool twice = false;
  for (const OciArg& arg : rule.args) {
    twice = twice || (seen >> arg.index & 1) != 0;
    seen |= 1u << arg.index;
  }
  if (!twice) return {rule.args};
  std::vector<std::vector<OciArg>> out;
  for (const OciArg& arg : rule.args) out.push_back({arg});
  return out;
}

bool Holds(const OciArg& arg, const ir::Args& args) {
  const uint64_t x = args[arg.index];
  switch (arg.op) {
    case OciOp::kNe: return x != arg.value;
    case OciOp::kLt: return x < arg.value;
    case OciOp::kLe: return x <= arg.value;
    case OciOp::kEq: return x == arg.value;
    case OciOp::kGe: return x >= arg.value;
    case OciOp::kGt: return x > arg.value;
    case OciOp::kMaskedEq: return (x & arg.value) == arg.value_two;
  }
  return false;
}

OciAnswer AnswerOf(const OciProfile& profile, const OciContainer& container, std::string_view name) {
  OciAnswer answer;
  const auto fallback = OciActionOf(profile.default_action, profile.default_errno);
  const OciRule* constant = nullptr;
  for (const OciRule& rule : profile.rules) {
    if (std::find(rule.names.begin(), rule.names.end(), name) == rule.names.end() || !InForce(rule, container)) continue;
    const auto action = OciActionOf(rule.action, rule.errno_ret);
    if (!action) continue;
    if (action == fallback || constant != nullptr) {
      if (constant == nullptr || action != answer.clauses.front().action) answer.dropped.push_back(&rule);
      continue;
    }
    if (rule.args.empty()) {
      for (const OciClause& clause : answer.clauses) {
        if (clause.action != *action) answer.dropped.push_back(clause.rule);
      }
      answer.clauses = {{&rule, {}, *action}};
      constant = &rule;
      continue;
    }
    for (std::vector<OciArg>& when : Alternatives(rule)) {
      const auto clash = [&](bool earlier_is_general) {
        return std::find_if(answer.clauses.begin(), answer.clauses.end(), [&](const OciClause& c) { return c.action != *action && (earlier_is_general ? Covers(c.when, when) : Covers(when, c.when)); });
      };
      if (const auto special = clash(false); special != answer.clauses.end()) {
        answer.refused.emplace_back(special->rule, &rule);
      } else if (clash(true) != answer.clauses.end()) {
        answer.dropped.push_back(&rule);
      } else {
        answer.clauses.push_back({&rule, std::move(when), *action});
      }
    }
  }
  return answer;
}

std::optional<ir::Action> OciDecide(const OciProfile& profile, const OciContainer& container, std::string_view name, const ir::Args& args) {
  const OciAnswer answer = AnswerOf(profile, container, name);
  if (!answer.refused.empty()) return std::nullopt;
  std::optional<ir::Action> decided;
  for (const OciClause& clause : answer.clauses) {
    if (!std::all_of(clause.when.begin(), clause.when.end(), [&](const OciArg& arg) { return Holds(arg, args); })) continue;
    if (decided && *decided != clause.action) return std::nullopt;
    decided = clause.action;
  }
  return decided ? decided : OciActionOf(profile.default_action, profile.default_errno);
}

}  // namespace ravelin::seccomp
