#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "profiler/recorder/recorder.h"

namespace ravelin::recorder {
namespace {

// Names what is not there yet, by its last path.
bool Creates(const Process& process) {
  switch (process.call.number) {
    case SYS_mkdir:
    case SYS_mkdirat:
    case SYS_mknod:
    case SYS_mknodat:
    case SYS_symlink:
    case SYS_symlinkat:
    case SYS_link:
    case SYS_linkat: return true;
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2: return true;
    case SYS_open:
    case SYS_openat:
    case SYS_openat2:
    case SYS_creat: return (process.flags & O_CREAT) != 0;
    default: return false;
  }
}

bool ChangesAttributes(const Call& call) { return call.number == SYS_chmod || call.number == SYS_fchmodat; }

// What open(2) and access(2) ask for: R_OK | W_OK.
int Wanted(const Process& process) {
  const Call& call = process.call;
  if (process.path_argument >= 0) {
    if ((process.flags & O_PATH) != 0) return 0;
    const uint64_t mode = process.flags & O_ACCMODE;
    return (mode != O_WRONLY ? R_OK : 0) | (mode != O_RDONLY || (process.flags & O_TRUNC) != 0 ? W_OK : 0);
  }
  if (call.number == SYS_access) return static_cast<int>(call.args[1] & 7);
  if (call.number == SYS_faccessat || call.number == SYS_faccessat2) return static_cast<int>(call.args[2] & 7);
  if (call.number == SYS_execve || call.number == SYS_execveat || call.number == SYS_chdir) return X_OK;
  return call.number == SYS_truncate ? W_OK : 0;
}

// As fs/namei.c acl_permission_check has it, without access control lists.
bool May(const Credentials& who, const Found& found, int wanted) {
  if (wanted == 0) return true;
  const bool folder = S_ISDIR(found.mode);
  if (who.overrides && ((wanted & X_OK) == 0 || folder || (found.mode & 0111) != 0)) return true;
  if (who.reads && (wanted & W_OK) == 0 && ((wanted & X_OK) == 0 || folder)) return true;
  bool member = who.group == found.group;
  for (const gid_t group : who.groups) member = member || group == found.group;
  const unsigned shift = who.user == found.user ? 6 : member ? 3 : 0;
  return ((found.mode >> shift) & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
}

int Refused(const Process& process, const Credentials& who, const Found& found, bool made) {
  const bool special = S_ISCHR(found.mode) || S_ISBLK(found.mode) || S_ISFIFO(found.mode) || S_ISSOCK(found.mode);
  const int wanted = Wanted(process);
  if (made && found.error != 0) {  // the folder takes a name
    if (found.read_only) return EROFS;
    return May(who, found, W_OK | X_OK) ? 0 : EACCES;
  }
  if (Removes(process.call)) {
    if (found.read_only) return EROFS;
    Found folder;
    folder.mode = found.folder_mode;
    folder.user = found.folder_user;
    folder.group = found.folder_group;
    return folder.mode == 0 || May(who, folder, W_OK | X_OK) ? 0 : EACCES;
  }
  if (ChangesAttributes(process.call)) return found.read_only ? EROFS : who.owns || who.user == found.user ? 0 : EPERM;
  if (!May(who, found, wanted)) return EACCES;
  return (wanted & W_OK) != 0 && found.read_only && !special ? EROFS : 0;
}

bool MayReplace(const Call& call) {
  constexpr uint64_t kNoReplace = 1;  // RENAME_NOREPLACE
  return call.number == SYS_rename || call.number == SYS_renameat || (call.number == SYS_renameat2 && (call.args[4] & kNoReplace) == 0);
}

int OfOpening(const Process& process, const Found& found) {
  if ((process.flags & O_CREAT) != 0 && (process.flags & O_EXCL) != 0) return EEXIST;
  if (S_ISLNK(found.mode)) return (process.flags & O_PATH) != 0 ? 0 : ELOOP;
  if ((process.flags & O_DIRECTORY) == O_DIRECTORY && !S_ISDIR(found.mode)) return ENOTDIR;
  if (S_ISDIR(found.mode) && ((process.flags & O_ACCMODE) != O_RDONLY || ((process.flags & O_CREAT) != 0))) return EISDIR;
  return S_ISSOCK(found.mode) && (process.flags & O_PATH) == 0 ? ENXIO : 0;
}

// What is there cannot be used so.
int OfExisting(const Process& process, const Found& found) {
  constexpr uint64_t kRemoveFolder = AT_REMOVEDIR;
  const Call& call = process.call;
  switch (call.number) {
    case SYS_open:
    case SYS_openat:
    case SYS_openat2:
    case SYS_creat: return OfOpening(process, found);
    case SYS_readlink:
    case SYS_readlinkat: return S_ISLNK(found.mode) ? 0 : EINVAL;
    case SYS_chdir:
    case SYS_chroot:
    case SYS_rmdir: return S_ISDIR(found.mode) ? 0 : ENOTDIR;
    case SYS_unlink: return S_ISDIR(found.mode) ? EISDIR : 0;
    case SYS_unlinkat: return (call.args[2] & kRemoveFolder) != 0 ? (S_ISDIR(found.mode) ? 0 : ENOTDIR) : S_ISDIR(found.mode) ? EISDIR : 0;
    case SYS_execve:
    case SYS_execveat: return S_ISREG(found.mode) && (found.mode & 0111) != 0 ? 0 : EACCES;
    default: return 0;
  }
}

// What terminals alone know, asked of something else; whether it is one, programs ask of all that they read and write.
bool AsksATerminal(const Process& process) {
  if (process.call.number != SYS_ioctl || process.descriptor.empty()) return false;
  switch (static_cast<uint32_t>(process.call.args[1])) {
    case TCGETS:
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TIOCGPGRP:
    case TIOCSPGRP:
    case TIOCGWINSZ: break;
    default: return false;
  }
  for (const char* terminal : {"/dev/pts/", "/dev/tty", "/dev/console", "/dev/ptmx"}) {
    if (process.descriptor.rfind(terminal, 0) == 0) return false;
  }
  return true;
}

}  // namespace

int ExpectedError(const Process& process, const Credentials& credentials) {
  if (AsksATerminal(process)) return ENOTTY;
  const bool creates = Creates(process);
  int last = -1;
  for (int i = 0; i < 6; ++i) {
    if (!process.found[i].path.empty()) last = i;
  }
  for (int i = 0; i <= last; ++i) {
    const Found& found = process.found[i];
    if (found.path.empty()) continue;
    const bool made = creates && i == last;
    if ((process.call.number == SYS_symlink || process.call.number == SYS_symlinkat) && !made) continue;  // any text
    if (found.error != 0 && !(made && found.placed && found.error == ENOENT)) return found.error;
    const bool opening = process.path_argument >= 0;
    if (made && !opening && found.error == 0 && !MayReplace(process.call)) return EEXIST;
    if (found.error == 0 && found.mode != 0 && (!made || opening)) {
      if (const int error = OfExisting(process, found); error != 0) return error;
    }
    if (found.mode == 0) continue;
    if (const int error = Refused(process, credentials, found, made); error != 0) return error;
  }
  return 0;
}

}  // namespace ravelin::recorder
