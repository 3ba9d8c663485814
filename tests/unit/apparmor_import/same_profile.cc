#include "tests/unit/apparmor_import/same_profile.h"

#include <fmt/format.h>

#include <set>
#include <tuple>
#include <vector>

namespace ravelin::import::apparmor {
namespace {

using namespace ravelin::apparmor;

constexpr uint32_t kOfDirectories = kRead | kWrite | kLock;
constexpr uint64_t kKnownCapabilities = (uint64_t{1} << 41) - 1;

class Comparison {
 public:
  Comparison(const CompiledProfile& a, const CompiledProfile& b) : a_(a), b_(b) {}

  std::string Run() {
    for (auto part : {&Comparison::Files, &Comparison::Others, &Comparison::Attachment, &Comparison::Rest}) {
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
      const auto of = [&](const std::optional<Dfa>& dfa, uint32_t state) { return !dfa ? FilePermissions{} : owner ? OwnerPermissions(*dfa, state) : OtherPermissions(*dfa, state); };
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

  // All names below `/`, of files and directories; behind a NUL, the old name of a link.
  std::string Files() {
    struct Place {
      uint32_t s, t;
      bool slash, link;
      std::string name;
    };
    std::set<std::tuple<uint32_t, uint32_t, bool, bool>> seen;
    std::vector<Place> work;
    const auto visit = [&](Place place) {
      if (seen.emplace(place.s, place.t, place.slash, place.link).second) work.push_back(std::move(place));
    };
    visit({Step(a_.files, a_.files_start, '/'), Step(b_.files, b_.files_start, '/'), true, false, "/"});
    for (size_t i = 0; i < work.size(); ++i) {
      const Place at = work[i];
      const uint32_t mask = at.link ? kLink | kLock : at.slash ? kOfDirectories : 0x7f;  // k behind a NUL: the subset test
      const std::string found = !at.link && !at.slash ? Judge(at.s, at.t, mask & ~kLink, true) : Judge(at.s, at.t, mask, false);
      if (!found.empty()) return fmt::format("{}{}: {}", at.link ? "link " : "", at.name, found);
      for (unsigned byte = 1; byte < 256; ++byte) {
        if (byte == '/' && at.slash) continue;
        visit({Step(a_.files, at.s, byte), Step(b_.files, at.t, byte), byte == '/', at.link, at.name + static_cast<char>(byte)});
      }
      if (!at.link && !at.slash) visit({Step(a_.files, Step(a_.files, at.s, 0), '/'), Step(b_.files, Step(b_.files, at.t, 0), '/'), true, true, at.name + " to /"});
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
