#include "tests/support/guests.h"

#include "profiler/kernels/detect.h"

namespace ravelin::kernels {

const std::string& WhyNoGuest() {
  static const std::string why = [] {
    const Driver uml = Detect(DriverKind::kUml);
    for (const Precondition& one : uml.preconditions) {
      if (!one.holds) return one.what + ": " + one.detail;
    }
    return std::string(uml.available ? "" : "uml is not available");
  }();
  return why;
}

}  // namespace ravelin::kernels
