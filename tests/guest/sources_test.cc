// One workload by several recorders: the same facts of files, programs and sockets; other system calls only for reasons that a table names.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <regex>

#include "compiler/base/source.h"
#include "profiler/observe/table.h"
#include "profiler/record/record.h"
#include "tests/guest/guest.h"

namespace ravelin::record {
namespace {

using Texts = std::set<std::string>;

// What processes do without choosing it by chance; the environment is the same everywhere, the port that of this process.
std::string Workload() {
  constexpr const char* kLine = R"(exec env -i PATH=/usr/bin:/bin LANG=C TMPDIR=$TMPDIR sh -c 'exec > /dev/null 2> /dev/null; cd $TMPDIR; cat /etc/hostname > a; mkdir d; mv a d/b; ln -s b d/c; cat d/c > /dev/null; chmod 600 d/b; cat absent 2> /dev/null; env true; rm d/c d/b; rmdir d
printf "#!/bin/sh\necho x\n" > s; chmod +x s; ./s
perl -MIO::Socket::INET -e "\$l = IO::Socket::INET->new(Listen => 1, LocalAddr => q(127.0.0.1), LocalPort => PORT, ReuseAddr => 1) or die; \$c = IO::Socket::INET->new(q(127.0.0.1:PORT)) or die; \$s = \$l->accept; print \$c qq(x\n); \$c->flush; <\$s>"'
)";
  return std::regex_replace(kLine, std::regex("PORT"), std::to_string(20000 + getpid() % 20000));
}

struct Seen {
  Texts objects;  // facts of files, programs and sockets
  Texts calls;
};

// Without what a recorder cannot know or what differs by chance: the name as given, who owns, the number of a process, what came of a call, and
// the run's TMPDIR, which has another name where somebody else has that one.
Seen Union(const observe::Recording& recording) {
  Seen out;
  for (const auto& [id, run] : recording.runs) {
    EXPECT_TRUE(run.completeness.Whole()) << run.driver << ": " << testing::PrintToString(run.completeness.WhyNotWhole());
    EXPECT_EQ(run.status, "exit 0") << run.driver;
    const std::string temporary = run.variation.at("TMPDIR");
    for (const auto& [fact, seen] : run.facts) {
      observe::Attributes attributes = observe::Decode(fact.attributes);
      const bool refused = attributes.erase("refused") != 0;
      for (const char* name : {"given", "owner", "arch"}) attributes.erase(name);
      if (const auto path = attributes.find("path"); path != attributes.end()) {
        path->second = std::regex_replace(path->second, std::regex("^/proc/(self|[0-9]+)(/|$)"), "/proc/PID$2");
        path->second = std::regex_replace(path->second, std::regex("^" + temporary + "(/|$)"), "$$TMPDIR$1");
      }
      if (fact.facet == "syscall") out.calls.insert(fact.operation);
      if ((fact.facet == "file" || fact.facet == "exec" || fact.facet == "network") && !refused) out.objects.insert(fact.facet + " " + fact.operation + " " + observe::Encode(attributes));
    }
  }
  return out;
}

Texts Without(const Texts& one, const Texts& other) {
  Texts out;
  std::set_difference(one.begin(), one.end(), other.begin(), other.end(), std::inserter(out, out.end()));
  return out;
}

// Call -> drivers that may see it alone.
std::map<std::string, Texts> Differences() {
  std::map<std::string, Texts> out;
  const auto text = source::ReadFile(RAVELIN_SOURCE_DIR "/tests/guest/call_differences.tsv");
  EXPECT_TRUE(text);
  for (const auto& row : observe::TableRows(*text)) {
    EXPECT_EQ(row.size(), 3u);
    const std::string drivers(row.at(1));
    for (size_t at = 0; at <= drivers.size();) {
      const size_t end = std::min(drivers.find(',', at), drivers.size());
      out[std::string(row.at(0))].insert(drivers.substr(at, end - at));
      at = end + 1;
    }
    EXPECT_GT(row.at(2).size(), 20u) << "a row says which fact of a kernel causes it";
  }
  return out;
}

TEST(Sources, TheTableNamesCallsAndDrivers) {
  const Texts drivers(Drivers().begin(), Drivers().end());
  for (const auto& [call, by] : Differences()) {
    EXPECT_NE(kernel::FindSyscall(kernel::Arch::kX86_64, call), nullptr) << call;
    EXPECT_EQ(Without(by, drivers), Texts()) << call;
  }
}

TEST(Sources, Agree) {
  if (access("/usr/bin/perl", X_OK) != 0) GTEST_SKIP() << "this machine has no /usr/bin/perl";
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANGUAGE", "PWD"}) unsetenv(name);
  setenv("LANG", "C", 1);
  const unsigned runs = std::getenv("RAVELIN_SOURCES") != nullptr ? 5 : 1;
  std::map<std::string, Seen> all;
  std::string missing;
  for (const char* driver : {"notify", "bpf", "uml", "gvisor"}) {
    Request request;
    request.driver = driver;
    request.command = {"sh", "-c", Workload()};
    request.directory = "/";
    request.runs = runs;
    request.limit_ms = 120000;
    const auto recording = Record(request, [](const std::string&) {});
    if (recording) all[driver] = Union(*recording);
    else missing += fmt::format("{}{}: {}", missing.empty() ? "" : "; ", driver, recording.error().message);
  }
  if (all.size() < 2) GTEST_SKIP() << "no guest kernel: nothing to compare: " << missing;
  const std::map<std::string, Texts> differences = Differences();
  for (const auto& [one, seen] : all) {
    for (const auto& [other, theirs] : all) {
      if (one == other) continue;
      EXPECT_EQ(Without(seen.objects, theirs.objects), Texts()) << "seen by " << one << ", not by " << other;
      for (const std::string& call : Without(seen.calls, theirs.calls)) {
        const auto row = differences.find(call);
        EXPECT_TRUE(row != differences.end() && row->second.count(one) != 0) << call << " is seen by " << one << ", not by " << other << ", and the table has no reason";
      }
    }
  }
  EXPECT_GT(all.begin()->second.objects.size(), 80u);
  EXPECT_GT(all.begin()->second.calls.size(), 40u);
  // Where one of them cannot run, the others were compared; which it was is said.
  if (!missing.empty()) GTEST_SKIP() << "no guest kernel: the others agree; " << missing;
}

}  // namespace
}  // namespace ravelin::record
