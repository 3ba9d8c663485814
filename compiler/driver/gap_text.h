// Gaps in plain words, those of one rule together.
#pragma once

#include <string>
#include <vector>

#include "backends/combine/gaps.h"

namespace ravelin::driver {

// The gaps of one rule (or of what a facet's default refuses), in one direction, of one layer set.
struct GapRow {
  std::vector<std::string> layers;
  std::optional<uint32_t> rule;  // nullopt: a default
  std::string place;             // of the rule, or `default FACET`
  std::string name;              // by which it can be accepted: the rule's label ("" where it has none), `default FACET`, or `filesystem FACET`
  bool wider = true;
  ir::Operations operations;  // all in which they differ
  ir::Operations open;        // those that no acceptance covers
  // Of the first that is open, or of the first.
  std::string reason;
  std::string witness;
  std::string tighter;    // what would close it without accepting it, or ""
  std::string acceptance;  // the place of one that covers something of it, or ""

  bool accepted() const { return open.empty(); }
};

// By layer set and reason, gaps of one reason in the order in which they were found.
std::vector<GapRow> RowsOf(const ir::Domain& domain, const std::vector<combine::Gap>& gaps);

// "`file { delete }` of /var/log/a by unlink(0)": one attempt that is decided differently.
std::string WitnessText(const ir::Domain& domain, const combine::Gap& gap);

// The acceptance that covers a gap, layers in any order; nullptr: none.
const ir::GapAcceptance* AcceptanceOf(const ir::Domain& domain, const combine::Gap& gap);

// "file { create, delete } network { bind }", as it stands after `of`; a facet alone: all that it has.
std::string OperationsText(const ir::Operations& operations);

// The statement that accepts all of it; LABEL stands for a label that the rule lacks.
std::string AcceptLine(const GapRow& row);

}  // namespace ravelin::driver
