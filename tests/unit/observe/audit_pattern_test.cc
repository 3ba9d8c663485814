// Records that differ in their names alone are read by a pattern: what comes of them is what comes of each by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiler/observe/audit_pattern.h"

namespace ravelin::observe {
namespace {

std::string Record(int number, const std::string& fields) { return "type=AVC msg=audit(" + std::to_string(100 + number) + ".5:" + std::to_string(number) + "): " + fields + "\n"; }

std::map<Fact, Sighting> FactsOf(const std::string& log) {
  const auto imported = ImportEvents("log", log);
  return imported ? imported->recording.runs.begin()->second.facts : std::map<Fact, Sighting>();
}

TEST(AuditPattern, SaysWhatEachRecordSaysByItself) {
  const std::vector<std::string> names = {"\"/a\"", "\"/srv/b\"", "\"/p\"", "\"/usr/bin/x\"", "\"/x/y\"", "\"/proc/1/status\"", "\"/dev/null\"", "\"/a//b\"", "\"/a/../b\"", "\"/a/./b\"", "\"/.hidden\"", "\"/folder/\"", "\"/\"", "2F612062", "\"relative\"", "\"/per%cent\"", "\"/other/a\"", "\"/open\"", "\"/r\""};
  const std::vector<std::string> rest = {"requested_mask=\"r\" denied_mask=\"r\" fsuid=1 ouid=1", "requested_mask=\"wc\" denied_mask=\"c\" fsuid=1 ouid=0", "requested_mask=\"rwrmk\" denied_mask=\"rw\"", "requested_mask=\"x\" denied_mask=\"x\" fsuid=0 ouid=0 target=\"/usr/bin/x\"", "fstype=\"tmpfs\" srcname=\"/a\" flags=\"rw, nosuid\"", "peer=\"/p\" signal=term requested_mask=\"send\" denied_mask=\"send\"", "family=\"unix\" sock_type=\"stream\" protocol=0 requested_mask=\"send\" denied_mask=\"send\"", "capability=7 capname=\"setuid\""};
  size_t said = 0;
  size_t logs = 0;
  for (const char* verdict : {"DENIED", "ALLOWED", "AUDIT", "STATUS"}) {
    for (const char* operation : {"open", "exec", "mknod", "mkdir", "symlink", "link", "unlink", "rename_src", "rename_dest", "truncate", "getattr", "chmod", "file_mmap", "inode_permission", "mount", "umount", "pivotroot", "signal", "ptrace", "connect", "capable", "change_profile", "dbus_method_call", "mystery"}) {
      for (const std::string& more : rest) {
        std::string log;
        observe::Run alone;
        for (size_t i = 0; i < names.size(); ++i) {
          const std::string record = Record(static_cast<int>(i), std::string("apparmor=\"") + verdict + "\" operation=\"" + operation + "\" profile=\"/p\" name=" + names[i] + " pid=" + std::to_string(i) + " comm=\"c\" " + more);
          log += record;
          for (const auto& [fact, seen] : FactsOf(record)) alone.Add(fact, seen.first, seen.example, seen.count);
        }
        ASSERT_EQ(FactsOf(log), alone.facts) << log;
        said += alone.facts.size();
        ++logs;
      }
    }
  }
  EXPECT_GT(said, 10 * logs / 2) << "most of them say something";
}

TEST(AuditPattern, SelinuxRecordsToo) {
  std::string log;
  observe::Run alone;
  for (int i = 0; i < 9; ++i) {
    const std::string record = Record(i, "avc:  denied  { read } for  pid=" + std::to_string(i) + " comm=\"c\" name=\"/f" + std::to_string(i) + "\" dev=\"sda\" ino=1 scontext=u:r:app_t:s0 tcontext=u:object_r:etc_t:s0 tclass=file permissive=0");
    log += record;
    for (const auto& [fact, seen] : FactsOf(record)) alone.Add(fact, seen.first, seen.example, seen.count);
  }
  EXPECT_FALSE(alone.facts.empty());
  EXPECT_EQ(FactsOf(log), alone.facts);
}

TEST(AuditPattern, NamesThatStandForThemselves) {
  const auto name = [](const std::string& record) { return std::string(NameIn(record) ? NameIn(record)->name : "none"); };
  EXPECT_EQ(name("operation=\"open\" name=\"/a/b\" pid=1"), "/a/b");
  for (const char* other : {"operation=\"open\" pid=1", "x name=2F61 y", "x name=\"a\" y", "x name=\"/\" y", "x name=\"/a/\" y", "x name=\"/a//b\" y", "x name=\"/a/.\" y", "x name=\"/a%b\" y", "x name=\"/a\xc3\xa4\" y", "x name=\"/a"}) EXPECT_EQ(name(other), "none") << other;
}

// Where the name says more than itself there is no pattern.
TEST(AuditPattern, IsNotMadeOfWhatDiffersInMore) {
  const auto meaning = [](const std::string& path, const std::string& operation) {
    Meaning out;
    out.run.Add({"file", operation, "path=" + path, ""}, 1, "open " + path);
    return out;
  };
  const auto pattern = AuditPattern::Of(meaning("/a", "read"), "/a", meaning("/b", "read"), "/b");
  ASSERT_TRUE(pattern);
  const auto facts = pattern->Facts("/c", 7);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].first, (Fact{"file", "read", "path=/c", ""}));
  EXPECT_EQ(facts[0].second, (Sighting{1, 7, 7, "open /c"}));
  EXPECT_FALSE(AuditPattern::Of(meaning("/a", "read"), "/a", meaning("/b", "list"), "/b"));
  EXPECT_FALSE(AuditPattern::Of(meaning("/a", "read"), "/a", meaning("/resolved", "read"), "/b"));
  Meaning doubtful = meaning("/b", "read");
  doubtful.run.completeness.doubts.insert("a doubt");
  EXPECT_FALSE(AuditPattern::Of(meaning("/a", "read"), "/a", doubtful, "/b"));
  EXPECT_FALSE(AuditPattern::Of(doubtful, "/b", meaning("/a", "read"), "/a"));
  Meaning counted = meaning("/b", "read");
  counted.counted.not_understood = 1;
  EXPECT_FALSE(AuditPattern::Of(meaning("/a", "read"), "/a", counted, "/b"));
}

}  // namespace
}  // namespace ravelin::observe
