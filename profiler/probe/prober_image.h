// The program that performs attempts in the guest.
#pragma once

#include <string_view>

namespace ravelin::probe {

std::string_view ProberImage();

}  // namespace ravelin::probe
