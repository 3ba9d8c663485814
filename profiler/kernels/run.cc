#include "profiler/kernels/gvisor.h"
#include "profiler/kernels/host.h"
#include "profiler/kernels/uml.h"
#include "profiler/kernels/vm.h"

namespace ravelin::kernels {

const char* ModuleName(Module module) {
  switch (module) {
    case Module::kNone: return "none";
    case Module::kApparmor: return "apparmor";
    case Module::kSelinux: return "selinux";
  }
  return "";
}

const char* DriverName(DriverKind driver) {
  switch (driver) {
    case DriverKind::kUml: return "uml";
    case DriverKind::kHost: return "host";
    case DriverKind::kGvisor: return "gvisor";
    case DriverKind::kVm: return "vm";
  }
  return "";
}

Result<Outcome> Run(const Job& job) {
  switch (job.setting.machine.driver) {
    case DriverKind::kUml: return RunUml(job);
    case DriverKind::kHost: return RunHost(job);
    case DriverKind::kGvisor: return RunGvisor(job);
    case DriverKind::kVm: return RunVm(job);
  }
  return Fail(ErrorCode::kUnsupported, "no such driver");
}

}  // namespace ravelin::kernels
