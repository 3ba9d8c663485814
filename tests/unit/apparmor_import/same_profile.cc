#include "tests/unit/apparmor_import/same_profile.h"

#include <fmt/format.h>

#include <set>
#include <tuple>
#include <vector>

#include "compiler/kernel/mount_flags.h"

namespace ravelin::import::apparmor {
namespace {

using namespace ravelin::apparmor;

constexpr uint32_t kOfDirectories = kRead | kWrite | kLock;
constexpr uint64_t kKnownCapabilities = (uint64_t{1} << 41) - 1;

class Comparison {
 public:
  Comparison(const CompiledProfile& a, const CompiledProfile& b) : a_(a), b_(b) {}

  std::string Run() {
    for (auto part : {&Comparison::Files, &Comparison::Changes, &Comparison::Others, &Comparison::Mounts, &Comparison::Attachment, &Comparison::Rest}) {
      const std::string found = (this->*part)();
      if (!found.empty()) return found;
    }
    return "";
  }

 private:
  static uint32_t Step(const std::optional<Dfa>& dfa, uint32_t state, unsigned byte) { return dfa ? dfa->Step(state, static_cast<uint8_t>(byte)) : Dfa::kDead; }

  std::string Exec(const FilePermissions& p, const FilePermissions& q) {
    const auto x = TransitionOf(a_, p.exec_index);
    const auto y = TransitionOf(b_, q.exec_index);
    if (!x || !y) return "a transition is malformed";
    const std::string& target = x->target;
    if (x->kind != y->kind || target != y->target || x->inherit_else != y->inherit_else || x->unconfined_else != y->unconfined_else) return fmt::format("execs lead elsewhere: kind {} `{}` and kind {} `{}`", static_cast<int>(x->kind), target, static_cast<int>(y->kind), y->target);
    return x->unsafe != y->unsafe && x->kind != ExecKind::kInherit ? "one scrubs the environment of an exec" : "";
  }

  // What one state of each says of a name.
  std::string Judge(uint32_t s, uint32_t t, uint32_t mask, bool exec) {
    for (const bool owner : {true, false}) {
      const auto of = [&](const std::optional<Dfa>& dfa, uint32_t state) { return !dfa ? FilePermissions{} : owner ? OwnerPermissions(*dfa, state)
                                                                                                                   : OtherPermissions(*dfa, state); };
      const FilePermissions p = of(a_.files, s);
      const FilePermissions q = of(b_.files, t);
      if (((p.allow ^ q.allow) & mask) != 0) return fmt::format("{:#x} and {:#x} for {}", p.allow & mask, q.allow & mask, owner ? "the owner" : "others");
      if (((p.audit & p.allow) ^ (q.audit & q.allow)) & mask) return fmt::format("records {:#x} and {:#x}", p.audit, q.audit);
      if (((p.quiet & ~p.allow) ^ (q.quiet & ~q.allow)) & mask) return fmt::format("silences {:#x} and {:#x}", p.quiet, q.quiet);
      if (exec && (p.allow & kExec) != 0) {
        const std::string found = Exec(p, q);
        if (!found.empty()) return found;
      }
    }
    return "";
  }

  // Who may link from a name at all: bits of the owner and of others in the first profile, then in the second.
  unsigned LinksFrom(uint32_t s, uint32_t t) const {
    unsigned bits = 0;
    if (a_.files) bits |= ((OwnerPermissions(*a_.files, s).allow & kLink) != 0 ? 1u : 0u) | ((OtherPermissions(*a_.files, s).allow & kLink) != 0 ? 2u : 0u);
    if (b_.files) bits |= ((OwnerPermissions(*b_.files, t).allow & kLink) != 0 ? 4u : 0u) | ((OtherPermissions(*b_.files, t).allow & kLink) != 0 ? 8u : 0u);
    return bits;
  }

  // What one state each says of a link's old name; the bit of k is the test of the subset there.
  std::string JudgeLink(uint32_t s, uint32_t t, unsigned from) {
    for (const bool owner : {true, false}) {
      const auto of = [&](const std::optional<Dfa>& dfa, uint32_t state, unsigned may) {
        FilePermissions out = !dfa || may == 0 ? FilePermissions{} : owner ? OwnerPermissions(*dfa, state)
                                                                           : OtherPermissions(*dfa, state);
        out.allow = (out.allow & kLink) != 0 ? out.allow & (kLink | kLock) : 0;
        return out;
      };
      const FilePermissions p = of(a_.files, s, from & (owner ? 1 : 2));
      const FilePermissions q = of(b_.files, t, from & (owner ? 4 : 8));
      if (p.allow != q.allow) return fmt::format("{:#x} and {:#x} for {}", p.allow, q.allow, owner ? "the owner" : "others");
      if (((p.audit & p.allow) ^ (q.audit & q.allow)) & kLink) return "other records";
      if (((p.quiet & ~p.allow) ^ (q.quiet & ~q.allow)) & kLink) return "other silence";
    }
    return "";
  }

  // All names below `/`, of files and directories; behind a NUL, the old name of a link.
  std::string Files() {
    struct Place {
      uint32_t s, t;
      bool slash;
      unsigned from;  // of a link's old name
      bool link;
      std::string name;
    };
    std::set<std::tuple<uint32_t, uint32_t, bool, bool, unsigned>> seen;
    std::vector<Place> work;
    const auto visit = [&](Place place) {
      if (seen.emplace(place.s, place.t, place.slash, place.link, place.from).second) work.push_back(std::move(place));
    };
    visit({Step(a_.files, a_.files_start, '/'), Step(b_.files, b_.files_start, '/'), true, 0, false, "/"});
    for (size_t i = 0; i < work.size(); ++i) {
      const Place at = work[i];
      const std::string found = !at.link ? Judge(at.s, at.t, at.slash ? kOfDirectories : 0x7f & ~kLink, !at.slash) : at.slash ? ""
                                                                                                                              : JudgeLink(at.s, at.t, at.from);
      if (!found.empty()) return fmt::format("{}{}: {}", at.link ? "link " : "", at.name, found);
      for (unsigned byte = 1; byte < 256; ++byte) {
        if (byte == '/' && at.slash) continue;
        visit({Step(a_.files, at.s, byte), Step(b_.files, at.t, byte), byte == '/', at.from, at.link, at.name + static_cast<char>(byte)});
      }
      if (!at.link && !at.slash) visit({Step(a_.files, Step(a_.files, at.s, 0), '/'), Step(b_.files, Step(b_.files, at.t, 0), '/'), true, LinksFrom(at.s, at.t), true, at.name + " to /"});
    }
    return "";
  }

  // Names of profiles beside as many walks through each profile as there are beginnings.
  template <typename Judge>
  std::string OverLabels(const std::vector<std::pair<uint32_t, uint32_t>>& begins, const Judge& judge) {
    using States = std::vector<std::pair<uint32_t, uint32_t>>;
    std::set<States> seen;
    std::vector<std::pair<States, std::string>> work = {{begins, ""}};
    for (size_t i = 0; i < work.size(); ++i) {
      const auto [at, name] = work[i];
      const std::string found = i == 0 ? "" : judge(at);
      if (!found.empty()) return name + ": " + found;
      for (unsigned byte = 1; byte < 256; ++byte) {
        States next;
        for (const auto& [s, t] : at) next.emplace_back(Step(a_.files, s, byte), Step(b_.files, t, byte));
        if (seen.insert(next).second) work.emplace_back(std::move(next), name + static_cast<char>(byte));
      }
    }
    return "";
  }

  // Changes of profile: at once; and at an exec, which asks the name, the program, and both.
  std::string Changes() {
    constexpr uint32_t kAtOnce = 1u << 31;
    constexpr uint32_t kAtExec = 1u << 30;
    const auto has = [](const std::optional<Dfa>& dfa, uint32_t state, uint32_t bit) { return dfa && (dfa->accept(state) & bit) != 0; };
    const std::pair<uint32_t, uint32_t> start = {a_.files_start, b_.files_start};
    std::string found = OverLabels({start}, [&](const auto& at) { return has(a_.files, at[0].first, kAtOnce) != has(b_.files, at[0].second, kAtOnce) ? std::string("only one lets the process change to it") : ""; });
    if (!found.empty()) return found;
    std::set<std::tuple<uint32_t, uint32_t, bool>> seen;
    std::set<std::tuple<bool, bool, uint32_t, uint32_t>> judged;
    std::vector<std::tuple<uint32_t, uint32_t, bool>> work = {{Step(a_.files, start.first, '/'), Step(b_.files, start.second, '/'), true}};
    for (size_t i = 0; i < work.size(); ++i) {
      const auto [s, t, slash] = work[i];
      const bool of_a = has(a_.files, s, kAtExec);
      const bool of_b = has(b_.files, t, kAtExec);
      const std::pair<uint32_t, uint32_t> behind = {Step(a_.files, s, 0), Step(b_.files, t, 0)};
      if (!slash && judged.emplace(of_a, of_b, behind.first, behind.second).second) {
        found = OverLabels({start, behind}, [&](const auto& at) -> std::string {
          const bool p = of_a && has(a_.files, at[0].first, kAtExec) && has(a_.files, at[1].first, kAtExec);
          const bool q = of_b && has(b_.files, at[0].second, kAtExec) && has(b_.files, at[1].second, kAtExec);
          if (p != q) return "only one lets the process change to it at an exec";
          if (p && (((OwnerPermissions(*a_.files, at[1].first).exec_index ^ OwnerPermissions(*b_.files, at[1].second).exec_index) & 2) != 0)) return "only one scrubs the environment";
          return "";
        });
        if (!found.empty()) return found;
      }
      for (unsigned byte = 1; byte < 256; ++byte) {
        if (byte == '/' && slash) continue;
        const std::tuple<uint32_t, uint32_t, bool> next = {Step(a_.files, s, byte), Step(b_.files, t, byte), byte == '/'};
        if (seen.insert(next).second) work.push_back(next);
      }
    }
    return "";
  }

  // The kernel's sockets have the types of <linux/net.h>.
  static bool NoSocketType(const std::string& bytes) {
    for (const char* type : {" 00 01", " 00 02", " 00 03", " 00 04", " 00 05", " 00 06", " 00 0a"}) {
      if (bytes == type) return false;
    }
    return true;
  }

  std::string Others() {
    if (a_.policy.has_value() != b_.policy.has_value()) return "one mediates files only";
    if (!a_.policy) return "";
    std::set<std::pair<uint32_t, uint32_t>> seen;
    std::vector<std::tuple<uint32_t, uint32_t, std::string>> work = {{a_.policy_start, b_.policy_start, ""}};
    seen.emplace(a_.policy_start, b_.policy_start);
    for (size_t i = 0; i < work.size(); ++i) {
      const auto [s, t, text] = work[i];
      if (text.size() == 15 && text.compare(0, 3, " 0e") == 0 && NoSocketType(text.substr(9))) continue;
      if (text == " 07") continue;  // Mounts()
      const uint32_t p = PolicyAllow(*a_.policy, s);
      const uint32_t q = PolicyAllow(*b_.policy, t);
      if (p != q) return fmt::format("class bytes{}: {:#x} and {:#x}", text, p, q);
      if (((PolicyAudit(*a_.policy, s) & p) ^ (PolicyAudit(*b_.policy, t) & q)) != 0) return fmt::format("class bytes{}: other records", text);
      if (((PolicyQuiet(*a_.policy, s) & ~p) ^ (PolicyQuiet(*b_.policy, t) & ~q)) != 0) return fmt::format("class bytes{}: other silence", text);
      for (unsigned byte = 0; byte < 256; ++byte) {
        const uint32_t u = Step(a_.policy, s, byte);
        const uint32_t v = Step(b_.policy, t, byte);
        if (seen.emplace(u, v).second) work.emplace_back(u, v, fmt::format("{} {:02x}", text, byte));
      }
    }
    return "";
  }

  // Mounts: texts of three parts, then flags, of which only such sets count as the kernel asks for.
  std::string Mounts() {
    if (!a_.policy || !b_.policy) return "";
    struct Place {
      uint32_t s, t;
      int part;
      unsigned least;
      uint32_t flags;  // those that decide whether the set is asked for; bit 0 stands for all others
    };
    std::vector<Place> work = {{Step(a_.policy, a_.policy_start, 7), Step(b_.policy, b_.policy_start, 7), 0, 0, 0}};
    std::set<std::tuple<uint32_t, uint32_t, int, unsigned, uint32_t>> seen;
    constexpr uint32_t kDeciding = 0x20 | 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x1e0000;
    for (size_t i = 0; i < work.size(); ++i) {
      const Place at = work[i];
      const bool asked = at.part < 3 || ravelin::kernel::AskedMountFlags(at.flags) == at.flags;
      const uint32_t mask = at.part < 3 ? 0x05 : 0x42;
      const uint32_t p = PolicyAllow(*a_.policy, at.s);
      const uint32_t q = PolicyAllow(*b_.policy, at.t);
      if (i != 0 && asked && ((p ^ q) & mask) != 0) return fmt::format("mounts, part {}, flags {:#x}: {:#x} and {:#x}", at.part, at.flags, p, q);
      for (unsigned byte = 0; byte < 256; ++byte) {
        if ((at.part == 3 && (byte <= at.least || byte > 32)) || (i == 0 && byte != '/')) continue;
        if (at.part == 0 && byte == '/' && at.least == 1) continue;  // no name
        Place next{Step(a_.policy, at.s, byte), Step(b_.policy, at.t, byte), at.part + (at.part < 3 && byte == 0 ? 1 : 0), 0, at.flags};
        if (at.part == 0 && byte == '/') next.least = 1;
        if (at.part == 3) {
          const uint32_t flag = uint32_t{1} << (byte - 1);
          next.least = byte;
          next.flags |= (flag & kDeciding) != 0 ? flag : 1;
        }
        if (seen.emplace(next.s, next.t, next.part, next.least, next.flags).second) work.push_back(next);
      }
    }
    return "";
  }

  // Paths that the profile attaches to: the automaton, or the one path that it is named by.
  static bool Attaches(const CompiledProfile& p, uint32_t state, const std::string& path) {
    if (p.attach) return (p.attach->accept(state) & kExec) != 0;
    return path == p.attachment.value_or(p.name);
  }

  std::string Attachment() {
    std::set<std::pair<uint32_t, uint32_t>> seen;
    std::vector<std::tuple<uint32_t, uint32_t, std::string>> work = {{Dfa::kStart, Dfa::kStart, ""}};
    if (!a_.attach) {  // one path at most
      const std::string path = a_.attachment.value_or(a_.name);
      if (path[0] == '/' && !Attaches(b_, b_.attach ? b_.attach->Walk(Dfa::kStart, path) : 0, path)) return "the second does not attach to " + path;
    }
    for (size_t i = 0; i < work.size() && (a_.attach || b_.attach); ++i) {
      const auto [s, t, path] = work[i];
      const bool file = !path.empty() && path.back() != '/';
      if (file && Attaches(a_, s, path) != Attaches(b_, t, path)) return "only one attaches to " + path;
      for (unsigned byte = 1; byte < 256; ++byte) {
        if (path.empty() ? byte != '/' : byte == '/' && path.back() == '/') continue;
        const uint32_t u = Step(a_.attach, s, byte);
        const uint32_t v = Step(b_.attach, t, byte);
        if ((u != Dfa::kDead || v != Dfa::kDead) && seen.emplace(u, v).second) work.emplace_back(u, v, path + static_cast<char>(byte));
      }
    }
    return "";
  }

  std::string Rest() {
    const CapabilitySets& x = a_.capabilities;
    const CapabilitySets& y = b_.capabilities;
    const auto differ = [](uint64_t p, uint64_t q) { return ((p ^ q) & kKnownCapabilities) != 0; };
    if (differ(x.allow, y.allow) || differ(x.audit & x.allow, y.audit & y.allow) || differ(x.quiet & ~x.allow, y.quiet & ~y.allow)) return "other capabilities";
    if (a_.rlimit_mask != b_.rlimit_mask || a_.rlimits != b_.rlimits) return "other limits";
    if (a_.mode != b_.mode || a_.audit_all != b_.audit_all || a_.hat != b_.hat || a_.path_flags != b_.path_flags) return "other flags";
    return "";
  }

  const CompiledProfile& a_;
  const CompiledProfile& b_;
};

}  // namespace

std::string Difference(const CompiledProfile& a, const CompiledProfile& b) { return Comparison(a, b).Run(); }

}  // namespace ravelin::import::apparmor
