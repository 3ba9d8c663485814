// Everything but names of files and mounts: capabilities, sockets, signals, ptrace, limits.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "backends/apparmor/glob.h"
#include "backends/apparmor/lower.h"
#include "compiler/ir/boxes.h"
#include "compiler/kernel/apparmor_features.h"
#include "compiler/kernel/lsm_view.h"

namespace ravelin::apparmor {
namespace {

using ir::Effect;
using ir::Rule;

bool RefusesByDefault(const ir::Domain& domain, std::string_view facet) {
  const ir::FacetDefault& fallback = domain.defaults[ir::FacetOf(facet)];
  return fallback.stated && !Permits(fallback.action);
}

// Operations of the facet that the kernel mediates and the domain permits for something in a box.
struct Permitted {
  std::string operation;
  std::string permission;
  ir::Boxes boxes;
};
std::vector<Permitted> MediatedOf(const ir::Domain& domain, std::string_view facet, Profile& profile) {
  std::vector<Permitted> out;
  const ir::FacetId id = ir::FacetOf(facet);
  const auto& operations = kernel::Facets()[id].operations;
  for (size_t i = 0; i < operations.size(); ++i) {
    for (const kernel::LsmRow* row : kernel::LsmRowsOf("apparmor", facet, operations[i])) {
      if (row->object_class.empty()) continue;
      auto boxes = ir::PermittedOf(domain, id, static_cast<int>(i));
      if (!boxes) {
        profile.problems.push_back({kNoRule, boxes.error().message});
        continue;
      }
      out.push_back({operations[i], row->permissions.front(), std::move(*boxes)});
    }
  }
  return out;
}

// The first allow rule of the facet with the operation, for the comment.
std::string PlaceOf(const ir::Domain& domain, std::string_view facet, std::string_view operation) {
  const ir::FacetId id = ir::FacetOf(facet);
  const auto& operations = kernel::Facets()[id].operations;
  const auto at = std::find(operations.begin(), operations.end(), operation) - operations.begin();
  for (const Rule& rule : domain.rules) {
    if (rule.facet == id && (rule.effect == Effect::kAllow || rule.effect == Effect::kComplain) && (rule.operations >> at & 1) != 0) return rule.from.place;
  }
  const ir::FacetDefault& fallback = domain.defaults[id];
  return fallback.stated ? fallback.from.place : "";
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Values of an attribute in a box, all of them where it does not name it.
ir::IntervalSet ValuesOf(const ir::Box& box, const std::string& attribute, int bits) {
  const auto it = box.integers.find(attribute);
  return it == box.integers.end() ? ir::IntervalSet::All(bits) : it->second;
}

// The parser's word for a signal (apparmor.d(5), "signal rules").
std::string SignalWord(uint64_t number) {
  if (number == 0) return "exists";
  if (number >= 32) return fmt::format("rtmin+{}", number - 32);
  // Numbers with several names: the one that the parser takes.
  for (const auto& [constant, word] : {std::pair("SIGTSTP", "stp"), {"SIGIO", "io"}, {"SIGABRT", "abrt"}, {"SIGSYS", "sys"}, {"SIGCHLD", "chld"}}) {
    if (number == *kernel::FindConstant(kernel::Arch::kX86_64, constant)) return word;
  }
  return Lower(kernel::ConstantName(kernel::Arch::kX86_64, "SIG", number).substr(3));
}

}  // namespace

std::string ProfileName(const ir::Domain& domain) { return ir::QualifiedName(domain); }
std::string ProfileName(const ir::Policy& policy, const std::string& domain) {
  const auto it = std::find_if(policy.domains.begin(), policy.domains.end(), [&](const ir::Domain& one) { return one.name == domain; });
  return it == policy.domains.end() ? domain : ProfileName(*it);
}

// Words of apparmor.d(5), "rlimit rules", with the unit in which the number is the kernel's.
void LowerLimits(const ir::Domain& domain, Profile& profile) {
  for (const ir::Limit& limit : domain.limits) {
    const std::string word = Lower(ir::LimitName(limit).substr(7));
    std::string most = limit.most == ~uint64_t{0} ? "infinity" : fmt::format("{}", limit.most);
    if (most != "infinity") {
      if (limit.most > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) profile.problems.push_back({kNoRule, fmt::format("{}: AppArmor has no words for so large a limit", limit.from.place)});
      if (word == "cpu") most += " seconds";
      if (word == "rttime") most += " us";
      if (word == "nice") {
        if (limit.most > 39) profile.problems.push_back({kNoRule, fmt::format("{}: a limit of RLIMIT_NICE is 0 to 39: 20 less the smallest value", limit.from.place)});
        most = fmt::format("{}", static_cast<int64_t>(limit.most) - 20);
      }
    }
    profile.lines.push_back({fmt::format("set rlimit {} <= {}", word, most), limit.from.place});
  }
}

void LowerCapabilities(const ir::Domain& domain, Profile& profile) {
  for (const Permitted& one : MediatedOf(domain, "capability", profile)) {
    if (!one.boxes.empty()) profile.lines.push_back({"capability " + one.operation, PlaceOf(domain, "capability", one.operation)});
  }
  const ir::FacetId id = ir::FacetOf("capability");
  const auto& operations = kernel::Facets()[id].operations;
  for (const Rule& rule : domain.rules) {
    if (rule.facet != id || (rule.effect != Effect::kQuiet && rule.effect != Effect::kAudit)) continue;
    for (size_t i = 0; i < operations.size(); ++i) {
      if ((rule.operations >> i & 1) == 0) continue;
      const auto permitted = ir::PermittedOf(domain, id, static_cast<int>(i));
      if (permitted && permitted->empty() == (rule.effect == Effect::kQuiet)) profile.lines.push_back({fmt::format("{} capability {}", rule.effect == Effect::kQuiet ? "deny" : "audit", operations[i]), rule.from.place});
    }
  }
}

void LowerNetwork(const ir::Domain& domain, const TargetFacts& target, Profile& profile) {
  if (!RefusesByDefault(domain, "network")) {
    bool denies = false;
    for (const Rule& rule : domain.rules) denies |= rule.facet == ir::FacetOf("network") && rule.effect == Effect::kDeny;
    if (!denies) {
      profile.lines.push_back({"network", PlaceOf(domain, "network", "create")});
      return;
    }
  }
  // Names that the target's parser knows, with their numbers.
  std::map<uint64_t, std::string> families;
  const std::vector<std::string> known = kernel::ApparmorFeature(target.features, "network_v8/af_mask");
  for (const std::string& constant : kernel::ConstantNames()) {
    if (constant.rfind("AF_", 0) != 0) continue;
    const std::string word = Lower(constant.substr(3));
    if (word != "unspec" && std::find(known.begin(), known.end(), word) != known.end()) families.emplace(*kernel::FindConstant(kernel::Arch::kX86_64, constant), word);
  }
  static const std::pair<const char*, const char*> kTypes[] = {{"SOCK_STREAM", "stream"}, {"SOCK_DGRAM", "dgram"}, {"SOCK_SEQPACKET", "seqpacket"}, {"SOCK_RDM", "rdm"}, {"SOCK_RAW", "raw"}, {"SOCK_PACKET", "packet"}};
  std::map<std::string, std::string> lines;  // text -> place; sorted
  for (const Permitted& one : MediatedOf(domain, "network", profile)) {
    const std::string place = PlaceOf(domain, "network", one.operation);
    for (const ir::Box& box : one.boxes) {
      const ir::IntervalSet of_family = ValuesOf(box, "family", 32);
      const ir::IntervalSet of_type = ValuesOf(box, "type", 32);
      const bool every_type = of_type.Includes(ir::IntervalSet::All(16));
      if (every_type && of_family.Includes(ir::IntervalSet::All(16))) lines.emplace("network", place);
      for (const auto& [number, word] : families) {
        if (!of_family.Contains(number)) continue;
        if (every_type) {
          lines.emplace("network " + word, place);
          continue;
        }
        for (const auto& [constant, type] : kTypes) {
          if (of_type.Contains(*kernel::FindConstant(kernel::Arch::kX86_64, constant))) lines.emplace("network " + word + " " + type, place);
        }
      }
    }
  }
  if (const auto all = lines.find("network"); all != lines.end()) {
    profile.lines.push_back({all->first, all->second});
    return;
  }
  for (const auto& [text, place] : lines) profile.lines.push_back({text, place});
}

void LowerPeers(const ir::Policy& policy, const ir::Domain& domain, const TargetFacts& target, Profile& profile) {
  std::vector<std::string> names;
  for (const ir::Domain& one : policy.domains) names.push_back(ProfileName(one));
  // The glob of the peers in a box.
  const auto peers = [&](const ir::Box& box) {
    std::vector<std::string> globs;
    const auto it = box.texts.find("peer");
    for (const ir::Domain& one : policy.domains) {
      if (it == box.texts.end() || it->second.Contains(&one == &domain ? "self" : one.name)) globs.push_back(LiteralGlob(ProfileName(one)));
    }
    const bool outside = it == box.texts.end() || it->second.Contains("outside");
    if (outside && globs.size() == policy.domains.size()) return std::string("**");
    if (outside) globs.push_back(AllBut(names));
    std::string text;
    for (const std::string& glob : globs) text += (text.empty() ? "" : ",") + glob;
    return globs.size() > 1 ? "{" + text + "}" : text;
  };
  // One line for a box; none where it holds no peer or signal.
  const auto write = [&](const std::string& prefix, std::string_view facet, const std::string& permission, const ir::Box& box, const std::string& place) {
    const std::string peer = peers(box);
    if (peer.empty()) return;
    std::string set;
    const ir::IntervalSet numbers = ValuesOf(box, "signal", 32);
    if (facet == "signal" && !numbers.Includes(ir::IntervalSet::Range(0, 64))) {
      for (uint64_t n = 0; n <= 64; ++n) {
        if (numbers.Contains(n)) set += (set.empty() ? "" : ", ") + SignalWord(n);
      }
      if (set.empty()) return;
      set = fmt::format(" set=({})", set);
    }
    profile.lines.push_back({fmt::format("{}{} ({}){}{}", prefix, facet, permission, set, peer == "**" ? "" : fmt::format(" peer={}", Quote(peer))), place});
  };
  for (const std::string_view facet : {"signal", "ptrace"}) {
    if (!kernel::HasApparmorFeature(target.features, facet)) continue;
    const ir::FacetId id = ir::FacetOf(facet);
    const auto& operations = kernel::Facets()[id].operations;
    for (const Permitted& one : MediatedOf(domain, facet, profile)) {
      for (const ir::Box& box : one.boxes) write("", facet, one.permission, box, PlaceOf(domain, facet, one.operation));
      const auto operation = static_cast<int>(std::find(operations.begin(), operations.end(), one.operation) - operations.begin());
      for (const Rule& rule : domain.rules) {
        const bool recorded = rule.effect == Effect::kAudit || rule.effect == Effect::kComplain;
        if (rule.facet != id || (rule.operations >> operation & 1) == 0 || (!recorded && rule.effect != Effect::kQuiet)) continue;
        // A line grants or refuses all that it records or silences.
        const auto box = ir::BoxOf(rule, operation);
        const auto left = box ? ir::Minus(ir::Boxes{*box}, one.boxes) : Result<ir::Boxes>(tl::make_unexpected(box.error()));
        const auto granted = left ? ir::Minus(ir::Boxes{*box}, *left) : left;
        if (!granted) {
          profile.problems.push_back({rule.id, granted.error().message});
        } else if (recorded && granted->empty()) {
          continue;  // nothing of it is permitted, and refusals are recorded anyway
        } else if (recorded ? !left->empty() : !granted->empty()) {
          profile.problems.push_back({rule.id, fmt::format("AppArmor can {} this only where all of it is {}", recorded ? "record" : "be silent of", recorded ? "permitted" : "refused")});
        } else {
          write(recorded ? "audit " : "deny ", facet, one.permission, *box, rule.from.place);
        }
      }
    }
  }
}

Profile Lower(const ir::Policy& policy, const ir::Domain& domain, const TargetFacts& target) {
  Profile profile;
  profile.name = ProfileName(domain);
  profile.local_name = domain.name;
  profile.hat = domain.hat;
  if (!domain.parent.empty()) profile.parent = ProfileName(policy, domain.parent);
  if (domain.hat && !domain.attach.empty()) profile.problems.push_back({kNoRule, "a hat attaches to no program: a process of its parent moves into it"});
  std::vector<std::string> attach;
  for (const std::string& pattern : domain.attach) {
    const auto globs = FileGlobs(pattern);
    if (!globs) profile.problems.push_back({kNoRule, globs.error().message});
    if (globs) attach.insert(attach.end(), globs->begin(), globs->end());
  }
  // An attachment begins with a slash: several are alternatives behind it.
  for (const std::string& glob : attach) profile.attachment += (profile.attachment.empty() ? "" : ",") + (attach.size() > 1 ? glob.substr(1) : glob);
  if (attach.size() > 1) profile.attachment = "/{" + profile.attachment + "}";
  if (attach.empty() && !domain.attach.empty()) profile.problems.push_back({kNoRule, "no program has a name that `attach` matches"});
  LowerFiles(policy, domain, profile);
  LowerLimits(domain, profile);
  LowerLinks(domain, profile);
  LowerCapabilities(domain, profile);
  LowerNetwork(domain, target, profile);
  LowerPeers(policy, domain, target, profile);
  LowerMounts(domain, profile);
  LowerDomains(domain, profile);
  // What would be dropped without a word is refused.
  for (const Rule& rule : domain.rules) {
    const std::string& facet = kernel::Facets()[rule.facet].name;
    const bool unwritten = facet == "network" || facet == "mount" || facet == "domain";
    const bool record = rule.effect == Effect::kAudit || rule.effect == Effect::kQuiet || rule.effect == Effect::kComplain;
    if ((unwritten && record) || (facet == "capability" && rule.effect == Effect::kComplain)) profile.problems.push_back({rule.id, fmt::format("records of `{}` (audit, quiet, complain) are not written into AppArmor profiles yet", facet)});
  }
  for (const auto& [mechanism, text] : domain.raw) {
    if (mechanism == "apparmor") profile.problems.push_back({kNoRule, "a `raw apparmor` passage cannot be proved, and a profile that is not proved is not written"});
  }
  return profile;
}

}  // namespace ravelin::apparmor
