// In place of bpf.cc where clang or libbpf were missing when this was built.
#include "profiler/recorder/recorder.h"

namespace ravelin::recorder {

int RecordByBpf(const Options&, const Table&, int out) { return Cannot(out, "this program was built without the driver bpf: build it where clang and libbpf-dev are installed"); }

}  // namespace ravelin::recorder
