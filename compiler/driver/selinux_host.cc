// A distribution's policy as it lies in files.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "compiler/driver/compile.h"

namespace ravelin::driver {
namespace {

namespace fs = std::filesystem;

bool StartsWith(const std::string& text, std::string_view start) { return text.compare(0, start.size(), start) == 0; }

// What is compiled from file_contexts, or says something other than labels.
bool IsDerived(const fs::path& path) {
  const std::string name = path.filename().string();
  return path.extension() == ".bin" || name.find(".subs") != std::string::npos || name.find(".template") != std::string::npos;
}

Result<std::vector<std::string>> FilesOf(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    const bool contexts = StartsWith(entry.path().filename().string(), "file_contexts") && !IsDerived(entry.path());
    if (entry.path().extension() == ".cil" || contexts) files.push_back(entry.path().string());
  }
  if (error) return Fail(ErrorCode::kIo, fmt::format("{}: {}", path, error.message()));
  if (files.empty()) return Fail(ErrorCode::kNotFound, fmt::format("{} holds neither modules (*.cil) nor file_contexts", path));
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Result<selinux::Host> ReadSelinuxHost(const std::vector<std::string>& paths) {
  selinux::Host host;
  for (const std::string& path : paths) {
    RAVELIN_TRY(files, FilesOf(path));
    for (const std::string& file : files) {
      RAVELIN_TRY(text, source::ReadFile(file));
      if (StartsWith(text, "BZh") || StartsWith(text, "\x1f\x8b")) return Fail(ErrorCode::kMalformed, fmt::format("{} is compressed; `semodule --cil -E MODULE` writes a module as text", file));
      if (fs::path(file).extension() == ".cil") {
        host.policy.push_back({fs::path(file).filename().string(), std::move(text)});
      } else {
        if (const auto entries = selinux::ReadContexts(text); !entries) return Fail(ErrorCode::kMalformed, fmt::format("{}: {}", file, entries.error().message));
        host.file_contexts += text + "\n";
      }
    }
  }
  return host;
}

}  // namespace ravelin::driver
