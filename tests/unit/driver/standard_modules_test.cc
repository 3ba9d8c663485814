// Which modules of the library may be proposed, and as what.
#include "compiler/driver/standard_modules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/driver/frontend.h"

namespace ravelin::driver {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::IsSupersetOf;
using testing::Not;

const std::vector<generalize::Module>& Modules() {
  static const std::vector<generalize::Module> modules = StandardModules({}, *FindTarget(std::string(resolve::kDefaultTarget)));
  return modules;
}

const generalize::Module* Find(const std::string& name) {
  const auto at = std::find_if(Modules().begin(), Modules().end(), [&](const generalize::Module& one) { return one.name == name; });
  return at == Modules().end() ? nullptr : &*at;
}

TEST(StandardModules, AreThoseThatGrantFiles) {
  std::vector<std::string> names;
  for (const generalize::Module& one : Modules()) names.push_back(one.name);
  EXPECT_THAT(names, IsSupersetOf({"std::certificates", "std::host_names", "std::locale", "std::terminal", "std::user_names"}));
  // Sockets, programs, calls by their arguments; two parameters; sets of calls; and files that are written, which bring a gap.
  for (const char* other : {"std::owned_data", "std::network_client", "std::runs", "std::dynamic_program", "std::children", "std::become_user", "std::identity"}) EXPECT_THAT(names, Not(Contains(other)));
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST(StandardModules, SayWhatTheyGrant) {
  const generalize::Module* users = Find("std::user_names");
  ASSERT_NE(users, nullptr);
  std::vector<std::string> patterns;
  for (const auto& part : users->files) {
    patterns.push_back(part.pattern);
    EXPECT_EQ(part.operations, std::set<std::string>{"read"});
  }
  EXPECT_THAT(patterns, AllOf(Contains("/etc/passwd"), Contains("/etc/group")));
  EXPECT_TRUE(users->calls.empty());

  const generalize::Module* locale = Find("std::locale");
  ASSERT_NE(locale, nullptr);
  EXPECT_THAT(locale->calls, Contains("clock_gettime"));
}

}  // namespace
}  // namespace ravelin::driver
