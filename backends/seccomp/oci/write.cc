#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "backends/seccomp/lower.h"
#include "backends/seccomp/oci/decide.h"
#include "backends/seccomp/oci/oci.h"

namespace ravelin::seccomp {
namespace {

using ir::Predicate;
using ir::PredicateKind;
using Json = nlohmann::ordered_json;

constexpr size_t kMaxRulesPerCall = 1024;  // libseccomp's time grows with the square
constexpr size_t kMaxCubes = 20000;        // while they are computed

// Registers with some bits given: (arg & mask) == value for each.  What one rule of a profile can state exactly: one masked
// comparison for each argument.
struct Cube {
  std::array<uint64_t, 6> mask{};
  std::array<uint64_t, 6> value{};
  bool operator==(const Cube&) const = default;
};
using Cubes = std::vector<Cube>;  // disjoint

struct TooMany {};  // thrown and caught within this file

// a without b.
void Subtract(const Cube& a, const Cube& b, Cubes& out) {
  for (int i = 0; i < 6; ++i) {
    if (((a.value[i] ^ b.value[i]) & a.mask[i] & b.mask[i]) != 0) {
      out.push_back(a);
      return;
    }
  }
  Cube rest = a;  // agrees with b on the bits handled so far
  for (int i = 0; i < 6; ++i) {
    for (int bit = 63; bit >= 0; --bit) {
      const uint64_t one = uint64_t{1} << bit;
      if ((b.mask[i] & one) == 0 || (a.mask[i] & one) != 0) continue;
      rest.mask[i] |= one;
      Cube apart = rest;
      apart.value[i] = (apart.value[i] & ~one) | (~b.value[i] & one);
      out.push_back(apart);
      if (out.size() > kMaxCubes) throw TooMany();
      rest.value[i] = (rest.value[i] & ~one) | (b.value[i] & one);
    }
  }
}

Cubes Minus(Cubes from, const Cubes& what) {
  for (const Cube& b : what) {
    Cubes next;
    for (const Cube& a : from) Subtract(a, b, next);
    from = std::move(next);
  }
  return from;
}

Cubes Intersect(const Cubes& left, const Cubes& right) {
  Cubes out;
  for (const Cube& a : left) {
    for (const Cube& b : right) {
      Cube both = a;
      bool empty = false;
      for (int i = 0; i < 6; ++i) {
        empty = empty || ((a.value[i] ^ b.value[i]) & a.mask[i] & b.mask[i]) != 0;
        both.mask[i] |= b.mask[i];
        both.value[i] |= b.value[i];
      }
      if (!empty) out.push_back(both);
      if (out.size() > kMaxCubes) throw TooMany();
    }
  }
  return out;
}

// An interval of a masked word as prefixes: those whose fixed bits the mask can produce.
void AddInterval(const ir::ArgTest& test, ir::Interval interval, Cubes& out) {
  uint64_t lo = interval.lo;
  while (true) {
    int free = 0;  // the largest block that begins at lo and ends by hi
    while (free < test.bits && (lo >> free & 1) == 0) {
      const uint64_t size_less_one = free + 1 >= 64 ? ~uint64_t{0} : (uint64_t{1} << (free + 1)) - 1;
      if (size_less_one > interval.hi - lo) break;
      ++free;
    }
    const uint64_t below = free >= 64 ? ~uint64_t{0} : (uint64_t{1} << free) - 1;
    const uint64_t width = test.bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << test.bits) - 1;
    if ((lo & ~test.mask) == 0) {
      Cube cube;
      cube.mask[test.arg] = width & ~below & test.mask;
      cube.value[test.arg] = lo;
      out.push_back(cube);
      if (out.size() > kMaxCubes) throw TooMany();
    }
    if (interval.hi - lo <= below) return;
    lo += below + 1;
  }
}

Cubes ToCubes(const Predicate& p) {
  Cubes out;
  switch (p.kind()) {
    case PredicateKind::kTrue: return {Cube{}};
    case PredicateKind::kFalse: return {};
    case PredicateKind::kTest:
      for (const ir::Interval& interval : p.test().values.intervals()) AddInterval(p.test(), interval, out);
      return out;
    case PredicateKind::kAnd:
      out = {Cube{}};
      for (const Predicate& term : p.terms()) out = Intersect(out, ToCubes(term));
      return out;
    case PredicateKind::kOr:
      for (const Predicate& term : p.terms()) {
        Cubes more = Minus(ToCubes(term), out);
        out.insert(out.end(), more.begin(), more.end());
      }
      return out;
    case PredicateKind::kNot: return Minus({Cube{}}, ToCubes(p.terms().front()));
  }
  return out;
}

// Two cubes that differ in one given bit are one.
void Merge(Cubes& cubes) {
  for (bool merged = true; merged && cubes.size() <= kMaxRulesPerCall;) {
    merged = false;
    for (size_t i = 0; i < cubes.size() && !merged; ++i) {
      for (size_t j = i + 1; j < cubes.size() && !merged; ++j) {
        if (cubes[i].mask != cubes[j].mask) continue;
        int bits = 0;
        int arg = 0;
        for (int k = 0; k < 6; ++k) {
          const uint64_t difference = cubes[i].value[k] ^ cubes[j].value[k];
          if (difference != 0) arg = k;
          bits += __builtin_popcountll(difference);
        }
        if (bits != 1) continue;
        const uint64_t bit = cubes[i].value[arg] ^ cubes[j].value[arg];
        cubes[i].mask[arg] &= ~bit;
        cubes[i].value[arg] &= ~bit;
        cubes.erase(cubes.begin() + static_cast<std::ptrdiff_t>(j));
        merged = true;
      }
    }
  }
}

// The answers of one call that are not the profile's default.
struct Answers {
  std::vector<std::pair<ir::Action, Cubes>> parts;
  bool operator==(const Answers&) const = default;
};

struct NamedAnswers {
  Answers answers;
  kernel::Arch arch;
  std::string place;  // of a rule that decides, for messages
};

Answers AnswersOf(const CallAnswer& call, ir::Action fallback) {
  Answers out;
  Cubes done;
  for (const Clause& clause : call.clauses) {
    Cubes here = Minus(ToCubes(clause.when), done);
    done.insert(done.end(), here.begin(), here.end());
    if (here.empty() || clause.action == fallback) continue;
    const auto known = std::find_if(out.parts.begin(), out.parts.end(), [&](const auto& part) { return part.first == clause.action; });
    Cubes& to = known == out.parts.end() ? out.parts.emplace_back(clause.action, Cubes{}).second : known->second;
    to.insert(to.end(), here.begin(), here.end());
  }
  for (auto& [action, cubes] : out.parts) Merge(cubes);
  return out;
}

std::string PlaceOf(const ir::Domain& domain, const CallAnswer& call) {
  for (const Clause& clause : call.clauses) {
    if (!clause.reason.rules.empty()) return domain.rules[clause.reason.rules.front()].from.place;
  }
  return domain.from.place;
}

Json RuleJson(const std::vector<std::string>& names, ir::Action action) {
  Json rule;
  rule["names"] = names;
  rule["action"] = std::string(OciActionName(action.kind));
  if (action.kind == ir::ActionKind::kErrno || action.kind == ir::ActionKind::kTrace) rule["errnoRet"] = action.data;
  return rule;
}

Json ArgsJson(const Cube& cube) {
  Json args = Json::array();
  for (int i = 0; i < 6; ++i) {
    if (cube.mask[i] == 0) continue;
    Json arg;
    arg["index"] = i;
    if (cube.mask[i] == ~uint64_t{0}) {
      arg["value"] = cube.value[i];
      arg["op"] = "SCMP_CMP_EQ";
    } else {
      arg["value"] = cube.mask[i];
      arg["valueTwo"] = cube.value[i];
      arg["op"] = "SCMP_CMP_MASKED_EQ";
    }
    args.push_back(std::move(arg));
  }
  return args;
}

bool IsConstant(const Answers& answers) { return answers.parts.size() == 1 && answers.parts.front().second == Cubes{Cube{}}; }

Result<void> CheckStatable(const std::string& name, const NamedAnswers& named) {
  for (const auto& [action, cubes] : named.answers.parts) {
    if (action.kind == ir::ActionKind::kTrap && action.data != 0) return Fail(ErrorCode::kUnsupported, fmt::format("{}: a runtime profile cannot state {} for `{}`", named.place, FormatAction(action), name));
    if (cubes.size() > kMaxRulesPerCall) return Fail(ErrorCode::kUnsupported, fmt::format("{}: a runtime profile needs {} rules for `{}`, more than {}", named.place, cubes.size(), name, kMaxRulesPerCall));
  }
  return {};
}

// By name, over all architectures.  A profile speaks of names, so every architecture that has a name must agree on it.
Result<std::map<std::string, NamedAnswers>> Collect(const ir::Domain& domain, const FilterSpec& spec, ir::Action fallback) {
  std::map<std::string, NamedAnswers> by_name;
  for (const ArchSpec& arch : spec.arches) {
    for (const CallAnswer& call : arch.calls) {
      NamedAnswers named{{}, arch.arch, PlaceOf(domain, call)};
      try {
        named.answers = AnswersOf(call, fallback);
      } catch (const TooMany&) {
        return Fail(ErrorCode::kUnsupported, fmt::format("{}: the condition on `{}` needs too many rules of a runtime profile", named.place, call.name));
      }
      if (auto ok = CheckStatable(call.name, named); !ok) return tl::make_unexpected(std::move(ok.error()));
      const auto [at, added] = by_name.try_emplace(call.name, named);
      if (!added && at->second.answers != named.answers) {
        return Fail(ErrorCode::kUnsupported, fmt::format("{}: `{}` is decided differently on {} and {}, which one runtime profile cannot state", named.place, call.name, kernel::ArchName(at->second.arch), kernel::ArchName(arch.arch)));
      }
    }
  }
  return by_name;
}

}  // namespace

Result<std::string> WriteOciProfile(const ir::Domain& domain) {
  const FilterSpec spec = Lower(domain);
  // What no rule names gets the default, so the default is the answer of numbers without a name.
  ir::Action fallback;
  for (const RangeAnswer& range : spec.arches.front().ranges) {
    if (!ir::IsX32Number(spec.arches.front().arch, range.lo)) fallback = range.action;
  }
  if (fallback.kind == ir::ActionKind::kTrap && fallback.data != 0) return Fail(ErrorCode::kUnsupported, fmt::format("a runtime profile cannot state {} as its default", FormatAction(fallback)));
  RAVELIN_TRY(by_name, Collect(domain, spec, fallback));

  Json profile;
  profile["defaultAction"] = std::string(OciActionName(fallback.kind));
  if (fallback.kind == ir::ActionKind::kErrno || fallback.kind == ir::ActionKind::kTrace) profile["defaultErrnoRet"] = fallback.data;
  for (const kernel::Arch arch : domain.architectures) profile["architectures"].push_back(OciArchName(arch));
  Json rules = Json::array();
  std::map<ir::Action, std::vector<std::string>> constant;
  for (const auto& [name, named] : by_name) {
    if (IsConstant(named.answers)) constant[named.answers.parts.front().first].push_back(name);
  }
  for (auto it = constant.rbegin(); it != constant.rend(); ++it) rules.push_back(RuleJson(it->second, it->first));
  for (const auto& [name, named] : by_name) {
    if (IsConstant(named.answers)) continue;
    for (const auto& [action, cubes] : named.answers.parts) {
      for (const Cube& cube : cubes) {
        Json rule = RuleJson({name}, action);
        rule["args"] = ArgsJson(cube);
        rules.push_back(std::move(rule));
      }
    }
  }
  profile["syscalls"] = std::move(rules);
  return profile.dump(2) + "\n";
}

}  // namespace ravelin::seccomp
