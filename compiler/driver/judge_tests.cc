// Lowering finds the attempts that matter, the oracle decides them.  Clause numbers refer to docs/semantics.md.
#include "compiler/driver/judge_tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compiler/driver/attempts.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/explain.h"
#include "compiler/oracle/decide.h"

namespace ravelin::driver {
namespace {

using ir::Decision;
using ir::Effect;
using ir::Event;
using ir::Expectation;
using ir::ObjectCheck;
using ir::Rule;
using kernel::Arch;

class Judge {
 public:
  Judge(const ir::Domain& domain, const source::SourceManager& sources) : domain_(domain), attempts_(domain), sources_(sources) {}

  Verdict Of(const Expectation& line) {
    verdict_ = {};
    for (const Rule& box : line.attempts) {
      const bool good = kernel::Facets()[box.facet].name == "syscall" ? Calls(line, box) : Operations(line, box);
      if (!good) break;
    }
    return std::move(verdict_);
  }

 private:
  bool Fail(std::string instead) {
    verdict_ = {false, std::move(instead)};
    return false;
  }

  std::string Cause(const Event& event, const Decision& decision) const {
    std::string out;  // on one line
    for (const char c : DescribeCause(domain_, event, decision, sources_)) {
      const bool space = c == ' ' || c == '\n';
      if (!space || out.empty() || out.back() != ' ') out += space ? ' ' : c;
    }
    return out;
  }

  std::string Told(const std::string& attempt, const Event& event, const Decision& decision, bool permitted) const {
    return permitted ? fmt::format("`{}` is permitted{}: {}", attempt, decision.action.kind == ir::ActionKind::kLog ? " and logged" : "", Cause(event, decision))
                     : fmt::format("`{}` is refused with {}: {}", attempt, FormatAction(decision.action), Cause(event, decision));
  }

  // --- system calls (10.3)

  bool Calls(const Expectation& line, const Rule& box) {
    for (const ir::CallMatch& match : box.calls) {
      const auto wrong = attempts_.Find(match.arch, match.number, match.when, [&](ir::Action action) { return line.action ? action != *line.action : Permits(action) != line.permit; });
      if (!wrong) continue;
      const Decision decision = oracle::DecideCall(domain_, *wrong);
      return Fail(Told(ShowEvent(*wrong), *wrong, decision, decision.permitted()));
    }
    return true;
  }

  // --- other facets (10.4 to 10.6)

  bool Operations(const Expectation& line, const Rule& box) {
    const kernel::FacetInfo& facet = kernel::Facets()[box.facet];
    ir::OperationSet operations = 0;
    for (size_t i = 0; i < facet.operations.size(); ++i) {
      if ((box.operations >> i & 1) == 0) continue;
      operations |= ir::OperationSet{1} << i;
      if (!line.permit) continue;
      for (const std::string& name : kernel::OperationClosure(facet.name, facet.operations[i])) {
        operations |= ir::OperationSet{1} << (std::find(facet.operations.begin(), facet.operations.end(), name) - facet.operations.begin());
      }
    }
    for (size_t i = 0; i < facet.operations.size(); ++i) {
      if ((operations >> i & 1) == 0) continue;
      const auto checks = attempts_.Checks(box, static_cast<int>(i));
      if (!checks) return Fail(fmt::format("`{} {{ {} }}` is left open in more than {} cases; name more of its attributes", facet.name, facet.operations[i], Attempts::kMostChecks));
      for (const ObjectCheck& check : *checks) {
        if (!Object(line, check)) return false;
      }
    }
    return true;
  }

  bool Object(const Expectation& line, ObjectCheck check) {
    Decision object = attempts_.DecideObject(check);
    const std::string shown = ShowCheck(domain_.architectures.front(), check);
    if (const Rule* open = attempts_.Undetermined(check, line.permit ? Effect::kDeny : Effect::kAllow); open != nullptr && object.permitted() == line.permit && (line.permit || object.rules.empty())) {
      return Fail(fmt::format("`{}` is {} in some of the cases that the line leaves open: {}", shown, line.permit ? "refused" : "permitted", open->from.place));
    }
    for (const Arch arch : domain_.architectures) {
      const Carriers& calls = attempts_.CarriersOf(arch, check);
      const bool carried = !calls.shown || calls.permitted.has_value();
      const Event event = calls.permitted ? *calls.permitted : calls.refused ? *calls.refused
                                                                             : Event();
      if (!object.permitted() && line.permit) return Fail(Told(shown, event, object, false));
      if (!carried) {  // the calls decide
        const Decision call = oracle::DecideCall(domain_, event);
        if (line.permit) return Fail(fmt::format("no call carries `{}` out: {}", shown, Told(ShowEvent(event), event, call, false)));
        if (object.permitted()) object = call;
      }
      if (object.permitted() && !line.permit) return Fail(Told(shown, event, object, true));
      if (line.action && object.action != *line.action) return Fail(Told(shown, event, object, object.permitted()));
    }
    return true;
  }

  const ir::Domain& domain_;
  Attempts attempts_;
  const source::SourceManager& sources_;
  Verdict verdict_;
};

}  // namespace

std::vector<Verdict> JudgeTests(const Frontend& front) {
  std::map<size_t, Judge> judges;
  std::vector<Verdict> out;
  for (const Expectation& line : front.tests) out.push_back(judges.try_emplace(line.domain, front.policy.domains[line.domain], front.sources).first->second.Of(line));
  return out;
}

}  // namespace ravelin::driver
