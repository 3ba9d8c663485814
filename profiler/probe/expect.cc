#include <algorithm>

#include "compiler/ir/boxes.h"
#include "compiler/oracle/decide.h"
#include "profiler/probe/probe.h"

namespace ravelin::probe {
namespace {

// AppArmor tells directories from everything else; SELinux every kind.
uint64_t KindFor(const std::string& layer, uint64_t kind) { return layer == "apparmor" && kind != 1 ? 0 : kind; }

Result<ir::Box> BoxOf(const std::string& layer, const Probe& probe, const ir::ObjectCheck& check) {
  ir::Box box;
  for (const auto& [attribute, value] : check.integers) box.integers.emplace(attribute, ir::IntervalSet::Single(value));
  box.integers.emplace("owner", ir::IntervalSet::Single(check.owner ? 1 : 0));
  box.integers.emplace("kind", ir::IntervalSet::Single(KindFor(layer, probe.kind)));
  for (const auto& [attribute, text] : check.texts) {
    RAVELIN_TRY(set, ir::PathSet::Parse(ir::LiteralPattern(text)));
    box.texts.emplace(attribute, std::move(set));
  }
  return box;
}

}  // namespace

Result<Expected> ExpectOf(combine::Effective& effective, const std::vector<std::string>& layers, const Probe& probe) {
  Expected expected = Expected::kPermitted;
  for (const std::string& layer : layers) {
    if (layer == "seccomp") {
      if (!oracle::DecideCall(effective.domain(), probe.event).permitted()) return Expected::kRefused;
      continue;
    }
    // A call with arguments of nothing reaches no object that a module would be asked about, or some; nobody knows beforehand.
    if (probe.path.empty()) expected = Expected::kUnsure;
    for (const ir::ObjectCheck& check : probe.event.objects) {
      RAVELIN_TRY(passed, effective.PassedBy(layer, check.facet, check.operation));
      if (!passed) continue;
      RAVELIN_TRY(box, BoxOf(layer, probe, check));
      RAVELIN_TRY(outside, ir::Minus(ir::Boxes{box}, *passed));
      if (outside.empty()) continue;
      bool some = false;
      for (const ir::Box& one : *passed) {
        RAVELIN_TRY(both, ir::Meet(one, box));
        some = some || both.has_value();
      }
      if (!some) return Expected::kRefused;
      expected = Expected::kUnsure;
    }
  }
  return expected;
}

}  // namespace ravelin::probe
