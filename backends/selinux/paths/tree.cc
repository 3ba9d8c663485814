#include "backends/selinux/paths/tree.h"

#include <algorithm>

namespace ravelin::selinux {

// Every state that one component leads to, each with a shortest name.
std::vector<DirectoryTree::Step> DirectoryTree::Names(uint32_t state) const {
  std::vector<Step> steps;
  std::map<uint32_t, size_t> seen;
  bool again = false;  // a name leads back to where names begin
  // A state has one name only if one byte of one such state leads to it.
  const auto extend = [&](uint32_t from, const std::string& name, bool unique) {
    for (const unsigned char c : alphabet_) {
      const uint32_t to = patterns_.automaton.Step(from, c);
      again = again || to == state;
      const auto [at, fresh] = seen.emplace(to, steps.size());
      if (fresh) {
        steps.push_back({to, name + static_cast<char>(c), unique && alone_[c]});
      } else {
        steps[at->second].unique = false;
      }
    }
  };
  extend(state, "", true);
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step step = steps[i];
    extend(step.state, step.name, step.unique);
  }
  // What lies behind a state with several names has several, too.
  std::vector<size_t> several;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (!steps[i].unique) several.push_back(i);
  }
  while (!several.empty()) {
    const uint32_t from = steps[several.back()].state;
    several.pop_back();
    for (const unsigned char c : alphabet_) {
      const size_t behind = seen.at(patterns_.automaton.Step(from, c));
      if (steps[behind].unique) several.push_back(behind);
      steps[behind].unique = false;
    }
  }
  if (again) {
    for (Step& step : steps) step.unique = false;
  }
  return steps;
}

DirectoryTree::DirectoryTree(ir::PatternAutomaton patterns) : patterns_(std::move(patterns)), alone_(256, false) {
  std::map<uint8_t, std::vector<unsigned char>> classes;
  const auto take = [&](int from, int to) {
    for (int byte = from; byte <= to; ++byte) {
      if (byte == '/') continue;
      auto& members = classes[patterns_.automaton.class_of[static_cast<size_t>(byte)]];
      if (members.empty()) alphabet_.push_back(static_cast<unsigned char>(byte));
      members.push_back(static_cast<unsigned char>(byte));
    }
  };
  take('a', 'z');
  take('-', '9');
  take('A', 'Z');
  take('!', ',');
  take(1, ' ');
  take(':', '@');
  take('[', '`');
  take('{', 255);
  for (const auto& members : classes) alone_[members.second.front()] = members.second.size() == 1;
  const uint32_t start = patterns_.automaton.Step(0, '/');
  std::map<uint32_t, uint32_t> known;  // state after a slash -> folder
  const auto folder_of = [&](uint32_t state, const std::string& path) {
    const auto [at, fresh] = known.emplace(state, static_cast<uint32_t>(folders_.size()));
    if (fresh) folders_.push_back({state, path, {}, {}});
    return at->second;
  };
  const uint32_t root = patterns_.automaton.label[start];
  witnesses_.emplace(root, "/");
  directories_.emplace(root, folder_of(start, "/"));
  struct Inside {
    std::string name;
    bool one = true;  // no other name has the label here
  };
  std::vector<std::map<uint32_t, Inside>> inside;  // by folder: label -> what has it
  for (uint32_t i = 0; i < folders_.size(); ++i) {
    const std::string path = folders_[i].path;
    inside.emplace_back();
    for (const Step& step : Names(folders_[i].state)) {
      const uint32_t label = patterns_.automaton.label[step.state];
      folders_[i].entries.insert(label);
      const auto [at, fresh] = inside[i].emplace(label, Inside{step.name, step.unique});
      if (!fresh) at->second.one = false;
      witnesses_.emplace(label, path + step.name);
      const uint32_t inner = folder_of(patterns_.automaton.Step(step.state, '/'), path + step.name + "/");
      folders_[i].folders.insert(inner);
      directories_.emplace(label, inner);
    }
  }
  for (const auto& [directory, folder] : directories_) {
    for (const auto& [label, entry] : inside[folder]) {
      const std::optional<std::string> name = entry.one ? std::optional(entry.name) : std::nullopt;
      const auto [at, fresh] = entries_.emplace(std::pair(directory, label), Entry{folders_[folder].path + entry.name, name});
      if (!fresh && at->second.only_name != name) at->second.only_name.reset();
    }
  }
}

std::map<uint32_t, std::string> DirectoryTree::Named(uint32_t directory, const std::string& name) const {
  std::map<uint32_t, std::string> labels;
  for (auto at = directories_.lower_bound({directory, 0}); at != directories_.end() && at->first == directory; ++at) {
    uint32_t state = folders_[at->second].state;
    for (const char c : name) state = patterns_.automaton.Step(state, static_cast<unsigned char>(c));
    labels.emplace(patterns_.automaton.label[state], folders_[at->second].path + name);
  }
  return labels;
}

std::map<uint32_t, uint32_t> DirectoryTree::Below(const std::set<uint32_t>& labels) const {
  std::map<uint32_t, uint32_t> below;
  for (const auto& [label, top] : directories_) {
    if (labels.count(label) == 0) continue;
    std::set<uint32_t> seen = {top};
    std::vector<uint32_t> work = {top};
    while (!work.empty()) {
      const Folder& folder = folders_[work.back()];
      work.pop_back();
      for (const uint32_t entry : folder.entries) below.emplace(entry, label);
      for (const uint32_t inner : folder.folders) {
        if (seen.insert(inner).second) work.push_back(inner);
      }
    }
  }
  return below;
}

std::set<uint32_t> DirectoryTree::Above(const std::set<uint32_t>& labels) const {
  std::vector<bool> leads(folders_.size(), false);
  std::vector<std::vector<uint32_t>> outer(folders_.size());
  std::vector<uint32_t> work;
  for (uint32_t i = 0; i < folders_.size(); ++i) {
    for (const uint32_t inner : folders_[i].folders) outer[inner].push_back(i);
    leads[i] = std::any_of(folders_[i].entries.begin(), folders_[i].entries.end(), [&](uint32_t label) { return labels.count(label) != 0; });
    if (leads[i]) work.push_back(i);
  }
  while (!work.empty()) {
    const uint32_t folder = work.back();
    work.pop_back();
    for (const uint32_t from : outer[folder]) {
      if (leads[from]) continue;
      leads[from] = true;
      work.push_back(from);
    }
  }
  std::set<uint32_t> above;
  for (const auto& [label, folder] : directories_) {
    if (leads[folder]) above.insert(label);
  }
  return above;
}

}  // namespace ravelin::selinux
