#include "tests/support/apparmor_oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "compiler/ir/path_set.h"
#include "compiler/oracle/decide.h"
#include "tests/support/random_profile.h"

namespace ravelin::testing {
namespace {

using apparmor::CompiledProfile;
using apparmor::Dfa;
using apparmor::ExecKind;
using ir::Effect;

// What the kernel asks of a name for an operation, stated by hand from the hooks of security/apparmor/lsm.c (6.1); "" = no hook.
struct Asked {
  const char* operation;
  const char* of_file;
  const char* of_dir;
};
constexpr Asked kAsked[] = {{"read", "r", ""}, {"list", "", "r"}, {"write", "w", ""}, {"truncate", "w", ""}, {"create", "w", ""}, {"create_fifo", "w", ""}, {"create_socket", "w", ""}, {"create_char", "w", ""}, {"create_block", "w", ""}, {"create_symlink", "w", ""}, {"append", "a", ""}, {"create_dir", "", "w"}, {"delete", "w", "w"}, {"rename_from", "rw", "rw"}, {"rename_to", "w", "w"}, {"setattr", "w", "w"}, {"link", "l", ""}, {"lock", "k", "k"}, {"map_exec", "m", ""}, {"getattr", "", ""}, {"traverse", "", ""}, {"xattr", "", ""}, {"utimes", "", ""}, {"ioctl", "", ""}, {"watch", "", ""}, {"inherit", "", ""}};
constexpr std::pair<char, uint32_t> kBits[] = {{'x', apparmor::kExec}, {'w', apparmor::kWrite}, {'r', apparmor::kRead}, {'a', apparmor::kAppend}, {'l', apparmor::kLink}, {'k', apparmor::kLock}, {'m', apparmor::kMmapExec}};
uint32_t BitOf(char letter) {
  for (const auto& [of, bit] : kBits) {
    if (of == letter) return bit;
  }
  return 0;
}

class Judge {
 public:
  Judge(const ir::Policy& policy, const ir::Domain& domain, const CompiledProfile& profile, std::mt19937_64& random) : policy_(policy), domain_(domain), profile_(profile), random_(random) {}

  Judged Run(size_t names) {
    for (const std::string& name : MakeNames(domain_, names, random_)) {
      for (const bool owner : {true, false}) {
        if (name != "/") File(name, owner);
        Directory(name, owner);
      }
      if (out_.wrong) return out_;
    }
    Capabilities();
    Sockets();
    Peers();
    return out_;
  }

 private:
  bool Permits(const std::string& facet, const std::string& operation, const std::map<std::string, std::string>& texts, const std::map<std::string, uint64_t>& integers, bool owner) const {
    const auto& operations = kernel::FindFacet(facet)->operations;
    ir::ObjectCheck check;
    check.facet = ir::FacetOf(facet);
    check.operation = static_cast<int>(std::find(operations.begin(), operations.end(), operation) - operations.begin());
    check.texts = texts;
    check.integers = integers;
    check.owner = owner;
    return oracle::DecideObject(domain_, check).permitted();
  }
  // Compares, and counts.
  void Compare(bool wanted, bool got, const std::string& event) {
    ++out_.events;
    out_.permitted += wanted ? 1 : 0;
    if (wanted != got && !out_.wrong) out_.wrong = fmt::format("{}: {} permitted by the policy, {} by the profile", event, wanted ? "is" : "is not", got ? "is" : "is not");
  }

  // Letters that some permitted operation asks: a check cannot tell more (7.6).  `w` grants `a` (view_apparmor.tsv, implies).
  uint32_t Granted(const std::string& name, bool owner, bool dir) const {
    uint32_t bits = 0;
    for (const Asked& asked : kAsked) {
      for (const char* letter = dir ? asked.of_dir : asked.of_file; *letter != '\0'; ++letter) {
        // `command` is what no hook sees: permitted for any.
        if (Permits("file", asked.operation, {{"path", name}}, {}, owner)) bits |= BitOf(*letter);
      }
    }
    if ((bits & apparmor::kWrite) != 0) bits |= apparmor::kAppend;
    return bits;
  }
  apparmor::FilePermissions At(const std::string& looked_up, bool owner) const {
    if (!profile_.files) return {};
    const uint32_t state = profile_.files->Walk(profile_.files_start, looked_up);
    return owner ? OwnerPermissions(*profile_.files, state) : OtherPermissions(*profile_.files, state);
  }

  void Operations(const std::string& name, bool owner, bool dir, uint32_t got) {
    const uint32_t granted = Granted(name, owner, dir);
    for (const Asked& asked : kAsked) {
      const char* letters = dir ? asked.of_dir : asked.of_file;
      uint32_t needs = 0;
      for (const char* letter = letters; *letter != '\0'; ++letter) needs |= BitOf(*letter);
      if (needs != 0) Compare((needs & ~granted) == 0, (needs & ~got) == 0, fmt::format("file {{ {} }} on {}{} by {}", asked.operation, name, dir ? " (a directory)" : "", owner ? "its owner" : "another"));
    }
  }
  void Directory(const std::string& name, bool owner) { Operations(name, owner, true, At(name == "/" ? name : name + "/", owner).allow); }
  void File(const std::string& name, bool owner) {
    const apparmor::FilePermissions got = At(name, owner);
    uint32_t bits = got.allow;
    // A link is looked up as a pair (file.c profile_path_link).
    if ((At(name + std::string(1, '\0') + "/some/name", owner).allow & apparmor::kLink) == 0) bits &= ~apparmor::kLink;
    Operations(name, owner, false, bits);
    const bool runs = Permits("exec", "exec", {{"path", name}}, {}, owner);
    Compare(runs, (got.allow & apparmor::kExec) != 0, "exec " + name);
    if (!runs || out_.wrong) return;
    const auto transition = TransitionOf(profile_, got.exec_index);
    const std::string wanted = Outcome(name);
    const std::string is = !transition ? "?" : transition->kind == ExecKind::kInherit  ? "self"
                                           : transition->kind == ExecKind::kUnconfined ? "unconfined_danger"
                                                                                       : transition->target;
    if (wanted != is) out_.wrong = fmt::format("exec {} by {}: becomes {} by the policy, {} by the profile", name, owner ? "its owner" : "another", wanted, is);
  }
  // 6.5: of the rules that match, the one whose set the others contain.
  std::string Outcome(const std::string& name) const {
    const ir::Rule* inner = nullptr;
    const auto set = [](const ir::Rule& rule) {
      const auto it = rule.texts.find("path");
      return it == rule.texts.end() ? ir::PathSet::All() : *ir::PathSet::ParseAny(it->second);
    };
    for (const ir::Rule& rule : domain_.rules) {
      if (rule.facet != ir::FacetOf("exec") || rule.effect != Effect::kAllow || !set(rule).Contains(name)) continue;
      if (inner == nullptr || (set(*inner).Includes(set(rule)).value_or(false) && !set(rule).Includes(set(*inner)).value_or(false))) inner = &rule;
    }
    if (inner == nullptr) return "self";
    const auto to = inner->texts.find("transition");
    return to == inner->texts.end() ? "self" : to->second.front();
  }

  void Capabilities() {
    for (const std::string& name : kernel::FindFacet("capability")->operations) Compare(Permits("capability", name, {}, {}, false), (profile_.capabilities.allow >> *kernel::FindCapability(name) & 1) != 0, "capability " + name);
  }

  uint32_t Walk(const std::string& bytes) const { return profile_.policy ? profile_.policy->Walk(profile_.policy_start, bytes) : Dfa::kDead; }
  void Sockets() {
    for (const uint64_t family : {1, 2, 10, 16, 17, 38, 40}) {
      for (const uint64_t type : {1, 2, 3, 5}) {
        bool wanted = false;  // one check for every operation
        for (const std::string& operation : kernel::FindFacet("network")->operations) wanted |= Permits("network", operation, {}, {{"family", family}, {"type", type}, {"protocol", 0}, {"port", 0}}, false);
        const std::string event = {14, 0, static_cast<char>(family), 0, static_cast<char>(type)};
        Compare(wanted, (PolicyAllow(*profile_.policy, Walk(event)) & 0x2) != 0, fmt::format("socket of family {} and type {}", family, type));
      }
    }
  }
  // A label of a process, and what rules call it.
  std::vector<std::pair<std::string, std::string>> Labels() const {
    std::vector<std::pair<std::string, std::string>> labels = {{"unconfined", "outside"}, {"webx", "outside"}, {"we", "outside"}, {"/usr/bin/x", "outside"}};
    for (const ir::Domain& one : policy_.domains) labels.emplace_back(one.name, &one == &domain_ ? "self" : one.name);
    return labels;
  }
  void Peers() {
    for (const auto& [label, peer] : Labels()) {
      const auto permits = [&](const char* facet, const char* operation, const std::map<std::string, uint64_t>& integers) {
        return Permits(facet, operation, {{"peer", peer}}, integers, false);
      };
      for (const uint64_t number : {0, 1, 6, 9, 10, 15, 17, 20, 29, 31, 34, 64}) {
        const uint64_t mapped = number == 0 ? 35 : number >= 32 ? number + 96
                                                                : number;  // include/sig_names.h
        const uint32_t got = PolicyAllow(*profile_.policy, Walk(std::string{10, static_cast<char>(mapped)} + label));
        Compare(permits("signal", "send", {{"signal", number}}), (got & 2) != 0, fmt::format("signal {} to {}", number, label));
        Compare(permits("signal", "receive", {{"signal", number}}), (got & 4) != 0, fmt::format("signal {} from {}", number, label));
      }
      const uint32_t got = PolicyAllow(*profile_.policy, Walk("\x09" + label));
      for (const auto& [operation, bit] : {std::pair("trace", 2u), {"read", 4u}, {"tracedby", 8u}, {"readby", 0x10u}}) Compare(permits("ptrace", operation, {{"request", 0}}), (got & bit) != 0, fmt::format("ptrace {} of {}", operation, label));
    }
  }

  const ir::Policy& policy_;
  const ir::Domain& domain_;
  const CompiledProfile& profile_;
  std::mt19937_64& random_;
  Judged out_;
};

}  // namespace

Judged JudgeByOracle(const ir::Policy& policy, const ir::Domain& domain, const apparmor::CompiledProfile& profile, size_t names, std::mt19937_64& random) { return Judge(policy, domain, profile, random).Run(names); }

}  // namespace ravelin::testing
