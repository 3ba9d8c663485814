#include "profiler/generalize/curve.h"

#include <gtest/gtest.h>

namespace ravelin::generalize {
namespace {

observe::Recording Runs(std::initializer_list<std::initializer_list<const char*>> paths) {
  observe::Recording recording;
  for (const auto& one : paths) {
    observe::Run run;
    for (const char* path : one) run.Add({"file", "read", observe::Encode({{"path", path}}), ""}, 0, "");
    recording.runs["run" + std::to_string(recording.runs.size())] = run;
  }
  return recording;
}

TEST(Curve, IsTheMeanOverEveryChoiceOfRuns) {
  const auto curves = CurvesOf(Runs({{"/a", "/b"}, {"/a", "/c"}, {"/a"}}));
  ASSERT_EQ(curves.size(), 1u);
  EXPECT_EQ(curves[0].facet, "file");
  ASSERT_EQ(curves[0].things.size(), 3u);
  EXPECT_NEAR(curves[0].things[0], (2 + 2 + 1) / 3.0, 1e-12);
  EXPECT_NEAR(curves[0].things[1], (3 + 2 + 2) / 3.0, 1e-12);
  EXPECT_NEAR(curves[0].things[2], 3, 1e-12);
}

TEST(Curve, OfRunsThatAreAlikeIsFlat) {
  const auto curves = CurvesOf(Runs({{"/a", "/b"}, {"/a", "/b"}, {"/a", "/b"}, {"/a", "/b"}}));
  ASSERT_EQ(curves.size(), 1u);
  for (const double things : curves[0].things) EXPECT_NEAR(things, 2, 1e-12);
  EXPECT_TRUE(CurvesOf({}).empty());
}

}  // namespace
}  // namespace ravelin::generalize
