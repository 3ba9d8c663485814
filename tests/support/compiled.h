// Policies for tests: from text to every stage's value, without files.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "compiler/driver/compile.h"
#include "compiler/driver/frontend.h"

namespace ravelin::testing {

// Reads `text` as a policy for `target`; mistakes are in the result's sink.
std::unique_ptr<driver::Frontend> ReadText(const std::string& text, const std::string& target = "debian12", kernel::Arch arch = kernel::Arch::kX86_64);

// The diagnostics as the command line prints them.
std::string Messages(const driver::Frontend& front);

// The first domain of a policy that must be without errors; prints them and fails the test otherwise.
ir::Domain DomainOf(const std::string& text, kernel::Arch arch = kernel::Arch::kX86_64);

// A call on an architecture.
ir::Event Call(kernel::Arch arch, const std::string& name, ir::Args args = {});

// A path under the data of other projects that may lie beside this one; "" where it does not.
std::string SharedData(const std::string& path);
#define RAVELIN_NEEDS_DATA(path) \
  if (::ravelin::testing::SharedData(path).empty()) GTEST_SKIP() << "the data of other projects is not here (" << path << ")"

// Runs the program; standard input from `input`.
struct Output {
  int exit_code = 0;
  std::string out;
  std::string err;
};
Output RunRavelin(const std::vector<std::string>& arguments, const std::string& input = "");

// A folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string Write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

}  // namespace ravelin::testing
