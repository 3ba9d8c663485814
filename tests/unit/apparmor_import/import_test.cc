// What is accepted, what is refused, and how patterns come out.
#include "compiler/import/apparmor/import.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "compiler/import/apparmor/check.h"
#include "compiler/import/apparmor/glob.h"
#include "compiler/import/apparmor/parser.h"
#include "tests/support/compiled.h"

namespace ravelin::import::apparmor {
namespace {

// "" where accepted, else the first message.
std::string Read(const std::string& text, const std::string& folder = "/nonexistent") {
  source::SourceManager sources;
  diag::Sink sink;
  const auto policy = Parse(sources, sources.Add("profile", text), {{folder}, folder}, sink);
  const bool good = policy != nullptr && Check(*policy, sink);
  EXPECT_EQ(good, !sink.HasErrors()) << text;
  for (const diag::Diagnostic& d : sink.Sorted()) {
    if (d.severity == diag::Severity::kError) return d.message;
  }
  return "";
}
std::string InBody(const std::string& rules) { return Read("profile a {\n" + rules + "\n}\n"); }

std::string Import(const std::string& text) {
  source::SourceManager sources;
  diag::Sink sink;
  return ImportProfiles(sources, sources.Add("profile", text), {{{}, "/nonexistent"}, ""}, sink);
}

TEST(Profiles, NamesAndFlags) {
  EXPECT_EQ(Read("/usr/bin/foo { }\n"), "");
  EXPECT_EQ(Read("profile foo /usr/bin/{foo,bar} flags=(complain, audit) { }\n"), "");
  EXPECT_EQ(Read("profile foo xattrs=(user.a=b security.ima) (enforce) { }\n"), "");
  EXPECT_EQ(Read(":space:foo { }\n"), "");
  EXPECT_EQ(Read("profile \"a b\" { ^hat { } hat other { } profile child { } }\n"), "");
  EXPECT_NE(Read("foo { }\n"), "");
  EXPECT_NE(Read("profile foo bar { }\n"), "");
  EXPECT_NE(Read("profile foo flags=(complain, enforce) { }\n"), "");
  EXPECT_NE(Read("profile foo flags=(brave) { }\n"), "");
  EXPECT_NE(Read("profile foo { }\nprofile foo { }\n"), "");
  EXPECT_NE(Read("profile foo { ^a { } hat a { } }\n"), "");
  EXPECT_NE(Read("::foo { }\n"), "");
  EXPECT_NE(Read("profile foo {\n"), "");
  EXPECT_NE(Read("profile foo { ^hat xattrs=(a=b) { } }\n"), "");
}

TEST(Profiles, Variables) {
  EXPECT_EQ(Read("@{A} = /a /b\n@{A} += /c\n@{B} = @{A}/x\nprofile p { @{B}/** r, }\n"), "");
  EXPECT_NE(Read("@{A} = /a\n@{A} = /b\n"), "");
  EXPECT_NE(Read("@{A} += /b\n"), "");
  EXPECT_NE(Read("@{A} = /a,\n"), "");
  EXPECT_NE(Read("profile p { @{A} r, }\n"), "");
  EXPECT_NE(Read("@{A} = @{B}\n@{B} = @{A}\nprofile p { @{A} r, }\n"), "");
  EXPECT_EQ(Read("@{A} = @{B}\nprofile p { }\n"), "") << "nobody asks for its values";
  EXPECT_EQ(Read("$T = true\nprofile p { if $T { /a r, } else if not $T { /b r, } else { /c r, } }\n"), "");
  EXPECT_NE(Read("$T = yes\n"), "");
  EXPECT_NE(Read("profile p { if $T { /a r, } }\n"), "");
  EXPECT_EQ(Read("profile p { if defined @{X} { } if not defined $Y { /a r, } /@{profile_name}/x r, }\n"), "");
}

TEST(Rules, Files) {
  EXPECT_EQ(InBody("/a r, rw /b, file /c rk, owner file rw /d, audit deny other /e wx,"), "");
  EXPECT_EQ(InBody("/a px -> b, x /b -> c, safe /c Ux, /d pix, link subset /e -> /f, l /g -> /h, file,"), "");
  for (const char* rule : {"/a r", "/a rwa,", "/a x,", "/a pxux,", "deny /a ix,", "deny file,", "/a q,", "subset /a r,", "lx /a -> /b,", "unsafe /a r,", "/a{b r,", "/a{b} r,", "/a] r,", "/[] r,", "/a[b-] r,", "/a\\ r,", "owner capability chown,", "r,"}) {
    EXPECT_NE(InBody(rule), "") << rule;
  }
  EXPECT_NE(InBody("/a/* px, /a/b* ux,"), "");
  EXPECT_EQ(InBody("/a/* px, /a/b ux,"), "") << "one name wins over a pattern";
  EXPECT_EQ(InBody("/a/x* px, /a/y* ux,"), "");
  EXPECT_NE(InBody("/a/{b,c} px, /a/c ux,"), "") << "alternatives are names";
  EXPECT_EQ(InBody("owner /a/* px, other /a/* ux,"), "");
  EXPECT_NE(InBody("audit { /a x -> b, }"), "");
  EXPECT_NE(InBody("deny { /a r, }"), "");
}

TEST(Rules, Others) {
  EXPECT_EQ(InBody("capability, capability chown kill, network, network inet stream, network tcp, network unix dgram,"), "");
  EXPECT_EQ(InBody("signal, signal (send receive) set=(hup, rtmin+3) peer=b, ptrace trace peer=@{profile_name}, umount /mnt/**, pivot_root oldroot=/a /b -> c,"), "");
  EXPECT_EQ(InBody("mount, mount options=(ro, nosuid) fstype=ext4 /dev/a -> /b, remount options in (ro), mount options=bind /a -> /b,"), "");
  EXPECT_EQ(InBody("dbus, dbus bind bus=system name=a.b, dbus send path=/a peer=(name=x label=y), unix, unix (send receive) type=stream peer=(addr=@a label=b),"), "");
  EXPECT_EQ(InBody("change_profile, change_profile -> b, change_profile unsafe /bin/x -> b, set rlimit nofile <= 10, set rlimit as <= 1 GB, set rlimit cpu <= 2min, set rlimit nice <= -5,"), "");
  for (const char* rule : {"capability fly,", "network inet6 icmp,", "network moon,", "network inet stream tcp,", "signal set=(boo),", "signal peer=a peer=b,", "ptrace set=(a),", "mount options=(fast),", "mount bus=a,", "mount /a -> options=(ro) /b,",
                           "mount options=bind fstype=ext4 /a -> /b,", "dbus send name=a,", "dbus bind path=/a,", "dbus eavesdrop path=/a,", "dbus path=(a, b),", "unix create peer=(addr=@a),", "unix addr=a,", "unix type=slow,", "unix label=a,",
                           "change_profile safe -> b,", "change_profile x -> b,", "set rlimit as <= 1 TB,", "set rlimit nofile <= 1 KB,", "set rlimit nice <= 20,", "set rlimit luck <= 1,", "set rlimit cpu <= 1ms,", "signal (fly),"}) {
    EXPECT_NE(InBody(rule), "") << rule;
  }
}

TEST(Rules, NewerOnesAreNamed) {
  for (const char* rule : {"userns create,", "mqueue r /q,", "io_uring override_creds,", "all,", "priority=3 /a r,"}) EXPECT_NE(InBody(rule).find("AppArmor 3.0"), std::string::npos) << rule << ": " << InBody(rule);
  EXPECT_NE(Read("profile a flags=(default_allow) { }\n").find("AppArmor 3.0"), std::string::npos);
}

TEST(Includes, OncePerScope) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path();
  ASSERT_TRUE(source::WriteFile(path + "/rules", "/a r,\n^hat { }\n"));
  ASSERT_TRUE(source::WriteFile(path + "/self", "include <self>\n/b r,\n"));
  std::filesystem::create_directory(path + "/d");
  ASSERT_TRUE(source::WriteFile(path + "/d/one", "/one r,\n"));
  ASSERT_TRUE(source::WriteFile(path + "/d/two~", "not a rule\n"));
  EXPECT_EQ(Read("profile a {\n include <rules>\n #include <rules>\n include if exists <none>\n include <self>\n include <d>\n}\n", path), "");
  EXPECT_NE(Read("profile a {\n include <rules>\n ^hat { }\n}\n", path), "");
  EXPECT_EQ(Read("profile a {\n include <rules>\n}\nprofile b {\n include <rules>\n}\n", path), "");
  EXPECT_NE(Read("profile a {\n include <none>\n}\n", path), "");
  EXPECT_NE(Read("profile a {\n include \"" + path + "/d/two~\"\n}\n", path), "");
}

TEST(Hostile, DepthAndLength) {
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "owner {\n";
  EXPECT_NE(InBody(deep), "");
  std::string braces = "/a";
  for (int i = 0; i < 5000; ++i) braces += "{b,";
  EXPECT_NE(InBody(braces + " r,"), "");
  std::string values = "@{A0} = x y\n";
  for (int i = 1; i < 64; ++i) values += fmt::format("@{{A{}}} = @{{A{}}}@{{A{}}}\n", i, i - 1, i - 1);
  EXPECT_NE(Read(values + "profile a { /@{A63} r, }\n"), "");
  EXPECT_NE(Read(std::string("profile a { /\0b r, }\n", 21)), Read("profile a { \xff\xfe r, "));
}

struct PatternCase {
  const char* pattern;
  std::vector<std::string> files;
  std::vector<std::string> directories;
};

TEST(Patterns, BecomeOurs) {
  const PatternCase cases[] = {
      {"/etc/passwd", {"/etc/passwd"}, {}},
      {"/srv/", {}, {"/srv"}},
      {"/", {}, {"/"}},
      {"/srv/**", {"/srv/**"}, {"/srv/**"}},
      {"/srv/**/", {}, {"/srv/**"}},
      {"/srv/*", {"/srv/*"}, {}},
      {"/srv/*.log", {"/srv/{,*}.log"}, {}},
      {"/srv/**.log", {"/srv/{,**}.log"}, {}},
      {"/srv/{,**}", {"/srv/{,**}"}, {"/srv", "/srv/{,**}"}},
      {"/srv{,/**}", {"/srv{,/{,**}}"}, {"/srv{,/{,**}}"}},
      {"/{usr/,}bin/[a-c]?", {"/{usr/,}bin/[a-c]?"}, {}},
      {"{/a,/b}/*", {"/a/*", "/b/*"}, {}},
      {"/a[^b]c", {"/a{[^b],/}c"}, {}},
      {"/a\\*b\\x41", {"/a\\*bA"}, {}},
  };
  for (const PatternCase& one : cases) {
    const auto names = TranslatePattern(one.pattern);
    ASSERT_TRUE(names.has_value()) << one.pattern;
    EXPECT_EQ(names->files, one.files) << one.pattern;
    EXPECT_EQ(names->directories, one.directories) << one.pattern;
  }
  EXPECT_EQ(TranslatePattern("relative"), std::nullopt);
}

TEST(Imports, OnlyWhatIsSaid) {
  const std::string text = Import("/usr/sbin/web {\n  deny /x r,\n  audit deny /y r,\n  audit /z r,\n  /bin/** ix,\n  deny /bin/sh x,\n}\n");
  EXPECT_NE(text.find("policy web {"), std::string::npos) << text;
  EXPECT_NE(text.find("quiet deny file { read } on path(\"/x\")"), std::string::npos) << text;
  EXPECT_NE(text.find("\n  deny file { read } on path(\"/y\")"), std::string::npos) << text;
  EXPECT_NE(text.find("audit allow file { read } on path(\"/z\")"), std::string::npos) << text;
  EXPECT_NE(text.find("allow exec path(\"/bin/**\")"), std::string::npos) << text;
  EXPECT_NE(text.find("quiet deny exec path(\"/bin/sh\")"), std::string::npos) << text;
  EXPECT_EQ(Import("profile a { /bin/x cx, }\n"), "") << "refused: nothing is written";
  EXPECT_EQ(Import("profile a { /bin/x px -> b, }\n"), "");
}

}  // namespace
}  // namespace ravelin::import::apparmor
