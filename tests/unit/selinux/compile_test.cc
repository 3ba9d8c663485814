// Policies to SELinux modules: what is emitted for each facet; the proof accepts each of them.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/unit/selinux/compiled_module.h"

namespace ravelin {
namespace {

using testing::Granted;
using testing::GrantedBy;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ProvedModule;
using testing::RulesOf;
using testing::SelinuxSource;

std::string Rules(const std::string& lines) { return RulesOf(ProvedModule(SelinuxSource(lines))); }

// Clause 9.1: what permitted events ask, and nothing else.
TEST(Selinux, ReadingFilesAsksForReadOpenAndTraversal) {
  const auto artifact = ProvedModule(SelinuxSource("  allow file { read } on path(\"/srv/www/**\")"));
  const std::string rules = RulesOf(artifact);
  EXPECT_EQ(Granted(artifact, "web_t", "web_srv_www_t", "file"), "map open read");
  EXPECT_EQ(Granted(artifact, "web_t", "web_rest_files", "dir"), "search");
  EXPECT_THAT(rules, HasSubstr("(filecon \"/srv/www/.+\" any (system_u object_r web_srv_www_t ((s0) (s0))))"));
  EXPECT_EQ(Granted(artifact, "web_t", "web_srv_www_t", "dir"), "search");
  EXPECT_EQ(Granted(artifact, "web_t", "web_rest_files", "file"), "");
  EXPECT_EQ(artifact.file_contexts, "/srv/www/.+\tsystem_u:object_r:web_srv_www_t:s0\n");
  EXPECT_GT(artifact.proof.quadruples, 5000u);
}

// Clause 9.3: creation asks the directory too, and a new object gets its path's type.
TEST(Selinux, CreationAsksTheDirectoryAndLabelsTheObject) {
  const auto artifact = ProvedModule(SelinuxSource("  allow file { create, append } on path(\"/var/log/web/*.log\")\n  allow file { list } on path(\"/var/log/web\")"));
  const std::string rules = RulesOf(artifact);
  EXPECT_EQ(Granted(artifact, "web_t", "web_var_log_web_t", "dir"), "add_name getattr open read search write");
  EXPECT_THAT(rules, HasSubstr("(typetransition web_t web_var_log_web_t file web_var_log_web_2_t)"));
  EXPECT_EQ(Granted(artifact, "web_t", "web_var_log_web_2_t", "file"), "append create open");
}

// The directory of what a rule creates and another refuses.
TEST(Selinux, ARefusedCreationLeavesTheDirectoryAlone) {
  ProvedModule(SelinuxSource("  allow file { create_dir } on path(\"/a\", \"/x/b\")\n  deny file { create_dir } on path(\"/a\")"));
  ProvedModule(SelinuxSource("  allow file { create } on path(\"/a/b/c\")\n  deny file { create } on path(\"/**\")"));
}

// A link's old name has to be reached, too.
TEST(Selinux, LinkingAsksForTheWayToTheOldName) {
  const auto artifact = ProvedModule(SelinuxSource("  allow file { link } on path(\"/data/new\") to path(\"/srv/*/old\")\n  allow file { setattr } on path(\"/srv/*\")"));
  EXPECT_EQ(Granted(artifact, "web_t", "web_srv_t", "dir"), "search setattr") << "which no other rule grants";
}

// The conventions of container tools: a block for each domain, which inherits `container`.
TEST(Selinux, TheContainerForm) {
  selinux::Options options;
  options.form = selinux::Form::kContainer;
  const std::string source = SelinuxSource("  allow file { read, getattr } on path(\"/srv/data/in/**\")\n  allow capability { net_bind_service }\n  allow network { listen } tcp port 8080\n  allow signal { send } peer helper\n  never capability { sys_admin }\n  allow exec \"/srv/data/in/run\" as helper") +
                             "policy helper {\n  layers { seccomp + selinux }\n  default deny\n  allow signal { send } peer web\n}\n";
  const auto artifact = ProvedModule(source, options);
  EXPECT_THAT(artifact.cil, HasSubstr("(block web\n(blockinherit container)\n"));
  EXPECT_THAT(artifact.cil, HasSubstr("(allow web.process web.process (capability (net_bind_service)))"));
  EXPECT_THAT(artifact.cil, HasSubstr("(allow web.process helper.process (process (sigchld sigkill signal signull sigstop)))"));
  EXPECT_THAT(artifact.cil, HasSubstr("(neverallow web.process web.process (capability (sys_admin)))"));
  EXPECT_THAT(artifact.cil, Not(HasSubstr("init_t")));
  EXPECT_THAT(artifact.cil, Not(HasSubstr("web_t")));
  const bool listed = std::any_of(artifact.base_grants.begin(), artifact.base_grants.end(), [](const selinux::Grant& grant) { return grant.text == "(allow web.process proc_t (file (getattr open read)))" && grant.reason.find("base_container.cil") != std::string::npos; });
  EXPECT_TRUE(listed);
}

// What the block would grant beyond the rules and the list is found, and so is what is left out.
TEST(Selinux, TheContainerFormIsProved) {
  selinux::Options options;
  options.form = selinux::Form::kContainer;
  const std::string source = SelinuxSource("  allow file { read } on path(\"/srv/data/in/**\")\n  never capability { sys_admin }");
  const auto artifact = ProvedModule(source, options);
  selinux::TargetFacts target;
  target.container = true;
  const auto proved = [&](const std::string& cil, const std::string& container) {
    const auto compiled = selinux::CompileCil({{"base.cil", selinux::StandaloneBase({target.policy_capabilities.begin(), target.policy_capabilities.end()})}, {"container.cil", container}, {"module.cil", cil}});
    EXPECT_TRUE(compiled.has_value() && compiled->compiled) << cil;
    const auto proof = selinux::Prove(testing::PolicyOf(source), {cil, compiled->binary, compiled->decompiled, artifact.file_contexts, compiled->file_contexts, {}, "", {{"web.process", "web_t"}}}, target);
    EXPECT_TRUE(proof.has_value());
    return proof.has_value() && proof->proved;
  };
  EXPECT_TRUE(proved(artifact.cil, selinux::ContainerBase()));
  std::string more = artifact.cil;
  more.insert(more.find("(blockinherit container)\n") + 25, "(allow process web.socket (sock_file (relabelto)))\n");
  EXPECT_FALSE(proved(more, selinux::ContainerBase()));
  std::string less = artifact.cil;
  const size_t never = less.find("(neverallow ");
  less.erase(never, less.find('\n', never) - never);
  EXPECT_FALSE(proved(less, selinux::ContainerBase()));
  std::string wider = selinux::ContainerBase();
  wider.insert(wider.find("(allow process cpu_online_t"), "(allow process cpu_online_t (file (write)))\n");
  EXPECT_FALSE(proved(artifact.cil, wider));
}

TEST(Selinux, OnePathIsLabelledByItsName) {
  const auto artifact = ProvedModule(SelinuxSource("  allow file { create_fifo } on path(\"/run/web.fifo\")\n  allow file { getattr } on path(\"/run\")"));
  const std::string rules = RulesOf(artifact);
  EXPECT_THAT(rules, HasSubstr("fifo_file \"web.fifo\" web_run_web_fifo_t)"));
}

// Clause 9.4: where two types could be right for any name, the difference is said.
TEST(Selinux, LabelsThatCannotBeRightAreNamed) {
  const auto artifact = ProvedModule(SelinuxSource("  allow file { create } on path(\"/data/*.a\", \"/data/*.b\")\n  allow file { getattr } on path(\"/data/*.a\")\n  allow file { list } on path(\"/data\")"));
  ASSERT_EQ(artifact.differences.size(), 1u);
  EXPECT_THAT(artifact.differences[0], HasSubstr(".b as web_data_2_t, and file_contexts say web_data_3_t"));
  EXPECT_EQ(artifact.proof.labels.size(), 1u);
}

// Clause 9.2: overlapping patterns are cut into types that no two share.
TEST(Selinux, OverlappingPatternsAreCut) {
  const auto artifact = ProvedModule(SelinuxSource(
      "  allow file { read } on path(\"/srv/**\")\n  allow file { write } on path(\"/srv/*.db\")\n  deny file { read } on path(\"/srv/private/**\")\n  allow file { getattr } on path(\"/srv/a*\")"));
  EXPECT_EQ(artifact.module.paths.size(), 5u);  // all; *.db; a*; a*.db; private
  const std::string rules = RulesOf(artifact);
  EXPECT_THAT(artifact.file_contexts, HasSubstr("(?="));
  EXPECT_EQ(Granted(artifact, "web_t", "web_srv_private_t", "file"), "");
}

TEST(Selinux, NestedPatternsNeedNoLookahead) {
  const auto artifact = ProvedModule(SelinuxSource("  allow file { read } on path(\"/srv/**\")\n  deny file { read } on path(\"/srv/private/**\", \"/srv/secret\")"));
  EXPECT_EQ(artifact.file_contexts,
            "/srv/.+\tsystem_u:object_r:web_srv_t:s0\n/srv/private/.+\tsystem_u:object_r:web_srv_private_t:s0\n/srv/secret\tsystem_u:object_r:web_srv_secret_t:s0\n");
}

TEST(Selinux, OddBytesInPathsSurvive) {
  ProvedModule(SelinuxSource("  allow file { read } on path(\"/a)b/c\", \"/with space/x\", \"/st\\\\*r/**\", \"/q?/[a-c]{x,yz}\", \"/\\xc3\\xa4/*\", \"/plus+/.x\", \"/[!a-y]z\", \"/semi;colon#hash\")"));
}

// Commands: the low 16 bits; some are asked as getattr or setattr, or not at all.
TEST(Selinux, IoctlCommands) {
  const auto artifact = ProvedModule(SelinuxSource("  allow file { ioctl } on path(\"/dev/tty\") command { 0x5401, 0x5413..0x5415, 0x541b }"));
  const std::string rules = RulesOf(artifact);
  EXPECT_THAT(rules, HasSubstr("(allowx web_t web_dev_tty_t (ioctl chr_file (0x5401 (range 0x5413 0x5415))))"));
  EXPECT_EQ(Granted(artifact, "web_t", "web_dev_tty_t", "chr_file"), "getattr ioctl");
  EXPECT_THAT(Rules("  allow file { ioctl } on path(\"/dev/tty\")"), Not(HasSubstr("allowx")));
}

// Clause 9.5.
TEST(Selinux, ExecStaysOrLeaves) {
  const auto artifact = ProvedModule(
      "language 1\npolicy web {\n  layers { seccomp + selinux }\n  attach \"/usr/sbin/webd\"\n  allow exec \"/usr/lib/web/**\"\n  allow exec \"/usr/lib/web/helper\" as helper\n  default deny\n}\n"
      "policy helper {\n  layers { seccomp + selinux }\n  default deny\n}\n");
  const std::string rules = RulesOf(artifact);
  EXPECT_EQ(Granted(artifact, "web_t", "web_usr_lib_web_t", "file"), "execute execute_no_trans map open read");
  EXPECT_THAT(rules, HasSubstr("(typetransition web_t web_usr_lib_web_helper_t process helper_t)"));
  EXPECT_EQ(Granted(artifact, "web_t", "helper_t", "process"), "transition");
  EXPECT_EQ(Granted(artifact, "web_t", "helper_t", "process2"), "nnp_transition nosuid_transition");
  EXPECT_EQ(Granted(artifact, "helper_t", "web_usr_lib_web_helper_t", "file"), "entrypoint execute map read");
  EXPECT_THAT(rules, HasSubstr("(typetransition init_t web_usr_sbin_webd_t process web_t)"));
}

TEST(Selinux, Memory) {
  EXPECT_EQ(GrantedBy("  allow memory", "web_t", "process"), "execheap execmem execstack");
  EXPECT_THAT(Rules("  allow file { read } on path(\"/a\")"), Not(HasSubstr("execmem")));
}

// Clause 9.6.
TEST(Selinux, Sockets) {
  const auto artifact = ProvedModule(SelinuxSource("  allow network { listen, accept } tcp port 80, 8000..8010\n  allow network { connect } tcp port 443\n  allow network { create } family AF_ALG\n  allow network { create } netlink protocol 0\n  deny network { bind } port 8005"));
  const std::string rules = RulesOf(artifact);
  EXPECT_EQ(Granted(artifact, "web_t", "web_port_80_t", "tcp_socket"), "name_bind");
  EXPECT_EQ(Granted(artifact, "web_t", "web_port_443_t", "tcp_socket"), "name_connect");
  EXPECT_EQ(Granted(artifact, "web_t", "web_port_8005_t", "tcp_socket"), "");
  EXPECT_EQ(Granted(artifact, "web_t", "web_t", "alg_socket"), "create");
  EXPECT_EQ(Granted(artifact, "web_t", "web_t", "netlink_route_socket"), "create");
  EXPECT_THAT(rules, Not(HasSubstr("udp_socket (")));
  EXPECT_THAT(rules, HasSubstr("(portcon tcp (8000 8004) (system_u object_r web_port_80_t"));
}

TEST(Selinux, UnixSocketsByPathAndPeer) {
  const auto artifact = ProvedModule(SelinuxSource("  allow network { connect } unix path \"/run/db.sock\" peer outside"));
  EXPECT_EQ(Granted(artifact, "web_t", "web_run_db_sock_t", "sock_file"), "write");
  EXPECT_EQ(Granted(artifact, "web_t", "web_rest_domains", "unix_stream_socket"), "connectto");
  EXPECT_EQ(Granted(artifact, "web_t", "web_t", "unix_stream_socket"), "connect create");
}

TEST(Selinux, Capabilities) {
  const auto artifact = ProvedModule(SelinuxSource("  allow capability { net_bind_service, bpf }"));
  EXPECT_EQ(Granted(artifact, "web_t", "web_t", "capability"), "net_bind_service");
  EXPECT_EQ(Granted(artifact, "web_t", "web_t", "cap_userns"), "net_bind_service");
  EXPECT_EQ(Granted(artifact, "web_t", "web_t", "capability2"), "bpf");
}

// Clause 9.7: five kinds of signal.
TEST(Selinux, Signals) {
  const auto artifact = ProvedModule(SelinuxSource("  allow signal { send } set { TERM } peer outside\n  allow signal { send } set { KILL, STOP }"));
  EXPECT_EQ(Granted(artifact, "web_t", "web_rest_domains", "process"), "signal");
  EXPECT_EQ(Granted(artifact, "web_t", "web_t", "process"), "sigkill sigstop");
}

TEST(Selinux, ObjectsWithoutPaths) {
  EXPECT_EQ(GrantedBy("  allow ptrace { trace } peer outside", "web_rest_domains", "process"), "ptrace");
  EXPECT_EQ(GrantedBy("  allow bpf { use } command { 5 }", "web_t", "bpf"), "prog_load prog_run");
  EXPECT_EQ(GrantedBy("  allow perf", "web_t", "perf_event"), "cpu kernel open read tracepoint write");
  EXPECT_EQ(GrantedBy("  allow io_uring", "web_t", "io_uring"), "override_creds sqpoll");
  EXPECT_EQ(GrantedBy("  allow keyring { use } command { 11 }", "web_t", "key"), "read search");
  EXPECT_EQ(GrantedBy("  allow module { load }", "web_rest_files", "system"), "module_load");
  EXPECT_EQ(GrantedBy("  allow system { syslog }", "kernel_t", "system"), "syslog_console syslog_mod syslog_read");
  EXPECT_THAT(Rules("  allow ipc { sysv_sem }"), HasSubstr("(allow web_t web_t (sem ("));
  EXPECT_EQ(GrantedBy("  allow rlimit { set }", "web_t", "process"), "setrlimit");
  EXPECT_EQ(GrantedBy("  allow dbus { send } peer outside", "web_rest_domains", "dbus"), "send_msg");
  EXPECT_EQ(GrantedBy("  allow mount { mount } on \"/mnt\" fstype \"tmpfs\"", "web_mnt_t", "dir"), "mounton");
}

TEST(Selinux, UserNamespacesSinceTheKernelAsks) {
  const std::string text = SelinuxSource("  allow namespace { user }");
  EXPECT_THAT(RulesOf(ProvedModule(text)), HasSubstr("(allow web_t web_t (user_namespace (create)))"));
  selinux::Options options;
  options.target.kernel = {5, 19};
  EXPECT_THAT(RulesOf(ProvedModule(text, options)), Not(HasSubstr("user_namespace (create")));
}

TEST(Selinux, LabelsThatRulesName) {
  const auto artifact = ProvedModule(SelinuxSource("  allow file { read } on label(\"etc_t\")"));
  EXPECT_EQ(Granted(artifact, "web_t", "etc_t", "file"), "map open read");
  EXPECT_EQ(Granted(artifact, "web_t", "web_rest_files", "file"), "");
}

// Clause 9.8.
TEST(Selinux, FacetsThatNobodyMediatesAreWideAndNamed) {
  const auto artifact = ProvedModule("language 1\npolicy web {\n  layers { seccomp + selinux }\n  default deny file, syscall\n  default allow capability\n  deny capability { sys_admin }\n  allow file { read } on path(\"/srv/**\")\n}\n");
  EXPECT_THAT(artifact.wide, ::testing::Contains(HasSubstr("capability: web: default allow")));
  EXPECT_THAT(artifact.wide, ::testing::Contains(HasSubstr("network: web: no default, unmediated")));
  EXPECT_THAT(Granted(artifact, "web_t", "web_t", "capability"), HasSubstr("chown"));
  EXPECT_THAT(Granted(artifact, "web_t", "web_t", "capability"), Not(HasSubstr("sys_admin")));
}

// A denied attribute that SELinux does not see takes nothing away; one that covers the allow does.
TEST(Selinux, DeniesAreCutOutWhereTheyAreSeen) {
  EXPECT_EQ(GrantedBy("  allow file { read } on path(\"/a\")\n  deny file { read } on path(\"/a\") owner", "web_a_t", "file"), "map open read");
  EXPECT_THAT(Rules("  allow file { read } on path(\"/a\") owner\n  deny file { read } on path(\"/a\") owner"), Not(HasSubstr("(allow web_t web_a_t (file")));
  EXPECT_THAT(Rules("  allow signal { send }\n  deny signal { send } set { KILL }"), Not(HasSubstr("(process (sigkill")));
  EXPECT_EQ(GrantedBy("  complain file { read } on path(\"/a\")\n  deny file { read } on path(\"/a\")", "web_a_t", "file"), "map open read");
}

// Clause 9.6: a path is asked of unix sockets only.
TEST(Selinux, InternetSocketsAskNoPath) {
  const auto artifact = ProvedModule(SelinuxSource("  allow network { connect, send } tcp port 443"));
  EXPECT_EQ(Granted(artifact, "web_t", "web_rest_files", "sock_file"), "");
  EXPECT_EQ(Granted(artifact, "web_t", "web_rest_files", "dir"), "");
}

// Clause 9.4: what can have one name only is labelled by it, wherever the pattern has its wildcards; the same name elsewhere is named.
TEST(Selinux, NamesDecideWhereTheyAreTheOnlyOnes) {
  const auto artifact = ProvedModule(SelinuxSource("  allow file { create } on path(\"/run/*/pid\")\n  allow file { create } on path(\"/run/*/*.log\")\n  allow file { list } on path(\"/run/*\")"));
  EXPECT_THAT(RulesOf(artifact), HasSubstr("(typetransition web_t web_run_t file \"pid\" web_run_2_t)"));
  EXPECT_THAT(RulesOf(artifact), HasSubstr("(typetransition web_t web_run_t file web_run_3_t)"));
  EXPECT_TRUE(artifact.differences.empty());
  const auto two = ProvedModule(SelinuxSource("  allow file { create } on path(\"/[ab]/*\")\n  allow file { read } on path(\"/a/x\")\n  allow file { list } on path(\"/[ab]\")"));
  ASSERT_EQ(two.differences.size(), 1u);
  EXPECT_THAT(two.differences[0], HasSubstr("web creates /b/x as web_a_x_t"));
  EXPECT_EQ(two.proof.labels.size(), 1u);
}

// Clause 9.9.
TEST(Selinux, NeverIsCheckedByLibsepol) {
  EXPECT_THAT(Rules("  allow network { create } family AF_INET\n  never network { create } family AF_ALG"), HasSubstr("(neverallow web_t web_t (alg_socket (create)))"));
  EXPECT_THAT(Rules("  allow signal { send } set { TERM } peer self\n  never signal { send } set { KILL }"), Not(HasSubstr("(neverallow web_t web_t (process (sigchld")));
  EXPECT_THAT(Rules("  allow file { read } on path(\"/bin/**\")\n  never exec \"/bin/**\""), HasSubstr("(neverallow web_t web_bin_t (file (execute)))"));
  EXPECT_THAT(Rules("  allow file { ioctl } command 0x5401..0x5403 on path(\"/dev/tty\")\n  never file { ioctl } command 0x5403..0x5412 on path(\"/dev/tty\")\n  deny file { ioctl } command 0x5403 on path(\"/dev/tty\")"),
              HasSubstr("(neverallowx web_t web_dev_tty_t (ioctl chr_file ((range 0x5403 0x5412))))"));
  const auto policy = testing::PolicyOf(SelinuxSource("  allow file { read } on path(\"/srv/**\")\n  never file { read } on path(\"/srv/key\")"));
  const auto broken = selinux::Compile(policy, {});
  ASSERT_FALSE(broken.has_value());
  EXPECT_THAT(broken.error().message, HasSubstr("test.rav:6:3 never"));
  EXPECT_THAT(broken.error().message, HasSubstr("test.rav:5:3 allow file"));
}

// Clause 9.10.
TEST(Selinux, NothingMoreThanTheBaseForAnEmptyPolicy) {
  const auto artifact = ProvedModule(SelinuxSource(""));
  EXPECT_TRUE(artifact.module.allows.empty());
  EXPECT_FALSE(artifact.base_grants.empty());
  for (const auto& grant : artifact.base_grants) EXPECT_GT(grant.reason.size(), 10u) << grant.text;
}

TEST(Selinux, TheBaseTouchesNoResource) {
  const auto artifact = ProvedModule(SelinuxSource("  allow file { read, write } on path(\"/srv/**\")\n  allow network { listen } tcp port 80\n  allow file { read } on label(\"etc_t\")"));
  for (const auto& [access, allowed] : artifact.module.base) {
    EXPECT_THAT(access.target, ::testing::AnyOf("web_t", "web_exec_t", "init_t", "devpts_t", "filesystem_type"));
    if (access.target == "filesystem_type") EXPECT_EQ(access.object_class, "filesystem");
  }
}

// Clause 9.11.
TEST(Selinux, WhatHasNoRuleKindOfItsOwn) {
  EXPECT_EQ(GrantedBy("  allow file { xattr } on path(\"/a\")", "web_a_t", "file"), "setattr write");
  EXPECT_EQ(GrantedBy("  allow file { inherit } on path(\"/a\")", "web_rest_domains", "fd"), "use");
  EXPECT_EQ(GrantedBy("  allow file { inherit } on path(\"/a\")", "web_a_t", "file"), "");
  EXPECT_EQ(GrantedBy("  allow ipc { sysv_shm }", "web_t", "shm"), "associate create destroy getattr lock read setattr unix_read unix_write write");
  EXPECT_EQ(GrantedBy("  allow ipc { sysv_shm }", "web_rest_domains", "shm"), "");
}

TEST(Selinux, TheSameTextEveryTime) {
  const std::string text = SelinuxSource("  allow file { read, write } on path(\"/srv/**\", \"/srv/x/*.db\")\n  allow network { connect } tcp port 443");
  const ir::Policy policy = testing::PolicyOf(text);
  const auto first = selinux::Compile(policy, {}).value();
  const auto second = selinux::Compile(policy, {}).value();
  EXPECT_EQ(first.cil, second.cil);
  EXPECT_EQ(first.file_contexts, second.file_contexts);
  EXPECT_EQ(first.binary, second.binary);
}

// struct policydb's image: magic, the length of "SE Linux", that text, the version (policydb_write).
TEST(Selinux, TheBinaryHasTheVersionThatIsAskedFor) {
  for (const unsigned version : {31u, selinux::kNewestPolicyVersion}) {
    const auto compiled = selinux::CompileCil({{"base.cil", selinux::StandaloneBase({})}}, false, version);
    ASSERT_TRUE(compiled.has_value() && compiled->compiled);
    ASSERT_GT(compiled->binary.size(), 20u);
    EXPECT_EQ(static_cast<unsigned char>(compiled->binary[16]), version);
  }
}

TEST(Selinux, AModuleStandsBesideAHost) {
  selinux::Options options;
  options.form = selinux::Form::kModule;
  options.target.kernel = {6, 18};
  const auto artifact = ProvedModule(SelinuxSource("  allow namespace { user }\n  allow file { read } on path(\"/srv/**\")"), options);
  EXPECT_EQ(artifact.cil.rfind("; SELinux policy", 0), 0u);
  EXPECT_THAT(artifact.cil, HasSubstr("(optional web_optional_1 (allow web_t web_t (user_namespace (create))))"));
  EXPECT_THAT(artifact.cil, Not(HasSubstr("(classorder")));
}

}  // namespace
}  // namespace ravelin
