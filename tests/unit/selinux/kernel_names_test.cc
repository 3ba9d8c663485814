// Single files of /proc and /sys: labelled in a standalone policy, by entries that are each proved.
#include <gmock/gmock.h>

#include <sstream>

#include "backends/selinux/emit.h"
#include "backends/selinux/lower.h"
#include "backends/selinux/paths/single.h"
#include "tests/unit/selinux/compiled_module.h"

namespace ravelin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(KernelNames, AreOfPatternsThatMatchAFewPaths) {
  EXPECT_THAT(selinux::SinglePaths("/proc/stat"), ElementsAre("/proc/stat"));
  EXPECT_THAT(selinux::SinglePaths("/proc/sys/vm/{a,b{c,}}"), ElementsAre("/proc/sys/vm/a", "/proc/sys/vm/b", "/proc/sys/vm/bc"));
  EXPECT_THAT(selinux::SinglePaths("/proc/[0-9]*/stat"), IsEmpty());
  EXPECT_THAT(selinux::SinglePaths("/sys/**"), IsEmpty());
  const auto [proc, sysfs] = selinux::kKernelFileSystems;
  EXPECT_TRUE(selinux::IsBelow("/proc/stat", proc));
  EXPECT_TRUE(selinux::IsBelow("/sys/devices/system/cpu/online", sysfs));
  EXPECT_FALSE(selinux::IsBelow("/proc", proc));
  EXPECT_FALSE(selinux::IsBelow("/process/stat", proc));
  EXPECT_FALSE(selinux::IsBelow("/proc/1/stat", proc)) << "that has the type of the process";
  EXPECT_FALSE(selinux::IsBelow("/proc/a b", proc));
  EXPECT_FALSE(selinux::IsBelow("/proc/net/dev", proc)) << "a link to what each process has";
  EXPECT_FALSE(selinux::IsBelow("/proc//stat", proc));
  EXPECT_FALSE(selinux::IsBelow("/proc/sys/", proc));
  std::vector<std::string> many;
  for (int i = 100; i < 400; ++i) many.push_back("/sys/n" + std::to_string(i));
  EXPECT_EQ(selinux::LabelledFiles(many).size(), selinux::kMostSingleFiles);
}

struct Standalone {
  ir::Policy policy = testing::PolicyOf(testing::SelinuxSource("  allow file { read } on path(\"/proc/sys/kernel/panic\", \"/proc/sys/kernel/panic_on_oops\", \"/sys/devices/system/cpu/online\", \"/proc/[0-9]*/stat\")\n  allow file { write } on path(\"/proc/sys/kernel/**\")\n"));
  selinux::Module module = selinux::Lower(policy, {"web", 0, {}}).value();
  selinux::Emitted emitted = selinux::Emit(module, selinux::Form::kStandalone);

  std::optional<selinux::ProofResult> Proof(const std::string& cil) const { return testing::ProofOf(policy, selinux::StandaloneBase({module.policy_capabilities.begin(), module.policy_capabilities.end()}) + cil, emitted.file_contexts); }
};

TEST(KernelNames, HaveTheTypeOfTheirPatterns) {
  const Standalone s;
  const auto proof = s.Proof(s.emitted.cil);
  ASSERT_TRUE(proof && proof->proved) << (proof && !proof->differences.empty() ? proof->differences.front().text : "");
  EXPECT_THAT(s.emitted.cil, HasSubstr("(genfscon proc \"/sys/kernel/panic\" (system_u object_r web_proc_sys_kernel_panic"));
  EXPECT_THAT(s.emitted.cil, HasSubstr("(genfscon proc \"/sys/kernel/panic/\" proc_context)"));
  EXPECT_THAT(s.emitted.cil, HasSubstr("(genfscon proc \"/sys/kernel/panicX\" proc_context)"));
  EXPECT_THAT(s.emitted.cil, Not(HasSubstr("[0-9]\" (system_u")));
  EXPECT_THAT(selinux::Emit(s.module, selinux::Form::kModule).cil, Not(HasSubstr("genfscon"))) << "the host labels its files itself";
}

// Each entry, left out or of another type, is told by the proof.
TEST(KernelNames, AreProvedEachByItself) {
  const Standalone s;
  size_t entries = 0;
  const std::string word = "(genfscon ";
  for (size_t at = s.emitted.cil.find(word); at != std::string::npos; at = s.emitted.cil.find(word, at + 1)) {
    const size_t end = s.emitted.cil.find_first_of("\n", at);
    const size_t close = std::min(end, s.emitted.cil.find(")(genfscon", at) + 1);
    ++entries;
    if (entries > 6 && entries % 17 != 0) continue;  // those that give a label back are alike
    const std::string without = s.emitted.cil.substr(0, at) + s.emitted.cil.substr(close);
    const auto proof = s.Proof(without);
    EXPECT_TRUE(proof && !proof->proved) << s.emitted.cil.substr(at, close - at);
  }
  EXPECT_GT(entries, 200u);
  // A label that is neither ours nor the file system's.
  std::string other = s.emitted.cil;
  const std::string back = "(genfscon proc \"/sys/kernel/panic/\" proc_context)";
  ASSERT_NE(other.find(back), std::string::npos);
  other.replace(other.find(back), back.size(), "(genfscon proc \"/sys/kernel/panic/\" tmpfs_context)");
  const auto changed = s.Proof(other);
  EXPECT_TRUE(changed && !changed->proved);
  // A folder's worth of names that nobody granted.
  for (const char* more : {"(genfscon proc \"/sys/kernel\" (system_u object_r web_proc_sys_kernel_panic_t ((s0) (s0))))\n", "(genfscon proc \"/kcore\" (system_u object_r web_proc_sys_kernel_panic_t ((s0) (s0))))\n", "(genfscon debugfs \"/\" (system_u object_r web_proc_sys_kernel_panic_t ((s0) (s0))))\n"}) {
    ASSERT_NE(s.emitted.cil.find("web_proc_sys_kernel_panic_t"), std::string::npos);
    const auto proof = s.Proof(s.emitted.cil + more);
    EXPECT_TRUE(proof && !proof->proved) << more;
  }
}

}  // namespace
}  // namespace ravelin
