#include "profiler/kernels/root_path.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace ravelin::kernels {

std::string HostPath(const std::vector<std::string>& roots, const std::string& path) {
  struct stat status {};
  for (const std::string& root : roots) {
    if (lstat((root + path).c_str(), &status) == 0) return root + path;
  }
  return "";
}

std::string ResolveIn(const std::vector<std::string>& roots, std::string path) {
  constexpr int kMostLinks = 40;  // as the kernel has it
  std::string done;
  for (int links = 0; links < kMostLinks;) {
    const size_t begin = path.find_first_not_of('/');
    if (begin == std::string::npos) return done.empty() ? "/" : done;
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    path.erase(0, end);
    if (part == ".") continue;
    if (part == "..") {
      done.erase(std::min(done.size(), done.find_last_of('/')));
      continue;
    }
    const std::string next = done + "/" + part;
    char target[PATH_MAX];
    const std::string host = HostPath(roots, next);
    const ssize_t length = host.empty() ? -1 : readlink(host.c_str(), target, sizeof target);
    if (length > 0) {
      ++links;
      const std::string text(target, static_cast<size_t>(length));
      path = text + path;
      if (text.front() == '/') done.clear();
    } else if ((!host.empty() && errno == EINVAL) || (host.empty() && path.find_first_not_of('/') == std::string::npos)) {
      done = next;
    } else {
      return "";
    }
  }
  return "";
}

}  // namespace ravelin::kernels
