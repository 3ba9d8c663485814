#include "tests/guest/guest.h"

namespace ravelin::kernels {

Job Shell(const std::string& line, Module module) {
  Job job;
  job.module = module;
  job.setting.limit_ms = 20000;
  job.steps.push_back({.program = "/bin/sh", .arguments = {"sh", "-c", line}, .environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}});
  return job;
}

std::string Doubts(const Outcome& outcome) {
  std::string out;
  for (const std::string& reason : outcome.inconclusive) out += reason + "\n";
  return out;
}

}  // namespace ravelin::kernels
