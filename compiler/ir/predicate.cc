#include "compiler/ir/predicate.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace ravelin::ir {
namespace {

uint64_t WidthMask(int bits) { return bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }

auto WordOf(const ArgTest& t) { return std::tuple(t.arg, t.bits, t.mask); }

// Merges tests of one word in a list of terms; `conjunction` says whether the list is an And.
void MergeTests(std::vector<Predicate>& terms, bool conjunction) {
  std::vector<Predicate> out;
  std::vector<ArgTest> tests;
  for (Predicate& term : terms) {
    if (term.kind() != PredicateKind::kTest) {
      if (std::find(out.begin(), out.end(), term) == out.end()) out.push_back(std::move(term));
    } else {
      tests.push_back(term.test());
    }
  }
  std::stable_sort(tests.begin(), tests.end(), [](const ArgTest& a, const ArgTest& b) { return WordOf(a) < WordOf(b); });
  std::vector<Predicate> merged;
  for (size_t i = 0; i < tests.size();) {
    ArgTest test = tests[i];
    size_t j = i + 1;
    if (conjunction) {
      for (; j < tests.size() && WordOf(tests[j]) == WordOf(test); ++j) test.values = test.values.Intersect(tests[j].values);
    } else {
      std::vector<Interval> all = test.values.intervals();  // one sort for all: a union one by one would be quadratic
      for (; j < tests.size() && WordOf(tests[j]) == WordOf(test); ++j) {
        all.insert(all.end(), tests[j].values.intervals().begin(), tests[j].values.intervals().end());
      }
      test.values = IntervalSet(std::move(all));
    }
    merged.push_back(Predicate::Test(std::move(test)));
    i = j;
  }
  merged.insert(merged.end(), std::make_move_iterator(out.begin()), std::make_move_iterator(out.end()));
  terms = std::move(merged);
}

}  // namespace

bool ArgTest::Holds(const Args& args) const { return values.Contains(args[arg] & WidthMask(bits) & mask); }

Predicate Predicate::False() {
  Predicate p;
  p.kind_ = PredicateKind::kFalse;
  return p;
}

Predicate Predicate::Test(ArgTest test) {
  test.mask &= WidthMask(test.bits);
  // Values that the mask cannot produce never match; dropping those beyond its largest value keeps sets small.
  test.values = test.values.Intersect(IntervalSet::Range(0, test.mask));
  if (test.values.empty()) return False();
  if (test.mask == 0) return test.values.Contains(0) ? True() : False();
  if (test.values == IntervalSet::Range(0, test.mask)) return True();
  Predicate p;
  p.kind_ = PredicateKind::kTest;
  p.test_ = std::move(test);
  return p;
}

Predicate Predicate::And(std::vector<Predicate> terms) {
  std::vector<Predicate> flat;
  for (Predicate& term : terms) {
    if (term.kind_ == PredicateKind::kAnd) {
      flat.insert(flat.end(), term.terms_.begin(), term.terms_.end());
    } else {
      flat.push_back(std::move(term));
    }
  }
  MergeTests(flat, true);
  std::erase_if(flat, [](const Predicate& p) { return p.IsTrue(); });
  for (const Predicate& p : flat) {
    if (p.IsFalse()) return False();
  }
  if (flat.empty()) return True();
  if (flat.size() == 1) return std::move(flat.front());
  Predicate p;
  p.kind_ = PredicateKind::kAnd;
  p.terms_ = std::move(flat);
  return p;
}

Predicate Predicate::Or(std::vector<Predicate> terms) {
  std::vector<Predicate> flat;
  for (Predicate& term : terms) {
    if (term.kind_ == PredicateKind::kOr) {
      flat.insert(flat.end(), term.terms_.begin(), term.terms_.end());
    } else {
      flat.push_back(std::move(term));
    }
  }
  MergeTests(flat, false);
  std::erase_if(flat, [](const Predicate& p) { return p.IsFalse(); });
  for (const Predicate& p : flat) {
    if (p.IsTrue()) return True();
  }
  if (flat.empty()) return False();
  if (flat.size() == 1) return std::move(flat.front());
  Predicate p;
  p.kind_ = PredicateKind::kOr;
  p.terms_ = std::move(flat);
  return p;
}

Predicate Predicate::Not(Predicate term) {
  switch (term.kind_) {
    case PredicateKind::kTrue: return False();
    case PredicateKind::kFalse: return True();
    case PredicateKind::kNot: return std::move(term.terms_.front());
    case PredicateKind::kTest: {
      ArgTest test = term.test_;
      test.values = test.values.Complement(test.bits);
      return Test(std::move(test));
    }
    case PredicateKind::kAnd:
    case PredicateKind::kOr: break;
  }
  Predicate p;
  p.kind_ = PredicateKind::kNot;
  p.terms_.push_back(std::move(term));
  return p;
}

bool Predicate::Holds(const Args& args) const {
  switch (kind_) {
    case PredicateKind::kTrue: return true;
    case PredicateKind::kFalse: return false;
    case PredicateKind::kTest: return test_.Holds(args);
    case PredicateKind::kAnd: return std::all_of(terms_.begin(), terms_.end(), [&](const Predicate& p) { return p.Holds(args); });
    case PredicateKind::kOr: return std::any_of(terms_.begin(), terms_.end(), [&](const Predicate& p) { return p.Holds(args); });
    case PredicateKind::kNot: return !terms_.front().Holds(args);
  }
  return false;
}

namespace {

std::string FormatValue(uint64_t v) { return v < 1024 ? fmt::format("{}", v) : fmt::format("{:#x}", v); }

std::string FormatTest(const ArgTest& test, const std::array<std::string, 6>* names) {
  std::string word = names != nullptr && !(*names)[test.arg].empty() ? (*names)[test.arg] : fmt::format("arg{}", test.arg);
  if (test.bits != 64) word += fmt::format(":{}", test.bits);
  if (test.mask != WidthMask(test.bits)) word += fmt::format(" & {:#x}", test.mask);
  std::string set;
  for (const Interval& i : test.values.intervals()) {
    if (!set.empty()) set += ", ";
    set += FormatValue(i.lo);
    if (i.hi != i.lo) set += ".." + FormatValue(i.hi);
  }
  return fmt::format("{} in {{ {} }}", word, set);
}

}  // namespace

std::string FormatPredicate(const Predicate& predicate, const std::array<std::string, 6>* names) {
  const auto join = [&](std::string_view op) {
    std::string out;
    for (const Predicate& term : predicate.terms()) {
      if (!out.empty()) out += op;
      const bool bracket = term.kind() == PredicateKind::kOr || term.kind() == PredicateKind::kAnd;
      out += bracket ? "(" + FormatPredicate(term, names) + ")" : FormatPredicate(term, names);
    }
    return out;
  };
  switch (predicate.kind()) {
    case PredicateKind::kTrue: return "true";
    case PredicateKind::kFalse: return "false";
    case PredicateKind::kTest: return FormatTest(predicate.test(), names);
    case PredicateKind::kAnd: return join(" && ");
    case PredicateKind::kOr: return join(" || ");
    case PredicateKind::kNot: return "!(" + FormatPredicate(predicate.terms().front(), names) + ")";
  }
  return {};
}

}  // namespace ravelin::ir
