#include "profiler/generalize/modules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "compiler/ir/path_set.h"
#include "compiler/ir/pattern.h"
#include "profiler/generalize/costs.h"
#include "profiler/generalize/generalize.h"

namespace ravelin::generalize {
namespace {

std::string LastName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// What saying the rule costs, and names that come beside one which came in one run alone.
double CostOf(const PathRule& rule, size_t runs) {
  if (!ir::IsLiteral(rule.pattern)) return kRuleCost + kPatternCost;
  const bool is_new = runs >= 2 && rule.evidence.runs.size() == 1;
  return kRuleCost + kCharacterCost * static_cast<double>(LastName(rule.pattern).size()) + (is_new ? kNewNameCost / static_cast<double>(runs) : 0);
}

struct Part {
  std::string pattern;
  ir::PathSet set;
  std::set<std::string> operations;

  // A module is for files of whichever owner.
  bool Has(const PathRule& rule) const {
    if (rule.owner || !std::includes(operations.begin(), operations.end(), rule.operations.begin(), rule.operations.end())) return false;
    if (ir::IsLiteral(rule.pattern)) return set.Contains(rule.pattern);
    const auto other = ir::PathSet::Parse(rule.pattern);
    const auto whole = other ? set.Includes(*other) : Result<bool>(false);
    return whole && *whole;
  }
  // Grants nothing beyond the rule.
  bool IsWithin(const PathRule& rule) const {
    if (rule.owner || !std::includes(rule.operations.begin(), rule.operations.end(), operations.begin(), operations.end())) return false;
    if (rule.pattern == pattern) return true;
    const auto other = ir::PathSet::Parse(rule.pattern);
    const auto whole = other ? other->Includes(set) : Result<bool>(false);
    return whole && *whole;
  }
  bool OnlyReads() const {
    static const std::set<std::string> reads = {"read", "list", "map_exec", "lock", "watch"};
    return std::includes(reads.begin(), reads.end(), operations.begin(), operations.end());
  }
};

// A module with a value for its parameter.
struct Instance {
  const Module* module = nullptr;
  std::string text;
  double saying = 0;
  std::vector<Part> parts;
};

struct Trial {
  ModuleUse use;
  std::vector<size_t> covered;                  // rules
  std::vector<std::vector<std::string>> beyond; // by part
  double Gain() const { return use.instead - use.cost; }
};

class Proposing {
 public:
  Proposing(const std::vector<Module>& modules, size_t runs, const Sensitive& sensitive, const System& system, std::vector<PathRule>& rules) : runs_(runs), system_(system), rules_(rules) {
    // To say which of them: a choice among so many.
    const double choice = kRuleCost + std::log2(static_cast<double>(std::max<size_t>(modules.size(), 1)));
    std::set<std::string> folders;
    for (const PathRule& rule : rules) {
      if (rule.pattern.ends_with("/**") && ir::IsLiteral(rule.pattern.substr(0, rule.pattern.size() - 3))) folders.insert(rule.pattern.substr(0, rule.pattern.size() - 3));
    }
    for (const Module& module : modules) {
      if (module.parameter.empty()) {
        Add(module, module.name, "", choice, sensitive);
      } else {
        for (const std::string& folder : folders) Add(module, fmt::format("{}({} = {})", module.name, module.parameter, QuoteText(folder)), folder, choice + kCharacterCost * static_cast<double>(LastName(folder).size()), sensitive);
      }
    }
  }

  std::vector<ModuleUse> Run() {
    std::vector<ModuleUse> out;
    for (;;) {
      IndexRules();
      std::optional<Trial> best;
      const Instance* chosen = nullptr;
      for (const Instance& one : instances_) {
        auto trial = Try(one);
        if (!trial || (best && trial->Gain() <= best->Gain())) continue;
        best = std::move(trial);
        chosen = &one;
      }
      if (!best) return out;
      Replace(*chosen, *best);
      out.push_back(std::move(best->use));
    }
  }

 private:
  void Add(const Module& module, std::string text, const std::string& value, double saying, const Sensitive& sensitive) {
    Instance out{&module, std::move(text), saying, {}};
    for (const Module::Part& part : module.files) {
      std::string pattern = part.pattern;
      if (!module.parameter.empty()) {
        if (pattern.rfind(kParameterValue, 0) != 0) return;
        pattern.replace(0, std::string(kParameterValue).size(), value);
      }
      auto set = ir::PathSet::Parse(pattern);
      if (!set || !sensitive.Reaches(pattern).empty()) return;
      out.parts.push_back({std::move(pattern), std::move(*set), part.operations});
    }
    instances_.push_back(std::move(out));
  }

  // Nothing where the rules as they are cost less.
  std::optional<Trial> Try(const Instance& one) const {
    Trial out;
    out.use = {*one.module, one.text, one.saying + kFileBeyond * static_cast<double>(one.module->commands), 0, 0, one.parts.size(), {}};
    for (size_t i = 0; i < rules_.size(); ++i) {
      const PathRule& rule = rules_[i];
      if (!rule.module.empty() || std::none_of(one.parts.begin(), one.parts.end(), [&](const Part& part) { return part.Has(rule); })) continue;
      out.covered.push_back(i);
      out.use.instead += CostOf(rule, runs_);
      out.use.used += rule.used;
    }
    if (out.covered.empty() || out.use.cost >= out.use.instead) return std::nullopt;
    bool exact = one.module->calls.empty() && one.module->commands == 0;
    for (const Part& part : one.parts) {
      const bool within = std::any_of(out.covered.begin(), out.covered.end(), [&](size_t i) { return part.IsWithin(rules_[i]); });
      exact = exact && within;
      if (!part.OnlyReads() && !within && !ir::IsLiteral(part.pattern)) out.use.cost += kWritePatternCost;
      out.beyond.push_back(within ? std::vector<std::string>() : Beyond(part, out.use));
      if (out.use.cost >= out.use.instead) return std::nullopt;
    }
    // One path is no module.
    if (out.use.cost >= out.use.instead || (!exact && out.covered.size() < 2)) return std::nullopt;
    return out;
  }

  // What of the system the part opens that no rule does, with what that costs; up to where the module does not pay any more.
  std::vector<std::string> Beyond(const Part& part, ModuleUse& use) const {
    const bool reads = part.OnlyReads();
    std::vector<std::string> out;
    for (const std::string& name : system_.matches ? system_.matches(part.pattern) : std::vector<std::string>()) {
      const bool folder = name.back() == '/';
      const std::string path = folder ? name.substr(0, name.size() - 1) : name;
      if (folder && (part.operations.count("list") == 0 || IsPublic(path))) continue;
      std::set<std::string> wanted = part.operations;
      std::erase_if(wanted, [&](const std::string& operation) { return (operation == "list") != folder; });
      if (wanted.empty() || IsOpened(path, wanted)) continue;
      use.cost += !reads ? kWrittenBeyond : IsPublic(name) ? kPublicBeyond : kFileBeyond;
      if (use.cost >= use.instead) return out;
      use.beyond.push_back(name);
      out.push_back(name);
    }
    return out;
  }

  bool IsOpened(const std::string& path, const std::set<std::string>& operations) const {
    const auto permits = [&](const PathRule* rule) { return std::includes(rule->operations.begin(), rule->operations.end(), operations.begin(), operations.end()); };
    const auto [begin, end] = plain_.equal_range(path);
    if (std::any_of(begin, end, [&](const auto& entry) { return permits(entry.second); })) return true;
    return std::any_of(patterns_.begin(), patterns_.end(), [&](const PatternRule& one) { return path.starts_with(one.begin) && permits(one.rule) && sets_.at(one.rule->pattern).Contains(path); });
  }

  void IndexRules() {
    plain_.clear();
    patterns_.clear();
    for (const PathRule& rule : rules_) {
      if (ir::IsLiteral(rule.pattern)) {
        plain_.emplace(rule.pattern, &rule);
        continue;
      }
      patterns_.push_back({ir::LiteralStart(rule.pattern), &rule});
      if (sets_.count(rule.pattern) != 0) continue;
      auto set = ir::PathSet::Parse(rule.pattern);
      sets_.emplace(rule.pattern, set ? std::move(*set) : ir::PathSet());
    }
  }

  void Replace(const Instance& one, const Trial& trial) {
    std::vector<PathRule> parts;
    for (size_t i = 0; i < one.parts.size(); ++i) {
      PathRule rule{one.parts[i].pattern, one.parts[i].operations, {}, fmt::format("{}: {:.0f} bits instead of {:.0f}", one.text, trial.use.cost, trial.use.instead), 0, trial.beyond[i].size(), {}, !ir::IsLiteral(one.parts[i].pattern)};
      rule.module = one.text;
      rule.harmless = std::all_of(trial.covered.begin(), trial.covered.end(), [&](size_t at) { return rules_[at].harmless; });
      parts.push_back(std::move(rule));
    }
    for (const size_t at : trial.covered) {
      const auto part = static_cast<size_t>(std::find_if(one.parts.begin(), one.parts.end(), [&](const Part& other) { return other.Has(rules_[at]); }) - one.parts.begin());
      parts[part].evidence.Join(rules_[at].evidence);
      parts[part].used += rules_[at].used;
    }
    for (auto at = trial.covered.rbegin(); at != trial.covered.rend(); ++at) rules_.erase(rules_.begin() + static_cast<long>(*at));
    for (PathRule& rule : parts) rules_.push_back(std::move(rule));
  }

  const size_t runs_;
  const System& system_;
  std::vector<PathRule>& rules_;
  std::vector<Instance> instances_;
  // Of the rules as they stand.
  struct PatternRule {
    std::string begin;  // up to where the pattern stops to be literal
    const PathRule* rule;
  };
  std::unordered_multimap<std::string, const PathRule*> plain_;
  std::vector<PatternRule> patterns_;
  std::map<std::string, ir::PathSet> sets_;  // of patterns, once each
};

}  // namespace

std::vector<ModuleUse> UseModules(const std::vector<Module>& modules, size_t runs, const Sensitive& sensitive, const System& system, std::vector<PathRule>& rules) { return Proposing(modules, runs, sensitive, system, rules).Run(); }

}  // namespace ravelin::generalize
