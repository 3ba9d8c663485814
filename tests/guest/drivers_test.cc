// The drivers beside User-Mode Linux: this machine's own kernel, and gVisor.
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/base/source.h"
#include "profiler/kernels/detect.h"
#include "profiler/kernels/process.h"
#include "tests/guest/guest.h"

namespace ravelin::kernels {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kPolicy = R"(language 1
policy work {
  layers { seccomp + apparmor }
  use std::dynamic_program
  use std::program(file = "/usr/bin/dash")
  use std::runs(files = "/usr/bin/{cat,mkdir}")
  use std::children
  use std::descriptors
  use std::locale
  allow file { read } on path("/etc/hostname")
  default deny with errno(EPERM)
  ANSWERS
}
)";

// Why the driver cannot be used here; "" where it can.
std::string WhyNot(DriverKind kind) {
  const Driver driver = Detect(kind);
  if (driver.available) return "";
  for (const Precondition& one : driver.preconditions) {
    if (!one.holds) return one.what + ": " + one.detail;
  }
  return "it is not available";
}

// A kernel of a distribution that was unpacked; "": none.
std::string VmKernel() {
  std::string kernel;
  for (std::error_code none; const auto& entry : fs::directory_iterator(fs::path(RAVELIN_BINARY).parent_path() / "deps" / "kernel" / "boot", none)) {
    if (entry.path().filename().string().rfind("vmlinuz-", 0) == 0) kernel = entry.path();
  }
  return kernel;
}

// It takes seconds to boot: not of the everyday run.
std::string WhyNoVm() {
  if (std::getenv("RAVELIN_APPS") == nullptr) return "RAVELIN_APPS=all asks for it";
  if (VmKernel().empty()) return "tests/fetch_kernel.sh unpacks one";
  return FindProgram("qemu-system-x86_64").empty() ? "qemu-system-x86_64: not installed" : "";
}

class Drivers : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/ravelin-drivers.XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // The verdict of the filter alone, and the whole report.
  std::string Verify(const std::string& driver, const std::string& answers, const std::string& line, Json& json, const std::vector<std::string>& options = {}) {
    std::string policy = kPolicy;
    policy.replace(policy.find("ANSWERS"), 7, answers);
    EXPECT_TRUE(source::WriteFile(folder_ + "/work.rav", policy));
    std::vector<std::string> command = {"env", RAVELIN_BINARY, "verify", folder_ + "/work.rav", "--driver", driver, "--format", "json", "-o", folder_ + "/report", "--directory", "/", "--limit", "20"};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {"--", "sh", "-c", line});
    fs::remove(folder_ + "/report");
    const auto run = RunProcess(command, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, 120000);
    EXPECT_TRUE(run);
    said_ = run ? run->output : "";
    exit_code_ = run ? run->exit_code : -1;
    const auto text = source::ReadFile(folder_ + "/report");
    if (!text) return "none";
    json = Json::parse(*text);
    return json.is_array() ? "several" : json["layer_sets"][0]["verdict"].get<std::string>();
  }

  std::string folder_;
  std::string said_;
  int exit_code_ = -1;
};

TEST_F(Drivers, TheHostJudgesTheFilter) {
  if (const std::string why = WhyNot(DriverKind::kHost); !why.empty()) GTEST_SKIP() << "no guest kernel: driver host: " << why;
  Json json;
  EXPECT_EQ(Verify("host", "unknown syscall with errno(ENOSYS)", "cat /etc/hostname", json), "passed") << said_ << json.dump(1);
  EXPECT_EQ(json["driver"], "host");
  EXPECT_EQ(json["judge"].get<std::string>().rfind("this machine's Linux ", 0), 0u);
  EXPECT_EQ(Verify("host", "unknown syscall with errno(ENOSYS)", "mkdir /srv/ravelin-driver", json), "failed") << said_ << json.dump(1);
  EXPECT_NE(json.dump().find("unconfined it ended with status 0"), std::string::npos);
  EXPECT_FALSE(fs::exists("/srv/ravelin-driver")) << "what is run changes this machine";
}

TEST_F(Drivers, TheHostIsNotChangedWithoutAWord) {
  if (geteuid() != 0) GTEST_SKIP() << "no guest kernel: driver host: root";
  Job job = Shell("true");
  job.setting.machine.driver = DriverKind::kHost;
  job.profiles = "x";
  const auto outcome = kernels::Run(job);
  // A kernel without AppArmor says that it has none; one with it asks first.
  if (outcome) {
    ASSERT_EQ(outcome->inconclusive.size(), 1u);
    EXPECT_NE(outcome->inconclusive[0].find("AppArmor is not active on this machine"), std::string::npos);
  } else {
    EXPECT_NE(outcome.error().message.find("--yes-change-this-host"), std::string::npos);
  }
}

// A machine with AppArmor that may be changed: a guest's.
TEST_F(Drivers, TheHostLoadsProfilesForTheTimeOfTheRuns) {
  if (!WhyNoGuest().empty()) GTEST_SKIP() << "no guest kernel: " << WhyNoGuest();
  std::string policy = kPolicy;
  policy.replace(policy.find("ANSWERS"), 7, "unknown syscall with errno(ENOSYS)");
  const std::string verify = "/srv/build/ravelin verify /srv/work.rav --target host --driver host --directory / ";
  Job job = Shell(verify + "-- sh -c 'cat /etc/hostname'");
  job.setting.memory_mb = 1024;
  job.setting.inputs.push_back({fs::path(RAVELIN_BINARY).parent_path(), "/srv/build"});
  job.files.push_back({"/srv/work.rav", policy, 0644});
  for (const char* line : {"cat /etc/hostname", "mkdir /srv/new"}) {
    job.steps.push_back(job.steps.front());
    job.steps.back().arguments.back() = verify + "--yes-change-this-host -- sh -c '" + line + "'; echo $?; cat /sys/kernel/security/apparmor/profiles; ls -d /srv/new";
  }
  const auto outcome = kernels::Run(job);
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_EQ(Doubts(*outcome), "");
  EXPECT_EQ(outcome->steps[0].exit_code, 3);
  EXPECT_NE(outcome->steps[0].err.find("say --yes-change-this-host"), std::string::npos) << outcome->steps[0].err;
  EXPECT_NE(outcome->steps[1].out.find("apparmor             passed"), std::string::npos) << outcome->steps[1].out << outcome->steps[1].err;
  EXPECT_NE(outcome->steps[2].out.find("apparmor             failed"), std::string::npos) << outcome->steps[2].out << outcome->steps[2].err;
  for (const int step : {1, 2}) {
    const std::string& out = outcome->steps[static_cast<size_t>(step)].out;
    EXPECT_EQ(out.substr(out.size() - 2), step == 1 ? "0\n" : "1\n") << "no profile is left, and no folder was made: " << out;
  }
}

TEST_F(Drivers, GvisorJudgesPermissionAlone) {
  if (const std::string why = WhyNot(DriverKind::kGvisor); !why.empty()) GTEST_SKIP() << "no guest kernel: driver gvisor: " << why;
  Json json;
  EXPECT_EQ(Verify("gvisor", "unknown syscall with errno(EPERM)", "cat /etc/hostname", json), "passed") << said_ << json.dump(1);
  EXPECT_EQ(json["judge"].get<std::string>().rfind("gVisor ", 0), 0u);
  EXPECT_EQ(json["verdict"], "inconclusive") << "an application kernel says nothing of Linux without a word of that";
  // The module for AppArmor is not there.
  EXPECT_NE(json.dump().find("its kernel has no security modules"), std::string::npos) << json.dump(1);
}

// Each refusal is told by its kernel; the session of the unconfined run has its arguments.
TEST_F(Drivers, GvisorTellsEachRefusal) {
  if (const std::string why = WhyNot(DriverKind::kGvisor); !why.empty()) GTEST_SKIP() << "no guest kernel: driver gvisor: " << why;
  Json json;
  EXPECT_EQ(Verify("gvisor", "unknown syscall with errno(EPERM)", "mkdir /srv/x; cat /etc/hostname; mkdir -m 700 /srv/y; exit 0", json), "inconclusive") << "clone3 is refused with ENOSYS: " << said_ << json.dump(1);
  const Json* denied = nullptr;
  for (const Json& one : json["denied"]) {
    EXPECT_FALSE(one["permitted_by_policy"].get<bool>()) << one.dump(1);
    if (one["event"].get<std::string>().rfind("mkdir(\"/srv/y\", ", 0) == 0) denied = &one;
  }
  ASSERT_NE(denied, nullptr) << json.dump(1);
  EXPECT_EQ((*denied)["process"].get<std::string>().rfind("mkdir[", 0), 0u) << denied->dump(1);
  EXPECT_EQ((*denied)["layers"], Json({"seccomp"}));
  EXPECT_NE((*denied)["by"].get<std::string>().find("default deny with errno(EPERM)"), std::string::npos) << denied->dump(1);
  EXPECT_EQ((*denied)["allow"], "allow syscall mkdir");
  EXPECT_EQ(Verify("gvisor", "unknown syscall with errno(EPERM)", "cat /etc/hostname", json), "passed") << said_ << json.dump(1);
  EXPECT_TRUE(json["denied"].empty()) << "of a run that needs nothing more: " << json.dump(1);
}

// What fails where every refusal is EPERM may fail for that: the rules with other answers are named.
TEST_F(Drivers, GvisorLeavesOpenWhatAnotherAnswerMayDecide) {
  if (const std::string why = WhyNot(DriverKind::kGvisor); !why.empty()) GTEST_SKIP() << "no guest kernel: driver gvisor: " << why;
  Json json;
  EXPECT_EQ(Verify("gvisor", "deny syscall mkdir with errno(EACCES)\n  unknown syscall with errno(EPERM)", "mkdir /srv/x", json), "inconclusive") << said_ << json.dump(1);
  EXPECT_NE(json.dump().find("errno(EACCES)"), std::string::npos) << json.dump(1);
}

// An unmodified kernel of a distribution.
TEST_F(Drivers, AVirtualMachineJudgesFilterAndProfile) {
  if (const std::string why = WhyNoVm(); !why.empty()) GTEST_SKIP() << "no guest kernel: driver vm: " << why;
  const std::string kernel = VmKernel();
  Json json;
  EXPECT_EQ(Verify("vm", "unknown syscall with errno(ENOSYS)", "cat /etc/hostname", json, {"--kernel", kernel}), "passed") << said_ << json.dump(1);
  for (const Json& set : json["layer_sets"]) EXPECT_EQ(set["verdict"], "passed") << json.dump(1);
  EXPECT_EQ(json["judge"].get<std::string>().rfind("a virtual machine's Linux ", 0), 0u);
  EXPECT_EQ(Verify("vm", "unknown syscall with errno(ENOSYS)", "mkdir /srv/ravelin-driver", json, {"--kernel", kernel}), "failed") << said_ << json.dump(1);
  EXPECT_FALSE(fs::exists("/srv/ravelin-driver")) << "what is run changes this machine";
}

// On each of two processors at the same time: what is permitted passes, and every refusal is recorded.
TEST_F(Drivers, AVirtualMachineOfTwoProcessors) {
  if (const std::string why = WhyNoVm(); !why.empty()) GTEST_SKIP() << "no guest kernel: driver vm: " << why;
  const std::string answers = "unknown syscall with errno(ENOSYS)\n  use std::runs(files = \"/usr/bin/taskset\")\n  use std::null_device\n  accept gap null_device wider on seccomp + apparmor because \"a device\"\n  allow syscall { sched_setaffinity, sched_getaffinity, rt_sigsuspend, pause }\n  allow file { read } on path(\"/sys/devices/system/cpu/online\")";
  Json json;
  EXPECT_EQ(Verify("vm", answers, "read -r all < /sys/devices/system/cpu/online; test \"$all\" = 0-1 || exit 1; taskset 1 cat /etc/hostname > /dev/null & taskset 2 cat /etc/hostname; wait", json, {"--kernel", VmKernel(), "--processors", "2"}), "passed") << said_ << json.dump(1);
  for (const Json& set : json["layer_sets"]) EXPECT_EQ(set["verdict"], "passed") << json.dump(1);
  Verify("vm", answers, "for i in 1 2 3 4 5; do taskset 1 mkdir /srv/a$i & taskset 2 mkdir /srv/b$i; wait; done; exit 0", json, {"--kernel", VmKernel(), "--processors", "2", "--expect", "any-output"});
  size_t refused = 0;
  for (const Json& one : json["denied"]) refused += one["event"].get<std::string>().find("create_dir") != std::string::npos ? one["count"].get<size_t>() : 0;
  EXPECT_EQ(refused, 10u) << "by AppArmor, alone: " << json.dump(1);
}

TEST_F(Drivers, ASystemOfItsOwnIsARoot) {
  if (!WhyNoGuest().empty()) GTEST_SKIP() << "no guest kernel: " << WhyNoGuest();
  const std::string root = fs::path(RAVELIN_BINARY).parent_path() / "deps" / "root";
  if (!fs::exists(root + "/.complete")) GTEST_SKIP() << "no guest kernel: no root of its own (tests/fetch_root.sh makes one)";
  Json json;
  EXPECT_EQ(Verify("uml", "unknown syscall with errno(ENOSYS)", "cat /etc/hostname", json, {"--root", root}), "passed") << said_ << json.dump(1);
  Verify("uml", "unknown syscall with errno(ENOSYS)", "cat /etc/debian_version", json, {"--root", root});
  EXPECT_EQ(json["verdict"], "failed") << said_ << json.dump(1);
  EXPECT_NE(json.dump().find("/etc/debian_version"), std::string::npos);
}

TEST_F(Drivers, SeveralJudgesEachGiveAVerdict) {
  if (!WhyNoGuest().empty()) GTEST_SKIP() << "no guest kernel: " << WhyNoGuest();
  if (const std::string why = WhyNot(DriverKind::kHost); !why.empty()) GTEST_SKIP() << "no guest kernel: driver host: " << why;
  Json json;
  Verify("uml,host", "unknown syscall with errno(ENOSYS)", "cat /etc/hostname", json);
  ASSERT_EQ(json.size(), 2u) << said_;
  EXPECT_EQ(json[0]["driver"], "uml");
  EXPECT_EQ(json[0]["verdict"], "passed") << json.dump(1);
  EXPECT_EQ(json[1]["driver"], "host");
}

}  // namespace
}  // namespace ravelin::kernels
