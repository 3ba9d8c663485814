#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "profiler/recorder/recorder.h"

namespace ravelin::recorder {
namespace {

constexpr uint64_t kCreate = O_CREAT;

std::string LinkOf(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t n = readlink(path.c_str(), target, sizeof target);
  return n < 0 ? "" : std::string(target, static_cast<size_t>(n));
}

std::string Proc(pid_t id, const std::string& rest) { return "/proc/" + std::to_string(id) + "/" + rest; }

uint64_t Argument(const user_regs_struct& regs, int i) {
  switch (i) {
    case 0: return regs.rdi;
    case 1: return regs.rsi;
    case 2: return regs.rdx;
    case 3: return regs.r10;
    case 4: return regs.r8;
    default: return regs.r9;
  }
}

bool Opens(uint64_t number) { return number == SYS_open || number == SYS_openat || number == SYS_creat || number == SYS_openat2; }

// The flags of an opening.
uint64_t FlagsOf(const user_regs_struct& regs) { return regs.orig_rax == SYS_open ? regs.rsi : regs.orig_rax == SYS_openat ? regs.rdx : kCreate; }

std::string Cell(char kind, int index, const std::string& value) { return std::string("\t") + kind + std::to_string(index) + "=" + value; }

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

std::string Reader::Resolve(pid_t id, const std::string& folder, const std::string& given, bool follow) {
  if (LinkOf(Proc(id, "root")) != "/") {
    facts_.Trouble("a process changed its root: its paths are not resolved");
    return "";
  }
  std::string path = given;
  if (path.empty() || path.front() != '/') {
    if (folder.empty() || folder.front() != '/') return "";
    path = folder + "/" + path;
  }
  // "self" in /proc is the tracee, not us.
  for (const char* self : {"/proc/self", "/proc/thread-self"}) {
    const size_t n = strlen(self);
    if (path.compare(0, n, self) == 0 && (path.size() == n || path[n] == '/')) path = "/proc/" + std::to_string(id) + path.substr(n);
  }
  char buffer[PATH_MAX];
  if (follow && realpath(path.c_str(), buffer) != nullptr) return buffer;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  const std::string last = path.substr(slash + 1);
  if (last == "." || last == "..") return realpath(path.c_str(), buffer) != nullptr ? buffer : "";
  if (realpath(slash == 0 ? "/" : path.substr(0, slash).c_str(), buffer) == nullptr) return WithoutDots(path);
  return std::string(buffer) == "/" ? "/" + last : std::string(buffer) + "/" + last;
}

void Reader::Enter(pid_t id, Process& process) {
  const user_regs_struct& regs = process.entry;
  const char* roles = table_.RolesOf(regs.orig_rax);
  process.cells.clear();
  process.path_argument = -1;
  // Where the next path begins; looked up for a path that needs it alone.
  std::string folder;
  bool folder_known = false;
  for (int i = 0; i < 6; ++i) {
    const uint64_t value = Argument(regs, i);
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
        const std::string resolved = given.empty() ? folder : Resolve(id, folder, given, roles[i] == 'p');
        if (Opens(regs.orig_rax)) {  // the descriptor will say it better
          process.path_argument = i;
          process.given = given;
          process.resolved = resolved;
          struct stat status {};
          process.existed = resolved.empty() || lstat(resolved.c_str(), &status) == 0;
        } else {
          process.cells += Cell('p', i, Escape(given) + "|" + Escape(resolved));
        }
        break;
      }
      case 'f': {
        const std::string what = Descriptor(id, static_cast<int>(value));
        if (!what.empty() && what.front() == '/') process.cells += Cell('f', i, Escape(what));
        if (const auto socket = sockets_.find(what); socket != sockets_.end()) process.cells += Cell('s', i, socket->second);
        break;
      }
      case 'a': {
        const size_t size = Argument(regs, i + 1);
        std::string bytes;
        if (value != 0 && size > 0 && size <= 128) process.cells += ReadBytes(id, value, size, bytes) ? Cell('a', i, Escape(bytes)) : Cell('u', i, "");
        break;
      }
      case 'k': {
        const auto target = static_cast<pid_t>(value);
        process.cells += Cell('k', i, target <= 0 || processes_.count(target) != 0 ? "self" : "outside");
        break;
      }
      default: break;
    }
  }
}

void Reader::RememberSocket(pid_t id, const Process& process, int64_t result) {
  const user_regs_struct& regs = process.entry;
  const auto value = [&](int i) { return std::to_string(static_cast<int>(Argument(regs, i))); };
  if (regs.orig_rax == SYS_socket) sockets_[Descriptor(id, result)] = value(0) + "," + value(1) + "," + value(2);
  if (regs.orig_rax == SYS_socketpair) {
    std::string pair;
    if (!ReadBytes(id, regs.r10, 2 * sizeof(int), pair) || pair.size() < 2 * sizeof(int)) return;
    int fds[2];
    memcpy(fds, pair.data(), sizeof fds);
    for (const int fd : fds) sockets_[Descriptor(id, fd)] = value(0) + "," + value(1) + "," + value(2);
  }
  if (regs.orig_rax == SYS_accept || regs.orig_rax == SYS_accept4) {
    const auto listener = sockets_.find(Descriptor(id, static_cast<int>(regs.rdi)));
    if (listener != sockets_.end()) sockets_[Descriptor(id, result)] = listener->second;
  }
}

void Reader::Leave(pid_t id, Process& process, int64_t result, double time) {
  const user_regs_struct& regs = process.entry;
  const char* roles = table_.RolesOf(regs.orig_rax);
  // The kernel's own errors of restarted calls say nothing of the attempt.
  int error = result < 0 && result > -4096 ? static_cast<int>(-result) : 0;
  if (error >= 512) error = EINTR;
  if (error == 0) RememberSocket(id, process, result);
  if (process.path_argument >= 0) {
    std::string resolved = process.resolved;
    if (error == 0) {
      if (const std::string opened = Descriptor(id, result); !opened.empty() && opened.front() == '/' && process.existed) resolved = opened;
      if ((FlagsOf(regs) & kCreate) != 0) process.cells += Cell('c', process.path_argument, process.existed ? "0" : "1");
    }
    process.cells += Cell('p', process.path_argument, Escape(process.given) + "|" + Escape(resolved));
  }
  std::string key = Escape(process.program) + "\t" + Escape(process.chain) + "\t" + std::to_string(regs.orig_rax);
  char hex[24];
  for (int i = 0; i < 6; ++i) {
    snprintf(hex, sizeof hex, "\t%llx", roles[i] == 'v' ? static_cast<unsigned long long>(Argument(regs, i)) : roles[i] == 'n' && Argument(regs, i) != 0 ? 1ULL : 0ULL);
    key += hex;
  }
  key += "\t" + std::to_string(error) + process.cells;
  facts_.Add(key, time);
}

}  // namespace ravelin::recorder
