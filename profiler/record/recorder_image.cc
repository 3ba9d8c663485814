#include "profiler/record/record.h"

// RECORDER_PATH is the program's file; the build makes it before this is compiled.
asm(".section .rodata\n"
    ".balign 16\n"
    "ravelin_recorder_image:\n"
    ".incbin \"" RECORDER_PATH "\"\n"
    "ravelin_recorder_image_end:\n"
    ".previous\n");

extern "C" const char ravelin_recorder_image[] __attribute__((visibility("hidden")));
extern "C" const char ravelin_recorder_image_end[] __attribute__((visibility("hidden")));

namespace ravelin::record {

std::string_view RecorderImage() { return {ravelin_recorder_image, static_cast<size_t>(ravelin_recorder_image_end - ravelin_recorder_image)}; }

}  // namespace ravelin::record
