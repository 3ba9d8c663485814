#include "profiler/kernels/own_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace ravelin::kernels {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMeaningless = 6;  // characters, as mkdtemp(3) makes them

// -1 where it cannot be had, or where the name has come to be another folder's.
int Lock(const std::string& path, int how) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat held {};
  struct stat named {};
  if (fd >= 0 && flock(fd, how) == 0 && fstat(fd, &held) == 0 && lstat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev && held.st_ino == named.st_ino) return fd;
  const int error = errno;
  if (fd >= 0) close(fd);
  errno = error;
  return -1;
}

void RemoveLeftover(const std::string& path) {
  const int lock = Lock(path, LOCK_EX | LOCK_NB);
  if (lock < 0) return;
  struct stat status {};
  std::error_code ignored;
  if (fstat(lock, &status) == 0 && status.st_uid == geteuid() && (status.st_mode & S_ISVTX) != 0) fs::remove_all(path, ignored);
  close(lock);
}

void RemoveLeftovers(const std::string& prefix) {
  const fs::path start(prefix);
  std::error_code ignored;
  for (fs::directory_iterator at(start.parent_path(), ignored), end; !ignored && at != end; at.increment(ignored)) {
    const std::string name = at->path().filename();
    const std::string begin = start.filename();
    if (name.size() == begin.size() + kMeaningless && name.rfind(begin, 0) == 0) RemoveLeftover(at->path());
  }
}

}  // namespace

Result<OwnFolder> OwnFolder::Make(const std::string& prefix) {
  RemoveLeftovers(prefix);
  std::string name = prefix + std::string(kMeaningless, 'X');
  if (mkdtemp(name.data()) == nullptr) return Fail(ErrorCode::kEnvironment, fmt::format("no folder can be made in {}: {}", fs::path(prefix).parent_path().string(), std::strerror(errno)));
  return Take(std::move(name));
}

Result<OwnFolder> OwnFolder::MakeAt(const std::string& path) {
  RemoveLeftover(path);
  if (mkdir(path.c_str(), 0700) != 0) return Fail(errno == EEXIST ? ErrorCode::kNotFound : ErrorCode::kEnvironment, fmt::format("{}: {}", path, std::strerror(errno)));
  return Take(path);
}

Result<OwnFolder> OwnFolder::Take(std::string path) {
  OwnFolder out(std::move(path), -1);
  errno = 0;
  out.lock_ = Lock(out.path_, LOCK_SH);
  // Where nobody can lock, nobody can tell what is left over: without the sticky bit it is never taken away.
  if (out.lock_ < 0 && (errno == ENOLCK || errno == ENOSYS || errno == EOPNOTSUPP)) return out;
  if (out.lock_ < 0 && errno == 0) {
    const std::string name = std::exchange(out.path_, "");  // another's by now
    return Fail(ErrorCode::kEnvironment, fmt::format("{}: somebody has changed it", name));
  }
  if (out.lock_ < 0 || fchmod(out.lock_, S_ISVTX | 0700) != 0) return Fail(ErrorCode::kEnvironment, fmt::format("{}: {}", out.path_, std::strerror(errno)));
  return out;
}

OwnFolder::OwnFolder(OwnFolder&& other) noexcept : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) { other.path_.clear(); }

OwnFolder::~OwnFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
  if (lock_ >= 0) close(lock_);
}

}  // namespace ravelin::kernels
