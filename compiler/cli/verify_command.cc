// verify: workloads under real enforcement.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "compiler/cli/commands.h"
#include "compiler/cli/verify_report.h"
#include "compiler/driver/bundle.h"
#include "profiler/kernels/detect.h"

namespace ravelin::cli {
namespace {

namespace fs = std::filesystem;

int ExitOf(const std::string& overall) { return overall == "passed" ? kOk : overall == "failed" ? kFindings : kEnvironment; }

// A failure outweighs what could not be judged, as it does among the layer sets of one policy.
int Worse(int a, int b) {
  const auto rank = [](int code) { return code == kFindings ? 3 : code == kUsage ? 2 : code == kEnvironment ? 1 : 0; };
  return rank(a) < rank(b) ? b : a;
}

Result<verify::Scenario> ReadScenario(const std::string& path) {
  RAVELIN_TRY(text, source::ReadFile(path));
  return verify::ParseScenario(text, path);
}

class One {
 public:
  One(const VerifyCommand& command, const resolve::Target& target, const kernels::Machine& machine, Verified& out) : command_(command), target_(target), machine_(machine), out_(out) {}

  void Run() {
    auto front = driver::ReadPolicy(out_.file, command_.common.load(), target_);
    if (!front) return Fail(front.error().message, kEnvironment);
    out_.front = std::move(*front);
    if (out_.front->sink.HasErrors()) return Fail("it has mistakes", kFindings);
    const auto index = FindDomain(*out_.front, command_.policy);
    if (!index) return Fail(index.error());
    auto workload = WorkloadOf(*index);
    if (!workload) return Fail(workload.error());
    const auto request = driver::PrepareVerification(*out_.front, *index, *workload);
    if (!request) return Fail(request.error());
    if (!*request) return Fail("it has mistakes", kFindings);
    auto report = verify::Verify(**request, [&](const std::string& line) {
      if (isatty(STDERR_FILENO) == 1) std::fprintf(stderr, "%s: %s\n", out_.front->policy.domains[*index].name.c_str(), line.c_str());
    });
    if (!report) return Fail(report.error());
    Verification one{out_.file, out_.front->policy.domains[*index].name, out_.front->target.name, std::move(*report), {}, {}, {}};
    one.not_judged = driver::NotJudged(*out_.front, *index, one.report);
    if (command_.attacks.empty()) {
      auto refusals = driver::ExplainRefusals(*out_.front, *index, one.report);
      if (!refusals) return Fail(refusals.error());
      one.refusals = std::move(*refusals);
    } else {
      auto attacked = driver::AccountForAttacks(*out_.front, *index, attacks_, one.report);
      if (!attacked) return Fail(attacked.error());
      one.attacked = std::move(*attacked);
    }
    patch_ = driver::SuggestedPatch(*out_.front, *index, one.refusals);
    out_.exit_code = ExitOf(one.Overall());
    out_.verification = std::move(one);
  }

  const std::string& patch() const { return patch_; }

 private:
  void Fail(std::string message, int exit_code) {
    out_.failure = std::move(message);
    out_.exit_code = exit_code;
  }
  void Fail(const Error& error) {
    const bool usage = error.code == ErrorCode::kNotFound || error.code == ErrorCode::kUnsupported;
    Fail(error.message, usage ? kUsage : error.code == ErrorCode::kMalformed ? kFindings : kEnvironment);
  }

  Result<driver::Workload> WorkloadOf(size_t index) {
    driver::Workload workload;
    if (!command_.attacks.empty()) {
      RAVELIN_TRY(attacks, ReadScenario(command_.attacks));
      attacks_ = std::move(attacks);
      if (attacks_.attacks.empty()) return ravelin::Fail(ErrorCode::kUnsupported, fmt::format("{} has no attack", command_.attacks));
      RAVELIN_TRY(attacked, driver::AttackWorkload(*out_.front, index, attacks_));
      workload = std::move(attacked);
    }
    workload.command = command_.arguments;
    workload.setting.root = command_.root;
    workload.directory = command_.directory;
    if (!command_.scenario.empty()) {
      RAVELIN_TRY(scenario, ReadScenario(command_.scenario));
      workload.scenario = std::move(scenario);
    }
    if (auto applied = driver::ApplyBundle(workload); !applied) return tl::make_unexpected(std::move(applied.error()));
    if (!workload.scenario && workload.command.empty()) {
      const std::string path = fs::path(out_.file).replace_extension(".scenario").string();
      if (!fs::exists(path)) return ravelin::Fail(ErrorCode::kNotFound, fmt::format("a command after `--` is needed, or a scenario: --scenario FILE, or {}", path));
      RAVELIN_TRY(scenario, ReadScenario(path));
      workload.scenario = std::move(scenario);
    }
    workload.setting.layers = command_.layers;
    workload.setting.machine = machine_;
    workload.compare_output = command_.expect.empty();
    workload.setting.memory_mb = command_.memory_mb;
    workload.setting.limit_ms = command_.limit_s * 1000;
    workload.setting.host_isolation = !command_.no_host_isolation;
    return workload;
  }

  const VerifyCommand& command_;
  const resolve::Target& target_;
  const kernels::Machine& machine_;
  Verified& out_;
  verify::Scenario attacks_;
  std::string patch_;
};

}  // namespace

int Run(const VerifyCommand& command) {
  const int ways = (command.scenario.empty() ? 0 : 1) + (command.attacks.empty() ? 0 : 1) + (command.arguments.empty() ? 0 : 1);
  if (ways > 1) {
    Complain("one workload at a time: a command after `--`, --scenario or --attacks");
    return kUsage;
  }
  const auto target = driver::FindTarget(command.common.target);
  if (!target) {
    Complain(target.error().message);
    return target.error().code == ErrorCode::kNotFound ? kUsage : kEnvironment;
  }
  const auto files = ExpandInputs(command.inputs);
  if (!files) return Complain(files.error());
  std::vector<kernels::Machine> machines;
  for (const std::string& driver : command.drivers) {
    machines.push_back(kernels::MachineFor(driver, command.kernel));
    machines.back().change_host = command.change_host;
    machines.back().processors = command.processors;
  }
  std::vector<Verified> all(files->size() * machines.size());
  std::vector<std::string> patches(all.size());
  InParallel(all.size(), command.jobs, [&](size_t i) {
    all[i].file = (*files)[i / machines.size()];
    One one(command, *target, machines[i % machines.size()], all[i]);
    one.Run();
    patches[i] = one.patch();
  });
  int exit_code = kOk;
  std::string patch;
  for (size_t i = 0; i < all.size(); ++i) {
    exit_code = Worse(exit_code, all[i].exit_code);
    patch += patches[i];
    if (all[i].front && all[i].front->sink.HasErrors()) ShowDiagnostics(all[i].front->sink, all[i].front->sources, command.common);
    else if (!all[i].verification) Complain(all.size() == 1 ? all[i].failure : fmt::format("{}: {}", all[i].file, all[i].failure));
  }
  const bool any = std::any_of(all.begin(), all.end(), [](const Verified& one) { return one.verification.has_value(); });
  if (!any && all.size() == 1 && command.common.format == "text") return exit_code;
  const std::string text = command.common.json() ? VerifyReportJson(all) : command.common.format == "junit" ? VerifyReportJunit(all) : VerifyReportText(all);
  const auto written = command.output.empty() ? Print(text) : source::WriteFile(command.output, text);
  if (!written) return Complain(written.error());
  if (!command.suggest.empty()) {
    if (const auto done = source::WriteFile(command.suggest, patch); !done) return Complain(done.error());
  }
  return exit_code;
}

}  // namespace ravelin::cli
