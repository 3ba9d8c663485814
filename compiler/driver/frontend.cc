#include "compiler/driver/frontend.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>

#include "compiler/driver/library.h"
#include "compiler/kernel/apparmor_features.h"

namespace ravelin::driver {
namespace {

Result<resolve::Target> ProbeHost() {
  utsname names{};
  if (uname(&names) != 0) return Fail(ErrorCode::kEnvironment, "this machine does not say what it is (uname)");
  resolve::Target target;
  target.name = "host";
  target.description = fmt::format("this machine, Linux {}", names.release);
  const auto arch = kernel::ArchFromName(names.machine);
  if (!arch) return Fail(ErrorCode::kEnvironment, fmt::format("the architecture `{}` is not supported", names.machine));
  target.arch = *arch;
  const auto version = kernel::ParseVersion(names.release);
  if (!version) return Fail(ErrorCode::kEnvironment, fmt::format("the kernel's version `{}` cannot be read", names.release));
  target.kernel = *version;
  if (access("/proc/self/ns/user", F_OK) == 0) target.features.insert("userns");
  if (access("/proc/sys/kernel/seccomp/actions_avail", F_OK) == 0) target.features.insert("seccomp_user_notify");
  target.layer_sets = {{"seccomp"}};
  // Where securityfs is not mounted, or the modules are not said, nothing is known of them: neither is relied on.
  target.modules.clear();
  const auto lsm = source::ReadFile("/sys/kernel/security/lsm", 4096);
  for (const char* name : {"apparmor", "selinux"}) {
    const bool listed = lsm && lsm->find(name) != std::string::npos;
    if (!listed && access(fmt::format("/sys/module/{}", name).c_str(), F_OK) != 0 && access(fmt::format("/sys/fs/{}/enforce", name).c_str(), F_OK) != 0) continue;
    target.modules.insert(name);
    target.features.insert(name);
    target.layer_sets = {{name, "seccomp"}};
  }
  // The newest set of AppArmor features that is not newer than the kernel: what it can mediate beyond it, profiles do not state.
  for (const std::string& set : kernel::ApparmorFeatureSets()) {
    const auto from = kernel::ParseVersion(set);
    const auto best = kernel::ParseVersion(target.apparmor_features);
    if (from && best && *from <= target.kernel && (*best > target.kernel || *from > *best)) target.apparmor_features = set;
  }
  if (const auto version = source::ReadFile("/sys/fs/selinux/policyvers", 64)) target.selinux_policy_version = static_cast<unsigned>(std::strtoul(version->c_str(), nullptr, 10));
  if (target.modules.count("selinux") != 0) {
    std::set<std::string> stated;
    for (const std::string& capability : target.selinux_policy_capabilities) {
      const auto value = source::ReadFile("/sys/fs/selinux/policy_capabilities/" + capability, 16);
      if (value && value->rfind('1', 0) == 0) stated.insert(capability);
    }
    if (access("/sys/fs/selinux/policy_capabilities", F_OK) == 0) target.selinux_policy_capabilities = std::move(stated);
  }
  return target;
}

void Finish(resolve::Program program, const resolve::Target& target, Frontend& front) {
  front.target = target;
  front.program = std::move(program);
  const resolve::Resolved resolved = resolve::Resolve(front.program, front.sources, target, front.sink);
  front.policy = resolve::Build(resolved, front.sources, front.sink);
  front.tests = resolve::BuildTests(resolved, front.policy, front.sources, front.sink);
}

}  // namespace

Result<resolve::Target> FindTarget(const std::string& name) {
  if (name == "host") return ProbeHost();
  if (name.find('/') == std::string::npos && name.find(".target") == std::string::npos) {
    auto target = resolve::BuiltinTarget(name);
    if (target || target.error().code != ErrorCode::kNotFound) return target;
    const std::vector<std::string> names = resolve::BuiltinTargets();
    const std::string hint = diag::DidYouMean(name, {names.begin(), names.end()});
    return Fail(ErrorCode::kNotFound, fmt::format("unknown target `{}`: {}", name, hint.empty() ? fmt::format("built in are {} and host; a descriptor file is named by its path", fmt::join(names, ", ")) : hint));
  }
  RAVELIN_TRY(text, source::ReadFile(name, size_t{1} << 20));
  auto target = resolve::ParseTarget(text, name);
  if (!target) return tl::make_unexpected(std::move(target.error()).In(name));
  return target;
}

Result<std::unique_ptr<Frontend>> ReadPolicy(const std::string& path, const LoadOptions& options, const resolve::Target& target) {
  auto front = std::make_unique<Frontend>();
  RAVELIN_TRY(program, Load(path, options, front->sources, front->sink));
  Finish(std::move(program), target, *front);
  return front;
}

std::unique_ptr<Frontend> ReadPolicyText(const std::string& name, std::string text, const LoadOptions& options, const resolve::Target& target) {
  auto front = std::make_unique<Frontend>();
  Finish(LoadText(name, std::move(text), options, front->sources, front->sink), target, *front);
  return front;
}

combine::LayerFacts FactsOf(const resolve::Target& target) { return {target.apparmor_features, target.kernel, target.selinux_policy_capabilities}; }

}  // namespace ravelin::driver
