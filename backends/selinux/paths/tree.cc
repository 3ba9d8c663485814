#include "backends/selinux/paths/tree.h"

#include <algorithm>

namespace ravelin::selinux {

// Every state that one component leads to, each with a shortest name.
std::vector<DirectoryTree::Step> DirectoryTree::Names(const Automaton& automaton, uint32_t state) const {
  std::vector<unsigned char> order = automaton.Alphabet();
  std::stable_partition(order.begin(), order.end(), [](unsigned char c) { return c >= 'a' && c <= 'z'; });
  std::vector<Step> steps;
  std::set<uint32_t> seen;
  const auto extend = [&](uint32_t from, const std::string& name) {
    for (const unsigned char c : order) {
      if (c == '/') continue;
      const uint32_t to = automaton.Next(from, c);
      if (seen.insert(to).second) steps.push_back({to, name + static_cast<char>(c)});
    }
  };
  extend(state, "");
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step step = steps[i];
    extend(step.state, step.name);
  }
  return steps;
}

DirectoryTree::DirectoryTree(const Automaton& automaton) {
  std::map<uint32_t, uint32_t> known;  // state after a slash -> folder
  std::vector<std::pair<uint32_t, std::string>> work;
  const auto folder_of = [&](uint32_t state, const std::string& path) {
    const auto [at, fresh] = known.emplace(state, static_cast<uint32_t>(work.size()));
    if (fresh) work.emplace_back(state, path);
    return at->second;
  };
  std::map<std::pair<uint32_t, uint32_t>, std::string> directories;  // with the directory's path and a slash
  const uint32_t root = automaton.LabelOf(automaton.Root());
  witnesses_.emplace(root, "/");
  directories.emplace(std::pair(root, folder_of(automaton.Root(), "/")), "/");
  std::vector<std::vector<std::pair<uint32_t, std::string>>> named;  // by folder: labels and names in it
  for (size_t i = 0; i < work.size(); ++i) {
    const auto [state, path] = work[i];
    Folder folder;
    std::map<uint32_t, std::string> names;
    for (const Step& step : Names(automaton, state)) {
      const uint32_t label = automaton.LabelOf(step.state);
      folder.entries.insert(label);
      names.emplace(label, step.name);
      witnesses_.emplace(label, path + step.name);
      const uint32_t inner = folder_of(automaton.Next(step.state, '/'), path + step.name + "/");
      folder.folders.insert(inner);
      directories.emplace(std::pair(label, inner), path + step.name + "/");
    }
    folders_.push_back(std::move(folder));
    named.emplace_back(names.begin(), names.end());
  }
  for (const auto& [directory, path] : directories) {
    directories_.push_back(directory);
    for (const auto& [label, name] : named[directory.second]) entries_.emplace(std::pair(directory.first, label), path + name);
  }
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
