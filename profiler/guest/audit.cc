// The audit reader.  Records that the kernel cannot queue it counts as lost; what it could not hand to us shows as an overrun of the
// socket.  Either makes the run inconclusive, which the driver decides: here it is only counted.
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "profiler/guest/guest.h"

namespace ravelin::guest {
namespace {

constexpr int kMarkLimitMs = 2000;      // for the mark to come back; it may be lost like any record
constexpr size_t kBufferSize = 1 << 20;
// A record of our own: the kernel keeps the order, so what was before it has come when it has.
constexpr std::string_view kMark = "ravelin: the workload has ended";
constexpr int kSocketBuffer = 64 << 20;

bool Send(int socket, int type, const void* data, size_t size) {
  alignas(nlmsghdr) char buffer[NLMSG_SPACE(sizeof(audit_rule_data))] = {};
  auto* head = reinterpret_cast<nlmsghdr*>(buffer);
  head->nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(size));
  head->nlmsg_type = static_cast<uint16_t>(type);
  head->nlmsg_flags = NLM_F_REQUEST;
  if (size > 0) memcpy(NLMSG_DATA(head), data, size);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  return sendto(socket, buffer, NLMSG_ALIGN(head->nlmsg_len), 0, reinterpret_cast<sockaddr*>(&kernel), sizeof kernel) >= 0;
}

// Every call that ends with this error is recorded, with its names and arguments: what no module refused but the host or the file
// system did shows there.  Where any rule is loaded the records of a refusal come with those of its call.
bool RecordFailures(int socket, int error) {
  audit_rule_data rule{};
  rule.flags = AUDIT_FILTER_EXIT;
  rule.action = AUDIT_ALWAYS;
  rule.field_count = 1;
  memset(rule.mask, 0xff, sizeof rule.mask);
  rule.fields[0] = AUDIT_EXIT;
  rule.values[0] = static_cast<uint32_t>(-error);
  rule.fieldflags[0] = AUDIT_EQUAL;
  return Send(socket, AUDIT_ADD_RULE, &rule, sizeof rule);
}

}  // namespace

bool Audit::Open(const Job& job, int out_folder) {
  socket_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT);
  out_ = openat(out_folder, "audit", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (socket_ < 0 || out_ < 0) {
    Trouble("no audit reader");
    return false;
  }
  setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBuffer, sizeof kSocketBuffer);
  audit_status status{};
  status.mask = AUDIT_STATUS_ENABLED | AUDIT_STATUS_PID | AUDIT_STATUS_RATE_LIMIT | AUDIT_STATUS_BACKLOG_LIMIT | AUDIT_STATUS_BACKLOG_WAIT_TIME;
  status.enabled = 1;
  status.pid = static_cast<uint32_t>(getpid());
  status.backlog_limit = job.backlog;
  status.backlog_wait_time = job.audit_waits ? 6000 : 0;
  const bool good = Send(socket_, AUDIT_SET, &status, sizeof status) && RecordFailures(socket_, EACCES) && RecordFailures(socket_, EPERM);
  if (!good) Trouble("the audit subsystem takes no orders");
  return good;
}

void Audit::Flush() {
  size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t n = write(out_, buffer_.data() + done, buffer_.size() - done);
    if (n <= 0) {
      Trouble("audit records cannot be written");
      ++overruns_;
      break;
    }
    done += static_cast<size_t>(n);
  }
  buffer_.clear();
}

void Audit::Take(const char* data, size_t size) {
  const auto* head = reinterpret_cast<const nlmsghdr*>(data);
  if (size < NLMSG_HDRLEN) return;
  if (head->nlmsg_type == NLMSG_ERROR) {
    const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(head));
    if (size < NLMSG_LENGTH(sizeof *error) || error->error == 0) return;
    errno = -error->error;
    Trouble("the audit subsystem refuses an order");
    return;
  }
  if (head->nlmsg_type == AUDIT_USER) {
    marked_ = marked_ || std::string_view(data + NLMSG_HDRLEN, size - NLMSG_HDRLEN).find(kMark) != std::string_view::npos;
    return;
  }
  if (head->nlmsg_type == AUDIT_GET) {
    audit_status status{};
    memcpy(&status, NLMSG_DATA(head), std::min(sizeof status, size - NLMSG_HDRLEN));
    Say("lost", std::to_string(status.lost + overruns_));
    Say("records", std::to_string(records_));
    answered_ = true;
    return;
  }
  // The length in the header leaves the header out: what came counts.
  const char* text = data + NLMSG_HDRLEN;
  size_t length = size - NLMSG_HDRLEN;
  while (length > 0 && (text[length - 1] == '\0' || text[length - 1] == '\n')) --length;
  buffer_ += "type=" + std::to_string(head->nlmsg_type) + " ";
  buffer_.append(text, length);
  buffer_ += '\n';
  ++records_;
  if (buffer_.size() > kBufferSize) Flush();
}

void Audit::Read() {
  alignas(nlmsghdr) char buffer[1 << 15];
  while (true) {
    const ssize_t n = recv(socket_, buffer, sizeof buffer, 0);
    if (n > 0) {
      Take(buffer, static_cast<size_t>(n));
    } else if (n < 0 && errno == ENOBUFS) {
      ++overruns_;
    } else if (n == 0 || errno != EINTR) {
      return;
    }
  }
}

void Audit::Finish() {
  const auto wait_for = [&](const bool& arrived) {
    const double end = Now() + kMarkLimitMs / 1000.0;
    while (!arrived && Now() < end) {
      pollfd one{socket_, POLLIN, 0};
      if (poll(&one, 1, 50) > 0) Read();
    }
    return arrived;
  };
  if (!Send(socket_, AUDIT_USER, kMark.data(), kMark.size() + 1) || !wait_for(marked_)) Say("lost", "1");  // the end of the records was not seen
  if (!Send(socket_, AUDIT_GET, nullptr, 0) || !wait_for(answered_)) Trouble("the audit subsystem says nothing of losses");
  Flush();
}

}  // namespace ravelin::guest
