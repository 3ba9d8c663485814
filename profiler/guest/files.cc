#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "profiler/guest/guest.h"

namespace ravelin::guest {

bool ReadFile(int folder, const std::string& path, std::string& out) {
  const int file = openat(folder, path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char buffer[1 << 16];
  ssize_t n = 0;
  while ((n = read(file, buffer, sizeof buffer)) > 0) out.append(buffer, static_cast<size_t>(n));
  close(file);
  return n == 0;
}

bool WriteFile(int folder, const std::string& path, const std::string& text) {
  const int file = openat(folder, path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return false;
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = write(file, text.data() + done, text.size() - done);
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  close(file);
  return done == text.size();
}

bool WriteExisting(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t n = write(file, text.data(), text.size());
  const int error = errno;
  close(file);
  errno = error;
  return n == static_cast<ssize_t>(text.size());
}

std::string ReadJob(int folder, Job& job) {
  std::string text;
  if (!ReadFile(folder, "job", text)) return std::string("the job cannot be read: ") + strerror(errno);
  size_t at = 0;
  const auto next = [&](std::string& out) {
    const size_t end = text.find('\0', at);
    if (end == std::string::npos) return false;
    out = text.substr(at, end - at);
    at = end + 1;
    return true;
  };
  std::string key;
  std::string value;
  while (at < text.size()) {
    if (!next(key) || !next(value)) return "the job ends in the middle of a record";
    const long number = atol(value.c_str());
    Step* step = job.steps.empty() ? nullptr : &job.steps.back();
    if (key == "step") {
      job.steps.emplace_back().kind = value;
    } else if (step != nullptr) {
      if (key == "program") step->program = value;
      else if (key == "argument") step->arguments.push_back(value);
      else if (key == "environment") step->environment.push_back(value);
      else if (key == "directory") step->directory = value;
      else if (key == "stdin") step->input = value;
      else if (key == "user") step->user = static_cast<unsigned>(number);
      else if (key == "group") step->group = static_cast<unsigned>(number);
      else if (key == "context") step->context = value;
      else if (key == "profile") step->profile = value;
      else if (key == "filtered") step->filtered = number != 0;
      else if (key == "at-most") step->at_most_ms = number;
      else if (key == "process-of") step->process_of = static_cast<int>(number);
      else if (key == "target") step->target = static_cast<int>(number);
      else if (key == "signal") step->signal = static_cast<int>(number);
      else if (key == "port") step->port = static_cast<int>(number);
      else if (key == "path") step->path = value;
      else return "unknown key of a step: " + key;
    } else if (key == "root") job.root = value;
    else if (key == "layer") job.layers.push_back(value);
    else if (key == "module") job.modules.push_back(value);
    else if (key == "policy") job.policy = value;
    else if (key == "launcher") job.launcher = value;
    else if (key == "enforcing") job.enforcing = number != 0;
    else if (key == "default") job.default_label = value;
    else if (key == "labels") job.labels = value;
    else if (key == "region") job.regions.push_back({value, "", ""});
    else if (key == "itself" && !job.regions.empty()) job.regions.back().itself = value;
    else if (key == "below" && !job.regions.empty()) job.regions.back().below = value;
    else if (key == "profiles") job.profiles = value;
    else if (key == "unload") job.unload.push_back(value);
    else if (key == "filter") job.filter = value;
    else if (key == "tmpfs") job.tmpfs.push_back(value);
    else if (key == "input") job.inputs.push_back({value, value});
    else if (key == "at" && !job.inputs.empty()) job.inputs.back().at = value;
    else if (key == "folder") job.folders.push_back(value);
    else if (key == "file") job.files.push_back({value, "", 0644});
    else if (key == "to" && !job.files.empty()) job.files.back().path = value;
    else if (key == "mode" && !job.files.empty()) job.files.back().mode = static_cast<unsigned>(strtoul(value.c_str(), nullptr, 8));
    else if (key == "backlog") job.backlog = static_cast<uint32_t>(number);
    else if (key == "audit-waits") job.audit_waits = number != 0;
    else if (key == "limit") job.limit_ms = number;
    else return "unknown key: " + key;
  }
  return job.steps.empty() ? "the job has no step" : "";
}

}  // namespace ravelin::guest
