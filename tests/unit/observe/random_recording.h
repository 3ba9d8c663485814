// Recordings as several machines could have made them, for tests that hold for any.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "profiler/observe/fact.h"

namespace ravelin::observe {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(engine_); }
  template <typename T>
  void Shuffle(std::vector<T>& all) {
    std::shuffle(all.begin(), all.end(), engine_);
  }
  // Some of what a machine could know of at most four runs: the same run may be known in parts by several.
  Recording Part() {
    Recording out;
    for (size_t i = 0; i < 1 + Below(3); ++i) {
      Run& run = out.runs["run-" + std::to_string(Below(4))];
      run.driver = "ptrace";
      run.command = "command";
      run.started = 100 + static_cast<double>(Below(5));
      run.ended = 200 + static_cast<double>(Below(5));
      run.status = Below(2) == 0 ? "" : "exit 0";
      run.variation["TMPDIR"] = "/tmp/a";
      run.completeness.clean_end = Below(3) != 0;
      run.completeness.channels["calls"].lost = Below(3);
      if (Below(2) == 0) run.completeness.blind.insert("capabilities");
      if (Below(4) == 0) run.completeness.doubts.insert("a doubt");
      for (size_t k = 0; k < Below(12); ++k) {
        const Fact fact{"file", Below(2) == 0 ? "read" : "write", Encode({{"path", "/tmp/f " + std::to_string(Below(6))}}), Below(3) == 0 ? "program=/bin/q" : "program=/bin/p"};
        run.Add(fact, 150 + static_cast<double>(Below(20)), "example " + std::to_string(Below(9)), 1 + Below(4));
      }
    }
    return out;
  }

 private:
  std::mt19937 engine_;
};

}  // namespace ravelin::observe
