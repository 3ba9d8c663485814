// Attempts of an operation, made concrete and decided (docs/semantics.md, chapters 5 and 10): what judging tests and explaining
// events share.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backends/seccomp/filter_spec.h"
#include "compiler/ir/event.h"
#include "compiler/ir/policy.h"

namespace ravelin::driver {

// How the calls that carry an operation out fare on one architecture.
struct Carriers {
  bool shown = false;  // some call shows the operation
  std::optional<ir::Event> permitted;
  std::optional<ir::Event> refused;
};

// "file { read } on /etc/shadow", as a line of a test would say it.
std::string ShowCheck(kernel::Arch arch, const ir::ObjectCheck& check);

// One domain; remembers the calls that it has looked for.
class Attempts {
 public:
  explicit Attempts(const ir::Domain& domain);

  const seccomp::FilterSpec& spec() const { return spec_; }

  // An attempt of the call within `box` that gets such an action; the oracle confirms it.
  std::optional<ir::Event> Find(kernel::Arch arch, uint32_t number, const ir::Predicate& box, const std::function<bool(ir::Action)>& such) const;
  // 10.2: one attempt for every value that some rule tells from another, for what the line leaves open.  Nothing where there are more
  // than kMostChecks.
  static constexpr size_t kMostChecks = 20000;
  std::optional<std::vector<ir::ObjectCheck>> Checks(const ir::Rule& box, int operation) const;
  // 5.2, and for exec what becomes of the process (10.6), which is put into `check`.
  ir::Decision DecideObject(ir::ObjectCheck& check) const;
  // A rule that would match if the check had some value of a text attribute that the line leaves open.
  const ir::Rule* Undetermined(const ir::ObjectCheck& check, ir::Effect effect) const;
  // 10.5: the calls that carry the operation out with these attributes.
  const Carriers& CarriersOf(kernel::Arch arch, const ir::ObjectCheck& check);

 private:
  ir::Predicate Answered(kernel::Arch arch, uint32_t number, const std::function<bool(ir::Action)>& such) const;
  bool Applies(ir::FacetId facet, int operation, const std::string& attribute) const;

  const ir::Domain& domain_;
  const seccomp::FilterSpec spec_;
  std::map<std::string, Carriers> carriers_;
};

}  // namespace ravelin::driver
