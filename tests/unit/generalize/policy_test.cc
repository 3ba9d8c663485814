// From a recording to a policy: what is granted, what is said of it, and that nothing depends on order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "compiler/base/diag.h"
#include "compiler/syntax/parse.h"
#include "profiler/generalize/completeness.h"
#include "profiler/generalize/coverage.h"
#include "profiler/generalize/generalize.h"

namespace ravelin::generalize {
namespace {

using observe::Encode;
using observe::Recording;
using observe::Run;
using testing::HasSubstr;
using testing::Not;

void Call(Run& run, const std::string& name, observe::Attributes attributes = {}) {
  attributes["arch"] = "x86_64";
  run.Add({"syscall", name, Encode(attributes), "program=/bin/p"}, 1, name);
}
void File(Run& run, const std::string& operation, const std::string& path) { run.Add({"file", operation, Encode({{"path", path}}), "program=/bin/p"}, 1, operation + " " + path); }

Recording TwoRuns() {
  Recording out;
  for (int i = 0; i < 2; ++i) {
    Run& run = out.runs["run-" + std::to_string(i)];
    run.driver = "uml";
    run.variation["TMPDIR"] = i == 0 ? "/tmp/kqzv0" : "/tmp/wpjx1";
    Call(run, "openat");
    Call(run, "mprotect", {{"prot", "0x1"}});
    Call(run, "prctl", {{"option", "0xf"}});
    Call(run, "clone3");
    Call(run, "socket");
    File(run, "read", "/etc/hosts");
    File(run, "read", run.variation["TMPDIR"] + "/x");
    File(run, "read", "/proc/" + std::to_string(100 + 37 * i) + "/stat");
    run.Add({"network", "create", Encode({{"family", "0x2"}, {"type", "0x80001"}, {"protocol", "0x6"}}), "program=/bin/p"}, 1, "socket");
    run.Add({"network", "connect", Encode({{"family", "0x2"}, {"type", "0x1"}, {"port", "443"}}), "program=/bin/p"}, 1, "connect");
    run.Add({"capability", "net_raw", "", "program=/bin/p"}, 1, "capable");
  }
  return out;
}

std::string TextOf(const Recording& recording, const std::vector<std::string>& layers = Options().layers) {
  Options options;
  options.layers = layers;
  const auto learned = Generalize(recording, options);
  EXPECT_TRUE(learned) << learned.error().message;
  source::SourceManager sources;
  diag::Sink sink;
  syntax::Parse(sources, sources.Add("learned", learned->text), sink);
  EXPECT_FALSE(sink.HasErrors()) << learned->text << RenderText(sink, sources, {});
  return learned->text;
}

// A socket of the machine that was connected to `path`, or not, with that error.
void Ask(Run& run, const std::string& path, const std::string& error) {
  Call(run, "socket", {{"domain", "0x1"}, {"type", "0x80801"}});
  run.Add({"network", "create", Encode({{"family", "0x1"}, {"type", "0x1"}}), "program=/bin/p"}, 1, "socket");
  run.Add({"network", "connect", Encode({{"family", "0x1"}, {"type", "0x1"}}), "program=/bin/p"}, 1, "apparmor connect");
  if (error.empty()) {
    Call(run, "connect");
    run.Add({"network", "connect", Encode({{"family", "0x1"}, {"type", "0x1"}, {"path", path}}), "program=/bin/p"}, 1, "connect");
  } else {
    Call(run, "connect", {{"refused", error}, {"family", "0x1"}, {"path", path}});
  }
}

TEST(Policy, DoesNotGrantToAskWhoWasNeverThere) {
  Recording recording = TwoRuns();
  for (auto& [id, run] : recording.runs) Ask(run, "/run/nscd/socket", "ENOENT");
  const std::string text = TextOf(recording);
  EXPECT_THAT(text, HasSubstr("nobody was there: /run/nscd/socket: runs 2/2"));
  EXPECT_THAT(text, HasSubstr("deny syscall socket(domain == AF_UNIX) with errno(EACCES)"));
  EXPECT_THAT(text, Not(HasSubstr("family AF_UNIX type STREAM")));
}

TEST(Policy, KeepsSocketsThatAskedNobody) {
  Recording recording = TwoRuns();
  for (auto& [id, run] : recording.runs) {
    Ask(run, "/run/nscd/socket", "ENOENT");
    Call(run, "socket", {{"domain", "0x1"}, {"type", "0x80002"}});  // for a question about an interface
  }
  EXPECT_THAT(TextOf(recording), Not(HasSubstr("deny syscall socket(")));
}

// What is renamed gets the operations of the other names; in which runs it was met stays, so that a name of each run is known as one.
TEST(Policy, NamesThatChangeWithTheRunAreKnownWhereTheyMove) {
  Recording recording;
  for (int i = 0; i < 2; ++i) {
    observe::Run& run = recording.runs["run-" + std::to_string(i)];
    const std::string temporary = "/srv/temp-" + std::to_string(183 + 17 * i) + ".db";
    for (const char* operation : {"create", "write", "rename_from"}) File(run, operation, temporary);
    File(run, "rename_to", "/srv/now.db");
    File(run, "rename_to", "/srv/kept/now.db");
    File(run, "delete", "/srv/kept/now.db");
  }
  const std::string selinux = TextOf(recording, {"seccomp + selinux"});
  EXPECT_THAT(selinux, HasSubstr("rename_to, setattr, utimes, write } on path(\"/srv/kept/now.db\", \"/srv/now.db\", \"/srv/temp-[0-9]*.db\")")) << selinux;
}

// A file that a mechanism saw, and of which it knows whose it is.
void Judged(Run& run, const std::string& operation, const std::string& path, bool own) {
  observe::Attributes attributes = {{"path", path}};
  if (own) attributes["owner"] = "1";
  run.Add({"file", operation, Encode(attributes), "program=/bin/p subject=work"}, 1, "apparmor " + operation);
}

TEST(Policy, GrantsOwnFilesAloneWhereOthersMakeNames) {
  Recording recording = TwoRuns();
  for (auto& [id, run] : recording.runs) {
    for (const char* operation : {"create", "write"}) {
      Judged(run, operation, "/tmp/fixed", true);
      Judged(run, operation, "/tmp/mine.aB" + std::string(id == "run-0" ? "3dE9" : "Zk_x"), true);
      Judged(run, operation, "/tmp/shared", operation == std::string("create"));
      Judged(run, operation, "/srv/data", true);
    }
    File(run, "write", "/tmp/fixed");  // of which the recorder does not know whose it is
    Judged(run, "read", "/tmp/found", true);
  }
  const std::string text = TextOf(recording);
  const std::string w = "[0-9a-zA-Z_]";
  EXPECT_THAT(text, HasSubstr("files_create_lock_setattr_utimes_write_own: allow file { create, lock, setattr, utimes, write } owner on path(\"/tmp/fixed\", \"/tmp/mine." + w + w + w + w + w + w + "\")"));
  EXPECT_THAT(text, HasSubstr("allow file { create, lock, setattr, utimes, write } on path(\"/srv/data\", \"/tmp/shared\")")) << "of somebody else, or where nobody else makes names";
  EXPECT_THAT(text, testing::ContainsRegex("allow file \\{ read \\} on path\\([^\n]*\"/tmp/found\"")) << "of what it found the owner is whoever installed it";
  const auto coverage = Coverage::Of(recording, {}, {});
  ASSERT_TRUE(coverage);
  Seen seen{"file", "write", {{"path", "/tmp/fixed"}}, {}};
  EXPECT_TRUE(coverage->Covers(seen));
  seen.evidence.others = true;
  EXPECT_FALSE(coverage->Covers(seen));
}

// SELinux: a label stays with a file that is renamed.
TEST(Policy, GrantsTheSameOnNamesBetweenWhichFilesMove) {
  Recording recording = TwoRuns();
  for (auto& [id, run] : recording.runs) {
    File(run, "write", "/srv/new");
    File(run, "rename_from", "/srv/new");
    File(run, "rename_to", "/srv/now");
    File(run, "delete", "/srv/now");
  }
  EXPECT_THAT(TextOf(recording), HasSubstr("files_delete_rename_to: allow file { delete, rename_to } on path(\"/srv/now\")"));
  const std::string selinux = TextOf(recording, {"seccomp + selinux"});
  EXPECT_THAT(selinux, HasSubstr("allow file { delete, rename_from, rename_to, write } on path(\"/srv/new\", \"/srv/now\")"));
}

// SELinux: what others make in a folder has the folder's label.
TEST(Policy, GrantsTheSameOnWhatOthersMakeInAFolderOfTheWorkload) {
  Recording recording = TwoRuns();
  for (auto& [id, run] : recording.runs) {
    File(run, "create_dir", "/srv/clone");
    File(run, "list", "/srv/clone");
    File(run, "create", "/srv/clone/made");
    File(run, "read", "/srv/clone/found");
    File(run, "list", "/srv/clone/folder");
    File(run, "lock", "/srv/clone/folder/below");
    File(run, "list", "/srv/other");
    File(run, "read", "/srv/other/file");
  }
  EXPECT_THAT(TextOf(recording), Not(HasSubstr("\"/srv/clone\", \"/srv/clone/folder\"")));
  const std::string selinux = TextOf(recording, {"seccomp + selinux"});
  EXPECT_THAT(selinux, HasSubstr("allow file { create_dir, list, lock, read, setattr, utimes } on path(\"/srv/clone\", \"/srv/clone/folder\", \"/srv/clone/folder/below\", \"/srv/clone/found\")")) << selinux;
  EXPECT_THAT(selinux, HasSubstr("allow file { list } on path(\"/srv/other\")"));
}

// A folder that was swapped for a new one was there before.
TEST(Policy, WhatIsFoundInAFolderThatMovedIsNotTheWorkloads) {
  Recording recording = TwoRuns();
  for (auto& [id, run] : recording.runs) {
    File(run, "read", "/srv/live/key");
    File(run, "create_dir", "/srv/next");
    for (const char* name : {"rename_from", "delete"}) File(run, name, "/srv/live");
    File(run, "rename_from", "/srv/next");
    File(run, "rename_to", "/srv/live");
  }
  const std::string selinux = TextOf(recording, {"seccomp + selinux"});
  EXPECT_THAT(selinux, testing::ContainsRegex("allow file \\{ read \\} on path\\([^\n]*\"/srv/live/key\"")) << selinux;
  EXPECT_THAT(selinux, HasSubstr("// /srv/next: runs 2/2, x4, create_dir /srv/next; literal; granted what other names of its label are used for"));
}

// SELinux: nor does a pattern of names say which label a new file gets.
TEST(Policy, GrantsTheSameOnPatternsByWhichAFolderIsFilled) {
  Recording recording = TwoRuns();
  for (auto& [id, run] : recording.runs) {
    const std::string number = id == "run-0" ? "1834" : "94713";
    File(run, "create_dir", "/srv/in-" + number);
    File(run, "delete", "/srv/in-" + number);
    File(run, "create_dir", "/srv/out-" + number);
    File(run, "create", "/srv/file-" + number);
    File(run, "create_dir", "/srv/fixed");
  }
  EXPECT_THAT(TextOf(recording), HasSubstr("allow file { create_dir, delete, setattr, utimes } on path(\"/srv/in-[0-9]*\")"));
  const std::string selinux = TextOf(recording, {"seccomp + selinux"});
  EXPECT_THAT(selinux, HasSubstr("allow file { create_dir, delete, setattr, utimes } on path(\"/srv/in-[0-9]*\", \"/srv/out-[0-9]*\")")) << selinux;
  EXPECT_THAT(selinux, HasSubstr("allow file { create_dir, setattr, utimes } on path(\"/srv/fixed\")"));
  EXPECT_THAT(selinux, HasSubstr("on path(\"/srv/file-[0-9]*\")"));
}

// SELinux: what is below a folder of the workload's own cannot be kept apart by patterns.
TEST(Policy, OwnsAFolderThatItMadeWhereNamesInItChange) {
  Recording recording = TwoRuns();
  for (auto& [id, run] : recording.runs) {
    File(run, "create_dir", "/srv/clone");
    for (const char* name : {"HEAD", "config"}) File(run, "create", std::string("/srv/clone/") + name);
    File(run, "create_dir", "/srv/clone/objects");
    File(run, "create", id == "run-0" ? "/srv/clone/objects/t-1834" : "/srv/clone/objects/t-94713");
    File(run, "create_dir", "/srv/plain");
    for (const char* name : {"a", "b", "c"}) File(run, "create", std::string("/srv/plain/") + name);
  }
  EXPECT_THAT(TextOf(recording), Not(HasSubstr("/srv/clone/**")));
  const std::string selinux = TextOf(recording, {"seccomp + selinux"});
  EXPECT_THAT(selinux, HasSubstr("\"/srv/clone/**\"")) << selinux;
  EXPECT_THAT(selinux, Not(HasSubstr("/srv/plain/**")));
}

TEST(Policy, NamesTheServicesThatWereReached) {
  Recording recording = TwoRuns();
  for (auto& [id, run] : recording.runs) Ask(run, "/run/nscd/socket", "ENOENT");
  Ask(recording.runs.begin()->second, "/run/db.sock", "");
  const std::string text = TextOf(recording);
  EXPECT_THAT(text, HasSubstr("allow network { connect } family AF_UNIX type STREAM path \"/run/db.sock\""));
  EXPECT_THAT(text, Not(HasSubstr("deny syscall socket(")));
  EXPECT_THAT(text, HasSubstr("network_unix_stream: allow network { create } family AF_UNIX type STREAM"));
}

TEST(Policy, GrantsWhatWasSeenAndSaysWhy) {
  const std::string text = TextOf(TwoRuns());
  EXPECT_THAT(text, HasSubstr("// /etc/hosts: runs 2/2, x2, read /etc/hosts; literal\n"));
  EXPECT_THAT(text, HasSubstr("\"/tmp/x\""));  // TMPDIR is the operator's
  EXPECT_THAT(text, HasSubstr("\"/proc/[1-9]*/stat\""));
  EXPECT_THAT(text, HasSubstr("allow network { connect } family AF_INET type STREAM port { 443 }"));
  EXPECT_THAT(text, HasSubstr("allow network { create } family AF_INET type STREAM\n"));
  EXPECT_THAT(text, HasSubstr("allow capability { net_raw }"));
  EXPECT_THAT(text, HasSubstr("allow syscall mprotect(prot & PROT_EXEC == 0)"));
  EXPECT_THAT(text, HasSubstr("allow syscall prctl(option in { PR_SET_NAME })"));
  EXPECT_THAT(text, HasSubstr("deny syscall clone3 with errno(ENOSYS)"));
  EXPECT_THAT(text, Not(HasSubstr("accept gap")));
  EXPECT_THAT(text, Not(HasSubstr("INCOMPLETE")));
}

TEST(Policy, IsTheSameWhateverTheOrderOfMerging) {
  const Recording both = TwoRuns();
  Recording one;
  Recording two;
  one.runs.emplace("run-0", both.runs.at("run-0"));
  two.runs.emplace("run-1", both.runs.at("run-1"));
  EXPECT_EQ(TextOf(observe::Merge(one, two)), TextOf(observe::Merge(two, one)));
}

TEST(Policy, LossIsSaid) {
  Recording recording = TwoRuns();
  recording.runs["run-0"].completeness.channels["audit"].lost = 2;
  EXPECT_THAT(TextOf(recording), HasSubstr("// INCOMPLETE: 2 events of the channel `audit` were lost\n"));
}

TEST(Policy, SecretsThatWereReadAreNamed) {
  Recording recording = TwoRuns();
  File(recording.runs["run-0"], "read", "/etc/shadow");
  EXPECT_THAT(TextOf(recording), HasSubstr("// Sensitive, granted because it was used: /etc/shadow (passwords)\n"));
}

// A quarter of the calls that were seen at most, and nothing that the rules on files would bring beside them.
TEST(Policy, GrantsFewCallsThatWereNotSeen) {
  Recording recording = TwoRuns();
  for (const char* name : {"read", "write", "close", "mmap", "munmap", "brk", "execve", "rt_sigaction", "newfstatat", "exit_group", "getpid"}) Call(recording.runs["run-0"], name);
  const auto learned = Generalize(recording, {});
  ASSERT_TRUE(learned);
  EXPECT_LE(static_cast<double>(learned->granted_calls), 1.25 * static_cast<double>(learned->observed_calls));
  EXPECT_EQ(learned->calls.size(), learned->granted_calls);
  EXPECT_EQ(learned->calls.count("rt_sigreturn"), 1u);
  EXPECT_EQ(learned->calls.count("openat2"), 0u);
  EXPECT_THAT(learned->text, HasSubstr("openat2"));
  EXPECT_THAT(learned->text, HasSubstr("unused: deny syscall { "));
  // What a rule refuses so, no rule permits.
  const size_t at = learned->text.find("unused: deny syscall { ");
  const std::string unused = learned->text.substr(at, learned->text.find('\n', at) - at);
  for (const std::string& name : learned->calls) EXPECT_EQ((unused + ",").find(" " + name + ","), std::string::npos) << name;
}

// SELinux has one permission for most signals: it is the filter that tells them apart.
TEST(Policy, SendsTheSignalsThatWereSent) {
  Recording recording = TwoRuns();
  for (auto& [id, run] : recording.runs) {
    for (const char* name : {"read", "write", "close", "mmap", "munmap", "brk", "execve", "rt_sigaction", "newfstatat", "exit_group", "getpid", "exit", "rt_sigreturn", "dup2", "wait4", "clone", "lseek", "mremap", "madvise", "uname", "prctl", "gettid", "dup", "dup3", "pipe2", "waitid", "rseq", "set_robust_list", "rt_sigprocmask"}) Call(run, name);
    Call(run, "kill", {{"sig", "0x0"}});
    Call(run, "kill", {{"sig", "0xf"}});
    run.Add({"signal", "send", Encode({{"peer", "self"}, {"signal", "0xf"}}), "program=/bin/p"}, 1, "kill");
    run.Add({"signal", "send", Encode({{"peer", "self"}, {"signal", "0xa"}}), "program=/bin/p"}, 1, "kill");
    Call(run, "tkill");  // by a recorder that knows no arguments
  }
  const std::string text = TextOf(recording);
  EXPECT_THAT(text, HasSubstr("allow syscall kill(sig in { 0, SIGTERM, SIGUSR1 })"));
  EXPECT_THAT(text, HasSubstr("allow syscall tkill(sig in { 0, SIGTERM, SIGUSR1 })"));
  EXPECT_THAT(text, HasSubstr("allow syscall tgkill(sig in { SIGTERM, SIGUSR1 })")) << "abort(3) was not seen";
  const auto coverage = Coverage::Of(recording, {}, {});
  ASSERT_TRUE(coverage);
  EXPECT_TRUE(coverage->CoversArgument(ArgumentOf({"syscall", "kill", {{"sig", "0xf"}}, {}})));
  EXPECT_FALSE(coverage->CoversArgument(ArgumentOf({"syscall", "kill", {{"sig", "0x9"}}, {}})));
}

// What a stop brings is made by the kernel, and what processes call themselves is one value.
TEST(Policy, AddsCallsThatNoCodeHolds) {
  Recording recording = TwoRuns();
  for (auto& [id, run] : recording.runs) {
    std::erase_if(run.facts, [](const auto& entry) { return entry.first.operation == "prctl"; });
    for (const char* name : {"read", "write", "close", "mmap", "munmap", "brk", "wait4", "nanosleep", "clone", "exit", "exit_group", "rt_sigreturn"}) Call(run, name);
    Call(run, "execve");
  }
  Options options;
  options.system.reaches = [](const std::string&) { return Reach{{"prctl", "write", "read"}, 0, false, false}; };
  for (auto& [id, run] : recording.runs) run.Add({"exec", "exec", Encode({{"path", "/bin/q"}}), "program=/bin/p"}, 1, "execve");
  const auto learned = Generalize(recording, options);
  ASSERT_TRUE(learned);
  EXPECT_THAT(learned->text, HasSubstr("a stop interrupts what waits, and the kernel goes on with it: restart_syscall"));
  EXPECT_THAT(learned->text, HasSubstr("  // prctl: not seen, processes and threads name themselves\n  allow syscall prctl(option in { PR_SET_NAME })\n"));
  EXPECT_EQ(learned->calls.count("prctl"), 1u);
  EXPECT_EQ(learned->calls.count("mremap"), 0u) << "the programs cannot reach it";
  EXPECT_LE(static_cast<double>(learned->granted_calls), 1.25 * static_cast<double>(learned->observed_calls));
}

TEST(Policy, StrangePathsAreNoSyntax) {
  Recording recording = TwoRuns();
  for (const char* path : {"/a\"b", "/a\\b", "/a${b}", "/a\nb", "/*", "/\xc3\xa9"}) File(recording.runs["run-0"], "read", path);
  TextOf(recording);
}

TEST(Completeness, BoundsAreThoseOfTheBook) {
  // Clopper and Pearson, one-sided: 1 - 0.05^(1/n) for no success.
  EXPECT_NEAR(UpperBound(0, 59), 1 - std::pow(0.05, 1.0 / 59), 1e-6);
  EXPECT_NEAR(UpperBound(1, 10), 0.3942, 1e-3);
  EXPECT_EQ(UpperBound(5, 5), 1);
  EXPECT_EQ(RunsNeeded(0, 0.05), 59u);
  EXPECT_EQ(RunsNeeded(0, 0.01), 299u);
  EXPECT_EQ(RunsNeeded(60, 0.05), 0u);
}

// Workloads that bring something new with a known probability: the bound must hold as often as it says.
TEST(Completeness, TheBoundHoldsAsOftenAsItSays) {
  std::mt19937 engine(7);
  std::uniform_real_distribution<double> uniform(0, 1);
  size_t held = 0;
  // RAVELIN_TRIALS: more of them, for a figure.
  const char* asked = std::getenv("RAVELIN_TRIALS");
  const size_t trials = asked == nullptr ? 60 : std::strtoul(asked, nullptr, 10);
  for (size_t trial = 0; trial < trials; ++trial) {
    // Each of 12 rare things comes with probability p in each run.
    const double p = 0.02 + 0.01 * static_cast<double>(trial % 4);
    Recording recording;
    std::vector<bool> seen(12, false);
    for (int i = 0; i < 12; ++i) {
      observe::Run& run = recording.runs["run-" + std::to_string(i)];
      File(run, "read", "/srv/common");
      File(run, "read", "/srv/own" + std::string(1, static_cast<char>('a' + i)) + "/x");  // so that no two runs are alike
      for (size_t k = 0; k < seen.size(); ++k) {
        if (uniform(engine) >= p) continue;
        seen[k] = true;
        run.Add({"capability", k == 0 ? "chown" : k == 1 ? "kill" : k == 2 ? "setuid" : k == 3 ? "setgid" : k == 4 ? "net_raw" : k == 5 ? "sys_nice" : k == 6 ? "sys_time" : k == 7 ? "lease" : k == 8 ? "mknod" : k == 9 ? "ipc_lock" : k == 10 ? "bpf" : "perfmon", "", ""}, 1, "");
      }
    }
    const auto judged = JudgeCompleteness(recording, {});
    ASSERT_TRUE(judged);
    double clean = 1;
    for (const bool one : seen) clean *= one ? 1 : 1 - p;
    for (const FacetCompleteness& facet : judged->facets) {
      if (facet.facet == "capability") held += 1 - clean <= facet.bound ? 1 : 0;
    }
  }
  std::printf("the bound held in %zu of %zu trials\n", held, trials);
  // 95% less three standard deviations of so many trials.
  EXPECT_GE(static_cast<double>(held), static_cast<double>(trials) * 0.95 - 3 * std::sqrt(static_cast<double>(trials) * 0.95 * 0.05));
}

// What is known of the files of a process is no news when another process reads them.
TEST(Completeness, ProcessesAreTheSameWhateverTheirNumber) {
  Recording recording = TwoRuns();
  const auto coverage = Coverage::Of(recording, {}, {"run-0"});
  ASSERT_TRUE(coverage);
  EXPECT_THAT(Surprises(recording, "run-1", *coverage), testing::IsEmpty());
}

TEST(Completeness, ReplicasAreNoSamplesAndFewRunsSayNothing) {
  const auto judged = JudgeCompleteness(TwoRuns(), {});
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->replicas, 1u);
  EXPECT_THAT(judged->Words(), HasSubstr("too few runs to say"));
}

}  // namespace
}  // namespace ravelin::generalize
