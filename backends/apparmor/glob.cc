#include "backends/apparmor/glob.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compiler/ir/path_set.h"
#include "compiler/ir/pattern.h"

namespace ravelin::apparmor {
namespace {

using Bytes = ir::ByteSet;
using Item = ir::PatternItem;
using Items = ir::PatternItems;

bool IsUsual(unsigned char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string_view("/._+-:=~%").find(static_cast<char>(c)) != std::string_view::npos; }

// What a backslash stands before.
bool IsEscaped(unsigned b) { return std::string_view("*?[]{}^,\\-").find(static_cast<char>(b)) != std::string_view::npos; }

// One byte as itself, outside or inside a class.  What the parser's lexer would take for syntax stands escaped; bytes that no editor
// shows stand in octal, which the parser reads in quoted names.
std::string ByteText(unsigned char c) {
  if (IsUsual(c)) return std::string(1, static_cast<char>(c));
  if (IsEscaped(c) && c != '-') return std::string("\\") + static_cast<char>(c);
  if (c < 0x20 || c >= 0x7f || c == '"') return fmt::format("\\{:03o}", c);
  return std::string(1, static_cast<char>(c));
}

// A class reads otherwise than the rest of a glob: none of the escaped bytes is an end of a range, a hyphen stands in the first place
// only, a caret in any other and bare, and a comma nowhere (inside braces it would part two ways).
std::string ClassText(const Bytes& bytes) {
  std::string escaped;
  std::string plain;
  Bytes singles;
  for (unsigned b = 1; b < 256; ++b) {
    if (!bytes.test(b)) continue;
    if (IsEscaped(b)) {
      singles.set(b);
      continue;
    }
    unsigned end = b;
    for (unsigned next = b + 1; next < 256 && bytes.test(next); ++next) end = IsEscaped(next) ? end : next;
    const auto text = [](unsigned c) { return ByteText(static_cast<unsigned char>(c)); };
    plain += text(b);
    if (end > b + 1) plain += "-";
    if (end > b) plain += text(end);
    b = end;
  }
  for (unsigned b = 1; b < 256; ++b) {
    if (singles.test(b) && std::string_view("-^,").find(static_cast<char>(b)) == std::string_view::npos) escaped += ByteText(static_cast<unsigned char>(b));
  }
  std::string out = (singles.test('-') ? "\\-" : "") + escaped + plain;
  if (singles.test('^') && !out.empty()) out += "^";
  const std::string written = out.empty() ? (singles.test('^') ? "\\^" : "") : "[" + out + "]";
  if (!singles.test(',')) return written;
  return written.empty() ? "\\," : "{\\,," + written + "}";
}

std::string BytesText(const Bytes& bytes) {
  if (bytes.count() == 254) return "?";
  if (bytes.count() > 1) return ClassText(bytes);
  for (unsigned b = 1; b < 256; ++b) {
    if (bytes.test(b)) return ByteText(static_cast<unsigned char>(b));
  }
  return "";
}

// The alternatives, an inner group that is one of them replaced by its own.
std::vector<Items> Flat(const std::vector<Items>& alternatives) {
  std::vector<Items> out;
  for (const Items& one : alternatives) {
    if (one.size() == 1 && one[0].kind == Item::kGroup) {
      for (Items& inner : Flat(one[0].alternatives)) out.push_back(std::move(inner));
    } else {
      out.push_back(one);
    }
  }
  return out;
}

bool IsSlash(const Item& item) { return item.kind == Item::kBytes && item.bytes.test('/') && item.bytes.count() == 1; }

// Groups of one alternative, replaced by what it holds.
Items Inlined(const Items& items) {
  Items out;
  for (const Item& item : items) {
    const std::vector<Items> alternatives = item.kind == Item::kGroup ? Flat(item.alternatives) : std::vector<Items>();
    if (alternatives.size() != 1) {
      out.push_back(item);
      continue;
    }
    for (Item& inner : Inlined(alternatives[0])) out.push_back(std::move(inner));
  }
  return out;
}

// `end_follows`: what is written after these items begins with a slash, or nothing is.
std::string Write(const Items& nested, bool end_follows = true) {
  const Items items = Inlined(nested);
  std::string out;  // from the last item to the first, so that a star knows what comes after it
  bool slash_or_end = end_follows;
  for (size_t i = items.size(); i-- > 0;) {
    const Item& item = items[i];
    std::string text;
    switch (item.kind) {
      case Item::kBytes:
        text = BytesText(item.bytes);
        break;
      case Item::kStar:
      case Item::kDeep:
        text = item.kind == Item::kStar ? "*" : "**";
        // The parser's own star takes a byte at least right after a slash, where a slash or the end follows.
        if (item.one_or_more && (!slash_or_end || i == 0 || !IsSlash(items[i - 1]))) text = "?" + text;
        if (item.kind == Item::kStar && !out.empty() && out.front() == '*') text.pop_back();  // the next star does for both
        break;
      case Item::kGroup: {
        // Each way once, those of inner groups among them: the parser is slow in nested ways of saying nothing.
        std::vector<std::string> ways;
        for (const Items& alternative : Flat(item.alternatives)) {
          std::string way = Write(alternative, false);
          if (std::find(ways.begin(), ways.end(), way) == ways.end()) ways.push_back(std::move(way));
        }
        std::stable_partition(ways.begin(), ways.end(), [](const std::string& way) { return way.empty(); });  // ",," would end the line
        if (ways.size() == 1) ways.push_back(ways[0]);
        text = fmt::format("{{{}}}", fmt::join(ways, ","));
        break;
      }
    }
    slash_or_end = text.empty() ? slash_or_end : text.front() == '/';
    out = text + out;
  }
  return out;
}

// True where no text of the items ends in a slash; `of_nothing` for their empty text.
bool NeverEndsInSlash(const Items& items, size_t count, bool of_nothing) {
  if (count == 0) return of_nothing;
  const Item& last = items[count - 1];
  switch (last.kind) {
    case Item::kBytes:
      return !last.bytes.test('/');
    case Item::kStar:
      return last.one_or_more || NeverEndsInSlash(items, count - 1, of_nothing);
    case Item::kDeep:
      return false;
    case Item::kGroup: {
      const bool before = NeverEndsInSlash(items, count - 1, of_nothing);
      return std::all_of(last.alternatives.begin(), last.alternatives.end(), [&](const Items& one) { return NeverEndsInSlash(one, one.size(), before); });
    }
  }
  return false;
}

bool MayBeEmpty(const Items& items) {
  return std::all_of(items.begin(), items.end(), [](const Item& item) {
    return item.kind == Item::kGroup ? std::any_of(item.alternatives.begin(), item.alternatives.end(), MayBeEmpty) : item.kind != Item::kBytes && !item.one_or_more;
  });
}

// Ways that together say what the items do, without the texts that end in a slash.
std::vector<Items> WithoutFinalSlash(Items items) {
  if (NeverEndsInSlash(items, items.size(), true)) return {std::move(items)};
  const Item last = items.back();
  items.pop_back();
  std::vector<Items> ways;
  const auto then = [&](std::initializer_list<Item> more) {
    ways.push_back(items);
    ways.back().insert(ways.back().end(), more);
  };
  const auto add = [&](std::vector<Items> more) { ways.insert(ways.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end())); };
  switch (last.kind) {
    case Item::kBytes: {
      Item rest = last;
      rest.bytes.reset('/');
      if (rest.bytes.any()) then({rest});
      break;
    }
    case Item::kStar: {
      Item some = last;
      some.one_or_more = true;
      then({some});
      add(WithoutFinalSlash(std::move(items)));
      break;
    }
    case Item::kDeep: {
      Item any = last;
      any.one_or_more = false;
      Item name;
      name.bytes = ir::NameBytes();
      then({any, name});
      if (!last.one_or_more) add(WithoutFinalSlash(std::move(items)));
      break;
    }
    case Item::kGroup: {
      Item whole = last;  // alternatives that end in something of their own
      whole.alternatives.clear();
      for (const Items& alternative : last.alternatives) {
        if (MayBeEmpty(alternative)) continue;
        for (Items& way : WithoutFinalSlash(alternative)) whole.alternatives.push_back(std::move(way));
      }
      if (!whole.alternatives.empty()) then({whole});
      for (const Items& alternative : last.alternatives) {
        if (!MayBeEmpty(alternative)) continue;
        Items way = items;
        way.insert(way.end(), alternative.begin(), alternative.end());
        add(WithoutFinalSlash(std::move(way)));
      }
      break;
    }
  }
  return ways;
}

bool Same(const Item& a, const Item& b) {
  const auto same = [](const Items& one, const Items& other) { return std::equal(one.begin(), one.end(), other.begin(), other.end(), Same); };
  return a.kind == b.kind && a.bytes == b.bytes && a.one_or_more == b.one_or_more && std::equal(a.alternatives.begin(), a.alternatives.end(), b.alternatives.begin(), b.alternatives.end(), same);
}

// One pattern for all the ways, what they begin with written once.
Items Joined(std::vector<Items> ways) {
  if (ways.size() == 1) return std::move(ways.front());
  Items out;
  const auto agree = [&](size_t at) {
    return std::all_of(ways.begin(), ways.end(), [&](const Items& way) { return at < way.size() && Same(way[at], ways.front()[at]); });
  };
  while (agree(out.size())) out.push_back(ways.front()[out.size()]);
  Item rest;
  rest.kind = Item::kGroup;
  for (const Items& way : ways) rest.alternatives.emplace_back(way.begin() + static_cast<std::ptrdiff_t>(out.size()), way.end());
  std::stable_sort(rest.alternatives.begin(), rest.alternatives.end(), [](const Items& a, const Items& b) { return a.size() < b.size(); });
  out.push_back(std::move(rest));
  return out;
}

// What the items say, as ways that begin with a slash each; one that begins otherwise matches no name.
void Unfold(Items items, std::vector<std::string>& out) {
  if (items.empty() || items.front().kind != Item::kGroup) {
    std::string glob = Write(items);
    if (glob.rfind('/', 0) == 0) out.push_back(std::move(glob));
    return;
  }
  const Item group = items.front();
  for (const Items& alternative : group.alternatives) {
    Items way = alternative;
    way.insert(way.end(), items.begin() + 1, items.end());
    Unfold(std::move(way), out);
  }
}
std::vector<std::string> Ways(Items items) {
  std::vector<std::string> out;
  Unfold(std::move(items), out);
  return out;
}

Item Slash() {
  Item slash;
  slash.bytes.set('/');
  return slash;
}

}  // namespace

Result<std::vector<std::string>> PlainGlobs(std::string_view pattern) {
  RAVELIN_TRY(items, ir::ParsePattern(pattern));
  return Ways(std::move(items));
}

Result<std::vector<std::string>> FileGlobs(std::string_view pattern) {
  RAVELIN_TRY(items, ir::ParsePattern(pattern));
  std::vector<Items> ways = WithoutFinalSlash(std::move(items));
  if (ways.empty()) return std::vector<std::string>();
  return Ways(Joined(std::move(ways)));
}

Result<std::vector<std::string>> DirectoryGlobs(std::string_view pattern) {
  std::vector<std::string> out;
  RAVELIN_TRY(set, ir::PathSet::Parse(pattern));
  if (set.Contains("/")) out.push_back("/");
  RAVELIN_TRY(items, ir::ParsePattern(pattern));
  if (WithoutFinalSlash(items).empty()) return out;
  items.push_back(Slash());
  for (std::string& glob : Ways(std::move(items))) out.push_back(std::move(glob));
  return out;
}

Result<std::vector<std::string>> BothGlobs(std::string_view pattern) {
  RAVELIN_TRY(items, ir::ParsePattern(pattern));
  if (items.empty()) return std::vector<std::string>();
  if (items.back().kind == Item::kDeep && items.back().one_or_more) return Ways(std::move(items));
  if (!NeverEndsInSlash(items, items.size(), true)) return std::vector<std::string>();
  Item optional_slash;
  optional_slash.kind = Item::kGroup;
  optional_slash.alternatives = {{}, {Slash()}};
  items.push_back(std::move(optional_slash));
  return Ways(std::move(items));
}

Result<std::string> TextGlob(std::string_view pattern) {
  RAVELIN_TRY(items, ir::ParsePattern(pattern));
  return Write(items);
}

std::string Quote(const std::string& glob) {
  const bool plain = std::all_of(glob.begin(), glob.end(), [](char c) { return IsUsual(static_cast<unsigned char>(c)) || std::string_view("*?[]{}^,").find(c) != std::string_view::npos; });
  return plain ? glob : "\"" + glob + "\"";
}

std::string LiteralGlob(std::string_view text) {
  std::string out;
  for (const char c : text) out += ByteText(static_cast<unsigned char>(c));
  return out;
}

std::string AllBut(const std::vector<std::string>& texts) {
  // A way out of the tree of their beginnings: each beginning that is no text itself, or followed by a byte that no text has there.
  std::map<std::string, Bytes> next;
  for (const std::string& text : texts) {
    for (size_t i = 0; i < text.size(); ++i) next[text.substr(0, i)].set(static_cast<unsigned char>(text[i]));
    next[text];
  }
  std::vector<std::string> ways;
  for (const auto& [begin, bytes] : next) {
    if (!begin.empty() && std::find(texts.begin(), texts.end(), begin) == texts.end()) ways.push_back(LiteralGlob(begin));
    Bytes others = ~bytes;
    others.reset(0);
    ways.push_back(LiteralGlob(begin) + ClassText(others) + "{,**}");
  }
  if (ways.empty()) return "**";
  std::string out;
  for (const std::string& way : ways) out += (out.empty() ? "{" : ",") + way;
  return ways.size() == 1 ? ways[0] : out + "}";
}

}  // namespace ravelin::apparmor
