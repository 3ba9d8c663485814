#include "profiler/kernels/guest_image.h"

// GUEST_INIT_PATH is the program's file; the build makes it before this is compiled.
asm(".section .rodata\n"
    ".balign 16\n"
    "ravelin_guest_init:\n"
    ".incbin \"" GUEST_INIT_PATH "\"\n"
    "ravelin_guest_init_end:\n"
    ".previous\n");

extern "C" const char ravelin_guest_init[] __attribute__((visibility("hidden")));
extern "C" const char ravelin_guest_init_end[] __attribute__((visibility("hidden")));

namespace ravelin::kernels {

std::string_view GuestImage() { return {ravelin_guest_init, static_cast<size_t>(ravelin_guest_init_end - ravelin_guest_init)}; }

}  // namespace ravelin::kernels
