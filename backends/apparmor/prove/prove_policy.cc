// Everything but names of files: capabilities, flags, and the classes of the policy automaton.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "backends/apparmor/prove/prove.h"
#include "compiler/ir/boxes.h"
#include "compiler/kernel/apparmor_features.h"
#include "compiler/kernel/lsm_view.h"

namespace ravelin::apparmor {
namespace {

using ir::Boxes;

// Every permission of a socket that the kernel may ask for: NET_PERMS_MASK, security/apparmor/include/net.h and perms.h (6.1).
constexpr uint32_t kSocketPermissions = 0x02 | 0x04 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200 | 0x100000 | 0x200000 | 0x400000 | 0x1000000 | 0x2000000;
// AA_MAY_MOUNT: security/apparmor/include/mount.h.
constexpr uint32_t kMount = 0x02;

// Families and types that reach the hook: NPROTO (AF_MAX) and SOCK_MAX, net/socket.c __sock_create (6.1).
constexpr uint32_t kFamilies = 46, kSocketTypes = 11;
// Types that apparmor.d(5) has a word for: stream, dgram, raw, rdm, seqpacket, packet.
bool TypeHasWord(uint32_t type) { return (type >= 1 && type <= 5) || type == 10; }

std::string Bits(uint32_t bits) { return bits == 0 ? "nothing" : fmt::format("{:#x}", bits); }

struct Mediated {
  std::string operation;
  std::string permission;
  Boxes boxes;  // what the policy permits
};
Result<std::vector<Mediated>> MediatedOf(const ir::Domain& domain, std::string_view facet, std::string_view object_class) {
  std::vector<Mediated> out;
  const ir::FacetId id = ir::FacetOf(facet);
  const auto& operations = kernel::Facets()[id].operations;
  for (size_t i = 0; i < operations.size(); ++i) {
    for (const kernel::LsmRow* row : kernel::LsmRowsOf("apparmor", facet, operations[i])) {
      if (row->object_class != object_class) continue;
      RAVELIN_TRY(boxes, ir::PermittedOf(domain, id, static_cast<int>(i)));
      out.push_back({operations[i], row->permissions.front(), std::move(boxes)});
    }
  }
  return out;
}

// What rules ask to be recorded or passed over in silence (8.5).
struct Record {
  bool quiet;
  std::string permission;
  ir::Box box;
};
Result<std::vector<Record>> RecordsOf(const ir::Domain& domain, const std::string& facet) {
  std::vector<Record> out;
  const ir::FacetId id = ir::FacetOf(facet);
  const auto& operations = kernel::Facets()[id].operations;
  for (const ir::Rule& rule : domain.rules) {
    if (rule.facet != id || (rule.effect != ir::Effect::kAudit && rule.effect != ir::Effect::kComplain && rule.effect != ir::Effect::kQuiet)) continue;
    for (size_t i = 0; i < operations.size(); ++i) {
      if ((rule.operations >> i & 1) == 0) continue;
      for (const kernel::LsmRow* row : kernel::LsmRowsOf("apparmor", facet, operations[i])) {
        if (row->object_class.empty()) continue;
        RAVELIN_TRY(box, ir::BoxOf(rule, static_cast<int>(i)));
        out.push_back({rule.effect == ir::Effect::kQuiet, row->permissions.front(), std::move(box)});
      }
    }
  }
  return out;
}

// Bits of the policy automaton.
struct Wanted {
  uint32_t allow = 0;
  uint32_t audit = 0;
  uint32_t quiet = 0;
};

bool Has(const ir::Box& box, const std::string& attribute, uint64_t value) {
  const auto it = box.integers.find(attribute);
  return it == box.integers.end() || it->second.Contains(value);
}

uint32_t ClassState(const CompiledProfile& profile, PolicyClass what) {
  return profile.policy ? profile.policy->Step(profile.policy_start, static_cast<uint8_t>(what)) : Dfa::kDead;
}

// States that a walk of at least one byte from `start` reaches.  The start of a class itself carries a mark that says no
// more than that the class is mediated.
std::vector<uint32_t> Beyond(const Dfa& dfa, uint32_t start) {
  std::vector<uint32_t> found;
  std::unordered_map<uint32_t, int> seen;
  uint32_t from = start;
  for (size_t i = 0;; from = found[i++]) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      const uint32_t to = dfa.Step(from, static_cast<uint8_t>(byte));
      if (seen.emplace(to, 0).second) found.push_back(to);
    }
    if (i == found.size()) return found;
  }
}

// Every permission that some walk beyond `start` grants.
uint32_t GrantedBeyond(const Dfa& dfa, uint32_t start) {
  uint32_t bits = 0;
  for (const uint32_t state : Beyond(dfa, start)) bits |= dfa.accept(state);
  return bits;
}

}  // namespace

Difference ProveCapabilities(const ir::Domain& domain, const CompiledProfile& profile) {
  CapabilitySets wanted;
  const ir::FacetId id = ir::FacetOf("capability");
  const auto& operations = kernel::Facets()[id].operations;
  for (size_t i = 0; i < operations.size(); ++i) {
    const uint64_t bit = uint64_t{1} << *kernel::FindCapability(operations[i]);
    RAVELIN_TRY(boxes, ir::PermittedOf(domain, id, static_cast<int>(i)));
    bool audited = false;
    bool quiet = false;
    for (const ir::Rule& rule : domain.rules) {
      if (rule.facet != id || (rule.operations >> i & 1) == 0) continue;
      audited |= rule.effect == ir::Effect::kAudit;
      quiet |= rule.effect == ir::Effect::kQuiet;
    }
    if (!boxes.empty()) wanted.allow |= bit;
    if (!boxes.empty() && audited) wanted.audit |= bit;
    if (boxes.empty() && quiet) wanted.quiet |= bit;
  }
  for (const std::string& name : operations) {
    const int number = *kernel::FindCapability(name);
    const auto says = [&](uint64_t set) { return (set >> number & 1) != 0; };
    if (says(wanted.allow) != says(profile.capabilities.allow)) return std::optional<std::string>(fmt::format("capability {}: the policy {} it, the profile does {}", name, says(wanted.allow) ? "grants" : "refuses", says(wanted.allow) ? "not" : "grant it"));
    if (says(wanted.audit) != says(profile.capabilities.audit & profile.capabilities.allow)) return std::optional<std::string>(fmt::format("capability {}: records differ", name));
    if (says(wanted.quiet) != says(profile.capabilities.quiet & ~profile.capabilities.allow)) return std::optional<std::string>(fmt::format("capability {}: silence differs", name));
  }
  if ((profile.capabilities.allow & ~((uint64_t{1} << operations.size()) - 1)) != 0) return std::optional<std::string>("the profile grants a capability that no kernel known here has");
  if (profile.capabilities.extended != 0) return std::optional<std::string>("the profile sets capabilities for the process");
  return std::optional<std::string>();
}

Difference ProveNetwork(const ir::Domain& domain, const CompiledProfile& profile, const std::string& features) {
  const uint32_t start = ClassState(profile, PolicyClass::kNetwork);
  if (!kernel::HasApparmorFeature(features, "network_v8")) return std::optional<std::string>();
  if (start == Dfa::kDead) return std::optional<std::string>("the profile does not mediate sockets");
  RAVELIN_TRY(mediated, MediatedOf(domain, "network", "network"));
  Boxes boxes;
  for (Mediated& one : mediated) {
    for (ir::Box& box : one.boxes) boxes.push_back(std::move(box));
  }
  const Dfa& dfa = *profile.policy;
  const std::vector<std::string> words = kernel::ApparmorFeature(features, "network_v8/af_mask");
  const auto has_word = [&](uint32_t family) {
    for (const std::string& constant : kernel::ConstantNames()) {
      if (constant.rfind("AF_", 0) != 0 || kernel::FindConstant(kernel::Arch::kX86_64, constant) != family || family == 0) continue;
      std::string word = constant.substr(3);
      std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      if (std::find(words.begin(), words.end(), word) != words.end()) return true;
    }
    return false;
  };
  const auto walk = [&](uint32_t state, uint32_t value) { return dfa.Step(dfa.Step(state, static_cast<uint8_t>(value >> 8)), static_cast<uint8_t>(value)); };
  // Families that neither side tells apart are judged once.
  std::map<std::pair<uint32_t, std::vector<bool>>, uint32_t> groups;
  for (uint32_t family = 0; family < kFamilies; ++family) {
    std::vector<bool> in;
    for (const ir::Box& box : boxes) in.push_back(Has(box, "family", family));
    groups.emplace(std::pair(walk(start, family), std::move(in)), family);
  }
  for (const auto& [group, family] : groups) {
    std::map<uint32_t, std::map<bool, uint32_t>> seen;
    for (uint32_t type = 0; type < kSocketTypes; ++type) {
      bool wanted = false;
      for (size_t i = 0; i < boxes.size(); ++i) wanted |= group.second[i] && Has(boxes[i], "type", type);
      const uint32_t state = walk(group.first, type);
      if (wanted && (!has_word(family) || !TypeHasWord(type))) continue;  // 8.6: stays refused
      if (!seen[state].emplace(wanted, type).second) continue;
      const uint32_t got = PolicyAllow(dfa, state);
      const bool right = wanted ? (got & kSocketPermissions) == kSocketPermissions : (got & kSocketPermissions) == 0;
      if (!right) return std::optional<std::string>(fmt::format("socket of family {} and type {}: the policy {} it, the profile grants {}", family, type, wanted ? "grants" : "refuses", Bits(got)));
    }
  }
  return std::optional<std::string>();
}

Difference ProvePeers(const ir::Policy& policy, const ir::Domain& domain, const CompiledProfile& profile, const std::string& features) {
  std::map<std::string, const ir::Domain*> names;  // of the policy's profiles
  for (const ir::Domain& one : policy.domains) names.emplace(ir::QualifiedName(one), &one);
  // Bits: security/apparmor/include/perms.h and ipc.c (6.1).
  static const std::map<std::string, uint32_t> bits = {{"send", 0x02}, {"receive", 0x04}, {"trace", 0x02}, {"read", 0x04}, {"tracedby", 0x08}, {"readby", 0x10}};
  for (const auto& [facet, what] : {std::pair(std::string("signal"), PolicyClass::kSignal), {"ptrace", PolicyClass::kPtrace}}) {
    if (!kernel::HasApparmorFeature(features, facet)) continue;
    const uint32_t start = ClassState(profile, what);
    if (start == Dfa::kDead) return std::optional<std::string>(fmt::format("the profile does not mediate {}", facet));
    RAVELIN_TRY(mediated, MediatedOf(domain, facet, facet));
    const Dfa& dfa = *profile.policy;
    const bool is_signal = facet == "signal";
    const auto records = RecordsOf(domain, facet);
    if (!records) return tl::make_unexpected(records.error());
    // Signals as the kernel numbers them here: 0 is 35, real-time ones begin at 128 (security/apparmor/include/sig_names.h).
    for (uint32_t number = 0; number <= (is_signal ? 64u : 0u); ++number) {
      const uint32_t mapped = number == 0 ? 35 : number >= 32 ? number - 32 + 128
                                                              : number;
      const uint32_t state = is_signal ? dfa.Step(start, static_cast<uint8_t>(mapped)) : start;
      const auto within = [&](const ir::Box& box, const std::string& peer) {
        const auto it = box.texts.find("peer");
        const bool named = it == box.texts.end() || it->second.Contains(peer == domain.name ? "self" : peer);
        return named && (!is_signal || Has(box, "signal", number));
      };
      const auto wanted = [&](const std::string& peer) {
        Wanted out;
        for (const Mediated& one : mediated) {
          const uint32_t bit = bits.at(one.permission);
          for (const ir::Box& box : one.boxes) out.allow |= within(box, peer) ? bit : 0;
        }
        for (const Record& record : *records) {
          if (within(record.box, peer)) (record.quiet ? out.quiet : out.audit) |= bits.at(record.permission);
        }
        out.audit &= out.allow;
        out.quiet &= ~out.allow;
        return out;
      };
      uint32_t all = 0;
      for (const Mediated& one : mediated) all |= bits.at(one.permission);
      const auto wrong = [&](const std::string& peer, uint32_t want, uint32_t got) { return fmt::format("{}{} with {}: the policy grants {}, the profile {}", facet, is_signal ? fmt::format(" {}", number) : "", peer, Bits(want), Bits(got & all)); };
      // Every label: walked beside the tree of the policy's names.
      struct Place {
        uint32_t dfa;
        std::string begin;  // a beginning of a name; ignored once `off`
        bool off;           // no name goes on from here
      };
      std::vector<Place> work = {{state, "", false}};
      std::map<std::pair<uint32_t, std::string>, int> seen;
      for (size_t i = 0; i < work.size(); ++i) {
        const Place place = work[i];
        const auto found = place.off ? names.end() : names.find(place.begin);
        const ir::Domain* named = found == names.end() ? nullptr : found->second;
        const bool is_name = named != nullptr;
        if (i != 0) {
          const std::string peer = is_name ? named->name : "outside";
          const Wanted want = wanted(peer);
          const uint32_t got = PolicyAllow(dfa, place.dfa);
          if ((got & all) != want.allow) return std::optional<std::string>(wrong(is_name ? peer : "an outside label", want.allow, got));
          if ((PolicyAudit(dfa, place.dfa) & got & all) != want.audit || (PolicyQuiet(dfa, place.dfa) & ~got & all) != want.quiet) {
            return std::optional<std::string>(fmt::format("{} with {}: the policy and the profile differ in what is recorded", facet, is_name ? peer : "an outside label"));
          }
        }
        for (unsigned byte = 1; byte < 256; ++byte) {
          Place next{dfa.Step(place.dfa, static_cast<uint8_t>(byte)), "", true};
          if (!place.off) {
            const std::string longer = place.begin + static_cast<char>(byte);
            const auto from = names.lower_bound(longer);
            if (from != names.end() && from->first.rfind(longer, 0) == 0) next = {next.dfa, longer, false};
          }
          if (seen.emplace(std::pair(next.dfa, next.off ? std::string() : "=" + next.begin), 0).second) work.push_back(std::move(next));
        }
      }
    }
  }
  return std::optional<std::string>();
}

Difference ProveLimits(const ir::Domain& domain, const CompiledProfile& profile) {
  uint32_t mask = 0;
  std::vector<uint64_t> most;  // ascending by resource, as the domain has them
  for (const ir::Limit& limit : domain.limits) {
    mask |= uint32_t{1} << limit.resource;
    most.push_back(limit.most);
  }
  if (profile.rlimit_mask != mask || profile.rlimits != most) return std::optional<std::string>("the profile sets other limits than the policy");
  return std::optional<std::string>();
}

Difference ProveNothingElse(const ir::Domain& domain, const CompiledProfile& profile) {
  if (profile.mode != 0) return std::optional<std::string>("the profile does not enforce");
  if (profile.hat != domain.hat || (profile.flags & ~1u) != 0 || profile.path_flags != 0 || profile.audit_all || profile.disconnected) return std::optional<std::string>("the profile has flags that the policy does not ask for");
  if (!profile.policy) return std::optional<std::string>("the profile has no policy automaton");
  // Sockets and mounts are neither recorded nor silenced.  A mount's record, where there is one, shows its data (AA_AUDIT_DATA, mount.h):
  // the parser always says so.
  for (const auto& [what, shown] : {std::pair(PolicyClass::kNetwork, 0u), {PolicyClass::kMount, 0x40u}}) {
    for (const uint32_t state : Beyond(*profile.policy, ClassState(profile, what))) {
      const uint32_t allowed = (profile.policy->accept(state) & kMount) != 0 ? shown : 0;
      if ((profile.policy->accept2(state) & ~allowed) != 0) return std::optional<std::string>("the profile records or silences something of sockets or mounts");
    }
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto what = static_cast<PolicyClass>(byte);
    if (what == PolicyClass::kMount || what == PolicyClass::kPtrace || what == PolicyClass::kSignal || what == PolicyClass::kNetwork) continue;
    const uint32_t start = profile.policy->Step(profile.policy_start, static_cast<uint8_t>(byte));
    if (what == PolicyClass::kLabel) {
      // The parser writes rules of other classes here once more, without their details; no hook looks them up, only a program that
      // asks the kernel what a profile permits (apparmorfs.c profile_query_cb).
      for (unsigned of = 0; of < 256; ++of) {
        const uint32_t again = profile.policy->Step(start, static_cast<uint8_t>(of));
        const uint32_t own = profile.policy->Step(profile.policy_start, static_cast<uint8_t>(of));
        if ((GrantedBeyond(*profile.policy, again) & ~GrantedBeyond(*profile.policy, own)) != 0) return std::optional<std::string>(fmt::format("the profile grants something of class {} to labels that no rule names", of));
      }
      continue;
    }
    for (const uint32_t state : Beyond(*profile.policy, start)) {
      if (profile.policy->accept(state) != 0) return std::optional<std::string>(fmt::format("the profile grants something of class {}, which the policy does not speak of", byte));
    }
  }
  return std::optional<std::string>();
}

Result<Proof> Prove(const ir::Policy& policy, const ir::Domain& domain, const CompiledProfile& profile, const std::string& features) {
  Proof proof;
  const auto check = [&](const Difference& difference) -> Result<bool> {
    if (!difference) return tl::make_unexpected(difference.error());
    if (*difference) proof.difference = **difference;
    return difference->has_value();
  };
  if (profile.name != ir::QualifiedName(domain)) {
    proof.difference = fmt::format("the profile is named {}", profile.name);
    return proof;
  }
  for (const auto& part : {ProveNothingElse(domain, profile), ProveLimits(domain, profile), ProveAttachment(domain, profile), ProveCapabilities(domain, profile), ProveNetwork(domain, profile, features), ProvePeers(policy, domain, profile, features), ProveMounts(domain, profile, features), ProveDomains(domain, profile), ProveFiles(policy, domain, profile)}) {
    RAVELIN_TRY(differs, check(part));
    if (differs) return proof;
  }
  proof.proved = true;
  return proof;
}

}  // namespace ravelin::apparmor
