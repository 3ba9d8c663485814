// Changes of profile that a process asks for itself.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/import/apparmor/glob.h"
#include "compiler/import/apparmor/translate.h"

namespace ravelin::import::apparmor {

void Translator::ChangeProfile(const Rule& rule, const ChangeProfileRule& body) {
  // apparmor_parser writes the same for `audit` and without, and for `deny` and `audit deny`: refusals are recorded.
  if (rule.prefix.audit && !rule.prefix.deny) {
    sink_.Report(diag::Kind::kImportDroppedRule, rule.span, "apparmor_parser 3.0 takes no notice of `audit` here").Help("the policy says what is enforced");
  }
  std::string clauses;
  if (body.target.written) {
    const auto names = LiteralsOf(body.target.value);
    const bool own = names && std::all_of(names->begin(), names->end(), [&](const std::string& name) { return names_.policy_of.count(name) != 0; });
    for (size_t i = 0; own && i < names->size(); ++i) clauses += (i == 0 ? " to " : ", ") + names_.policy_of.at((*names)[i]);
    if (!own) {
      const auto pattern = TranslateText(body.target.value);
      if (!pattern) return Unstatable(body.target.span, fmt::format("the pattern `{}` of profiles' names", body.target.value));
      clauses += fmt::format(" to label({})", StringText(*pattern));
    }
  }
  if (body.exec.written) {
    const auto programs = TranslatePattern(body.exec.value);
    if (!programs || programs->files.empty()) return Unstatable(body.exec.span, fmt::format("the pattern `{}`", body.exec.value));
    clauses += " on " + PathsText(programs->files);
    if (body.environment == ChangeProfileRule::Environment::kUnsafe && !rule.prefix.deny) clauses += " unscrubbed_danger";
  }
  Say(fmt::format("{} domain {{ change, change_at_exec }}{}", rule.prefix.deny ? "deny" : "allow", clauses));
}

}  // namespace ravelin::import::apparmor
