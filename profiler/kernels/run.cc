#include "profiler/kernels/gvisor.h"
#include "profiler/kernels/host.h"
#include "profiler/kernels/uml.h"

namespace ravelin::kernels {

Result<Outcome> Run(const Job& job) {
  switch (job.driver) {
    case DriverKind::kUml: return RunUml(job);
    case DriverKind::kHost: return RunHost(job);
    case DriverKind::kGvisor: return RunGvisor(job);
  }
  return Fail(ErrorCode::kUnsupported, "no such driver");
}

}  // namespace ravelin::kernels
