// What sets of AppArmor's features have and others have not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/kernel/apparmor_features.h"

namespace ravelin::kernel {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Features, AreComparedWordByWord) {
  const std::string older = ApparmorFeaturesText("6.1");
  const std::string newer = ApparmorFeaturesText("6.12");
  EXPECT_THAT(ApparmorFeaturesBeyond(older, older), IsEmpty());
  EXPECT_THAT(ApparmorFeaturesBeyond(newer, older), Contains("network_v8/tcp-fast-open yes"));
  EXPECT_THAT(ApparmorFeaturesBeyond(newer, older), Contains("io_uring/mask sqpoll"));
  EXPECT_THAT(ApparmorFeaturesBeyond("a {b {x y\n}\nc {z\n}\n}\n", "a {b {x\n}\n}\n"), ElementsAre("a/b y", "a/c z"));
  EXPECT_THAT(ApparmorFeaturesBeyond("", older), IsEmpty());
}

}  // namespace
}  // namespace ravelin::kernel
