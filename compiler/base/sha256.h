// SHA-256 (FIPS 180-4), for manifests and identities.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ravelin::base {

std::string Sha256Hex(std::string_view bytes);  // 64 lower-case hex digits

// Of bytes that come one after another.
class Sha256 {
 public:
  Sha256();  // by the processor's own instructions, where it has them
  static Sha256 Portable();
  void Add(std::string_view bytes);
  std::string Hex() const;  // of all that were added

 private:
  void Block(const unsigned char* block);

  bool by_instructions_;
  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::string open_;  // less than a block
  uint64_t size_ = 0;
};

}  // namespace ravelin::base
