// A kernel's audit events as facts.
#pragma once

#include <vector>

#include "profiler/kernels/audit.h"
#include "profiler/observe/fact.h"

namespace ravelin::observe {

struct AuditChoice {
  bool calls = true;                 // the system calls of the records count, too
  bool wanted = false;               // a refused call counts as one that should have succeeded: what it asks of objects is added
  std::set<std::string> subjects;    // profiles or types whose events count; empty: all.  Those below one (`NAME//x`) count with it
  std::vector<std::string> roots;    // in which names are resolved that callers gave (kernels::ResolveIn); empty: they stay
};
// Adds what the events say.  Returns how many records hold something that no fact has a place for.
size_t AddAudit(const std::vector<kernels::AuditEvent>& events, const AuditChoice& choice, Run& run, size_t* understood = nullptr);

}  // namespace ravelin::observe
