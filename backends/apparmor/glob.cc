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

// One byte as itself, outside or inside a class.  What the parser's lexer would take for syntax stands escaped; bytes that no editor
// shows stand in octal, which the parser reads in quoted names.
std::string ByteText(unsigned char c) {
  if (IsUsual(c)) return std::string(1, static_cast<char>(c));
  if (std::string_view("*?[]{}^,\\").find(static_cast<char>(c)) != std::string_view::npos) return std::string("\\") + static_cast<char>(c);
  if (c < 0x20 || c >= 0x7f || c == '"') return fmt::format("\\{:03o}", c);
  return std::string(1, static_cast<char>(c));
}

std::string ClassText(const Bytes& bytes) {
  std::string out = "[";
  for (unsigned b = 1; b < 256; ++b) {
    if (!bytes.test(b)) continue;
    unsigned end = b;
    while (end + 1 < 256 && bytes.test(end + 1)) ++end;
    const auto text = [](unsigned c) { return c == '-' ? std::string("\\-") : ByteText(static_cast<unsigned char>(c)); };
    out += text(b);
    if (end == b + 1) out += text(end);
    if (end > b + 1) out += "-" + text(end);
    b = end;
  }
  return out + "]";
}

std::string BytesText(const Bytes& bytes) {
  if (bytes.count() == 254) return "?";
  if (bytes.count() > 1) return ClassText(bytes);
  for (unsigned b = 1; b < 256; ++b) {
    if (bytes.test(b)) return ByteText(static_cast<unsigned char>(b));
  }
  return "";
}

// `end_follows`: what is written after these items begins with a slash, or nothing is.
std::string Write(const Items& items, bool end_follows = true) {
  std::string out;  // from the last item to the first, so that a star knows what comes after it
  bool slash_or_end = end_follows;
  for (size_t i = items.size(); i-- > 0;) {
    const Item& item = items[i];
    std::string text;
    switch (item.kind) {
      case Item::kBytes: text = BytesText(item.bytes); break;
      case Item::kStar:
      case Item::kDeep:
        text = item.kind == Item::kStar ? "*" : "**";
        if (item.one_or_more && !slash_or_end) text = "?" + text;
        break;
      case Item::kGroup: {
        if (item.alternatives.size() == 1) {
          text = Write(item.alternatives[0], slash_or_end);
          break;
        }
        for (const Items& alternative : item.alternatives) text += (text.empty() ? "{" : ",") + Write(alternative, false);
        text += "}";
        break;
      }
    }
    slash_or_end = text.empty() ? slash_or_end : text.front() == '/';
    out = text + out;
  }
  return out;
}

// Makes the last item of each way through refuse to end in a slash; false where the way matches nothing then.
bool NoFinalSlash(Items& items) {
  if (items.empty()) return true;
  Item& last = items.back();
  switch (last.kind) {
    case Item::kBytes: return !last.bytes.test('/');
    case Item::kStar: return true;
    case Item::kDeep: {
      Item name;
      name.bytes = ir::NameBytes();
      if (last.one_or_more) {
        last.one_or_more = false;
        items.push_back(name);
        return true;
      }
      Item either;
      either.kind = Item::kGroup;
      Item deep = last;
      either.alternatives = {{}, {deep, name}};
      items.back() = either;
      return true;
    }
    case Item::kGroup: {
      std::vector<Items> kept;
      for (Items& alternative : last.alternatives) {
        if (NoFinalSlash(alternative)) kept.push_back(alternative);
      }
      if (kept.empty()) return false;
      last.alternatives = std::move(kept);
      return true;
    }
  }
  return true;
}

Result<bool> MayEndInSlash(std::string_view pattern) {
  RAVELIN_TRY(set, ir::PathSet::Parse(pattern));
  RAVELIN_TRY(slash, ir::PathSet::Parse("{,**}/"));
  RAVELIN_TRY(both, set.Intersect(slash));
  return !both.Empty();
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
  RAVELIN_TRY(may, MayEndInSlash(pattern));
  if (may && !NoFinalSlash(items)) return std::vector<std::string>();
  return Ways(std::move(items));
}

Result<std::vector<std::string>> DirectoryGlobs(std::string_view pattern) {
  std::vector<std::string> out;
  RAVELIN_TRY(set, ir::PathSet::Parse(pattern));
  if (set.Contains("/")) out.push_back("/");
  RAVELIN_TRY(items, ir::ParsePattern(pattern));
  if (Items nothing = items; !NoFinalSlash(nothing)) return out;
  items.push_back(Slash());
  for (std::string& glob : Ways(std::move(items))) out.push_back(std::move(glob));
  return out;
}

Result<std::vector<std::string>> BothGlobs(std::string_view pattern) {
  RAVELIN_TRY(items, ir::ParsePattern(pattern));
  if (items.empty()) return std::vector<std::string>();
  if (items.back().kind == Item::kDeep && items.back().one_or_more) return Ways(std::move(items));
  RAVELIN_TRY(may, MayEndInSlash(pattern));
  if (may) return std::vector<std::string>();
  Item optional_slash;
  optional_slash.kind = Item::kGroup;
  optional_slash.alternatives = {{}, {Slash()}};
  items.push_back(std::move(optional_slash));
  return Ways(std::move(items));
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
