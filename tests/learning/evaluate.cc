#include "tests/learning/evaluate.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "compiler/base/check.h"
#include "compiler/driver/frontend.h"
#include "compiler/driver/standard_modules.h"
#include "compiler/ir/path_set.h"
#include "compiler/ir/pattern.h"
#include "profiler/generalize/completeness.h"
#include "profiler/generalize/coverage.h"
#include "tests/learning/cases.h"
#include "tests/learning/chance.h"

namespace ravelin::learning {
namespace {

namespace fs = std::filesystem;

void AddFiles(const std::string& root, std::vector<std::string>& files) {
  struct stat top {};
  RAVELIN_CHECK(stat(root.c_str(), &top) == 0, "a root of the system is not there");
  const std::string prefix = root == "/" ? "" : root;
  std::error_code error;
  fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    struct stat status {};
    const std::string full = at->path().string();
    if (lstat(full.c_str(), &status) != 0) continue;
    if (S_ISDIR(status.st_mode) && status.st_dev != top.st_dev) at.disable_recursion_pending();
    if (S_ISREG(status.st_mode) && status.st_dev == top.st_dev) files.push_back(full.substr(prefix.size()));
  }
}

bool Reads(const generalize::PathRule& rule) { return rule.operations.count("read") != 0 || rule.operations.count("map_exec") != 0; }

}  // namespace

System::System(const std::string& root, const std::vector<std::string>& layers) {
  AddFiles(root, files_);
  for (const std::string& layer : layers) AddFiles(layer, files_);
  std::sort(files_.begin(), files_.end());
  files_.erase(std::unique(files_.begin(), files_.end()), files_.end());
  std::vector<std::string> roots = layers;
  roots.push_back(root);
  known_ = generalize::SystemOf(roots);
  const auto target = driver::FindTarget(std::string(resolve::kDefaultTarget));
  RAVELIN_CHECK(target.has_value(), "the target by default is not there");
  modules_ = driver::StandardModules({}, *target);
}

size_t System::Readable(const std::vector<generalize::PathRule>& rules) const {
  std::set<size_t> open;
  for (const generalize::PathRule& rule : rules) {
    if (!Reads(rule)) continue;
    const auto set = ir::PathSet::Parse(rule.pattern);
    RAVELIN_CHECK(set.has_value(), "a pattern that was learned cannot be read");
    const std::string begin = ir::LiteralStart(rule.pattern);
    for (auto at = std::lower_bound(files_.begin(), files_.end(), begin); at != files_.end() && at->compare(0, begin.size(), begin) == 0; ++at) {
      if (set->Contains(*at)) open.insert(static_cast<size_t>(at - files_.begin()));
    }
  }
  return open.size();
}

observe::Recording InOneFolder(const observe::Recording& recording, const std::string& workload) {
  observe::Recording out;
  for (const auto& [id, run] : recording.runs) {
    observe::Run other = run;
    other.facts.clear();
    const std::string folder = WorkFolder(workload, static_cast<unsigned>(std::stoul(run.variation.at("case"))));
    for (const auto& [fact, sighting] : run.facts) {
      observe::Fact moved = fact;
      for (size_t at = moved.attributes.find(folder); at != std::string::npos; at = moved.attributes.find(folder, at)) moved.attributes.replace(at, folder.size(), "/tmp/work");
      other.facts.emplace(std::move(moved), sighting);
    }
    out.runs.emplace(id, std::move(other));
  }
  return out;
}

Figures Evaluate(const observe::Recording& recording, const System& system, size_t splits, bool with_bounds) {
  std::vector<std::pair<size_t, std::string>> cases;
  for (const auto& [id, run] : recording.runs) cases.emplace_back(std::stoul(run.variation.at("case")), id);
  std::sort(cases.begin(), cases.end());
  generalize::Options options;
  options.system = system.known();
  options.modules = system.modules();
  const generalize::Sensitive sensitive;
  Figures out;
  out.splits = splits;
  const auto whole = generalize::Coverage::Of(recording, options, {});
  RAVELIN_CHECK(whole.has_value(), "the recording cannot be generalised");
  for (size_t split = 0; split < splits; ++split) {
    Chance chance("split " + std::to_string(split));
    std::vector<std::string> ids;
    for (const auto& [number, id] : cases) ids.push_back(id);
    for (size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[chance.Below(i)]);
    const std::vector<std::string> learned(ids.begin(), ids.begin() + static_cast<long>(ids.size() / 2));
    const auto coverage = generalize::Coverage::Of(recording, options, learned);
    RAVELIN_CHECK(coverage.has_value(), "the recording cannot be generalised");
    const double held_out = static_cast<double>(ids.size() - learned.size());
    std::map<std::string, double> denied;
    double files = 0;
    double calls = 0;
    double arguments = 0;
    double other = 0;
    for (size_t i = learned.size(); i < ids.size(); ++i) {
      const auto surprises = generalize::Surprises(recording, ids[i], *coverage);
      for (const auto& [facet, things] : surprises) {
        denied[facet] += 1 / held_out;
        for (const std::string& thing : things) ++out.missed[facet + ": " + thing];
      }
      files += surprises.count("path") + surprises.count("exec") != 0 ? 1 : 0;
      calls += surprises.count("system call") != 0 ? 1 : 0;
      arguments += surprises.count("argument") != 0 ? 1 : 0;
      other += surprises.count("network") + surprises.count("capability") != 0 ? 1 : 0;
    }
    const double n = held_out * static_cast<double>(splits);
    out.files_denied += files / n;
    out.files_denied_most = std::max(out.files_denied_most, files / held_out);
    out.calls_denied += calls / n;
    out.arguments_denied += arguments / n;
    out.other_denied += other / n;
    out.readable.push_back(system.Readable(coverage->learned().paths));
    const double ratio = static_cast<double>(coverage->learned().granted_calls) / static_cast<double>(coverage->learned().observed_calls);
    out.granted_over_seen += ratio / static_cast<double>(splits);
    out.granted_over_seen_most = std::max(out.granted_over_seen_most, ratio);
    for (const generalize::PathRule& rule : coverage->learned().paths) out.sensitive_unused += rule.step != "literal" && !sensitive.Reaches(rule.pattern).empty() ? 1 : 0;
    if (!with_bounds) continue;
    generalize::Options half = options;
    half.runs = learned;
    const auto judged = generalize::JudgeCompleteness(recording, half);
    RAVELIN_CHECK(judged.has_value(), "the recording cannot be judged");
    for (const generalize::FacetCompleteness& facet : judged->facets) {
      if (facet.facet != "system call" && facet.facet != "argument" && facet.facet != "path") continue;
      ++out.bounds;
      out.bounds_held += denied[facet.facet] <= facet.bound + 1e-9 ? 1 : 0;
    }
  }
  std::sort(out.readable.begin(), out.readable.end());
  return out;
}

}  // namespace ravelin::learning
