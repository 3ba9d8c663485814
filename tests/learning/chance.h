// What the cases are put together with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace ravelin::learning {

class Chance {
 public:
  explicit Chance(const std::string& seed) {
    std::seed_seq sequence(seed.begin(), seed.end());
    engine_.seed(sequence);
  }
  // 0 to n-1.  (Distributions of the library differ between its versions.)
  size_t Below(size_t n) { return static_cast<size_t>(engine_() % n); }
  bool OneIn(size_t n) { return Below(n) == 0; }
  const std::string& One(const std::vector<std::string>& of) { return of[Below(of.size())]; }
  // Some of them, `least` to `most`, in their order.
  std::vector<std::string> Some(std::vector<std::string> of, size_t least, size_t most) {
    size_t left = least + Below(most - least + 1);
    std::vector<std::string> out;
    for (size_t i = 0; i < of.size() && left > 0; ++i) {
      if (Below(of.size() - i) < left) {
        out.push_back(of[i]);
        --left;
      }
    }
    return out;
  }

 private:
  std::mt19937 engine_;
};

inline std::string Joined(const std::vector<std::string>& parts, const std::string& with) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : with) + part;
  return out;
}

// Of one program each.  `@` is the work folder, `@@` is an @.
std::string BashCase(Chance& chance);
std::string SqliteCase(Chance& chance);
std::string CurlCase(Chance& chance);
std::string RedisCase(Chance& chance);
std::string GitCase(Chance& chance);
std::string PythonCase(Chance& chance);
std::string GccCase(Chance& chance);
std::string NginxCase(Chance& chance);
std::string PerlCase(Chance& chance);
std::string RsyncCase(Chance& chance);
std::string TarCase(Chance& chance);
std::string OpensslCase(Chance& chance);

}  // namespace ravelin::learning
