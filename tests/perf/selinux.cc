// SELinux at scale: 2,000 types and 20,000 allows, from the intermediate representation to the proof.
#include "backends/selinux/selinux.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "compiler/driver/frontend.h"
#include "compiler/resolve/resolve.h"
#include "compiler/syntax/parse.h"

namespace {

using namespace ravelin;

// Two domains on the same paths: one reads what the other writes.
ir::Policy Policy(size_t paths) {
  std::string files;
  for (size_t i = 0; i < paths; ++i) files += fmt::format("{}\"/srv/{:02}/data{}/**\"", i == 0 ? "" : ", ", i % 40, i);
  const std::string text = "language 1\npolicy reader {\n  layers { seccomp + selinux }\n  default deny\n  allow file { read, getattr } on path(" + files +
                           ")\n}\npolicy writer {\n  layers { seccomp + selinux }\n  default deny\n  allow file { write, append } on path(" + files + ")\n}\n";
  source::SourceManager sources;
  diag::Sink sink;
  resolve::Program program;
  program.files.push_back(syntax::Parse(sources, sources.Add("p.rav", text), sink));
  program.imports.emplace_back();
  return resolve::Build(resolve::Resolve(program, sources, *driver::FindTarget("debian12"), sink), sources, sink);
}

void BM_SelinuxCompileAndProve(benchmark::State& state) {
  const ir::Policy policy = Policy(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    const auto artifact = selinux::Compile(policy, {});
    if (!artifact || !artifact->proof.proved) {
      state.SkipWithError("not proved");
      break;
    }
    size_t allows = 0;
    for (size_t at = artifact->cil.find("; SELinux policy"); at != std::string::npos; at = artifact->cil.find("\n(allow ", at + 1)) ++allows;
    state.counters["types"] = static_cast<double>(artifact->module.paths.size());
    state.counters["allows"] = static_cast<double>(allows - 1);
    state.counters["quadruples"] = static_cast<double>(artifact->proof.quadruples);
  }
}
BENCHMARK(BM_SelinuxCompileAndProve)->Arg(200)->Arg(2000)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
