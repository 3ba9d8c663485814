#include <gtest/gtest.h>

#include <filesystem>
#include <regex>

#include "compiler/ast/ast_text.h"
#include "compiler/base/source.h"
#include "compiler/syntax/parse.h"

namespace ravelin::syntax {
namespace {

std::string FormatText(const std::string& text, std::string* dump) {
  source::SourceManager sources;
  diag::Sink sink;
  const source::FileId id = sources.Add("test.rav", text);
  const ast::File file = Parse(sources, id, sink);
  EXPECT_FALSE(sink.HasErrors()) << diag::RenderText(sink, sources, {}) << text;
  // Places differ between the layouts; everything else must not.
  *dump = std::regex_replace(ast::DumpJson(file), std::regex("\\[\\s*[0-9]+,\\s*[0-9]+\\s*\\],?"), "[]");
  return ast::Format(file, text);
}

std::vector<std::string> CommentsOf(const std::string& text) {
  std::vector<std::string> out;
  const std::regex comment("(//|#)[^\\n]*|/\\*[^*]*\\*/");
  for (std::sregex_iterator it(text.begin(), text.end(), comment), end; it != end; ++it) out.push_back(std::regex_replace(it->str(), std::regex("[ \\t]+$"), ""));
  std::sort(out.begin(), out.end());
  return out;
}

void Holds(const std::string& text, bool compare_comments) {
  std::string before, after, again;
  const std::string once = FormatText(text, &before);
  const std::string twice = FormatText(once, &after);
  EXPECT_EQ(once, twice) << "formatting is idempotent";
  EXPECT_EQ(before, after) << "formatting changes no meaning\n" << once;
  if (compare_comments) { EXPECT_EQ(CommentsOf(text), CommentsOf(once)) << "every comment is kept\n" << once; }
}

TEST(Format, TheStandardLibraryKeepsItsMeaning) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(RAVELIN_SOURCE_DIR "/policies")) {
    if (entry.path().extension() != ".rav") continue;
    SCOPED_TRACE(entry.path().string());
    Holds(*source::ReadFile(entry.path().string()), false);
    ++files;
  }
  EXPECT_GT(files, 30u);
}

TEST(Format, CommentsStandEverywhere) {
  Holds(
      "// first\nlanguage 1 // after the language\n\n\n# second\npolicy p { // opens\n  // before\n  allow syscall { // in a list\n    read, // of read\n    /* block */ write\n  } // after\n\n"
      "  when target.kernel >= 6.7 { // newer\n    allow syscall read // one\n    // last of the block\n  } else { // older\n    deny syscall read\n  }\n  default deny // end\n  // at the very end\n} // closes\n// last\n",
      true);
}

TEST(Format, LayoutsOfEveryStatement) {
  Holds(
      "language 1\nimport \"a.rav\"\nlet HOME=\"/home/u\"\nresource r=path(\"/a\",\"/b/**\"),label(\"x_t\")\nset s={read,write,3,5..9}\nmodule m(a,b=1){allow syscall read(fd==a)}\n"
      "policy p{attach \"/bin/x\"\nlayers{seccomp+apparmor,seccomp+selinux}\narchitectures{x86_64,i386}\nforeign architecture with errno(ENOSYS)\nreference kernel 6.1\nuse m(a=2)\n"
      "l: allow file{read,write}on r because \"why\"\nallow exec \"/bin/y\" as unconfined_danger\naudit deny syscall ptrace with kill process\nquiet deny file{read}on path(\"/s\")\n"
      "narrow allow network{connect}tcp port 80,443\ncomplain syscall s\nnever network{create}family AF_ALG\nallow syscall socket(domain in{AF_UNIX,1..3},type&SOCK_TYPE_MASK==SOCK_STREAM||!(protocol==0))\n"
      "accept gap l wider on seccomp because \"no paths\"\nraw apparmor \"x\"\ndefault deny file,exec with errno(EACCES)\ndefault deny with trap(3)\nunknown syscall with errno(ENOSYS)}\n",
      true);
}

}  // namespace
}  // namespace ravelin::syntax
