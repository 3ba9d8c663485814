#include "compiler/driver/profile_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/apparmor/emit.h"
#include "backends/apparmor/glob.h"
#include "compiler/driver/output.h"
#include "compiler/import/apparmor/check.h"
#include "compiler/import/apparmor/parser.h"
#include "compiler/import/apparmor/pattern.h"
#include "compiler/import/apparmor/words.h"

namespace ravelin::driver {
namespace {

namespace aa = import::apparmor;
using ir::ObjectCheck;

bool Compiles(std::string_view pattern, aa::Automaton& out) {
  std::string regex;
  std::string why;
  return aa::GlobToRegex(pattern, aa::GlobNul::kNo, regex, why) && aa::Automaton::FromRegex(regex, out);
}

bool Matches(std::string_view pattern, const std::string& name) {
  aa::Automaton automaton;
  aa::Automaton literal;
  return Compiles(pattern, automaton) && Compiles(apparmor::LiteralGlob(name), literal) && automaton.Intersects(literal);
}

// A directory's name has a slash behind it.
bool MatchesName(std::string_view pattern, const std::string& path, const std::string& object_class) {
  const std::string directory = path == "/" ? path : path + "/";
  const bool file = object_class != "dir" && Matches(pattern, path);
  return file || ((object_class == "dir" || object_class == "any") && Matches(pattern, directory));
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// The word of a constant without its prefix: AF_INET is "inet"; "" where the attempt leaves it open.
std::string Word(const ObjectCheck& check, const std::string& attribute, std::string_view family) {
  const auto value = check.integers.find(attribute);
  if (value == check.integers.end()) return "";
  const std::string_view name = kernel::ConstantName(kernel::Arch::kX86_64, family, value->second);
  const size_t prefix = name.find('_');
  return prefix == std::string_view::npos ? "?" : Lower(name.substr(prefix + 1));
}

struct Question {
  const ir::Policy& policy;
  const ir::Domain& domain;
  const ObjectCheck& check;
  const std::string& object_class;
  const std::string& permission;

  // Names of profiles that the attempt's peer may have.
  bool Peer(const aa::Text& glob) const {
    const auto peer = check.texts.find("peer");
    if (!glob.written || glob.value.empty() || peer == check.texts.end()) return true;
    if (peer->second == "outside") return Matches(glob.value, "unconfined");
    if (peer->second.rfind("label:", 0) == 0) return Matches(glob.value, peer->second.substr(6));
    return Matches(glob.value, peer->second == "self" ? apparmor::ProfileName(domain) : apparmor::ProfileName(policy, peer->second));
  }

  bool operator()(const aa::Prefix& prefix, const aa::FileRule& rule) const {
    const std::string& facet = kernel::Facets()[check.facet].name;
    const auto path = check.texts.find("path");
    if ((facet != "file" && facet != "exec") || (check.owner ? !prefix.owner : !prefix.others)) return false;
    const aa::FileModes& modes = rule.modes;
    const bool has = permission == "r" ? modes.read : permission == "w" ? modes.write : permission == "a" ? modes.append || modes.write : permission == "l" ? modes.link : permission == "k" ? modes.lock : permission == "m" ? modes.mmap : permission == "x" && modes.exec.present;
    const auto old_name = check.texts.find("target");
    if (permission == "l" && rule.target_is_link && old_name != check.texts.end() && !MatchesName(rule.target.value, old_name->second, object_class)) return false;
    return has && (path == check.texts.end() || MatchesName(rule.path.value, path->second, object_class));
  }
  bool operator()(const aa::Prefix&, const aa::CapabilityRule& rule) const {
    return object_class == "capability" && (rule.names.empty() || std::any_of(rule.names.begin(), rule.names.end(), [&](const aa::Text& name) { return name.value == permission; }));
  }
  bool operator()(const aa::Prefix&, const aa::NetworkRule& rule) const {
    if (object_class != "network") return false;
    const std::string family = Word(check, "family", "AF");
    const std::string type = Word(check, "type", "SOCK");
    return (rule.family.value.empty() || family.empty() || rule.family.value == family) && (rule.type.value.empty() || type.empty() || rule.type.value == type);
  }
  bool operator()(const aa::Prefix&, const aa::SignalRule& rule) const {
    if (object_class != "signal" || (rule.perms & static_cast<uint32_t>(permission == "send" ? aa::SignalPerm::kSend : aa::SignalPerm::kReceive)) == 0) return false;
    const auto number = check.integers.find("signal");
    if (!rule.signals.empty() && number != check.integers.end()) {
      const auto n = static_cast<int>(number->second);
      const int wanted = n == 0 ? aa::FindSignalWord("exists").value_or(0) : n >= 32 ? 128 + n - 32
                                                                                     : n;
      if (std::none_of(rule.signals.begin(), rule.signals.end(), [&](const aa::Text& word) { return aa::FindSignalWord(word.value) == wanted; })) return false;
    }
    return Peer(rule.peer);
  }
  bool operator()(const aa::Prefix&, const aa::PtraceRule& rule) const {
    const aa::PtracePerm wanted = permission == "trace" ? aa::PtracePerm::kTrace : permission == "read"   ? aa::PtracePerm::kRead
                                                                               : permission == "tracedby" ? aa::PtracePerm::kTracedBy
                                                                                                          : aa::PtracePerm::kReadBy;
    return object_class == "ptrace" && (rule.perms & static_cast<uint32_t>(wanted)) != 0 && Peer(rule.peer);
  }
  bool operator()(const aa::Prefix&, const aa::MountRule& rule) const {
    if (object_class != "mount") return false;
    if (permission == "umount") return rule.kind == aa::MountRule::Kind::kUmount;
    if (permission == "pivot_root") return rule.kind == aa::MountRule::Kind::kPivotRoot;
    return rule.kind == aa::MountRule::Kind::kMount || rule.kind == aa::MountRule::Kind::kRemount;
  }
  bool operator()(const aa::Prefix&, const aa::UnixRule& rule) const {
    const std::string type = Word(check, "type", "SOCK");
    return object_class == "network" && Word(check, "family", "AF") == "unix" && (rule.type.value.empty() || type.empty() || rule.type.value == type);
  }
  bool operator()(const aa::Prefix&, const aa::DbusRule&) const { return object_class == "dbus"; }
  bool operator()(const aa::Prefix&, const aa::ChangeProfileRule& rule) const {
    const auto to = check.texts.find("to");
    const auto program = check.texts.find("path");
    if (object_class != "domain" || (rule.target.written && to != check.texts.end() && !Matches(rule.target.value, to->second))) return false;
    return permission == "change_profile" || !rule.exec.written || program == check.texts.end() || MatchesName(rule.exec.value, program->second, "file");
  }
  bool operator()(const aa::Prefix&, const aa::RlimitRule&) const { return object_class == "rlimit"; }
};

}  // namespace

struct ProfileLines::Read {
  apparmor::ProfileText emitted;
  source::SourceManager sources;
  source::FileId file = 0;
  std::unique_ptr<aa::Policy> tree;
};

std::vector<std::string> ProfileHead(const Frontend& front) {
  return {fmt::format("AppArmor profiles by ravelin {} for target {}.", Version(), front.policy.target_name), "Each line names the place in the policy that it comes from; edit that, not this."};
}

ProfileLines::ProfileLines(const Frontend& front) : policy_(front.policy) {
  std::vector<apparmor::Profile> profiles;
  for (const ir::Domain& domain : policy_.domains) {
    profiles.push_back(apparmor::Lower(policy_, domain, {front.target.apparmor_features}));
    if (!profiles.back().problems.empty() && problem_.empty()) problem_ = profiles.back().problems.front().message;
  }
  if (!problem_.empty()) return;
  read_ = std::make_unique<Read>();
  read_->emitted = apparmor::Emit(profiles, ProfileHead(front));
  // The feature file is a matter of the machine that compiles the profile; the lines keep their numbers.
  std::string text = read_->emitted.text;
  if (const size_t abi = text.find("\nabi "); abi != std::string::npos) text.replace(abi + 1, 1, "#");
  read_->file = read_->sources.Add("profile", std::move(text));
  diag::Sink sink;
  read_->tree = aa::Parse(read_->sources, read_->file, {}, sink);
  if (read_->tree == nullptr || !aa::Check(*read_->tree, sink)) {
    problem_ = "the profile could not be read back";
    read_.reset();
  }
}

ProfileLines::~ProfileLines() = default;

std::vector<ArtifactLine> ProfileLines::Matching(size_t domain, const ObjectCheck& check, const std::string& object_class, const std::string& permission) const {
  std::vector<ArtifactLine> out;
  if (read_ == nullptr) return out;
  const Question question{policy_, policy_.domains[domain], check, object_class, permission};
  std::vector<std::pair<std::string, const aa::Profile*>> profiles;
  for (const auto& profile : read_->tree->profiles) {
    profiles.emplace_back(profile->plain, profile.get());
    for (const auto& inner : profile->children) profiles.emplace_back(profile->plain + "//" + inner->plain, inner.get());
  }
  for (const auto& [name, profile] : profiles) {
    if (name != apparmor::ProfileName(policy_.domains[domain])) continue;
    for (const aa::Rule& rule : profile->rules) {
      if (!std::visit([&](const auto& body) { return question(rule.prefix, body); }, rule.body)) continue;
      ArtifactLine line;
      line.number = read_->sources.PositionOf(read_->file, rule.span.begin).line;
      const std::string_view whole = read_->sources.LineOf(read_->file, line.number);
      line.text = whole.substr(0, whole.find("  #"));
      line.text.erase(0, line.text.find_first_not_of(' '));
      while (!line.text.empty() && line.text.back() == ' ') line.text.pop_back();
      line.place = read_->emitted.places.at(line.number - 1);
      line.denies = rule.prefix.deny;
      out.push_back(std::move(line));
    }
  }
  return out;
}

}  // namespace ravelin::driver
