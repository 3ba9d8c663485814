#include "tests/support/compiled.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "compiler/driver/load.h"
#include "compiler/resolve/resolve.h"

namespace ravelin::testing {

std::unique_ptr<driver::Frontend> ReadText(const std::string& text, const std::string& target_name, kernel::Arch arch) {
  const TemporaryFolder folder;
  auto target = driver::FindTarget(target_name);
  EXPECT_TRUE(target.has_value());
  target->arch = arch;
  auto front = driver::ReadPolicy(folder.Write("test.rav", text), {}, *target);
  EXPECT_TRUE(front.has_value());
  return std::move(*front);
}

std::string Messages(const driver::Frontend& front) { return diag::RenderText(front.sink, front.sources, {}); }

ir::Domain DomainOf(const std::string& text, kernel::Arch arch) {
  auto front = ReadText(text, "debian12", arch);
  EXPECT_FALSE(front->sink.HasErrors()) << Messages(*front) << text;
  EXPECT_FALSE(front->policy.domains.empty());
  return front->policy.domains.empty() ? ir::Domain() : front->policy.domains.front();
}

ir::Event Call(kernel::Arch arch, const std::string& name, ir::Args args) {
  const kernel::Syscall* call = kernel::FindSyscall(arch, name);
  EXPECT_NE(call, nullptr) << name;
  ir::Event event;
  event.audit_arch = kernel::AuditArch(arch);
  event.number = call == nullptr ? 0 : call->number;
  event.args = args;
  return event;
}

std::string SharedData(const std::string& path) {
  const std::string full = std::string(RAVELIN_SOURCE_DIR) + "/../shared/data/" + path;
  return std::filesystem::exists(full) ? full : "";
}

Output RunRavelin(const std::vector<std::string>& arguments, const std::string& input) {
  const TemporaryFolder folder;
  const std::string in = folder.Write("in", input);
  const std::string out = folder.path() + "/out";
  const std::string err = folder.path() + "/err";
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char*> argv = {const_cast<char*>(RAVELIN_BINARY)};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    if (freopen(in.c_str(), "r", stdin) == nullptr || freopen(out.c_str(), "w", stdout) == nullptr || freopen(err.c_str(), "w", stderr) == nullptr) _exit(126);
    execv(RAVELIN_BINARY, argv.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  Output result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = source::ReadFile(out).value_or("");
  result.err = source::ReadFile(err).value_or("");
  return result;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "ravelin-test-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

std::string TemporaryFolder::Write(const std::string& name, const std::string& content) const {
  const std::string path = path_ + "/" + name;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

}  // namespace ravelin::testing
