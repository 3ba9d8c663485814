#include "profiler/record/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "profiler/kernels/own_folder.h"

namespace ravelin::record {

const std::vector<std::string>& Drivers() {
  static const std::vector<std::string> all = {"uml", "selinux", "ptrace", "notify", "bpf", "gvisor"};
  return all;
}

bool IsGuest(const std::string& driver) { return driver == "uml" || driver == "selinux"; }

bool KeepsTheHost(const std::string& driver) { return IsGuest(driver) || driver == "gvisor"; }

std::vector<std::string> BlindSpots(const std::string& driver) {
  const std::string answered = "calls that the C library answers without the kernel (vDSO)";
  if (driver == "gvisor") return {"capabilities", answered, "which calls this machine's kernel would see: gVisor's own knows fewer, and programs then take other ways; a lower bound", "what was there before an opening that may create, in folders of the sandbox's own", "folders that are links, below folders of the sandbox's own"};
  if (IsGuest(driver)) return {"calls that the guest's kernel lacks or answers otherwise than the host's", answered, "ports and addresses, beyond what the calls name"};
  std::vector<std::string> out = {"capabilities", "what another process asks of the workload", answered, "what io_uring is asked to do"};
  if (driver == "ptrace") out.emplace_back("privileges that a set-user-ID program gains without a tracer");
  if (driver == "bpf") out.emplace_back("links below names that are not opened: they are followed a moment after the call");
  if (driver != "notify") return out;
  out.emplace_back("privileges that a set-user-ID program gains without no_new_privs");
  out.emplace_back("what comes of a call: its names and their permissions are looked at before it; other failures count as success");
  out.emplace_back("what other threads write over a call's arguments in memory after they were read");
  out.emplace_back("the exec that starts the workload");
  out.emplace_back("calls that only ever read, write, send, receive or poll descriptors from 8 on; how often that was done there");
  return out;
}

namespace {

// Two recorders at the same time must not remove each other's folder: the next free name.
Result<kernels::OwnFolder> MakeFolder(const std::string& wanted) {
  for (char next = 'a';; ++next) {
    auto made = kernels::OwnFolder::MakeAt(next == 'a' ? wanted : wanted + next);
    if (made || made.error().code != ErrorCode::kNotFound || next == 'z') return made;
  }
}

}  // namespace

Variation VariationOf(const Request& request, unsigned run) {
  // Letters of no meaning; the same for the same run, so that what is learned does not depend on when.
  static constexpr const char* kNames[] = {"kqzv", "wpjx", "hmyd", "tgrb", "nfcu", "xlie"};
  const char* name = kNames[run % 6];
  Variation out;
  out.number = run;
  out.temporary = fmt::format("/tmp/{}{}", name, run);
  if (IsGuest(request.driver)) out.hostname = fmt::format("{}-{}", name, run);
  out.processes = IsGuest(request.driver) ? 37 * (run % 24) + 11 : 0;
  return out;
}

Result<observe::Recording> Record(const Request& request, const std::function<void(const std::string&)>& progress) {
  const std::vector<std::string>& drivers = Drivers();
  if (std::find(drivers.begin(), drivers.end(), request.driver) == drivers.end()) return Fail(ErrorCode::kUnsupported, fmt::format("there is no driver `{}` ({})", request.driver, fmt::join(drivers, ", ")));
  if (request.scenario && !IsGuest(request.driver)) return Fail(ErrorCode::kUnsupported, "a scenario needs a guest: --driver uml or selinux");
  observe::Recording recording;
  for (unsigned i = 0; i < request.runs; ++i) {
    Variation variation = VariationOf(request, request.first_variation + i);
    std::optional<kernels::OwnFolder> temporary;
    if (!KeepsTheHost(request.driver)) {
      RAVELIN_TRY(made, MakeFolder(variation.temporary));
      temporary.emplace(std::move(made));
      variation.temporary = temporary->path();
    }
    auto run = IsGuest(request.driver) ? RecordInGuest(request, variation) : request.driver == "gvisor" ? RecordInGvisor(request, variation) : RecordOnHost(request, variation);
    if (!run) return tl::make_unexpected(std::move(run.error()));
    if (!IsGuest(request.driver)) AddExecReads(request.root, *run);  // there the mechanism says it
    Describe(request.driver, request.scenario ? "a scenario" : fmt::format("{}", fmt::join(request.command, " ")), *run);
    run->variation["TMPDIR"] = variation.temporary;
    if (!variation.hostname.empty()) run->variation["hostname"] = variation.hostname;
    progress(fmt::format("run {} of {}: {}, {} facts", i + 1, request.runs, run->status, run->facts.size()));
    recording.runs.emplace(observe::FreshRunIdentity(), std::move(*run));
  }
  return recording;
}

void Describe(const std::string& driver, const std::string& command, observe::Run& run) {
  run.driver = driver;
  run.command = command;
  run.arch = "x86_64";
  for (const std::string& blind : BlindSpots(driver)) run.completeness.blind.insert(blind);
}

}  // namespace ravelin::record
