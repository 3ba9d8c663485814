// The canonical layout is its own layout, keeps every comment, and means what the text meant.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>

#include "compiler/ast/ast_text.h"
#include "tests/unit/syntax/parsed.h"

namespace ravelin::syntax {
namespace {

std::string Tree(const ast::File& file) {
  return std::regex_replace(ast::DumpJson(file), std::regex("\"span\":\\s*\\[\\s*[0-9]+,\\s*[0-9]+\\s*\\]"), "");
}

// Returns whether the text could be parsed.
bool CheckLayout(const std::string& text, const std::string& name) {
  const Parsed before(text);
  if (before.sink.HasErrors()) return false;
  const std::string formatted = ast::Format(before.file, before.Text());
  const Parsed after(formatted);
  EXPECT_FALSE(after.sink.HasErrors()) << name << "\n" << formatted << after.Messages();
  EXPECT_EQ(ast::Format(after.file, after.Text()), formatted) << name;
  EXPECT_EQ(before.file.comments.size(), after.file.comments.size()) << name << "\n" << formatted;
  EXPECT_EQ(before.file.policies.size(), after.file.policies.size()) << name;
  if (before.file.comments.empty()) EXPECT_EQ(Tree(before.file), Tree(after.file)) << name;
  return true;
}

TEST(Format, FilesOfTheProject) {
  size_t checked = 0;
  for (const char* folder : {"/policies/std", "/policies/apps", "/tests/golden"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(std::string(RAVELIN_SOURCE_DIR) + folder)) {
      if (entry.path().extension() != ".rav") continue;
      checked += CheckLayout(*source::ReadFile(entry.path().string()), entry.path().string()) ? 1 : 0;
    }
  }
  EXPECT_GT(checked, 60u);
}

TEST(Format, TrickyTexts) {
  const std::string texts[] = {
      "/* a */ language /* b */ 1 // c\n# d\npolicy /* e */ p { // f\n default /* g */ deny // h\n // i\n} // j\n// k",
      "language 1\npolicy p {\n default deny\n allow syscall { // a\n read, // b\n /* c */ write // d\n }\n}\n",
      "language 1\npolicy p {\n default deny\n when target.kernel >= 6.7 { // a\n allow syscall read\n } else { // b\n // c\n deny syscall read\n } // d\n}\n",
      "language 1\n\n\n\nset a = {\n1,\n2,\n\n3..5,\n}\n\n\n\nlet b = 1\n\n",
      "language 1\r\npolicy p {\r\n default deny\r\n // a\r\n}\r\n",
      "language 1\npolicy p { }\n",
      "language 1\npolicy p { default deny }\ntest p { // a\n permit file{read}on \"/x\" // b\n // c\n\n\n refuse exec \"/bin/sh\" as self with errno(EPERM)\n because \"d\"\n refuse syscall { // e\n read }\n // f\n} // g\ntest p { }\n",
      "language 1\nimport \"a.rav\"\nlet HOME=\"/home/u\"\nresource r=path(\"/a\",\"/b/**\"),label(\"x_t\")\nset s={read,write,3,5..9}\nmodule m(a,b=1){allow syscall read(fd==a)}\n"
      "policy p{attach \"/bin/x\"\nlayers{seccomp+apparmor,seccomp+selinux}\narchitectures{x86_64,i386}\nforeign architecture with errno(ENOSYS)\nreference kernel 6.1\nuse m(a=2)\n"
      "l: allow file{read,write}on r because \"why\"\nallow exec \"/bin/y\" as unconfined_danger\naudit deny syscall ptrace with kill process\nquiet deny file{read}on path(\"/s\")\n"
      "narrow allow network{connect}tcp port 80,443\ncomplain syscall s\nnever network{create}family AF_ALG\nallow syscall socket(domain in{AF_UNIX,1..3},type&SOCK_TYPE_MASK==SOCK_STREAM||!(protocol==0))\n"
      "accept gap l wider on seccomp because \"no paths\"\naccept gap l wider on seccomp+apparmor of file{create,delete}bpf network{bind} because \"no paths\"\nraw apparmor \"x\"\ndefault deny file,exec with errno(EACCES)\ndefault deny with trap(3)\nunknown syscall with errno(ENOSYS)}\n",
      "language 1\nset kill = { mount, ptrace, signal }\npolicy allow {\n default deny\n mount: allow syscall kill\n ptrace: allow syscall { policy, module }\n}\n",
      "language 1\npolicy p {\n default deny\n allow syscall read(!(fd == 1 || fd == 2) && (count & 3 | 4) == -1)\n}\n",
  };
  for (const std::string& text : texts) EXPECT_TRUE(CheckLayout(text, text)) << Parsed(text).Messages() << text;
}

TEST(Parse, WordsOfTheLanguageAreNames) {
  for (const char* word : {"kill", "mount", "ptrace", "allow", "policy", "accept", "module", "use", "default", "from", "with", "on", "test", "permit", "refuse"}) {
    const Parsed parsed(std::string("language 1\npolicy ") + word + " {\n  default deny\n  allow syscall { " + word + " }\n  accept gap " + (std::string_view(word) == "default" ? "l" : word) + " wider on seccomp because \"any label\"\n}\n");
    EXPECT_EQ(parsed.kinds, "") << word << parsed.Messages();
    ASSERT_EQ(parsed.file.policies.size(), 1u);
    EXPECT_EQ(parsed.file.policies[0].name.text, word);
    ASSERT_EQ(parsed.file.policies[0].body.rules.size(), 1u) << word;
    ASSERT_EQ(parsed.file.policies[0].body.gaps.size(), 1u) << word;
  }
}

}  // namespace
}  // namespace ravelin::syntax
