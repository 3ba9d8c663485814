// Folders of one job: where the guest's memory lies, what it reads, and what it may write.
#pragma once

#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/kernels/own_folder.h"

namespace ravelin::kernels {

// What a candidate for scratch folders can do.
struct ScratchPlace {
  std::string folder;
  bool usable = false;
  std::string why_not;  // "memory cannot be mapped executable there (mounted noexec)", ...
};
// /dev/shm, $TMPDIR, /tmp, in that order; a guest's memory needs executable mappings and room.
std::vector<ScratchPlace> ScratchPlaces();

// A folder of its own in the first place that is usable; removed with everything in it at the end.
class Scratch {
 public:
  static Result<Scratch> Make();

  const std::string& folder() const { return folder_.path(); }
  Result<void> Write(const std::string& name, std::string_view content) const;
  // "" where there is no such file.
  std::string Read(const std::string& name) const;

 private:
  explicit Scratch(OwnFolder folder) : folder_(std::move(folder)) {}
  OwnFolder folder_;
};

}  // namespace ravelin::kernels
