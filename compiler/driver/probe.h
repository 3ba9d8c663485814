// A policy's attempts in guests: planned, performed, judged.
#pragma once

#include <optional>
#include <vector>

#include "compiler/driver/frontend.h"
#include "profiler/probe/probe.h"

namespace ravelin::driver {

struct Probed {
  probe::Plan plan;
  std::vector<probe::SetReport> reports;  // of each layer set
};

// The root of `setting` is made here.  nullopt after an error in front.sink.  `enforced`: the policy whose artifacts are loaded, where it is another (tests).
Result<std::optional<Probed>> ProbePolicy(Frontend& front, size_t domain, const kernels::Setting& setting, Frontend* enforced = nullptr);

}  // namespace ravelin::driver
