// What a virtual machine boots: the kernel that is found, and its first files.
#include "profiler/kernels/vm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "compiler/base/source.h"
#include "profiler/kernels/initramfs.h"

namespace ravelin::kernels {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Vm : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/ravelin-vm.XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Put(const std::string& name, const std::string& content) {
    fs::create_directories(fs::path(folder_ + name).parent_path());
    ASSERT_TRUE(source::WriteFile(folder_ + name, content));
  }
  // A header with the version's text where a bzImage has it.
  static std::string Image(const std::string& release) {
    std::string image(0x1000, '\0');
    image.replace(0x202, 4, "HdrS");
    image[0x20e] = '\0';
    image[0x20f] = 4;
    const std::string text = release + " (somebody) #1 SMP";
    image.replace(0x600, text.size(), text);
    return image;
  }
  static std::string ModuleText(const std::string& depends) { return std::string("ELF\0license=GPL\0depends=", 24) + depends + std::string("\0rest\0", 6); }

  std::string folder_;
};

// Names of the archive's members, in their order.
std::vector<std::string> Members(const std::string& archive) {
  std::vector<std::string> names;
  for (size_t at = 0; at + 110 <= archive.size();) {
    const size_t size = std::stoul(archive.substr(at + 54, 8), nullptr, 16);
    const size_t name_size = std::stoul(archive.substr(at + 94, 8), nullptr, 16);
    EXPECT_EQ(archive.compare(at, 6, "070701"), 0);
    names.push_back(archive.substr(at + 110, name_size - 1));
    at = (at + 110 + name_size + 3) / 4 * 4;
    at = (at + size + 3) / 4 * 4;
  }
  return names;
}

TEST_F(Vm, TheKernelIsKnownByItsHeader) {
  Put("/boot/vmlinuz-x", Image("6.9.1-test"));
  const auto without = FindKernelImage(folder_ + "/boot/vmlinuz-x");
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message, HasSubstr("the modules of 6.9.1-test are neither beside"));
  fs::create_directories(folder_ + "/lib/modules/6.9.1-test/kernel");
  const auto found = FindKernelImage(folder_ + "/boot/vmlinuz-x");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->release, "6.9.1-test");
  EXPECT_EQ(found->modules, folder_ + "/lib/modules/6.9.1-test");
  for (const std::string& wrong : {std::string("no kernel"), std::string(), std::string(0x1000, 'x')}) {
    Put("/boot/wrong", wrong);
    const auto refused = FindKernelImage(folder_ + "/boot/wrong");
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("is no kernel that a virtual machine boots"));
  }
}

TEST_F(Vm, ModulesComeBehindWhatTheyNeed) {
  const std::string modules = "/lib/modules/6.9.1-test";
  Put(modules + "/kernel/fs/9p/9p.ko", ModuleText("9pnet,netfs"));
  Put(modules + "/kernel/net/9p/9pnet.ko", ModuleText(""));
  Put(modules + "/kernel/net/9p/9pnet_virtio.ko", ModuleText("9pnet,virtio_ring"));
  Put(modules + "/kernel/fs/netfs.ko", ModuleText("fs-cache"));
  Put(modules + "/kernel/fs/fs_cache.ko.xz", "compressed");
  Put(modules + "/modules.builtin", "kernel/drivers/virtio/virtio-ring.ko\n");
  const KernelImage kernel{"", "6.9.1-test", folder_ + modules};
  std::vector<std::string> missing;
  const auto archive = MakeInitramfs(kernel, "init's bytes", {"9pnet_virtio", "9p", "af_none"}, missing);
  ASSERT_TRUE(archive) << archive.error().message;
  EXPECT_THAT(Members(*archive), ElementsAre("init", "modules", "proc", "new", "modules/000-9pnet.ko", "modules/001-9pnet_virtio.ko", "modules/002-fs_cache.ko.xz", "modules/003-netfs.ko", "modules/004-9p.ko", "TRAILER!!!"));
  EXPECT_THAT(missing, ElementsAre("af_none"));
  EXPECT_THAT(*archive, HasSubstr("init's bytes"));
}

}  // namespace
}  // namespace ravelin::kernels
