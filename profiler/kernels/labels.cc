#include "profiler/kernels/labels.h"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
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

// States after which labels of one context follow, however a path goes on: such a label.
std::vector<std::optional<uint32_t>> OnlyLabels(const ir::Automaton& a, const std::vector<std::string>& contexts) {
  std::vector<uint32_t> first_alike;
  for (const std::string& context : contexts) first_alike.push_back(static_cast<uint32_t>(std::find(contexts.begin(), contexts.end(), context) - contexts.begin()));
  std::vector<std::optional<uint32_t>> out(a.size());
  const std::set<uint32_t> classes(a.class_of.begin() + 1, a.class_of.end());  // no path has a NUL
  // A state is left out for its next ones' labels, then for theirs being left out, until nothing changes.
  std::vector<bool> mixed(a.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t state = 0; state < a.size(); ++state) {
      if (mixed[state]) continue;
      const uint32_t label = first_alike[a.label[a.next[size_t{state} * a.classes + *classes.begin()]]];
      for (const uint32_t c : classes) {
        const uint32_t next = a.next[size_t{state} * a.classes + c];
        mixed[state] = mixed[state] || first_alike[a.label[next]] != label || mixed[next] || (out[next] && *out[next] != label);
      }
      changed = changed || mixed[state] || out[state] != label;
      out[state] = mixed[state] ? std::nullopt : std::optional(label);
    }
  }
  return out;
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
  labels.beyond_ = OnlyLabels(labels.automaton_.automaton, labels.contexts_);
  labels.alive_ = Alive(labels.automaton_.automaton, wanted);
  return labels;
}

const std::string& PathLabels::ContextOf(std::string_view path) const { return contexts_[automaton_.automaton.LabelOf(path)]; }

bool PathLabels::LeadsNowhere(std::string_view beginning) const {
  uint32_t state = 0;
  for (const char c : beginning) state = automaton_.automaton.Step(state, static_cast<unsigned char>(c));
  return !alive_[state];
}

const std::string* PathLabels::OneBeyond(std::string_view beginning) const {
  uint32_t state = 0;
  for (const char c : beginning) state = automaton_.automaton.Step(state, static_cast<unsigned char>(c));
  return beyond_[state] ? &contexts_[*beyond_[state]] : nullptr;
}

namespace {

class Walk {
 public:
  Walk(const PathLabels& labels, const Tree& tree) : labels_(labels), tree_(tree), own_(tree.covered.begin(), tree.covered.end()) { own_.insert({"/dev", "/proc", "/sys"}); }

  TreeLabels Run() {
    const std::string& at = tree_.at;
    std::vector<PathLabel> out;
    Give(at.empty() ? "/" : at, at.empty(), out);
    for (const char* device : kDevices) {
      if (at.empty()) Give(device, false, out);
    }
    for (size_t slash = at.find('/', 1); slash != std::string::npos; slash = at.find('/', slash + 1)) Give(at.substr(0, slash), false, out);
    Append(Of(at).labels, out);
    std::sort(out.begin(), out.end(), [](const PathLabel& a, const PathLabel& b) { return a.path < b.path; });
    std::sort(regions_.begin(), regions_.end(), [](const Region& a, const Region& b) { return a.path < b.path; });
    return {std::move(out), std::move(regions_)};
  }

 private:
  struct Folder {
    std::vector<PathLabel> labels;  // of all below it, where they were looked at
    bool large = false;             // there are enough for a region
    bool uniform = true;            // they have one context, `context`, and nothing below it has the default
    std::string context;
  };

  // `host`: the file is one of the host's, which has the default already.
  std::string ContextOf(const std::string& path, bool host) const {
    std::string context = labels_.ContextOf(path);
    if (context.empty() && host && !labels_.DefaultContext().empty()) context = tree_.unnamed;
    return context;
  }

  void Give(const std::string& path, bool host, std::vector<PathLabel>& out) const {
    std::string context = ContextOf(path, host);
    if (!context.empty() && (!host || context != labels_.DefaultContext())) out.push_back({path, std::move(context)});
  }

  static void Append(std::vector<PathLabel> from, std::vector<PathLabel>& to) { to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end())); }

  // Names in the folder, and which of them are folders: the top one counts, a link hides the folder below it.  What cannot be listed cannot be opened in the guest either.
  std::map<std::string, bool> List(const std::string& folder) const {
    std::map<std::string, bool> out;
    for (const std::string& from : tree_.from) {
      const std::unique_ptr<DIR, Close> dir(opendir((from + folder.substr(tree_.at.size()) + "/").c_str()));
      if (dir == nullptr) continue;
      for (const dirent* entry = readdir(dir.get()); entry != nullptr; entry = readdir(dir.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") out.emplace(name, entry->d_type == DT_DIR);
      }
    }
    return out;
  }

  // A mount's options and an overlay's list of folders have their own use for these.
  static bool CanBeMounted(const std::string& path) { return path.find_first_of(",:\\") == std::string::npos; }

  // Whether so many files are below the folder that it becomes a region, or one above it does, whatever they are called.
  bool IsLarge(const std::string& folder) const {
    if (tree_.region_files == SIZE_MAX || !CanBeMounted(folder)) return false;
    const std::string below = folder + "/";
    if (std::any_of(own_.begin(), own_.end(), [&](const std::string& path) { return path.rfind(below, 0) == 0; })) return false;
    size_t count = 0;
    for (std::vector<std::string> folders = {folder}; !folders.empty() && count < tree_.region_files;) {
      const std::string at = std::move(folders.back());
      folders.pop_back();
      for (const auto& [name, is_folder] : List(at)) {
        ++count;
        if (is_folder) folders.push_back(fmt::format("{}/{}", at, name));
      }
    }
    return count >= tree_.region_files;
  }

  Folder Of(const std::string& folder) {
    Folder out;
    if (labels_.LeadsNowhere(folder + "/")) {
      out.uniform = false;
      return out;
    }
    if (const std::string* one = labels_.OneBeyond(folder + "/"); one != nullptr && !one->empty() && tree_.moved.count(*one) == 0 && IsLarge(folder)) {
      out.large = true;
      out.context = *one;
      return out;
    }
    std::vector<std::pair<std::string, Folder>> inner;
    for (const auto& [name, is_folder] : List(folder)) {
      const std::string path = fmt::format("{}/{}", folder, name);
      const bool own = own_.count(path) != 0;
      const size_t before = out.labels.size();
      // The kernel labels its own; /dev was named before.
      if (path != "/dev" && path != "/proc" && path != "/sys") Give(path, tree_.at.empty() && !own, out.labels);
      if (own || out.labels.size() == before) out.uniform = false;
      else Join(out.labels.back().context, out);
      if (!is_folder || own) continue;
      Folder below = Of(path);
      if (!below.uniform) out.uniform = false;
      else if (!below.context.empty()) Join(below.context, out);
      out.large = out.large || below.large;
      inner.emplace_back(path, std::move(below));
    }
    if (folder == tree_.at) out.uniform = false;  // nobody is above it to decide
    for (auto& [path, below] : inner) {
      // What is uniform is decided where it ends: the larger the folder, the fewer mounts.
      if (out.uniform || !below.uniform || !below.large || tree_.moved.count(below.context) != 0 || !CanBeMounted(path)) Append(std::move(below.labels), out.labels);
      else regions_.push_back({path, ContextOf(path, true), below.context});
    }
    out.large = out.large || out.labels.size() >= tree_.region_files;
    return out;
  }

  static void Join(const std::string& context, Folder& folder) {
    if (folder.context.empty()) folder.context = context;
    folder.uniform = folder.uniform && folder.context == context;
  }

  const PathLabels& labels_;
  const Tree& tree_;
  std::set<std::string> own_;
  std::vector<Region> regions_;
};

}  // namespace

Result<TreeLabels> LabelTree(const PathLabels& labels, const Tree& tree) {
  TreeLabels out = Walk(labels, tree).Run();
  if (out.labels.size() > kMostLabels) return Fail(ErrorCode::kTooLarge, fmt::format("{} files have a label of their own, and a guest cannot hold more than {}; give it a smaller root (--root DIR)", out.labels.size(), kMostLabels));
  return out;
}

}  // namespace ravelin::kernels
