#include "profiler/kernels/labels.h"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "backends/selinux/paths/regex.h"
#include "compiler/ir/pattern_nfa.h"

namespace ravelin::kernels {
namespace {

// What devtmpfs and the guest's init put there.
constexpr const char* kDevices[] = {"/dev", "/dev/console", "/dev/fd", "/dev/full", "/dev/mqueue", "/dev/null", "/dev/ptmx", "/dev/pts", "/dev/random", "/dev/shm", "/dev/stderr", "/dev/stdin", "/dev/stdout", "/dev/tty", "/dev/urandom", "/dev/zero"};

// States from which one of these labels can be reached.
std::vector<bool> Alive(const ir::Automaton& a, const std::vector<bool>& wanted) {
  std::vector<std::vector<uint32_t>> before(a.size());
  for (uint32_t state = 0; state < a.size(); ++state) {
    for (uint32_t c = 0; c < a.classes; ++c) before[a.next[size_t{state} * a.classes + c]].push_back(state);
  }
  std::vector<bool> alive(a.size());
  std::vector<uint32_t> todo;
  for (uint32_t state = 0; state < a.size(); ++state) {
    if (!wanted[a.label[state]]) continue;
    alive[state] = true;
    todo.push_back(state);
  }
  while (!todo.empty()) {
    const uint32_t state = todo.back();
    todo.pop_back();
    for (const uint32_t from : before[state]) {
      if (alive[from]) continue;
      alive[from] = true;
      todo.push_back(from);
    }
  }
  return alive;
}

// A path that no entry means but one that means all.
constexpr std::string_view kNobodysPath = "/ nobody/ nothing";

struct Entry {
  uint32_t body = 0;
  std::vector<uint32_t> required, refused;
  std::string context;
};

struct Close {
  void operator()(DIR* dir) const { closedir(dir); }
};

}  // namespace

Result<PathLabels> PathLabels::Parse(std::string_view file_contexts) {
  PathLabels labels;
  std::vector<Entry> entries;
  ir::PatternNfa nfa;
  uint32_t next = 0;
  while (!file_contexts.empty()) {
    const size_t end = std::min(file_contexts.find('\n'), file_contexts.size());
    const std::string line(file_contexts.substr(0, end));
    file_contexts.remove_prefix(std::min(end + 1, file_contexts.size()));
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) {
      if (line.empty()) continue;
      return Fail(ErrorCode::kMalformed, fmt::format("file_contexts: `{}` is no entry", line));
    }
    RAVELIN_TRY(regex, selinux::SplitLookahead(line.substr(0, tab)));
    Entry entry;
    entry.context = line.substr(tab + 1);
    entry.body = next++;
    if (auto added = selinux::AddRegex(regex.body, entry.body, nfa); !added) return tl::make_unexpected(std::move(added.error()));
    for (const auto& [texts, indices] : {std::pair{&regex.required, &entry.required}, {&regex.refused, &entry.refused}}) {
      for (const std::string& text : *texts) {
        indices->push_back(next);
        if (auto added = selinux::AddRegex(text, next++, nfa); !added) return tl::make_unexpected(std::move(added.error()));
      }
    }
    entries.push_back(std::move(entry));
  }
  RAVELIN_TRY(automaton, ir::Determinize(nfa));
  labels.automaton_ = std::move(automaton);
  for (const std::vector<uint32_t>& matching : labels.automaton_.sets) {
    const auto matches = [&](uint32_t text) { return std::binary_search(matching.begin(), matching.end(), text); };
    std::string& context = labels.contexts_.emplace_back();
    for (auto entry = entries.rbegin(); entry != entries.rend() && context.empty(); ++entry) {
      if (matches(entry->body) && std::all_of(entry->required.begin(), entry->required.end(), matches) && std::none_of(entry->refused.begin(), entry->refused.end(), matches)) context = entry->context;
    }
  }
  labels.default_ = labels.ContextOf(kNobodysPath);
  std::vector<bool> wanted;
  for (const std::string& context : labels.contexts_) wanted.push_back(context != labels.default_ && !context.empty());
  labels.alive_ = Alive(labels.automaton_.automaton, wanted);
  return labels;
}

const std::string& PathLabels::ContextOf(std::string_view path) const { return contexts_[automaton_.automaton.LabelOf(path)]; }

bool PathLabels::LeadsNowhere(std::string_view beginning) const {
  uint32_t state = 0;
  for (const char c : beginning) state = automaton_.automaton.Step(state, static_cast<unsigned char>(c));
  return !alive_[state];
}

Result<std::vector<PathLabel>> LabelTree(const PathLabels& labels, const std::string& from, const std::string& at, const std::vector<std::string>& covered, const std::string& unnamed) {
  std::set<std::string> own(covered.begin(), covered.end());
  own.insert({"/dev", "/proc", "/sys"});
  std::vector<PathLabel> out;
  const std::string& usual = labels.DefaultContext();
  // `host`: the file is one of the host's, which has the default already.
  const auto give = [&](const std::string& path, bool host) {
    std::string context = labels.ContextOf(path);
    if (context.empty() && host && !usual.empty()) context = unnamed;
    if (!context.empty() && (!host || context != usual)) out.push_back({path, std::move(context)});
  };
  give(at.empty() ? "/" : at, at.empty());
  for (const char* device : kDevices) {
    if (at.empty()) give(device, false);
  }
  for (size_t slash = at.find('/', 1); slash != std::string::npos; slash = at.find('/', slash + 1)) give(at.substr(0, slash), false);
  std::vector<std::string> folders = {at};
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    if (labels.LeadsNowhere(folder + "/")) continue;
    const std::unique_ptr<DIR, Close> dir(opendir((from + folder.substr(at.size()) + "/").c_str()));
    if (dir == nullptr) continue;  // what cannot be listed cannot be opened in the guest either
    for (const dirent* entry = readdir(dir.get()); entry != nullptr; entry = readdir(dir.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      const std::string path = fmt::format("{}/{}", folder, name);
      // The kernel labels its own; /dev was named before.
      if (path != "/dev" && path != "/proc" && path != "/sys") give(path, at.empty() && own.count(path) == 0);
      if (entry->d_type == DT_DIR && own.count(path) == 0) folders.push_back(path);
      if (out.size() > kMostLabels) return Fail(ErrorCode::kTooLarge, fmt::format("more than {} files have a label, and a guest cannot hold so many; give it a smaller root (--root DIR)", kMostLabels));
    }
  }
  std::sort(out.begin(), out.end(), [](const PathLabel& a, const PathLabel& b) { return a.path < b.path; });
  return out;
}

}  // namespace ravelin::kernels
