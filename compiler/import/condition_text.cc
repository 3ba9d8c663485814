#include "compiler/import/condition_text.h"

#include <fmt/format.h>

namespace ravelin::import {
namespace {

using ir::Interval;
using ir::IntervalSet;
using kernel::ArgType;
using seccomp::OciOp;

constexpr uint64_t kMost = ~uint64_t{0};

int WidthOf(ArgType type) { return type == ArgType::kU16 ? 16 : type == ArgType::kI32 || type == ArgType::kU32 ? 32 : 64; }
bool IsSigned(ArgType type) { return type == ArgType::kI32 || type == ArgType::kI64; }
uint64_t Ones(int bits) { return bits >= 64 ? kMost : (uint64_t{1} << bits) - 1; }

// The values of a 64-bit register that a comparison without a mask accepts.
IntervalSet Accepted(OciOp op, uint64_t value) {
  switch (op) {
    case OciOp::kNe: return IntervalSet::Single(value).Complement(64);
    case OciOp::kLt: return value == 0 ? IntervalSet() : IntervalSet::Range(0, value - 1);
    case OciOp::kLe: return IntervalSet::Range(0, value);
    case OciOp::kGe: return IntervalSet::Range(value, kMost);
    case OciOp::kGt: return value == kMost ? IntervalSet() : IntervalSet::Range(value + 1, kMost);
    default: return IntervalSet::Single(value);
  }
}

// A constant as a caller would pass it: -1 sign-extended means the same 32 bits.
uint64_t Narrow(uint64_t value, int bits) {
  const uint64_t high = value >> (bits - 1);
  return high == kMost >> (bits - 1) ? value & Ones(bits) : value;
}

class Writer {
 public:
  Writer(kernel::Arch arch, const kernel::Syscall& call, const Comparison& c) : arch_(arch), test_(c.test) {
    const bool known = c.test.arg < call.params.size();
    const kernel::Param* param = known ? &call.params[c.test.arg] : nullptr;
    name_ = known ? param->name : fmt::format("argument({})", c.test.arg);
    if (c.wide) name_ = fmt::format("wide({})", name_);
    bits_ = c.wide || !known ? 64 : WidthOf(param->type);
    signed_ = !c.wide && known && IsSigned(param->type);
    if (known) family_ = param->family;
    const uint64_t all = Ones(bits_);
    masked_ = (c.test.mask & all) != all;
    if (masked_) {
      name_ += " & " + Mask(c.test.mask);
      signed_ = signed_ && (c.test.mask >> (bits_ - 1) & 1) != 0;
    }
  }

  std::string Text() const {
    const uint64_t all = masked_ ? test_.mask : Ones(bits_);
    const IntervalSet universe = IntervalSet::Range(0, all);
    const IntervalSet rest = universe.Minus(test_.values);
    const bool negative = Length(rest) < Length(test_.values);
    return Membership(negative ? rest : test_.values, negative);
  }

 private:
  // What a reader has to read: a range is two numbers.
  static size_t Length(const IntervalSet& set) {
    size_t length = 0;
    for (const Interval& i : set.intervals()) length += i.lo == i.hi ? 1 : 2;
    return length;
  }

  std::string Value(uint64_t value, bool hex) const {
    if (!family_.empty()) {
      const std::string_view name = kernel::ConstantName(arch_, family_, value);
      if (!name.empty() && kernel::FindConstant(arch_, name) == value) return std::string(name);
    }
    if (signed_ && (value >> (bits_ - 1) & 1) != 0) {
      const uint64_t magnitude = (~value + 1) & Ones(bits_);
      return fmt::format("-{}", magnitude);
    }
    return value != 0 && (hex || value >= 0x10000) ? fmt::format("{:#x}", value) : fmt::format("{}", value);
  }

  // A mask as the names of its bits, where the family has them all.
  std::string Mask(uint64_t mask) const {
    const std::string whole = Value(mask, true);
    if (family_.empty() || whole[0] < '0' || whole[0] > '9') return whole;
    std::string names;
    for (uint64_t rest = mask; rest != 0; rest &= rest - 1) {
      const std::string name = Value(rest & -rest, true);
      if (name[0] >= '0' && name[0] <= '9') return whole;
      names += (names.empty() ? "" : " | ") + name;
    }
    return names.find(' ') == std::string::npos ? names : "(" + names + ")";
  }

  // Intervals in the order of the parameter's type: those of negative numbers apart.
  std::vector<Interval> Ordered(const IntervalSet& set) const {
    std::vector<Interval> out;
    const uint64_t sign = uint64_t{1} << (bits_ - 1);
    for (const Interval& i : set.intervals()) {
      if (signed_ && i.lo < sign && i.hi >= sign) {
        out.push_back({i.lo, sign - 1});
        out.push_back({sign, i.hi});
      } else {
        out.push_back(i);
      }
    }
    return out;
  }

  std::string Membership(const IntervalSet& set, bool negative) const {
    const std::vector<Interval> intervals = Ordered(set);
    if (intervals.size() <= 2 && negative) {  // a few values: x != A && x != B reads best
      std::string all;
      bool points = true;
      for (const Interval& i : intervals) {
        points = points && i.lo == i.hi;
        all += fmt::format("{}{} != {}", all.empty() ? "" : " && ", name_, Value(i.lo, masked_));
      }
      if (points) return all;
    }
    if (intervals.size() == 1 && intervals[0].lo == intervals[0].hi) return fmt::format("{} == {}", name_, Value(intervals[0].lo, masked_));
    if (intervals.size() == 1 && !signed_ && !masked_) {
      if (intervals[0].lo == 0) return fmt::format("{} {} {}", name_, negative ? ">" : "<=", Value(intervals[0].hi, false));
      if (intervals[0].hi == Ones(bits_)) return fmt::format("{} {} {}", name_, negative ? "<" : ">=", Value(intervals[0].lo, false));
    }
    std::string list;
    for (const Interval& i : intervals) {
      list += list.empty() ? "" : ", ";
      list += i.lo == i.hi ? Value(i.lo, masked_) : fmt::format("{}..{}", Value(i.lo, masked_), Value(i.hi, masked_));
    }
    const std::string in = fmt::format("{} in {{ {} }}", name_, list);
    return negative ? fmt::format("!({})", in) : in;
  }

  kernel::Arch arch_;
  const ir::ArgTest& test_;
  std::string name_;
  std::string family_;
  int bits_ = 64;
  bool signed_ = false;
  bool masked_ = false;
};

}  // namespace

std::optional<Comparison> Translate(const kernel::Syscall& call, const seccomp::OciArg& arg, bool literal, std::string& why) {
  Comparison out;
  out.test.arg = static_cast<uint8_t>(arg.index);
  if (call.signature_known && arg.index >= call.params.size()) {
    why = fmt::format("`{}` has only {} argument{}", call.name, call.params.size(), call.params.size() == 1 ? "" : "s");
    return std::nullopt;
  }
  const ArgType type = call.signature_known ? call.params[arg.index].type : ArgType::kU64;
  if (type == ArgType::kPtr) {
    why = fmt::format("`{}` of `{}` is a pointer: its value says nothing of what it points to", call.params[arg.index].name, call.name);
    return std::nullopt;
  }
  const int bits = WidthOf(type);
  const bool full = bits == 64 || literal;
  out.wide = !call.signature_known || (literal && bits < 64);
  out.test.bits = full ? 64 : 32;
  out.test.mask = full ? kMost : Ones(bits);
  if (arg.op == OciOp::kMaskedEq) {
    out.repaired = !full && ((arg.value | arg.value_two) & ~Ones(bits)) != 0;
    out.test.mask &= arg.value;
    const uint64_t wanted = full ? arg.value_two : Narrow(arg.value_two, bits);
    if ((wanted & ~out.test.mask) == 0) out.test.values = IntervalSet::Single(wanted);
    return out;
  }
  const bool point = arg.op == OciOp::kEq || arg.op == OciOp::kNe;
  const IntervalSet set = Accepted(arg.op, !full && point ? Narrow(arg.value, bits) : arg.value);
  out.repaired = !full;
  out.test.values = set.Intersect(IntervalSet::Range(0, out.test.mask));
  return out;
}

std::string ConditionText(kernel::Arch arch, const kernel::Syscall& call, const Comparison& comparison) { return Writer(arch, call, comparison).Text(); }

}  // namespace ravelin::import
