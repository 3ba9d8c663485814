// Gaps in plain words.
#pragma once

#include <string>
#include <vector>

#include "backends/combine/gaps.h"

namespace ravelin::driver {

// "`file { delete }` of /var/log/a by unlink(0)": one attempt that is decided differently.
std::string WitnessText(const ir::Domain& domain, const combine::Gap& gap);
// What would close the gap without accepting it, or "".
std::string TighterText(const ir::Domain& domain, const combine::Gap& gap, const std::vector<std::string>& layers);

// The acceptance of a rule's gaps in one direction on one layer set, layers in any order; nullptr: none, or the rule has no label.
const ir::GapAcceptance* AcceptanceOf(const ir::Domain& domain, const std::string& label, bool wider, const std::vector<std::string>& layers);

// By what a gap is accepted: the label of its rule ("" where it has none), or `default FACET`.
std::string AcceptanceName(const ir::Domain& domain, const combine::Gap& gap);

// The statement that accepts a gap; LABEL stands for a label that the rule lacks.
std::string AcceptLine(const std::string& label, bool wider, const std::vector<std::string>& layers);

}  // namespace ravelin::driver
