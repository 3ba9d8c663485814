// What a module grants as libsepol compiles it, and what policy source would ask, both by type, class and permission.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "backends/selinux/prove/decode.h"
#include "backends/selinux/prove/prove.h"
#include "backends/selinux/sepol/sepol.h"
#include "compiler/import/cil/module.h"
#include "compiler/resolve/target.h"

namespace ravelin::import::cil {

using Check = std::tuple<std::string, std::string, std::string, std::string>;  // source, type, class, permission
using CheckSet = std::set<Check>;

class Judge {
 public:
  // The module beside our base and stand-ins for the names that are not its own.  What libsepol says of it is reported.
  static std::optional<Judge> Of(source::FileId file, std::string_view text, const Module& module, diag::Sink& sink);

  const ravelin::selinux::DecodedPolicy& policy() const { return decoded_; }
  const CheckSet& granted() const { return granted_; }
  const std::string& file_contexts() const { return file_contexts_; }  // in the order in which they are installed
  // Members of an attribute, or the type itself.
  std::set<std::string> MembersOf(const std::string& name) const;

  // The sets of patterns that tell paths apart in the source, each with the type that the module gives to its paths ("": several, or none).
  std::map<std::vector<std::string>, std::string> Cells(const std::string& text) const;

  // What rules (of whole policies, as source) ask of the module's types, base grants left out; nullopt where they are no policy.
  std::optional<CheckSet> Asked(const std::string& text) const { return AskedBy(text, By::kRules); }
  std::optional<CheckSet> AskedNever(const std::string& text) const { return AskedBy(text, By::kNevers); }
  // What the base lists for such policies (9.10).
  std::optional<CheckSet> AskedAnyway(const std::string& text) const { return AskedBy(text, By::kBase); }
  // The module against whole policies, as source: every check, transition, label, port and neverallow.
  Result<ravelin::selinux::ProofResult> Prove(const std::string& text, std::string_view module) const;

 private:
  Judge() = default;
  enum class By { kRules,
                  kNevers,
                  kBase };
  std::optional<CheckSet> AskedBy(const std::string& text, By by) const;
  void FindGranted(const std::set<std::string>& sources);

  ravelin::selinux::CilPolicy compiled_;
  ravelin::selinux::DecodedPolicy decoded_;
  std::string file_contexts_;
  std::vector<ravelin::selinux::DecodedContext> contexts_;
  CheckSet granted_;
  resolve::Target target_;
};

}  // namespace ravelin::import::cil
