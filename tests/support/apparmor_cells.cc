#include "tests/support/apparmor_cells.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

namespace ravelin::testing {
namespace {

uint32_t Big(const std::vector<uint8_t>& file, size_t at, size_t width) {
  uint32_t value = 0;
  for (size_t i = 0; i < width; ++i) value = value << 8 | file[at + i];
  return value;
}

// Offset, width and number of cells of each table.
struct Table {
  size_t at = 0;
  size_t width = 0;
  size_t count = 0;
};
std::map<uint32_t, Table> TablesAt(const std::vector<uint8_t>& file, size_t automaton) {
  std::map<uint32_t, Table> tables;
  const size_t end = automaton + Big(file, automaton + 8, 4);
  for (size_t at = automaton + Big(file, automaton + 4, 4); at < end;) {
    const Table table = {at + 12, Big(file, at + 2, 2), Big(file, at + 8, 4)};
    tables[Big(file, at, 2)] = table;
    at = automaton + (table.at + table.count * table.width - automaton + 7) / 8 * 8;
  }
  return tables;
}

// match.c aa_dfa_next (6.1).
class Machine {
 public:
  Machine(const std::vector<uint8_t>& file, size_t automaton) : file_(file), tables_(TablesAt(file, automaton)) {}
  uint32_t Next(uint32_t state, uint8_t byte) const {
    const uint32_t column = tables_.count(5) != 0 ? Get(5, byte) : byte;
    for (;;) {
      const uint32_t base = Get(2, state);
      const size_t at = (base & 0xffffff) + column;
      if (Get(3, at) == state) return Get(8, at);
      state = Get(4, state);
      if ((base & 0x80000000) == 0) return state;
    }
  }
  uint32_t Accept(uint32_t state) const { return Get(1, state); }
  uint32_t Accept2(uint32_t state) const { return tables_.count(7) != 0 ? Get(7, state) : 0; }

 private:
  uint32_t Get(uint32_t table, size_t at) const {
    const auto found = tables_.find(table);
    if (found == tables_.end() || at >= found->second.count) return 0;
    return Big(file_, found->second.at + at * found->second.width, found->second.width);
  }
  const std::vector<uint8_t>& file_;
  std::map<uint32_t, Table> tables_;
};

// Where in the string that it walks the kernel is, and what it has read so far; its questions are asked at certain places.
struct Place {
  int at = 0;
  uint32_t carried = 0;
  auto operator<=>(const Place&) const = default;
};
// Bits that a question at a place looks at: permissions (with record and silence), further bits of the accept word, whether the state is
// dead, whether it accepts at all.
struct Question {
  uint32_t permissions = 0;
  uint32_t raw = 0;
  bool dead = false;
  bool accepts = false;
  bool exec = false;
};

constexpr uint32_t Both(uint32_t bits) { return bits | bits << 14; }  // owner and other

// What becomes of a process: policy_compat.c dfa_map_xindex and domain.c x_to_label.  Without a profile to go to, it inherits, or else is
// unconfined; how it got there, and the environment of one that inherits, make no difference.
uint32_t Outcome(uint32_t index) {
  constexpr uint32_t kUnconfined = 1, kInherit = 4;
  if (index >> 3 > 1) return index;
  if ((index & kInherit) != 0) return kInherit;
  if (index >> 3 == 1) index = (index & 7) | kUnconfined;
  return index;
}

// What a state says to a question, as one comparable value.
std::tuple<uint32_t, uint32_t, uint32_t, uint32_t, bool, bool> Answer(const Machine& machine, uint32_t state, const Question& question) {
  const uint32_t accept = machine.Accept(state);
  const uint32_t records = machine.Accept2(state);
  const uint32_t allowed = accept & question.permissions;
  uint32_t exec = 0;
  for (const int shift : {0, 14}) {
    if (question.exec && (accept >> shift & 1) != 0) exec |= Outcome(accept >> (shift + 7) & 0x7f) << shift;
  }
  return {allowed, records & allowed, (records >> 7) & question.permissions & ~allowed, exec | (accept & question.raw), question.dead && state == 0, question.accepts && accept != 0};
}

class Comparison {
 public:
  Comparison(const Machine& one, const Machine& other, Cell::Of of) : one_(one), other_(other), of_(of) {}

  bool Alike() {
    std::vector<std::tuple<uint32_t, uint32_t, Place>> work = {{1, 1, Place{}}};
    std::set<std::tuple<uint32_t, uint32_t, Place>> seen(work.begin(), work.end());
    for (size_t i = 0; i < work.size(); ++i) {
      const auto [a, b, place] = work[i];
      if (of_ == Cell::Of::kFiles ? !FileAlike(a, b, place) : !PolicyAlike(a, b, place)) return false;
      for (unsigned byte = 0; byte < 256; ++byte) {
        Place next = of_ == Cell::Of::kFiles ? FileStep(a, b, place, byte) : of_ == Cell::Of::kPolicy ? PolicyStep(a, b, place, byte)
                                                                                                      : AttachStep(place, byte);
        if (next.at < 0) continue;
        std::tuple<uint32_t, uint32_t, Place> to = {one_.Next(a, static_cast<uint8_t>(byte)), other_.Next(b, static_cast<uint8_t>(byte)), next};
        if (seen.insert(to).second) work.push_back(to);
      }
    }
    return true;
  }

 private:
  static constexpr Place kNever = {-1, 0};

  // --- names of files: 0 start, 1 behind a slash, 2 in a name; 3 behind the NUL of a link, 4 behind a slash of its old name, 5 in it; 6 any
  // other string, which may be the name of a profile to change to.
  Place FileStep(uint32_t a, uint32_t b, Place place, unsigned byte) const {
    switch (place.at) {
      case 0:
        return {byte == '/' ? 1 : 6, 0};
      case 1:
        return {byte == '/' || byte == 0 ? 6 : 2, 0};
      case 2: {
        if (byte != 0) return {byte == '/' ? 1 : 2, 0};
        // What the first name says of links, in both files.
        uint32_t carried = 0;
        for (const auto& [machine, state] : {std::pair(&one_, a), {&other_, b}}) carried = carried << 4 | (machine->Accept(state) & 0x10) >> 4 | (machine->Accept(state) >> 14 & 0x10) >> 3 | (machine->Accept2(state) >> 7 & 0x10) >> 2 | (machine->Accept2(state) >> 21 & 0x10) >> 1;
        return {3, carried};
      }
      case 3:
        return {byte == '/' ? 4 : 6, place.carried};
      case 4:
        return {byte == '/' || byte == 0 ? 6 : 5, place.carried};
      case 5:
        return {byte == 0 ? 6 : byte == '/' ? 4
                                            : 5,
                place.carried};
      default:
        return {6, 0};
    }
  }
  // Bits 28 and above: domain.c, change_profile and onexec.
  static Question AskedOfFile(Place place) {
    Question question;
    if (place.at != 0) question.raw = 0xf0000000;
    if (place.at == 1) question.permissions = Both(0x26);  // a directory: read, write, lock
    if (place.at == 2) question.permissions = Both(0x6f);  // a file: all but the link, which is asked of a pair
    question.exec = place.at == 2;
    return question;
  }
  // file.c profile_path_link: allowed by both entries; record, silence and the test of the subset of the second, where it is looked up.
  static uint32_t Link(const Machine& machine, uint32_t state, uint32_t first) {
    uint32_t out = 0;
    for (const int other : {0, 1}) {
      const int shift = other * 14;
      const bool asked = (first >> other & 1) != 0;
      const bool allowed = asked && (machine.Accept(state) >> shift & 0x10) != 0;
      const bool recorded = allowed && (machine.Accept2(state) >> shift & 0x10) != 0;
      const bool silent = !allowed && (asked ? machine.Accept2(state) >> (shift + 7) & 0x10 : first >> (2 + other) & 1) != 0;
      const bool subset = allowed && (machine.Accept(state) >> shift & 0x20) != 0;
      out = out << 4 | (subset ? 8 : 0) | (allowed ? 4 : 0) | (recorded ? 2 : 0) | (silent ? 1 : 0);
    }
    return out;
  }
  bool FileAlike(uint32_t a, uint32_t b, Place place) const {
    if (place.at == 5 && Link(one_, a, place.carried >> 4 & 0xf) != Link(other_, b, place.carried & 0xf)) return false;
    return Answer(one_, a, AskedOfFile(place)) == Answer(other_, b, AskedOfFile(place));
  }

  // --- programs: 1 behind a slash, 2 in a name
  static Place AttachStep(Place place, unsigned byte) {
    if (byte == 0 || (place.at == 0 && byte != '/') || (place.at == 1 && byte == '/')) return kNever;
    return {byte == '/' ? 1 : 2, 0};
  }

  // --- everything else, by the class of its first byte.  10 to 14 sockets; 20 to 22 signals; 30, 31 ptrace; 40 to 46 mounts.
  Place PolicyStep(uint32_t a, uint32_t b, Place place, unsigned byte) const {
    switch (place.at) {
      case 0:
        return byte == 14 ? Place{10, 0} : byte == 10 ? Place{20, 0}
                                       : byte == 9    ? Place{30, 0}
                                       : byte == 7    ? Place{40, 0}
                                                      : kNever;
      case 10:
        return byte == 0 ? Place{11, 0} : kNever;
      case 11:
        return byte < 46 ? Place{12, 0} : kNever;
      case 12:
        return byte == 0 ? Place{13, 0} : kNever;
      case 13:
        return byte < 11 ? Place{14, 0} : kNever;
      case 20:
        return (byte >= 1 && byte <= 31) || byte == 35 || (byte >= 128 && byte <= 160) ? Place{21, 0} : kNever;
      case 21:
      case 22:
        return byte != 0 ? Place{22, 0} : kNever;
      case 30:
      case 31:
        return byte != 0 ? Place{31, 0} : kNever;
      case 40:
        return byte == '/' ? Place{41, 0} : kNever;  // a mount point, or the new root
      case 41:
        return byte != 0 ? Place{41, 0} : Place{42, 0};  // 42: before the device, or the old root
      case 42:
        return byte == 0 ? Place{44, 0} : byte == '/' ? Place{43, 1}
                                                      : Place{43, 0};
      case 43:
        return byte != 0 ? place : Place{44, 0};  // carried: it begins with a slash
      case 44:
        return byte != 0 ? Place{44, 0} : Place{45, 1};  // the type; then flags, ascending
      case 45: {
        if (byte != 0) return byte >= place.carried && byte <= 32 ? Place{45, byte + 1} : kNever;
        // mount.c do_match_mnt: where the flags are refused, and the state says so (AA_MNT_CONT_MATCH), the mount's data follow.
        const auto goes_on = [](const Machine& machine, uint32_t state) { return (machine.Accept(state) & 0x42) == 0x40 ? 1u : 0u; };
        const uint32_t carried = goes_on(one_, a) << 1 | goes_on(other_, b);
        return carried != 0 ? Place{46, carried} : kNever;
      }
      case 46:
        return byte != 0 ? place : kNever;
      default:
        return kNever;
    }
  }
  bool PolicyAlike(uint32_t a, uint32_t b, Place place) const {
    if (place.at == 46 && ((place.carried >> 1 & one_.Accept(a) >> 1) & 1) != ((place.carried & other_.Accept(b) >> 1) & 1)) return false;
    return Answer(one_, a, Asked(place)) == Answer(other_, b, Asked(place));
  }
  Question Asked(Place place) const {
    Question question;
    if (of_ == Cell::Of::kAttachment) {
      question.accepts = place.at == 2;
      return question;
    }
    switch (place.at) {
      case 10:
      case 20:
      case 30:
      case 40:
        question.dead = true;
        break;  // PROFILE_MEDIATES
      case 14:
        question.permissions = 0x76 | 0x7f << 14;
        break;  // net.h NET_PERMS_MASK as aa_compute_perms spreads it
      case 22:
        question.permissions = 0x6;
        break;  // send, receive
      case 31:
        question.permissions = 0x1e;
        break;  // trace, read, tracedby, readby
      case 41:
        question.permissions = 0x4;
        break;  // umount
      case 43:
        question.permissions = place.carried != 0 ? 0x1 : 0;
        break;  // pivot_root
      case 45:
        question.permissions = 0x2;
        break;  // mount
      default:
        break;
    }
    return question;
  }

  const Machine& one_;
  const Machine& other_;
  Cell::Of of_;
};

}  // namespace

std::vector<Cell> CellsOf(const std::vector<uint8_t>& file, const std::vector<std::vector<Cell::Of>>& kinds) {
  static constexpr std::string_view kMark(
      "\x04\x06\x00"
      "aadfa\0\x06",
      10);
  const std::string_view bytes(reinterpret_cast<const char*>(file.data()), file.size());
  std::vector<Cell> cells;
  size_t from = 0;
  for (size_t profile = 0; profile < kinds.size(); ++profile) {
    for (const Cell::Of of : kinds[profile]) {
      from = bytes.find(kMark, from) + kMark.size() + 4;
      while (file[from] == 0) ++from;  // what aligns it
      for (const auto& [id, table] : TablesAt(file, from)) {
        for (size_t i = 0; i < table.count; ++i) cells.push_back({of, profile, from, id, table.at + i * table.width, table.width});
      }
    }
  }
  return cells;
}

uint32_t ValueOf(const std::vector<uint8_t>& file, const Cell& cell) { return Big(file, cell.at, cell.width); }
void SetValue(std::vector<uint8_t>& file, const Cell& cell, uint32_t value) {
  for (size_t i = 0; i < cell.width; ++i) file[cell.at + i] = static_cast<uint8_t>(value >> (8 * (cell.width - 1 - i)));
}

bool AnswersAlike(const std::vector<uint8_t>& one, const std::vector<uint8_t>& other, const Cell& cell) {
  const Machine a(one, cell.automaton);
  const Machine b(other, cell.automaton);
  return Comparison(a, b, cell.of).Alike();
}

}  // namespace ravelin::testing
