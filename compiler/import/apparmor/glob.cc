#include "compiler/import/apparmor/glob.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/import/apparmor/escapes.h"
#include "compiler/import/apparmor/pattern.h"
#include "compiler/import/apparmor/same_names.h"

namespace ravelin::import::apparmor {
namespace {

struct Item {
  enum Kind : uint8_t { kByte, kStar, kDeep, kAny, kClass, kGroup } kind = kByte;
  unsigned char byte = 0;
  bool filled = false;  // of a star: takes one byte at least
  Automaton::Bytes bytes;
  std::vector<std::vector<Item>> alternatives;
};
using Items = std::vector<Item>;

constexpr size_t kMaxAlternatives = 64;  // of a pattern's end

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Items Sequence(bool inside) {
    Items items;
    while (pos_ < text_.size() && !(inside && (text_[pos_] == ',' || text_[pos_] == '}'))) items.push_back(Next());
    return items;
  }

 private:
  Item Next() {
    const char c = text_[pos_];
    if (c == '*') return Star();
    if (c == '{') return Group();
    if (c == '[') return Class();
    Item item;
    if (c == '?') {
      item.kind = Item::kAny;
      ++pos_;
    } else if (c == '\\' && pos_ + 1 < text_.size()) {
      size_t end = ++pos_;
      const int value = EscapeAt(text_, end, "");
      item.byte = value >= 0 ? static_cast<unsigned char>(value) : static_cast<unsigned char>(text_[pos_]);
      pos_ = value >= 0 ? end : pos_ + 1;
    } else {
      item.byte = static_cast<unsigned char>(c);
      ++pos_;
    }
    after_slash_ = item.kind == Item::kByte && item.byte == '/';
    return item;
  }

  Item Star() {
    Item item;
    const bool deep = text_.substr(pos_, 2) == "**";
    size_t end = pos_;
    while (end < text_.size() && text_[end] == '*') ++end;
    item.kind = deep ? Item::kDeep : Item::kStar;
    item.filled = after_slash_ && (end == text_.size() || text_[end] == '/');
    pos_ += deep ? 2 : 1;
    after_slash_ = false;
    return item;
  }

  Item Group() {
    Item item;
    item.kind = Item::kGroup;
    do {
      ++pos_;
      after_slash_ = false;
      item.alternatives.push_back(Sequence(true));
    } while (pos_ < text_.size() && text_[pos_] == ',');
    ++pos_;
    after_slash_ = false;
    return item;
  }

  // Read as apparmor_parser does, by way of its regular expression.
  Item Class() {
    Item item;
    item.kind = Item::kClass;
    size_t end = pos_ + 1;
    while (end < text_.size() && text_[end] != ']') end += text_[end] == '\\' ? 2 : 1;
    end = std::min(end + 1, text_.size());
    std::string regex;
    std::string why;
    Automaton automaton;
    if (GlobToRegex(text_.substr(pos_, end - pos_), GlobNul::kNo, regex, why) && Automaton::FromRegex(regex, automaton)) {
      for (const Automaton::State& state : automaton.states()) {
        for (const Automaton::Edge& edge : state.edges) item.bytes |= edge.bytes;
      }
    }
    item.bytes.reset(0);
    pos_ = end;
    after_slash_ = false;
    return item;
  }

  std::string_view text_;
  size_t pos_ = 0;
  bool after_slash_ = false;
};

void AddByte(std::string& out, unsigned char c) {
  if (std::string_view("*?[]{},\\").find(static_cast<char>(c)) != std::string_view::npos) out += '\\';
  out += static_cast<char>(c);
}

bool IsPlain(unsigned b) { return (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b > 127; }

std::string ClassText(Automaton::Bytes bytes) {
  const bool slash = bytes.test('/');
  Automaton::Bytes rest = ~bytes;
  rest.reset(0).reset('/');
  bytes.reset('/');
  const bool negated = rest.count() < bytes.count() && rest.any();
  const Automaton::Bytes& listed = negated ? rest : bytes;
  if (bytes.none()) return slash ? "/" : "";
  std::string out = negated ? "[^" : "[";
  for (unsigned b = 1; b < 256; ++b) {
    if (!listed.test(b)) continue;
    unsigned end = b;
    while (end + 1 < 256 && listed.test(end + 1) && IsPlain(b) && IsPlain(end + 1)) ++end;
    if (!IsPlain(b)) out += '\\';
    out += static_cast<char>(b);
    if (end > b + 1) out += '-';
    if (end > b) out += static_cast<char>(end);
    b = end;
  }
  out += "]";
  if (rest.none()) out = "?";
  return slash ? "{" + out + ",/}" : out;
}

std::string Write(const Items& items, std::string out = "") {
  for (const Item& item : items) {
    switch (item.kind) {
      case Item::kByte: AddByte(out, item.byte); break;
      case Item::kAny: out += '?'; break;
      case Item::kClass: out += ClassText(item.bytes); break;
      case Item::kStar:
      case Item::kDeep: {
        const std::string star = item.kind == Item::kStar ? "*" : "**";
        const bool after_slash = !out.empty() && out.back() == '/';
        out += item.filled == after_slash ? star : item.filled ? "?" + star : "{," + star + "}";
        break;
      }
      case Item::kGroup:
        for (size_t i = 0; i < item.alternatives.size(); ++i) {
          out += i == 0 ? '{' : ',';
          // What stands in braces is not right after a slash, whatever stands before them.
          out += Write(item.alternatives[i]);
        }
        out += '}';
        break;
    }
  }
  return out;
}

// Groups at the end, and stars before a slash at the end, taken apart.
bool Spread(const Items& items, std::vector<Items>& out) {
  if (out.size() > kMaxAlternatives) return false;
  if (items.empty() || items.back().kind != Item::kGroup) {
    out.push_back(items);
    return true;
  }
  for (const Items& alternative : items.back().alternatives) {
    Items one(items.begin(), items.end() - 1);
    one.insert(one.end(), alternative.begin(), alternative.end());
    if (!Spread(one, out)) return false;
  }
  return true;
}

void AddOnce(std::vector<std::string>& list, std::string text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

Names Separate(const std::vector<Items>& ways) {
  Names out;
  for (const Items& way : ways) {
    if (way.empty()) continue;
    const Item& last = way.back();
    if (last.kind == Item::kByte && last.byte == '/') {
      const Items name(way.begin(), way.end() - 1);
      AddOnce(out.directories, name.empty() ? "/" : Write(name));
      continue;
    }
    AddOnce(out.files, Write(way));
    if (last.kind == Item::kDeep) AddOnce(out.directories, Write(way));
  }
  return out;
}

}  // namespace

std::optional<Names> TranslatePattern(std::string_view pattern) {
  std::string regex;
  std::string why;
  Automaton automaton;
  if (!GlobToRegex(pattern, GlobNul::kNo, regex, why) || !Automaton::FromRegex(regex, automaton)) return std::nullopt;
  const Items items = Reader(pattern).Sequence(false);
  const std::string whole = Write(items);
  std::vector<Names> candidates = {{{whole}, {}}, {{whole}, {whole}}};
  std::vector<Items> ways;
  if (Spread(items, ways)) {
    candidates.push_back(Separate(ways));
    Names shorter = candidates.back();
    if (shorter.files.size() > 1) candidates.push_back({{whole}, shorter.directories});
    if (shorter.files.size() > 1) std::swap(candidates[2], candidates[3]);
  }
  for (const Names& names : candidates) {
    if (SameNames(automaton, names)) return names;
  }
  return std::nullopt;
}

std::optional<std::string> LiteralOf(std::string_view pattern) {
  std::string out;
  for (const Item& item : Reader(pattern).Sequence(false)) {
    if (item.kind != Item::kByte) return std::nullopt;
    out += static_cast<char>(item.byte);
  }
  return out;
}

}  // namespace ravelin::import::apparmor
