#include "profiler/record/mechanism.h"

#include <fmt/format.h>

#include "backends/apparmor/parser.h"
#include "backends/selinux/base/grants.h"
#include "backends/selinux/sepol/sepol.h"
#include "compiler/kernel/apparmor_features.h"
#include "compiler/kernel/selinux_facts.h"

namespace ravelin::record {
namespace {

constexpr const char* kFeatures = "6.1";  // of the guest's kernel
constexpr const char* kProfile = "ravelin-recorded";
constexpr const char* kDomain = "ravelin_recorded_t";

// Grants nothing, so that everything is said.
constexpr const char* kEmptyProfile = "profile ravelin-recorded flags=(complain) {\n}\n";

std::string EverythingIsSaid() {
  std::string out = selinux::StandaloneBase({"extended_socket_class", "nnp_nosuid_transition", "open_perms"});
  out += fmt::format("(type {0})\n(typeattributeset domain ({0}))\n", kDomain);
  for (const kernel::SelinuxClass& one : kernel::SelinuxClasses()) out += fmt::format("(allow {0} every_type ({1} (all)))\n(auditallow {0} every_type ({1} (all)))\n", kDomain, one.name);
  return out;
}

}  // namespace

Result<Mechanism> AskApparmor(kernels::Job& job) {
  RAVELIN_TRY(compiled, apparmor::RunParser(kEmptyProfile, kernel::ApparmorFeaturesText(kFeatures)));
  if (!compiled.accepted) return Fail(ErrorCode::kEnvironment, "apparmor_parser: " + compiled.message);
  job.module = kernels::Module::kApparmor;
  job.mode = kernels::Mode::kComplain;
  job.profiles.assign(compiled.binary.begin(), compiled.binary.end());
  return Mechanism{fmt::format("exec {}", kProfile), kProfile};
}

Result<Mechanism> AskSelinux(kernels::Job& job) {
  RAVELIN_TRY(compiled, selinux::CompileCil({{"recorded.cil", EverythingIsSaid()}}));
  if (!compiled.compiled) return Fail(ErrorCode::kEnvironment, "libsepol does not compile the policy that records");
  job.module = kernels::Module::kSelinux;
  job.mode = kernels::Mode::kComplain;  // what is not recorded is not refused either
  job.policy.assign(compiled.binary.begin(), compiled.binary.end());
  job.launcher = "system_u:system_r:init_t:s0";
  return Mechanism{fmt::format("system_u:system_r:{}:s0", kDomain), kDomain};
}

}  // namespace ravelin::record
