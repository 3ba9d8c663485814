#pragma once

#include <cstdint>

namespace ravelin::base {

bool HasShaInstructions();
// One block of 64 bytes into the eight words of the state; `round` are the 64 constants.  Only where HasShaInstructions.
void CompressByInstructions(uint32_t* state, const unsigned char* block, const uint32_t* round);

}  // namespace ravelin::base
