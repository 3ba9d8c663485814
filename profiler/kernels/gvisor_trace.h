// What gVisor's kernel tells of what it runs: its trace session, a stream of events to a socket of ours, and its strace channel, a log.
//
// The stream: SOCK_SEQPACKET; the kernel sends a handshake with its version, and is answered.  Then one datagram an event: the size of the
// header and the kind of the event, 16 bits each, the number of events that were dropped so far, 32 bits, and a protobuf
// (gvisor.dev/gvisor pkg/sentry/seccheck: sinks/remote/wire, points/*.proto).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/kernels/job.h"

namespace ravelin::kernels {

// A call that a filter refused, which the session does not tell and the log does, by its number alone.
struct GvisorRefusal {
  double time = 0;  // of the day, in seconds
  int process = 0;
  std::string command;
  uint32_t number = 0;
  bool ended = false;  // the thread was ended for it
};

struct GvisorTrace {
  bool keeps_calls = true;         // false: nobody reads `calls`, which grow with the run
  std::string calls;               // lines of the strace channel
  std::string first;               // the program that the sandbox begins with, as it was named
  std::map<int, std::vector<std::string>> programs;  // by process: what it executes, one after another, links followed
  uint64_t logged = 0;             // calls that were begun, in them
  std::vector<MadeCall> made;      // calls that were begun, as the session tells them; paths are the log's
  std::vector<GvisorRefusal> refusals;
  double log_began = 0;            // the time of the first line about a call
  uint64_t dropped = 0;            // events that the kernel could not send
  uint64_t not_understood = 0;     // events that were no protobuf
  bool began = false;              // the container's start was told
  bool ended = false;              // and the end of its first process
};

// Reads the stream until the kernel closes it.
class TraceSink {
 public:
  static Result<TraceSink> Make(const std::string& folder);
  TraceSink(TraceSink&& other) noexcept;
  TraceSink& operator=(TraceSink&&) = delete;
  ~TraceSink();

  // What `runsc --pod-init-config` is given; `metadata`: what `runsc trace metadata` prints.
  std::string Config(const std::string& metadata) const;
  void Start(GvisorTrace& out);
  // The sandbox has ended.
  void Finish();

 private:
  TraceSink(std::string path, int socket) : path_(std::move(path)), socket_(socket) {}
  void Read(GvisorTrace& out) const;

  std::string path_;
  int socket_ = -1;
  std::thread reader_;
};

// One event, without its header's size; false where it is none.
bool ReadTraceEvent(unsigned kind, std::string_view event, GvisorTrace& out);

}  // namespace ravelin::kernels
