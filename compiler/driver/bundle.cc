#include "compiler/driver/bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/base/source.h"

namespace ravelin::driver {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// What every guest mounts for itself.
bool IsTheKernels(const std::string& path) {
  constexpr const char* kOwn[] = {"/proc", "/sys", "/dev"};
  return std::any_of(std::begin(kOwn), std::end(kOwn), [&](const char* one) { return path == one || path.rfind(std::string(one) + "/", 0) == 0; });
}

std::string Below(const std::string& folder, const std::string& path) { return fs::weakly_canonical(path.front() == '/' ? fs::path(path) : fs::path(folder) / path).string(); }

void Apply(const Json& config, const std::string& folder, Workload& workload) {
  workload.setting.root = Below(folder, config.at("root").at("path"));
  const Json process = config.value("process", Json::object());
  if (workload.command.empty() && !workload.scenario) workload.command = process.value("args", std::vector<std::string>());
  workload.environment = process.value("env", std::vector<std::string>());
  if (workload.directory.empty()) workload.directory = process.value("cwd", "/");
  const Json user = process.value("user", Json::object());
  workload.user = user.value("uid", 0u);
  workload.group = user.value("gid", 0u);
  workload.setting.empty.clear();
  for (const Json& mount : config.value("mounts", Json::array())) {
    const std::string at = mount.at("destination");
    const std::string type = mount.value("type", "");
    const auto options = mount.value("options", std::vector<std::string>());
    const bool bind = type == "bind" || std::any_of(options.begin(), options.end(), [](const std::string& one) { return one == "bind" || one == "rbind"; });
    if (IsTheKernels(at)) continue;
    if (bind) workload.setting.inputs.push_back({Below(folder, mount.at("source")), at});
    else if (type == "tmpfs") workload.setting.empty.push_back(at);
  }
}

}  // namespace

Result<void> ApplyBundle(Workload& workload) {
  const std::string path = workload.setting.root + "/config.json";
  if (workload.setting.root == "/" || !fs::exists(path)) return {};
  RAVELIN_TRY(text, source::ReadFile(path));
  const std::string folder = fs::absolute(workload.setting.root).string();
  try {
    Apply(Json::parse(text), folder, workload);
  } catch (const Json::exception& error) {
    return Fail(ErrorCode::kMalformed, fmt::format("{}: {}", path, error.what()));
  }
  std::error_code ignored;
  if (!fs::is_directory(workload.setting.root, ignored)) return Fail(ErrorCode::kMalformed, fmt::format("{}: its root {} is no folder", path, workload.setting.root));
  return {};
}

}  // namespace ravelin::driver
