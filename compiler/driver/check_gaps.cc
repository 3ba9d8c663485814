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
    for (const auto& item : entries) {
      const Entry& entry = item.second;
      const std::string name = AcceptanceName(domain_, *entry.gaps.front());
      if (!name.empty()) existing_.insert({name, entry.wider, Sorted(entry.layers)});
      if (!name.empty() && Accepted(name, entry.wider, entry.layers)) continue;
      if (entry.rule) {
        Say(entry);
      } else {
        open_[entry.layers].push_back(&entry);
      }
    }
    for (const auto& [layers, facets] : open_) SayDefaults(layers, facets);
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

  // Limits are set by AppArmor alone, when a process starts in the domain.
  void SayLimits(const LayerSet& set) {
    if (domain_.limits.empty() || std::find(set.begin(), set.end(), "apparmor") != set.end()) return;
    sink_.ReportAs(diag::Kind::kGapNotAccepted, diag::Severity::kWarning, domain_.limits.front().from.span, fmt::format("no layer of {} sets the limits of policy `{}`", fmt::join(set, " + "), domain_.name)).Help("who starts the process can set them: `prlimit`, `LimitNOFILE=` of a unit");
  }

 private:
  bool Accepted(const std::string& label, bool wider, const LayerSet& layers) const {
    return AcceptanceOf(domain_, label, wider, layers) != nullptr;
  }

  // What no rule speaks of and a default refuses, while no layer of the set could: one diagnostic for each set.
  void SayDefaults(const LayerSet& layers, const std::vector<const Entry*>& facets) {
    std::string what;
    for (const Entry* entry : facets) {
      const kernel::FacetInfo& facet = kernel::Facets()[entry->gaps.front()->facet];
      std::set<std::string> open;
      for (const Gap* gap : entry->gaps) open.insert(facet.operations[static_cast<size_t>(gap->operation)]);
      what += (what.empty() ? "" : ", ") + facet.name + (open.size() == facet.operations.size() ? "" : fmt::format(" {{ {} }}", fmt::join(open, " ")));
    }
    auto& d = sink_.ReportAs(diag::Kind::kGapNotAccepted, Severity(), domain_.from.span, fmt::format("no layer of {} enforces what the defaults of policy `{}` refuse of: {}", fmt::join(layers, " + "), domain_.name, what));
    d.Help(fmt::format("for example {} is permitted", WitnessText(domain_, *facets.front()->gaps.front())));
    for (const Entry* entry : facets) d.Help(fmt::format("accept it: `{}`", AcceptLine(AcceptanceName(domain_, *entry->gaps.front()), entry->wider, layers)));
  }

  diag::Severity Severity() const { return gaps_are_ == GapsAre::kWarnings ? diag::Severity::kWarning : diag::Severity::kError; }

  void Say(const Entry& entry) {
    const Gap& first = *entry.gaps.front();
    const source::Span span = domain_.rules[*entry.rule].from.span;
    const std::string who = fmt::format("{}", fmt::join(entry.layers, " + ")) + (entry.layers.size() > 1 ? "" : " alone");
    auto& d = sink_.ReportAs(diag::Kind::kGapNotAccepted, Severity(), span,
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
  std::map<LayerSet, std::vector<const Entry*>> open_;  // defaults that nothing enforces, and nobody accepts
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
