// Attacks from inside of a service: code of an intruder, run by the very program and in the very domain that the policy is for.  Each succeeds
// unconfined in the same kernel, and must be refused under both layer sets, by a layer that says so.
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/base/source.h"
#include "profiler/kernels/process.h"
#include "tests/guest/guest.h"

namespace ravelin::kernels {
namespace {

using Json = nlohmann::json;

struct Attack {
  const char* name;
  const char* code;  // ends with status 0 where it succeeds
};

constexpr Attack kAttacks[] = {
    {"ReadsShadow", "open('/etc/shadow').read()"},
    {"WritesOutside", "open('/root/owned','w').write('x')"},
    {"StartsAShell", "import os; os.execv('/bin/sh',['sh','-c','true'])"},
    {"OpensAPacketSocket", "import socket; socket.socket(17,3,0)"},
    {"Mounts", "import ctypes; l=ctypes.CDLL(None,use_errno=True); assert l.mount(b'x',b'/mnt',b'tmpfs',0,0)==0"},
    {"MakesAUserNamespace", "import ctypes; assert ctypes.CDLL(None).unshare(0x10000000)==0"},
    {"TracesAChild", "import os,ctypes\np=os.fork()\nif p==0:\n import time; time.sleep(1); os._exit(0)\nassert ctypes.CDLL(None).ptrace(16,p,0,0)==0"},
    {"RunsFromMemory", "import os; f=os.memfd_create('x',0); os.write(f,open('/bin/true','rb').read()); os.execv('/proc/self/fd/%d'%f,['x'])"},
    {"LoadsBpf", "import ctypes; a=(ctypes.c_char*64)(); a[0]=1; a[4]=4; a[8]=4; a[12]=1; assert ctypes.CDLL(None).syscall(321,0,a,64)>=0"},
};

class Attacks : public testing::TestWithParam<Attack> {};

TEST_P(Attacks, AreRefusedByALayer) {
  if (!WhyNoGuest().empty()) GTEST_SKIP() << "no guest kernel: " << WhyNoGuest();
  if (!std::filesystem::exists("/usr/bin/python3.11")) GTEST_SKIP() << "this machine has no /usr/bin/python3.11";
  const std::string policy = std::string(RAVELIN_SOURCE_DIR) + "/policies/apps/python_web.rav";
  char report[] = "/tmp/ravelin-attack.XXXXXX";
  ASSERT_GE(mkstemp(report), 0);
  const auto run = RunProcess({"env", RAVELIN_BINARY, "verify", policy, "--format", "json", "-o", report, "--directory", "/", "--", "python3", "-c", GetParam().code}, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, 120000);
  ASSERT_TRUE(run);
  ASSERT_EQ(run->exit_code, 1) << run->output;
  const Json json = Json::parse(*source::ReadFile(report));
  std::filesystem::remove(report);
  size_t judged = 0;
  for (const Json& set : json["layer_sets"]) {
    if (set["layers"].size() < 2) continue;
    ++judged;
    EXPECT_EQ(set["verdict"], "failed") << set.dump(1);
    EXPECT_NE(set["reasons"].dump().find("unconfined it ended with status 0"), std::string::npos) << "it does not succeed unconfined: " << set.dump(1);
    EXPECT_GT(set["refusals"], 0) << "nobody says that it was refused: " << set.dump(1);
  }
  EXPECT_EQ(judged, 2u);
}

std::vector<Attack> Chosen() {
  if (std::getenv("RAVELIN_APPS") == nullptr) return {kAttacks[0], kAttacks[2]};
  return {std::begin(kAttacks), std::end(kAttacks)};
}

INSTANTIATE_TEST_SUITE_P(Python, Attacks, testing::ValuesIn(Chosen()), [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ravelin::kernels
