#include "compiler/ir/pattern_nfa.h"

#include <string_view>

namespace ravelin::ir {
namespace {

// Both give the node behind what they add.
uint32_t AddItems(const PatternItems& items, uint32_t from, PatternNfa& nfa);

uint32_t AddItem(const PatternItem& item, uint32_t from, PatternNfa& nfa) {
  const uint32_t to = nfa.New();
  switch (item.kind) {
    case PatternItem::kBytes:
      nfa.nodes[from].edges.emplace_back(item.bytes, to);
      break;
    case PatternItem::kStar:
    case PatternItem::kDeep: {
      ByteSet bytes = NameBytes();
      if (item.kind == PatternItem::kDeep) bytes.set('/');
      const uint32_t loop = nfa.New();
      if (item.one_or_more) {
        nfa.nodes[from].edges.emplace_back(bytes, loop);
      } else {
        nfa.nodes[from].empty.push_back(loop);
      }
      nfa.nodes[loop].edges.emplace_back(bytes, loop);
      nfa.nodes[loop].empty.push_back(to);
      break;
    }
    case PatternItem::kGroup:
      for (const PatternItems& alternative : item.alternatives) {
        const uint32_t start = nfa.New();
        nfa.nodes[from].empty.push_back(start);
        const uint32_t end = AddItems(alternative, start, nfa);
        nfa.nodes[end].empty.push_back(to);
      }
      break;
  }
  return to;
}

uint32_t AddItems(const PatternItems& items, uint32_t from, PatternNfa& nfa) {
  for (const PatternItem& item : items) from = AddItem(item, from, nfa);
  return from;
}

}  // namespace

uint32_t PatternNfa::New() {
  nodes.emplace_back();
  return static_cast<uint32_t>(nodes.size() - 1);
}

uint32_t PatternNfa::ShareByte(uint32_t from, unsigned char byte) {
  const char c = static_cast<char>(byte);
  // As a pattern writes it.
  const bool plain = std::string_view("*?[{},\\").find(c) == std::string_view::npos;
  const auto [at, fresh] = shared.try_emplace({from, plain ? std::string(1, c) : std::string("\\") + c});
  if (fresh) {
    const uint32_t to = New();
    nodes[from].edges.emplace_back(ByteSet().set(byte), to);
    at->second = to;
  }
  return at->second;
}

void AddPattern(const PatternItems& items, uint32_t index, PatternNfa& nfa) {
  uint32_t at = 0;
  for (const PatternItem& item : items) {
    const std::pair<uint32_t, std::string> key = {at, item.text + (item.one_or_more ? "/" : "")};
    const auto known = nfa.shared.find(key);
    at = known != nfa.shared.end() ? known->second : AddItem(item, at, nfa);
    nfa.shared.emplace(key, at);
  }
  nfa.nodes[at].ends.push_back(index);
}

}  // namespace ravelin::ir
