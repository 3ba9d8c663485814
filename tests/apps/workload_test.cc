// Real programs at work under the filter of their policy.  A filter sees no path, so the work is done in a folder of
// the test's own; paths are what the policies' own tests and docs/testing.md speak of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/compiled.h"

namespace ravelin {
namespace {

using ::testing::HasSubstr;
using testing::Output;

class Workload : public ::testing::Test {
 protected:
  void SetUp() override {
    const Output out = Under("bash_runner", {"true"});
    if (out.exit_code == 3 && out.err.find("this kernel does not let a process install a filter") != std::string::npos) GTEST_SKIP() << out.err;
  }
  static Output Under(const std::string& app, const std::vector<std::string>& command) {
    std::vector<std::string> arguments = {"run", std::string(RAVELIN_SOURCE_DIR) + "/policies/apps/" + app + ".rav", "--"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    return testing::RunRavelin(arguments);
  }
  static bool Has(const std::string& program) { return std::filesystem::exists("/usr/bin/" + program); }
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
  testing::TemporaryFolder folder_;
};

#define NEEDS(program) \
  if (!Has(program)) GTEST_SKIP() << "this machine has no /usr/bin/" << (program)

TEST_F(Workload, BashRunsAScriptWithPipes) {
  NEEDS("mawk");
  const std::string script = folder_.Write("job.sh",
                                           "set -eu\ncd \"$(dirname \"$0\")\"\nmkdir -p out\nprintf 'b\\na\\nb\\n' | sort | uniq -c | awk '{ print $2 }' | tee out/all | wc -l > out/lines\n"
                                           "cp out/all out/copy\nmv out/copy out/moved\nsed -i s/a/c/ out/moved\ncat out/moved out/lines\nrm -r out\n");
  const Output out = Under("bash_runner", {"/usr/bin/bash", script});
  EXPECT_EQ(out.exit_code, 0) << out.err;
  EXPECT_EQ(out.out, "c\nb\n2\n");
  EXPECT_NE(Under("bash_runner", {"/usr/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9"}).exit_code, 0);
  EXPECT_THAT(Under("bash_runner", {"/usr/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9"}).err, HasSubstr("Operation not permitted"));
}

TEST_F(Workload, CronJobMakesAnArchive) {
  NEEDS("tar");
  folder_.Write("data/a", "x");
  const std::string script = folder_.Write("job.sh", "set -eu\ncd \"$(dirname \"$0\")\"\nexec 9> lock\nflock -n 9\ntar -C data -czf new.tar.gz .\nmv new.tar.gz all.tar.gz\nfind . -name '*.tar.gz' -mtime +7 -delete\necho done >> log\ncat log\n");
  const Output out = Under("cron_job", {"/usr/bin/dash", script});
  EXPECT_EQ(out.exit_code, 0) << out.err;
  EXPECT_EQ(out.out, "done\n");
  EXPECT_TRUE(std::filesystem::exists(Path("all.tar.gz")));
}

TEST_F(Workload, SqliteKeepsADatabase) {
  NEEDS("sqlite3");
  const std::string query = "create table t(a); insert into t values(1),(2); pragma journal_mode=wal; insert into t values(3); vacuum; select sum(a) from t;";
  const Output out = Under("sqlite3", {"/usr/bin/sqlite3", Path("t.db"), query});
  EXPECT_EQ(out.exit_code, 0) << out.err;
  EXPECT_EQ(out.out, "wal\n6\n");
  const Output shell = Under("sqlite3", {"/usr/bin/sqlite3", Path("t.db"), ".shell echo escaped"});
  EXPECT_THAT(shell.out + shell.err, ::testing::Not(HasSubstr("escaped\n")));
}

TEST_F(Workload, GccCompiles) {
  NEEDS("gcc");
  const std::string source = folder_.Write("hello.c", "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n");
  const Output out = Under("gcc", {"/usr/bin/gcc", "-O2", "-o", Path("hello"), source});
  EXPECT_EQ(out.exit_code, 0) << out.err;
  EXPECT_EQ(std::system(("test \"$(" + Path("hello") + ")\" = hello").c_str()), 0);
}

TEST_F(Workload, GitClonesCommitsAndPushes) {
  NEEDS("git");
  const std::string root = folder_.path();
  ASSERT_EQ(std::system(("cd " + root + " && git init -q --bare origin && git clone -q origin first 2>/dev/null && cd first && git -c user.name=a -c user.email=b commit -q --allow-empty -m one && git push -q origin HEAD").c_str()), 0);
  const auto git = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "/usr/bin/git");
    return Under("git", arguments);
  };
  const Output clone = git({"clone", "-q", root + "/origin", root + "/clone"});
  EXPECT_EQ(clone.exit_code, 0) << clone.err;
  const Output commit = git({"-C", root + "/clone", "-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "--allow-empty", "-m", "two"});
  EXPECT_EQ(commit.exit_code, 0) << commit.err;
  const Output push = git({"-C", root + "/clone", "push", "-q", "origin", "HEAD"});
  EXPECT_EQ(push.exit_code, 0) << push.err;
  const Output log = git({"-C", root + "/clone", "log", "--format=%s"});
  EXPECT_EQ(log.out, "two\none\n") << log.err;
  EXPECT_EQ(git({"-C", root + "/clone", "gc", "-q"}).exit_code, 0);
}

// A server of Python's under its policy, and curl under its own.
TEST_F(Workload, CurlFetchesFromAPythonService) {
  NEEDS("curl");
  NEEDS("python3");
  folder_.Write("page.html", "a page\n");
  const std::string service = folder_.Write("service.py",
                                            "import http.server, socketserver, sys, os\nos.chdir(os.path.dirname(os.path.abspath(__file__)))\nclass Server(socketserver.ThreadingMixIn, http.server.HTTPServer):\n    pass\n"
                                            "class Handler(http.server.SimpleHTTPRequestHandler):\n    def log_message(self, *a): pass\nserver = Server(('127.0.0.1', 0), Handler)\n"
                                            "open('port', 'w').write(str(server.server_address[1]))\nserver.handle_request()\nserver.server_close()\n");
  const std::string policies = std::string(RAVELIN_SOURCE_DIR) + "/policies/apps/";
  const std::string command = "cd " + folder_.path() + " && (" RAVELIN_BINARY " run " + policies + "python_web.rav -- /usr/bin/python3 " + service + " 2> service.err & for i in $(seq 100); do test -s port && break; sleep 0.1; done; " RAVELIN_BINARY " run " + policies +
                              "curl.rav -- /usr/bin/curl -sS --max-time 20 -o got http://127.0.0.1:$(cat port)/page.html 2> curl.err; echo $? > status; wait)";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto text = [&](const char* name) { return source::ReadFile(Path(name)).value_or("(none)"); };
  EXPECT_EQ(text("status"), "0\n") << text("curl.err") << text("service.err");
  EXPECT_EQ(text("got"), "a page\n");
}

}  // namespace
}  // namespace ravelin
