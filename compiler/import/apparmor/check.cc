#include "compiler/import/apparmor/check.h"

#include <fmt/format.h>

#include <functional>
#include <set>

#include "compiler/import/apparmor/escapes.h"
#include "compiler/import/apparmor/exec_conflicts.h"
#include "compiler/import/apparmor/mount_meaning.h"
#include "compiler/import/apparmor/label.h"
#include "compiler/import/apparmor/pattern.h"
#include "compiler/import/apparmor/variables.h"

namespace ravelin::import::apparmor {
namespace {

// Named transitions have numbers 4 to 15 in the kernel's format.
constexpr size_t kMaxTransitions = 12;

enum class Slashes : uint8_t { kAsWritten, kSqueezed };

class Checker {
 public:
  Checker(Policy& policy, diag::Sink& sink) : policy_(policy), sink_(sink) {}

  bool Run() {
    for (auto& profile : policy_.profiles) One(*profile, "");
    return good_;
  }

 private:
  bool Wrong(source::Span span, const std::string& message) {
    good_ = false;
    sink_.Report(diag::Kind::kApparmorInvalid, span, message);
    return false;
  }

  bool Expand(Text& text, Slashes slashes = Slashes::kAsWritten) {
    if (!text.written) return true;
    std::string why;
    if (!expander_->Expand(text.value, why)) return Wrong(text.span, why);
    if (slashes == Slashes::kSqueezed) text.value = SqueezeSlashes(text.value);
    return true;
  }

  bool Pattern(const Text& text, GlobNul nul = GlobNul::kNo) { return !text.written || Pattern(text.value, text.span, nul); }
  bool Pattern(std::string_view value, source::Span span, GlobNul nul) {
    std::string regex;
    std::string why;
    Automaton automaton;
    if (!GlobToRegex(value, nul, regex, why)) return Wrong(span, fmt::format("pattern `{}` is malformed: {}", value, why));
    if (!Automaton::FromRegex(regex, automaton)) return Wrong(span, fmt::format("pattern `{}` is malformed: a class in it is empty or has an unfinished range", value));
    return true;
  }

  // Names take their variables first: @{profile_name} has no value in them.
  bool Name(Profile& profile, const std::string& parent) {
    std::string why;
    Expander before(policy_.variables, "");
    if (!before.Expand(profile.plain, why)) return Wrong(profile.name.span, why);
    if (profile.attachment.written && !before.Expand(profile.attachment.value, why)) return Wrong(profile.attachment.span, why);
    if (policy_.variables.count("profile_name") != 0) return Wrong(policy_.variables["profile_name"].span, "`@{profile_name}` is the name of the profile that it stands in, and cannot be declared");
    std::string full = parent.empty() ? profile.plain : parent + "//" + profile.plain;
    full_name_ = full;
    expander_.emplace(policy_.variables, EscapePattern(full));
    return true;
  }

  static std::string EscapePattern(const std::string& name) {
    std::string out;
    for (size_t i = 0; i < name.size(); ++i) {
      if (name[i] == '\\') {
        out += name[i++];
        if (i < name.size()) out += name[i];
        continue;
      }
      if (std::string_view("{}[]*?").find(name[i]) != std::string_view::npos) out += '\\';
      out += name[i];
    }
    return out;
  }

  void Attachment(Profile& profile) {
    Text& at = profile.attachment;
    if (at.written) at.value = SqueezeSlashes(at.value);
    std::string name = at.value;
    if (!at.written) {
      const size_t last = profile.plain.rfind("//");
      name = SqueezeSlashes(last == std::string::npos ? profile.plain : profile.plain.substr(last + 2));
    }
    Pattern(name, at.written ? at.span : profile.name.span, GlobNul::kNo);
    for (const Condition& xattr : profile.xattrs) {
      if (xattr.values.empty()) continue;
      // A malformed value counts as far as it can be read.
      std::string regex;
      std::string why;
      Automaton automaton;
      GlobToRegex(xattr.values[0].value, GlobNul::kYes, regex, why);
      if (!Automaton::FromRegex(regex, automaton)) Wrong(xattr.values[0].span, fmt::format("pattern `{}` is malformed", xattr.values[0].value));
    }
  }

  bool ExpandRule(Rule& rule) {
    if (auto* file = std::get_if<FileRule>(&rule.body)) return Expand(file->path) && (!file->target_is_link || Expand(file->target));
    if (auto* change = std::get_if<ChangeProfileRule>(&rule.body)) return Expand(change->target) && Expand(change->exec);
    if (auto* mount = std::get_if<MountRule>(&rule.body)) {
      for (Text& fstype : mount->fstypes) {
        if (!Expand(fstype)) return false;
      }
      return Expand(mount->mount_point, Slashes::kSqueezed) && Expand(mount->source, Slashes::kSqueezed) && Expand(mount->transition);
    }
    if (auto* dbus = std::get_if<DbusRule>(&rule.body)) return Expand(dbus->bus) && Expand(dbus->name) && Expand(dbus->label) && Expand(dbus->path, Slashes::kSqueezed) && Expand(dbus->interface) && Expand(dbus->member);
    if (auto* sock = std::get_if<UnixRule>(&rule.body)) return Expand(sock->peer_label) && Expand(sock->addr, Slashes::kSqueezed) && Expand(sock->peer_addr, Slashes::kSqueezed);
    if (auto* signal = std::get_if<SignalRule>(&rule.body)) return Expand(signal->peer);
    if (auto* trace = std::get_if<PtraceRule>(&rule.body)) return Expand(trace->peer);
    return true;
  }

  void PatternsOf(const Rule& rule) {
    const auto address = [&](const Text& text) {
      if (text.written && text.value != "none" && text.value != "auto" && !text.value.empty()) Pattern(std::string_view(text.value).substr(1), text.span, GlobNul::kYes);
    };
    if (const auto* file = std::get_if<FileRule>(&rule.body)) {
      Pattern(file->path) && (!file->target_is_link || Pattern(file->target));
    } else if (const auto* change = std::get_if<ChangeProfileRule>(&rule.body)) {
      Pattern(change->target) && Pattern(change->exec);
    } else if (const auto* mount = std::get_if<MountRule>(&rule.body)) {
      if (Pattern(mount->mount_point) && Pattern(mount->source)) {
        for (const Text& fstype : mount->fstypes) Pattern(fstype);
      }
      if (!MeansSomething(*mount)) Wrong(rule.span, "the mount rule matches nothing: its options and conditions do not go together");
    } else if (const auto* dbus = std::get_if<DbusRule>(&rule.body)) {
      for (const Text* text : {&dbus->bus, &dbus->name, &dbus->label, &dbus->path, &dbus->interface, &dbus->member}) Pattern(*text);
    } else if (const auto* sock = std::get_if<UnixRule>(&rule.body)) {
      address(sock->addr);
      address(sock->peer_addr);
      Pattern(sock->peer_label);
    } else if (const auto* signal = std::get_if<SignalRule>(&rule.body)) {
      Pattern(signal->peer);
    } else if (const auto* trace = std::get_if<PtraceRule>(&rule.body)) {
      Pattern(trace->peer);
    }
  }

  // An alias makes a second rule for every path that begins with its left side.
  void Aliases(Profile& profile) {
    std::vector<Rule> made;
    for (const Rule& rule : profile.rules) {
      const auto* file = std::get_if<FileRule>(&rule.body);
      if (file == nullptr) continue;
      for (const Alias& alias : policy_.aliases) {
        const bool path = file->path.value.starts_with(alias.from.value);
        const bool target = file->target_is_link && file->target.value.starts_with(alias.from.value);
        if (!path && !target) continue;
        Rule copy = rule;
        auto& other = std::get<FileRule>(copy.body);
        if (path) other.path.value = alias.to.value + file->path.value.substr(alias.from.value.size());
        if (target) other.target.value = alias.to.value + file->target.value.substr(alias.from.value.size());
        other.subset = false;  // apparmor_parser's copies have none
        made.push_back(std::move(copy));
      }
    }
    for (Rule& rule : made) profile.rules.push_back(std::move(rule));
  }

  void Squeeze(Profile& profile) {
    for (Rule& rule : profile.rules) {
      auto* file = std::get_if<FileRule>(&rule.body);
      if (file == nullptr) continue;
      file->path.value = SqueezeSlashes(file->path.value);
      if (file->target_is_link) file->target.value = SqueezeSlashes(file->target.value);
    }
  }

  void Transitions(const Profile& profile) {
    std::set<std::string> names;
    for (const Rule& rule : profile.rules) {
      if (const auto* file = std::get_if<FileRule>(&rule.body); file != nullptr && file->target.written && !file->target_is_link) {
        const bool child = file->modes.exec.to == ExecTo::kChild && ParseLabel(file->target.value).space.empty();
        names.insert((child ? profile.plain + "//" : "") + file->target.value);
      }
      if (const auto* mount = std::get_if<MountRule>(&rule.body); mount != nullptr && mount->transition.written) names.insert(mount->transition.value);
    }
    if (names.size() > kMaxTransitions) Wrong(profile.name.span, fmt::format("profile `{}` names more than {} other profiles in transitions", profile.name.value, kMaxTransitions));
  }

  void Forget(Profile& profile) {
    std::vector<Rule> kept;
    for (Rule& rule : profile.rules) {
      if (rule.forgotten_in.empty()) {
        kept.push_back(std::move(rule));
        continue;
      }
      sink_.Report(diag::Kind::kImportDroppedRule, rule.span, fmt::format("apparmor_parser 3.0 forgets this rule, since it stands in {}", rule.forgotten_in)).Help("the policy says what is enforced; put the rule outside to have it");
    }
    profile.rules = std::move(kept);
  }

  void One(Profile& profile, const std::string& parent) {
    Forget(profile);
    Transitions(profile);
    if (!Name(profile, parent)) return;
    const std::string full = full_name_;
    const size_t before = sink_.ErrorCount();
    for (Rule& rule : profile.rules) ExpandRule(rule);
    if (sink_.ErrorCount() == before) {
      Aliases(profile);
      Squeeze(profile);
      Attachment(profile);
      for (const Rule& rule : profile.rules) PatternsOf(rule);
      if (sink_.ErrorCount() == before && !CheckExecConflicts(profile, sink_)) good_ = false;
    }
    for (auto& child : profile.children) One(*child, full);
  }

  Policy& policy_;
  diag::Sink& sink_;
  std::optional<Expander> expander_;
  std::string full_name_;
  bool good_ = true;
};

}  // namespace

bool Check(Policy& policy, diag::Sink& sink) { return Checker(policy, sink).Run(); }

}  // namespace ravelin::import::apparmor
