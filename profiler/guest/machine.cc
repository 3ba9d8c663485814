// What a virtual machine has to do before it is as far as a User-Mode Linux is at its start.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "profiler/guest/guest.h"

namespace ravelin::guest {
namespace {

constexpr int kCompressed = 4;  // MODULE_INIT_COMPRESSED_FILE of linux/module.h

void LoadFirstModules() {
  std::vector<std::string> names;
  if (DIR* dir = opendir("/modules"); dir != nullptr) {
    for (const dirent* entry = readdir(dir); entry != nullptr; entry = readdir(dir)) {
      if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    closedir(dir);
  }
  std::sort(names.begin(), names.end());  // each behind what it depends on
  for (const std::string& name : names) {
    const bool plain = name.size() > 3 && name.compare(name.size() - 3, 3, ".ko") == 0;
    const int file = open(("/modules/" + name).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 || (syscall(SYS_finit_module, file, "", plain ? 0 : kCompressed) != 0 && errno != EEXIST)) Trouble("module " + name);
    if (file >= 0) close(file);
  }
}

}  // namespace

void LeaveFirstFiles() {
  LoadFirstModules();
  // The kernel's first root can neither be left nor unmounted: a root of our own goes over it.
  if (mount("first", "/new", "tmpfs", 0, "mode=755") != 0 || chdir("/new") != 0 || mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 || chroot(".") != 0) Trouble("a root of its own");
  for (const char* name : {"/mnt", "/proc", "/sys", "/host", "/job", "/dev"}) mkdir(name, 0755);
  mount("proc", "/proc", "proc", 0, "");
}

bool MountShare(const char* tag, const std::string& on, bool read_only) {
  // What is read only is kept: the host's files do not change for one job.
  const std::string all = std::string("trans=virtio,version=9p2000.L,msize=262144") + (read_only ? ",cache=loose" : "");
  if (mount(tag, on.c_str(), "9p", read_only ? MS_RDONLY : 0, all.c_str()) == 0) return true;
  Trouble(std::string("mount of the share ") + tag);
  return false;
}

}  // namespace ravelin::guest
