// The guest's init (profiler/guest), as built beside this program and kept in it.
#pragma once

#include <string_view>

namespace ravelin::kernels {

std::string_view GuestImage();  // a static ELF program

}  // namespace ravelin::kernels
