#include "profiler/record/record.h"

#include <fmt/format.h>

namespace ravelin::record {

std::vector<std::string> BlindSpots(const std::string& driver) {
  if (driver == "ptrace") return {"capabilities", "what another process asks of the workload", "calls that the C library answers without the kernel (vDSO)", "privileges that a set-user-ID program gains without a tracer"};
  return {"calls that the guest's kernel lacks or answers otherwise than the host's", "calls that the C library answers without the kernel (vDSO)", "ports and addresses, beyond what the calls name"};
}

Variation VariationOf(const Request& request, unsigned run) {
  // Letters of no meaning; the same for the same run, so that what is learned does not depend on when.
  static constexpr const char* kNames[] = {"kqzv", "wpjx", "hmyd", "tgrb", "nfcu", "xlie"};
  const char* name = kNames[run % 6];
  Variation out;
  out.number = run;
  out.temporary = fmt::format("/tmp/{}{}", name, run);
  if (request.driver == "uml") out.hostname = fmt::format("{}-{}", name, run);
  out.processes = request.driver == "uml" ? 37 * (run % 24) + 11 : 0;
  return out;
}

Result<observe::Recording> Record(const Request& request, const std::function<void(const std::string&)>& progress) {
  if (request.driver != "uml" && request.driver != "ptrace") return Fail(ErrorCode::kUnsupported, fmt::format("there is no driver `{}` (uml, ptrace)", request.driver));
  if (request.scenario && request.driver != "uml") return Fail(ErrorCode::kUnsupported, "a scenario needs a guest: --driver uml");
  observe::Recording recording;
  for (unsigned i = 0; i < request.runs; ++i) {
    const Variation variation = VariationOf(request, request.first_variation + i);
    auto run = request.driver == "uml" ? RecordInGuest(request, variation) : RecordOnHost(request, variation);
    if (!run) return tl::make_unexpected(std::move(run.error()));
    run->driver = request.driver;
    run->command = request.scenario ? "a scenario" : fmt::format("{}", fmt::join(request.command, " "));
    run->arch = "x86_64";
    run->variation["TMPDIR"] = variation.temporary;
    if (!variation.hostname.empty()) run->variation["hostname"] = variation.hostname;
    for (const std::string& blind : BlindSpots(request.driver)) run->completeness.blind.insert(blind);
    progress(fmt::format("run {} of {}: {}, {} facts", i + 1, request.runs, run->status, run->facts.size()));
    recording.runs.emplace(observe::FreshRunIdentity(), std::move(*run));
  }
  return recording;
}

}  // namespace ravelin::record
