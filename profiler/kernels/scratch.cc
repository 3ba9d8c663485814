#include "profiler/kernels/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace ravelin::kernels {
namespace {

// What a trivial guest touches of its memory, and what jobs hold beside it.
constexpr uint64_t kLeastBytes = uint64_t{96} << 20;

ScratchPlace Try(const std::string& folder) {
  ScratchPlace place{folder, false, ""};
  std::string name = folder + "/ravelin.XXXXXX";
  const int file = mkstemp(name.data());
  if (file < 0) {
    place.why_not = fmt::format("no file can be made there: {}", std::strerror(errno));
    return place;
  }
  unlink(name.c_str());
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (ftruncate(file, static_cast<off_t>(page)) != 0) {
    place.why_not = fmt::format("no room: {}", std::strerror(errno));
  } else if (void* memory = mmap(nullptr, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, file, 0); memory == MAP_FAILED) {
    place.why_not = "memory cannot be mapped executable there (mounted noexec?)";
  } else {
    munmap(memory, page);
    struct statvfs room {};
    if (fstatvfs(file, &room) == 0 && uint64_t{room.f_bavail} * room.f_frsize < kLeastBytes) {
      place.why_not = fmt::format("{} MB are free, {} are needed", uint64_t{room.f_bavail} * room.f_frsize >> 20, kLeastBytes >> 20);
    } else {
      place.usable = true;
    }
  }
  close(file);
  return place;
}

}  // namespace

std::vector<ScratchPlace> ScratchPlaces() {
  std::vector<ScratchPlace> places = {Try("/dev/shm")};
  const char* chosen = std::getenv("TMPDIR");
  if (chosen != nullptr && *chosen == '/') places.push_back(Try(chosen));
  places.push_back(Try("/tmp"));
  return places;
}

Result<Scratch> Scratch::Make() {
  std::string reasons;
  for (const ScratchPlace& place : ScratchPlaces()) {
    if (!place.usable) {
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", place.folder, place.why_not);
      continue;
    }
    RAVELIN_TRY(made, OwnFolder::Make(place.folder + "/ravelin."));
    const std::string folder = made.path();
    Scratch scratch(std::move(made));
    for (const char* name : {"boot", "boot/mnt", "boot/proc", "boot/sys", "boot/host", "boot/job", "boot/dev", "out", "memory"}) {
      if (mkdir((folder + "/" + name).c_str(), 0755) != 0) return Fail(ErrorCode::kEnvironment, fmt::format("{}/{}: {}", folder, name, std::strerror(errno)));
    }
    return scratch;
  }
  return Fail(ErrorCode::kEnvironment, fmt::format("no place for a guest's memory ({}); set TMPDIR to a folder that is not mounted noexec", reasons));
}

Result<void> Scratch::Write(const std::string& name, std::string_view content) const {
  std::ofstream out(folder() + "/" + name, std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (!out) return Fail(ErrorCode::kEnvironment, fmt::format("{}/{} cannot be written", folder(), name));
  return {};
}

std::string Scratch::Read(const std::string& name) const {
  std::ifstream in(folder() + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace ravelin::kernels
