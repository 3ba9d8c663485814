// The one way to libsepol: CIL text to a kernel policy, and questions to that policy.
//
// libsepol keeps its policy, its identifiers and its log handler in global variables; all of them sit behind one mutex in
// sepol.cc.  No type of libsepol leaves that file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::selinux {

// False in a build without libsepol, where nothing here answers.
bool SepolIsBuilt();

// libsepol 3.4 writes versions up to this one (sepol/policydb/policydb.h); kernels read older ones.
inline constexpr unsigned kNewestPolicyVersion = 33;

struct CilFile {
  std::string name;
  std::string text;
};

// A message of the compiler with the places that it names ("at NAME:LINE").
struct CilMessage {
  std::string text;
  std::vector<std::pair<std::string, int>> places;
};

struct CilPolicy {
  bool compiled = false;
  std::vector<CilMessage> messages;  // why not, in order; warnings where it did
  std::string binary;                // a kernel policy
  std::string file_contexts;         // sorted as libsepol sorts them
  std::string decompiled;            // CIL of the binary: what a kernel would load, as text
};

// Error: libsepol itself failed.  A policy that does not compile is a value with compiled == false.  `host`: the files are modules
// of a distribution's policy, which declare some attributes and roles more than once.  `version`: of the binary.
Result<CilPolicy> CompileCil(const std::vector<CilFile>& files, bool host = false, unsigned version = kNewestPolicyVersion);

// One loaded policy.  Holds the mutex as long as it lives.
class PolicyQuery {
 public:
  static Result<PolicyQuery> Load(std::string_view binary);
  PolicyQuery(PolicyQuery&&) noexcept;
  PolicyQuery& operator=(PolicyQuery&&) noexcept;
  ~PolicyQuery();

  // A context's identifier; nullopt where the policy has no such context.
  std::optional<unsigned> Context(const std::string& context);
  // A class's identifier; nullopt where the policy has no such class.
  std::optional<unsigned> Class(const std::string& name) const;
  // Bit of a permission; nullopt where the class has none of that name.
  std::optional<unsigned> Permission(unsigned object_class, const std::string& name) const;
  // Permissions that type enforcement, constraints and roles together grant.
  unsigned Allowed(unsigned source, unsigned target, unsigned object_class) const;

 private:
  PolicyQuery();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ravelin::selinux
