// run: a command under a policy.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <map>

#include "backends/seccomp/run/run.h"
#include "compiler/cli/commands.h"
#include "compiler/driver/explain.h"
#include "compiler/oracle/decide.h"

namespace ravelin::cli {
namespace {

// What shells answer with when a command cannot be started.
constexpr int kNotFound = 127;
constexpr int kNotExecutable = 126;
constexpr size_t kMostShown = 1000;  // different denials; the rest is counted

// Denials, equal ones counted, in the order of their first appearance.
class Denials {
 public:
  explicit Denials(const ir::Domain& domain) : domain_(domain) {}

  void Add(const seccomp::Refusal& refusal) {
    // Addresses differ from run to run and say nothing: what they point to does, where it is known.
    std::string key = fmt::format("{}:{}:{}", refusal.event.audit_arch, refusal.event.number, refusal.command);
    const kernel::Syscall* call = CallOf(refusal.event);
    for (size_t i = 0; i < refusal.event.args.size(); ++i) {
      const bool pointer = call != nullptr && i < call->params.size() && call->params[i].type == kernel::ArgType::kPtr;
      const bool counts = call == nullptr || !call->signature_known || i < call->params.size();
      if (counts) key += pointer ? ":" + refusal.texts[i] : fmt::format(":{:x}", refusal.event.args[i]);
    }
    const auto [at, fresh] = index_.try_emplace(std::move(key), shown_.size());
    if (!fresh) {
      if (at->second < shown_.size()) ++shown_[at->second].count;
      return;
    }
    if (shown_.size() == kMostShown) {
      index_.erase(at);
      ++left_out_;
      return;
    }
    const std::string process = refusal.process == 0 ? "" : fmt::format("{}[{}]", refusal.command, refusal.process);
    shown_.push_back({refusal.event, oracle::DecideCall(domain_, refusal.event), process, 1, refusal.texts});
  }

  bool empty() const { return shown_.empty(); }

  std::string Report(const source::SourceManager& sources) const {
    if (shown_.empty()) return "ravelin: nothing was denied\n";
    std::string out;
    for (const driver::Denial& denial : shown_) out += driver::FormatDenial(domain_, denial, sources);
    if (left_out_ > 0) out += fmt::format("... and {} more\n", left_out_);
    return out;
  }

 private:
  static const kernel::Syscall* CallOf(const ir::Event& event) {
    for (const kernel::Arch arch : kernel::kFilterArches) {
      if (kernel::AuditArch(arch) == event.audit_arch) return kernel::FindSyscall(arch, event.number);
    }
    return nullptr;
  }

  const ir::Domain& domain_;
  std::map<std::string, size_t> index_;
  std::vector<driver::Denial> shown_;
  size_t left_out_ = 0;
};

// The filter must accept the calls of this machine, or the command would be killed at once.
bool AcceptsThisMachine(const ir::Domain& domain) {
  utsname names{};
  if (uname(&names) != 0) return false;
  const auto arch = kernel::ArchFromName(names.machine);
  if (arch && std::find(domain.architectures.begin(), domain.architectures.end(), *arch) != domain.architectures.end()) return true;
  Complain(fmt::format("policy {} does not accept this machine's architecture, {}", domain.name, names.machine));
  return false;
}

// A policy file and its filter.
struct Compiled {
  std::unique_ptr<driver::Frontend> front;
  const ir::Domain* domain = nullptr;
  seccomp::Program program;
};

std::optional<Compiled> CompileFor(const RunCommand& command, const std::string& input, int& exit_code) {
  Compiled out;
  out.front = ReadOrComplain(input, command.common, exit_code);
  if (!out.front) return std::nullopt;
  const auto index = PickDomain(*out.front, input == command.input ? command.policy : "");
  exit_code = kUsage;
  if (!index) return std::nullopt;
  out.domain = &out.front->policy.domains[*index];
  exit_code = kFindings;
  if (!AcceptsThisMachine(*out.domain)) return std::nullopt;
  auto artifact = driver::CompileSeccomp(out.front->policy, *out.domain, {}, out.front->sink);
  if (!artifact) {
    ShowDiagnostics(out.front->sink, out.front->sources, command.common);
    return std::nullopt;
  }
  out.program = std::move(artifact->filter.program);
  exit_code = kOk;
  return out;
}

std::optional<std::vector<uint32_t>> MarkersOf(const RunCommand& command) {
  utsname names{};
  const auto arch = uname(&names) == 0 ? kernel::ArchFromName(names.machine) : std::nullopt;
  std::vector<uint32_t> out;
  for (const std::string& name : command.markers.empty() ? std::vector<std::string>{"accept", "accept4"} : command.markers) {
    const kernel::Syscall* call = arch ? kernel::FindSyscall(*arch, name) : nullptr;
    if (call == nullptr) {
      Complain(fmt::format("--marker {}: this machine has no such system call", name));
      return std::nullopt;
    }
    out.push_back(call->number);
  }
  return out;
}

}  // namespace

int Run(const RunCommand& command) {
  int exit_code = kOk;
  const auto policy = CompileFor(command, command.input, exit_code);
  if (!policy) return exit_code;
  seccomp::RunRequest request;
  request.program = policy->program;
  request.arguments = command.arguments;
  std::optional<Compiled> steady;
  if (!command.steady.empty()) {
    steady = CompileFor(command, command.steady, exit_code);
    if (!steady) return exit_code;
    auto markers = MarkersOf(command);
    if (!markers) return kUsage;
    request.steady = {steady->program, std::move(*markers)};
  }
  Denials denials(*policy->domain);
  Denials later(steady ? *steady->domain : *policy->domain);
  if (command.trace_denials) request.on_refusal = [&](const seccomp::Refusal& refusal) { (refusal.steady ? later : denials).Add(refusal); };
  const auto result = seccomp::RunConfined(request);
  if (!result) {
    Complain(result.error().message);
    return result.error().code == ErrorCode::kNotFound ? kNotFound : result.error().code == ErrorCode::kPermission ? kNotExecutable : kEnvironment;
  }
  if (command.trace_denials) {
    if (!steady || !denials.empty()) std::fputs(denials.Report(policy->front->sources).c_str(), stderr);
    if (steady) std::fputs(("ravelin: from the marker on\n" + later.Report(steady->front->sources)).c_str(), stderr);
  } else if (result->bad_system_call) {
    Complain("the command was ended for a call that the policy answers by killing; `--trace-denials` shows it");
  } else if (result->exit_code != 0) {
    Complain(fmt::format("the command ended with status {}; `--trace-denials` shows what the policy refused", result->exit_code));
  }
  return result->exit_code;
}

}  // namespace ravelin::cli
