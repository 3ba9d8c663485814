#include "profiler/verify/scenario.h"

#include <gtest/gtest.h>

namespace ravelin::verify {
namespace {

using Kind = kernels::Step::Kind;

TEST(Scenario, ReadsEveryStatement) {
  const auto scenario = ParseScenario(
      "# a server\n"
      "folder /srv\n"
      "file /srv/a 755 <<END\none\n  two # kept\nEND\n"
      "environment A=1\n"
      "directory /srv\n"
      "user 33 34\n"
      "prepare echo \"a  b\" > /srv/x\n"
      "start server -g 'daemon off;' \"a b\"\n"
      "wait port 80\n"
      "relabel /srv/www\n"
      "wait path /run/x\n"
      "client curl -s http://127.0.0.1/ | wc -l\n"
      "stop QUIT\n"
      "output any\n",
      "a.scenario");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_EQ(scenario->folders, std::vector<std::string>{"/srv"});
  ASSERT_EQ(scenario->files.size(), 1u);
  EXPECT_EQ(scenario->files[0].content, "one\n  two # kept\n");
  EXPECT_EQ(scenario->files[0].mode, 0755u);
  ASSERT_EQ(scenario->steps.size(), 7u);
  EXPECT_FALSE(scenario->steps[0].confined);
  EXPECT_EQ(scenario->steps[0].step.arguments.back(), "echo \"a  b\" > /srv/x");
  const kernels::Step& start = scenario->steps[1].step;
  EXPECT_TRUE(scenario->steps[1].confined);
  EXPECT_EQ(start.kind, Kind::kStart);
  EXPECT_EQ(start.arguments, (std::vector<std::string>{"server", "-g", "daemon off;", "a b"}));
  EXPECT_EQ(start.directory, "/srv");
  EXPECT_EQ(start.environment.back(), "A=1");
  EXPECT_EQ(start.user, 33u);
  EXPECT_EQ(start.group, 34u);
  EXPECT_EQ(scenario->steps[2].step.port, 80);
  EXPECT_EQ(scenario->steps[3].step.path, "/srv/www");
  EXPECT_EQ(scenario->steps[4].step.path, "/run/x");
  EXPECT_EQ(scenario->steps[3].step.kind, Kind::kRelabel);
  EXPECT_EQ(scenario->steps[6].step.kind, Kind::kStop);
  EXPECT_EQ(scenario->steps[6].step.target, 1);
  EXPECT_EQ(scenario->steps[6].step.signal, 3);
  EXPECT_FALSE(scenario->compare_output);
}

TEST(Scenario, SaysWhichLineIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {"run true\nfrob x\n", "s:2: `frob` is no statement of a scenario"},
      {"run 'true\n", "s:1: a quote is not closed"},
      {"stop\n", "s:1: nothing was started"},
      {"start x\nstop FROB\n", "s:2: `FROB` is no signal"},
      {"wait port x\n", "s:1: `wait` takes `port N` or `path PATH`"},
      {"file /a\n", "s:1: write it as `file PATH [MODE] <<END`"},
      {"file /a <<END\nb\n", "s:2: `END` does not come"},
      {"user a b\n", "s:1: `user` takes two numbers"},
      {"folder\n", "s:1: `folder` needs more"},
      {"run\n", "s:1: a command is missing"},
      {"folder /a\n", "s: nothing is run"},
  };
  for (const auto& [text, message] : wrong) {
    const auto scenario = ParseScenario(text, "s");
    ASSERT_FALSE(scenario) << text;
    EXPECT_EQ(scenario.error().message, message);
  }
}

TEST(Scenario, ReadsAttacks) {
  const auto attacks = ParseScenario(
      "module crypto/af_alg.ko\n"
      "neighbour /run/n\n"
      "attack shell: exec /bin/sh -c 'exit 0' is exec \"/usr/bin/dash\"\n"
      "attack trace: ptrace neighbour is ptrace { trace } peer outside\n"
      "granted shell to git, cron_job because \"it is what it is\"\n",
      "s");
  ASSERT_TRUE(attacks) << attacks.error().message;
  EXPECT_EQ(attacks->modules, std::vector<std::string>{"crypto/af_alg.ko"});
  EXPECT_EQ(attacks->neighbour, "/run/n");
  ASSERT_EQ(attacks->attacks.size(), 2u);
  EXPECT_EQ(attacks->attacks[0].name, "shell");
  EXPECT_EQ(attacks->attacks[0].words, (std::vector<std::string>{"exec", "/bin/sh", "-c", "exit 0"}));
  EXPECT_EQ(attacks->attacks[0].event, "exec \"/usr/bin/dash\"");
  EXPECT_FALSE(attacks->attacks[0].on_neighbour);
  EXPECT_EQ(attacks->attacks[1].words, std::vector<std::string>{"ptrace"});
  EXPECT_TRUE(attacks->attacks[1].on_neighbour);
  ASSERT_EQ(attacks->granted.size(), 1u);
  EXPECT_EQ(attacks->granted[0].policies, (std::vector<std::string>{"git", "cron_job"}));
  EXPECT_EQ(attacks->granted[0].because, "it is what it is");
  const std::pair<const char*, const char*> wrong[] = {
      {"attack shell exec /bin/sh\n", "s:1: write it as `attack NAME: WORDS is EVENT`"},
      {"attack a: ptrace neighbour is ptrace { trace }\n", "s:1: there is no neighbour before this line"},
      {"attack a: bpf is bpf { use }\ngranted b to c because \"d\"\n", "s:2: there is no attack `b` before this line"},
      {"attack a: bpf is bpf { use }\ngranted a\n", "s:2: write it as `granted NAME to POLICY, POLICY because \"...\"`"},
  };
  for (const auto& [text, message] : wrong) {
    const auto scenario = ParseScenario(text, "s");
    ASSERT_FALSE(scenario) << text;
    EXPECT_EQ(scenario.error().message, message);
  }
}

}  // namespace
}  // namespace ravelin::verify
