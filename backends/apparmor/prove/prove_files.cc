// The automaton of names against the policy: both are walked at once over every resolved name (8.2).
#include <fmt/format.h>

#include <unordered_map>

#include "backends/apparmor/prove/expected_files.h"
#include "backends/apparmor/prove/prove.h"

namespace ravelin::apparmor {
namespace {

std::string Letters(uint32_t bits) {
  std::string out;
  for (const auto& [bit, letter] : {std::pair(kRead, 'r'), {kWrite, 'w'}, {kAppend, 'a'}, {kLink, 'l'}, {kLock, 'k'}, {kMmapExec, 'm'}, {kExec, 'x'}}) {
    if ((bits & bit) != 0) out += letter;
  }
  return out.empty() ? "nothing" : out;
}

std::string ExecText(ExecKind kind, const std::string& target) {
  switch (kind) {
    case ExecKind::kNone:
      return "no execution";
    case ExecKind::kInherit:
      return "execution in the same profile";
    case ExecKind::kUnconfined:
      return "unconfined execution";
    case ExecKind::kProfileByName:
      return "execution in the profile that attaches";
    case ExecKind::kChildByName:
      return "execution in a child profile";
    case ExecKind::kNamed:
      return "execution in " + target;
  }
  return "";
}

std::string Readable(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte >= 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return out;
}

// All but the permissions to change to the profile of a name (prove_domains.cc).
constexpr uint32_t kNamePermissions = 0x3fffffff;

class Walk {
 public:
  Walk(const ExpectedNames& expected, const CompiledProfile& profile) : expected_(expected), profile_(profile) {}

  std::optional<std::string> Run() {
    // Names that do not begin with a slash are no names of this policy: nothing may be granted to them.
    const uint32_t start = profile_.files ? profile_.files_start : Dfa::kDead;
    if (const auto odd = OddNames(start)) return odd;
    const uint32_t root = Step(start, '/');
    Visit(expected_.names.Step(0, '/'), root, 0, '/', kSlash);
    if (auto wrong = Judge(expected_.names.Step(0, '/'), root, true)) return "/: " + *wrong;
    for (size_t i = 0; i < work_.size(); ++i) {
      const Place place = work_[i];
      if (place.kind == kName) {
        if (auto wrong = Judge(place.names, place.dfa, false)) return Readable(NameOf(i)) + ": " + *wrong;
        if (auto wrong = Judge(place.names, Step(place.dfa, '/'), true)) return Readable(NameOf(i)) + "/: " + *wrong;
        if (auto wrong = JudgeLink(place.names, place.dfa)) return Readable(NameOf(i)) + ": " + *wrong;
        Visit(expected_.names.Step(place.names, '/'), Step(place.dfa, '/'), i, '/', kSlash);
      }
      for (unsigned byte = 1; byte < 256; ++byte) {
        if (byte != '/') Visit(expected_.names.Step(place.names, static_cast<uint8_t>(byte)), Step(place.dfa, static_cast<uint8_t>(byte)), i, static_cast<char>(byte), kName);
      }
    }
    return std::nullopt;
  }

 private:
  enum Kind : uint8_t { kSlash,
                        kName };  // of where a walk has come
  struct Place {
    uint32_t names;
    uint32_t dfa;
    Kind kind;
    uint32_t parent;
    char byte;
  };

  uint32_t Step(uint32_t state, uint8_t byte) const { return profile_.files ? profile_.files->Step(state, byte) : Dfa::kDead; }

  void Visit(uint32_t names, uint32_t dfa, size_t parent, char byte, Kind kind) {
    const uint64_t key = (uint64_t{names} << 33) | (uint64_t{dfa} << 1) | kind;
    if (key == last_) return;  // neighbouring bytes mostly lead to one place
    last_ = key;
    if (seen_.emplace(key, 0).second) work_.push_back({names, dfa, kind, static_cast<uint32_t>(parent), byte});
  }

  std::string NameOf(size_t i) const {
    std::string name;
    for (; i != 0; i = work_[i].parent) name += work_[i].byte;
    name += '/';
    return {name.rbegin(), name.rend()};
  }

  std::optional<std::string> Judge(uint32_t names, uint32_t state, bool dir) const {
    const uint32_t label = expected_.names.label[names];
    const uint32_t mask = dir ? expected_.asked_of_dirs : 0x7f & ~kLink;
    for (const bool owner : {true, false}) {
      const ExpectedFile& wanted = (dir ? expected_.dirs : expected_.files)[owner ? 1 : 0][label];
      FilePermissions got;
      if (profile_.files) got = owner ? OwnerPermissions(*profile_.files, state) : OtherPermissions(*profile_.files, state);
      const std::string who = owner ? "its owner" : "others";
      if ((got.allow & mask) != (wanted.allow & mask)) return fmt::format("the policy grants {} {}, the profile {}", who, Letters(wanted.allow & mask), Letters(got.allow & mask));
      if ((got.audit & got.allow & mask) != (wanted.audit & mask)) return fmt::format("the policy records {} of {}, the profile {}", Letters(wanted.audit & mask), who, Letters(got.audit & mask));
      if ((got.quiet & ~got.allow & mask) != (wanted.quiet & mask)) return fmt::format("the policy silences {} of {}, the profile {}", Letters(wanted.quiet & mask), who, Letters(got.quiet & mask));
      if (dir || (wanted.allow & kExec) == 0) continue;
      const auto transition = TransitionOf(profile_, got.exec_index);
      if (!transition) return transition.error().message;
      if (transition->kind != wanted.exec || transition->target != wanted.exec_target || transition->inherit_else != wanted.inherit_else || transition->unconfined_else != wanted.unconfined_else) {
        return fmt::format("the policy says {}, the profile {}", ExecText(wanted.exec, wanted.exec_target), ExecText(transition->kind, transition->target));
      }
      if (transition->unsafe != wanted.keeps_environment && wanted.exec != ExecKind::kInherit) return transition->unsafe ? "the profile keeps the environment, which the policy wants scrubbed" : "the profile scrubs the environment, which the policy wants kept";
    }
    return std::nullopt;
  }

  // A link is looked up as the new name, a NUL and the old name.  The kernel asks both; records, silence and the test of the subset stand
  // with the second where the first grants (security/apparmor/file.c profile_path_link).
  std::optional<std::string> JudgeLink(uint32_t names, uint32_t state) {
    const uint32_t label = expected_.names.label[names];
    const uint32_t pair = Step(state, 0);
    FilePermissions first[2];
    if (profile_.files) {
      first[0] = OtherPermissions(*profile_.files, state);
      first[1] = OwnerPermissions(*profile_.files, state);
    }
    uint64_t key = label;
    for (const FilePermissions& of : first) key = key << 2 | ((of.allow & kLink) != 0 ? 2u : 0u) | ((of.quiet & kLink) != 0 ? 1u : 0u);
    if (!linked_.emplace(key << 32 | pair, 0).second) return std::nullopt;
    struct Old {
      uint32_t names, state;
      Kind kind;
    };
    std::vector<Old> work = {{expected_.old_names.Step(0, '/'), Step(pair, '/'), kSlash}};
    std::unordered_map<uint64_t, int> seen;
    for (size_t i = 0; i < work.size(); ++i) {
      const Old at = work[i];
      for (const int owner : {1, 0}) {
        if (at.kind != kName) break;  // a directory is never linked
        FilePermissions second;
        if (profile_.files) second = owner == 1 ? OwnerPermissions(*profile_.files, at.state) : OtherPermissions(*profile_.files, at.state);
        if (auto wrong = JudgePair(expected_.links[owner][label][expected_.old_names.label[at.names]], first[owner], second)) return fmt::format("links for {}: {}", owner == 1 ? "its owner" : "others", *wrong);
      }
      for (unsigned byte = 1; byte < 256; ++byte) {
        if (byte == '/' && at.kind == kSlash) continue;
        const Old next = {expected_.old_names.Step(at.names, static_cast<uint8_t>(byte)), Step(at.state, static_cast<uint8_t>(byte)), byte == '/' ? kSlash : kName};
        if (seen.emplace((uint64_t{next.names} << 33) | (uint64_t{next.state} << 1) | next.kind, 0).second) work.push_back(next);
      }
    }
    return std::nullopt;
  }

  static std::optional<std::string> JudgePair(const ExpectedLink& wanted, const FilePermissions& first, const FilePermissions& second) {
    const bool asked = (first.allow & kLink) != 0;
    const bool got = asked && (second.allow & kLink) != 0;
    if (got != wanted.allow) return fmt::format("the policy {} them, the profile does {}", wanted.allow ? "grants" : "refuses", got ? "grant them" : "not");
    // Behind a NUL the bit of a lock says that the subset is tested (AA_LINK_SUBSET, security/apparmor/include/file.h).
    if (got && ((second.allow & kLock) != 0) != wanted.subset) return fmt::format("the policy {} for a subset of permissions, the profile does {}", wanted.subset ? "asks" : "does not ask", wanted.subset ? "not" : "so");
    if (got && ((second.audit & kLink) != 0) != wanted.audit) return "the policy and the profile differ in what is recorded";
    if (!got && (((asked ? second : first).quiet & kLink) != 0) != wanted.quiet) return "the policy and the profile differ in which refusals are passed over in silence";
    return std::nullopt;
  }

  std::optional<std::string> OddNames(uint32_t start) {
    if (!profile_.files) return std::nullopt;
    std::vector<uint32_t> work;
    std::unordered_map<uint32_t, int> seen;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const uint32_t to = Step(start, static_cast<uint8_t>(byte));
      if (byte != '/' && seen.emplace(to, 0).second) work.push_back(to);
    }
    for (size_t i = 0; i < work.size(); ++i) {
      if ((profile_.files->accept(work[i]) & kNamePermissions) != 0) return std::string("the profile grants something to a name that does not begin with a slash");
      for (unsigned byte = 0; byte < 256; ++byte) {
        const uint32_t to = Step(work[i], static_cast<uint8_t>(byte));
        if (seen.emplace(to, 0).second) work.push_back(to);
      }
    }
    return std::nullopt;
  }

  const ExpectedNames& expected_;
  const CompiledProfile& profile_;
  std::vector<Place> work_;
  std::unordered_map<uint64_t, int> seen_;
  std::unordered_map<uint64_t, int> linked_;
  uint64_t last_ = ~uint64_t{0};
};

}  // namespace

Difference ProveFiles(const ir::Policy& policy, const ir::Domain& domain, const CompiledProfile& profile) {
  RAVELIN_TRY(expected, ExpectNames(policy, domain));
  return Walk(expected, profile).Run();
}

Difference ProveAttachment(const ir::Domain& domain, const CompiledProfile& profile) {
  RAVELIN_TRY(compiled, ir::CompilePatterns(domain.attach));
  if (domain.attach.empty()) {
    if (profile.attach || profile.attachment) return std::optional<std::string>("the profile attaches to programs, the policy to none");
    return std::optional<std::string>();
  }
  if (!profile.attach) return std::optional<std::string>("the profile attaches to no program");
  // Resolved names only: byte by byte, with no two slashes in a row and none at the end.
  struct Place {
    uint32_t names, dfa;
    bool slash;
    std::string name;
  };
  std::vector<Place> work = {{compiled.automaton.Step(0, '/'), profile.attach->Step(Dfa::kStart, '/'), true, "/"}};
  std::unordered_map<uint64_t, int> seen;
  for (size_t i = 0; i < work.size(); ++i) {
    const Place place = work[i];
    if (!place.slash) {
      const bool wanted = compiled.automaton.label[place.names] != 0;
      if (wanted != (profile.attach->accept(place.dfa) != 0)) return std::optional<std::string>(fmt::format("{}: the policy {} to it, the profile {}", Readable(place.name), wanted ? "attaches" : "does not attach", wanted ? "does not" : "does"));
    }
    for (unsigned byte = 1; byte < 256; ++byte) {
      if (byte == '/' && place.slash) continue;
      Place next{compiled.automaton.Step(place.names, static_cast<uint8_t>(byte)), profile.attach->Step(place.dfa, static_cast<uint8_t>(byte)), byte == '/', ""};
      if (!seen.emplace((uint64_t{next.names} << 33) | (uint64_t{next.dfa} << 1) | (next.slash ? 1 : 0), 0).second) continue;
      next.name = place.name + static_cast<char>(byte);
      work.push_back(std::move(next));
    }
  }
  return std::optional<std::string>();
}

}  // namespace ravelin::apparmor
