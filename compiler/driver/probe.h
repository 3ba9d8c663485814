// A policy's attempts in guests: planned, performed, judged.
#pragma once

#include <optional>
#include <vector>

#include "compiler/driver/frontend.h"
#include "profiler/probe/probe.h"

namespace ravelin::driver {

struct ProbeOptions {
  kernels::Machine machine;
  unsigned memory_mb = 512;
  unsigned limit_ms = 120000;  // of one run
  bool host_isolation = true;
};

struct Probed {
  probe::Plan plan;
  std::vector<probe::SetReport> reports;  // of each layer set
};

// nullopt after an error in front.sink.  `enforced`: the policy whose artifacts are loaded, where it is another (tests).
Result<std::optional<Probed>> ProbePolicy(Frontend& front, size_t domain, const ProbeOptions& options, Frontend* enforced = nullptr);

}  // namespace ravelin::driver
