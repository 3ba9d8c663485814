#include "compiler/import/apparmor/glob.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/import/apparmor/escapes.h"
#include "compiler/import/apparmor/pattern.h"
#include "compiler/import/apparmor/same_names.h"

namespace ravelin::import::apparmor {
namespace {

struct Item {
  enum Kind : uint8_t { kByte,
                        kStar,
                        kDeep,
                        kAny,
                        kClass,
                        kGroup } kind = kByte;
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

// `texts`: a `**` right behind a slash takes no slash first, which names of files never have there.
std::string Write(const Items& items, bool texts = false) {
  std::string out;
  for (const Item& item : items) {
    switch (item.kind) {
      case Item::kByte:
        AddByte(out, item.byte);
        break;
      case Item::kAny:
        out += '?';
        break;
      case Item::kClass:
        out += ClassText(item.bytes);
        break;
      case Item::kStar:
      case Item::kDeep: {
        const std::string star = item.kind == Item::kStar ? "*" : "**";
        const bool after_slash = !out.empty() && out.back() == '/';
        out += texts && item.filled ? "?" + star : item.filled == after_slash ? star
                                               : item.filled                  ? "?" + star
                                                                              : "{," + star + "}";
        break;
      }
      case Item::kGroup:
        for (size_t i = 0; i < item.alternatives.size(); ++i) {
          out += i == 0 ? '{' : ',';
          // What stands in braces is not right after a slash, whatever stands before them.
          out += Write(item.alternatives[i], texts);
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
  // Alternatives at the beginning are patterns of their own: each begins with its slash.
  std::vector<Items> begins = {Reader(pattern).Sequence(false)};
  while (!begins.empty() && !begins.front().empty() && begins.front().front().kind == Item::kGroup && begins.size() < kMaxAlternatives) {
    const Items first = begins.front();
    begins.erase(begins.begin());
    for (Items one : first.front().alternatives) {
      one.insert(one.end(), first.begin() + 1, first.end());
      begins.push_back(std::move(one));
    }
  }
  std::vector<std::string> whole;
  std::vector<Items> ways;
  bool spread = true;
  for (const Items& items : begins) {
    AddOnce(whole, Write(items));
    spread = spread && Spread(items, ways);
  }
  std::vector<Names> candidates = {{whole, {}}, {whole, whole}};
  if (spread) {
    const Names apart = Separate(ways);
    if (apart.files.empty()) candidates.clear();
    if (!apart.files.empty()) candidates.push_back({whole, apart.directories});
    candidates.push_back(apart);
  }
  for (const Names& names : candidates) {
    const auto absolute = [](const std::string& one) { return one.starts_with('/'); };
    if (!std::all_of(names.files.begin(), names.files.end(), absolute) || !std::all_of(names.directories.begin(), names.directories.end(), absolute)) continue;
    if (SameNames(automaton, names)) return names;
  }
  return std::nullopt;
}

std::optional<std::string> TranslateText(std::string_view pattern) {
  std::string regex;
  std::string why;
  Automaton automaton;
  if (!GlobToRegex(pattern, GlobNul::kNo, regex, why) || !Automaton::FromRegex(regex, automaton)) return std::nullopt;
  std::string text = Write(Reader(pattern).Sequence(false), true);
  return SameTexts(automaton, text) ? std::optional(std::move(text)) : std::nullopt;
}

std::optional<std::vector<std::string>> LiteralsOf(std::string_view pattern) {
  // Texts so far, each with what is still to be read behind it.
  std::vector<std::pair<std::string, Items>> work = {{"", Reader(pattern).Sequence(false)}};
  std::vector<std::string> out;
  while (!work.empty()) {
    auto [text, items] = std::move(work.back());
    work.pop_back();
    size_t at = 0;
    while (at < items.size() && items[at].kind == Item::kByte && items[at].byte != 0) text += static_cast<char>(items[at++].byte);
    if (at == items.size()) {
      AddOnce(out, std::move(text));
      continue;
    }
    if (items[at].kind != Item::kGroup || work.size() + out.size() > kMaxAlternatives) return std::nullopt;
    for (Items rest : items[at].alternatives) {
      rest.insert(rest.end(), items.begin() + static_cast<std::ptrdiff_t>(at) + 1, items.end());
      work.emplace_back(text, std::move(rest));
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace ravelin::import::apparmor
