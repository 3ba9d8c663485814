// What the members of a layer set let pass together (docs/semantics.md, chapter 7).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/combine/checks.h"
#include "backends/seccomp/filter_spec.h"
#include "backends/selinux/module.h"
#include "compiler/base/result.h"
#include "compiler/ir/boxes.h"
#include "compiler/ir/policy.h"

namespace ravelin::combine {

// A permitted call that carries out something of a box.
struct Carrier {
  bool shown = true;  // false: no call shows the operation to a filter, so nothing stands in its way
  kernel::Arch arch = kernel::Arch::kX86_64;
  uint32_t number = 0;
  ir::Args args{};
};

// One domain under one target; remembers what it has computed.
class Effective {
 public:
  // `module`: what SELinux is told, whose types and labels decide there; nullptr: types follow the domain's own patterns, and what new
  // objects are labelled is not looked at.  Outlives this.
  Effective(const ir::Domain& domain, const seccomp::FilterSpec& spec, const LayerFacts& facts, const selinux::Module* module = nullptr)
      : domain_(domain), spec_(spec), facts_(facts), module_(module), apparmor_("apparmor", facts), selinux_("selinux", facts) {}

  // What the policy permits.
  Result<const ir::Boxes*> Permitted(ir::FacetId facet, int operation);
  // What a security module lets pass; nullopt where it does not ask.
  Result<std::optional<ir::Boxes>> PassedBy(std::string_view mechanism, ir::FacetId facet, int operation);
  // What every security module of the set lets pass; `mediated` tells whether one of them asks at all.
  Result<ir::Boxes> PassedByAll(const std::vector<std::string>& layers, ir::FacetId facet, int operation, bool* mediated);
  // A call that the filter permits and that carries out something of the box; nullopt: none.  An operation whose calls always ask for
  // it (open for writing) is entered by those, and others that serve it (write) work on what they opened: that tells where a gap
  // comes from.  What is to hold of everything (`never`) counts every call.
  enum class Ways { kEntrances, kAll };
  std::optional<Carrier> FindCarrier(ir::FacetId facet, int operation, const ir::Box& box, Ways ways) const;
  // True where calls show the operation to a filter.
  bool ShownToFilter(ir::FacetId facet, int operation) const;

  // What one rule makes a module let pass of an operation, be it by another operation that asks for the same permission, as far as
  // attempts in the box ask for it.
  Result<ir::Boxes> Contribution(std::string_view mechanism, const ir::Rule& rule, ir::FacetId facet, int operation, const ir::Box& in) const;
  // What the module asks of an operation's attempts; empty: nothing.
  const std::vector<Cell>& CellsOf(std::string_view mechanism, ir::FacetId facet, int operation) const { return ChecksOf(mechanism).Of(facet, operation); }
  // The permission by which the module's checks of an operation are known; "" where it asks none.
  std::string AskedOf(std::string_view mechanism, ir::FacetId facet, int operation) const;
  // Whether the module's answer depends on the attribute.
  bool Sees(std::string_view mechanism, ir::FacetId facet, int operation, const std::string& attribute) const;

  const seccomp::FilterSpec& spec() const { return spec_; }
  const LayerFacts& facts() const { return facts_; }
  const selinux::Module* module() const { return module_; }
  const ir::Domain& domain() const { return domain_; }

 private:
  const Checks& ChecksOf(std::string_view mechanism) const { return mechanism == "selinux" ? selinux_ : apparmor_; }
  Result<ir::Box> Project(const ir::Box& box, const Check& check) const;
  Result<const ir::PatternAutomaton*> Types() const;
  Result<const ir::Boxes*> Granted(std::string_view mechanism, const std::string& object, const std::string& permission);
  // SELinux: objects by the label that they get when they are made, which their directory and its transitions say.
  Result<ir::Boxes> Created(const Cell& cell);
  // Whether a line of the module, conditional or not, grants it to the domain.
  bool Allows(const std::string& type, const std::string& object_class, const std::string& permission) const;
  // Names in memory that have the type of their file system: /dev/shm, where no rule has another for them.
  Result<ir::PathSet> InMemory() const;
  bool ByCreation(std::string_view mechanism, ir::FacetId facet, int operation) const;
  Result<ir::Boxes> PassedIn(std::string_view mechanism, const Cell& cell);

  const ir::Domain& domain_;
  const seccomp::FilterSpec& spec_;
  LayerFacts facts_;
  const selinux::Module* module_;
  Checks apparmor_;
  Checks selinux_;
  std::map<std::vector<uint32_t>, ir::Boxes> permitted_;  // by the rules that decide, facet and operation's shape
  mutable std::optional<ir::PatternAutomaton> types_;  // paths that SELinux's types tell apart; made when it is first asked for
  std::map<std::vector<std::string>, ir::Boxes> granted_;  // by mechanism, object and permission
};

}  // namespace ravelin::combine
