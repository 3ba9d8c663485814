#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "profiler/recorder/recorder.h"

namespace ravelin::recorder {
namespace {

constexpr uint64_t kCreate = O_CREAT;
#ifndef SYS_fchmodat2
constexpr uint64_t SYS_fchmodat2 = 452;
#endif

}  // namespace

bool LeavesLink(const Call& call, uint64_t flags) {
  constexpr uint64_t kNoFollow = AT_SYMLINK_NOFOLLOW;
  switch (call.number) {
    case SYS_open:
    case SYS_openat:
    case SYS_openat2: return (flags & O_NOFOLLOW) != 0 || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    case SYS_statx: return (call.args[2] & kNoFollow) != 0;
    case SYS_newfstatat:
    case SYS_faccessat2:
    case SYS_utimensat:
    case SYS_fchmodat2: return (call.args[3] & kNoFollow) != 0;
    case SYS_fchownat:
    case SYS_execveat: return (call.args[4] & kNoFollow) != 0;
    default: return false;
  }
}

bool IsOpening(uint64_t number) { return number == SYS_open || number == SYS_openat || number == SYS_creat || number == SYS_openat2; }

bool Removes(const Call& call) { return call.number == SYS_unlink || call.number == SYS_unlinkat || call.number == SYS_rmdir; }

std::string Cell(char kind, int index, const std::string& value) { return std::string("\t") + kind + std::to_string(index) + "=" + value; }

namespace {

std::string WithoutDots(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < path.size();) {
    size_t end = path.find('/', at);
    if (end == std::string::npos) end = path.size();
    const std::string part = path.substr(at, end - at);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    at = end + 1;
  }
  std::string out;
  for (const std::string& part : parts) out += "/" + part;
  return out.empty() ? "/" : out;
}

}  // namespace

bool Reader::ReadBytes(pid_t id, uint64_t address, size_t size, std::string& out) const {
  out.resize(size);
  iovec local{out.data(), size};
  iovec remote{reinterpret_cast<void*>(address), size};
  const ssize_t n = process_vm_readv(id, &local, 1, &remote, 1, 0);
  if (n > 0) {
    out.resize(static_cast<size_t>(n));
    return true;
  }
  // Where the kernel lacks the call: by the file.
  const int fd = open(Proc(id, "mem").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t m = pread(fd, out.data(), size, static_cast<off_t>(address));
  close(fd);
  if (m <= 0) return false;
  out.resize(static_cast<size_t>(m));
  return true;
}

bool Reader::ReadString(pid_t id, uint64_t address, std::string& out) const {
  out.clear();
  if (address == 0) return false;
  std::string part;
  while (out.size() < PATH_MAX) {
    // Not beyond the page: the next one may not be there.
    const size_t room = 4096 - (address & 4095);
    if (!ReadBytes(id, address, room < 256 ? room : 256, part)) return false;
    const size_t end = part.find('\0');
    out.append(part, 0, end);
    if (end != std::string::npos) return true;
    address += part.size();
  }
  return false;
}

std::string Reader::Descriptor(pid_t id, int64_t fd) const { return LinkOf(Proc(id, "fd/" + std::to_string(fd))); }

Found Reader::Resolve(pid_t id, const std::string& folder, const std::string& given, bool follow, bool with_folder) {
  Found out;
  const bool absolute = !given.empty() && given.front() == '/';
  std::string path = absolute ? given : folder + "/" + given;
  if (path.front() != '/' || (!absolute && (folder.empty() || folder.front() != '/'))) return out;
  // "self" in /proc is that process, not us.
  for (const char* self : {"/proc/self", "/proc/thread-self"}) {
    const size_t n = strlen(self);
    if (path.compare(0, n, self) == 0 && (path.size() == n || path[n] == '/')) path = "/proc/" + std::to_string(id) + path.substr(n);
  }
  // What the name of a folder says begins at the root of its mounts; an absolute name of a process in another root, there.
  const std::string root = Proc(id, "root");
  int from = open(absolute || LinkOf(root) == "/" ? root.c_str() : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (from < 0) from = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);  // it is gone
  if (from < 0) return out;
  const auto look = [&](const std::string& name, bool through) {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC | (through ? 0ULL : static_cast<uint64_t>(O_NOFOLLOW));
    how.resolve = RESOLVE_IN_ROOT;
    return static_cast<int>(syscall(SYS_openat2, from, name.c_str(), &how, sizeof how));
  };
  const auto describe = [&out](int of) {
    struct stat status {};
    struct statfs mount {};
    if (fstat(of, &status) == 0) {
      out.mode = status.st_mode;
      out.user = status.st_uid;
      out.group = status.st_gid;
    }
    out.read_only = fstatfs(of, &mount) == 0 && (mount.f_flags & ST_RDONLY) != 0;
  };
  const auto named = [](int fd) { return LinkOf("/proc/self/fd/" + std::to_string(fd)); };
  int fd = look(path, follow);
  if (fd >= 0) {
    describe(fd);
    out.path = named(fd);
    close(fd);
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    const size_t end = path.rfind('/');
    const int parent = with_folder ? look(end == 0 ? "/" : path.substr(0, end), true) : -1;
    struct stat status {};
    if (parent >= 0 && fstat(parent, &status) == 0) {
      out.folder_mode = status.st_mode;
      out.folder_user = status.st_uid;
      out.folder_group = status.st_gid;
    }
    if (parent >= 0) close(parent);
    close(from);
    return out;
  }
  out.error = errno;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  const std::string last = path.substr(slash + 1);
  fd = last == "." || last == ".." ? -1 : look(slash == 0 ? "/" : path.substr(0, slash), true);
  if (fd >= 0) {
    const std::string parent = named(fd);
    describe(fd);
    out.path = parent == "/" ? "/" + last : parent + "/" + last;
    close(fd);
  } else {
    out.placed = false;
    out.path = WithoutDots(path);
  }
  close(from);
  return out;
}

uint64_t Reader::FlagsOf(pid_t id, const Call& call) const {
  if (call.number == SYS_open) return call.args[1];
  if (call.number == SYS_openat) return call.args[2];
  if (call.number == SYS_creat) return O_CREAT | O_TRUNC | O_WRONLY;
  uint64_t flags = 0;
  std::string how;
  if (ReadBytes(id, call.args[2], sizeof flags, how) && how.size() == sizeof flags) memcpy(&flags, how.data(), sizeof flags);
  return flags;
}

std::string Reader::SocketOf(pid_t id, int fd, const std::string& what) {
  if (what.rfind("socket:", 0) != 0) return "";
  const auto known = sockets_.find(what);
  if (known != sockets_.end()) return known->second;
  // Nobody saw it being made: it is looked at.
  const int process = static_cast<int>(syscall(SYS_pidfd_open, id, 0));
  const int copy = process < 0 ? -1 : static_cast<int>(syscall(SYS_pidfd_getfd, process, fd, 0));
  if (copy < 0 && (errno == ENOSYS || errno == EPERM)) facts_.Trouble("of which kind sockets are cannot be asked here (pidfd_getfd)");
  int values[2] = {-1, -1};
  socklen_t size = sizeof values[0];
  const bool asked = copy >= 0 && getsockopt(copy, SOL_SOCKET, SO_DOMAIN, &values[0], &size) == 0 && getsockopt(copy, SOL_SOCKET, SO_TYPE, &values[1], &size) == 0;
  if (copy >= 0) close(copy);
  if (process >= 0) close(process);
  if (!asked) return "";
  // The kernel would say which protocol it chose for 0.
  const auto protocol = asked_.find({values[0], values[1]});
  return sockets_[what] = std::to_string(values[0]) + "," + std::to_string(values[1]) + "," + std::to_string(protocol == asked_.end() ? 0 : protocol->second);
}

void Reader::Enter(pid_t id, Process& process) {
  const Call& call = process.call;
  const char* roles = table_.RolesOf(call.number);
  process.cells.clear();
  process.descriptor.clear();
  process.path_argument = -1;
  process.flags = IsOpening(call.number) ? FlagsOf(id, call) : 0;
  // Where the next path begins; looked up for a path that needs it alone.
  std::string folder;
  bool folder_known = false;
  for (int i = 0; i < 6; ++i) {
    const uint64_t value = call.args[i];
    process.found[i] = {};
    switch (roles[i]) {
      case 'd': {
        const int fd = static_cast<int>(value);
        folder_known = fd != AT_FDCWD;
        folder = folder_known ? Descriptor(id, fd) : "";
        break;
      }
      case 'p':
      case 'l': {
        if (value == 0) break;
        std::string given;
        if (!ReadString(id, value, given)) {
          process.cells += Cell('u', i, "");
          break;
        }
        if (!folder_known && given.rfind('/', 0) != 0) {
          folder = LinkOf(Proc(id, "cwd"));
          folder_known = true;
        }
        Found& found = process.found[i];
        if (given.empty()) found.path = folder;
        else found = Resolve(id, folder, given, roles[i] == 'p' && !LeavesLink(call, process.flags), Removes(call));
        if (IsOpening(call.number)) {  // the descriptor will say it better
          process.path_argument = i;
          process.given = given;
        } else {
          process.cells += Cell('p', i, Escape(given) + "|" + Escape(found.path));
        }
        break;
      }
      case 'f': {
        const int fd = static_cast<int>(value);
        const std::string what = Descriptor(id, fd);
        process.descriptor = what;
        if (!what.empty() && what.front() == '/') process.cells += Cell('f', i, Escape(what));
        if (const std::string socket = SocketOf(id, fd, what); !socket.empty()) process.cells += Cell('s', i, socket);
        break;
      }
      case 'a': {
        const size_t size = call.args[i + 1];
        std::string bytes;
        if (value != 0 && size > 0 && size <= 128) process.cells += ReadBytes(id, value, size, bytes) ? Cell('a', i, Escape(bytes)) : Cell('u', i, "");
        break;
      }
      case 'k': {
        const auto target = static_cast<pid_t>(value);
        process.cells += Cell('k', i, target <= 0 || is_ours_(target) ? "self" : "outside");
        break;
      }
      default: break;
    }
  }
}

void Reader::RememberSocket(pid_t id, const Process& process, int64_t result) {
  const Call& call = process.call;
  const auto value = [&](int i) { return std::to_string(static_cast<int>(call.args[i])); };
  if (call.number == SYS_socket) sockets_[Descriptor(id, result)] = value(0) + "," + value(1) + "," + value(2);
  if (call.number == SYS_socketpair) {
    std::string pair;
    if (!ReadBytes(id, call.args[3], 2 * sizeof(int), pair) || pair.size() < 2 * sizeof(int)) return;
    int fds[2];
    memcpy(fds, pair.data(), sizeof fds);
    for (const int fd : fds) sockets_[Descriptor(id, fd)] = value(0) + "," + value(1) + "," + value(2);
  }
  if (call.number == SYS_accept || call.number == SYS_accept4) {
    const auto listener = sockets_.find(Descriptor(id, static_cast<int>(call.args[0])));
    if (listener != sockets_.end()) sockets_[Descriptor(id, result)] = listener->second;
  }
}

Facts::Seen* Reader::Tell(const Process& process, const std::string& error, double time) {
  const Call& call = process.call;
  const char* roles = table_.RolesOf(call.number);
  std::string key = Escape(process.program) + "\t" + Escape(process.chain) + "\t" + std::to_string(call.number);
  char hex[24];
  for (int i = 0; i < 6; ++i) {
    snprintf(hex, sizeof hex, "\t%llx", roles[i] == 'v' ? static_cast<unsigned long long>(call.args[i]) : roles[i] == 'n' && call.args[i] != 0 ? 1ULL : 0ULL);
    key += hex;
  }
  key += "\t" + error + process.cells;
  return facts_.Add(key, time);
}

void Reader::Leave(pid_t id, Process& process, int64_t result, double time) {
  // The kernel's own errors of restarted calls say nothing of the attempt.
  int error = result < 0 && result > -4096 ? static_cast<int>(-result) : 0;
  if (error >= 512) error = EINTR;
  if (error == 0) RememberSocket(id, process, result);
  if (process.path_argument >= 0) {
    std::string path = process.found[process.path_argument].path;
    const bool existed = path.empty() || process.found[process.path_argument].error == 0;
    if (error == 0) {
      if (const std::string opened = Descriptor(id, result); !opened.empty() && opened.front() == '/' && existed) path = opened;
      if ((process.flags & kCreate) != 0) process.cells += Cell('c', process.path_argument, existed ? "0" : "1");
    }
    process.cells += Cell('p', process.path_argument, Escape(process.given) + "|" + Escape(path));
  }
  Tell(process, std::to_string(error), time);
}

Facts::Seen* Reader::Expect(Process& process, int error, double time) {
  const Call& call = process.call;
  constexpr int kKind = 0xf;  // SOCK_TYPE_MASK
  if (call.number == SYS_socket || call.number == SYS_socketpair) asked_[{static_cast<int>(call.args[0]), static_cast<int>(call.args[1]) & kKind}] = static_cast<int>(call.args[2]);
  if (process.path_argument >= 0) {
    const Found& found = process.found[process.path_argument];
    if (error == 0 && (process.flags & kCreate) != 0) process.cells += Cell('c', process.path_argument, found.error == 0 ? "0" : "1");
    process.cells += Cell('p', process.path_argument, Escape(process.given) + "|" + Escape(found.path));
  }
  return Tell(process, error == 0 ? "?" : std::to_string(error), time);
}

}  // namespace ravelin::recorder
