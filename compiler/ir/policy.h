// The intermediate representation: what a policy means for one target, as sets over events.
//
// Everything a user wrote has become sets: system calls are (architecture, number, predicate on registers), attributes
// are integer sets, paths are patterns that compile to automata (compiler/ir/path_set.h).  Names, modules, conditionals and
// constants are gone; spans and provenance stay.  docs/semantics.md says what it means; oracle/decide.h decides it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/base/source.h"
#include "compiler/ir/action.h"
#include "compiler/ir/interval_set.h"
#include "compiler/ir/predicate.h"
#include "compiler/kernel/facts.h"
#include "compiler/kernel/view.h"

namespace ravelin::ir {

using FacetId = uint8_t;  // index into kernel::Facets()
inline constexpr size_t kMaxFacets = 32;
FacetId FacetOf(std::string_view name);  // RAVELIN_CHECKs that it exists
inline constexpr int kMaxOperations = 64;
using OperationSet = uint64_t;  // bit i = kernel::Facets()[facet].operations[i]

// Operations of several facets.
using Operations = std::map<FacetId, OperationSet>;

std::vector<std::string> OperationNames(FacetId facet, OperationSet operations);

// Where an item comes from: its own span, then the `use` statements that brought it in, outermost last.
struct Provenance {
  source::Span span;
  std::string place;             // "web.rav:15:3", kept so that a dump stands alone
  std::vector<std::string> via;  // "web.rav:6:3 use std::base", ...
  std::string because;
};

enum class Effect : uint8_t { kAllow,
                              kDeny,
                              kAudit,
                              kQuiet,
                              kComplain,
                              kNever };

// One system call of one architecture, under a condition.
struct CallMatch {
  kernel::Arch arch = kernel::Arch::kX86_64;
  uint32_t number = 0;
  Predicate when;
};

// A rule.  Facet `syscall`: `calls` says what it matches.  Every other facet: `operations`, `integers` and `texts`.
struct Rule {
  uint32_t id = 0;  // position in Domain::rules
  std::string label;
  Effect effect = Effect::kAllow;
  bool narrow = false;
  FacetId facet = 0;
  OperationSet operations = 0;
  std::vector<CallMatch> calls;
  // Constraints; an attribute that is absent is unconstrained.  integers: family, type, protocol, port, cmd, signal,
  // value, resource, flags, request ...; texts: path (patterns), to (patterns of names), peer, address, abstract, transition, fstype, ...
  std::map<std::string, IntervalSet> integers;
  std::map<std::string, std::vector<std::string>> texts;
  bool owner_only = false;
  std::string boolean;             // of the SELinux policy, while which is on it is in force; "": always.  Of allow rules
  bool keeps_environment = false;  // exec, domain: what runs gets its environment as it is
  Action action;                   // for kDeny: the refusal; for kAllow: kAllow or kLog
  Provenance from;
};

struct FacetDefault {
  bool stated = false;  // false: unmediated, permitted
  Action action;
  Provenance from;
};

struct GapAcceptance {
  std::string rule_label;  // or "default FACET": of what no rule speaks of and that default refuses; or "limit RESOURCE"
  bool wider = false;  // else narrower
  std::vector<std::string> layers;
  Operations bound;  // what it is accepted for; empty: whatever there is
  Provenance from;
};

// At most so much of a resource for whatever starts in the domain.
struct Limit {
  uint32_t resource = 0;  // RLIMIT_* of x86_64
  uint64_t most = 0;      // as the kernel counts it; all bits: no limit
  Provenance from;
};

std::string LimitName(const Limit& limit);  // "RLIMIT_NOFILE"

struct Domain {
  std::string name;
  std::string parent;         // of a hat or a child: another domain, which has no parent
  bool hat = false;           // a process of the parent moves into it and back
  bool has_inner = false;     // it is the parent of some domain
  std::vector<Limit> limits;  // one for a resource at most
  std::vector<std::string> attach;
  std::vector<kernel::Arch> architectures;  // entries that the filter accepts, at least one, ascending
  kernel::Version reference_kernel;
  std::vector<std::vector<std::string>> layer_sets;  // {{"seccomp", "apparmor"}, ...}
  std::array<FacetDefault, kMaxFacets> defaults;
  std::optional<FacetDefault> unknown_syscall;  // action of unknown numbers where stated
  FacetDefault foreign;                         // entries of other architectures: kill process unless stated
  std::vector<Rule> rules;
  std::vector<GapAcceptance> acceptances;
  std::vector<std::pair<std::string, std::string>> raw;  // mechanism, text
  Provenance from;
};

// The name by which mechanisms know the domain.
inline std::string QualifiedName(const Domain& domain) { return domain.parent.empty() ? domain.name : domain.parent + "//" + domain.name; }

struct Policy {
  std::string target_name;
  std::vector<Domain> domains;
};

// A decision, and why.  `rules` names the rules that decided (indices into Domain::rules); empty: a default did.
struct Decision {
  Action action;
  bool permitted() const { return Permits(action); }
  std::vector<uint32_t> rules;
  std::string reason;  // "default deny", "rule", "unknown syscall", "foreign architecture", "x32 number", "implied"
};

// True when (arch, number) is a number of x32 on x86_64: bit 30 set and not negative, or one of the 512..547 that only
// x32 has.  Such a number is never unknown and never permitted (docs/semantics.md, clause 4.4).
bool IsX32Number(kernel::Arch arch, uint32_t number);
// In the architecture's table at the domain's reference kernel.
bool IsKnown(const Domain& domain, kernel::Arch arch, uint32_t number);

}  // namespace ravelin::ir
