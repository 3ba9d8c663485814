// The guest's root: what the attempts need, and nothing else.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "profiler/probe/plan.h"
#include "profiler/probe/prober_image.h"

namespace ravelin::probe {
namespace {

namespace fs = std::filesystem;

// Open to everybody: whether a file's mode refuses something is not the question here.
bool Open(const fs::path& path, mode_t mode) { return chmod(path.c_str(), mode) == 0; }

Result<void> Fill(const Plan& plan, const std::string& folder) {
  std::error_code error;
  const auto failed = [&](const std::string& path) { return Fail(ErrorCode::kIo, fmt::format("{} cannot be made: {}", path, error ? error.message() : "it cannot be written")); };
  // Where the guest mounts what every guest has.
  std::vector<std::string> folders = {"/proc", "/sys", "/dev", "/tmp", "/run"};
  for (const Place& place : plan.places) folders.push_back(place.kind == Place::Kind::kFolder ? place.path : fs::path(place.path).parent_path().string());
  for (const std::string& one : folders) {
    fs::create_directories(folder + one, error);
    if (error) return failed(one);
  }
  for (const Place& place : plan.places) {
    if (place.kind == Place::Kind::kFolder) continue;
    const std::string path = folder + place.path;
    const std::string_view content = place.kind == Place::Kind::kProgram ? ProberImage() : "x\n";
    std::ofstream out(path, std::ios::binary);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    out.close();
    if (!out || !Open(path, place.kind == Place::Kind::kProgram ? 0755 : 0666)) return failed(place.path);
  }
  for (auto it = fs::recursive_directory_iterator(folder, error); !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    if (it->is_directory(error) && !Open(it->path(), 0777)) return failed(it->path().string());
  }
  return error ? failed(folder) : Result<void>();
}

}  // namespace

Result<Root> Root::Make(const Plan& plan) {
  std::error_code error;
  const fs::path place = fs::temp_directory_path(error);
  if (error) return Fail(ErrorCode::kEnvironment, "there is no place for temporary files");
  RAVELIN_TRY(own, kernels::OwnFolder::Make((place / "ravelin-probe-").string()));
  Root root(std::move(own));
  if (mkdir(root.folder().c_str(), 0700) != 0) return Fail(ErrorCode::kEnvironment, fmt::format("{} cannot be made", root.folder()));
  if (auto filled = Fill(plan, root.folder()); !filled) return tl::make_unexpected(std::move(filled.error()));
  return root;
}

}  // namespace ravelin::probe
