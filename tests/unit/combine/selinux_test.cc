// What SELinux lets pass, computed from the view, against what a compiled module grants.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "backends/combine/gaps.h"
#include "backends/seccomp/lower.h"
#include "backends/selinux/names.h"
#include "backends/selinux/selinux.h"
#include "tests/support/compiled.h"
#include "tests/support/random_objects.h"

namespace ravelin {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Judged {
  std::set<std::string> gaps;  // "file/delete wider"
  std::string reasons;
};

Judged GapsOf(const std::string& rules, const std::string& layers = "seccomp + selinux", const combine::LayerFacts& facts = {}) {
  const auto front = testing::ReadText("language 1\npolicy p {\n  layers { " + layers + " }\n" + rules + "\n}\n");
  EXPECT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
  const ir::Domain& domain = front->policy.domains.front();
  const seccomp::FilterSpec spec = seccomp::Lower(domain);
  const auto module = selinux::LowerFor(front->policy, {});
  EXPECT_TRUE(module.has_value());
  combine::Effective effective(domain, spec, facts, &*module);
  const auto gaps = combine::FindGaps(effective, domain.layer_sets.front());
  EXPECT_TRUE(gaps.has_value());
  Judged out;
  for (const combine::Gap& gap : *gaps) {
    if (!gap.rule) continue;
    out.gaps.insert(kernel::Facets()[gap.facet].name + "/" + kernel::Facets()[gap.facet].operations[static_cast<size_t>(gap.operation)] + (gap.wider ? " wider" : " narrower"));
    out.reasons += gap.reason + "\n";
  }
  return out;
}

const std::string kRest = "\n  allow file { inherit, traverse }\n  default deny";

// Clause 9.2: a label stands for the paths of a set of patterns, so paths are seen.
TEST(SelinuxGaps, PathsAndKindsAreExact) {
  EXPECT_THAT(GapsOf("  allow file { read } on path(\"/a\")" + kRest).gaps, IsEmpty());
  EXPECT_THAT(GapsOf("  allow file { create } on path(\"/a/*\")" + kRest).gaps, IsEmpty()) << "a kind of object has a class of its own";
  EXPECT_THAT(GapsOf("  allow file { append } on path(\"/a\")" + kRest).gaps, Not(Contains("file/write wider")));
}

// Clause 7.10: a transition is of a directory, and names single names at most.
TEST(SelinuxGaps, WhatIsMadeIsSeenByItsDirectory) {
  EXPECT_THAT(GapsOf("  allow file { create } on path(\"/a/*.log\")" + kRest).gaps, Contains("file/create wider"));
  EXPECT_THAT(GapsOf("  allow file { create } on path(\"/a/*.log\")" + kRest).reasons, HasSubstr("in which directory an object is made, not its name"));
  EXPECT_THAT(GapsOf("  allow file { create } on path(\"/a/x\", \"/a/y\")" + kRest).gaps, Not(Contains("file/create wider"))) << "transitions by name";
  EXPECT_THAT(GapsOf("  allow file { create } on path(\"/a/*\")" + kRest).gaps, Not(Contains("file/create_dir wider")));
}

// Row 18 of what mechanisms see: no owner.
TEST(SelinuxGaps, OwnersAreNotSeen) {
  const Judged judged = GapsOf("  allow file { read } owner on path(\"/home/**\")" + kRest);
  EXPECT_THAT(judged.gaps, Contains("file/read wider"));
  EXPECT_THAT(judged.reasons, HasSubstr("owner"));
}

// Row 6: cutting a file asks for write.
TEST(SelinuxGaps, TruncationIsAWrite) { EXPECT_THAT(GapsOf("  allow file { truncate } on path(\"/a\")\n  allow syscall { open, write }" + kRest).gaps, Contains("file/write wider")); }

// Row 15: the present time asks for write, a given one for setattr.
TEST(SelinuxGaps, TimeStampsOpenWritingAndAttributes) {
  const Judged judged = GapsOf("  allow file { read, utimes } on path(\"/a\")\n  allow syscall chmod" + kRest);
  EXPECT_THAT(judged.gaps, Contains("file/write wider"));
  EXPECT_THAT(judged.gaps, Contains("file/setattr wider"));
}

// Row 5: who may reach an object may search the directories above.
TEST(SelinuxGaps, DirectoriesAboveCanBeTraversed) {
  EXPECT_THAT(GapsOf("  allow file { read } on path(\"/srv/www/**\")\n  allow syscall chdir\n  default deny").gaps, Contains("file/traverse wider"));
  EXPECT_THAT(GapsOf("  allow file { read } on path(\"/srv/www/**\")\n  default deny syscall, file\n  deny syscall { chdir, openat2 }").gaps, Not(Contains("file/traverse wider")));
}

// Row 19: of an ioctl's command the low 16 bits.  The filter sees all of it.
TEST(SelinuxGaps, IoctlCommandsAreSeenInPart) {
  const std::string two = "  allow file { ioctl } command 0x5401 on path(\"/dev/a\")\n  allow file { ioctl } command 0x15401 on path(\"/dev/b\")";
  EXPECT_THAT(GapsOf("  allow file { ioctl } command 0x5401 on path(\"/dev/a\")" + kRest, "selinux").gaps, Contains("file/ioctl wider"));
  EXPECT_THAT(GapsOf("  allow file { ioctl } command 0x5401 on path(\"/dev/a\")" + kRest).gaps, Not(Contains("file/ioctl wider"))) << "the filter sees the rest of the command";
  EXPECT_THAT(GapsOf(two + kRest).gaps, Contains("file/ioctl wider")) << "neither layer sees path and command together";
}

// Rows 30 to 33: ports of the kernel's local range, ports of datagram sockets' peers, addresses.
TEST(SelinuxGaps, PortsAreSeenOutsideTheLocalRange) {
  const Judged bind = GapsOf("  allow network { create, bind, listen } tcp port 80" + kRest);
  EXPECT_THAT(bind.gaps, Contains("network/bind wider"));
  EXPECT_THAT(bind.reasons, HasSubstr("not asked for every port"));
  EXPECT_THAT(GapsOf("  allow network { create, connect } family AF_INET type SOCK_STREAM protocol IPPROTO_TCP port 80" + kRest).reasons, Not(HasSubstr("not asked for every port"))) << "a stream's peer is asked for";
  EXPECT_THAT(GapsOf("  allow network { create, connect } udp port 53" + kRest).gaps, Contains("network/connect wider"));
}

// Row 29: sockets by class, and a class has several protocols.
TEST(SelinuxGaps, SocketsAreSeenByClass) {
  EXPECT_THAT(GapsOf("  allow network { create } family AF_ALG" + kRest).gaps, IsEmpty());
  const Judged judged = GapsOf("  allow network { create, connect } family AF_INET type SOCK_STREAM protocol IPPROTO_TCP" + kRest);
  EXPECT_THAT(judged.gaps, Contains("network/connect wider"));
  EXPECT_THAT(judged.reasons, HasSubstr("sees the class of a socket, not its protocol"));
}

// Rows 36 and 37: a socket in the file system has a label, an abstract name has none.
TEST(SelinuxGaps, AbstractNamesAreNotSeen) {
  EXPECT_THAT(GapsOf("  allow network { create, connect } unix path \"/run/a\"" + kRest).gaps, Contains("network/connect wider"));
  EXPECT_THAT(GapsOf("  allow network { create, connect } unix abstract \"a\"" + kRest).gaps, Contains("network/connect wider"));
}

// Row 40: five kinds of signal.
TEST(SelinuxGaps, SignalsAreSeenByKind) {
  EXPECT_THAT(GapsOf("  allow signal { send, receive } set { KILL }" + kRest, "selinux").gaps, Not(Contains("signal/send wider")));
  EXPECT_THAT(GapsOf("  allow signal { send, receive } set { TERM }" + kRest, "selinux").gaps, Contains("signal/send wider"));
}

// Clause 7.6: a program that is run is read.
TEST(SelinuxGaps, WhatIsRunCanBeRead) {
  EXPECT_THAT(GapsOf("  allow exec \"/bin/a\"\n  allow syscall open" + kRest).gaps, Contains("file/read wider"));
  EXPECT_THAT(GapsOf("  allow exec \"/bin/a\"\n  allow file { read } on path(\"/bin/a\")" + kRest).gaps, Not(Contains("file/read wider")));
}

// Clause 7.9: an exec that changes the domain under no_new_privs needs a policy capability.
TEST(SelinuxGaps, ExecTransitionsUnderNoNewPrivs) {
  const std::string rules = "  allow exec \"/bin/q\" as q" + kRest + "\n}\npolicy q {\n  default deny";
  EXPECT_THAT(GapsOf(rules).gaps, Not(Contains("exec/exec narrower")));
  combine::LayerFacts old;
  old.selinux_policy_capabilities = {"open_perms"};
  EXPECT_THAT(GapsOf(rules, "seccomp + selinux", old).gaps, Contains("exec/exec narrower"));
}

// Clause 7.10: two kinds of file that one directory holds, and no name that tells them apart when they are made.
TEST(SelinuxGaps, ALabelAtCreationThatIsNotThePathsIsALoss) {
  const std::string rules = "  allow file { create, write, read } on path(\"/var/log/a*\")\n  allow file { create, append } on path(\"/var/log/b*\")\n  allow file { list, traverse } on path(\"/var/log\")" + kRest;
  const Judged judged = GapsOf(rules);
  EXPECT_TRUE(judged.gaps.count("file/read narrower") == 1 || judged.gaps.count("file/read wider") == 1) << judged.reasons;
  EXPECT_THAT(judged.reasons, HasSubstr("gets the label"));
}

// Clauses 5.10 and 7.10: of a new name the directory is asked, and there must be something that may be renamed.
TEST(SelinuxGaps, ANewNameIsAskedOfItsDirectory) {
  const std::string to = "  allow file { rename_to } on path(\"/a/*.log\")";
  EXPECT_THAT(GapsOf(to + "\n  allow file { rename_from } on path(\"/a/*.log\")" + kRest).gaps, Contains("file/rename_to wider"));
  EXPECT_THAT(GapsOf(to + "\n  allow file { rename_from } on path(\"/a/*.log\")" + kRest).reasons, HasSubstr("in which directory an object is put, not its name"));
  EXPECT_THAT(GapsOf(to + "\n  allow syscall { rename }" + kRest).gaps, Not(Contains("file/rename_to wider")));
  EXPECT_THAT(GapsOf("  allow file { rename } on path(\"/a/*\")" + kRest).gaps, Not(Contains("file/rename_to wider")));
}

TEST(SelinuxGaps, WhatIsRenamedKeepsItsLabel) {
  const std::string calls = "\n  allow syscall { open }";
  const Judged judged = GapsOf("  allow file { read, rename_from } on path(\"/a/*\")\n  allow file { append, rename_to } on path(\"/b/*\")" + calls + kRest);
  EXPECT_THAT(judged.gaps, Contains("file/read wider")) << "what could be read under the old name can be under the new one";
  EXPECT_THAT(judged.gaps, Contains("file/append narrower"));
  EXPECT_THAT(judged.reasons, HasSubstr("what is renamed, and what lies below it, keeps its label"));
  EXPECT_THAT(GapsOf("  allow file { read, rename } on path(\"/a/**\", \"/b/**\")" + calls + kRest).reasons, Not(HasSubstr("keeps its label"))) << "the same permissions";
  EXPECT_THAT(GapsOf("  allow file { read, rename } on path(\"/a/**\", \"/b/**\")\n  allow exec path(\"/a/x\")\n  allow syscall { open, execve }" + kRest).gaps, Contains("exec/exec wider")) << "a program runs under another name";
}

TEST(SelinuxGaps, WhatLiesInARenamedDirectoryKeepsItsLabel) {
  const Judged judged = GapsOf("  allow file { rename } on path(\"/a/sub\", \"/b/sub\")\n  allow file { read } on path(\"/a/sub/secret\")\n  allow syscall { open }" + kRest);
  EXPECT_THAT(judged.gaps, Contains("file/read wider")) << judged.reasons;
  EXPECT_THAT(judged.gaps, Contains("file/read narrower"));
}

TEST(SelinuxGaps, LinksAreAskedOfTheOldName) {
  const std::string calls = "\n  allow syscall { open, link }";
  EXPECT_THAT(GapsOf("  allow file { link } on path(\"/b/*\") to path(\"/a/*\")\n  allow file { read } on path(\"/a/*\")" + calls + kRest).gaps, Not(Contains(HasSubstr("file/link"))));
  EXPECT_THAT(GapsOf("  allow file { link } on path(\"/b/*\")" + calls + kRest).gaps, Not(Contains(HasSubstr("file/link"))));
  const Judged one = GapsOf("  allow file { link } on path(\"/b/x\") to path(\"/a/*\")" + calls + kRest);
  EXPECT_THAT(one.gaps, Contains("file/link wider"));
  EXPECT_THAT(one.reasons, HasSubstr("in which directory an object is put, not its name"));
}

// They have the type of files in memory, which come with them; and they with those, where files are permitted.
TEST(SelinuxGaps, QueuesAndFilesInMemoryAreAlike) {
  const std::string calls = "\n  allow syscall { open, creat, unlink, stat, truncate, utime, mq_open }";
  for (const std::string queues : {"  allow ipc { mqueue }", "  default allow ipc\n  allow file { read } on path(\"/x\")"}) {
    const auto front = testing::ReadText("language 1\npolicy p {\n  layers { selinux }\n" + queues + calls + "\n  default deny\n}\n");
    ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
    const seccomp::FilterSpec spec = seccomp::Lower(front->policy.domains.front());
    const auto module = selinux::LowerFor(front->policy, {});
    ASSERT_TRUE(module.has_value());
    combine::Effective effective(front->policy.domains.front(), spec, {}, &*module);
    const auto gaps = combine::FindGaps(effective, {"selinux"});
    ASSERT_TRUE(gaps.has_value());
    std::set<std::string> wider;
    for (const combine::Gap& gap : *gaps) {
      const auto path = gap.witness.texts.find("path");
      if (gap.wider && gap.facet == ir::FacetOf("file")) wider.insert(kernel::Facets()[gap.facet].operations[static_cast<size_t>(gap.operation)] + (path == gap.witness.texts.end() ? "" : " " + path->second));
    }
    for (const char* operation : {"read", "write", "append", "create", "delete", "getattr", "truncate"}) EXPECT_THAT(wider, Contains(HasSubstr(std::string(operation) + " /dev/shm"))) << queues;
  }
}

// Message queues are files of a file system that is mounted nowhere.
TEST(ApparmorGaps, QueuesAreRefusedWhateverTheRulesSay) {
  const auto refused = [](const std::string& rule) {
    const auto front = testing::ReadText("language 1\npolicy p {\n  layers { seccomp + apparmor }\n" + rule + kRest + "\n}\n");
    const seccomp::FilterSpec spec = seccomp::Lower(front->policy.domains.front());
    combine::Effective effective(front->policy.domains.front(), spec, {}, nullptr);
    const auto gaps = combine::FindGaps(effective, {"seccomp", "apparmor"});
    return gaps && std::any_of(gaps->begin(), gaps->end(), [](const combine::Gap& gap) { return !gap.wider && !gap.rule && gap.facet == ir::FacetOf("ipc"); });
  };
  EXPECT_TRUE(refused("  allow ipc { mqueue }"));
  EXPECT_FALSE(refused("  allow ipc { sysv_shm }"));
}

// A rename over a name deletes what was there.
TEST(SelinuxGaps, ARenameDeletes) {
  EXPECT_THAT(GapsOf("  mv: allow file { rename } on path(\"/d/*\")\n  allow file { delete } on path(\"/d/*\")\n  deny file { delete } on path(\"/d/b\")\n  deny syscall { unlink, unlinkat, rmdir }" + kRest, "seccomp + apparmor").gaps, Contains("file/delete wider"));
}

// Row 44: the check is young.
TEST(SelinuxGaps, UserNamespacesAreSeenSince6_1) {
  const std::string rules = "  allow namespace { mount }\n  default deny namespace";
  combine::LayerFacts old;
  old.kernel = {6, 0};
  const auto judged = [&](const combine::LayerFacts& facts) {
    const auto front = testing::ReadText("language 1\npolicy p {\n  layers { selinux }\n" + rules + "\n}\n");
    const seccomp::FilterSpec spec = seccomp::Lower(front->policy.domains.front());
    combine::Effective effective(front->policy.domains.front(), spec, facts);
    return effective.AskedOf("selinux", ir::FacetOf("namespace"), 0);
  };
  EXPECT_EQ(judged(old), "");
  EXPECT_EQ(judged({}), "create");
}

// The type that file_contexts give a path: that of the patterns that match it.
std::string TypeOf(const selinux::Module& module, const std::string& path) {
  std::set<std::string> matching;
  for (const selinux::PathType& one : module.paths) {
    for (const std::string& pattern : one.patterns) {
      if (ir::PathSet::Parse(pattern)->Contains(path)) matching.insert(pattern);
    }
  }
  for (const selinux::PathType& one : module.paths) {
    if (std::set<std::string>(one.patterns.begin(), one.patterns.end()) == matching) return one.type;
  }
  return "default_t";
}

// The type that a new object gets from its directory.
std::string TypeAtCreation(const selinux::Module& module, const std::string& source, const std::string& path, const std::string& object_class) {
  const std::string folder = TypeOf(module, path.rfind('/') == 0 ? "/" : path.substr(0, path.rfind('/')));
  const std::string named = folder == "default_t" ? selinux::RestFiles(module.name) : folder;
  for (const std::string& name : {path.substr(path.rfind('/') + 1), std::string()}) {
    const auto at = module.transitions.find({source, named, object_class, name});
    if (at != module.transitions.end()) return at->second.first;
  }
  return folder;
}

// The boxes of what passes, asked about files of each kind, agree with a compiled policy's grants on the file's type.
TEST(SelinuxPassed, FilesAgreeWithTheCompiledModule) {
  static const char* const kKinds[] = {"file", "dir", "lnk_file", "chr_file", "blk_file", "sock_file", "fifo_file"};
  std::mt19937_64 random(77);
  size_t questions = 0;
  size_t passed_count = 0;
  for (int round = 0; round < 25; ++round) {
    const testing::RandomPolicy made = testing::MakeObjectPolicy(random);
    const auto front = testing::ReadText(made.text);
    ASSERT_FALSE(front->sink.HasErrors()) << testing::Messages(*front);
    const auto artifact = selinux::Compile(front->policy, {});
    ASSERT_TRUE(artifact.has_value()) << artifact.error().message;
    auto query = selinux::PolicyQuery::Load(artifact->binary);
    ASSERT_TRUE(query.has_value());
    std::set<std::string> paths = {"/etc/none"};
    for (const selinux::PathType& one : artifact->module.paths) paths.insert(one.witness);
    for (const ir::Domain& domain : front->policy.domains) {
      const seccomp::FilterSpec spec = seccomp::Lower(domain);
      combine::Effective effective(domain, spec, {}, &artifact->module);
      const auto source = query->Context("system_u:system_r:" + selinux::DomainType(domain.name) + ":s0");
      ASSERT_TRUE(source.has_value());
      const ir::FacetId facet = ir::FacetOf("file");
      const auto& operations = kernel::Facets()[facet].operations;
      for (size_t operation = 0; operation < operations.size(); ++operation) {
        if (operations[operation] == "ioctl" || operations[operation] == "inherit") continue;  // commands, descriptors
        const auto passed = effective.PassedBy("selinux", facet, static_cast<int>(operation));
        ASSERT_TRUE(passed.has_value() && passed->has_value());
        for (const combine::Cell& cell : effective.CellsOf("selinux", facet, static_cast<int>(operation))) {
          const auto kind = cell.where.integers.find("kind");
          if (operations[operation] == "rename_to" || operations[operation] == "link") {
            // A new name is asked of its directory alone; of a link, what it leads to by its label.
            const bool link = operations[operation] == "link";
            std::vector<std::pair<std::string, std::string>> names;
            for (const std::string& path : paths) {
              if (!link) names.emplace_back(path, "");
              for (const std::string& old : paths) {
                if (link) names.emplace_back(path, old);
              }
            }
            for (const auto& [path, old] : names) {
              if (path == "/") continue;
              const auto folder = query->Context("system_u:object_r:" + TypeOf(artifact->module, path.rfind('/') == 0 ? "/" : path.substr(0, path.rfind('/'))) + ":s0");
              ASSERT_TRUE(folder.has_value());
              unsigned needed = 0;
              for (const char* permission : {"add_name", "search", "write"}) needed |= *query->Permission(*query->Class("dir"), permission);
              bool by_module = (query->Allowed(*source, *folder, *query->Class("dir")) & needed) == needed;
              if (link) {
                const std::string object_class = kKinds[kind->second.Min()];
                const auto target = query->Context("system_u:object_r:" + TypeOf(artifact->module, old) + ":s0");
                ASSERT_TRUE(target.has_value());
                by_module = by_module && (query->Allowed(*source, *target, *query->Class(object_class)) & *query->Permission(*query->Class(object_class), "link")) != 0;
              }
              const bool by_view = std::any_of((*passed)->begin(), (*passed)->end(), [&](const ir::Box& box) {
                if (const auto kinds = box.integers.find("kind"); link && kinds != box.integers.end() && kinds->second.Intersect(kind->second).empty()) return false;
                const auto at = box.texts.find("path");
                const auto to = box.texts.find("target");
                return box.texts.count("label") == 0 && (at == box.texts.end() || at->second.Contains(path)) && (!link || to == box.texts.end() || to->second.Contains(old));
              });
              ASSERT_EQ(by_view, by_module) << made.text << domain.name << ": " << operations[operation] << " " << path << " " << old;
              ++questions;
              passed_count += by_view ? 1 : 0;
            }
            continue;
          }
          ASSERT_NE(kind, cell.where.integers.end());
          const bool judged = std::any_of(cell.checks.begin(), cell.checks.end(), [](const combine::Check& check) { return !check.grants_only; });
          if (!judged) continue;
          const std::string object_class = kKinds[kind->second.Min()];
          for (const std::string& path : paths) {
            // What is made is asked by the label that it gets, and by its directory.
            const bool made_there = operations[operation].rfind("create", 0) == 0;
            const std::string type = made_there ? TypeAtCreation(artifact->module, selinux::DomainType(domain.name), path, object_class) : TypeOf(artifact->module, path);
            const auto target = query->Context("system_u:object_r:" + type + ":s0");
            ASSERT_TRUE(target.has_value()) << type;
            if (made_there && path == "/") continue;
            const auto folder = query->Context("system_u:object_r:" + TypeOf(artifact->module, path.rfind('/') == 0 ? "/" : path.substr(0, path.rfind('/'))) + ":s0");
            ASSERT_TRUE(folder.has_value());
            const bool enters = !made_there || (query->Allowed(*source, *folder, *query->Class("dir")) & *query->Permission(*query->Class("dir"), "add_name")) != 0;
            // A program by which another domain enters this one is read by it, whatever its own rules say.
            const bool entry = std::any_of(artifact->module.transitions.begin(), artifact->module.transitions.end(), [&](const auto& one) { return one.first.object_class == "process" && one.first.target == TypeOf(artifact->module, path) && one.second.first == selinux::DomainType(domain.name); });
            if (entry) continue;
            unsigned granted = query->Allowed(*source, *target, *query->Class(object_class));
            // What the base needs is no rule's: the program that starts the domain is read.
            const selinux::Access access{selinux::DomainType(domain.name), type, object_class};
            if (const auto base = artifact->module.base.find(access); base != artifact->module.base.end()) {
              const auto ruled = artifact->module.allows.find(access);
              for (const auto& entry : base->second.permissions) {
                if (ruled == artifact->module.allows.end() || ruled->second.permissions.count(entry.first) == 0) granted &= ~*query->Permission(*query->Class(object_class), entry.first);
              }
            }
            bool by_module = enters;
            for (const combine::Check& check : cell.checks) {
              if (check.grants_only || check.object != object_class + " of path") continue;
              bool any = false;
              bool all = true;
              for (const std::string& permission : check.permissions) {
                const bool has = (granted & *query->Permission(*query->Class(object_class), permission)) != 0;
                any |= has;
                all &= has;
              }
              by_module = by_module && (check.any_suffices ? any : all);
            }
            const bool by_view = std::any_of((*passed)->begin(), (*passed)->end(), [&](const ir::Box& box) {
              for (const auto& [attribute, set] : box.integers) {
                if (attribute == "kind" && !set.Contains(kind->second.Min())) return false;
              }
              const auto at = box.texts.find("path");
              return box.texts.count("label") == 0 && (at == box.texts.end() || at->second.Contains(path));
            });
            ASSERT_EQ(by_view, by_module) << made.text << domain.name << ": " << operations[operation] << " on " << path << " as " << object_class << " (" << TypeOf(artifact->module, path) << ")";
            ++questions;
            passed_count += by_view ? 1 : 0;
          }
        }
      }
    }
  }
  printf("%zu questions, %zu passed\n", questions, passed_count);
  EXPECT_GT(questions, 20000u);
  EXPECT_GT(passed_count, 500u);
}

}  // namespace
}  // namespace ravelin
