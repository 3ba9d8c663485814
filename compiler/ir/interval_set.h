// Sets of unsigned 64-bit values as sorted, disjoint, non-adjacent closed intervals.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

namespace ravelin::ir {

struct Interval {
  uint64_t lo = 0;
  uint64_t hi = 0;  // included
  auto operator<=>(const Interval&) const = default;
};

class IntervalSet {
 public:
  IntervalSet() = default;
  explicit IntervalSet(std::vector<Interval> intervals);  // any order, may overlap
  static IntervalSet Of(std::initializer_list<uint64_t> values);
  static IntervalSet Single(uint64_t value) { return IntervalSet({{value, value}}); }
  static IntervalSet Range(uint64_t lo, uint64_t hi);  // empty when lo > hi
  static IntervalSet All(int bits);                    // 0 .. 2^bits - 1

  bool empty() const { return intervals_.empty(); }
  bool Contains(uint64_t value) const;
  uint64_t Min() const { return intervals_.front().lo; }
  const std::vector<Interval>& intervals() const { return intervals_; }
  bool operator==(const IntervalSet&) const = default;

  IntervalSet Union(const IntervalSet& other) const;
  IntervalSet Intersect(const IntervalSet& other) const;
  IntervalSet Complement(int bits) const;  // within 0 .. 2^bits - 1
  IntervalSet Minus(const IntervalSet& other) const { return Intersect(other.Complement(64)); }
  bool Includes(const IntervalSet& other) const { return other.Minus(*this).empty(); }

 private:
  std::vector<Interval> intervals_;
};

}  // namespace ravelin::ir
