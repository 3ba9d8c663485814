#include "profiler/probe/prober_image.h"

// PROBER_PATH is the program's file; the build makes it before this is compiled.
asm(".section .rodata\n"
    ".balign 16\n"
    "ravelin_prober:\n"
    ".incbin \"" PROBER_PATH "\"\n"
    "ravelin_prober_end:\n"
    ".previous\n");

extern "C" const char ravelin_prober[] __attribute__((visibility("hidden")));
extern "C" const char ravelin_prober_end[] __attribute__((visibility("hidden")));

namespace ravelin::probe {

std::string_view ProberImage() { return {ravelin_prober, static_cast<size_t>(ravelin_prober_end - ravelin_prober)}; }

}  // namespace ravelin::probe
