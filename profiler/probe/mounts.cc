// Attempts to change what is mounted, at one folder of the guest's root.
#include <fmt/format.h>

#include <algorithm>

#include "profiler/probe/catalogue.h"

namespace ravelin::probe {
namespace {

constexpr uint64_t kReadOnly = 1, kNoSuid = 2, kNoExec = 8, kRemount = 0x20, kBind = 0x1000, kMove = 0x2000, kRecursive = 0x4000, kPrivate = 0x40000;

// A look at the folders on the way comes before what is asked of the point.
std::vector<ir::ObjectCheck> WayTo(const std::string& point) {
  std::vector<ir::ObjectCheck> out;
  for (size_t end = point.rfind('/'); end != std::string::npos; end = end == 0 ? std::string::npos : point.rfind('/', end - 1)) out.push_back(Ask("file", "traverse", File(point.substr(0, std::max<size_t>(end, 1)), 1, true)));
  return out;
}

Call Mount(const std::string& from, const std::string& on, const std::string& type, uint64_t flags, bool asks) {
  const std::vector<Operand> operands = {Text(from), Text(on), Text(type), Number(flags), Number(0)};
  if (!asks) return CallOf("mount", operands);
  return Also(CallOf("mount", operands, {{{"kind", 1}}, {{"fstype", type}, {"from", from}, {"on", on}}}), {Ask("capability", "sys_admin")});
}
Call Unmount(const std::string& on, uint64_t flags) { return CallOf("umount2", {Text(on), Number(flags)}); }

class Planner {
 public:
  Planner(const ir::Domain& domain, std::string point) : domain_(domain), point_(std::move(point)) {}

  std::vector<Probe> Run() {
    for (const Value& flags : ValuesNear(domain_, "mount", "flags", {0, kReadOnly, kNoSuid | kNoExec})) {
      if ((flags.value & (kRemount | kBind | kMove | ~uint64_t{0xffff})) != 0) continue;
      Add(fmt::format("mount {{ mount }} tmpfs flags {:#x}", flags.value), {Mount("none", point_, "tmpfs", flags.value, true)}, {}, flags);
    }
    Add("mount { mount } proc", {Mount("none", point_, "proc", 0, true)}, {});
    const std::vector<Call> mounted = {Mount("none", point_, "tmpfs", 0, false)};
    // By itself: the root of another file system has that one's label.
    const std::vector<Call> bound = {Mount(point_, point_, "none", kBind, false)};
    for (const uint64_t flags : {kBind, kBind | kRecursive}) Add(fmt::format("mount {{ bind }} flags {:#x}", flags), {Mount("/", point_, "none", flags, true)}, {});
    Add("mount { remount }", {Mount("none", point_, "none", kRemount | kReadOnly, true)}, mounted);
    Add("mount { remount } of a bind", {Mount("none", point_, "none", kRemount | kBind | kReadOnly, true)}, {Mount("/", point_, "none", kBind, false)});
    Add("mount { mount } private", {Mount("none", point_, "none", kPrivate, true)}, bound);
    Add("mount { move }", {Mount("/tmp", point_, "none", kMove, true)}, {});
    // Where it is no root: that comes behind every check.
    Call pivot = Also(CallOf("pivot_root", {Text(point_), Text(point_)}, {{{"kind", 1}}, {{"from", point_}, {"on", point_}}}), {Ask("capability", "sys_admin")});
    Add("mount { pivot_root }", {std::move(pivot)}, {});
    probes_.back().any_end = true;
    Call unmount = Also(CallOf("umount2", {Text(point_), Number(0)}, {{{"kind", 1}}, {{"on", point_}}}), {Ask("capability", "sys_admin")});
    Add("mount { umount }", {std::move(unmount)}, mounted);
    return std::move(probes_);
  }

 private:
  void Add(std::string shown, std::vector<Call> calls, std::vector<Call> before, const Value& of = {}) {
    Probe probe;
    probe.kind = "mount";
    probe.calls = std::move(calls);
    probe.calls.front() = Also(std::move(probe.calls.front()), WayTo(point_));
    if (!before.empty()) probe.before = {std::move(before)};
    probe.after = {{MayFail(Unmount(point_, 2))}};  // MNT_DETACH
    probe.rule = of.rule;
    probe.inside = of.inside;
    probe.shown = std::move(shown) + " on " + point_;
    probes_.push_back(std::move(probe));
  }

  const ir::Domain& domain_;
  const std::string point_;
  std::vector<Probe> probes_;
};

}  // namespace

std::vector<Probe> MountProbes(const ir::Domain& domain, const std::string& point) { return Planner(domain, point).Run(); }

}  // namespace ravelin::probe
