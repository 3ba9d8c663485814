// Every file below tests/golden is one case: the program is run as its `ARGS:` line says, and all that it prints is
// compared with the `.out` file beside it.  RAVELIN_UPDATE_GOLDEN=1 writes the `.out` files anew.  A JSON file, an
// AppArmor profile (`.aa`) and an SELinux module (`.cil`) have no place for the line: they are imported.  Files in `parts` are what other files import.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "tests/support/compiled.h"

namespace ravelin {
namespace {

const std::string kFolder = std::string(RAVELIN_SOURCE_DIR) + "/tests/golden";

std::vector<std::string> Files() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kFolder)) {
    const std::string extension = entry.path().extension().string();
    const bool is_part = entry.path().parent_path().filename() == "parts";
    if ((extension == ".rav" || extension == ".json" || extension == ".aa" || extension == ".cil") && !is_part) out.push_back(std::filesystem::relative(entry.path(), kFolder).string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

// The words of the `ARGS:` line; '...' keeps spaces together, %s is the file.
std::vector<std::string> Arguments(const std::string& file, const std::string& text) {
  std::string line = file.ends_with(".aa") ? "import apparmor %s" : file.ends_with(".cil") ? "import selinux-cil %s" : "import oci-seccomp %s";
  if (const size_t at = text.find("ARGS: "); at != std::string::npos && file.ends_with(".rav")) {
    line = text.substr(at + 6, text.find('\n', at) - at - 6);
  } else if (file.ends_with(".rav")) {
    return {};
  }
  std::vector<std::string> out = {""};
  bool quoted = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  std::replace(out.begin(), out.end(), std::string("%s"), file);
  return out;
}

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, PrintsWhatIsExpected) {
  std::filesystem::current_path(kFolder);  // so that no place is absolute
  const auto text = source::ReadFile(GetParam());
  ASSERT_TRUE(text.has_value());
  const std::vector<std::string> arguments = Arguments(GetParam(), *text);
  ASSERT_FALSE(arguments.empty()) << "no `// ARGS: ...` line in " << GetParam();
  const testing::Output ran = testing::RunRavelin(arguments);
  const std::string actual = fmt::format("{}{}exit {}\n", ran.out, ran.err, ran.exit_code);
  const std::string expected_file = std::filesystem::path(GetParam()).replace_extension(".out").string();
  if (std::getenv("RAVELIN_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(source::WriteFile(expected_file, actual));
    return;
  }
  EXPECT_EQ(actual, source::ReadFile(expected_file).value_or("(there is no such file)")) << "ravelin " << fmt::format("{}", fmt::join(arguments, " "));
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, ::testing::ValuesIn(Files()), [](const auto& info) {
  std::string name = info.param;
  std::replace_if(name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

}  // namespace
}  // namespace ravelin
