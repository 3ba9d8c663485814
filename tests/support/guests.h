// Whether guest kernels can run here.
#pragma once

#include <string>

namespace ravelin::kernels {

// Why no guest can run here; "" where one can.  Asked once.
const std::string& WhyNoGuest();

}  // namespace ravelin::kernels
