// Mounts: flags, types, sources and mount points, compiled, proved, and told apart from what they are not.
#include <gtest/gtest.h>

#include "backends/apparmor/apparmor.h"
#include "backends/apparmor/parser.h"
#include "compiler/kernel/mount_flags.h"
#include "tests/support/profiles.h"

namespace ravelin::apparmor {
namespace {

std::string Web(const std::string& rules) { return "language 1\npolicy web {\n  default deny\n" + rules + "\n}\n"; }

std::string After(const std::string& rules, const std::string& old_text, const std::string& new_text) { return testing::ProofAfter(Web(rules), 0, old_text, new_text); }

TEST(ApparmorMounts, AreProved) {
  if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message;
  for (const char* rules : {"", "default allow mount", "allow mount { mount }", "allow mount { mount, remount, bind, move }", "allow mount { umount, pivot_root }",
                            "allow mount { mount } fstype \"tmpfs\", \"ext4\" flags 0, MS_RDONLY | MS_NOSUID from \"/dev/sd*\" on \"/mnt\"", "allow mount { bind } flags MS_BIND, MS_BIND | MS_REC from \"/a/\" on \"/b\" of directory",
                            "allow mount { mount } flags MS_SHARED, MS_PRIVATE | MS_REC on \"/mnt/**\" of file", "allow mount { move } flags MS_MOVE on \"/\"", "allow mount { remount } flags MS_REMOUNT on \"/mnt\"",
                            "allow mount { remount } flags MS_REMOUNT | MS_RDONLY on \"/mnt\"\nallow mount { mount } flags MS_RDONLY on \"/mnt\"", "allow mount { umount } on \"/mnt/*\"\nallow mount { pivot_root } from \"/new/old/\" on \"/new\"",
                            "allow mount { mount } flags 0x8df\ndeny mount { umount }", "allow mount { mount } flags 0..3 from \"none\", \"proc*\" fstype \"proc\""}) {
    EXPECT_EQ(After(rules, "profile web", "profile web"), "proved") << rules;
  }
}

TEST(ApparmorMounts, DifferencesAreFound) {
  if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message;
  const std::string rule = "allow mount { mount } fstype \"tmpfs\" flags MS_RDONLY from \"none\" on \"/mnt\" of directory";
  for (const auto& [from, to] : {std::pair("(ro)", "(ro, nosuid)"), {"(ro)", "(rw)"}, {"tmpfs", "ext4"}, {"tmpfs", "tmpfs, ext4"}, {" none", " {none,some}"}, {"/mnt/", "/mnt"}, {"/mnt/", "/mnt/*/"}, {"-> /mnt/,", "-> /mnt/, umount,"}, {"-> /mnt/,", "-> /mnt/, pivot_root /x/,"}, {"options=(ro) ", ""}}) {
    const std::string said = After(rule, from, to);
    EXPECT_NE(said.find("the policy"), std::string::npos) << from << " to " << to << ": " << said;
  }
}

TEST(ApparmorMounts, WhatCannotBeSaidIsRefused) {
  if (!ParserVersion()) GTEST_SKIP() << ParserVersion().error().message;
  for (const char* rules : {"allow mount { remount } flags MS_REMOUNT | MS_RDONLY on \"/mnt\"", "allow mount { mount } flags MS_REC", "allow mount { mount } flags 0..0xffff", "allow mount { mount }\ndeny mount { mount } on \"/x\"",
                            "allow mount { mount } flags MS_SHARED from \"/a\"", "audit allow mount { umount }"}) {
    EXPECT_EQ(After(rules, "profile web", "profile web").rfind("problem: ", 0), 0u) << rules;
  }
}

TEST(MountFlags, AreThoseThatGoWithTheCommand) {
  EXPECT_EQ(kernel::AskedMountFlags(0xc0ed0001), 0x1u);
  EXPECT_EQ(kernel::AskedMountFlags(0x1021), 0x1021u);
  EXPECT_EQ(kernel::AskedMountFlags(0x5001), 0x5000u);
  EXPECT_EQ(kernel::AskedMountFlags(0x100001), 0x100000u);
  EXPECT_EQ(kernel::AskedMountFlags(0x140000), std::nullopt);
  EXPECT_EQ(kernel::AskedMountFlags(0x2003), 0x2000u);
}

}  // namespace
}  // namespace ravelin::apparmor
