#include "compiler/ir/interval_set.h"

#include <algorithm>

namespace ravelin::ir {
namespace {

uint64_t MaxOf(int bits) { return bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }

}  // namespace

IntervalSet::IntervalSet(std::vector<Interval> intervals) {
  std::erase_if(intervals, [](const Interval& i) { return i.lo > i.hi; });
  std::sort(intervals.begin(), intervals.end());
  for (const Interval& i : intervals) {
    if (!intervals_.empty() && (intervals_.back().hi == ~uint64_t{0} || i.lo <= intervals_.back().hi + 1)) {
      intervals_.back().hi = std::max(intervals_.back().hi, i.hi);
    } else {
      intervals_.push_back(i);
    }
  }
}

IntervalSet IntervalSet::Of(std::initializer_list<uint64_t> values) {
  std::vector<Interval> intervals;
  for (const uint64_t v : values) intervals.push_back({v, v});
  return IntervalSet(std::move(intervals));
}

IntervalSet IntervalSet::Range(uint64_t lo, uint64_t hi) { return IntervalSet({{lo, hi}}); }

IntervalSet IntervalSet::All(int bits) { return Range(0, MaxOf(bits)); }

bool IntervalSet::Contains(uint64_t value) const {
  const auto after = std::upper_bound(intervals_.begin(), intervals_.end(), value,
                                      [](uint64_t v, const Interval& i) { return v < i.lo; });
  return after != intervals_.begin() && value <= std::prev(after)->hi;
}

IntervalSet IntervalSet::Union(const IntervalSet& other) const {
  std::vector<Interval> all = intervals_;
  all.insert(all.end(), other.intervals_.begin(), other.intervals_.end());
  return IntervalSet(std::move(all));
}

IntervalSet IntervalSet::Intersect(const IntervalSet& other) const {
  IntervalSet out;
  size_t i = 0;
  size_t j = 0;
  while (i < intervals_.size() && j < other.intervals_.size()) {
    const Interval& a = intervals_[i];
    const Interval& b = other.intervals_[j];
    const uint64_t lo = std::max(a.lo, b.lo);
    const uint64_t hi = std::min(a.hi, b.hi);
    if (lo <= hi) out.intervals_.push_back({lo, hi});
    if (a.hi < b.hi) ++i; else ++j;
  }
  return out;
}

IntervalSet IntervalSet::Complement(int bits) const {
  const uint64_t max = MaxOf(bits);
  IntervalSet out;
  uint64_t next = 0;
  for (const Interval& i : intervals_) {
    if (i.lo > max) break;
    if (i.lo > next) out.intervals_.push_back({next, i.lo - 1});
    if (i.hi >= max) return out;
    next = i.hi + 1;
  }
  out.intervals_.push_back({next, max});
  return out;
}

}  // namespace ravelin::ir
