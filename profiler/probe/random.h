// Policies by chance, for a soak: each is probed as a written one is.
#pragma once

#include <cstdint>
#include <string>

namespace ravelin::probe {

// The text of a policy with one domain, the same for the same seed.  It may be one that a back end refuses; then the next is taken.
std::string RandomPolicy(uint64_t seed);

}  // namespace ravelin::probe
