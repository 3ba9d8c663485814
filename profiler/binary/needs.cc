#include "profiler/binary/needs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <set>

#include "profiler/binary/elf.h"

namespace ravelin::binary {
namespace {

constexpr size_t kMostLinks = 40;  // as the kernel (path_resolution(7))

std::string ContentOf(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::vector<std::string> Split(const std::string& text, const char* separators) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(separators, at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// The first root that has the name, links followed inside the roots.
std::optional<Place> Resolve(const std::vector<std::string>& roots, const std::string& path) {
  std::string done;
  std::vector<std::string> rest = Split(path, "/");
  std::reverse(rest.begin(), rest.end());
  std::string file;
  for (size_t links = 0; !rest.empty();) {
    const std::string name = rest.back();
    rest.pop_back();
    if (name == ".") continue;
    if (name == "..") {
      done = FolderOf(done);
      continue;
    }
    const std::string next = done + "/" + name;
    struct stat status {};
    bool found = false;
    for (const std::string& root : roots) {
      file = (root == "/" ? "" : root) + next;
      found = lstat(file.c_str(), &status) == 0;
      if (found) break;
    }
    if (!found) return std::nullopt;
    if (!S_ISLNK(status.st_mode)) {
      done = next;
      continue;
    }
    std::array<char, 4096> target{};
    const ssize_t size = readlink(file.c_str(), target.data(), target.size());
    if (size <= 0 || ++links > kMostLinks) return std::nullopt;
    const std::string text(target.data(), static_cast<size_t>(size));
    if (text.front() == '/') done.clear();
    auto more = Split(text, "/");
    rest.insert(rest.end(), more.rbegin(), more.rend());
  }
  return Place{done, file};
}

// Folders of the loader's configuration: lines of folders, `include` of patterns in one folder.
std::vector<std::string> ConfiguredFolders(const Find& find) {
  std::vector<std::string> out;
  std::vector<std::string> texts;
  if (const auto main = find("/etc/ld.so.conf")) texts.push_back(ContentOf(main->file));
  // Debian and Fedora include this folder's files, by their names in the order of the alphabet; which there are, the triplet says.
  for (const char* name : {"libc.conf", "x86_64-linux-gnu.conf", "fakeroot-x86_64-linux-gnu.conf"}) {
    if (const auto one = find(std::string("/etc/ld.so.conf.d/") + name)) texts.push_back(ContentOf(one->file));
  }
  for (const std::string& text : texts) {
    for (const std::string& line : Split(text, "\n")) {
      if (line.front() == '/') out.push_back(line.substr(0, line.find_first_of(" \t#=")));
    }
  }
  for (const char* usual : {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"}) out.emplace_back(usual);
  return out;
}

class Walk {
 public:
  explicit Walk(const Find& find) : find_(find), folders_(ConfiguredFolders(find)) {}

  void Take(const std::string& path, bool itself) {
    const auto place = find_(path);
    if (!place || !met_.insert(place->path).second) return;
    if (itself) out.push_back(place->path);
    const std::string content = ContentOf(place->file);
    if (content.rfind("#!", 0) == 0) {
      const auto words = Split(content.substr(2, std::min(content.find('\n'), size_t{256}) - 2), " \t");
      if (!words.empty()) Take(words.front(), true);
      return;
    }
    const auto elf = ParseElf(content);
    if (!elf) return;
    if (!elf->interpreter.empty()) Take(elf->interpreter, true);
    std::vector<std::string> folders;
    for (std::string folder : Split(elf->run_path, ":")) {
      for (const std::string origin : {"$ORIGIN", "${ORIGIN}"}) {
        if (const size_t at = folder.find(origin); at != std::string::npos) folder.replace(at, origin.size(), FolderOf(place->path));
      }
      folders.push_back(folder);
    }
    folders.insert(folders.end(), folders_.begin(), folders_.end());
    for (const std::string& name : elf->needed) {
      const auto in = name.find('/') != std::string::npos ? folders.end() : std::find_if(folders.begin(), folders.end(), [&](const std::string& folder) { return find_(folder + "/" + name).has_value(); });
      Take(in == folders.end() ? name : *in + "/" + name, true);
    }
  }

  std::vector<std::string> out;

 private:
  const Find& find_;
  std::vector<std::string> folders_;
  std::set<std::string> met_;
};

}  // namespace

Find FindIn(const std::vector<std::string>& roots) {
  return [roots](const std::string& path) { return Resolve(roots, path); };
}

std::vector<std::string> NeedsOf(const std::string& program, const Find& find) {
  Walk walk(find);
  walk.Take(program, false);
  return std::move(walk.out);
}

}  // namespace ravelin::binary
