// The stages of the compiler, one by one, on a policy like a container runtime's default.
#include <benchmark/benchmark.h>

#include "backends/seccomp/codegen.h"
#include "backends/seccomp/lower.h"
#include "backends/seccomp/prove/prove.h"
#include "compiler/driver/frontend.h"
#include "compiler/oracle/decide.h"
#include "compiler/resolve/resolve.h"
#include "compiler/syntax/parse.h"

namespace {

using namespace ravelin;

// Most calls are permitted, a few depend on arguments.
const std::string& Text() {
  static const std::string text = [] {
    std::string names;
    for (const kernel::Syscall& call : kernel::Syscalls(kernel::Arch::kX86_64)) {
      if (call.number % 5 != 0 && call.name != "clone3" && call.name != "socket" && call.name != "clone") names += (names.empty() ? "" : ", ") + call.name;
    }
    return "language 1\npolicy p {\n  layers { seccomp }\n  allow syscall { " + names +
           " }\n  allow syscall clone(flags & CLONE_NEW_ANY == 0)\n  allow syscall socket(domain != AF_ALG && domain != AF_VSOCK)\n  allow syscall personality(persona in { 0, 8, 0x20000, 0xffffffff })\n"
           "  deny syscall clone3 with errno(ENOSYS)\n  default deny syscall with errno(EPERM)\n}\n";
  }();
  return text;
}

const resolve::Target& TheTarget() {
  static const resolve::Target target = *driver::FindTarget("debian12");
  return target;
}

struct Stages {
  source::SourceManager sources;
  diag::Sink sink;
  resolve::Program program;
  ir::Policy policy;
  Stages() {
    program.files.push_back(syntax::Parse(sources, sources.Add("p.rav", Text()), sink));
    program.imports.emplace_back();
    policy = Build();
  }
  ir::Policy Build() { return resolve::Build(resolve::Resolve(program, sources, TheTarget(), sink), sources, sink); }
};

void BM_Parse(benchmark::State& state) {
  source::SourceManager sources;
  const source::FileId file = sources.Add("p.rav", Text());
  for (auto _ : state) {
    diag::Sink sink;
    benchmark::DoNotOptimize(syntax::Parse(sources, file, sink));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * Text().size()));
}
void BM_Resolve(benchmark::State& state) {
  Stages stages;
  for (auto _ : state) benchmark::DoNotOptimize(stages.Build());
}
void BM_Lower(benchmark::State& state) {
  const Stages stages;
  for (auto _ : state) benchmark::DoNotOptimize(seccomp::Lower(stages.policy.domains[0]));
}
void BM_Generate(benchmark::State& state) {
  const Stages stages;
  const seccomp::FilterSpec spec = seccomp::Lower(stages.policy.domains[0]);
  for (auto _ : state) benchmark::DoNotOptimize(seccomp::Generate(spec, {}));
}
void BM_Prove(benchmark::State& state) {
  const Stages stages;
  const auto filter = seccomp::Generate(seccomp::Lower(stages.policy.domains[0]), {});
  for (auto _ : state) benchmark::DoNotOptimize(seccomp::Prove(stages.policy.domains[0], filter->program, false));
}
void BM_Evaluate(benchmark::State& state) {
  const Stages stages;
  const auto filter = seccomp::Generate(seccomp::Lower(stages.policy.domains[0]), {});
  ir::Event event;
  event.audit_arch = kernel::AuditArch(kernel::Arch::kX86_64);
  for (auto _ : state) {
    event.number = (event.number + 1) % 450;
    benchmark::DoNotOptimize(seccomp::RunProgram(filter->program, event, false));
  }
}
void BM_Oracle(benchmark::State& state) {
  const Stages stages;
  ir::Event event;
  event.audit_arch = kernel::AuditArch(kernel::Arch::kX86_64);
  for (auto _ : state) {
    event.number = (event.number + 1) % 450;
    benchmark::DoNotOptimize(oracle::DecideCall(stages.policy.domains[0], event));
  }
}
BENCHMARK(BM_Parse);
BENCHMARK(BM_Resolve);
BENCHMARK(BM_Lower);
BENCHMARK(BM_Generate);
BENCHMARK(BM_Prove);
BENCHMARK(BM_Evaluate);
BENCHMARK(BM_Oracle);

}  // namespace
