// The filter of a policy beside what libseccomp makes of the same decisions, on this kernel: time to install, and time of calls.
//
//   side_by_side POLICY [ROUNDS]
//
// Installing any filter at all has a price of its own (memory for code, its protection), which a filter of one instruction shows.
// Every round forks one process for each filter, in turn, so that what else the machine does meets all alike.  Medians and
// quartiles of the rounds are printed; the status is 1 where a bar is missed and 77 where this kernel installs no filter.
#include <fmt/format.h>
#include <linux/filter.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "backends/seccomp/load/load.h"
#include "backends/seccomp/oci/oci.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/frontend.h"

namespace {

using namespace ravelin;

constexpr int kCalls = 20000;
enum Figure { kLoad, kCached, kArgument, kDenied, kFigures };
using Figures = std::array<double, kFigures>;  // nanoseconds

double Now() { return static_cast<double>(std::chrono::steady_clock::now().time_since_epoch().count()); }

double PerCall(long number, long argument) {
  const double start = Now();
  for (int i = 0; i < kCalls; ++i) syscall(number, argument);
  return (Now() - start) / kCalls;
}

bool Measure(const seccomp::Program& program, Figures& out) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const pid_t child = fork();
  if (child == 0) {
    Figures figures{};
    std::vector<sock_filter> code;
    for (const seccomp::Instruction& i : program) code.push_back({i.code, i.jt, i.jf, i.k});
    load::SetNoNewPrivileges();
    const double start = Now();
    const load::Installed installed = load::Install({code.data(), static_cast<uint16_t>(code.size())}, load::Listener::kNone);
    figures[kLoad] = Now() - start;
    if (installed.error != 0) _exit(1);
    figures[kCached] = PerCall(SYS_getppid, 0);
    figures[kArgument] = PerCall(SYS_personality, 0xffffffff);
    figures[kDenied] = PerCall(SYS_acct, 0);
    const bool written = write(ends[1], figures.data(), sizeof figures) == static_cast<ssize_t>(sizeof figures);
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  const bool got = child > 0 && read(ends[0], out.data(), sizeof out) == static_cast<ssize_t>(sizeof out);
  close(ends[0]);
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  return got && status == 0;
}

struct Quartiles {
  double low, median, high;
};
Quartiles Of(std::vector<Figures>& rounds, Figure figure) {
  std::vector<double> all;
  for (const Figures& round : rounds) all.push_back(round[figure]);
  std::sort(all.begin(), all.end());
  return {all[all.size() / 4], all[all.size() / 2], all[all.size() * 3 / 4]};
}

int failures = 0;
void Bar(const std::string& what, bool held) {
  fmt::print("  {:<66}{}\n", what, held ? "holds" : "MISSED");
  failures += held ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: side_by_side POLICY [ROUNDS]\n");
    return 2;
  }
  const size_t rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 50;
  const auto target = driver::FindTarget("debian12");
  auto front = driver::ReadPolicy(argv[1], {}, *target);
  if (!front || (*front)->sink.HasErrors()) {
    fmt::print(stderr, "{}\n", front ? diag::RenderText((*front)->sink, (*front)->sources, {}) : front.error().message);
    return 1;
  }
  const auto artifact = driver::CompileSeccomp((*front)->policy, (*front)->policy.domains.front(), {}, (*front)->sink);
  // What libseccomp does not know of the profile it leaves out, as it does for runtimes.
  const auto text = seccomp::WriteOciProfile((*front)->policy.domains.front());
  const auto profile = artifact && text ? seccomp::ReadOciProfile(*text) : Fail(ErrorCode::kUnsupported, "the policy does not compile");
  if (!profile) {
    fmt::print(stderr, "{}\n", profile.error().message);
    return 1;
  }
  struct Contender {
    std::string name;
    seccomp::Program program;
    std::vector<Figures> rounds;
  };
  std::vector<Contender> all = {{"ravelin", artifact->filter.program, {}}};
  for (const auto& [name, order] : {std::pair("binary tree", seccomp::LibseccompOrder::kBinaryTree), std::pair("default", seccomp::LibseccompOrder::kLinear)}) {
    auto program = seccomp::CompileWithLibseccomp(*profile, kernel::Arch::kX86_64, order);
    if (!program) {
      fmt::print("no comparison: {}\n", program.error().message);
      return 77;
    }
    all.push_back({fmt::format("libseccomp {}, {}", seccomp::LibseccompVersion(), name), *program, {}});
  }
  all.push_back({"one instruction", {{BPF_RET | BPF_K, 0, 0, 0x7fff0000}}, {}});
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < all.size(); ++i) {
      Contender& one = all[(round + i) % all.size()];
      Figures figures{};
      if (!Measure(one.program, figures)) {
        fmt::print("this kernel does not let a process install a filter\n");
        return 77;
      }
      one.rounds.push_back(figures);
    }
  }
  fmt::print("{} interleaved rounds; median (quartiles); per call {} calls a round\n", rounds, kCalls);
  fmt::print("  {:<30}{:>6}  {:>24}  {:>22}  {:>22}  {:>22}\n", "", "insns", "install, us", "cached, ns", "argument, ns", "denied, ns");
  const auto cell = [](const Quartiles& q, double scale) { return fmt::format("{:.1f} ({:.1f}..{:.1f})", q.median / scale, q.low / scale, q.high / scale); };
  for (Contender& one : all) {
    fmt::print("  {:<30}{:>6}  {:>24}  {:>22}  {:>22}  {:>22}\n", one.name, one.program.size(), cell(Of(one.rounds, kLoad), 1000), cell(Of(one.rounds, kCached), 1), cell(Of(one.rounds, kArgument), 1), cell(Of(one.rounds, kDenied), 1));
  }
  const double floor = Of(all[3].rounds, kLoad).median;
  const auto faster = [&](size_t other, double less) { return (Of(all[other].rounds, kLoad).median - less) / (Of(all[0].rounds, kLoad).median - less); };
  Bar(fmt::format("installs {:.2f}x as fast as the binary tree (bar 1.8)", faster(1, 0)), faster(1, 0) >= 1.8);
  Bar(fmt::format("installs {:.2f}x as fast as the default (bar 6)", faster(2, 0)), faster(2, 0) >= 6);
  fmt::print("  of this, {:.1f} us is the price of any filter here; above it {:.2f}x and {:.2f}x\n", floor / 1000, faster(1, floor), faster(2, floor));
  for (const auto& [name, figure] : {std::pair("cached", kCached), std::pair("argument", kArgument), std::pair("denied", kDenied)}) {
    const Quartiles ours = Of(all[0].rounds, figure);
    const Quartiles tree = Of(all[1].rounds, figure);
    Bar(fmt::format("{} call: {:.1f} ns, binary tree {:.1f} ns (not above its upper quartile {:.1f})", name, ours.median, tree.median, tree.high), ours.median <= tree.high);
  }
  return failures == 0 ? 0 : 1;
}
