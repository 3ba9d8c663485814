// The layers' part of explaining an attempt.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/combine/effective.h"
#include "compiler/driver/attempts.h"
#include "compiler/driver/frontend.h"
#include "compiler/driver/module_lines.h"
#include "compiler/driver/profile_lines.h"
#include "compiler/ir/event.h"

namespace ravelin::driver {

// kDepends: on what the event leaves open.  kUnknown: the layer has no back end in this build.
enum class LayerVerdict { kPermits, kRefuses, kDepends, kUnseen, kUnknown };
std::string_view LayerVerdictText(LayerVerdict verdict);  // "permits", "refuses", "depends", "does not see it", "unknown"

struct LayerAnswer {
  std::string layer;
  LayerVerdict verdict = LayerVerdict::kUnseen;
  std::string asks;                // "file { r }": what the layer asks of the attempt; seccomp: the call
  std::string because;             // one line
  std::vector<std::string> lines;  // of the emitted artifact, that decide
  std::optional<ir::Event> call;   // seccomp: the call whose answer decides
};

struct SetAnswer {
  std::vector<std::string> layers;
  std::vector<LayerAnswer> members;
  LayerVerdict effective = LayerVerdict::kUnknown;
  std::string gap;       // why it is not what the policy says; "" where it is
  std::string accepted;  // "web.rav:9:3": an acceptance of that gap
};

// What each layer does about an attempt, and what a layer set does together.
class Layers {
 public:
  // `attempts` must outlive it.
  Layers(const Frontend& front, size_t domain, Attempts& attempts);
  ~Layers();

  // `object`, `permitted`: whether the policy permits the object check, and the attempt.
  Result<SetAnswer> OfSet(const std::vector<std::string>& layers, const ir::ObjectCheck& check, bool object, bool permitted);
  Result<SetAnswer> OfCall(const std::vector<std::string>& layers, const ir::Event& event, kernel::Arch arch, const kernel::Syscall& call);

 private:
  LayerAnswer OfFilter(const ir::ObjectCheck& check, const ir::Box& box, bool object);
  Result<LayerAnswer> OfModule(const std::string& layer, const ir::ObjectCheck& check, ir::Box box);
  void OfModuleLines(const ir::ObjectCheck& check, const std::vector<const combine::Cell*>& cells, LayerAnswer& answer);
  void OfProfile(const ir::ObjectCheck& check, LayerAnswer& answer);

  const Frontend& front_;
  size_t index_;
  const ir::Domain& domain_;
  Attempts& attempts_;
  std::optional<selinux::Module> module_;  // whose types `effective_` goes by
  combine::Effective effective_;
  std::unique_ptr<ModuleLines> lines_;
  std::unique_ptr<ProfileLines> profile_;  // made when it is first asked for
};

}  // namespace ravelin::driver
