#include "compiler/import/apparmor/same_names.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "compiler/ir/path_set.h"

namespace ravelin::import::apparmor {
namespace {

constexpr size_t kMaxPlaces = 50000;
using States = std::vector<uint32_t>;  // of the nondeterministic automaton; ascending

States Close(const Automaton& automaton, std::set<uint32_t> states) {
  States work(states.begin(), states.end());
  while (!work.empty()) {
    const uint32_t one = work.back();
    work.pop_back();
    for (const uint32_t next : automaton.states()[one].silent) {
      if (states.insert(next).second) work.push_back(next);
    }
  }
  return {states.begin(), states.end()};
}

bool Accepts(const States& states) { return std::binary_search(states.begin(), states.end(), uint32_t{1}); }

States Step(const Automaton& automaton, const States& states, unsigned byte) {
  std::set<uint32_t> next;
  for (const uint32_t state : states) {
    for (const Automaton::Edge& edge : automaton.states()[state].edges) {
      if (edge.bytes.test(byte)) next.insert(edge.to);
    }
  }
  return Close(automaton, std::move(next));
}

// One byte of each kind that no edge and no class tells from the others.
std::vector<unsigned> Representatives(const Automaton& theirs, const ir::Automaton& files, const ir::Automaton& directories) {
  std::set<std::tuple<uint8_t, uint8_t, std::vector<bool>>> seen;
  std::vector<unsigned> out = {'/'};
  for (unsigned byte = 1; byte < 256; ++byte) {
    if (byte == '/') continue;
    std::vector<bool> edges;
    for (const Automaton::State& state : theirs.states()) {
      for (const Automaton::Edge& edge : state.edges) edges.push_back(edge.bytes.test(byte));
    }
    if (seen.emplace(files.class_of[byte], directories.class_of[byte], std::move(edges)).second) out.push_back(byte);
  }
  return out;
}

}  // namespace

bool SameNames(const Automaton& theirs, const Names& ours) {
  const auto parse = [](const std::vector<std::string>& patterns) -> Result<ir::PathSet> { return patterns.empty() ? ir::PathSet() : ir::PathSet::ParseAny(patterns); };
  const auto file_set = parse(ours.files);
  const auto directory_set = parse(ours.directories);
  if (!file_set || !directory_set) return false;
  const ir::Automaton& files = file_set->automaton();
  const ir::Automaton& directories = directory_set->automaton();
  const std::vector<unsigned> bytes = Representatives(theirs, files, directories);

  struct Place {
    States theirs;
    uint32_t files;
    uint32_t directories;
    bool slash;
    auto operator<=>(const Place&) const = default;
  };
  const auto step = [&](const Place& at, unsigned byte) {
    const auto c = static_cast<unsigned char>(byte);
    return Place{Step(theirs, at.theirs, byte), files.Step(at.files, c), directories.Step(at.directories, c), byte == '/'};
  };
  const Place root = step({Close(theirs, {0}), 0, 0, false}, '/');
  if (Accepts(root.theirs) != (directories.label[root.directories] != 0)) return false;
  std::set<Place> seen = {root};
  std::vector<Place> work = {root};
  while (!work.empty()) {
    const Place at = std::move(work.back());
    work.pop_back();
    if (!at.slash && Accepts(at.theirs) != (files.label[at.files] != 0)) return false;
    for (const unsigned byte : bytes) {
      if (byte == '/' && at.slash) continue;
      Place next = step(at, byte);
      if (byte == '/' && Accepts(next.theirs) != (directories.label[at.directories] != 0)) return false;
      if (seen.insert(next).second) work.push_back(std::move(next));
    }
    if (seen.size() > kMaxPlaces) return false;
  }
  return true;
}

bool SameTexts(const Automaton& theirs, const std::string& ours) {
  const auto set = ir::PathSet::Parse(ours);
  if (!set) return false;
  const ir::Automaton& texts = set->automaton();
  const std::vector<unsigned> bytes = Representatives(theirs, texts, texts);
  std::vector<std::pair<States, uint32_t>> work = {{Close(theirs, {0}), 0}};
  std::set<std::pair<States, uint32_t>> seen = {work.front()};
  while (!work.empty()) {
    const auto [states, at] = std::move(work.back());
    work.pop_back();
    if (Accepts(states) != (texts.label[at] != 0)) return false;
    for (const unsigned byte : bytes) {
      std::pair<States, uint32_t> next = {Step(theirs, states, byte), texts.Step(at, static_cast<uint8_t>(byte))};
      if (seen.insert(next).second) work.push_back(std::move(next));
    }
    if (seen.size() > kMaxPlaces) return false;
  }
  return true;
}

}  // namespace ravelin::import::apparmor
