// What a runtime profile decides, as runc, crun and libseccomp read it.
//
// Their rules for several rules of one call (measured with libseccomp 2.5.4; it has no specification other than its source):
// a rule whose action is the default's is dropped; a rule without arguments beats every rule with arguments, and the first of
// two such rules wins; a rule that is at least as general as an earlier one and differs in its action is refused (EEXIST);
// a rule that is less general than an earlier one does nothing.  Anything else that overlaps is not decided by anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/seccomp/oci/oci.h"
#include "compiler/ir/action.h"
#include "compiler/kernel/facts.h"

namespace ravelin::seccomp {

// "SCMP_ACT_ERRNO" and its errnoRet (EPERM where none is stated) as an action; nullopt: no such action, or the number is out
// of the kernel's range.
std::optional<ir::Action> OciActionOf(std::string_view name, std::optional<uint32_t> errno_ret);
std::string_view OciActionName(ir::ActionKind kind);
std::string OciArchName(kernel::Arch arch);  // "SCMP_ARCH_X86_64"

// The container that includes and excludes are resolved for.
struct OciContainer {
  kernel::Arch arch = kernel::Arch::kX86_64;
  std::vector<std::string> capabilities;  // "CAP_NET_ADMIN"
  kernel::Version kernel{6, 1};
};
bool InForce(const OciRule& rule, const OciContainer& container);

// A rule's conditions as runtimes pass them on: all of one list must hold.  More than one list when the rule tests an
// argument twice: runtimes then make every comparison a rule of its own.
std::vector<std::vector<OciArg>> Alternatives(const OciRule& rule);
bool Holds(const OciArg& arg, const ir::Args& args);

struct OciClause {
  const OciRule* rule = nullptr;
  std::vector<OciArg> when;  // empty: always
  ir::Action action;
};
// The rules that decide one call, in the profile's order, by the rules above.  One clause without conditions, or any number
// with.
struct OciAnswer {
  std::vector<OciClause> clauses;
  std::vector<const OciRule*> dropped;                             // do nothing: equal to the default, or covered by others
  std::vector<std::pair<const OciRule*, const OciRule*>> refused;  // libseccomp refuses the second after the first
};
OciAnswer AnswerOf(const OciProfile& profile, const OciContainer& container, std::string_view name);

// nullopt: two rules of different actions match and nothing says which wins.
std::optional<ir::Action> OciDecide(const OciProfile& profile, const OciContainer& container, std::string_view name, const ir::Args& args);

}  // namespace ravelin::seccomp
