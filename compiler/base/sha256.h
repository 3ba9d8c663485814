// SHA-256 (FIPS 180-4), for manifests.
#pragma once

#include <string>
#include <string_view>

namespace ravelin::base {
std::string Sha256Hex(std::string_view bytes);  // 64 lower-case hex digits
}  // namespace ravelin::base
