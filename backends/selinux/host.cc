#include "backends/selinux/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "backends/selinux/paths/regex.h"

namespace ravelin::selinux {

std::vector<HostPort> HostPorts(std::string_view cil) {
  constexpr std::string_view kStart = "(portcon ";
  std::vector<HostPort> ports;
  for (size_t at = cil.find(kStart); at != std::string_view::npos; at = cil.find(kStart, at + 1)) {
    // (portcon tcp (1 2) (system_u object_r x_t ...)) or with one port
    std::string line(cil.substr(at + kStart.size(), std::min(cil.size(), cil.find('\n', at)) - at - kStart.size()));
    for (char& c : line) {
      if (c == '(' || c == ')') c = ' ';
    }
    std::istringstream words(line);
    HostPort port;
    std::string next, user, role;
    if (!(words >> port.protocol >> port.lo)) continue;
    words >> next;
    char* end = nullptr;
    port.hi = strtoull(next.c_str(), &end, 10);
    const bool range = end != next.c_str() && *end == '\0';
    if (!range) port.hi = port.lo;
    user = next;
    if (range) words >> user;
    if (words >> role >> port.type) ports.push_back(std::move(port));
  }
  return ports;
}

std::map<std::string, std::string> HostTypes(std::string_view file_contexts, const std::vector<std::string>& paths) {
  ir::PatternNfa nfa;
  std::vector<std::string> types;
  std::vector<bool> exact;
  std::istringstream lines{std::string(file_contexts)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string regex, context, next;
    words >> regex >> context;
    if (words >> next) context = next;  // an entry for one kind of file
    const size_t role = context.find(':', context.find(':') + 1);
    if (regex.empty() || regex[0] == '#' || role == std::string::npos) continue;
    if (!AddRegex(regex, static_cast<uint32_t>(types.size()), nfa)) continue;
    types.push_back(context.substr(role + 1, context.find(':', role + 1) - role - 1));
    exact.push_back(regex.find_first_of(".^$?*+|[({") == std::string::npos);
  }
  const auto closed = [&](std::set<uint32_t> nodes) {
    std::vector<uint32_t> work(nodes.begin(), nodes.end());
    while (!work.empty()) {
      const uint32_t node = work.back();
      work.pop_back();
      for (const uint32_t to : nfa.nodes[node].empty) {
        if (nodes.insert(to).second) work.push_back(to);
      }
    }
    return nodes;
  };
  std::map<std::string, std::string> out;
  for (const std::string& path : paths) {
    std::set<uint32_t> at = closed({0});
    for (const char c : path) {
      std::set<uint32_t> next;
      for (const uint32_t node : at) {
        for (const auto& edge : nfa.nodes[node].edges) {
          if (edge.first.test(static_cast<unsigned char>(c))) next.insert(edge.second);
        }
      }
      at = closed(std::move(next));
    }
    std::pair<bool, int64_t> best = {false, -1};  // entries without metacharacters stand behind all others
    for (const uint32_t node : at) {
      for (const uint32_t end : nfa.nodes[node].ends) best = std::max(best, {exact[end], static_cast<int64_t>(end)});
    }
    if (best.second >= 0) out[path] = types[static_cast<size_t>(best.second)];
  }
  return out;
}

std::vector<std::string> ExplainPaths(const Module& module, std::string_view file_contexts) {
  std::set<std::string> ours;
  std::vector<std::string> witnesses;
  for (const PathType& path : module.paths) {
    ours.insert(path.type);
    witnesses.push_back(path.witness);
  }
  std::string host;
  std::istringstream lines{std::string(file_contexts)};
  for (std::string line; std::getline(lines, line);) {
    const bool own = std::any_of(ours.begin(), ours.end(), [&](const std::string& type) { return line.find(":" + type + ":") != std::string::npos; });
    if (!own) host += line + "\n";
  }
  const auto types = HostTypes(host, witnesses);
  std::vector<std::string> choices;
  for (const PathType& path : module.paths) {
    const auto had = types.find(path.witness);
    const std::string patterns = fmt::format("{}", fmt::join(path.patterns, " and "));
    if (had == types.end()) {
      choices.push_back(fmt::format("{}: a new type {}; the host labels no such path ({}, say)", patterns, path.type, path.witness));
    } else {
      choices.push_back(fmt::format("{}: a new type {}, since a grant on the host's {} would reach all of its objects; domains of the host that use {} lose {} and the like, and `label(\"{}\")` in a rule shares it instead", patterns, path.type, had->second, had->second, path.witness, had->second));
    }
  }
  return choices;
}

}  // namespace ravelin::selinux
