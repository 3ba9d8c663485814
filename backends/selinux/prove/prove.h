// Whether a compiled SELinux policy permits what the policy says: exactly Up(A) and the listed base grants.
//
// Derived from the IR and the view table alone: every kind of event that the rules tell apart is decided by the clauses of
// docs/semantics.md, and what the permitted ones ask of SELinux is what must be allowed.  The artifact is read through
// libsepol from the binary, and through its file_contexts; nothing of lowering or emission takes part.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "backends/selinux/target.h"
#include "compiler/base/result.h"
#include "compiler/ir/policy.h"

namespace ravelin::selinux {

struct ArtifactText {
  std::string cil;                                 // the module's own text: which types are its own, and what must never be granted
  std::string binary;                              // kernel policy
  std::string decompiled;                          // CIL of the binary
  std::string file_contexts;                       // what is installed beside it
  std::string sorted;                              // all file_contexts as libsepol sorts them: a policy store installs them in this order
  std::set<std::string> reused = {};               // types of the host's that are said to hold nothing but paths of the rules
  std::string probe = "";                          // a type in the host's `domain` without any rule: what it is granted, the host grants to every domain
  std::map<std::string, std::string> called = {};  // types whose names in the artifact are others -> the name here
  std::set<std::string> booleans = {};             // of the policy; the binary is in the state in which it is proved
  bool standalone = false;                         // with our own base
};

// One difference, with a witness.
struct Difference {
  std::string domain;  // type
  std::string object;  // path or type
  std::string object_class;
  std::string permission;                  // or what differs otherwise
  bool missing = false;                    // asked by a permitted event and not granted; else granted and not asked
  std::string text;                        // in one line
  std::vector<std::string> patterns = {};  // where an entry of the host's wins: those that match the path
};

struct ProofResult {
  bool proved = false;
  std::vector<Difference> differences;    // at most 50
  std::vector<std::string> inconclusive;  // what could not be judged, by name; not proved if there is any
  std::vector<std::string> labels;        // new objects whose label cannot be that of their path: the witness paths
  std::vector<std::string> host_grants;   // beyond the rules: what the host grants to every domain
  size_t quadruples = 0;                  // questions asked
  size_t cells = 0;                       // sets of paths told apart
};

Result<ProofResult> Prove(const ir::Policy& policy, const ArtifactText& artifact, const TargetFacts& target);

}  // namespace ravelin::selinux
