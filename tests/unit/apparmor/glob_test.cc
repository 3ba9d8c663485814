// Globs as AppArmor's parser reads them: every byte, alone and in classes, through the whole way.
#include "backends/apparmor/glob.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backends/apparmor/parser.h"
#include "tests/support/profiles.h"

namespace ravelin::apparmor {
namespace {

// Proved with one rule for each of the paths, given as they stand in the source.
void ExpectProved(const std::vector<std::string>& paths) {
  std::string text = "language 1\npolicy p {\n  default deny\n";
  for (const std::string& path : paths) text += fmt::format("  allow file {{ read, list, lock }} on path(\"{}\")\n", path);
  EXPECT_EQ(testing::WhyNotProved(text + "}\n"), "");
}
std::string Byte(unsigned b) { return fmt::format("\\x{:02x}", b); }
// In a pattern, where a special byte needs its backslash (which the string needs twice).
std::string InPattern(unsigned b) {
  const std::string_view special = "*?[]{},!^-\\";
  return (special.find(static_cast<char>(b)) != std::string_view::npos ? R"(\\)" : "") + (b == '\\' ? R"(\\)" : Byte(b));
}

class Globs : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message;
  }
};

TEST_F(Globs, EveryByteAloneAndInAClass) {
  for (unsigned from = 1; from < 256; from += 51) {
    std::vector<std::string> paths;
    for (unsigned b = from; b < from + 51; ++b) {
      if (b == '/') continue;
      paths.push_back(fmt::format("/{}a{}", b, InPattern(b)));
      paths.push_back(fmt::format("/{}b[q{}]", b, InPattern(b)));
      paths.push_back(fmt::format("/{}c[^{}]", b, InPattern(b)));
    }
    ExpectProved(paths);
  }
}

// Ranges that begin and end in, or before and after, each byte that needs a backslash.
TEST_F(Globs, RangesAroundEveryByteThatIsEscaped) {
  std::vector<std::string> paths;
  for (const unsigned char b : std::string("*?[]{}^,\\-!\"#")) {
    for (unsigned from : {b - 2u, b - 1u, unsigned{b}, b + 1u}) {
      for (unsigned to : {unsigned{b}, b + 1u, b + 3u}) {
        if (from >= to || (from <= '/' && to >= '/')) continue;
        paths.push_back(fmt::format("/{}-{}-{}[{}-{}]", unsigned{b}, from, to, InPattern(from), InPattern(to)));
      }
    }
  }
  ExpectProved(paths);
}

// Ways of saying nothing, one in another; stars and slashes at the ends of groups.
TEST_F(Globs, GroupsThatMayBeEmpty) {
  ExpectProved({"/a{,b}", "/b/{,{,a},{b,}}", "/c{/,/*}", "/d/{*,{x,*}}", "/e/{a*,{x,*}}/**", "/f{,/**}{,.d}", "/g{{,a},{,b{,c}}}x", "/h/{{?,b,{?,}},c.d}", "/i{a/,}*", "/j[/a]*", "{/k,/l}{,/m}", "{/a,{/b,/c}}*", "/m/{*}*", "/n{a*}*b", "/o{a*,a*}*", "/p/{{,}}*/x", "/q{a,a}"});
}

}  // namespace
}  // namespace ravelin::apparmor
