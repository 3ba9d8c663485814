#include "backends/apparmor/read/dfa.h"

#include <fmt/format.h>

#include <map>

namespace ravelin::apparmor {
namespace {

constexpr uint32_t kMagic = 0x1b5e783d;
constexpr uint32_t kDiffEncoded = 0x80000000;  // MATCH_FLAG_DIFF_ENCODE of a state
constexpr uint32_t kBaseMask = 0x00ffffff;
enum Table : uint32_t { kAccept = 1, kBase = 2, kCheck = 3, kDefault = 4, kClasses = 5, kAccept2 = 7, kNext = 8 };

uint32_t Big(std::span<const uint8_t> bytes, size_t at, size_t width) {
  uint32_t value = 0;
  for (size_t i = 0; i < width; ++i) value = value << 8 | bytes[at + i];
  return value;
}

}  // namespace

Result<Dfa> Dfa::Read(std::span<const uint8_t> blob) {
  const auto bad = [](std::string_view what) { return Fail(ErrorCode::kMalformed, fmt::format("automaton: {}", what)); };
  if (blob.size() < 16 || Big(blob, 0, 4) != kMagic) return bad("no magic number");
  const uint32_t header = Big(blob, 4, 4);
  const uint32_t size = Big(blob, 8, 4);
  if (header < 16 || header > size || size > blob.size()) return bad("its sizes do not fit");
  std::map<uint32_t, std::vector<uint32_t>> tables;
  for (size_t at = header; at < size;) {
    if (at + 12 > size) return bad("a table's head is cut off");
    const uint32_t id = Big(blob, at, 2);
    const uint32_t width = Big(blob, at + 2, 2);
    const uint32_t rows = Big(blob, at + 4, 4);
    const uint32_t columns = Big(blob, at + 8, 4);
    if (rows != 0 || (width != 1 && width != 2 && width != 4)) return bad("a table of an unknown shape");
    const size_t begin = at + 12;
    if (uint64_t{columns} * width > size - begin) return bad("a table is cut off");
    std::vector<uint32_t>& table = tables[id];
    if (!table.empty()) return bad("a table occurs twice");
    table.reserve(columns);
    for (uint32_t i = 0; i < columns; ++i) table.push_back(Big(blob, begin + size_t{i} * width, width));
    const size_t end = begin + size_t{columns} * width;
    at = (end + 7) / 8 * 8;
  }
  for (const auto& [id, table] : tables) {
    if (id != kAccept && id != kBase && id != kCheck && id != kDefault && id != kClasses && id != kAccept2 && id != kNext) return bad(fmt::format("unknown table {}", id));
  }
  Dfa dfa;
  dfa.accept_ = std::move(tables[kAccept]);
  dfa.accept2_ = std::move(tables[kAccept2]);
  dfa.base_ = std::move(tables[kBase]);
  dfa.default_ = std::move(tables[kDefault]);
  dfa.next_ = std::move(tables[kNext]);
  dfa.check_ = std::move(tables[kCheck]);
  dfa.classes_ = std::move(tables[kClasses]);
  const size_t states = dfa.base_.size();
  if (states < 2) return bad("it has no start state");
  if (dfa.accept2_.empty()) dfa.accept2_.assign(states, 0);
  if (dfa.accept_.size() != states || dfa.accept2_.size() != states || dfa.default_.size() != states) return bad("its tables of states differ in size");
  if (dfa.next_.size() != dfa.check_.size()) return bad("its transition tables differ in size");
  if (!dfa.classes_.empty() && dfa.classes_.size() != 256) return bad("its classes are not of 256 bytes");
  for (size_t s = 0; s < states; ++s) {
    if (dfa.default_[s] >= states) return bad("a default leads out of it");
    const uint32_t flags = dfa.base_[s] & ~kBaseMask;
    if ((flags & ~kDiffEncoded) != 0) return bad(fmt::format("state {} has unknown flags", s));
    if ((dfa.base_[s] & kBaseMask) + 255 >= dfa.next_.size()) return bad("a base leads out of it");
  }
  for (const uint32_t to : dfa.next_) {
    if (to >= states) return bad("a transition leads out of it");
  }
  for (const uint32_t of : dfa.check_) {
    if (of >= states) return bad("a transition is of an unknown state");
  }
  // A chain of differences must end: a state is looked up in its default, and so on.
  std::vector<uint8_t> done(states, 0);
  for (size_t s = 0; s < states; ++s) {
    std::vector<size_t> chain;
    size_t at = s;
    while (done[at] == 0 && (dfa.base_[at] & kDiffEncoded) != 0) {
      done[at] = 1;
      chain.push_back(at);
      at = dfa.default_[at];
      if (done[at] == 1) return bad("a chain of differences goes round");
    }
    done[at] = 2;
    for (const size_t c : chain) done[c] = 2;
  }
  return dfa;
}

uint32_t Dfa::Step(uint32_t state, uint8_t byte) const {
  const uint32_t c = classes_.empty() ? byte : classes_[byte];
  while (true) {
    const uint32_t at = (base_[state] & kBaseMask) + c;
    if (at < check_.size() && check_[at] == state) return next_[at];
    const bool differs = (base_[state] & kDiffEncoded) != 0;
    state = default_[state];
    if (!differs) return state;
  }
}

uint32_t Dfa::Walk(uint32_t state, std::string_view bytes) const {
  for (const char c : bytes) state = Step(state, static_cast<uint8_t>(c));
  return state;
}

}  // namespace ravelin::apparmor
