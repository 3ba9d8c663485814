#include "compiler/cli/common.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

namespace ravelin::cli {
namespace {

bool UseColor(const CommonOptions& options) {
  if (options.color == "always") return true;
  if (options.color == "never") return false;
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && isatty(STDERR_FILENO) == 1;
}

}  // namespace

Result<void> Print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) return Fail(ErrorCode::kIo, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  return {};
}

void Complain(const std::string& message) { std::fprintf(stderr, "ravelin: %s\n", message.c_str()); }

int Complain(const Error& error) {
  Complain(error.message);
  return error.code == ErrorCode::kMalformed ? kFindings : kEnvironment;
}

int FinishImport(const std::string& text, const std::string& output, const diag::Sink& sink, const source::SourceManager& sources, const CommonOptions& options) {
  ShowDiagnostics(sink, sources, options);
  if (sink.HasErrors()) {
    Complain("nothing was written");
    return kFindings;
  }
  const auto written = output.empty() ? Print(text) : source::WriteFile(output, text);
  return written ? kOk : Complain(written.error());
}

void ShowDiagnostics(const diag::Sink& sink, const source::SourceManager& sources, const CommonOptions& options, size_t limit) {
  diag::RenderOptions render;
  render.limit = limit;
  render.color = UseColor(options);
  const std::string text = diag::RenderText(sink, sources, render);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::string QuoteXml(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return out + "\"";
}

Result<std::vector<std::string>> ExpandInputs(const std::vector<std::string>& inputs) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& input : inputs) {
    std::error_code error;
    if (input == "-" || !fs::is_directory(input, error)) {
      files.push_back(input);
      continue;
    }
    std::vector<std::string> found;
    fs::recursive_directory_iterator it(input, fs::directory_options::skip_permission_denied, error);
    if (error) return Fail(ErrorCode::kIo, fmt::format("cannot list {}: {}", input, error.message()));
    for (const fs::directory_entry& entry : it) {
      if (entry.path().extension() == ".rav" && entry.is_regular_file(error)) found.push_back(entry.path().string());
    }
    if (found.empty()) return Fail(ErrorCode::kNotFound, fmt::format("{} holds no .rav file", input));
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

std::string StemOf(const std::string& path) { return path == "-" ? "policy" : std::filesystem::path(path).stem().string(); }

Result<size_t> FindDomain(const driver::Frontend& front, const std::string& name) {
  const auto& domains = front.policy.domains;
  std::vector<std::string_view> names;
  for (size_t i = 0; i < domains.size(); ++i) {
    if (domains[i].name == name || (name.empty() && domains.size() == 1)) return i;
    names.push_back(domains[i].name);
  }
  if (name.empty()) return Fail(ErrorCode::kNotFound, fmt::format("there are {} policies in it; name one with --policy: {}", names.size(), fmt::join(names, ", ")));
  const std::string hint = diag::DidYouMean(name, names);
  return Fail(ErrorCode::kNotFound, fmt::format("there is no policy `{}` in it{}", name, hint.empty() ? "" : "; " + hint));
}

std::optional<size_t> PickDomain(const driver::Frontend& front, const std::string& name) {
  const auto found = FindDomain(front, name);
  if (found) return *found;
  Complain(found.error().message);
  return std::nullopt;
}

std::unique_ptr<driver::Frontend> ReadOrComplain(const std::string& path, const CommonOptions& options, int& exit_code) {
  const auto target = driver::FindTarget(options.target);
  if (!target) {
    exit_code = target.error().code == ErrorCode::kNotFound ? kUsage : Complain(target.error());
    if (exit_code == kUsage) Complain(target.error().message);
    return nullptr;
  }
  auto front = driver::ReadPolicy(path, options.load(), *target);
  if (!front) {
    exit_code = Complain(front.error());
    return nullptr;
  }
  if ((*front)->sink.HasErrors()) {
    ShowDiagnostics((*front)->sink, (*front)->sources, options);
    exit_code = kFindings;
    return nullptr;
  }
  return std::move(*front);
}

Result<TemporaryFile> TemporaryFile::Make() {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  std::string path = ((error ? std::filesystem::path("/tmp") : folder) / "ravelin.XXXXXX").string();
  const int file = mkstemp(path.data());
  if (file < 0) return Fail(ErrorCode::kIo, fmt::format("no temporary file can be made in {}", folder.string()));
  close(file);
  return TemporaryFile(std::move(path));
}

TemporaryFile::~TemporaryFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

void InParallel(size_t count, unsigned jobs, const std::function<void(size_t)>& work) {
  if (jobs <= 1 || count <= 1) {
    for (size_t i = 0; i < count; ++i) work(i);
    return;
  }
  std::atomic<size_t> next{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < std::min<size_t>(jobs, count); ++t) {
    threads.emplace_back([&] {
      for (size_t i = next++; i < count; i = next++) work(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace ravelin::cli
