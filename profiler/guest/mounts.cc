// The guest's root: an overlay whose lower layer is the host's tree, seen through hostfs, and whose upper one is memory.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <set>

#include "profiler/guest/guest.h"

namespace ravelin::guest {
namespace {

bool Mount(const char* what, const std::string& on, const char* type, unsigned long flags, const std::string& options) {
  if (mount(what, on.c_str(), type, flags, options.c_str()) == 0) return true;
  Trouble(std::string("mount ") + type + " on " + on);
  return false;
}

// A folder of the host, seen at `on`.
bool ShowHost(const Job& job, const std::string& path, const std::string& on, const std::string& options) {
  if (!job.machine) return Mount("none", on, "hostfs", 0, path + options);
  if (mount(("/host" + path).c_str(), on.c_str(), nullptr, MS_BIND, nullptr) == 0) return true;
  Trouble("bind " + path + " on " + on);
  return false;
}

void MakeFolders(const std::string& path, mode_t mode) {
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) mkdir(path.substr(0, at).c_str(), 0755);
  mkdir(path.c_str(), mode);
}

// The path as it is inside of `root`, which is not entered yet: links lead to where they will, and never to what lies outside.
std::string Inside(const std::string& root, const std::string& path) {
  constexpr int kMostLinks = 40;  // as the kernel has it
  std::string done, rest = path;
  for (int links = 0; !rest.empty();) {
    const size_t begin = rest.find_first_not_of('/');
    if (begin == std::string::npos) break;
    const size_t end = std::min(rest.find('/', begin), rest.size());
    const std::string name = rest.substr(begin, end - begin);
    rest.erase(0, end);
    if (name == ".") continue;
    if (name == "..") {
      done.erase(done.empty() ? 0 : done.rfind('/'));
      continue;
    }
    char target[PATH_MAX];
    const ssize_t length = readlink((root + done + "/" + name).c_str(), target, sizeof target);
    if (length <= 0 || ++links > kMostLinks) {
      done += "/" + name;
      continue;
    }
    if (target[0] == '/') done.clear();
    rest.insert(0, "/" + std::string(target, static_cast<size_t>(length)));
  }
  return root + done;
}

// What the machine has there is not the run's.  What is mounted below stays, and the folders on the way to it.  Only in a root that was
// entered: before, a link in it leads out.
void Empty(const std::string& folder, dev_t device) {
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return Trouble("emptying " + folder);
  for (const dirent* entry = readdir(dir); entry != nullptr; entry = readdir(dir)) {
    const std::string name = entry->d_name;
    const std::string path = folder + "/" + name;
    struct stat status {};
    if (name == "." || name == ".." || lstat(path.c_str(), &status) != 0) continue;
    const bool is_folder = S_ISDIR(status.st_mode);
    if (is_folder && status.st_dev != device) continue;
    if (is_folder) Empty(path, device);
    if ((is_folder ? rmdir(path.c_str()) : unlink(path.c_str())) != 0 && errno != EBUSY && errno != ENOTEMPTY) Trouble("emptying " + folder);
  }
  closedir(dir);
}

void MakeEmpty(const std::string& folder) {
  MakeFolders(folder, 0755);
  struct stat status {};
  if (stat(folder.c_str(), &status) == 0) Empty(folder, status.st_dev);
}

bool IsBelow(const std::string& path, const std::string& folder) { return path == folder || path.rfind(folder == "/" ? folder : folder + "/", 0) == 0; }

// Each mount of the host's files is a file system of its own, with a label of its own for all in it.
class Regions {
 public:
  Regions(const Job& job, std::vector<std::string> lower) : job_(job), lower_(std::move(lower)) {}

  // Where the file of a label is that the tree `i` has.
  std::string Place(const std::string& path, size_t i) const {
    for (size_t n = 0; n < job_.regions.size(); ++n) {
      if (IsBelow(path, job_.regions[n].path) && path != job_.regions[n].path) return Name(n, i) + path.substr(job_.regions[n].path.size());
    }
    return lower_[i] + path;
  }

  // Before labels are given.
  bool Show(const std::vector<std::string>& trees) const {
    for (size_t n = 0; n < job_.regions.size(); ++n) {
      for (size_t i = 0; i < trees.size(); ++i) {
        if (!Has(n, i)) continue;
        mkdir(Name(n, i).c_str(), 0755);
        if (!ShowHost(job_, (trees[i] == "/" ? "" : trees[i]) + job_.regions[n].path, Name(n, i), ",fscontext=" + job_.regions[n].below)) return false;
      }
    }
    return true;
  }

  // Over the new root.
  bool Mount(const std::string& root) const {
    for (size_t n = 0; n < job_.regions.size(); ++n) {
      const Region& region = job_.regions[n];
      std::string folders;
      for (size_t i = 0; i < lower_.size(); ++i) {
        if (Has(n, i)) folders += (folders.empty() ? "" : ":") + Name(n, i);
      }
      const std::string own = job_.place + "/own" + std::to_string(n);
      for (const char* name : {"", "/upper", "/work"}) mkdir((own + name).c_str(), 0755);
      struct stat status {};  // the folder as it is before the mount hides it
      if (lstat((root + region.path).c_str(), &status) != 0 || chown((own + "/upper").c_str(), status.st_uid, status.st_gid) != 0 || chmod((own + "/upper").c_str(), status.st_mode & 07777) != 0) Trouble("mode of " + region.path);
      if (!guest::Mount("overlay", root + region.path, "overlay", 0, "lowerdir=" + folders + ",upperdir=" + own + "/upper,workdir=" + own + "/work")) return false;
      const std::string& itself = region.itself.empty() ? job_.default_label : region.itself;
      if (!itself.empty() && lsetxattr((root + region.path).c_str(), "security.selinux", itself.c_str(), itself.size() + 1, 0) != 0) Trouble("label of " + region.path);
    }
    return true;
  }

 private:
  std::string Name(size_t n, size_t i) const { return job_.place + "/region" + std::to_string(n) + "." + std::to_string(i); }
  bool Has(size_t n, size_t i) const {
    struct stat status {};
    return lstat((lower_[i] + job_.regions[n].path).c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  }

  const Job& job_;
  const std::vector<std::string> lower_;  // trees of the host, the first on top
};

// hostfs keeps no attributes, so a label lives in the inode in memory, and that as long as somebody holds it: the descriptors are never
// closed, and the limit stays raised (a program that is started gets its own, start.cc).  The host's file is not touched.
class Pins {
 public:
  explicit Pins(bool any) {
    const rlimit many{1 << 20, 1 << 20};
    if (any && setrlimit(RLIMIT_NOFILE, &many) != 0) Trouble("no room for labels");
  }
  ~Pins() { Say("labels", std::to_string(given_) + " given, " + std::to_string(missing_) + " without a file"); }
  Pins(const Pins&) = delete;
  Pins& operator=(const Pins&) = delete;

  // False where there is no such file.
  bool Give(const std::string& path, const Label& label) {
    const int file = open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) {
      if (errno != ENOENT && errno != ENOTDIR) Trouble("label of " + label.path);
      return false;
    }
    // By name: the way by /proc/self/fd makes two inodes for each label.
    if (lsetxattr(path.c_str(), "security.selinux", label.context.c_str(), label.context.size() + 1, 0) == 0) ++given_;
    else Trouble("label of " + label.path);
    return true;
  }
  void Miss() { ++missing_; }

 private:
  long given_ = 0;
  long missing_ = 0;
};

void MountDevices(const std::string& root, bool guest) {
  if (guest) Mount("dev", root + "/dev", "devtmpfs", 0, "");
  for (const char* name : {"/dev/pts", "/dev/shm", "/dev/mqueue"}) mkdir((root + name).c_str(), 0755);
  Mount("devpts", root + "/dev/pts", "devpts", 0, "ptmxmode=666");
  Mount("shm", root + "/dev/shm", "tmpfs", 0, "mode=1777");
  mount("mqueue", (root + "/dev/mqueue").c_str(), "mqueue", 0, "");
  const char* links[][2] = {{"/proc/self/fd", "/dev/fd"}, {"/proc/self/fd/0", "/dev/stdin"}, {"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"}};
  for (const auto& link : links) {
    if (symlink(link[0], (root + link[1]).c_str()) != 0 && errno != EEXIST) Trouble(std::string("link ") + link[1]);
  }
}

// On the machine's own kernel: its files as they are, and of its devices those that are nobody's.
void BindKernelFiles(const std::string& root) {
  Mount("proc", root + "/proc", "proc", 0, "");
  if (mount("/sys", (root + "/sys").c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) Trouble("bind /sys");
  Mount("dev", root + "/dev", "tmpfs", 0, "mode=755");
  for (const char* name : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}) {
    if (!WriteFile(AT_FDCWD, root + name, "") || mount(name, (root + name).c_str(), nullptr, MS_BIND, nullptr) != 0) Trouble(std::string("bind ") + name);
  }
}

}  // namespace

std::vector<Label> ReadLabels(const Job& job, int job_folder) {
  std::vector<Label> labels;
  std::string text;
  if (job.labels.empty()) return labels;
  if (!ReadFile(job_folder, job.labels, text)) Trouble("labels cannot be read");
  for (size_t at = 0; at < text.size();) {
    std::string parts[3];
    for (std::string& part : parts) {
      const size_t end = std::min(text.find('\0', at), text.size());
      part = text.substr(at, end - at);
      at = end + 1;
    }
    labels.push_back({parts[0], parts[1], parts[2]});
  }
  return labels;
}

void MountKernelFiles(const std::string& below) {
  Mount("proc", below + "/proc", "proc", 0, "");
  Mount("sys", below + "/sys", "sysfs", 0, "");
  Mount("security", below + "/sys/kernel/security", "securityfs", 0, "");
}

void LoadModules(const Job& job) {
  for (const std::string& path : job.modules) {
    const int file = open(("/host" + path).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 || (syscall(SYS_finit_module, file, "", 0) != 0 && errno != EEXIST)) Trouble("module " + path);
    if (file >= 0) close(file);
  }
}

bool EnterRoot(const Job& job, int job_folder, bool policy_loaded) {
  const std::string root = job.place + "/root";
  if (!Mount("upper", job.place, "tmpfs", 0, "size=85%,mode=755")) return false;
  for (const char* name : {"/upper", "/work", "/root", "/lower"}) mkdir((job.place + name).c_str(), 0755);
  const std::string label = policy_loaded && !job.default_label.empty() ? ",fscontext=" + job.default_label : "";
  if (job.guest && !ShowHost(job, job.root, job.place + "/lower", label)) return false;
  const std::vector<Label> labels = policy_loaded ? ReadLabels(job, job_folder) : std::vector<Label>();
  std::vector<std::string> covered = {"/proc", "/sys", "/dev"};
  covered.insert(covered.end(), job.tmpfs.begin(), job.tmpfs.end());
  for (const Input& input : job.inputs) covered.push_back(input.at);
  for (const File& file : job.files) covered.push_back(file.path);
  covered.insert(covered.end(), job.folders.begin(), job.folders.end());
  const auto is_covered = [&](const Label& one) { return std::any_of(covered.begin(), covered.end(), [&](const std::string& by) { return IsBelow(one.path, by); }); };
  std::vector<std::string> lower;
  for (size_t i = 0; i < job.layers.size(); ++i) {
    lower.push_back(job.guest ? job.place + "/layer" + std::to_string(i) : job.layers[i]);
    if (!job.guest) continue;
    mkdir(lower.back().c_str(), 0755);
    if (!ShowHost(job, job.layers[i], lower.back(), label)) return false;
  }
  lower.push_back(job.guest ? job.place + "/lower" : job.root);
  const Regions regions(job, lower);
  std::vector<std::string> trees = job.layers;
  trees.push_back(job.root);
  if (!regions.Show(trees)) return false;
  Pins pins(!labels.empty());
  std::vector<const Label*> later;  // of what the guest has for itself
  for (const Label& one : labels) {
    bool found = false;
    for (size_t i = 0; i < lower.size() && i < one.where.size() && !is_covered(one); ++i) found |= one.where[i] == '1' && pins.Give(regions.Place(one.path, i), one);
    if (!found) later.push_back(&one);
  }
  std::string folders;
  for (const std::string& below : lower) folders += (folders.empty() ? "" : ":") + below;
  if (!Mount("overlay", root, "overlay", 0, "lowerdir=" + folders + ",upperdir=" + job.place + "/upper,workdir=" + job.place + "/work") || !regions.Mount(root)) return false;
  for (const char* name : {"/proc", "/sys", "/dev", "/run"}) mkdir((root + name).c_str(), 0755);
  if (job.guest) MountKernelFiles(root);
  else BindKernelFiles(root);
  if (policy_loaded) Mount("selinux", root + "/sys/fs/selinux", "selinuxfs", 0, "");
  MountDevices(root, job.guest);
  for (const std::string& path : job.tmpfs) {
    const std::string at = Inside(root, path);
    MakeFolders(at, 0755);
    Mount("tmpfs", at, "tmpfs", 0, path == "/run" ? "mode=755" : "mode=1777");
  }
  for (const Input& input : job.inputs) {
    const std::string at = Inside(root, input.at);
    MakeFolders(at, 0755);
    if (job.guest) ShowHost(job, input.from, at, "");
    else if (mount(input.from.c_str(), at.c_str(), nullptr, MS_BIND, nullptr) != 0) Trouble("bind " + input.from);
  }
  // The old root goes where nothing of the new one is hidden, and goes away.
  if (chdir(root.c_str()) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) {
    Trouble("the new root cannot be entered");
    return false;
  }
  const std::set<std::string> made(job.folders.begin(), job.folders.end());
  for (const std::string& path : made) MakeEmpty(path);  // before those in it
  for (const File& file : job.files) {
    MakeFolders(file.path.substr(0, file.path.find_last_of('/')), 0755);
    std::string text;
    if (!ReadFile(job_folder, file.content, text) || !WriteFile(AT_FDCWD, file.path, text) || chmod(file.path.c_str(), file.mode) != 0) Trouble("file " + file.path);
  }
  for (const Label* one : later) {
    if (!pins.Give(one->path, *one)) pins.Miss();
  }
  for (const Input& input : job.inputs) {
    if (mount("none", input.at.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) Trouble("read-only " + input.at);
  }
  return true;
}

void PrepareNetwork() {
  if (sethostname("guest", 5) != 0) Trouble("host name");
  const int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (s < 0 || ioctl(s, SIOCSIFFLAGS, &request) != 0) Trouble("loopback interface");
  if (s >= 0) close(s);
}

}  // namespace ravelin::guest
