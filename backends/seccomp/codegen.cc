#include "backends/seccomp/codegen.h"

#include <fmt/format.h>
#include <linux/filter.h>

#include <algorithm>
#include <set>

#include "backends/seccomp/search_tree.h"
#include "compiler/ir/satisfy.h"

namespace ravelin::seccomp {
namespace {

using ir::ArgTest;
using ir::IntervalSet;
using ir::Predicate;
using ir::PredicateKind;

constexpr uint32_t kAllOnes = 0xffffffff;
// A node is a place in the decision graph.  `offset` and `mask` say what the accumulator holds when it is entered, so
// that only nodes which agree on that are shared.
struct Node {
  enum class Kind : uint8_t { kReturn, kLoad, kAnd, kEqual, kAtLeast, kAnyBit } kind = Kind::kReturn;
  uint32_t k = 0;       // value returned, offset loaded, mask, or constant compared
  uint32_t yes = 0;     // load and mask: the next node
  uint32_t no = 0;
  uint32_t offset = 0;
  uint32_t mask = 0;
  auto operator<=>(const Node&) const = default;
};

struct Outcome {
  Predicate when;
  uint32_t node;
};

// Index of a 32-bit word of the arguments: 2 * argument, + 1 for the high word.
Predicate WordTest(int word, uint32_t mask, uint64_t lo, uint64_t hi) {
  ArgTest test;
  test.arg = static_cast<uint8_t>(word);
  test.bits = 32;
  test.mask = mask;
  test.values = IntervalSet::Range(lo, hi);
  return Predicate::Test(std::move(test));
}

// Tests of 64-bit arguments become tests of words.
Predicate ToWords(const Predicate& p) {
  switch (p.kind()) {
    case PredicateKind::kTrue:
    case PredicateKind::kFalse: return p;
    case PredicateKind::kNot: return Predicate::Not(ToWords(p.terms().front()));
    case PredicateKind::kAnd:
    case PredicateKind::kOr: {
      std::vector<Predicate> terms;
      for (const Predicate& term : p.terms()) terms.push_back(ToWords(term));
      return p.kind() == PredicateKind::kAnd ? Predicate::And(std::move(terms)) : Predicate::Or(std::move(terms));
    }
    case PredicateKind::kTest: break;
  }
  const ArgTest& t = p.test();
  const int low = 2 * t.arg;
  if (t.bits == 32) {
    ArgTest word = t;
    word.arg = static_cast<uint8_t>(low);
    return Predicate::Test(std::move(word));
  }
  const auto mask_low = static_cast<uint32_t>(t.mask);
  const auto mask_high = static_cast<uint32_t>(t.mask >> 32);
  std::vector<Predicate> any;
  for (const ir::Interval& i : t.values.intervals()) {
    const uint64_t hl = i.lo >> 32;
    const uint64_t hh = i.hi >> 32;
    const uint64_t ll = i.lo & kAllOnes;
    const uint64_t lh = i.hi & kAllOnes;
    if (hl == hh) {
      any.push_back(Predicate::And({WordTest(low + 1, mask_high, hl, hl), WordTest(low, mask_low, ll, lh)}));
      continue;
    }
    any.push_back(Predicate::And({WordTest(low + 1, mask_high, hl, hl), WordTest(low, mask_low, ll, kAllOnes)}));
    if (hl + 1 <= hh - 1) any.push_back(WordTest(low + 1, mask_high, hl + 1, hh - 1));
    any.push_back(Predicate::And({WordTest(low + 1, mask_high, hh, hh), WordTest(low, mask_low, 0, lh)}));
  }
  return Predicate::Or(std::move(any));
}

const ArgTest* FirstTest(const Predicate& p) {
  if (p.kind() == PredicateKind::kTest) return &p.test();
  for (const Predicate& term : p.terms()) {
    if (const ArgTest* test = FirstTest(term)) return test;
  }
  return nullptr;
}

void CollectCuts(const Predicate& p, const ArgTest& word, std::set<uint64_t>& cuts) {
  if (p.kind() == PredicateKind::kTest && p.test().arg == word.arg && p.test().mask == word.mask) {
    for (const ir::Interval& i : p.test().values.intervals()) {
      cuts.insert(i.lo);
      if (i.hi < word.mask) cuts.insert(i.hi + 1);
    }
  }
  for (const Predicate& term : p.terms()) CollectCuts(term, word, cuts);
}

// The predicate where (word & mask) is known to be `value`.
Predicate Restrict(const Predicate& p, const ArgTest& word, uint64_t value) {
  switch (p.kind()) {
    case PredicateKind::kTest:
      if (p.test().arg != word.arg || p.test().mask != word.mask) return p;
      return p.test().values.Contains(value) ? Predicate::True() : Predicate::False();
    case PredicateKind::kNot: return Predicate::Not(Restrict(p.terms().front(), word, value));
    case PredicateKind::kAnd:
    case PredicateKind::kOr: {
      std::vector<Predicate> terms;
      for (const Predicate& term : p.terms()) terms.push_back(Restrict(term, word, value));
      return p.kind() == PredicateKind::kAnd ? Predicate::And(std::move(terms)) : Predicate::Or(std::move(terms));
    }
    default: return p;
  }
}

// A test of a word as a predicate on the registers.
Predicate OnRegisters(const ArgTest& word, const IntervalSet& values) {
  ArgTest test;
  test.arg = static_cast<uint8_t>(word.arg / 2);
  test.mask = word.mask;
  test.bits = 32;
  test.values = values;
  if (word.arg % 2 == 1) {  // the high half
    std::vector<ir::Interval> shifted;
    for (const ir::Interval& i : values.intervals()) shifted.push_back({i.lo << 32, i.hi << 32 | kAllOnes});
    test.bits = 64;
    test.mask = word.mask << 32;
    test.values = IntervalSet(std::move(shifted));
  }
  return Predicate::Test(std::move(test));
}

// What the tests before have told of the registers; only tests of one word under several masks say something of one another.
class Known {
 public:
  Known With(const ArgTest& word, uint64_t lo, uint64_t hi) const {
    Known out = *this;
    out.words_.emplace_back(word.arg, word.mask);
    out.facts_.push_back(OnRegisters(word, IntervalSet::Range(lo, hi)));
    return out;
  }
  bool SaysOf(const ArgTest& word) const {
    return std::any_of(words_.begin(), words_.end(), [&](const auto& w) { return w.first == word.arg && w.second != word.mask; });
  }
  bool Permits(const ArgTest& word, uint64_t lo, uint64_t hi) const {
    std::vector<Predicate> all = facts_;
    all.push_back(OnRegisters(word, IntervalSet::Range(lo, hi)));
    return ir::FindArgs(Predicate::And(std::move(all))).has_value();
  }
  // Distinguishes contexts for which code may differ.
  std::string KeyFor(const std::vector<Outcome>& outcomes) const;

 private:
  std::vector<std::pair<uint8_t, uint64_t>> words_;
  std::vector<Predicate> facts_;
};

bool Mentions(const Predicate& p, const std::vector<std::pair<uint8_t, uint64_t>>& words) {
  if (p.kind() == PredicateKind::kTest) {
    for (const auto& [arg, mask] : words) {
      if (p.test().arg == arg && p.test().mask != mask) return true;
    }
  }
  return std::any_of(p.terms().begin(), p.terms().end(), [&](const Predicate& term) { return Mentions(term, words); });
}

std::string Known::KeyFor(const std::vector<Outcome>& outcomes) const {
  std::string key;
  if (std::any_of(outcomes.begin(), outcomes.end(), [&](const Outcome& o) { return Mentions(o.when, words_); })) {
    for (const Predicate& fact : facts_) key += FormatPredicate(fact) + "|";
  }
  return key;
}

class Generator {
 public:
  Generator(const FilterSpec& spec, const CodegenOptions& options) : spec_(spec), options_(options), big_endian_(kernel::IsBigEndian(spec.arches.front().arch)) {}

  Result<Generated> Run() {
    uint32_t next = Return(spec_.foreign, spec_.foreign_reason);
    for (size_t i = spec_.arches.size(); i-- > 0;) {
      const uint32_t body = Dispatch(spec_.arches[i]);
      next = Intern({Node::Kind::kEqual, kernel::AuditArch(spec_.arches[i].arch), body, next, kOffsetArch, kAllOnes});
    }
    const uint32_t root = Intern({Node::Kind::kLoad, kOffsetArch, next, 0, 0, 0});
    if (!too_many_of_.empty()) return Fail(ErrorCode::kTooLarge, fmt::format("the argument tests of `{}` have too many combinations for a filter", too_many_of_));
    Place(root);
    if (at_.count(root) == 0) return Fail(ErrorCode::kTooLarge, DescribeSize());  // given up half-way
    Program program;
    for (size_t i = reversed_.size(); i-- > 0;) program.push_back(reversed_[i].instruction);
    Generated out;
    for (const size_t at : RemoveUnreached(program)) out.notes.push_back(reversed_[reversed_.size() - 1 - at].note);
    out.program = std::move(program);
    out.contexts_told_apart = told_apart_;
    if (out.program.size() > kMaxInstructions) return Fail(ErrorCode::kTooLarge, DescribeSize());
    return out;
  }

 private:
  uint32_t Intern(const Node& node) {
    const auto [at, fresh] = index_.emplace(node, static_cast<uint32_t>(nodes_.size()));
    if (fresh) nodes_.push_back(node);
    return at->second;
  }

  uint32_t Return(const ir::Action& action, const Reason& reason) {
    const uint32_t node = Intern({Node::Kind::kReturn, ir::ToSeccompReturn(action), 0, 0, 0, 0});
    reasons_[node].insert(reason.text);
    actions_[node] = FormatAction(action);
    return node;
  }

  // Numbers of one architecture.
  uint32_t Dispatch(const ArchSpec& arch) {
    std::vector<WeightedRange> ranges;
    for (const RangeAnswer& range : arch.ranges) ranges.push_back({range.lo, range.hi, Return(range.action, range.reason), 0});
    for (const CallAnswer& call : arch.calls) {
      std::vector<Outcome> outcomes;
      for (const Clause& clause : call.clauses) outcomes.push_back({ToWords(clause.when), Return(clause.action, clause.reason)});
      const size_t before = nodes_.size();
      contexts_ = 0;
      const uint32_t node = Arguments(std::move(outcomes), Known());
      told_apart_ = told_apart_ && contexts_ <= kMaxContexts;
      if (contexts_ > kTooManyContexts) too_many_of_ = call.name;
      const std::string source = Source(call);
      answers_[uint64_t{kernel::AuditArch(arch.arch)} << 32 | call.number] = source;
      NoteArguments(node, source);
      cost_of_call_.emplace_back(nodes_.size() - before, call.name + ": " + call.clauses.front().reason.text);
      double weight = 1;
      if (!options_.frequencies.empty()) {
        const auto it = options_.frequencies.find(call.name);
        weight = it == options_.frequencies.end() ? 0 : it->second;
      }
      ranges.push_back({call.number, call.number, node, weight});
    }
    std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.lo < b.lo; });
    if (!options_.frequencies.empty()) {
      double total = 0;
      for (const WeightedRange& r : ranges) total += r.weight;
      for (WeightedRange& r : ranges) r.weight = total > 0 ? r.weight / total : 0;
    }
    const size_t before_tree = nodes_.size();
    const uint32_t tree = Tree(ranges, kOffsetNumber, kAllOnes);
    for (size_t node = before_tree; node < nodes_.size(); ++node) arch_of_.emplace(static_cast<uint32_t>(node), kernel::AuditArch(arch.arch));
    return Intern({Node::Kind::kLoad, kOffsetNumber, tree, 0, 0, 0});
  }

  // "socket: web.rav:12:3 allow, web.rav:13:3 deny": the call and what states its answers.
  static std::string Source(const CallAnswer& call) {
    std::string out = call.name + ":";
    std::set<std::string> seen;
    for (const Clause& clause : call.clauses) {
      if (seen.insert(clause.reason.text).second) out += (seen.size() == 1 ? " " : ", ") + clause.reason.text;
    }
    return out;
  }

  // Says of every argument test below a call's answer which call it serves.
  void NoteArguments(uint32_t root, const std::string& source) {
    std::vector<uint32_t> work = {root};
    std::set<uint32_t> seen;
    while (!work.empty()) {
      const uint32_t at = work.back();
      work.pop_back();
      const Node& node = nodes_[at];
      if (node.kind == Node::Kind::kReturn || !seen.insert(at).second) continue;
      serves_[at].insert(source);
      work.push_back(node.yes);
      if (node.kind != Node::Kind::kLoad && node.kind != Node::Kind::kAnd) work.push_back(node.no);
    }
  }

  uint32_t Tree(const std::vector<WeightedRange>& ranges, uint32_t offset, uint32_t mask) {
    if (!options_.optimize) {  // a straight chain from the top
      uint32_t node = ranges.front().outcome;
      for (size_t i = 1; i < ranges.size(); ++i) node = Intern({Node::Kind::kAtLeast, ranges[i].lo, ranges[i].outcome, node, offset, mask});
      return node;
    }
    const SearchTree tree = BuildSearchTree(ranges);
    return FromTree(tree, tree.root, offset, mask);
  }

  uint32_t FromTree(const SearchTree& tree, int at, uint32_t offset, uint32_t mask) {
    const SearchTree::Node& node = tree.nodes[static_cast<size_t>(at)];
    if (node.leaf) return node.outcome;
    const uint32_t yes = FromTree(tree, node.yes, offset, mask);
    const uint32_t no = FromTree(tree, node.no, offset, mask);
    if (yes == no) return yes;
    return Intern({node.equal ? Node::Kind::kEqual : Node::Kind::kAtLeast, node.k, yes, no, offset, mask});
  }

  uint32_t OffsetOf(int word) const {
    const bool high = word % 2 == 1;
    return kOffsetArgs + 8 * static_cast<uint32_t>(word / 2) + (high != big_endian_ ? 4u : 0u);
  }

  // Clauses in order; the last holds always.
  uint32_t Arguments(std::vector<Outcome> outcomes, const Known& told) {
    // Each context may have code of its own: past a number of them, code is shared that knows nothing of what led to it.
    static const Known kNothing;
    const Known& known = ++contexts_ > kMaxContexts ? kNothing : told;
    if (contexts_ > kTooManyContexts) return outcomes.back().node;  // the program is given up
    std::vector<Outcome> live;
    for (Outcome& o : outcomes) {
      if (o.when.IsFalse()) continue;
      const bool last = o.when.IsTrue();
      live.push_back(std::move(o));
      if (last) break;
    }
    while (live.size() > 1 && live[live.size() - 2].node == live.back().node && live.back().when.IsTrue()) live.erase(live.end() - 2);
    if (live.size() == 1) return live.front().node;
    std::string key = known.KeyFor(live);
    for (const Outcome& o : live) key += FormatPredicate(o.when) + "->" + std::to_string(o.node) + ";";
    const auto done = memo_.find(key);
    if (done != memo_.end()) return done->second;
    const ArgTest word = *FirstTest(live.front().when);
    std::set<uint64_t> cuts = {0};
    for (const Outcome& o : live) CollectCuts(o.when, word, cuts);
    std::vector<WeightedRange> ranges;
    const bool correlated = known.SaysOf(word);
    for (auto it = cuts.begin(); it != cuts.end(); ++it) {
      const uint64_t hi = std::next(it) == cuts.end() ? word.mask : *std::next(it) - 1;
      if (correlated && !known.Permits(word, *it, hi)) {  // cannot be: the neighbour's outcome will do
        if (!ranges.empty()) ranges.back().hi = static_cast<uint32_t>(hi);
        continue;
      }
      std::vector<Outcome> residual;
      for (const Outcome& o : live) residual.push_back({Restrict(o.when, word, *it), o.node});
      const uint32_t lo = ranges.empty() ? 0 : static_cast<uint32_t>(*it);
      ranges.push_back({lo, static_cast<uint32_t>(hi), Arguments(std::move(residual), known.With(word, *it, hi)), 1});
    }
    if (ranges.empty()) return live.back().node;  // nothing leads here: what the tests before told cannot be
    return memo_[key] = TestWord(word, ranges);
  }

  uint32_t TestWord(const ArgTest& word, const std::vector<WeightedRange>& ranges) {
    const uint32_t offset = OffsetOf(word.arg);
    const auto mask = static_cast<uint32_t>(word.mask);
    if (std::all_of(ranges.begin(), ranges.end(), [&](const auto& r) { return r.outcome == ranges.front().outcome; })) return ranges.front().outcome;
    uint32_t body = 0;
    const bool none_or_some = ranges.front().lo == 0 && ranges.front().hi == 0 &&
                              std::all_of(ranges.begin() + 1, ranges.end(), [&](const auto& r) { return r.outcome == ranges[1].outcome; });
    if (mask != kAllOnes && none_or_some) {
      body = Intern({Node::Kind::kAnyBit, mask, ranges[1].outcome, ranges.front().outcome, offset, kAllOnes});
    } else if (mask == kAllOnes) {
      body = Tree(ranges, offset, mask);
    } else {
      body = Intern({Node::Kind::kAnd, mask, Tree(ranges, offset, mask), 0, offset, kAllOnes});
    }
    return Intern({Node::Kind::kLoad, offset, body, 0, 0, 0});
  }

  // --- assembly, from the last instruction to the first, so that every distance is known when a jump is written

  struct Placed {
    Instruction instruction;
    uint32_t node;
    std::string note;
  };

  size_t Distance(uint32_t node) const { return reversed_.size() - 1 - at_.at(node); }  // from an instruction placed next

  void Push(uint16_t code, uint8_t jt, uint8_t jf, uint32_t k, uint32_t node, std::string note) { reversed_.push_back({{code, jt, jf, k}, node, std::move(note)}); }

  // Puts a way to `node` right here: a return is copied, anything else is jumped to.
  void Bridge(uint32_t node) {
    const Node& n = nodes_[node];
    if (n.kind == Node::Kind::kReturn) {
      Push(BPF_RET | BPF_K, 0, 0, n.k, node, Note(node));
    } else {
      Push(BPF_JMP | BPF_JA, 0, 0, static_cast<uint32_t>(Distance(node)), node, "on");
    }
    at_[node] = reversed_.size() - 1;
  }

  void Place(uint32_t root) {
    // Iterative post-order: deep chains must not exhaust the stack.
    std::vector<std::pair<uint32_t, bool>> work = {{root, false}};
    while (!work.empty()) {
      if (reversed_.size() > 4 * kMaxInstructions) return;
      const auto [node, ready] = work.back();
      work.pop_back();
      if (at_.count(node) != 0) continue;
      const Node& n = nodes_[node];
      const bool jump = n.kind == Node::Kind::kEqual || n.kind == Node::Kind::kAtLeast || n.kind == Node::Kind::kAnyBit;
      if (!ready && n.kind != Node::Kind::kReturn) {
        work.emplace_back(node, true);
        work.emplace_back(n.yes, false);
        if (jump) work.emplace_back(n.no, false);
        continue;
      }
      if (jump) {
        PlaceJump(node);
      } else if (n.kind == Node::Kind::kReturn) {
        Push(BPF_RET | BPF_K, 0, 0, n.k, node, Note(node));
      } else {
        if (Distance(n.yes) != 0) Bridge(n.yes);
        Push(n.kind == Node::Kind::kLoad ? BPF_LD | BPF_W | BPF_ABS : BPF_ALU | BPF_AND | BPF_K, 0, 0, n.k, node, Note(node));
      }
      at_[node] = reversed_.size() - 1;
    }
  }

  void PlaceJump(uint32_t node) {
    const Node& n = nodes_[node];
    // A bridge for one side moves the other side one further.
    if (Distance(n.yes) > 254) Bridge(n.yes);
    if (Distance(n.no) > 255) Bridge(n.no);
    const uint16_t op = n.kind == Node::Kind::kEqual ? BPF_JEQ : n.kind == Node::Kind::kAtLeast ? BPF_JGE : BPF_JSET;
    Push(BPF_JMP | BPF_K | op, static_cast<uint8_t>(Distance(n.yes)), static_cast<uint8_t>(Distance(n.no)), n.k, node, Note(node));
  }

  std::string WordName(uint32_t offset, uint32_t mask) const {
    std::string name;
    if (offset == kOffsetNumber) {
      name = "nr";
    } else if (offset == kOffsetArch) {
      name = "arch";
    } else {
      const bool high = (offset % 8 == 4) != big_endian_;
      name = fmt::format("arg{}.{}", (offset - kOffsetArgs) / 8, high ? "high" : "low");
    }
    return mask == kAllOnes ? name : fmt::format("{} & {:#x}", name, mask);
  }

  static std::string FirstOf(const std::set<std::string>& texts) { return *texts.begin() + (texts.size() > 1 ? fmt::format(" and {} more", texts.size() - 1) : ""); }

  // What the instruction does, and the source it comes from.
  std::string Note(uint32_t node) const {
    const Node& n = nodes_[node];
    std::string source;
    if (const auto serves = serves_.find(node); serves != serves_.end()) source = FirstOf(serves->second);
    if (n.offset == kOffsetNumber && arch_of_.count(node) != 0) {
      const auto answer = answers_.find(uint64_t{arch_of_.at(node)} << 32 | n.k);
      if (answer != answers_.end()) source = answer->second;
    }
    return source.empty() ? Does(node) : fmt::format("{:<32} <- {}", Does(node), source);
  }

  std::string Does(uint32_t node) const {
    const Node& n = nodes_[node];
    switch (n.kind) {
      case Node::Kind::kLoad: return WordName(n.k, kAllOnes);
      case Node::Kind::kAnd: return fmt::format("& {:#x}", n.k);
      case Node::Kind::kEqual: return fmt::format("{} == {}", WordName(n.offset, n.mask), n.offset == kOffsetArch ? fmt::format("{:#x}", n.k) : std::to_string(n.k));
      case Node::Kind::kAtLeast: return fmt::format("{} >= {}", WordName(n.offset, n.mask), n.k);
      case Node::Kind::kAnyBit: return fmt::format("{} & {:#x} != 0", WordName(n.offset, n.mask), n.k);
      case Node::Kind::kReturn: break;
    }
    return actions_.at(node) + ": " + FirstOf(reasons_.at(node));
  }

  std::string DescribeSize() {
    std::stable_sort(cost_of_call_.begin(), cost_of_call_.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::string text = fmt::format("the filter has more than {} instructions; these cost most:", kMaxInstructions);
    for (size_t i = 0; i < cost_of_call_.size() && i < 5; ++i) text += fmt::format(" {} ({});", cost_of_call_[i].second, cost_of_call_[i].first);
    text.pop_back();
    return text;
  }

  static constexpr size_t kMaxContexts = 5000;
  static constexpr size_t kTooManyContexts = 100000;

  const FilterSpec& spec_;
  const CodegenOptions& options_;
  bool big_endian_;
  std::vector<Node> nodes_;
  std::map<Node, uint32_t> index_;
  std::map<std::string, uint32_t> memo_;
  std::map<uint32_t, std::set<std::string>> reasons_;
  std::map<uint32_t, std::set<std::string>> serves_;      // argument tests: the calls, and the rules that state the tests
  std::map<uint64_t, std::string> answers_;               // arch << 32 | number: the call and its first rule
  std::map<uint32_t, uint32_t> arch_of_;                  // tests of the number: the first architecture that they serve
  std::map<uint32_t, std::string> actions_;
  std::vector<std::pair<size_t, std::string>> cost_of_call_;
  std::vector<Placed> reversed_;
  std::map<uint32_t, size_t> at_;
  size_t contexts_ = 0;  // of the call that is being compiled
  bool told_apart_ = true;
  std::string too_many_of_;  // a call
};

}  // namespace

Result<Generated> Generate(const FilterSpec& spec, const CodegenOptions& options) { return Generator(spec, options).Run(); }

}  // namespace ravelin::seccomp
