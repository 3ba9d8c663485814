// Policies into the kernel.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "profiler/guest/guest.h"

namespace ravelin::guest {
namespace {

constexpr const char* kApparmor = "/sys/kernel/security/apparmor";

// As apparmor_parser reads it: `name {...}` for a folder, the content for a file.
void Features(const std::string& folder, std::string& out) {
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return;
  std::vector<std::string> names;
  for (const dirent* entry = readdir(dir); entry != nullptr; entry = readdir(dir)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  closedir(dir);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) continue;
    out += name + " {";
    if (S_ISDIR(status.st_mode)) Features(path, out);
    else ReadFile(AT_FDCWD, path, out);
    out += "}\n";
  }
}

}  // namespace

Modules ActiveModules() {
  std::string names;
  ReadFile(AT_FDCWD, "/sys/kernel/security/lsm", names);
  Say("lsm", names);
  names = "," + names + ",";
  return {names.find(",selinux,") != std::string::npos, names.find(",apparmor,") != std::string::npos};
}

bool LoadPolicy(const Job& job, int job_folder) {
  if (job.policy.empty()) return true;
  std::string policy;
  if (!ReadFile(job_folder, job.policy, policy)) {
    Trouble("the SELinux policy cannot be read");
    return false;
  }
  if (mount("selinux", "/sys/fs/selinux", "selinuxfs", 0, "") != 0 || !WriteExisting("/sys/fs/selinux/load", policy)) {
    Trouble("the kernel does not load the SELinux policy");
    return false;
  }
  if (!job.launcher.empty() && !WriteExisting("/proc/self/attr/current", job.launcher)) {
    Trouble("no process can run as " + job.launcher);
    return false;
  }
  return true;
}

bool LoadProfiles(const Job& job, int job_folder) {
  if (job.profiles.empty()) return true;
  std::string binary;
  if (!ReadFile(job_folder, job.profiles, binary)) {
    Trouble("the AppArmor profiles cannot be read");
    return false;
  }
  if (WriteExisting(std::string(kApparmor) + "/.replace", binary)) return true;
  Trouble("the kernel does not load the AppArmor profiles");
  return false;
}

void UnloadProfiles(const Job& job) {
  for (const std::string& name : job.unload) {
    if (!WriteExisting(std::string(kApparmor) + "/.remove", name)) Trouble("profile " + name + " stays loaded");
  }
}

std::string ApparmorFeatures() {
  std::string out;
  Features(std::string(kApparmor) + "/features", out);
  return out;
}

}  // namespace ravelin::guest
