// The command line as it is used: arguments, exit codes, what is written and what is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/base/diag.h"
#include "compiler/base/sha256.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::Output;
using testing::RunRavelin;

const char kPolicy[] =
    "language 1\npolicy web {\n  layers { seccomp + apparmor }\n  use std::base\n  allow network { connect } tcp port 443\n  never network { create } family AF_ALG\n"
    "  default deny with errno(EPERM)\n  unknown syscall with errno(ENOSYS)\n}\n";
const char kPlain[] = "language 1\npolicy p {\n  layers { seccomp }\n  allow syscall { read, write, exit, exit_group, rt_sigreturn }\n  allow syscall socket(domain == AF_UNIX)\n  default deny syscall with errno(EPERM)\n}\n";

class Cli : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder_;
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
};

TEST_F(Cli, ExitCodesSayWhatHappened) {
  const std::string good = folder_.Write("good.rav", kPlain);
  const std::string bad = folder_.Write("bad.rav", "language 1\npolicy p {\n  allow syscall nosuchcall\n  default deny\n}\n");
  EXPECT_EQ(RunRavelin({"check", good}).exit_code, 0);
  EXPECT_EQ(RunRavelin({"check", bad}).exit_code, 1);
  EXPECT_EQ(RunRavelin({"check", good, bad}).exit_code, 1) << "the worst of several";
  EXPECT_EQ(RunRavelin({"check", folder_.path()}).exit_code, 1) << "a folder is its files";
  EXPECT_EQ(RunRavelin({"check"}).exit_code, 2);
  EXPECT_EQ(RunRavelin({"check", good, "--no-such-flag"}).exit_code, 2);
  EXPECT_EQ(RunRavelin({"frobnicate"}).exit_code, 2);
  EXPECT_EQ(RunRavelin({"check", Path("missing.rav")}).exit_code, 3);
  const Output target = RunRavelin({"check", good, "--target", "debain12"});
  EXPECT_NE(target.exit_code, 0);
  EXPECT_THAT(target.err, HasSubstr("debian12"));
  EXPECT_EQ(RunRavelin({"--version"}).exit_code, 0);
  EXPECT_THAT(RunRavelin({"--version"}).out, HasSubstr("ravelin "));
  EXPECT_EQ(RunRavelin({"compile", good, "--emit", "bpf", "-o", "/no/such/folder/x.bpf"}).exit_code, 3);
  EXPECT_EQ(RunRavelin({"compile", good, "--emit", "bpf", "-o", "/dev/full"}).exit_code, 3);
}

TEST_F(Cli, StandardInputAndOutput) {
  const Output out = RunRavelin({"compile", "-", "--emit", "c", "-o", "-"}, kPlain);
  EXPECT_EQ(out.exit_code, 0) << out.err;
  EXPECT_THAT(out.out, HasSubstr("p_filter[]"));
  EXPECT_EQ(RunRavelin({"fmt", "-", "-o", "-"}, "language 1\npolicy p{default deny}\n").out, "language 1\npolicy p {\n  default deny\n}\n");
  EXPECT_EQ(RunRavelin({"check", "-"}, std::string("language 1\n\0", 12)).exit_code, 1);
}

TEST_F(Cli, MistakesAsJson) {
  const std::string bad = folder_.Write("bad.rav", "language 1\npolicy p {\n  allow syscall nosuchcall\n  default deny\n}\n");
  const auto report = nlohmann::json::parse(RunRavelin({"check", bad, "--format", "json"}).out);
  EXPECT_THAT(report.dump(), ::testing::AllOf(HasSubstr("unknown-syscall"), HasSubstr("\"line\":3")));
  EXPECT_TRUE(nlohmann::json::accept(RunRavelin({"explain", folder_.Write("p.rav", kPlain), "read(0)", "--format", "json"}).out));
  EXPECT_THAT(RunRavelin({"check", bad, "--color", "always"}).err, HasSubstr("\x1b["));
  EXPECT_THAT(RunRavelin({"check", bad}).err, ::testing::Not(HasSubstr("\x1b[")));
}

TEST_F(Cli, ABundleIsWholeAndTheSameEveryTime) {
  const std::string policy = folder_.Write("web.rav", kPolicy);
  const Output first = RunRavelin({"compile", policy, "--backend", "seccomp", "-o", Path("one")});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  ASSERT_EQ(RunRavelin({"compile", policy, "--backend", "seccomp", "-o", Path("two")}).exit_code, 0);
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(Path("one"))) {
    ++files;
    EXPECT_EQ(source::ReadFile(entry.path().string()).value(), source::ReadFile(Path("two/" + entry.path().filename().string())).value_or("")) << entry.path();
  }
  EXPECT_EQ(files, 4u);
  const auto manifest = nlohmann::json::parse(source::ReadFile(Path("one/manifest.json")).value());
  const auto& domain = manifest["domains"][0];
  EXPECT_EQ(domain["never"][0]["result"], "proved");
  for (const auto& artifact : domain["artifacts"]) {
    EXPECT_EQ(artifact["sha256"], base::Sha256Hex(source::ReadFile(Path("one/" + artifact["file"].get<std::string>())).value()));
    EXPECT_EQ(artifact["proofs"][0]["result"], "proved");
  }
  // One member is written by itself.
  ASSERT_EQ(RunRavelin({"compile", policy, "--backend", "apparmor", "-o", Path("member")}).exit_code, 0);
  EXPECT_TRUE(fs::exists(Path("member/web.apparmor")));
  EXPECT_FALSE(fs::exists(Path("member/web.bpf")));
  EXPECT_FALSE(fs::exists(Path("one/web.apparmor")));
  // A folder that holds something else is left alone.
  folder_.Write("other/notes.txt", "mine");
  EXPECT_EQ(RunRavelin({"compile", policy, "--backend", "seccomp", "-o", Path("other")}).exit_code, 3);
  EXPECT_EQ(source::ReadFile(Path("other/notes.txt")).value(), "mine");
}

TEST_F(Cli, AWholeBundleHoldsEveryLayer) {
  const std::string head = "language 1\npolicy p {\n  layers { seccomp + apparmor, seccomp + selinux }\n  use std::base\n";
  const std::string exact = folder_.Write("exact.rav", head + "  default deny\n}\n");
  ASSERT_EQ(RunRavelin({"compile", exact, "--cost", "-o", Path("whole")}).exit_code, 0);
  for (const char* file : {"exact.bpf", "exact.oci.json", "exact.apparmor", "exact.cil", "exact.fc", "manifest.json", "INSTALL.md"}) EXPECT_TRUE(fs::exists(Path("whole/" + std::string(file)))) << file;
  const auto manifest = nlohmann::json::parse(source::ReadFile(Path("whole/manifest.json")).value());
  ASSERT_EQ(manifest["artifacts"].size(), 2u);
  for (const auto& artifact : manifest["artifacts"]) {
    EXPECT_EQ(artifact["proofs"][0]["result"], "proved");
    EXPECT_EQ(artifact["sha256"], base::Sha256Hex(source::ReadFile(Path("whole/" + artifact["file"].get<std::string>())).value()));
  }
  EXPECT_THAT(source::ReadFile(Path("whole/exact.cil")).value(), HasSubstr("(handleunknown "));
  // The form that stands beside a host's policy is asked for by name, and says what it does to the host.
  ASSERT_EQ(RunRavelin({"compile", exact, "--backend", "selinux", "--selinux-form", "module", "-o", Path("beside")}).exit_code, 0);
  EXPECT_THAT(source::ReadFile(Path("beside/INSTALL.md")).value(), ::testing::AllOf(HasSubstr("labels files of the host anew"), HasSubstr("semodule -r exact")));
  EXPECT_THAT(source::ReadFile(Path("beside/exact.cil")).value(), ::testing::Not(HasSubstr("(handleunknown ")));
  // A gap that nobody accepts, and raw text, end without a bundle.
  const std::string gap = folder_.Write("gap.rav", head + "  logs: allow file { create } on path(\"/var/log/*\")\n  default deny\n}\n");
  const Output refused = RunRavelin({"compile", gap, "-o", Path("gap")});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("accept gap logs wider on seccomp + apparmor"));
  EXPECT_EQ(RunRavelin({"compile", folder_.Write("raw.rav", head + "  raw apparmor \"/x r\"\n  default deny\n}\n"), "-o", Path("gap")}).exit_code, 1);
  EXPECT_EQ(RunRavelin({"compile", folder_.Write("raw.rav", head + "  raw selinux \"(type x)\"\n  default deny\n}\n"), "-o", Path("gap")}).exit_code, 1);
  EXPECT_FALSE(fs::exists(Path("gap")));
  EXPECT_EQ(RunRavelin({"gap", gap}).exit_code, 0);
  EXPECT_EQ(RunRavelin({"gap", gap, "--fail-on-gap"}).exit_code, 1);
  EXPECT_EQ(RunRavelin({"gap", gap, "--layers", "seccomp + appamor"}).exit_code, 2);
  EXPECT_TRUE(nlohmann::json::accept(RunRavelin({"gap", gap, "--format", "json"}).out));
}

TEST_F(Cli, EveryFormOfAFilter) {
  const std::string policy = folder_.Write("p.rav", kPlain);
  for (const char* form : {"bpf", "oci", "c", "listing"}) {
    ASSERT_EQ(RunRavelin({"compile", policy, "--emit", form, "-o", Path(form)}).exit_code, 0) << form;
  }
  EXPECT_EQ(fs::file_size(Path("bpf")) % 8, 0u);
  EXPECT_EQ(nlohmann::json::parse(source::ReadFile(Path("oci")).value())["defaultAction"], "SCMP_ACT_ERRNO");
  EXPECT_THAT(source::ReadFile(Path("listing")).value(), HasSubstr("<- socket: " + policy + ":5:3 allow"));
  folder_.Write("main.c", "#include <linux/filter.h>\n#include \"c\"\nint main(void) { return sizeof(p_filter) / sizeof(p_filter[0]) == " + std::to_string(fs::file_size(Path("bpf")) / 8) + " ? 0 : 1; }\n");
  EXPECT_EQ(std::system(("cd " + folder_.path() + " && cc -Wall -Werror -x c main.c -o main && ./main").c_str()), 0);
}

TEST_F(Cli, FormatsInPlaceAndChecks) {
  const std::string policy = folder_.Write("p.rav", "language 1\npolicy p{ // c\ndefault deny}\n");
  EXPECT_EQ(RunRavelin({"fmt", "--check", policy}).exit_code, 1);
  EXPECT_EQ(RunRavelin({"fmt", "-i", policy}).exit_code, 0);
  EXPECT_EQ(source::ReadFile(policy).value(), "language 1\npolicy p {  // c\n  default deny\n}\n");
  EXPECT_EQ(RunRavelin({"fmt", "--check", policy}).exit_code, 0);
  const std::string broken = folder_.Write("broken.rav", "language 1\npolicy p {\n");
  EXPECT_EQ(RunRavelin({"fmt", "-i", broken}).exit_code, 1);
  EXPECT_EQ(source::ReadFile(broken).value(), "language 1\npolicy p {\n") << "a file with mistakes is left alone";
}

TEST_F(Cli, DumpsReadAsWhatTheyAre) {
  const std::string policy = folder_.Write("p.rav", kPlain);
  for (const char* stage : {"--stage=ast", "--stage=ir"}) EXPECT_TRUE(nlohmann::json::accept(RunRavelin({"dump", policy, stage}).out)) << stage;
  EXPECT_THAT(RunRavelin({"dump", policy, "--stage=bpf"}).out, HasSubstr("ret 0x7fff0000"));
}

TEST_F(Cli, ImportsARuntimesProfile) {
  const std::string profile = folder_.Write("runtime.json",
                                            R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","exit_group"],"action":"SCMP_ACT_ALLOW"},
      {"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
      {"names":["ptrace"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}},
      {"names":["personality"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":8,"op":"SCMP_CMP_EQ"}]}]})");
  const auto imported = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"import", "oci-seccomp", profile, "-o", "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunRavelin(arguments).out;
  };
  EXPECT_THAT(imported({}), ::testing::Not(HasSubstr("mount")));
  EXPECT_THAT(imported({"--cap", "SYS_ADMIN"}), HasSubstr("mount"));
  EXPECT_THAT(imported({"--kernel", "4.4"}), ::testing::Not(HasSubstr("ptrace")));
  EXPECT_THAT(imported({"--literal"}), HasSubstr("wide(persona)"));
  EXPECT_THAT(imported({"--arch", "aarch64"}), HasSubstr("architectures { aarch64 }"));
  EXPECT_EQ(RunRavelin({"import", "oci-seccomp", profile, "-o", Path("out.rav")}).exit_code, 0);
  EXPECT_EQ(RunRavelin({"compile", Path("out.rav"), "--emit", "bpf", "-o", Path("out.bpf")}).exit_code, 0);
  EXPECT_NE(RunRavelin({"import", "oci-seccomp", folder_.Write("not.json", "{\"syscalls\": 7"), "-o", Path("none.rav")}).exit_code, 0);
  EXPECT_FALSE(fs::exists(Path("none.rav")));
}

TEST_F(Cli, TheSuggestedLinePermitsTheCall) {
  std::string text = kPolicy;
  const Output before = RunRavelin({"explain", folder_.Write("web.rav", text), "socket(AF_NETLINK, SOCK_RAW, 0)"});
  EXPECT_EQ(before.exit_code, 1);
  EXPECT_THAT(before.out, ::testing::AllOf(HasSubstr("denied  socket(AF_NETLINK, SOCK_RAW, 0) = EPERM\n  by     "), HasSubstr("default deny"), HasSubstr("(layer seccomp)")));
  const size_t at = before.out.find("  allow  ") + 9;
  const std::string line = before.out.substr(at, before.out.find('\n', at) - at);
  EXPECT_EQ(line, "allow network { create } family AF_NETLINK");
  text.insert(text.find("  use std::base"), "  " + line + "\n");
  EXPECT_EQ(RunRavelin({"explain", folder_.Write("web.rav", text), "socket(AF_NETLINK, SOCK_RAW, 0)"}).exit_code, 0);
  EXPECT_THAT(RunRavelin({"explain", folder_.Write("web.rav", text), "socket(AF_ALG, SOCK_RAW, 0)"}).out, HasSubstr("  but    "));
}

TEST_F(Cli, TestsArePolicyFilesJudged) {
  const std::string good = folder_.Write("good.rav", std::string(kPlain) + "test p {\n  permit syscall read\n  refuse syscall socket(AF_INET)\n}\n");
  const std::string bad = folder_.Write("bad.rav", std::string(kPlain) + "test p {\n  permit syscall read\n  refuse syscall socket(AF_UNIX)\n}\n");
  const std::string none = folder_.Write("none.rav", kPlain);
  const std::string broken = folder_.Write("sub/broken.rav", std::string(kPlain) + "test q {\n  permit syscall read\n}\n");
  const Output passing = RunRavelin({"test", good});
  EXPECT_EQ(passing.exit_code, 0) << passing.err;
  EXPECT_EQ(passing.out, "2 passed, 0 failed\n");
  EXPECT_EQ(passing.err, "");
  const Output failing = RunRavelin({"test", good, bad});
  EXPECT_EQ(failing.exit_code, 1);
  EXPECT_EQ(failing.out, "3 passed, 1 failed\n");
  EXPECT_THAT(failing.err, ::testing::AllOf(HasSubstr(bad + ":10:3: error: `socket(AF_UNIX, 0, 0) on x86_64` is permitted: " + bad + ":5:3 allow syscall socket(domain == AF_UNIX)"), HasSubstr("[test-failed]")));
  const Output empty = RunRavelin({"test", none});
  EXPECT_EQ(empty.exit_code, 0);
  EXPECT_THAT(empty.err, HasSubstr(none + " has no test"));
  EXPECT_EQ(empty.out, "0 passed, 0 failed\n");
  EXPECT_EQ(RunRavelin({"test", broken}).exit_code, 1);
  EXPECT_THAT(RunRavelin({"check", broken}).err, HasSubstr("unknown-name")) << "what is wrong with a test is said by every command";
  for (int round = 0; round < 8; ++round) {  // what threads share is made once, whoever comes first
    const Output folder = RunRavelin({"test", folder_.path(), "-j", "2"});
    EXPECT_EQ(folder.exit_code, 1) << folder.err;
    EXPECT_EQ(folder.out, "3 passed, 1 failed\n");
  }
  EXPECT_EQ(RunRavelin({"test", Path("missing.rav")}).exit_code, 3);
  EXPECT_EQ(RunRavelin({"test", good, "--target", "nosuch"}).exit_code, 2);
  EXPECT_EQ(RunRavelin({"test", "-"}, source::ReadFile(bad).value()).exit_code, 1);
  const auto report = nlohmann::json::parse(RunRavelin({"test", folder_.path(), "--format", "json"}).out);
  EXPECT_EQ(report["files"].size(), 4u);
  EXPECT_EQ(report["files"][0]["failed"], 1);
  EXPECT_EQ(report["files"][0]["expectations"][1]["passed"], false);
  EXPECT_EQ(report["files"][3]["diagnostics"][0]["rule"], "unknown-name");
  EXPECT_EQ(RunRavelin({"test", bad, "--format", "junit", "-o", Path("report.xml")}).exit_code, 1);
  EXPECT_THAT(source::ReadFile(Path("report.xml")).value(), ::testing::AllOf(HasSubstr("<testsuite name=\"" + bad + "\" tests=\"2\" failures=\"1\" errors=\"0\">"), HasSubstr("<failure message=")));
  // The same artifacts with and without tests.
  ASSERT_EQ(RunRavelin({"compile", good, "--emit", "bpf", "-o", Path("with")}).exit_code, 0);
  ASSERT_EQ(RunRavelin({"compile", none, "--emit", "bpf", "-o", Path("without")}).exit_code, 0);
  EXPECT_EQ(source::ReadFile(Path("with")).value(), source::ReadFile(Path("without")).value());
}

TEST_F(Cli, CountsTheFilesThatAPolicyOpens) {
  folder_.Write("root/etc/a", "");
  folder_.Write("root/etc/b", "");
  const std::string policy = folder_.Write("p.rav", "language 1\npolicy p {\n  allow file { read } on path(\"/etc/a\")\n  allow file { write } on path(\"/etc/*\")\n  default deny\n}\n");
  EXPECT_EQ(RunRavelin({"test", policy, "--files", Path("root")}).out, policy + ": policy p opens 1 of 2 files to read, 2 to write\n");
  EXPECT_EQ(RunRavelin({"test", policy, "--files", Path("none")}).exit_code, 3);
}

TEST_F(Cli, TheDocumentsSayWhatTheProgramDoes) {
  const std::string root = RAVELIN_SOURCE_DIR;
  std::string table;
  for (const diag::Kind kind : diag::AllKinds()) {
    table += "| `" + std::string(diag::KindName(kind)) + "` | " + (diag::KindSeverity(kind) == diag::Severity::kError ? "error" : "warning") + " | " + std::string(diag::KindExplanation(kind)) + " |\n";
  }
  const std::string documented = source::ReadFile(root + "/docs/diagnostics.md").value();
  EXPECT_EQ(documented.substr(documented.find("| `")), table) << "./dev docs writes docs/diagnostics.md";
  // Whole policies of the documents check.
  size_t examples = 0;
  for (const char* file : {"/README.md", "/docs/language.md"}) {
    const std::string text = source::ReadFile(root + file).value();
    for (size_t at = text.find("```\nlanguage 1\n"); at != std::string::npos; at = text.find("```\nlanguage 1\n", at + 4)) {
      const std::string policy = text.substr(at + 4, text.find("\n```", at + 4) - at - 3);
      const Output run = RunRavelin({"check", "-"}, policy);
      EXPECT_EQ(run.exit_code, 0) << file << "\n" << policy << run.err;
      ++examples;
    }
  }
  EXPECT_GE(examples, 2u);
}

}  // namespace
}  // namespace ravelin
