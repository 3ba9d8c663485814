// learn: observed runs to a policy, and that policy under enforcement.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "compiler/cli/commands.h"
#include "compiler/cli/learn_report.h"
#include "compiler/cli/learn_until.h"
#include "compiler/cli/review.h"
#include "compiler/driver/drift.h"
#include "compiler/driver/learn.h"
#include "compiler/driver/open_files.h"
#include "compiler/driver/relearn.h"
#include "compiler/driver/standard_modules.h"
#include "compiler/resolve/layer_sets.h"
#include "profiler/generalize/phases.h"
#include "profiler/observe/store.h"

namespace ravelin::cli {
namespace {

// Has the workload drifted away from the policy, or the policy from the workload?
int CheckDrift(const LearnCommand& command, driver::LearnRequest& request, const ir::Domain& learned) {
  int exit_code = kOk;
  const auto front = ReadOrComplain(command.check, command.record.common, exit_code);
  if (!front) return exit_code;
  const auto index = PickDomain(*front, command.name);
  if (!index) return kUsage;
  const auto missing = driver::PermittedBeyond(learned, front->policy.domains[*index]);
  if (!missing) return Complain(missing.error());
  const auto unused = driver::PermittedBeyond(front->policy.domains[*index], learned);
  if (!unused) return Complain(unused.error());
  std::string text;
  if (command.record.common.json()) {
    const auto list = [](const std::vector<std::string>& all) {
      std::string out;
      for (const std::string& one : all) out += (out.empty() ? "" : ", ") + json::Quote(one);
      return "[" + out + "]";
    };
    text = fmt::format("{{\"policy\": {}, \"observed_and_refused\": {}, \"permitted_and_not_observed\": {}, \"runs\": {}}}\n", json::Quote(command.check), list(*missing), list(*unused), request.recording.runs.size());
  } else {
    for (const std::string& one : *missing) text += "+ observed, and refused by the policy: " + one + "\n";
    for (const std::string& one : *unused) text += "- permitted, and not observed: " + one + "\n";
    text += fmt::format("{}: {}\n", command.check, missing->empty() ? "permits all that was observed" : "the workload does what the policy refuses");
  }
  const auto printed = Print(text);
  if (!printed) return Complain(printed.error());
  return missing->empty() ? kOk : kFindings;
}

// What a policy lacks that somebody has edited since.
int PatchFor(const LearnCommand& command, driver::LearnRequest& request) {
  const auto file = TemporaryFile::Make();
  if (!file) return Complain(file.error());
  request.output = file->path();
  const auto again = driver::Relearn(request, command.onto, command.name);
  if (!again) return Complain(again.error());
  for (const std::string& one : again->kept_refused) std::fprintf(stderr, "observed, and refused by a rule of %s: %s\n", command.onto.c_str(), one.c_str());
  std::fprintf(stderr, "%s\n", again->added.empty() && again->patch.empty() ? "nothing is new" : fmt::format("{} statement{} to add; `patch -p0` applies them, `ravelin check` judges the result", again->added.size(), again->added.size() == 1 ? "" : "s").c_str());
  const auto written = command.output.empty() ? Print(again->patch) : source::WriteFile(command.output, again->patch);
  if (!written) return Complain(written.error());
  return again->patch.empty() ? kOk : kFindings;
}

// The layer sets that the policy is for, each as the language writes it; kMalformed names what is none.
Result<std::vector<std::string>> LayersFor(const LearnCommand& command, const resolve::Target& target) {
  const auto sets = command.layers.empty() ? target.layer_sets : resolve::ParseLayerSets(command.layers);
  if (sets.empty()) return Fail(ErrorCode::kMalformed, fmt::format("`{}` is no list of layer sets; an example: 'seccomp + apparmor, seccomp + selinux'", command.layers));
  std::vector<std::string> out;
  for (const std::vector<std::string>& set : sets) {
    for (const std::string& layer : set) {
      if (!resolve::HasLayer(target, layer)) return Fail(ErrorCode::kMalformed, fmt::format("the kernel of target {} has no {}", target.name, layer));
    }
    out.push_back(fmt::format("{}", fmt::join(set, " + ")));
  }
  return out;
}

// What the policy has to refuse at the end of the loop.
Result<verify::Scenario> AttacksFor(const LearnCommand& command) {
  if (command.attacks.empty()) return verify::BuiltinAttacks();
  RAVELIN_TRY(text, source::ReadFile(command.attacks));
  RAVELIN_TRY(attacks, verify::ParseScenario(text, command.attacks));
  if (attacks.attacks.empty()) return Fail(ErrorCode::kMalformed, fmt::format("{} has no attack", command.attacks));
  return attacks;
}

Result<std::optional<verify::Scenario>> ScenarioFor(const LearnCommand& command) {
  if (command.record.scenario.empty()) return std::nullopt;
  RAVELIN_TRY(text, source::ReadFile(command.record.scenario));
  return verify::ParseScenario(text, command.record.scenario);
}

// What the workload finds around it.  A scenario's own folders are empty.
generalize::System SystemFor(const LearnCommand& command, const std::optional<verify::Scenario>& scenario) {
  std::vector<std::string> roots = command.record.layers;
  roots.push_back(command.record.root);
  generalize::System system = generalize::SystemOf(roots);
  if (!scenario || scenario->folders.empty()) return system;
  const auto is_own = [own = scenario->folders](const std::string& path) { return std::any_of(own.begin(), own.end(), [&](const std::string& one) { return path == one || path.rfind(one + "/", 0) == 0; }); };
  system.listing = [all = std::move(system.listing), is_own](const std::string& folder) { return is_own(folder) ? std::vector<std::string>() : all(folder); };
  system.matches = [all = std::move(system.matches), is_own](const std::string& pattern) {
    std::vector<std::string> out = all(pattern);
    std::erase_if(out, is_own);
    return out;
  };
  return system;
}

std::optional<observe::Recording> Observations(const LearnCommand& command, const generalize::Options& options, Until& until, int& exit_code) {
  if (command.until > 0) {
    LearnCommand kept = command;
    if (kept.record.output.empty()) kept.record.output = std::filesystem::path(command.output).replace_extension(".rec");
    return RecordUntil(kept, options, until, exit_code);
  }
  observe::Recording all;
  for (const std::string& path : command.recordings) {
    auto one = observe::LoadRecording(path);
    if (!one) {
      exit_code = Complain(one.error());
      return std::nullopt;
    }
    all = observe::Merge(std::move(all), *one);
  }
  // With recordings and a workload the workload is what is verified; without, it is run and recorded.
  if (command.recordings.empty()) {
    auto recorded = RecordOrComplain(command.record, exit_code);
    if (!recorded) return std::nullopt;
    all = std::move(*recorded);
  }
  if (!command.record.output.empty()) {
    if (const auto written = observe::SaveRecording(all, command.record.output); !written) {
      exit_code = Complain(written.error());
      return std::nullopt;
    }
  }
  if (exit_code != kOk) return std::nullopt;  // a driver recorded nothing
  return all;
}

// The policy of what came at the first marker or later; in words what became of it.
Result<std::string> WriteSteady(const LearnCommand& command, driver::LearnRequest request, const generalize::Learned& whole) {
  const std::set<std::string> markers = command.markers.empty() ? generalize::UsualMarkers() : std::set<std::string>(command.markers.begin(), command.markers.end());
  auto steady = generalize::SteadyOf(request.recording, markers);
  const std::string names = fmt::format("{}", fmt::join(markers, ", "));
  if (steady.recording.runs.empty()) return Fail(ErrorCode::kEnvironment, fmt::format("no run reaches a marker ({}): --marker names the call that ends the start", names));
  const size_t runs = request.recording.runs.size();
  request.recording = std::move(steady.recording);
  request.options.name += "_steady";
  request.options.decisions.clear();
  request.output = std::filesystem::path(request.output).replace_extension(".steady.rav");
  RAVELIN_TRY(policy, driver::WritePolicy(request));
  std::set<std::string> gone;
  std::set_difference(whole.calls.begin(), whole.calls.end(), policy.learned.calls.begin(), policy.learned.calls.end(), std::inserter(gone, gone.end()));
  return fmt::format("{}: after {}, seen in {} of {} runs; {} rules, {} system calls granted; no longer: {}", request.output, names, request.recording.runs.size(), runs, policy.learned.rules.size(), policy.learned.granted_calls, gone.empty() ? "nothing" : fmt::format("{}", fmt::join(gone, ", ")));
}

}  // namespace

int Run(const LearnCommand& command) {
  const bool workload_given = !command.record.arguments.empty() || !command.record.scenario.empty();
  if (command.recordings.empty() && !workload_given) {
    Complain("a workload after `--` is needed, or --scenario FILE, or --from RECORDING");
    return kUsage;
  }
  if (command.verify && !workload_given) {
    Complain("--verify runs the workload again: give it after `--`");
    return kUsage;
  }
  if (!command.attacks.empty() && !command.verify) {
    Complain("--attacks are made on the policy that --verify ends with: give both");
    return kUsage;
  }
  if (command.until > 0 && (!workload_given || !command.recordings.empty() || (command.record.output.empty() && command.output.empty()))) {
    Complain("--until runs the workload and keeps what it recorded: give the workload after `--` (or --scenario), and --keep FILE or -o FILE; --from is for what is recorded already");
    return kUsage;
  }
  int exit_code = kOk;
  driver::LearnRequest request;
  const auto target = driver::FindTarget(command.record.common.target);
  if (!target) return Complain(target.error());
  request.target = *target;
  request.load = command.record.common.load();
  auto layers = LayersFor(command, *target);
  if (!layers) {
    Complain(layers.error().message);
    return kUsage;
  }
  request.options.layers = std::move(*layers);
  if (!command.accept.empty()) {
    const auto text = source::ReadFile(command.accept);
    if (!text) return Complain(text.error());
    auto given = driver::ReadAcceptances(*text, command.accept);
    if (!given) {
      Complain(given.error().message);
      return kUsage;
    }
    request.acceptances = std::move(*given);
  }
  if (command.verify) {
    auto attacks = AttacksFor(command);
    if (!attacks) {
      Complain(attacks.error().message);
      return kUsage;
    }
    request.attacks = std::move(*attacks);
  }
  const auto scenario = ScenarioFor(command);
  if (!scenario) return Complain(scenario.error());
  request.options.system = SystemFor(command, *scenario);
  request.options.modules = driver::StandardModules(request.load, *target);
  Until until;
  auto recording = Observations(command, request.options, until, exit_code);
  if (!recording) return exit_code;
  request.recording = std::move(*recording);
  request.options.program = driver::ProgramOf(request.recording);
  // A script is what the policy is for, not its interpreter.
  std::string begun = command.record.arguments.empty() ? "" : command.record.arguments.front();
  for (const verify::Step& step : *scenario ? (*scenario)->steps : std::vector<verify::Step>()) {
    if (step.confined && begun.empty()) begun = step.step.arguments.front();
  }
  if (!request.options.program.empty() && !begun.empty() && begun.front() == '/' && std::filesystem::path(begun).filename() != std::filesystem::path(request.options.program).filename() && !std::filesystem::is_symlink(begun)) request.options.program = begun;
  request.options.name = command.name.empty() ? driver::PolicyNameOf(request.options.program, command.recordings.empty() ? "learned" : command.recordings.front()) : command.name;
  request.output = command.output.empty() ? request.options.name + ".rav" : command.output;
  if (!command.onto.empty()) return PatchFor(command, request);
  if (!command.check.empty()) {
    // The policy of the observations goes where nobody looks: only what it permits is asked.
    const auto file = TemporaryFile::Make();
    if (!file) return Complain(file.error());
    request.output = file->path();
    int code = kEnvironment;
    const auto policy = driver::WritePolicy(request);
    const auto learned = policy ? driver::ReadPolicy(request.output, request.load, request.target) : Result<std::unique_ptr<driver::Frontend>>(tl::make_unexpected(policy.error()));
    if (!learned) {
      Complain(learned.error());
    } else {
      code = CheckDrift(command, request, (*learned)->policy.domains[0]);
      for (const std::string& one : policy->learned.incomplete) std::fprintf(stderr, "INCOMPLETE: %s\n", one.c_str());
      if (code == kOk && !policy->learned.incomplete.empty()) code = kEnvironment;
    }
    return code;
  }
  if (command.review) {
    const auto first = generalize::Generalize(request.recording, request.options);
    if (!first) return Complain(first.error());
    auto decisions = Review(*first, std::cin, std::cerr);
    if (!decisions) return Complain(decisions.error());
    request.options.decisions = std::move(*decisions);
  }
  LearnReport report;
  report.output = request.output;
  report.until = until.words;
  report.reached = until.reached;
  const auto completeness = generalize::JudgeCompleteness(request.recording, request.options);
  if (!completeness) return Complain(completeness.error());
  report.completeness = *completeness;
  if (command.verify) {
    driver::Workload workload;
    workload.command = command.record.arguments;
    workload.scenario = *scenario;
    workload.setting.layers = command.record.layers;
    workload.directory = command.record.directory;
    workload.setting.root = command.record.root;
    workload.setting.memory_mb = command.record.memory_mb;
    workload.setting.limit_ms = command.record.limit_s * 1000;
    workload.setting.host_isolation = !command.record.no_host_isolation;
    const driver::RecordAgain again = [&](unsigned round) -> Result<observe::Recording> {
      RecordCommand once = command.record;
      once.runs = 1;
      once.first_variation = 1 + round;
      int code = kOk;
      auto more = RecordOrComplain(once, code);
      if (!more || code != kOk) return Fail(ErrorCode::kEnvironment, "the workload could not be recorded once more");
      return std::move(*more);
    };
    auto loop = driver::VerifyLearned(request, workload, command.rounds, again, [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
    if (!loop) return Complain(loop.error());
    report.policy = loop->policy;
    report.loop = std::move(*loop);
  } else {
    auto policy = driver::WritePolicy(request);
    if (!policy) return Complain(policy.error());
    report.policy = std::move(*policy);
  }
  if (command.phases) {
    auto steady = WriteSteady(command, request, report.policy.learned);
    if (!steady) return Complain(steady.error());
    report.steady = std::move(*steady);
  }
  const auto front = ReadOrComplain(request.output, command.record.common, exit_code);
  if (!front) return exit_code;
  if (const auto open = driver::CountOpenFiles(front->policy.domains[0], command.record.root)) {
    report.readable = open->read;
    report.writable = open->written;
  }
  const auto printed = Print(command.record.common.json() ? LearnJson(report) : LearnText(report));
  return printed ? ExitOf(report) : Complain(printed.error());
}

}  // namespace ravelin::cli
