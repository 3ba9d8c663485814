// Intents that mechanisms keep more or less of: each has its verdict by layer, and where one is not exact, a witness.
//
// The intents and what the mechanisms can do are those of the documentation of the mechanisms: seccomp(2), security/apparmor/lsm.c of
// linux-source-6.1, apparmor.d(5) 3.0.8, security/selinux/hooks.c.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/combine/gaps.h"
#include "backends/seccomp/lower.h"
#include "backends/selinux/selinux.h"
#include "compiler/kernel/lsm_view.h"
#include "compiler/oracle/decide.h"
#include "tests/support/compiled.h"

namespace ravelin {
namespace {

using combine::Verdict;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;

struct Cell {
  const char* layer;
  Verdict verdict;
  const char* witness;  // part of one; "" where the layer is exact
};
struct Row {
  const char* intent;
  const char* rules;  // the rule labelled `r` is judged
  std::vector<Cell> cells;
};

constexpr Verdict kExact = Verdict::kExact, kWider = Verdict::kWider, kUnsupported = Verdict::kUnsupported;
constexpr const char *kFilter = "seccomp", *kProfile = "apparmor", *kModule = "selinux";

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"read files of a glob", "r: allow file { read } on path(\"/srv/*.html\")", {{kFilter, kWider, "file { read } path=/a by open"}, {kProfile, kExact, ""}, {kModule, kWider, "file { traverse } path=/a"}}},
      {"refuse to look at a file", "r: deny file { getattr } on path(\"/secret\")\n  default allow file, syscall", {{kFilter, kWider, "file { getattr } path=/secret by "}, {kProfile, kUnsupported, "file { getattr } path=/secret"}, {kModule, kWider, "file { getattr } path=/secret"}}},
      {"list a directory", "r: allow file { list } on path(\"/d\")", {{kFilter, kWider, "file { list } path=/a by open"}, {kProfile, kWider, "file { getattr } path=/a"}, {kModule, kWider, "file { ioctl } path=/d command=1"}}},
      {"refuse to pass a directory", "r: allow file { traverse } on path(\"/d\")", {{kFilter, kWider, "file { traverse } path=/a by open"}, {kProfile, kUnsupported, "file { traverse } path=/a"}, {kModule, kWider, "file { traverse } path=/a"}}},
      {"write what exists", "r: allow file { write } on path(\"/f\")", {{kFilter, kWider, "file { write } path=/a by open"}, {kProfile, kWider, "file { create } path=/f"}, {kModule, kWider, "file { utimes } path=/f"}}},
      {"append", "r: allow file { append } on path(\"/f\")", {{kFilter, kWider, "file { append } path=/a by open"}, {kProfile, kExact, ""}, {kModule, kWider, "file { traverse } path=/a"}}},
      {"create one kind of file", "r: allow file { create_fifo } on path(\"/f\")", {{kFilter, kWider, "file { create_fifo } path=/a by mknod"}, {kProfile, kWider, "file { create_socket } path=/f"}, {kModule, kWider, "file { utimes } path=/"}}},
      {"create device nodes", "r: allow file { create_char } on path(\"/dev/x\")", {{kFilter, kWider, "file { create_char } path=/a by mknod"}, {kProfile, kWider, "file { create_block } path=/dev/x"}, {kModule, kWider, "file { utimes } path=/dev"}}},
      {"delete", "r: allow file { delete } on path(\"/f\")", {{kFilter, kWider, "file { delete } path=/a by rmdir"}, {kProfile, kWider, "file { write } path=/f"}, {kModule, kWider, "file { utimes } path=/"}}},
      {"rename", "r: allow file { rename } on path(\"/f\")", {{kFilter, kWider, "file { rename_from } path=/a by rename"}, {kProfile, kWider, "file { delete } path=/f"}, {kModule, kWider, "file { rename_to } path=/a"}}},
      {"take a name from what is renamed", "r: allow file { rename_from } on path(\"/f\")", {{kFilter, kExact, ""}, {kProfile, kWider, "file { read } path=/f"}, {kModule, kWider, "file { utimes } path=/"}}},
      {"give another name to what is renamed", "r: allow file { rename_to } on path(\"/f\")\n  allow file { rename_from } on path(\"/g\")", {{kFilter, kWider, "file { rename_to } path=/a by rename"}, {kProfile, kWider, "file { delete } path=/f"}, {kModule, kWider, "file { rename_to } path=/a"}}},
      {"make hard links", "r: allow file { link } on path(\"/f\")", {{kFilter, kWider, "file { link } path=/a by link"}, {kProfile, kExact, ""}, {kModule, kWider, "file { utimes } path=/"}}},
      {"make hard links of what one may link", "r: allow file { link } on path(\"/f\") to path(\"/f\")", {{kProfile, kExact, ""}, {kModule, kWider, "file { link }"}}},
      {"make symbolic links", "r: allow file { create_symlink } on path(\"/f\")", {{kFilter, kWider, "file { create_symlink } path=/a by symlink"}, {kProfile, kWider, "file { create } path=/f"}, {kModule, kWider, "file { utimes } path=/"}}},
      {"change mode and owner", "r: allow file { setattr } on path(\"/f\")", {{kFilter, kWider, "file { setattr } path=/a by chmod"}, {kProfile, kWider, "file { write } path=/f"}, {kModule, kWider, "file { xattr } path=/f"}}},
      {"set extended attributes and times", "r: allow file { xattr, utimes } on path(\"/f\")", {{kFilter, kWider, "file { xattr } path=/a by setxattr"}, {kProfile, kUnsupported, "file { utimes } path=/a"}, {kModule, kWider, "file { setattr } path=/f"}}},
      {"lock", "r: allow file { lock } on path(\"/f\")", {{kFilter, kWider, "file { lock } path=/a by fcntl"}, {kProfile, combine::Verdict::kNarrower, "file { lock } path=/f narrower"}, {kModule, kWider, "file { traverse } path=/a"}}},
      {"watch", "r: allow file { watch } on path(\"/f\")", {{kFilter, kWider, "file { watch } path=/a by inotify_add_watch"}, {kProfile, kUnsupported, "file { watch } path=/a"}, {kModule, kWider, "file { traverse } path=/a"}}},
      {"read by the owner alone", "r: allow file { read } owner on path(\"/f\")", {{kFilter, kWider, "file { read } owner=0 by open"}, {kProfile, kExact, ""}, {kModule, kWider, "file { read } path=/f owner=0"}}},
      {"one ioctl of one device", "r: allow file { ioctl } command 0x5401 on path(\"/dev/tty\")", {{kFilter, kWider, "file { ioctl } path=/a command=21505 by ioctl"}, {kProfile, kUnsupported, "file { ioctl } command=0"}, {kModule, kWider, "file { ioctl } path=/dev/tty command=87041"}}},
      {"map libraries", "r: allow file { map_exec } on path(\"/lib/*.so\")", {{kFilter, kWider, "file { map_exec } path=/a by mmap"}, {kProfile, kExact, ""}, {kModule, kWider, "file { traverse } path=/a"}}},
      {"no memory that is written and run", "r: deny memory { exec }", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "memory { exec }"}, {kModule, kExact, ""}}},
      {"run a helper in the same domain", "r: allow exec \"/bin/helper\"", {{kFilter, kWider, "exec { exec } path=/a by execve"}, {kProfile, kExact, ""}, {kModule, kWider, "file { read } path=/bin/helper"}}},
      {"run a helper in a domain of its own", "r: allow exec \"/bin/helper\" as q", {{kFilter, kWider, "exec { exec } path=/a by execve"}, {kProfile, kExact, ""}, {kModule, kWider, "file { read } path=/bin/helper"}}},
      {"run something unconfined", "r: allow exec \"/bin/helper\" as unconfined_danger", {{kFilter, kWider, "exec { exec } path=/a by execve"}, {kProfile, kExact, ""}, {kModule, kWider, "file { read } path=/bin/helper"}}},
      {"run nothing", "r: deny exec", {{kFilter, kExact, ""}, {kProfile, kExact, ""}, {kModule, kExact, ""}}},
      {"become one user", "r: allow setid { uid } to 33", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "setid { uid } value=0"}, {kModule, kUnsupported, "setid { uid } value=0"}}},
      {"no capability", "r: deny capability { chown }", {{kFilter, kUnsupported, "capability { chown }"}, {kProfile, kExact, ""}, {kModule, kExact, ""}}},
      {"sockets of one family and type", "r: allow network { create, bind, listen, accept, connect, send, receive, getopt, setopt, shutdown } family AF_INET type SOCK_STREAM", {{kProfile, kExact, ""}, {kModule, kWider, "network { create } family=10 protocol=0 type=1"}}},
      {"no socket but to create it", "r: allow network { create } family AF_INET type SOCK_STREAM", {{kFilter, kExact, ""}, {kProfile, kWider, "network { bind } family=2 type=1"}, {kModule, kWider, "network { create } family=10 protocol=0 type=1"}}},
      {"bind one port", "r: allow network { bind } family AF_INET type SOCK_STREAM port 8080", {{kFilter, kWider, "network { bind } family=0 by bind"}, {kProfile, kWider, "network { bind } family=2 port=0 type=1"}, {kModule, kWider, "network { create } family=10 protocol=0 type=1"}}},
      {"connect to one port", "r: allow network { connect } family AF_INET type SOCK_STREAM port 443", {{kFilter, kWider, "network { connect } family=0 by connect"}, {kProfile, kWider, "network { connect } family=2 port=0 type=1"}, {kModule, kWider, "network { create } family=10 protocol=0 type=1"}}},
      {"one port of datagrams", "r: allow network { bind } family AF_INET type SOCK_DGRAM port 53", {{kFilter, kWider, "network { bind } family=0 by bind"}, {kProfile, kWider, "network { bind } family=2 port=0 type=2"}, {kModule, kWider, "network { create } family=2 protocol=1 type=1"}}},
      {"connect to one host", "r: allow network { connect } family AF_INET type SOCK_STREAM address \"10.0.0.1\"", {{kFilter, kWider, "network { connect }"}, {kProfile, kWider, "network { connect } address="}, {kModule, kWider, "network { create } family=10 protocol=0 type=1"}}},
      {"one protocol of netlink", "r: allow network { create } family AF_NETLINK protocol 0", {{kFilter, kExact, ""}, {kProfile, kWider, "network { create } family=16 protocol="}, {kModule, kExact, ""}}},
      {"connect to a unix socket by its path", "r: allow network { connect } unix path \"/run/x.sock\"", {{kFilter, kWider, "network { connect }"}, {kProfile, kWider, "network { connect } path="}, {kModule, kWider, "network { create } family=0 protocol=0 type=0"}}},
      {"connect to an abstract name", "r: allow network { connect } unix abstract \"x\"", {{kFilter, kWider, "network { connect }"}, {kProfile, kWider, "network { connect } abstract="}, {kModule, kWider, "network { create } family=0 protocol=0 type=0"}}},
      {"connect to one peer", "r: allow network { connect } unix peer q", {{kFilter, kWider, "network { connect }"}, {kProfile, kWider, "network { connect } peer="}, {kModule, kWider, "network { create } family=0 protocol=0 type=0"}}},
      {"messages of one name", "r: allow dbus { send } bus \"system\" name \"org.x\"\n  allow network { create, connect } unix", {{kFilter, kUnsupported, "dbus { send } bus="}, {kProfile, kUnsupported, "dbus { send } bus="}, {kModule, kWider, "dbus { send } bus="}}},
      {"one signal to one peer", "r: allow signal { send } set SIGTERM peer q", {{kFilter, kWider, "signal { send } peer= signal=15 by kill"}, {kProfile, kExact, ""}, {kModule, kWider, "signal { send } peer=q signal=1"}}},
      {"look into one peer", "r: allow ptrace { read } peer q", {{kFilter, kWider, "ptrace { read } peer= by get_robust_list"}, {kProfile, kExact, ""}, {kModule, kExact, ""}}},
      {"mount one type at one place", "r: allow mount { mount } fstype \"tmpfs\" on \"/mnt\"", {{kFilter, kWider, "mount { mount } fstype= by mount"}, {kProfile, kWider, "mount { bind } fstype=tmpfs on=/mnt"}, {kModule, kWider, "mount { mount } fstype= on=/mnt"}}},
      {"no chroot", "r: deny mount { chroot }", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "mount { chroot }"}, {kModule, kUnsupported, "mount { chroot }"}}},
      {"no user namespace", "r: deny namespace { user }", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "namespace { user }"}, {kModule, kExact, ""}}},
      {"no other namespace", "r: deny namespace { net, enter }", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "namespace { enter }"}, {kModule, kUnsupported, "namespace { net }"}}},
      {"one command of bpf", "r: allow bpf { use } command 5", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "bpf { use } command=0"}, {kModule, kWider, "bpf { use } command=1"}}},
      {"no performance events", "r: deny perf { open }", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "perf { open }"}, {kModule, kExact, ""}}},
      {"no io_uring", "r: deny io_uring { use }", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "io_uring { use }"}, {kModule, kExact, ""}}},
      {"no modules", "r: deny module { load }", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "module { load }"}, {kModule, kExact, ""}}},
      {"one command of keyrings", "r: allow keyring { use } command 1", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "keyring { use } command=0"}, {kModule, kWider, "keyring { use } command=14"}}},
      {"no shared memory of System V", "r: deny ipc { sysv_shm }", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "ipc { sysv_shm }"}, {kModule, kExact, ""}}},
      {"no message queues", "r: deny ipc { mqueue }", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "ipc { mqueue }"}, {kModule, kExact, ""}}},
      {"one limit", "r: allow rlimit { set } resource 7", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "rlimit { set } resource=0"}, {kModule, kUnsupported, "rlimit { set } resource=0"}}},
      {"write below /proc/sys", "r: allow file { write } on path(\"/proc/sys/**\")", {{kFilter, kWider, "file { write } path=/a by open"}, {kProfile, kWider, "file { create } path=/proc/sys/a"}, {kModule, Verdict::kBoth, "file { utimes } path=/proc/sys/a"}}},
      {"no typing into terminals", "r: deny file { ioctl } command 0x5412", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "file { ioctl } command=21522"}, {kModule, kExact, ""}}},
      {"no reboot", "r: deny system { reboot }", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "system { reboot }"}, {kModule, kUnsupported, "system { reboot }"}}},
      {"one personality", "r: allow personality { set } to 0", {{kFilter, kExact, ""}, {kProfile, kUnsupported, "personality { set } value=1"}, {kModule, kUnsupported, "personality { set } value=1"}}},
      {"record instead of refusing", "r: complain file { read } on path(\"/f\")", {{kFilter, kWider, "file { read } path=/a by open"}, {kProfile, kExact, ""}, {kModule, kWider, "file { traverse } path=/a"}}},
      {"record what is permitted", "r: audit allow file { read } on path(\"/f\")", {{kFilter, kWider, "file { read } path=/a by open"}, {kProfile, kExact, ""}, {kModule, kWider, "file { traverse } path=/a"}}},
      {"a refusal within an allow", "allow file { read } on path(\"/d/**\")\n  r: deny file { read } on path(\"/d/x\")", {{kFilter, kWider, "file { read } path=/d/x by open"}, {kProfile, kExact, ""}, {kModule, kExact, ""}}},
  };
  return rows;
}

struct Found {
  Verdict verdict = kExact;
  std::vector<std::string> gaps;  // of the rule `r`
};

std::string Show(const combine::Gap& gap) {
  const kernel::FacetInfo& facet = kernel::Facets()[gap.facet];
  std::string out = fmt::format("{} {{ {} }}", facet.name, facet.operations[static_cast<size_t>(gap.operation)]);
  for (const auto& [attribute, text] : gap.witness.texts) out += fmt::format(" {}={}", attribute, text);
  for (const auto& [attribute, value] : gap.witness.integers) {
    if (attribute != "kind") out += fmt::format(" {}={}", attribute, value);  // what the object is; of no interest here
  }
  if (gap.carrier && gap.carrier->shown) out += " by " + kernel::FindSyscall(gap.carrier->arch, gap.carrier->number)->name;
  return out;
}

Found Judge(const std::string& rules, const std::string& layers, const std::string& more = "") {
  const auto front = testing::ReadText("language 1\npolicy p {\n  layers { " + layers + " }\n  " + rules + "\n" + more + "  default deny\n}\npolicy q {\n  default deny\n}\n");
  EXPECT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  const ir::Domain& domain = front->policy.domains.front();
  const seccomp::FilterSpec spec = seccomp::Lower(domain);
  std::optional<selinux::Module> module;
  if (layers.find("selinux") != std::string::npos) {
    auto lowered = selinux::LowerFor(front->policy, {});
    EXPECT_TRUE(lowered.has_value()) << lowered.error().message;
    if (lowered) module = std::move(*lowered);
  }
  combine::Effective effective(domain, spec, {}, module ? &*module : nullptr);
  Found found;
  const auto gaps = combine::FindGaps(effective, domain.layer_sets.front());
  EXPECT_TRUE(gaps.has_value());
  if (!gaps) return found;
  for (const combine::Gap& gap : *gaps) {
    if (!gap.rule || domain.rules[*gap.rule].label != "r") continue;
    found.gaps.push_back(Show(gap) + (gap.wider ? "" : " narrower"));
    // The policy must refuse what a wider gap lets pass: the oracle is asked, with every attribute that the witness leaves out at 0.
    if (!gap.wider) continue;
    ir::ObjectCheck check{gap.facet, gap.operation, gap.witness.integers, gap.witness.texts, false};
    for (const std::string& attribute : kernel::Facets()[gap.facet].attributes) check.integers.emplace(attribute, 0);
    for (const char* attribute : {"path", "peer", "address", "abstract", "fstype", "from", "on", "bus", "name", "interface", "member"}) check.texts.emplace(attribute, "/");
    check.owner = gap.witness.integers.count("owner") != 0 && gap.witness.integers.at("owner") != 0;
    EXPECT_FALSE(oracle::DecideObject(domain, check).permitted()) << found.gaps.back();
  }
  if (domain.layer_sets.front().size() > 1) return found;
  const auto verdicts = combine::Verdicts(effective, layers);
  EXPECT_TRUE(verdicts.has_value());
  for (const ir::Rule& rule : domain.rules) {
    if (rule.label == "r" && (*verdicts)[rule.id] != kExact) found.verdict = (*verdicts)[rule.id];
  }
  return found;
}

// Clause 7.3.
TEST(Mapping, EveryIntentHasItsVerdictAndAWitness) {
  size_t witnesses = 0;
  for (const Row& row : Rows()) {
    for (const Cell& cell : row.cells) {
      const Found found = Judge(row.rules, cell.layer);
      EXPECT_EQ(combine::VerdictText(found.verdict), combine::VerdictText(cell.verdict)) << row.intent << ", " << cell.layer;
      if (cell.verdict == kExact) {
        EXPECT_TRUE(found.gaps.empty()) << row.intent << ", " << cell.layer << ": " << fmt::format("{}", fmt::join(found.gaps, "; "));
      } else {
        EXPECT_THAT(found.gaps, Contains(HasSubstr(cell.witness))) << row.intent << ", " << cell.layer;
        ++witnesses;
      }
    }
  }
  EXPECT_GT(witnesses, 120u);
}

// --- traps that are known from other tools; clause 7.7 unless another is named

TEST(Traps, RulesThatTheParserDropsAreNoProtection) {
  // The kernel's features have no dbus: apparmor_parser 3.0 drops such rules without a word, and the report counts none of them.
  const Found found = Judge("r: deny dbus { send } name \"org.x\"\n  allow network { create, connect } unix", "apparmor");
  EXPECT_EQ(found.verdict, kUnsupported);
  EXPECT_THAT(found.gaps, Contains(HasSubstr("dbus { send } name=org.x")));
  EXPECT_TRUE(kernel::LsmRowsOf("apparmor", "dbus", "send").front()->object_class.empty());
}

TEST(Traps, SocketcallIsOneMoreWay) {
  const Found found = Judge("architectures { i386 }\n  r: allow network { bind } family AF_INET type SOCK_STREAM port 80\n  allow syscall socketcall", "seccomp");
  EXPECT_THAT(found.gaps, Contains(HasSubstr("network { bind }")));
  const Found without = Judge("architectures { i386 }\n  r: deny network { create } family AF_ALG\n  allow syscall socketcall", "seccomp");
  EXPECT_THAT(without.gaps, Contains(HasSubstr("network { create } family=38 by socketcall")));
}

TEST(Traps, OperationsOfIoUringPassNoFilter) {
  const std::string rule = "r: deny network { create } family AF_ALG\n  allow syscall { io_uring_setup, io_uring_enter }\n  allow io_uring";
  EXPECT_THAT(Judge(rule, "seccomp").gaps, Contains(HasSubstr("network { create } family=38 by io_uring_enter")));
  EXPECT_TRUE(Judge(rule, "seccomp + apparmor").gaps.empty()) << "AppArmor's hooks are asked all the same";
  EXPECT_TRUE(Judge("r: deny network { create } family AF_ALG", "seccomp").gaps.empty());
}

TEST(Traps, UnixSocketsByPathAreNotMediated) {
  const Found found = Judge("r: allow network { create, connect } unix path \"/run/x.sock\"", "seccomp + apparmor");
  EXPECT_THAT(found.gaps, Contains(HasSubstr("network { connect }")));
}

TEST(Traps, PortsOfTheEphemeralRangeAreNoOthers) {
  for (const char* port : {"80", "40000"}) {
    const Found found = Judge(std::string("r: allow network { bind } family AF_INET type SOCK_STREAM port ") + port, "seccomp + apparmor");
    EXPECT_THAT(found.gaps, Contains(HasSubstr("network { bind } family=2 port=0 type=1 by bind"))) << port;
  }
}

TEST(Traps, ProgramsInMemoryRunByTheSameCalls) {
  // A filter cannot tell a program of memfd_create from a file; AppArmor looks its name up, which no rule for paths matches.
  const std::string rule = "r: allow exec \"/bin/helper\"\n  allow syscall memfd_create";
  EXPECT_THAT(Judge(rule, "seccomp").gaps, Contains(HasSubstr("exec { exec } path=/a by exec")));
  EXPECT_TRUE(Judge(rule, "seccomp + apparmor").gaps.empty());
  EXPECT_TRUE(Judge("r: deny exec\n  allow syscall memfd_create", "seccomp").gaps.empty());
}

TEST(Traps, WritingIsAlsoCreatingAndChangingModes) {
  const Found found = Judge("r: allow file { write } on path(\"/f\")", "seccomp + apparmor", "  allow syscall { chmod, mkdir, unlink, mknod }\n");
  EXPECT_THAT(found.gaps, Contains(HasSubstr("file { create } path=/f")));
  EXPECT_THAT(found.gaps, Contains(HasSubstr("file { setattr } path=/f by chmod")));
  EXPECT_THAT(found.gaps, Contains(HasSubstr("file { delete } path=/f by unlink")));
}

// Clause 7.9.
TEST(Traps, NoNewPrivsRefusesTransitions) {
  EXPECT_THAT(Judge("r: allow exec \"/bin/q\" as q", "seccomp + apparmor").gaps, Contains(HasSubstr("exec { exec } path=/bin/q narrower")));
  EXPECT_TRUE(Judge("r: allow exec \"/bin/q\" as q", "apparmor").gaps.empty());
}

// Clause 6.1: names are what rules speak of, so another name of the same object is another object, to the policy and to AppArmor.
TEST(Traps, HardLinksAndBindAliasesAreOtherNames) {
  const std::string rules = "allow file { read } on path(\"/d/**\", \"/alias/**\")\n  r: deny file { read } on path(\"/d/secret\")\n  allow file { link } on path(\"/alias/x\")";
  EXPECT_TRUE(Judge(rules, "apparmor").gaps.empty());
  const auto front = testing::ReadText("language 1\npolicy p {\n  " + rules + "\n  default deny\n}\n");
  const auto reads = [&](const char* name) { return oracle::DecideObject(front->policy.domains[0], {ir::FacetOf("file"), 2, {}, {{"path", name}}, false}).permitted(); };
  EXPECT_FALSE(reads("/d/secret"));
  EXPECT_TRUE(reads("/alias/secret")) << "a bind mount of /d, or a link to the secret";
  EXPECT_THAT(Judge(rules, "seccomp").gaps, Contains(HasSubstr("file { read } path=/d/secret by open")));
}

}  // namespace
}  // namespace ravelin
