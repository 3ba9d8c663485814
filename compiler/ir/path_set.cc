#include "compiler/ir/path_set.h"

#include <map>

namespace ravelin::ir {
namespace {

constexpr size_t kMaxSetStates = 40000;

Automaton Constant(uint32_t label) {
  Automaton one;
  one.next = {0};
  one.label = {label};
  return one;
}

// Where in a name in normal form the walk is.
enum Where : uint32_t { kStart, kFirstSlash, kComponent, kSlash, kNoName };

Automaton NameWalk() {
  Automaton walk;
  walk.classes = 3;  // NUL, a slash, all others
  walk.class_of.fill(2);
  walk.class_of[0] = 0;
  walk.class_of['/'] = 1;
  walk.next = {kNoName, kFirstSlash, kNoName,     // kStart
               kNoName, kNoName,     kComponent,  // kFirstSlash
               kNoName, kSlash,      kComponent,  // kComponent
               kNoName, kNoName,     kComponent,  // kSlash
               kNoName, kNoName,     kNoName};
  walk.label = {kStart, kFirstSlash, kComponent, kSlash, kNoName};
  return walk;
}

}  // namespace

PathSet::PathSet() : automaton_(Constant(0)) {}

PathSet PathSet::All() {
  return PathSet(Constant(0)).Complement();
}

Result<PathSet> PathSet::Parse(std::string_view pattern) {
  const std::string one(pattern);
  return ParseAny({&one, 1});
}

Result<PathSet> PathSet::ParseAny(std::span<const std::string> patterns) {
  RAVELIN_TRY(compiled, CompilePatterns(patterns, patterns.size() == 1 ? kMaxSetStates : kMaxMapStates));
  for (uint32_t& label : compiled.automaton.label) label = label != 0 ? 1 : 0;
  return PathSet(std::move(compiled.automaton));
}

Result<PathSet> PathSet::Intersect(const PathSet& other) const {
  RAVELIN_TRY(both, Product(automaton_, other.automaton_, [](uint32_t a, uint32_t b) { return a & b; }));
  return PathSet(std::move(both));
}

Result<PathSet> PathSet::Minus(const PathSet& other) const {
  RAVELIN_TRY(rest, Product(automaton_, other.automaton_, [](uint32_t a, uint32_t b) { return a & ~b; }));
  return PathSet(std::move(rest));
}

Result<PathSet> PathSet::Union(const PathSet& other) const {
  RAVELIN_TRY(either, Product(automaton_, other.automaton_, [](uint32_t a, uint32_t b) { return a | b; }));
  return PathSet(std::move(either));
}

PathSet PathSet::Complement() const {
  PathSet out = *this;
  for (uint32_t& label : out.automaton_.label) label ^= 1;
  return out;
}

PathSet PathSet::Names() {
  Automaton walk = NameWalk();
  for (uint32_t& label : walk.label) label = label == kFirstSlash || label == kComponent ? 1 : 0;
  return PathSet(std::move(walk));
}

Result<PathSet> PathSet::Directories(bool at_any_depth) const {
  // States from which a rest that is not empty leads to a member: any rest, or one component.
  const size_t states = automaton_.size();
  std::vector<bool> can_be_read(automaton_.classes, false);
  for (unsigned byte = 1; byte < 256; ++byte) {
    if (byte != '/' || at_any_depth) can_be_read[automaton_.class_of[byte]] = true;
  }
  std::vector<bool> holds(states, false);
  for (bool more = true; more;) {
    more = false;
    for (size_t state = states; state-- > 0;) {
      for (uint32_t k = 0; k < automaton_.classes && !holds[state]; ++k) {
        const uint32_t to = automaton_.next[state * automaton_.classes + k];
        if (!can_be_read[k] || (automaton_.label[to] == 0 && !holds[to])) continue;
        holds[state] = true;
        more = true;
      }
    }
  }
  Automaton rest = automaton_;
  constexpr uint32_t kFromHere = 1, kBehindSlash = 2;
  for (uint32_t state = 0; state < states; ++state) rest.label[state] = (holds[state] ? kFromHere : 0) | (holds[automaton_.Step(state, '/')] ? kBehindSlash : 0);
  RAVELIN_TRY(out, Product(rest, NameWalk(), [](uint32_t has, uint32_t where) -> uint32_t { return (where == kComponent && (has & kBehindSlash) != 0) || (where == kFirstSlash && (has & kFromHere) != 0) ? 1 : 0; }));
  return PathSet(std::move(out));
}

PathSet PathSet::Entries() const {
  // A state: that of our automaton, whether the name before the last slash is a member, and whether something has been read since.
  struct Key {
    uint32_t state = 0;
    bool in_member = false, named = false, begun = false;
    auto operator<=>(const Key&) const = default;
  };
  Automaton out;
  out.class_of = automaton_.class_of;
  const uint32_t slash = automaton_.classes;  // a class of its own
  out.class_of['/'] = static_cast<uint8_t>(slash);
  out.classes = slash + 1;
  std::vector<int> byte_of(slash, -1);
  for (int byte = 255; byte >= 0; --byte) {
    if (byte != '/') byte_of[automaton_.class_of[static_cast<size_t>(byte)]] = byte;
  }
  std::map<Key, uint32_t> known;
  std::vector<Key> keys;
  const auto number = [&](const Key& key) {
    const auto [at, fresh] = known.emplace(key, static_cast<uint32_t>(keys.size()));
    if (fresh) keys.push_back(key);
    return at->second;
  };
  number({0, false, false, false});
  std::optional<uint32_t> dead;
  for (size_t i = 0; i < keys.size(); ++i) {
    const Key key = keys[i];
    const bool is_dead = dead && *dead == i;
    out.label.push_back(key.begun && key.in_member && key.named && !is_dead ? 1 : 0);
    for (uint32_t k = 0; k < out.classes; ++k) {
      std::optional<Key> to;
      if (is_dead) {
      } else if (k == slash) {
        const uint32_t state = automaton_.Step(key.state, '/');
        if (!key.begun) to = Key{state, automaton_.label[state] != 0, false, true};
        if (key.begun && key.named) to = Key{state, automaton_.label[key.state] != 0, false, true};
      } else if (key.begun && byte_of[k] >= 0) {
        to = Key{automaton_.Step(key.state, static_cast<unsigned char>(byte_of[k])), key.in_member, true, true};
      }
      if (!to && !dead) {
        dead = static_cast<uint32_t>(keys.size());
        keys.push_back({0, false, false, false});
      }
      out.next.push_back(to ? number(*to) : *dead);
    }
  }
  return PathSet(Minimize(out));
}

Result<PathSet> PathSet::ClosedUnder(const PatternAutomaton& cells) const {
  RAVELIN_TRY(both, Product(automaton_, cells.automaton, [](uint32_t in, uint32_t cell) { return in == 0 ? 0 : cell + 1; }));
  std::vector<bool> holds(cells.sets.size() + 1, false);
  for (const uint32_t label : both.label) holds[label] = true;
  PathSet out(cells.automaton);
  for (uint32_t& label : out.automaton_.label) label = holds[label + 1] ? 1 : 0;
  return out;
}

Result<bool> PathSet::Includes(const PathSet& other) const {
  RAVELIN_TRY(rest, other.Minus(*this));
  return rest.Empty();
}

std::optional<std::string> PathSet::Witness() const {
  return automaton_.Find([](uint32_t label) { return label != 0; });
}

}  // namespace ravelin::ir
