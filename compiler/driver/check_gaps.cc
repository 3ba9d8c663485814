// Gaps of the declared layer sets against what the source accepts by name (docs/semantics.md, clauses 7.3 to 7.9).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "compiler/driver/analyze.h"
#include "compiler/driver/gap_text.h"

namespace ravelin::driver {
namespace {

using combine::Gap;
using ir::Rule;
using LayerSet = std::vector<std::string>;

LayerSet Sorted(LayerSet set) {
  std::sort(set.begin(), set.end());
  return set;
}

// Gaps of one rule, direction and layer set: one diagnostic.
struct Entry {
  std::optional<uint32_t> rule;
  bool wider = true;
  LayerSet layers;
  std::vector<const Gap*> gaps;
};

class Reporter {
 public:
  Reporter(const ir::Domain& domain, GapsAre gaps_are, diag::Sink& sink) : domain_(domain), gaps_are_(gaps_are), sink_(sink) {}

  void Report(const std::vector<Gap>& gaps) {
    std::map<std::tuple<LayerSet, std::string, int64_t, bool>, Entry> entries;  // by reason, so that equal ones stand together
    std::map<std::tuple<LayerSet, int64_t, bool>, std::string> first_reason;
    for (const Gap& gap : gaps) {
      const int64_t rule = gap.rule ? int64_t{*gap.rule} : -1 - gap.facet;
      const std::string& reason = first_reason.emplace(std::tuple(gap.layers, rule, gap.wider), gap.reason).first->second;
      Entry& entry = entries[{gap.layers, reason, rule, gap.wider}];
      entry.rule = gap.rule;
      entry.wider = gap.wider;
      entry.layers = gap.layers;
      entry.gaps.push_back(&gap);
    }
    SayDefaults(gaps);
    for (const auto& item : entries) {
      const Entry& entry = item.second;
      if (!entry.rule) continue;
      const std::string label = entry.rule ? domain_.rules[*entry.rule].label : "";
      if (!label.empty()) existing_.insert({label, entry.wider, Sorted(entry.layers)});
      if (!label.empty() && Accepted(label, entry.wider, entry.layers)) continue;
      Say(entry);
    }
  }

  // Acceptances of a set that was judged, for gaps that are not there.
  void Unused(const std::vector<LayerSet>& judged) {
    for (const ir::GapAcceptance& gap : domain_.acceptances) {
      const LayerSet set = Sorted(gap.layers);
      const bool was_judged = std::any_of(judged.begin(), judged.end(), [&](const LayerSet& one) { return Sorted(one) == set; });
      if (!was_judged || existing_.count({gap.rule_label, gap.wider, set}) != 0) continue;
      sink_.Report(diag::Kind::kGapUnused, gap.from.span, fmt::format("{} {} not {} than `{}`", fmt::join(gap.layers, " + "), gap.layers.size() > 1 ? "are" : "alone is", gap.wider ? "wider" : "narrower", gap.rule_label)).Help("take the acceptance away");
    }
  }

 private:
  bool Accepted(const std::string& label, bool wider, const LayerSet& layers) const {
    return AcceptanceOf(domain_, label, wider, layers) != nullptr;
  }

  // What no rule speaks of and a default refuses, while no layer of the set could: one warning for each set.
  void SayDefaults(const std::vector<Gap>& gaps) {
    std::map<LayerSet, std::map<std::string, std::set<std::string>>> open;
    for (const Gap& gap : gaps) {
      if (!gap.rule) open[gap.layers][kernel::Facets()[gap.facet].name].insert(kernel::Facets()[gap.facet].operations[static_cast<size_t>(gap.operation)]);
    }
    for (const auto& [layers, facets] : open) {
      std::string what;
      for (const auto& facet : facets) {
        const size_t all = kernel::FindFacet(facet.first)->operations.size();
        what += (what.empty() ? "" : ", ") + facet.first + (facet.second.size() == all ? "" : fmt::format(" {{ {} }}", fmt::join(facet.second, " ")));
      }
      sink_.ReportAs(diag::Kind::kGapNotAccepted, diag::Severity::kWarning, domain_.from.span, fmt::format("no layer of {} enforces what the defaults of policy `{}` refuse of: {}", fmt::join(layers, " + "), domain_.name, what));
    }
  }

  // Limits are set by AppArmor alone, when a process starts in the domain.
 public:
  void SayLimits(const LayerSet& set) {
    if (domain_.limits.empty() || std::find(set.begin(), set.end(), "apparmor") != set.end()) return;
    sink_.ReportAs(diag::Kind::kGapNotAccepted, diag::Severity::kWarning, domain_.limits.front().from.span, fmt::format("no layer of {} sets the limits of policy `{}`", fmt::join(set, " + "), domain_.name)).Help("who starts the process can set them: `prlimit`, `LimitNOFILE=` of a unit");
  }

 private:
  void Say(const Entry& entry) {
    const Gap& first = *entry.gaps.front();
    const source::Span span = domain_.rules[*entry.rule].from.span;
    const auto severity = gaps_are_ == GapsAre::kWarnings ? diag::Severity::kWarning : diag::Severity::kError;
    const std::string who = fmt::format("{}", fmt::join(entry.layers, " + ")) + (entry.layers.size() > 1 ? "" : " alone");
    auto& d = sink_.ReportAs(diag::Kind::kGapNotAccepted, severity, span,
                             fmt::format("{} permit{} {} than {}: {}", who, entry.layers.size() > 1 ? "" : "s", entry.wider ? "more" : "less", "this rule says", first.reason));
    d.Help(fmt::format("for example {} {}", WitnessText(domain_, first), entry.wider ? "is permitted" : "is refused"));
    const std::string& label = domain_.rules[*entry.rule].label;
    d.Help(fmt::format("{}accept it: `{}`", label.empty() ? "label the rule (`LABEL: allow ...`) and " : "", AcceptLine(label, entry.wider, entry.layers)));
    const std::string tighter = TighterText(domain_, first, entry.layers);
    if (!tighter.empty()) d.Help(tighter);
  }

  const ir::Domain& domain_;
  GapsAre gaps_are_;
  diag::Sink& sink_;
  std::set<std::tuple<std::string, bool, LayerSet>> existing_;
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
