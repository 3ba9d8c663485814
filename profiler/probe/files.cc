// Attempts on files.
#include "compiler/kernel/view.h"
#include "profiler/probe/catalogue.h"

namespace ravelin::probe {
namespace {

using Calls = std::vector<Call>;

Operand Here() { return Number(static_cast<uint64_t>(-100)); }  // AT_FDCWD
Operand None() { return Number(0); }
constexpr uint64_t kAnybody = 0xffffffff;

Call Open(const std::string& path, uint64_t flags, uint64_t kind, bool owner) { return CallOf("openat", {Here(), Text(path), Number(flags), None()}, File(path, kind, owner)); }

Calls Stat(const std::string& path, bool owner) { return {CallOf("newfstatat", {Here(), Text(path), Page(), None()}, File(path, 0, owner))}; }
Calls Traverse(const std::string& path, bool owner) { return {CallOf("chdir", {Text(path)}, File(path, 1, owner))}; }
Calls Read(const std::string& path, bool owner) { return {Open(path, 0, 0, owner)}; }
Calls List(const std::string& path, bool owner) { return {Open(path, 0x10000, 1, owner)}; }
Calls Write(const std::string& path, bool owner) { return {Open(path, 1, 0, owner)}; }
Calls Append(const std::string& path, bool owner) { return {Open(path, 0x401, 0, owner)}; }
Calls Exec(const std::string& path, bool owner) { return {CallOf("execve", {Text(path), Arguments(), None()}, File(path, 0, owner))}; }
Calls Chmod(const std::string& path, bool owner) { return {CallOf("fchmodat", {Here(), Text(path), Number(0666)}, File(path, 0, owner))}; }
// To root, whose it is; with no owner at all SELinux would be asked for `write`.
Calls Chown(const std::string& path, bool owner) { return {CallOf("fchownat", {Here(), Text(path), Number(0), Number(kAnybody), None()}, File(path, 0, owner))}; }
Calls Now(const std::string& path, bool owner) { return {CallOf("utimensat", {Here(), Text(path), None(), None()}, File(path, 0, owner))}; }
Calls Times(const std::string& path, bool owner) { return {CallOf("utimensat", {Here(), Text(path), Page(), None()}, File(path, 0, owner))}; }
// One whose value is judged after whoever sets it.
Calls Attribute(const std::string& path, bool owner) { return {CallOf("setxattr", {Text(path), Text("system.posix_acl_access"), Page(), Number(4), None()}, File(path, 0, owner))}; }
// One that its users give it: SELinux asks `write` as well (fs/xattr.c xattr_permission), which such a rule is granted without `open`.
Calls UsersAttribute(const std::string& path, bool owner) { return {CallOf("setxattr", {Text(path), Text("user.ravelin"), Page(), Number(4), None()}, File(path, 0, owner))}; }
Calls Truncate(const std::string& path, bool owner) { return {CallOf("truncate", {Text(path), None()}, File(path, 0, owner))}; }
Calls Lock(const std::string& path, bool owner) { return {Open(path, 0, 0, owner), CallOf("flock", {ResultOf(0), Number(1 | 4)}, File(path, 0, owner))}; }  // LOCK_SH | LOCK_NB
// However it was opened; AppArmor asks `w` (semantics 7.13).
Calls LockAlone(const std::string& path, bool owner) { return {Open(path, 0, 0, owner), AlsoBy("apparmor", CallOf("flock", {ResultOf(0), Number(2 | 4)}, File(path, 0, owner)), {Ask("file", "write", File(path, 0, owner))})}; }  // LOCK_EX | LOCK_NB
Calls LockRange(const std::string& path, bool owner) { return {Open(path, 0, 0, owner), CallOf("fcntl", {ResultOf(0), Number(6), Page()}, File(path, 0, owner))}; }  // F_SETLK, F_RDLCK, all of it
Calls Map(const std::string& path, bool owner) { return {Open(path, 0, 0, owner), CallOf("mmap", {None(), Number(4096), Number(1 | 4), Number(2), ResultOf(0), None()}, File(path, 0, owner))}; }
Calls Watch(const std::string& path, bool owner) { return {CallOf("inotify_init1", {None()}), CallOf("inotify_add_watch", {ResultOf(0), Text(path), Number(4)}, File(path, 0, owner))}; }  // IN_ATTRIB
Calls Delete(const std::string& path, bool owner) { return {CallOf("unlinkat", {Here(), Text(path), None()}, File(path, 0, owner))}; }
Calls Make(const std::string& path, uint64_t mode, uint64_t kind, bool owner) { return {CallOf("mknodat", {Here(), Text(path), Number(mode | 0644), None()}, File(path, kind, owner))}; }
Calls MakeFile(const std::string& path, bool owner) { return Make(path, 0100000, 0, owner); }
Calls MakeFifo(const std::string& path, bool owner) { return Make(path, 0010000, 6, owner); }
Calls MakeSocket(const std::string& path, bool owner) { return Make(path, 0140000, 5, owner); }
// Devices are made by whoever has the capability; 1:3 is /dev/null, 7:0 a loop.
Calls MakeDevice(const std::string& path, uint64_t mode, uint64_t device, uint64_t kind, bool owner) { return {Also(CallOf("mknodat", {Here(), Text(path), Number(mode | 0644), Number(device)}, File(path, kind, owner)), {Ask("capability", "mknod")})}; }
Calls MakeChar(const std::string& path, bool owner) { return MakeDevice(path, 0020000, 0x103, 3, owner); }
Calls MakeBlock(const std::string& path, bool owner) { return MakeDevice(path, 0060000, 0x700, 4, owner); }
// What root may do to files by a capability: give them away, change another's, open what nobody may.
Calls Give(const std::string& path, bool owner) { return {Also(CallOf("fchownat", {Here(), Text(path), Number(1), Number(1), None()}, File(path, 0, owner)), {Ask("capability", "chown")})}; }
Calls ChangeAnothers(const std::string& path, bool) { return {Also(CallOf("fchmodat", {Here(), Text(path), Number(0666)}, File(path, 0, false)), {Ask("capability", "fowner")})}; }
Calls OpenClosed(const std::string& path, bool owner) { return {Also(Open(path, 1, 0, owner), {Ask("capability", "dac_override")})}; }
Calls Lease(const std::string& path, bool) { return {Open(path, 0, 0, false), Also(CallOf("fcntl", {ResultOf(0), Number(1024), None()}, File(path, 0, false)), {Ask("capability", "lease")})}; }  // F_SETLEASE, F_RDLCK
Calls Capabilities(const std::string& path, bool owner) {
  const std::string value = std::string("\0\0\0\2", 4) + std::string(16, '\0');  // VFS_CAP_REVISION_2, none
  return {Also(CallOf("setxattr", {Text(path), Text("security.capability"), Bytes(value), Number(20), None()}, File(path, 0, owner)), {Ask("capability", "setfcap")})};
}
Calls MakeFolder(const std::string& path, bool owner) { return {CallOf("mkdirat", {Here(), Text(path), Number(0755)}, File(path, 1, owner))}; }
Calls MakeLink(const std::string& path, bool owner) { return {CallOf("symlinkat", {Text("x"), Here(), Text(path)}, File(path, 2, owner))}; }

}  // namespace

const std::vector<FileVerb>& FileVerbs() {
  using N = FileVerb::Needs;
  static const std::vector<FileVerb> verbs = {
      {"stat", "file", "getattr", N::kFile, false, false, Stat},
      {"traverse", "file", "traverse", N::kFolder, false, false, Traverse},
      {"read", "file", "read", N::kFile, false, false, Read},
      {"list", "file", "list", N::kFolder, false, false, List},
      {"write", "file", "write", N::kFile, false, false, Write},
      {"append", "file", "append", N::kFile, false, false, Append},
      {"exec", "exec", "exec", N::kProgram, false, false, Exec},
      {"lock", "file", "lock", N::kFile, false, false, Lock},
      {"lock alone", "file", "lock", N::kFile, false, false, LockAlone},
      {"lock a range", "file", "lock", N::kFile, false, false, LockRange},
      {"map_exec", "file", "map_exec", N::kFile, false, false, Map},
      {"watch", "file", "watch", N::kFile, false, false, Watch},
      {"setattr", "file", "setattr", N::kFile, false, true, Chmod},
      {"chown", "file", "setattr", N::kFile, false, true, Chown},
      {"now", "file", "utimes", N::kFile, false, false, Now},
      {"times", "file", "utimes", N::kFile, false, true, Times},
      {"xattr", "file", "xattr", N::kFile, false, true, Attribute, true},
      {"xattr of users", "file", "xattr", N::kFile, false, true, UsersAttribute, true, std::nullopt, std::nullopt, true},
      {"give", "file", "setattr", N::kFile, false, true, Give, false, std::nullopt, 0},
      {"change another's", "file", "setattr", N::kFile, false, true, ChangeAnothers, false, std::nullopt, 1},
      {"open closed", "file", "write", N::kFile, false, true, OpenClosed, false, 0, std::nullopt},
      {"lease", "file", "lock", N::kFile, false, true, Lease, true, std::nullopt, 1},
      {"capabilities", "file", "xattr", N::kFile, false, true, Capabilities, true, std::nullopt, std::nullopt},
      {"truncate", "file", "truncate", N::kFile, false, false, Truncate},
      {"delete", "file", "delete", N::kFile, true, false, Delete},
      {"create", "file", "create", N::kNothing, true, false, MakeFile},
      {"create_fifo", "file", "create_fifo", N::kNothing, true, false, MakeFifo},
      {"create_socket", "file", "create_socket", N::kNothing, true, false, MakeSocket},
      {"create_char", "file", "create_char", N::kNothing, true, false, MakeChar},
      {"create_block", "file", "create_block", N::kNothing, true, false, MakeBlock},
      {"create_dir", "file", "create_dir", N::kNothing, true, false, MakeFolder},
      {"create_symlink", "file", "create_symlink", N::kNothing, true, false, MakeLink},
  };
  return verbs;
}

std::vector<Call> IoctlCalls(const std::string& path, uint64_t command, bool owner) {
  constexpr uint64_t kBlockOf = 1;  // FIBMAP
  Call call = CallOf("ioctl", {ResultOf(0), Number(command), Page()}, File(path, 0, owner));
  return {Open(path, 0, 0, owner), command == kBlockOf ? Also(std::move(call), {Ask("capability", "sys_rawio")}) : call};
}

std::vector<Call> RenameCalls(const std::string& from, const std::string& to, bool owner) {
  Call call = CallOf("renameat", {Here(), Text(from), Here(), Text(to)});
  return {Also(std::move(call), {Ask("file", "rename_from", File(from, 0, owner)), Ask("file", "rename_to", File(to, 0, owner))})};
}

std::vector<Call> LinkCalls(const std::string& old_name, const std::string& new_name, bool owner) {
  Object object = File(new_name, 0, owner);
  object.texts["target"] = old_name;
  return {CallOf("linkat", {Here(), Text(old_name), Here(), Text(new_name), None()}, object)};
}

}  // namespace ravelin::probe
