// What a guest loads and runs for one policy.
#include <errno.h>
#include <fmt/format.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "backends/apparmor/apparmor.h"
#include "backends/apparmor/parser.h"
#include "backends/selinux/names.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/profile_lines.h"
#include "compiler/driver/verify.h"
#include "compiler/ir/path_set.h"
#include "compiler/ir/pattern.h"
#include "compiler/kernel/apparmor_features.h"
#include "profiler/kernels/labels.h"
#include "profiler/kernels/root_path.h"
#include "profiler/kernels/vm.h"

namespace ravelin::driver {
namespace {

// Debian's user-mode-linux: its AppArmor has the features of this set (a guest test compares them).
constexpr const char* kJudgeFeatures = "6.1";
// A label costs a guest about 0.05 ms, a mount less than 1; mounts are seen (EXDEV), so that small folders have none.
constexpr size_t kRegionFiles = 500;
constexpr const char* kSearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct Found {
  std::string path;      // as it is called
  std::string resolved;  // the file itself
};

Result<Found> FindProgram(const std::vector<std::string>& roots, const std::string& directory, const std::string& name) {
  std::string rest = kSearchPath;
  if (name.find('/') != std::string::npos) rest = "";
  while (true) {
    const size_t end = rest.find(':');
    const std::string candidate = name.front() == '/' ? name : (name.find('/') != std::string::npos ? directory : rest.substr(0, end)) + "/" + name;
    const std::string resolved = kernels::ResolveIn(roots, candidate);
    struct stat status {};
    if (!resolved.empty() && stat(kernels::HostPath(roots, resolved).c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 0111) != 0) return Found{candidate, resolved};
    if (end == std::string::npos) return Fail(ErrorCode::kNotFound, fmt::format("there is no program `{}` in the guest's root", name));
    rest.erase(0, end + 1);
  }
}

// Each layer alone, then the sets, each once; without a layer of another module in between the two would not be told apart.
std::vector<std::vector<std::string>> SetsOf(const ir::Domain& domain, bool deployed_alone) {
  std::vector<std::vector<std::string>> sets;
  const auto add = [&](const std::vector<std::string>& set) {
    if (std::find(sets.begin(), sets.end(), set) == sets.end()) sets.push_back(set);
  };
  for (const char* layer : {"seccomp", "apparmor", "selinux"}) {
    const bool named = std::any_of(domain.layer_sets.begin(), domain.layer_sets.end(), [&](const auto& set) { return std::find(set.begin(), set.end(), layer) != set.end(); });
    if (named && !deployed_alone) add({layer});
  }
  for (std::vector<std::string> set : domain.layer_sets) {
    std::sort(set.begin(), set.end(), [](const std::string& a, const std::string& b) { return (a == "seccomp") != (b == "seccomp") ? a == "seccomp" : a < b; });
    add(set);
  }
  return sets;
}

bool Names(const std::vector<std::vector<std::string>>& sets, const std::string& layer) {
  return std::any_of(sets.begin(), sets.end(), [&](const auto& set) { return std::find(set.begin(), set.end(), layer) != set.end(); });
}

std::string FileContext(const std::string& type) { return fmt::format("{}:{}:{}:s0", selinux::kUser, selinux::kObjectRole, type); }
std::string ProcessContext(const std::string& type) { return fmt::format("{}:{}:{}:s0", selinux::kUser, selinux::kRole, type); }

class Preparation {
 public:
  Preparation(Frontend& front, size_t domain, const Workload& workload) : front_(front), domain_(front.policy.domains[domain]), workload_(workload), root_(workload.setting.root == "/" ? "" : workload.setting.root) {}

  Result<std::optional<verify::Request>> Run() {
    request_.layer_sets = SetsOf(domain_, workload_.deployed_alone);
    request_.setting = workload_.setting;
    request_.expect.output = workload_.compare_output;
    if (auto placed = workload_.scenario ? Play(*workload_.scenario) : Place(); !placed) return tl::make_unexpected(std::move(placed.error()));
    RAVELIN_TRY(good, Artifacts());
    if (!good || front_.sink.HasErrors()) return std::optional<verify::Request>();
    return std::optional(std::move(request_));
  }

 private:
  Result<void> Place() {
    std::string directory = workload_.directory;
    if (directory.empty() && root_.empty()) {
      char here[PATH_MAX];
      if (getcwd(here, sizeof here) != nullptr) directory = here;
    }
    if (directory.empty()) directory = "/";
    for (const std::string& empty : workload_.setting.empty) {  // these are the guest's own; where one works stays visible
      if (directory.rfind(empty + "/", 0) == 0 && root_.empty()) request_.setting.inputs.push_back({directory, directory});
    }
    verify::Step step;
    step.confined = true;
    step.may_fail = true;
    step.step.arguments = workload_.command;
    step.step.environment = workload_.environment;
    if (step.step.environment.empty()) step.step.environment = {fmt::format("PATH={}", kSearchPath), "HOME=/root", "LANG=C", "TERM=dumb", "USER=root"};
    step.step.directory = directory;
    step.step.user = workload_.user;
    step.step.group = workload_.group;
    return Add(std::move(step));
  }

  Result<void> Play(const verify::Scenario& scenario) {
    request_.folders = scenario.folders;
    request_.files = scenario.files;
    request_.modules = scenario.modules;
    request_.expect.output = scenario.compare_output && workload_.compare_output;
    for (const verify::Step& step : scenario.steps) {
      if (auto added = Add(step); !added) return added;
    }
    return {};
  }

  Result<void> Add(verify::Step step) {
    if (step.confined) {
      RAVELIN_TRY(program, ProgramOf(step));
      step.step.program = program.path;
      programs_.insert(program.resolved);
      if (!domain_.attach.empty()) {
        RAVELIN_TRY(attached, ir::PathSet::ParseAny(domain_.attach));
        if (!attached.Contains(program.resolved)) return Fail(ErrorCode::kUnsupported, fmt::format("policy {} is for {}, and the workload begins with {}", domain_.name, fmt::join(domain_.attach, ", "), program.resolved));
      }
    }
    request_.steps.push_back(std::move(step));
    return {};
  }

  // A program that the guest makes for itself is there, too.
  Result<Found> ProgramOf(const verify::Step& step) const {
    const std::string& name = step.step.arguments.front();
    for (const kernels::File& file : request_.files) {
      if (file.path == name) return Found{name, name};
    }
    return FindProgram(verify::RootsOf(request_), step.step.directory, name);
  }

  // Paths that rules name one by one.
  std::set<std::string> Literals() const {
    std::set<std::string> out;
    for (const ir::Domain& domain : front_.policy.domains) {
      for (const ir::Rule& rule : domain.rules) {
        const auto paths = rule.texts.find("path");
        for (const std::string& path : paths == rule.texts.end() ? std::vector<std::string>() : paths->second) {
          if (ir::IsLiteral(path)) out.insert(path);
        }
      }
    }
    return out;
  }

  // Contexts of files whose names some domain may change.
  static std::set<std::string> Moved(const selinux::Module& module) {
    std::set<std::string> out;
    const auto add = [&](const std::map<selinux::Access, selinux::Allowed>& allows) {
      for (const auto& [access, allowed] : allows) {
        for (const char* permission : {"create", "link", "rename", "unlink", "rmdir", "reparent", "add_name", "remove_name"}) {
          if (allowed.permissions.count(permission) == 0) continue;
          out.insert(FileContext(access.target));
          if (access.target == selinux::RestFiles(module.name)) out.insert(FileContext("default_t"));
        }
      }
    };
    add(module.allows);
    for (const auto& [boolean, allows] : module.conditional) add(allows);
    return out;
  }

  // Labels by path, the top layer's first; then what the guest makes for itself.
  Result<std::map<std::string, std::string>> Labels(const std::string& file_contexts, std::set<std::string> moved) {
    std::map<std::string, std::string> out;
    RAVELIN_TRY(labels, kernels::PathLabels::Parse(file_contexts));
    request_.artifacts.default_label = labels.DefaultContext();
    kernels::Tree root{.from = verify::RootsOf(request_), .covered = request_.setting.empty, .unnamed = FileContext("default_t")};
    root.covered.insert(root.covered.end(), request_.folders.begin(), request_.folders.end());
    if (request_.setting.machine.driver == kernels::DriverKind::kUml) root.region_files = kRegionFiles;
    root.moved = std::move(moved);
    RAVELIN_TRY(tree, kernels::LabelTree(labels, root));
    request_.artifacts.regions = std::move(tree.regions);
    for (kernels::PathLabel& label : tree.labels) out.emplace(std::move(label.path), std::move(label.context));
    for (const kernels::Input& input : request_.setting.inputs) {
      RAVELIN_TRY(seen, kernels::LabelTree(labels, {.from = {input.from}, .at = input.at}));
      for (kernels::PathLabel& label : seen.labels) out.emplace(std::move(label.path), std::move(label.context));
    }
    for (verify::Step& step : request_.steps) {
      if (step.step.kind != kernels::Step::Kind::kRelabel) continue;
      step.step.context = labels.ContextOf(step.step.path + "/relabelled");
      if (step.step.context.empty()) step.step.context = FileContext("default_t");
      for (const std::string& path : Literals()) {  // and names that a rule names keep theirs
        if (path.rfind(step.step.path + "/", 0) != 0) continue;
        if (std::string context = labels.ContextOf(path); !context.empty()) out.emplace(path, std::move(context));
      }
    }
    std::vector<std::string> made = request_.folders;
    for (const kernels::File& file : request_.files) made.push_back(file.path);
    for (const std::string& path : made) {
      for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string part = path.substr(0, end);
        if (std::string context = labels.ContextOf(part); !context.empty()) out.emplace(part, std::move(context));
        if (end == std::string::npos) break;
      }
    }
    return out;
  }

  Result<bool> Artifacts() {
    CompileOptions options;
    options.facts = FactsOf(front_.target);
    options.gaps = workload_.gaps;
    options.oci = workload_.setting.machine.driver == kernels::DriverKind::kGvisor;
    const auto module = LowerSelinux(front_, selinux::Form::kStandalone, front_.sink);
    options.module = module ? &*module : nullptr;
    const auto filter = CompileSeccomp(front_.policy, domain_, options, front_.sink);
    if (!filter) return false;
    request_.artifacts.runtime_profile = filter->oci;
    if (options.oci) AnswersOfGvisor();
    for (const seccomp::Instruction& instruction : filter->filter.program) {
      request_.artifacts.filter.append(reinterpret_cast<const char*>(&instruction), sizeof instruction);
      const uint32_t answer = instruction.k & SECCOMP_RET_ACTION_FULL;
      if (instruction.code == (BPF_RET | BPF_K) && (answer == SECCOMP_RET_USER_NOTIF || answer == SECCOMP_RET_TRACE)) request_.artifacts.filter_doubt = "the filter leaves calls to a supervisor (notify, trace), and the guest has none";
    }
    if (Names(request_.layer_sets, "apparmor")) {
      RAVELIN_TRY(good, Profiles());
      if (!good) return false;
    }
    if (Names(request_.layer_sets, "selinux")) return Policy();
    return true;
  }

  // What its kernel cannot answer: any errno but EPERM, and records.
  void AnswersOfGvisor() {
    const auto look = [&](const ir::Action& action, const std::string& place) {
      if (action.kind == ir::ActionKind::kErrno && action.data != EPERM) request_.artifacts.other_answers.push_back(fmt::format("{} `{}`", place, FormatAction(action)));
      if (action.kind == ir::ActionKind::kLog) request_.artifacts.filter_doubt = fmt::format("gVisor refuses a profile that logs: {}", place);
    };
    for (const ir::Rule& rule : domain_.rules) {
      if (rule.effect != ir::Effect::kNever) look(rule.action, rule.from.place);
    }
    for (const ir::FacetDefault& one : domain_.defaults) {
      if (one.stated) look(one.action, one.from.place);
    }
    if (domain_.unknown_syscall) look(domain_.unknown_syscall->action, domain_.unknown_syscall->from.place);
    auto& all = request_.artifacts.other_answers;
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }

  // The newest set that the kernel, by its version, can have.
  Result<std::string> JudgeFeatures() {
    if (workload_.setting.machine.driver == kernels::DriverKind::kHost) return front_.target.apparmor_features;
    std::string found = kJudgeFeatures;
    if (workload_.setting.machine.driver != kernels::DriverKind::kVm) return found;
    RAVELIN_TRY(kernel, kernels::FindKernelImage(workload_.setting.machine.kernel_image));
    const auto version = kernel::ParseVersion(kernel.release);
    for (const std::string& set : kernel::ApparmorFeatureSets()) {
      if (version && *kernel::ParseVersion(set) <= *version && *kernel::ParseVersion(found) <= *kernel::ParseVersion(set)) found = set;
    }
    return found;
  }

  Result<bool> Profiles() {
    RAVELIN_TRY(profiles, CompileApparmor(front_, front_.sink));  // for the target: proved
    if (!profiles) return false;
    std::string text = profiles->text;
    // This machine judges for the target that it is; a guest has features of its own.
    RAVELIN_TRY(judge, JudgeFeatures());
    if (front_.target.apparmor_features != judge) {  // and for the judge, which could not load the other
      RAVELIN_TRY(judged, apparmor::Compile(front_.policy, {judge}, ProfileHead(front_)));
      text = judged.text;
    }
    RAVELIN_TRY(compiled, apparmor::RunParser(text, kernel::ApparmorFeaturesText(judge)));
    if (!compiled.accepted) return Fail(ErrorCode::kMalformed, "apparmor_parser rejects what it accepted before: " + compiled.message);
    request_.artifacts.profiles.assign(compiled.binary.begin(), compiled.binary.end());
    request_.artifacts.profile = apparmor::ProfileName(domain_);
    for (const ir::Domain& domain : front_.policy.domains) {
      request_.artifacts.subjects.push_back(ir::QualifiedName(domain));
      if (ir::QualifiedName(domain).find("//") == std::string::npos) request_.artifacts.profile_names.push_back(apparmor::ProfileName(domain));
    }
    return true;
  }

  Result<bool> Policy() {
    RAVELIN_TRY(module, CompileSelinux(front_, selinux::Form::kStandalone, nullptr, front_.sink));
    if (!module) return false;
    verify::Artifacts& out = request_.artifacts;
    out.policy = module->binary;
    out.launcher = ProcessContext(selinux::kLauncher);
    RAVELIN_TRY(labels, Labels(module->file_contexts, Moved(module->module)));
    for (const selinux::DomainTypes& types : module->module.domains) {
      out.subjects.push_back(types.type);
      if (types.name != domain_.name) continue;
      out.context = ProcessContext(types.type);
      if (types.attached) continue;
      // The program that starts an unattached policy is labelled as INSTALL.md tells to.
      for (const std::string& program : programs_) labels[program] = FileContext(types.entry_type);
    }
    for (auto& [path, context] : labels) out.labels.push_back({path, context});
    return true;
  }

  Frontend& front_;
  const ir::Domain& domain_;
  const Workload& workload_;
  const std::string root_;  // "" for this machine's
  std::set<std::string> programs_;  // of confined steps, resolved
  verify::Request request_;
};

}  // namespace

Result<std::optional<verify::Request>> PrepareVerification(Frontend& front, size_t domain, const Workload& workload) { return Preparation(front, domain, workload).Run(); }

}  // namespace ravelin::driver
