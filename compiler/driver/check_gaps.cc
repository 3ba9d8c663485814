// Gaps of the declared layer sets against what the source accepts by name (docs/semantics.md, clauses 7.3 to 7.9).
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compiler/driver/analyze.h"
#include "compiler/driver/gap_text.h"
#include "compiler/ir/operation_words.h"

namespace ravelin::driver {
namespace {

using combine::Gap;
using LayerSet = std::vector<std::string>;

LayerSet Sorted(LayerSet set) {
  std::sort(set.begin(), set.end());
  return set;
}

class Reporter {
 public:
  Reporter(const ir::Domain& domain, GapsAre gaps_are, diag::Sink& sink) : domain_(domain), gaps_are_(gaps_are), sink_(sink) {}

  void Report(const std::vector<Gap>& gaps) {
    std::map<LayerSet, std::vector<const GapRow*>> defaults;  // that nothing enforces, and nobody accepts
    const std::vector<GapRow> rows = RowsOf(domain_, gaps);
    for (const GapRow& row : rows) {
      if (!row.name.empty()) {
        for (const auto& [facet, operations] : row.operations) existing_[{row.name, row.wider, Sorted(row.layers)}][facet] |= operations;
      }
      if (row.accepted()) continue;
      if (row.rule) {
        Say(row);
      } else if (!row.wider) {
        SayFileSystems(row);
      } else {
        defaults[row.layers].push_back(&row);
      }
    }
    for (const auto& [layers, facets] : defaults) SayDefaults(layers, facets);
  }

  // Acceptances of a set that was judged, for gaps that are not there.
  void Unused(const std::vector<LayerSet>& judged) {
    for (const ir::GapAcceptance& gap : domain_.acceptances) {
      const LayerSet set = Sorted(gap.layers);
      if (!Judged(judged, gap.layers)) continue;
      const ir::Operations gone = Gone(gap, judged);
      const bool exists = existing_.count({gap.rule_label, gap.wider, set}) != 0;
      if (exists && gone.empty()) continue;
      const std::string of = exists ? " in `" + OperationsText(gone) + "`" : "";
      sink_.Report(diag::Kind::kGapUnused, gap.from.span, fmt::format("{} {} not {} than `{}`{}", fmt::join(gap.layers, " + "), gap.layers.size() > 1 ? "are" : "alone is", gap.wider ? "wider" : "narrower", gap.rule_label, of))
          .Help(exists ? "take those operations out of it" : "take the acceptance away");
    }
  }

  // Limits are set by AppArmor alone, when a process starts in the domain.
  void SayLimits(const LayerSet& set) {
    if (std::find(set.begin(), set.end(), "apparmor") != set.end()) return;
    for (const ir::Limit& limit : domain_.limits) {
      const std::string name = "limit " + ir::LimitName(limit);
      existing_[{name, true, Sorted(set)}] = {};
      const bool accepted = std::any_of(domain_.acceptances.begin(), domain_.acceptances.end(), [&](const ir::GapAcceptance& one) { return one.rule_label == name && one.wider && Sorted(one.layers) == Sorted(set); });
      if (accepted) continue;
      sink_.ReportAs(diag::Kind::kGapNotAccepted, Severity(), limit.from.span, fmt::format("no layer of {} sets this limit", fmt::join(set, " + ")))
          .Help("who starts the process can set it: `prlimit`, `LimitNOFILE=` of a unit")
          .Help(fmt::format("accept it: `accept gap {} wider on {} because \"...\"`", name, fmt::join(set, " + ")));
    }
  }

 private:
  static bool Judged(const std::vector<LayerSet>& judged, const LayerSet& layers) {
    return std::any_of(judged.begin(), judged.end(), [&](const LayerSet& one) { return Sorted(one) == Sorted(layers); });
  }

  // The operations of an acceptance in which none of the layer sets of its statement differs.  Sets that were not judged (the target
  // may lack a layer) may differ in any.
  ir::Operations Gone(const ir::GapAcceptance& gap, const std::vector<LayerSet>& judged) const {
    ir::Operations gone = gap.bound;
    for (const ir::GapAcceptance& other : domain_.acceptances) {
      if (other.rule_label != gap.rule_label || other.wider != gap.wider || other.from.place != gap.from.place) continue;
      if (!Judged(judged, other.layers)) return {};
      const auto existing = existing_.find({gap.rule_label, gap.wider, Sorted(other.layers)});
      if (existing == existing_.end()) continue;
      for (const auto& [facet, operations] : existing->second) {
        const auto at = gone.find(facet);
        if (at != gone.end() && (at->second &= ~operations) == 0) gone.erase(at);
      }
    }
    return gone;
  }

  // What no rule speaks of and a default refuses, while no layer of the set could: one diagnostic for each set.
  void SayDefaults(const LayerSet& layers, const std::vector<const GapRow*>& facets) {
    std::string what;
    for (const GapRow* row : facets) {
      for (const auto& [id, open] : row->open) {
        const kernel::FacetInfo& facet = kernel::Facets()[id];
        const bool all = ir::OperationNames(id, open).size() == facet.operations.size();
        what += (what.empty() ? "" : ", ") + facet.name + (all ? "" : fmt::format(" {{ {} }}", fmt::join(ir::WordsFor(id, open), " ")));
      }
    }
    auto& d = sink_.ReportAs(diag::Kind::kGapNotAccepted, Severity(), domain_.from.span, fmt::format("no layer of {} enforces what the defaults of policy `{}` refuse of: {}", fmt::join(layers, " + "), domain_.name, what));
    d.Help(fmt::format("for example {} is permitted", facets.front()->witness));
    for (const GapRow* row : facets) d.Help(fmt::format("accept it{}: `{}`", Instead(*row), AcceptLine(*row)));
  }

  void SayFileSystems(const GapRow& row) {
    auto& d = sink_.ReportAs(diag::Kind::kGapNotAccepted, Severity(), domain_.from.span, fmt::format("{} permit{} less than policy `{}` says of {}: {}", fmt::join(row.layers, " + "), row.layers.size() > 1 ? "" : "s", domain_.name, OperationsText(row.open), row.reason));
    d.Help(fmt::format("for example {} is refused", row.witness));
    d.Help(fmt::format("accept it{}: `{}`", Instead(row), AcceptLine(row)));
    d.Help(row.tighter);
  }

  diag::Severity Severity() const { return gaps_are_ == GapsAre::kWarnings ? diag::Severity::kWarning : diag::Severity::kError; }

  static std::string Instead(const GapRow& row) { return row.acceptance.empty() ? "" : " as well, instead of the acceptance at " + row.acceptance; }

  void Say(const GapRow& row) {
    const std::string who = fmt::format("{}", fmt::join(row.layers, " + ")) + (row.layers.size() > 1 ? "" : " alone");
    const std::string beyond = row.acceptance.empty() ? "" : fmt::format(", and than the acceptance at {} covers", row.acceptance);
    auto& d = sink_.ReportAs(diag::Kind::kGapNotAccepted, Severity(), domain_.rules[*row.rule].from.span,
                             fmt::format("{} permit{} {} than this rule says{}: {}", who, row.layers.size() > 1 ? "" : "s", row.wider ? "more" : "less", beyond, row.reason));
    d.Help(fmt::format("for example {} {}", row.witness, row.wider ? "is permitted" : "is refused"));
    d.Help(fmt::format("{}accept it{}: `{}`", row.name.empty() ? "label the rule (`LABEL: allow ...`) and " : "", Instead(row), AcceptLine(row)));
    if (!row.tighter.empty()) d.Help(row.tighter);
  }

  const ir::Domain& domain_;
  GapsAre gaps_are_;
  diag::Sink& sink_;
  std::map<std::tuple<std::string, bool, LayerSet>, ir::Operations> existing_;
};

}  // namespace

std::vector<combine::Gap> CheckGaps(combine::Effective& effective, GapsAre gaps_are, diag::Sink& sink) {
  if (gaps_are == GapsAre::kNotJudged) return {};
  const ir::Domain& domain = effective.domain();
  std::vector<Gap> all;
  std::vector<LayerSet> judged;
  for (const LayerSet& set : domain.layer_sets) {
    const bool alone = set == LayerSet{"seccomp"};
    if (!std::all_of(set.begin(), set.end(), [](const std::string& layer) { return IsBuilt(layer); })) continue;
    if (gaps_are == GapsAre::kOfSeccompAlone && !alone) continue;
    auto gaps = combine::FindGaps(effective, set);
    if (!gaps) {
      sink.Report(diag::Kind::kGapUndecided, domain.from.span, fmt::format("the gap of {} cannot be decided: {}", fmt::join(set, " + "), gaps.error().message));
      continue;
    }
    judged.push_back(set);
    for (Gap& gap : *gaps) all.push_back(std::move(gap));
  }
  Reporter reporter(domain, gaps_are, sink);
  reporter.Report(all);
  for (const LayerSet& set : judged) reporter.SayLimits(set);
  reporter.Unused(judged);
  return all;
}

}  // namespace ravelin::driver
