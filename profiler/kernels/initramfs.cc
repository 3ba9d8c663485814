#include "profiler/kernels/initramfs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "compiler/base/source.h"

namespace ravelin::kernels {
namespace {

namespace fs = std::filesystem;

// Modules are named with either sign.
std::string Plain(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// "kernel/fs/9p/9p.ko.xz" -> "9p"
std::string NameOf(const std::string& path) {
  const size_t begin = path.find_last_of('/') + 1;
  return Plain(path.substr(begin, path.find(".ko", begin) - begin));
}

class Archive {
 public:
  void Folder(const std::string& name) { Add(name, 040755, ""); }
  void File(const std::string& name, std::string_view content) { Add(name, 0100755, content); }
  std::string End() {
    Add("TRAILER!!!", 0, "");
    return std::move(out_);
  }

 private:
  void Add(const std::string& name, unsigned mode, std::string_view content) {
    const unsigned number = ++count_;
    out_ += fmt::format("070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}", number, mode, 0, 0, 1, 0, content.size(), 0, 0, 0, 0, name.size() + 1, 0);
    out_.append(name).push_back('\0');
    Pad();
    out_ += content;
    Pad();
  }
  void Pad() { out_.append((4 - out_.size() % 4) % 4, '\0'); }

  std::string out_;
  unsigned count_ = 0;
};

// A module says what it needs in its section .modinfo: "depends=9pnet,netfs", ended by a NUL.  Of one that is compressed nothing can be read
// so; modules.dep, which depmod leaves, is then asked.
std::vector<std::string> Words(const std::string& text, char between) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, between);) {
    if (!word.empty()) out.push_back(word);
  }
  return out;
}

class Modules {
 public:
  explicit Modules(const KernelImage& kernel) {
    std::error_code ignored;
    for (fs::recursive_directory_iterator at(kernel.modules + "/kernel", ignored), end; at != end; at.increment(ignored)) {
      const std::string path = at->path().string();
      if (at->path().filename().string().find(".ko") != std::string::npos) paths_.emplace(NameOf(path), path);
    }
    if (const auto text = source::ReadFile(kernel.modules + "/modules.builtin")) {
      for (const std::string& line : Words(*text, '\n')) built_in_.insert(NameOf(line));
    }
    if (const auto text = source::ReadFile(kernel.modules + "/modules.dep")) {
      for (const std::string& line : Words(*text, '\n')) {
        const size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        for (const std::string& needed : Words(line.substr(colon + 1), ' ')) depends_[NameOf(line.substr(0, colon))].push_back(NameOf(needed));
      }
    }
  }

  // Behind what it depends on.
  Result<void> Add(const std::string& name, std::vector<std::string>& missing) {
    if (built_in_.count(name) != 0 || !added_.insert(name).second) return {};
    const auto found = paths_.find(name);
    if (found == paths_.end()) {
      missing.push_back(name);
      return {};
    }
    RAVELIN_TRY(content, source::ReadFile(found->second));
    std::vector<std::string> needed;
    if (const size_t at = content.find(std::string_view("\0depends=", 9)); at != std::string::npos) {
      for (const std::string& word : Words(content.substr(at + 9, content.find('\0', at + 9) - at - 9), ',')) needed.push_back(Plain(word));
    } else if (const auto listed = depends_.find(name); listed != depends_.end()) {
      needed.assign(listed->second.rbegin(), listed->second.rend());
    }
    for (const std::string& one : needed) {
      if (auto added = Add(one, missing); !added) return added;
    }
    content_.emplace_back(fs::path(found->second).filename().string(), std::move(content));
    return {};
  }

  const std::vector<std::pair<std::string, std::string>>& content() const { return content_; }

 private:
  std::map<std::string, std::string> paths_;
  std::set<std::string> built_in_;
  std::map<std::string, std::vector<std::string>> depends_;
  std::set<std::string> added_;
  std::vector<std::pair<std::string, std::string>> content_;  // file name, bytes
};

}  // namespace

Result<std::string> MakeInitramfs(const KernelImage& kernel, std::string_view init, const std::vector<std::string>& wanted, std::vector<std::string>& missing) {
  Modules modules(kernel);
  for (const std::string& name : wanted) {
    if (auto added = modules.Add(Plain(name), missing); !added) return tl::make_unexpected(std::move(added.error()));
  }
  Archive out;
  out.File("init", init);
  for (const char* name : {"modules", "proc", "new"}) out.Folder(name);
  for (size_t i = 0; i < modules.content().size(); ++i) out.File(fmt::format("modules/{:03}-{}", i, modules.content()[i].first), modules.content()[i].second);
  return out.End();
}

}  // namespace ravelin::kernels
