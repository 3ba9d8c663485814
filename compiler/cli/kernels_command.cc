// kernels: what this machine can judge with.
#include <fmt/format.h>

#include "compiler/cli/commands.h"
#include "compiler/kernel/apparmor_features.h"
#include "profiler/kernels/detect.h"

namespace ravelin::cli {
namespace {

std::string FeaturesName(const std::string& text) {
  for (const std::string& set : kernel::ApparmorFeatureSets()) {
    if (text == kernel::ApparmorFeaturesText(set)) return "features of " + set;
  }
  return text.empty() ? "features unknown" : "features of no known kernel";
}

std::string Modules(const kernels::Driver& driver) {
  std::string out = "seccomp";
  for (const kernels::Module module : driver.modules) {
    out += fmt::format(", {}", kernels::ModuleName(module));
    if (module == kernels::Module::kApparmor) out += fmt::format(" ({})", FeaturesName(driver.features));
  }
  return out;
}

std::string Text(const kernels::Driver& driver) {
  std::string out = fmt::format("{:<5} {}\n", kernels::DriverName(driver.kind), driver.available ? fmt::format("Linux {}, {}; boot to halt {:.2f} s", driver.kernel, Modules(driver), driver.boot_seconds) : "not available");
  for (const kernels::Precondition& one : driver.preconditions) {
    out += fmt::format("  {:<8} {}: {}\n", one.holds ? "yes" : "no", one.what, one.detail);
    if (!one.remedy.empty()) out += fmt::format("           remedy: {}\n", one.remedy);
  }
  return out;
}

std::string Json(const kernels::Driver& driver) {
  std::string preconditions;
  for (const kernels::Precondition& one : driver.preconditions) preconditions += fmt::format("{}{{\"what\": {}, \"holds\": {}, \"detail\": {}, \"remedy\": {}}}", preconditions.empty() ? "" : ", ", json::Quote(one.what), one.holds, json::Quote(one.detail), json::Quote(one.remedy));
  std::string modules;
  for (const kernels::Module module : driver.modules) modules += fmt::format(", \"{}\"", kernels::ModuleName(module));
  return fmt::format("{{\"driver\": {}, \"available\": {}, \"kernel\": {}, \"mechanisms\": [\"seccomp\"{}], \"apparmor_features\": {}, \"boot_seconds\": {:.3f}, \"preconditions\": [{}]}}", json::Quote(kernels::DriverName(driver.kind)), driver.available, json::Quote(driver.kernel), modules, json::Quote(FeaturesName(driver.features)), driver.boot_seconds, preconditions);
}

}  // namespace

int Run(const KernelsCommand& command) {
  std::string out;
  bool any = false;
  for (const kernels::Driver& driver : kernels::Detect()) {
    any |= driver.available;
    out += command.common.json() ? (out.empty() ? "" : ", ") + Json(driver) : Text(driver);
  }
  const auto printed = Print(command.common.json() ? "[" + out + "]\n" : out);
  if (!printed) return Complain(printed.error());
  return any ? kOk : kEnvironment;
}

}  // namespace ravelin::cli
