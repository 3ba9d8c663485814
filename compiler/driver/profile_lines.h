// Which lines of an emitted AppArmor profile match an attempt.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/driver/artifact_line.h"
#include "compiler/driver/frontend.h"
#include "compiler/ir/event.h"

namespace ravelin::driver {

// Comment lines on top of the emitted file.
std::vector<std::string> ProfileHead(const Frontend& front);

// The emitted profiles of a policy, read back as text.
class ProfileLines {
 public:
  // Without lines where a rule has no words in AppArmor's language: `problem` says which.
  explicit ProfileLines(const Frontend& front);
  ~ProfileLines();
  ProfileLines(const ProfileLines&) = delete;
  ProfileLines& operator=(const ProfileLines&) = delete;

  const std::string& problem() const { return problem_; }
  // Lines of the domain's profile that grant, or refuse, a permission of a check to such an attempt, in their order.  Attributes that
  // the attempt leaves open match every line.
  std::vector<ArtifactLine> Matching(size_t domain, const ir::ObjectCheck& check, const std::string& object_class, const std::string& permission) const;

 private:
  struct Read;
  const ir::Policy& policy_;
  std::string problem_;
  std::unique_ptr<Read> read_;
};

}  // namespace ravelin::driver
