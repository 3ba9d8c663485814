// What the commands share: options, exit codes, and saying what was found.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "compiler/base/diag.h"
#include "compiler/base/json.h"
#include "compiler/base/result.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/frontend.h"

namespace ravelin::cli {

// Exit codes.  RAVELIN_CHECK ends with 70.
inline constexpr int kOk = 0;
inline constexpr int kFindings = 1;     // mistakes, findings, denials
inline constexpr int kUsage = 2;
inline constexpr int kEnvironment = 3;  // the world failed, or a check is inconclusive

struct CommonOptions {
  std::string target = "debian12";
  std::string format = "text";  // or "json"
  std::string color = "auto";   // "always", "never"
  std::vector<std::string> import_folders;
  std::string library_folder;
  bool json() const { return format == "json"; }
  driver::LoadOptions load() const { return {import_folders, library_folder}; }
};

// Writes to standard output; fails when nothing can be written there (a full device).
Result<void> Print(const std::string& text);
// One line to standard error: "ravelin: <message>".
void Complain(const std::string& message);
int Complain(const Error& error);  // and the exit code for it
// Diagnostics for people, on standard error; at most `limit`, the rest is counted.
void ShowDiagnostics(const diag::Sink& sink, const source::SourceManager& sources, const CommonOptions& options, size_t limit = 50);
// The end of an import: what was found, and the text, which is written where nothing was wrong.  `output`: "" for standard output.
int FinishImport(const std::string& text, const std::string& output, const diag::Sink& sink, const source::SourceManager& sources, const CommonOptions& options);
std::string QuoteXml(const std::string& text);  // an attribute of JUnit's reports

// Policy files named by files and folders (every *.rav below, sorted); "-" stays.
Result<std::vector<std::string>> ExpandInputs(const std::vector<std::string>& inputs);

// "web" for "/a/web.rav"; "policy" for "-".
std::string StemOf(const std::string& path);

// Index of the domain to work on: the one that is named, or the only one.  kNotFound says which there are.
Result<size_t> FindDomain(const driver::Frontend& front, const std::string& name);
// Complains and returns nullopt where there is none.
std::optional<size_t> PickDomain(const driver::Frontend& front, const std::string& name);

// Reads one policy, shows what is wrong with it; null, with `exit_code` set, when it cannot be used.
std::unique_ptr<driver::Frontend> ReadOrComplain(const std::string& path, const CommonOptions& options, int& exit_code);

// A file of its own where temporary files go, which is gone with this.
class TemporaryFile {
 public:
  static Result<TemporaryFile> Make();
  TemporaryFile(TemporaryFile&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Calls `work(i)` for 0 <= i < count on several threads.
void InParallel(size_t count, unsigned jobs, const std::function<void(size_t)>& work);

}  // namespace ravelin::cli
