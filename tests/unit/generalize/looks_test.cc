// A bound that is looked at after every run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "profiler/generalize/looks.h"

namespace ravelin::generalize {
namespace {

using testing::HasSubstr;

observe::Run Reading(const std::vector<std::string>& paths, double started) {
  observe::Run run;
  run.started = started;
  for (const std::string& path : paths) run.Add({"file", "read", observe::Encode({{"path", path}}), ""}, started, "");
  return run;
}

std::string Word(size_t number) {
  std::string out;
  for (size_t i = 0; i < 4; ++i) {
    out += static_cast<char>('a' + number % 26);
    number /= 26;
  }
  return out;
}

TEST(Looks, BoundIsThatOfTheBookWhereNothingNewCame) {
  // All of the error is spread over the stretches: the first may use a half of it.
  EXPECT_NEAR(BoundAtAnyTime(0, 72), 1 - std::pow(0.025, 1.0 / 72), 1e-9);
  EXPECT_EQ(CleanRunsNeeded(0, 0.05), 72u);
  EXPECT_LE(BoundAtAnyTime(0, 72), 0.05);
  EXPECT_GT(BoundAtAnyTime(0, 71), 0.05);
  EXPECT_GT(CleanRunsNeeded(3, 0.05), CleanRunsNeeded(2, 0.05));
  EXPECT_EQ(BoundAtAnyTime(5, 0), 1);
}

// Whoever looks after every run and stops as soon as the bound is met must not be wrong more often than was said.
TEST(Looks, StoppingAtTheFirstGoodLookIsHonest) {
  std::mt19937 engine(11);
  std::uniform_real_distribution<double> uniform(0, 1);
  const char* asked = std::getenv("RAVELIN_TRIALS");
  const size_t trials = asked == nullptr ? 2000 : std::strtoul(asked, nullptr, 10);
  size_t stopped = 0;
  size_t wrong = 0;
  size_t naive = 0;
  for (size_t trial = 0; trial < trials; ++trial) {
    // Rare things, each with a chance of its own; what was seen once is known.
    std::vector<double> chances(1 + trial % 12, 0.2 / static_cast<double>(1 + trial % 7));
    std::vector<bool> known(chances.size(), false);
    size_t surprises = 0;
    size_t clean = 0;
    bool naively_stopped = false;
    const auto truth = [&] {
      double none = 1;
      for (size_t i = 0; i < chances.size(); ++i) none *= known[i] ? 1 : 1 - chances[i];
      return 1 - none;
    };
    for (size_t run = 1; run <= 400; ++run) {
      bool news = false;
      for (size_t i = 0; i < chances.size(); ++i) {
        if (uniform(engine) < chances[i] && !known[i]) news = known[i] = true;
      }
      surprises += news ? 1 : 0;
      clean = news ? 0 : clean + 1;
      // What somebody would do who took the bound of one look for one of all.
      if (!naively_stopped && UpperBound(0, clean) <= 0.1) {
        naively_stopped = true;
        naive += truth() > UpperBound(0, clean) ? 1 : 0;
      }
      const double bound = BoundAtAnyTime(surprises, clean);
      if (bound > 0.1) continue;
      ++stopped;
      wrong += truth() > bound ? 1 : 0;
      break;
    }
  }
  std::printf("stopped in %zu of %zu trials, wrong in %zu (with the bound of a single look: %zu)\n", stopped, trials, wrong, naive);
  EXPECT_GT(stopped, trials / 2);
  EXPECT_LE(static_cast<double>(wrong), static_cast<double>(trials) * 0.05 + 3 * std::sqrt(static_cast<double>(trials) * 0.95 * 0.05));
  EXPECT_GT(naive, wrong);
}

TEST(Looks, CountsRunsInTheOrderInWhichTheyWereMade) {
  observe::Recording recording;
  Looking looking({});
  // Each run has a name of its own that is covered by the literal of a run before: none is.
  for (size_t i = 0; i < 4; ++i) recording.runs["z" + std::to_string(9 - i)] = Reading({"/srv/common", i == 2 ? "/srv/rare/x" : "/srv/common2"}, static_cast<double>(i));
  const auto looks = looking.At(recording);
  ASSERT_TRUE(looks);
  EXPECT_EQ(looks->runs, 4u);
  EXPECT_EQ(looks->surprises, 1u);  // the third; the first decides nothing
  EXPECT_EQ(looks->replicas, 2u);   // the second and the fourth show what the first showed
  EXPECT_THAT(looks->last_news, testing::ElementsAre("file read /srv/rare/x"));
  // The same whether it was asked all the while or at the end.
  Looking other({});
  observe::Recording growing;
  Looks last;
  for (size_t i = 0; i < 4; ++i) {
    growing.runs["z" + std::to_string(9 - i)] = recording.runs["z" + std::to_string(9 - i)];
    last = *other.At(growing);
  }
  EXPECT_EQ(last.bound, looks->bound);
  EXPECT_EQ(last.surprised, looks->surprised);
}

TEST(Looks, SaysWhyItWillNotBeReached) {
  observe::Recording same;
  for (size_t i = 0; i < 13; ++i) same.runs["run" + Word(i)] = Reading({"/srv/common"}, static_cast<double>(i));
  Looking looking({});
  EXPECT_THAT(WhyNotReached(*looking.At(same), 0.05), HasSubstr("the last 12 runs show what earlier ones show"));
  Looks restless;
  for (size_t i = 0; i < 80; ++i) restless.surprised.push_back(i % 2 == 0);
  restless.surprises = 39;
  restless.last_news = {"file read /srv/new"};
  EXPECT_THAT(WhyNotReached(restless, 0.05), HasSubstr("10 of the last 20 runs brought something new, the last of them file read /srv/new"));
  Looks calm;
  calm.surprised.assign(80, false);
  EXPECT_EQ(WhyNotReached(calm, 0.05), "");
  same.runs.begin()->second.completeness.channels["audit"].lost = 1;
  Looking again({});
  EXPECT_THAT(WhyNotReached(*again.At(same), 0.05), HasSubstr("INCOMPLETE"));
}

}  // namespace
}  // namespace ravelin::generalize
