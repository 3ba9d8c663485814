// SHA-256, by instructions and without, at once and in pieces.
#include <gtest/gtest.h>

#include "compiler/base/sha256.h"

namespace ravelin::base {
namespace {

std::string Bytes(size_t size) {
  std::string out;
  for (size_t i = 0; i < size; ++i) out += static_cast<char>(i * 7 % 251);
  return out;
}

TEST(Sha256, AsOthersCompute) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2, B.1
  const std::pair<size_t, const char*> known[] = {  // by sha256sum
      {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
      {55, "8af594de0e003fdee5c8bb088216c824349b4137070f559574f4a4bddd27b714"},
      {56, "db81bc2bfd43620591df192139062da77d4c376f1888ea3d2190bd07c8d901f9"},
      {63, "bd535b38bf0d0d1a09d370b7e34b2696cea3767801a45d5611a4aaa6954e8527"},
      {64, "292be91abe8c0909fe3d26575af5755eee74d23816dc68c3ba41765136967654"},
      {65, "ba65aedf7884642499a59ae124894611d986cf429e69f569488048af3a99e25a"},
      {119, "d367ab298e74477421127b0b448667c37c006c636f5738f081c39388756e5fad"},
      {120, "be7beb9c82089eb08da8fe6eb30c13b9d56869014e228a8c3eb0fdfe832efab2"},
      {128, "cb5311e1d7aa8e11d6af7081f3ffc3e4efa008c7483a1a791fe170bf37546ba7"},
      {1000, "59425e4412e296fc74736673ce067027f384203f59c0d2c3e6be7b13347b3ffc"},
  };
  for (const auto& [size, hex] : known) {
    EXPECT_EQ(Sha256Hex(Bytes(size)), hex) << size;
    Sha256 portable = Sha256::Portable();
    portable.Add(Bytes(size));
    EXPECT_EQ(portable.Hex(), hex) << size;
  }
}

TEST(Sha256, InPieces) {
  const std::string all = Bytes(500);
  const std::string whole = Sha256Hex(all);
  for (size_t piece = 1; piece < 200; ++piece) {
    Sha256 hash;
    for (size_t at = 0; at < all.size(); at += piece) {
      EXPECT_EQ(hash.Hex(), Sha256Hex(all.substr(0, at)));
      hash.Add(std::string_view(all).substr(at, piece));
    }
    EXPECT_EQ(hash.Hex(), whole) << piece;
  }
}

}  // namespace
}  // namespace ravelin::base
