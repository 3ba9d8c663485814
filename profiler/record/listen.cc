// Containers that a runtime starts: it puts the filter on, and sends the filter's listener to a socket with the container's state (OCI
// runtime specification 1.0.2, config-linux.md "The Container Process State").
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "profiler/observe/calls.h"
#include "profiler/record/record.h"

namespace ravelin::record {
namespace {

constexpr int kMostDescriptors = 16;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

struct Container {
  std::string id;
  int listener = -1;  // one of `descriptors`
  std::vector<Descriptor> descriptors;
};

using Clock = std::chrono::steady_clock;

// Whether there is something to read before then.
bool Comes(int fd, Clock::time_point until) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd one{fd, POLLIN, 0};
    const int ready = poll(&one, 1, static_cast<int>(std::clamp<int64_t>(left, 0, std::numeric_limits<int>::max())));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

// What the runtime sends, of the types that the specification gives them.
Result<Container> Understand(const nlohmann::json& state, Container out) {
  const auto names = state.find("fds");
  if (names == state.end() || !names->is_array()) return Fail(ErrorCode::kMalformed, "the runtime sends no list `fds`");
  for (size_t i = 0; i < names->size() && i < out.descriptors.size(); ++i) {
    if (!(*names)[i].is_string()) return Fail(ErrorCode::kMalformed, "what the runtime sends in `fds` is not all text");
    if ((*names)[i] == "seccompFd") out.listener = out.descriptors[i].get();
  }
  if (out.listener < 0) return Fail(ErrorCode::kMalformed, "the runtime names no `seccompFd` among what it sends");
  const auto container = state.find("state");
  if (container != state.end() && container->is_object() && container->contains("id")) {
    if (!(*container)["id"].is_string()) return Fail(ErrorCode::kMalformed, "the container's `id` is no text");
    out.id = (*container)["id"];
  }
  uint64_t none = 0;
  if (ioctl(out.listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &none) != 0 && errno != ENOENT) return Fail(ErrorCode::kMalformed, "what the runtime sends as `seccompFd` is no filter's listener");
  return out;
}

// One record of JSON and the descriptors that it names.
Result<Container> Receive(int connection, Clock::time_point until) {
  Container out;
  std::string text;
  while (true) {
    if (!Comes(connection, until)) return Fail(ErrorCode::kMalformed, "what came to the socket was not whole in time");
    char bytes[1 << 14];
    alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))];
    iovec part{bytes, sizeof bytes};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t n = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EINTR) continue;
    for (cmsghdr* one = n < 0 ? nullptr : CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
      if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS) continue;
      for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= one->cmsg_len; at += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(one) + at, sizeof fd);
        out.descriptors.emplace_back(fd);
      }
    }
    if (n > 0) text.append(bytes, static_cast<size_t>(n));
    // Runtimes in C send the zero that ends their string.
    const auto state = nlohmann::json::parse(text.substr(0, text.find('\0')), nullptr, false);
    if (state.is_object() && !out.descriptors.empty()) return Understand(state, std::move(out));
    if (n <= 0 || text.size() > (1 << 20)) return Fail(ErrorCode::kMalformed, "what came to the socket is no container's state with a listener");
  }
}

Result<Descriptor> MakeSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Fail(ErrorCode::kEnvironment, fmt::format("{}: a socket's name has at most {} bytes", path, sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, path.data(), path.size());
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && (!S_ISSOCK(status.st_mode) || unlink(path.c_str()) != 0)) return Fail(ErrorCode::kEnvironment, path + ": is there already and cannot be replaced");
  Descriptor out(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (out.get() < 0 || bind(out.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || chmod(path.c_str(), 0600) != 0 || listen(out.get(), 8) != 0) return Fail(ErrorCode::kEnvironment, fmt::format("{}: {}", path, std::strerror(errno)));
  return out;
}

// The next container.  Whoever sends something else, or nothing, is turned away and keeps nobody else from coming.
Result<Container> Next(int socket, Clock::time_point until, const std::function<void(const std::string&)>& progress) {
  constexpr auto kPatience = std::chrono::seconds(3);  // a runtime sends what it has at once
  std::string refused;
  while (Comes(socket, until)) {
    const Descriptor connection(accept4(socket, nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.get() < 0) return Fail(ErrorCode::kEnvironment, fmt::format("no connection can be taken: {}", std::strerror(errno)));
    auto container = Receive(connection.get(), std::min<Clock::time_point>(until, Clock::now() + kPatience));
    if (container) return container;
    refused = container.error().message;
    progress(fmt::format("a client is turned away: {}", refused));
  }
  return Fail(ErrorCode::kEnvironment, "no container came in time" + (refused.empty() ? "" : fmt::format(" (a client was turned away: {})", refused)));
}

// A recorder of its own for each.
pid_t StartRecorder(const kernels::Scratch& scratch, const std::string& name, int listener, unsigned limit_ms) {
  const std::string program = scratch.folder() + "/recorder";
  std::vector<std::string> words = {program, "--by", "notify", "--table", scratch.folder() + "/table", "--output", scratch.folder() + "/" + name, "--limit", std::to_string(limit_ms), "--listener", std::to_string(listener)};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  fcntl(listener, F_SETFD, 0);
  execv(program.c_str(), arguments.data());
  _exit(126);
}

}  // namespace

Result<observe::Recording> Listen(const Listening& listening, const std::function<void(const std::string&)>& progress) {
  RAVELIN_TRY(scratch, PlaceRecorder());
  RAVELIN_TRY(socket, MakeSocket(listening.socket));
  progress(fmt::format("listening at {}", listening.socket));
  struct Started {
    std::string id;
    std::string file;
    pid_t process = -1;
  };
  std::vector<Started> started;
  std::string why;
  while (started.size() < listening.containers && why.empty()) {
    auto container = Next(socket.get(), Clock::now() + std::chrono::milliseconds(listening.limit_ms), progress);
    if (!container) {
      why = container.error().message;
      break;
    }
    Started next{container->id, fmt::format("record{}", started.size()), -1};
    next.process = StartRecorder(scratch, next.file, container->listener, listening.limit_ms);
    if (next.process < 0) {
      why = "no recorder can be started";
      break;
    }
    progress(fmt::format("container {} is recorded", next.id));
    started.push_back(std::move(next));
  }
  unlink(listening.socket.c_str());
  if (started.empty()) return Fail(ErrorCode::kEnvironment, why);
  std::vector<int> statuses;
  for (const Started& one : started) {
    int& status = statuses.emplace_back(0);
    while (waitpid(one.process, &status, 0) < 0 && errno == EINTR) {
    }
  }
  observe::Recording recording;
  for (size_t i = 0; i < started.size(); ++i) {
    const Started& one = started[i];
    RAVELIN_TRY(run, ReadRecord(scratch, one.file, "notify", statuses[i]));
    if (!why.empty() && i + 1 == started.size()) run.completeness.doubts.insert(fmt::format("{} of {} containers were recorded: {}", started.size(), listening.containers, why));
    // Nobody tells whoever listens how the container's first process ended.
    run.status = "ended";
    Describe("notify", "container " + one.id, run);
    run.completeness.blind.insert("how the container ended");
    run.completeness.blind.insert(fmt::format("calls that runtimes need for themselves: {}", fmt::join(observe::CallsOfRuntimes(), ", ")));
    progress(fmt::format("container {}: {} facts", one.id, run.facts.size()));
    recording.runs.emplace(observe::FreshRunIdentity(), std::move(run));
  }
  return recording;
}

std::string ListeningProfile(const std::string& socket) {
  using Json = nlohmann::ordered_json;
  Json always = {{"names", Json::array()}, {"action", "SCMP_ACT_NOTIFY"}};
  Json rows = Json::array();
  const std::set<std::string> not_told = observe::CallsOfRuntimes();
  for (const observe::ToldCall& call : observe::ToldCalls()) {
    if (not_told.count(call.name) != 0) continue;
    if (call.quiet_from == 0) {
      always["names"].push_back(call.name);
      continue;
    }
    const auto when = [&](int index, uint64_t value, const char* comparison) {
      Json row = {{"names", Json::array({call.name})}, {"action", "SCMP_ACT_NOTIFY"}, {"args", Json::array()}};
      row["args"].push_back({{"index", index}, {"value", value}, {"op", comparison}});
      rows.push_back(std::move(row));
    };
    when(call.quiet_argument, call.quiet_from, "SCMP_CMP_LT");
    if (call.quiet_null >= 0) when(call.quiet_null, 0, "SCMP_CMP_NE");
  }
  rows.insert(rows.begin(), always);
  const Json out = {{"defaultAction", "SCMP_ACT_ALLOW"}, {"architectures", Json::array({"SCMP_ARCH_X86_64"})}, {"listenerPath", socket}, {"listenerMetadata", "ravelin"}, {"syscalls", rows}};
  return out.dump(1) + "\n";
}

}  // namespace ravelin::record
