// Path patterns and the regular expressions of file_contexts as nondeterministic automata over bytes.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::selinux {

using Bytes = std::bitset<256>;

struct Nfa {
  struct Edge {
    uint32_t bytes;  // index into `sets`
    uint32_t to;
  };
  struct Node {
    std::vector<Edge> edges;
    std::vector<uint32_t> empty;
  };
  std::vector<Node> nodes;
  std::vector<Bytes> sets;
  uint32_t New();
  void AddEdge(uint32_t from, const Bytes& bytes, uint32_t to);
  void AddEmpty(uint32_t from, uint32_t to) { nodes[from].empty.push_back(to); }
};

// Where one pattern begins and ends in an Nfa.
struct NfaPart {
  uint32_t start = 0;
  uint32_t end = 0;
};

// A path pattern of the language (docs/semantics.md, chapter 6).
Result<NfaPart> AddGlob(std::string_view pattern, Nfa& nfa);

// An entry of file_contexts: what PCRE calls lookahead is cut out, since it is a condition on the whole path.
//   /srv/(?!private/.*$)(?=.*\.html$).+   ->  body /srv/.+, refused /srv/private/.*, required /srv/.*\.html
struct SplitRegex {
  std::string body;
  std::vector<std::string> required;
  std::vector<std::string> refused;
};
Result<SplitRegex> SplitLookahead(std::string_view regex);

// A regular expression without lookahead, anchored at both ends.  Fails with the construct's name on what it does not know.
Result<NfaPart> AddRegex(std::string_view regex, Nfa& nfa);

}  // namespace ravelin::selinux
