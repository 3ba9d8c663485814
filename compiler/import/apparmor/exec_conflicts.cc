#include "compiler/import/apparmor/exec_conflicts.h"

#include <fmt/format.h>

#include <vector>

#include "compiler/import/apparmor/pattern.h"

namespace ravelin::import::apparmor {
namespace {

struct Exec {
  const Rule* rule;
  std::string path;
  ExecMode mode;
  Automaton automaton;
};

// As the kernel stores it: a name takes the place of what the letters said.
ExecMode Stored(ExecMode mode, const std::string& profile) {
  if (mode.named.empty()) return mode;
  if (mode.to == ExecTo::kChild) mode.named = profile + "//" + mode.named;
  mode.to = ExecTo::kProfile;
  return mode;
}

std::vector<Exec> ExecsOf(const Profile& profile) {
  std::vector<Exec> out;
  for (const Rule& rule : profile.rules) {
    if (rule.prefix.deny) continue;
    std::string regex;
    std::string why;
    Exec exec{&rule, "", {}, {}};
    if (const auto* file = std::get_if<FileRule>(&rule.body); file != nullptr && file->modes.exec.present) {
      exec.path = file->path.value;
      exec.mode = Stored(file->modes.exec, profile.plain);
      GlobToRegex(file->path.value, GlobNul::kNo, regex, why);
    } else if (const auto* change = std::get_if<ChangeProfileRule>(&rule.body); change != nullptr && change->exec.written) {
      exec.path = change->exec.value;
      exec.mode.present = true;
      exec.mode.keeps_environment = change->environment == ChangeProfileRule::Environment::kUnsafe;
      GlobToRegex(change->exec.value, GlobNul::kNo, regex, why);
      regex += "\\x00";
      GlobToRegex(change->target.written ? change->target.value : "**", GlobNul::kNo, regex, why);
    } else {
      continue;
    }
    if (Automaton::FromRegex(regex, exec.automaton)) out.push_back(std::move(exec));
  }
  return out;
}

}  // namespace

bool CheckExecConflicts(const Profile& profile, diag::Sink& sink) {
  const std::vector<Exec> execs = ExecsOf(profile);
  for (size_t i = 0; i < execs.size(); ++i) {
    for (size_t j = i + 1; j < execs.size(); ++j) {
      const Exec& a = execs[i];
      const Exec& b = execs[j];
      const Prefix& p = a.rule->prefix;
      const Prefix& q = b.rule->prefix;
      if (a.mode == b.mode || a.automaton.exact() != b.automaton.exact()) continue;
      if (!(p.owner && q.owner) && !(p.others && q.others)) continue;
      if (!a.automaton.Intersects(b.automaton)) continue;
      sink.Report(diag::Kind::kApparmorInvalid, b.rule->span, fmt::format("exec modes are in conflict where both `{}` and `{}` match", a.path, b.path)).Note(a.rule->span, "the other rule");
      return false;
    }
  }
  return true;
}

}  // namespace ravelin::import::apparmor
