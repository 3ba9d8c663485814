// Single files of the kernel's own file systems.
//
// A file there has the label of the longest genfscon entry that its path below the mount begins with (linux-source-6.1
// security/selinux/ss/services.c __security_genfs_sid; hooks.c selinux_genfs_get_sid).  Links there have the file system's, and what is below
// /proc/PID the process's, but for /proc/PID/net (hooks.c inode_doinit_with_dentry, selinux_task_to_inode).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace ravelin::selinux {

struct KernelFileSystem {
  std::string_view name;     // as genfscon has it
  std::string_view mount;    // where it is expected
  std::string_view context;  // of base/standalone.cil
};
inline constexpr std::array<KernelFileSystem, 2> kKernelFileSystems = {{{"proc", "/proc", "proc_context"}, {"sysfs", "/sys", "sysfs_context"}}};

// What a name there may go on with (names that kernel 6.1 makes in /proc and /sys: those of C, of devices, and addresses).
inline constexpr std::string_view kNameCharacters = "/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-.,:@+=#";

// The paths that the pattern matches, where it is one, or a few in braces; else none.
std::vector<std::string> SinglePaths(const std::string& pattern);

// Below the mount, by a name of these characters, and not below a process.
bool IsBelow(const std::string& path, const KernelFileSystem& there);

// Of all patterns of a policy: what a standalone policy labels, sorted.  Each takes as many entries as a name has characters to go on with, and a kernel compares
// every name with all of them: of more than kMostSingleFiles the rest keeps the file system's label.
inline constexpr size_t kMostSingleFiles = 64;
std::vector<std::string> LabelledFiles(const std::vector<std::string>& patterns);

}  // namespace ravelin::selinux
