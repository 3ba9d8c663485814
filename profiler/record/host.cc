// The recorder on this machine, beside the workload, without privileges: a tracer, or the listener of a filter.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "compiler/base/source.h"
#include "profiler/kernels/scratch.h"
#include "profiler/observe/calls.h"
#include "profiler/observe/import.h"
#include "profiler/record/record.h"

namespace ravelin::record {

Result<kernels::Scratch> PlaceRecorder() {
  RAVELIN_TRY(scratch, kernels::Scratch::Make());
  if (auto written = scratch.Write("recorder", RecorderImage()); !written) return tl::make_unexpected(std::move(written.error()));
  if (auto written = scratch.Write("table", observe::RecorderTable()); !written) return tl::make_unexpected(std::move(written.error()));
  if (chmod((scratch.folder() + "/recorder").c_str(), 0700) != 0) return Fail(ErrorCode::kEnvironment, "the recorder cannot be made executable");
  return std::move(scratch);
}

Result<observe::Run> ReadRecord(const kernels::Scratch& scratch, const std::string& name, const std::string& driver, int status) {
  const std::string text = scratch.Read(name);
  if (text.empty()) return Fail(ErrorCode::kEnvironment, fmt::format("the recorder of the driver {} wrote nothing, and ended with {} {}", driver, WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
  observe::Run run;
  observe::Imported imported;
  observe::Log log(text);
  observe::ImportRecorder(log, run, imported);
  if (!imported.notes.empty()) return Fail(ErrorCode::kEnvironment, imported.notes.front());
  utsname of_machine{};
  if (uname(&of_machine) == 0) run.kernel = of_machine.release;
  return run;
}

Result<observe::Run> RecordOnHost(const Request& request, const Variation& variation) {
  // The dot: it can be entered.
  const int directory = request.directory.empty() ? -1 : open((request.directory + "/.").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (!request.directory.empty() && directory < 0) return Fail(ErrorCode::kEnvironment, fmt::format("{}: {}: the driver {} cannot work there", request.directory, std::strerror(errno), request.driver));
  RAVELIN_TRY(scratch, PlaceRecorder());
  const std::string program = scratch.folder() + "/recorder";
  std::vector<std::string> words = {program, "--by", request.driver, "--table", scratch.folder() + "/table", "--output", scratch.folder() + "/record", "--limit", std::to_string(request.limit_ms), "--folder", variation.temporary, "--"};
  words.insert(words.end(), request.command.begin(), request.command.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) return Fail(ErrorCode::kEnvironment, "no process can be started");
  if (child == 0) {
    setenv("TMPDIR", variation.temporary.c_str(), 1);
    setenv("RAVELIN_RUN", std::to_string(variation.number).c_str(), 1);
    if (directory >= 0 && fchdir(directory) != 0) _exit(126);
    execv(program.c_str(), arguments.data());
    _exit(126);
  }
  if (directory >= 0) close(directory);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return ReadRecord(scratch, "record", request.driver, status);
}

}  // namespace ravelin::record
