#include "profiler/kernels/gvisor_trace.h"

#include <errno.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <optional>

namespace ravelin::kernels {
namespace {

// pkg/sentry/seccheck/points/common.proto, MessageType.
constexpr unsigned kContainerStart = 1;
constexpr unsigned kExecve = 3;
constexpr unsigned kTaskExit = 5;
constexpr unsigned kRawCall = 6;
constexpr int kFirstProcess = 1;

struct Part {
  uint64_t number = 0;
  uint64_t value = 0;      // of a varint
  std::string_view bytes;  // of what has a length
};

std::optional<uint64_t> Varint(std::string_view& in) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

// The fields of a protobuf; nothing where it is none.
std::optional<std::vector<Part>> Fields(std::string_view in) {
  std::vector<Part> out;
  while (!in.empty()) {
    const auto key = Varint(in);
    if (!key) return std::nullopt;
    Part field;
    field.number = *key >> 3;
    size_t skipped = 0;
    switch (*key & 7) {
      case 0: {
        const auto value = Varint(in);
        if (!value) return std::nullopt;
        field.value = *value;
        break;
      }
      case 1: skipped = 8; break;
      case 5: skipped = 4; break;
      case 2: {
        const auto length = Varint(in);
        if (!length || *length > in.size()) return std::nullopt;
        field.bytes = in.substr(0, *length);
        in.remove_prefix(*length);
        break;
      }
      default: return std::nullopt;
    }
    if (skipped > in.size()) return std::nullopt;
    in.remove_prefix(skipped);
    out.push_back(field);
  }
  return out;
}

// Whose event it is.
struct Context {
  int thread = 0;
  int group = 0;  // of threads: the process
  std::string command;
};

Context ContextOf(const std::vector<Part>& fields) {
  constexpr uint64_t kContext = 1;
  Context out;
  for (const Part& field : fields) {
    if (field.number != kContext) continue;
    const auto context = Fields(field.bytes);
    for (const Part& one : context.value_or(std::vector<Part>())) {
      if (one.number == 2) out.thread = static_cast<int>(one.value);
      if (one.number == 4) out.group = static_cast<int>(one.value);
      if (one.number == 9) out.command = one.bytes;
    }
  }
  return out;
}

// pkg/sentry/seccheck/points/syscall.proto, Syscall.
MadeCall CallOf(const std::vector<Part>& fields) {
  constexpr uint64_t kNumber = 4;
  MadeCall out;
  Context context = ContextOf(fields);
  out.process = context.group;
  out.thread = context.thread;
  out.command = std::move(context.command);
  for (const Part& field : fields) {
    if (field.number == kNumber) out.number = static_cast<uint32_t>(field.value);
    if (field.number > kNumber && field.number - kNumber - 1 < out.args.size()) out.args[field.number - kNumber - 1] = field.value;
  }
  return out;
}

}  // namespace

bool ReadTraceEvent(unsigned kind, std::string_view event, GvisorTrace& out) {
  const auto fields = Fields(event);
  if (!fields) return false;
  const auto text = [&](uint64_t number) {
    for (const Part& field : *fields) {
      if (field.number == number) return std::string(field.bytes);
    }
    return std::string();
  };
  if (kind == kContainerStart) {
    out.began = true;
    out.first = text(4);
  } else if (kind == kExecve) {
    out.programs[ContextOf(*fields).group].push_back(text(2));
  } else if (kind == kTaskExit) {
    out.ended = out.ended || ContextOf(*fields).group == kFirstProcess;
  } else if (kind == kRawCall) {
    out.made.push_back(CallOf(*fields));
  }
  return true;
}

Result<TraceSink> TraceSink::Make(const std::string& folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = folder + "/trace";
  if (path.size() >= sizeof address.sun_path) return Fail(ErrorCode::kEnvironment, path + ": too long for the name of a socket");
  std::memcpy(address.sun_path, path.data(), path.size());
  TraceSink out(std::move(path), socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (out.socket_ < 0 || bind(out.socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(out.socket_, 1) != 0) return Fail(ErrorCode::kEnvironment, fmt::format("{}: {}", out.path_, std::strerror(errno)));
  return out;
}

TraceSink::TraceSink(TraceSink&& other) noexcept : path_(std::move(other.path_)), socket_(std::exchange(other.socket_, -1)), reader_(std::move(other.reader_)) {}

TraceSink::~TraceSink() {
  Finish();
  if (socket_ >= 0) close(socket_);
}

std::string TraceSink::Config(const std::string& metadata) const {
  std::string points = R"({"name": "container/start"}, {"name": "sentry/execve", "context_fields": ["group_id"]}, {"name": "sentry/task_exit", "context_fields": ["group_id"]})";
  // Whether the log has every call is known by these.
  constexpr std::string_view kBefore = "Name: syscall/sysno/";
  for (size_t at = metadata.find(kBefore); at != std::string::npos; at = metadata.find(kBefore, at + 1)) {
    const std::string name = metadata.substr(at + 6, metadata.find(',', at) - at - 6);
    if (name.size() > 6 && name.compare(name.size() - 6, 6, "/enter") == 0) points += fmt::format(R"(, {{"name": "{}", "context_fields": ["thread_id", "group_id", "process_name"]}})", name);
  }
  // With fewer retries a busy machine loses events.
  return fmt::format(R"({{"trace_session": {{"name": "Default", "points": [{}], "sinks": [{{"name": "remote", "config": {{"endpoint": "{}", "retries": 200}}}}]}}}})", points, path_);
}

void TraceSink::Start(GvisorTrace& out) {
  reader_ = std::thread([this, &out] { Read(out); });
}

void TraceSink::Finish() {
  if (!reader_.joinable()) return;
  shutdown(socket_, SHUT_RDWR);  // whoever waits for a connection stops waiting
  reader_.join();
}

void TraceSink::Read(GvisorTrace& out) const {
  const int connection = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
  if (connection < 0) return;
  std::vector<char> room(1 << 20);
  constexpr char kAnswer[] = {8, 1};  // Handshake{version: 1}
  bool greeted = false;
  while (true) {
    const ssize_t n = read(connection, room.data(), room.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    if (!greeted) {
      greeted = write(connection, kAnswer, sizeof kAnswer) == sizeof kAnswer;
      if (!greeted) break;
      continue;
    }
    uint16_t header[2];
    uint32_t dropped = 0;
    if (static_cast<size_t>(n) < sizeof header + sizeof dropped) {
      ++out.not_understood;
      continue;
    }
    std::memcpy(header, room.data(), sizeof header);
    std::memcpy(&dropped, room.data() + sizeof header, sizeof dropped);
    out.dropped = dropped;
    const std::string_view whole(room.data(), static_cast<size_t>(n));
    if (header[0] > whole.size() || !ReadTraceEvent(header[1], whole.substr(header[0]), out)) ++out.not_understood;
  }
  close(connection);
}

}  // namespace ravelin::kernels
