#include "tests/guest/guest.h"

#include "profiler/kernels/detect.h"

namespace ravelin::kernels {

const std::string& WhyNoGuest() {
  static const std::string why = [] {
    const Driver uml = Detect().front();
    for (const Precondition& one : uml.preconditions) {
      if (!one.holds) return one.what + ": " + one.detail;
    }
    return std::string(uml.available ? "" : "uml is not available");
  }();
  return why;
}

Job Shell(const std::string& line, Module module) {
  Job job;
  job.module = module;
  job.limit_ms = 20000;
  job.steps.push_back({.program = "/bin/sh", .arguments = {"sh", "-c", line}, .environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}});
  return job;
}

std::string Doubts(const Outcome& outcome) {
  std::string out;
  for (const std::string& reason : outcome.inconclusive) out += reason + "\n";
  return out;
}

}  // namespace ravelin::kernels
