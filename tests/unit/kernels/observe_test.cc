// Records of real kernels (6.1) and what they become.
#include <gtest/gtest.h>

#include "compiler/kernel/view.h"
#include "profiler/kernels/observe.h"

namespace ravelin::kernels {
namespace {

// One event of these lines, serial 7; the call's record is added where `call` says its number and arguments.
std::vector<Observation> Of(const std::string& line, const std::string& call = "", const std::string& path = "") {
  std::string text = line + "\n";
  if (!call.empty()) text += "type=1300 audit(1795734428.028:7): arch=c000003e success=no " + call + " ppid=1 pid=168 uid=0 fsuid=0 comm=\"sh\" exe=\"/usr/bin/dash\"\n";
  if (!path.empty()) text += "type=1307 audit(1795734428.028:7): cwd=\"/srv\"\ntype=1302 audit(1795734428.028:7): item=0 name=" + path + " inode=2 dev=00:16 ouid=0 nametype=NORMAL\n";
  return Observe(ParseAudit(text).events);
}

// "file write /tmp/no owner", what the first check says.
std::string Said(const Observation& one) {
  if (one.checks.empty()) return "";
  const ir::ObjectCheck& check = one.checks.front();
  std::string out = kernel::Facets()[check.facet].name + " " + kernel::Facets()[check.facet].operations[static_cast<size_t>(check.operation)];
  for (const auto& [name, value] : check.integers) out += " " + name + "=" + std::to_string(value);
  for (const auto& [name, value] : check.texts) out += " " + name + "=" + value;
  return out + (check.owner ? " owner" : "");
}

struct Row {
  const char* line;
  const char* call;
  const char* path;
  const char* expected;
};

TEST(Observe, Apparmor) {
  const Row rows[] = {
      {R"(apparmor="DENIED" operation="open" profile="work" name="/etc/shadow" pid=170 comm="cat" requested_mask="r" denied_mask="r" fsuid=0 ouid=0)", "", "", "file read path=/etc/shadow owner"},
      {R"(apparmor="DENIED" operation="open" profile="work" name="/srv/" pid=170 comm="ls" requested_mask="r" denied_mask="r" fsuid=0 ouid=1)", "", "", "file list path=/srv"},
      {R"(apparmor="DENIED" operation="open" profile="work" name=2F746D702F612062 pid=170 comm="cat" requested_mask="wr" denied_mask="w" fsuid=0 ouid=1)", "", "", "file write path=/tmp/a b"},
      {R"(apparmor="DENIED" operation="mknod" profile="work" name="/tmp/no" pid=1 comm="sh" requested_mask="c" denied_mask="c" fsuid=0 ouid=0)", "syscall=257 exit=-13 a0=ffffff9c a1=0 a2=241 a3=1b6", "", "file create path=/tmp/no owner"},
      {R"(apparmor="DENIED" operation="mknod" profile="work" name="/tmp/s" pid=1 comm="sh" requested_mask="c" denied_mask="c" fsuid=0 ouid=0)", "syscall=49 exit=-13 a0=3 a1=0 a2=6e a3=0", "", "file create_socket path=/tmp/s owner"},
      {R"(apparmor="DENIED" operation="mkdir" profile="work" name="/tmp/d/" pid=1 comm="sh" requested_mask="c" denied_mask="c" fsuid=0 ouid=0)", "syscall=83 exit=-13 a0=0 a1=0 a2=0 a3=0", "", "file create_dir path=/tmp/d owner"},
      {R"(apparmor="DENIED" operation="unlink" profile="work" name="/tmp/x" pid=1 comm="rm" requested_mask="d" denied_mask="d" fsuid=0 ouid=0)", "", "", "file delete path=/tmp/x owner"},
      {R"(apparmor="DENIED" operation="exec" profile="work" name="/usr/bin/head" pid=172 comm="dash" requested_mask="x" denied_mask="x" fsuid=0 ouid=0)", "", "", "exec exec path=/usr/bin/head"},
      {R"(apparmor="DENIED" operation="file_mmap" profile="work" name="/usr/lib/a.so" pid=1 comm="a" requested_mask="m" denied_mask="m" fsuid=0 ouid=0)", "", "", "file map_exec path=/usr/lib/a.so owner"},
      {R"(apparmor="DENIED" operation="capable" profile="work" pid=1 comm="a" capability=21  capname="sys_admin")", "", "", "capability sys_admin"},
      {R"(apparmor="DENIED" operation="create" profile="work" pid=1 comm="a" family="netlink" sock_type="raw" protocol=0 requested_mask="create" denied_mask="create")", "", "", "network create family=16 protocol=0 type=3"},
      {R"(apparmor="DENIED" operation="signal" profile="work" pid=1 comm="sh" requested_mask="send" denied_mask="send" signal=term peer="unconfined")", "", "", "signal send signal=15 peer=outside"},
      {R"(apparmor="DENIED" operation="ptrace" profile="work" pid=1 comm="a" requested_mask="trace" denied_mask="trace" peer="work")", "", "", "ptrace trace peer=self"},
      {R"(apparmor="DENIED" operation="mount" profile="work" name="/mnt/" pid=1 comm="mount" fstype="tmpfs" srcname="x")", "", "", "mount mount from=x fstype=tmpfs on=/mnt"},
  };
  for (const Row& row : rows) {
    const auto observed = Of(std::string("type=1400 audit(1795734428.028:7): ") + row.line, row.call, row.path);
    ASSERT_EQ(observed.size(), 1u) << row.line;
    EXPECT_EQ(observed[0].source, Source::kApparmor);
    EXPECT_TRUE(observed[0].refused);
    EXPECT_EQ(observed[0].subject, "work");
    EXPECT_EQ(Said(observed[0]), row.expected) << row.line;
  }
  EXPECT_TRUE(Of(R"(type=1400 audit(1795734428.028:7): apparmor="STATUS" operation="profile_load" profile="unconfined" name="work" pid=1 comm="init")").empty());
}

TEST(Observe, Selinux) {
  const std::string ends = " scontext=system_u:system_r:work_t:s0 tcontext=system_u:object_r:default_t:s0 tclass=";
  const struct {
    const char* what;
    const char* object_class;
    const char* call;
    const char* path;
    const char* expected;
  } rows[] = {
      {"{ read } for  pid=171 comm=\"cat\" name=\"passwd\" dev=\"overlay\" ino=861", "file", "syscall=257 exit=-13 a0=ffffff9c a1=0 a2=0 a3=0", "\"/etc/passwd\"", "file read path=/etc/passwd owner"},
      {"{ read } for  pid=171 comm=\"cat\" name=\"passwd\" dev=\"overlay\" ino=861", "file", "syscall=257 exit=-13 a0=ffffff9c a1=0 a2=0 a3=0", "\"../etc/passwd\"", "file read path=/etc/passwd owner"},
      {"{ search } for  pid=171 comm=\"cat\" name=\"etc\" dev=\"overlay\" ino=2", "dir", "syscall=257 exit=-13 a0=ffffff9c a1=0 a2=0 a3=0", "\"/etc/passwd\"", "file traverse path=/etc"},
      {"{ read } for  pid=171 comm=\"gcc\" name=\"/\" dev=\"tmpfs\" ino=1", "dir", "syscall=21 exit=-13 a0=0 a1=7 a2=0 a3=0", "\"/tmp\"", "file list path=/tmp owner"},
      {"{ search } for  pid=171 comm=\"cat\" name=\"/\" dev=\"tmpfs\" ino=1", "dir", "syscall=257 exit=-13 a0=ffffff9c a1=0 a2=0 a3=0", "\"/tmp/x\"", "file traverse path=/"},
      {"{ execute } for  pid=172 comm=\"dash\" name=\"head\" dev=\"overlay\" ino=2", "file", "syscall=59 exit=-13 a0=0 a1=0 a2=0 a3=0", "\"/usr/bin/head\"", "exec exec path=/usr/bin/head"},
      {"{ add_name } for  pid=172 comm=\"dash\" name=\"no\"", "dir", "syscall=257 exit=-13 a0=ffffff9c a1=0 a2=241 a3=0", "\"/tmp/no\"", "file create path=/tmp/no owner"},
      {"{ name_bind } for  pid=172 comm=\"a\" src=80", "tcp_socket", "syscall=49 exit=-13 a0=3 a1=0 a2=10 a3=0", "", "network bind family=2 port=80 protocol=0 type=1"},
      {"{ create } for  pid=172 comm=\"a\"", "packet_socket", "syscall=41 exit=-13 a0=11 a1=80003 a2=0 a3=0", "", "network create family=17 protocol=0 type=3"},
      {"{ sys_admin } for  pid=172 comm=\"a\" capability=21", "capability", "", "", "capability sys_admin"},
      {"{ execmem } for  pid=172 comm=\"a\"", "process", "", "", "memory exec"},
      {"{ ioctl } for  pid=172 comm=\"a\" path=\"/dev/null\" dev=\"devtmpfs\" ino=4 ioctlcmd=0x5401", "chr_file", "", "", "file ioctl command=21505 path=/dev/null"},
  };
  for (const auto& row : rows) {
    const auto observed = Of(std::string("type=1400 audit(1795734428.028:7): avc:  denied  ") + row.what + ends + row.object_class + " permissive=0", row.call, row.path);
    ASSERT_EQ(observed.size(), 1u) << row.what;
    EXPECT_EQ(observed[0].source, Source::kSelinux);
    EXPECT_TRUE(observed[0].refused);
    EXPECT_EQ(observed[0].subject, "work_t");
    EXPECT_EQ(Said(observed[0]), row.expected) << row.what;
  }
  // A permissive kernel records and permits.
  EXPECT_FALSE(Of("type=1400 audit(1795734428.028:7): avc:  denied  { read } for  pid=1 comm=\"a\" name=\"x\"" + ends + "file permissive=1").at(0).refused);
}

TEST(Observe, SeccompHasTheCallsArguments) {
  const auto observed = Of(R"(type=1326 audit(1795734428.028:7): auid=4294967295 uid=0 gid=0 ses=4294967295 pid=169 comm="python3" exe="/usr/bin/python3.11" sig=0 arch=c000003e syscall=41 compat=0 ip=0x60048f4c code=0x50000)", "syscall=41 exit=-13 a0=26 a1=5 a2=0 a3=401846e0");
  ASSERT_EQ(observed.size(), 1u);
  EXPECT_EQ(observed[0].source, Source::kSeccomp);
  EXPECT_TRUE(observed[0].refused);
  EXPECT_EQ(observed[0].call->number, 41u);
  EXPECT_EQ(observed[0].call->args[0], 38u);
  EXPECT_EQ(observed[0].error, 13);
  const auto logged = Of(R"(type=1326 audit(1.0:7): pid=169 comm="a" sig=0 arch=c000003e syscall=41 code=0x7ffc0000)");
  EXPECT_FALSE(logged.at(0).refused);
}

// A refusal that no mechanism made: the host's, or the file's own permissions.
TEST(Observe, ARefusalOfNobody) {
  const auto observed = Of("", "syscall=257 exit=-13 a0=ffffff9c a1=0 a2=0 a3=0", "\"/etc/shadow\"");
  ASSERT_EQ(observed.size(), 1u);
  EXPECT_EQ(observed[0].source, Source::kNobody);
  EXPECT_EQ(observed[0].path, "/etc/shadow");
  EXPECT_TRUE(Of("", "syscall=257 exit=-2 a0=ffffff9c a1=0 a2=0 a3=0", "\"/etc/shadow\"").empty());
}

TEST(Observe, WhatIsNoRecordIsCounted) {
  const AuditLog log = ParseAudit("type=1400 audit(1.5:3): a=1\nnonsense\ntype=x audit(1:2): a=1\ntype=1300 audit(1.5:3): b=2\n");
  EXPECT_EQ(log.malformed, 2u);
  ASSERT_EQ(log.events.size(), 1u);
  EXPECT_EQ(log.events[0].records.size(), 2u);
  EXPECT_EQ(log.events[0].serial, 3u);
  EXPECT_DOUBLE_EQ(log.events[0].time, 1.5);
}

}  // namespace
}  // namespace ravelin::kernels
