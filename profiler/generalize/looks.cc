#include "profiler/generalize/looks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "profiler/generalize/coverage.h"

namespace ravelin::generalize {
namespace {

// Runs in a row that show nothing that another did not show: the workload does not vary.
constexpr size_t kMostReplicas = 12;
// At which rate something new comes, the last samples say, once the first ones are past.
constexpr size_t kRecent = 20;
constexpr size_t kBeforeGivingUp = 60;
// Below that chance of a long enough stretch, waiting for it is of no use.
constexpr double kHopeless = 0.01;

double ErrorLeft(size_t surprises, double confidence) { return (1 - confidence) / (static_cast<double>(surprises + 1) * static_cast<double>(surprises + 2)); }

}  // namespace

double BoundAtAnyTime(size_t surprises, size_t clean, double confidence) { return clean == 0 ? 1 : 1 - std::pow(ErrorLeft(surprises, confidence), 1 / static_cast<double>(clean)); }

size_t CleanRunsNeeded(size_t surprises, double wanted, double confidence) { return static_cast<size_t>(std::ceil(std::log(ErrorLeft(surprises, confidence)) / std::log1p(-wanted))); }

Result<Looks> Looking::At(const observe::Recording& recording) {
  std::vector<std::pair<double, std::string>> order;
  std::set<std::string> incomplete;
  for (const auto& [id, run] : recording.runs) {
    order.emplace_back(run.started, id);
    for (const std::string& why : run.completeness.WhyNotWhole()) incomplete.insert(why);
  }
  std::sort(order.begin(), order.end());
  // A run that comes before those that were judged changes what they were judged by.
  bool grown = order.size() >= judged_.size();
  for (size_t i = 0; grown && i < judged_.size(); ++i) grown = order[i].second == judged_[i];
  if (!grown) *this = Looking(options_);
  for (size_t i = judged_.size(); i < order.size(); ++i) {
    const std::string& id = order[i].second;
    judged_.push_back(id);
    ++looks_.runs;
    std::map<std::string, std::set<std::string>> surprises;
    std::set<std::string> shown;
    if (samples_.empty()) {
      RAVELIN_TRY(itself, Coverage::Of(recording, options_, {id}));
      shown = Shown(recording, id, itself);
      surprises["any"];  // the first is all new
    } else {
      RAVELIN_TRY(coverage, Coverage::Of(recording, options_, samples_));
      shown = Shown(recording, id, coverage);
      surprises = Surprises(recording, id, coverage);
    }
    if (surprises.empty() && shown_.count(shown) != 0) {
      ++looks_.replicas;
      ++looks_.replicas_in_a_row;
      continue;
    }
    shown_.insert(std::move(shown));
    looks_.replicas_in_a_row = 0;
    looks_.surprised.push_back(!surprises.empty());
    if (surprises.empty()) {
      ++looks_.clean;
    } else {
      // The first run decides nothing: where counting begins is no matter of chance.
      looks_.surprises += samples_.empty() ? 0 : 1;
      looks_.clean = 0;
      looks_.last_news.clear();
      for (const auto& [facet, things] : surprises) looks_.last_news.insert(things.begin(), things.end());
    }
    samples_.push_back(id);
  }
  looks_.bound = BoundAtAnyTime(looks_.surprises, looks_.clean);
  looks_.incomplete.assign(incomplete.begin(), incomplete.end());
  return looks_;
}

std::string WhyNotReached(const Looks& looks, double wanted) {
  if (!looks.incomplete.empty()) return "a recording is INCOMPLETE: " + looks.incomplete.front();
  if (looks.replicas_in_a_row >= kMostReplicas) return fmt::format("the last {} runs show what earlier ones show, and count as no samples: vary what the workload is given (RAVELIN_RUN is the number of the run)", looks.replicas_in_a_row);
  if (looks.surprised.size() < kBeforeGivingUp) return "";
  const auto news = static_cast<size_t>(std::count(looks.surprised.end() - kRecent, looks.surprised.end(), true));
  if (news == 0) return "";
  const size_t needed = CleanRunsNeeded(looks.surprises, wanted);
  const double hope = std::pow(1 - static_cast<double>(news) / kRecent, static_cast<double>(needed));
  if (hope >= kHopeless) return "";
  std::string example = looks.last_news.empty() ? "" : fmt::format(", the last of them {}", *looks.last_news.begin());
  return fmt::format("{} of the last {} runs brought something new{}; {} in a row without are needed", news, kRecent, example, needed);
}

}  // namespace ravelin::generalize
