// What a domain permits of one operation, for the attribute values that a check sees: is there a permitted event that asks it?
//
// Rules are boxes (a set of values for each attribute); what remains of an allow when the denies are cut out is searched for
// a point.  Internal to lowering: the proof answers the same question in its own way.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "backends/selinux/module.h"
#include "backends/selinux/paths/tree.h"
#include "compiler/ir/policy.h"

namespace ravelin::selinux {

// Attributes by name.  Texts have become numbers (Vocabulary), paths the labels of cells, `owner` 0 or 1.
using Box = std::map<std::string, ir::IntervalSet>;

// All path patterns of all domains, cut into cells.
struct PathCells {
  std::vector<std::string> patterns;
  std::optional<DirectoryTree> tree;
  std::map<std::string, ir::IntervalSet> labels_of;  // pattern -> labels that hold it
  const std::vector<uint32_t>& PatternsOf(uint32_t label) const { return tree->PatternsOf(label); }

  // Directories of what may be created or removed get types of their own where they lie at least `folder_depth` deep.
  static Result<PathCells> Build(const ir::Policy& policy, int folder_depth);
};
// The directory of what a pattern matches, as a pattern; "" where the text does not show it.
std::string FolderOf(const std::string& pattern);
bool IsPathAttribute(const std::string& attribute);

// What a rule of the domain means by a peer: its own name is `self`.
std::string PeerOf(const ir::Domain& domain, const std::string& text);

// Numbers for the texts that rules state; kOther stands for all that none states.
class Vocabulary {
 public:
  static constexpr uint64_t kOther = 1u << 30;
  explicit Vocabulary(const ir::Domain& domain);
  uint64_t Number(const std::string& attribute, const std::string& text) const;  // kOther where no rule states it
  const std::map<std::string, uint64_t>& Texts(const std::string& attribute) const;

 private:
  std::map<std::string, std::map<std::string, uint64_t>> numbers_;
};

class Reach {
 public:
  Reach(const ir::Domain& domain, const PathCells& cells);

  // The rules (or the default) by which some event with values in `fixed` is permitted; nullopt: none is.
  std::optional<Places> Permits(ir::FacetId facet, int operation, const Box& fixed) const;
  // Ids of allow rules that permit some such event.
  std::vector<uint32_t> Allows(ir::FacetId facet, int operation, const Box& fixed) const;
  // The rule's constraints on attempts of one operation (clauses 2.6, 5.7).
  const Box& BoxOf(const ir::Rule& rule, ir::FacetId facet, int operation) const;
  // Rules that may match attempts of the operation on the cell (or on any, where no cell is given).
  const std::vector<const ir::Rule*>& Candidates(ir::FacetId facet, int operation, std::optional<uint32_t> cell) const;
  const Vocabulary& vocabulary() const { return vocabulary_; }
  bool DefaultPermits(ir::FacetId facet) const;
  bool DefaultPermits(ir::FacetId facet, int operation) const;
  static std::string PlaceOf(const ir::Rule& rule);

 private:
  bool Remains(Box box, const std::vector<const Box*>& denies, size_t next) const;
  std::vector<const Box*> Denies(const std::vector<const ir::Rule*>& candidates, ir::FacetId facet, int operation) const;

  const ir::Domain& domain_;
  const PathCells& cells_;
  Vocabulary vocabulary_;
  std::vector<Box> boxes_;  // by rule id
  std::vector<ir::Interval> live_;
  // By facet and operation: the rules, and by cell those of them that may match.
  std::map<std::pair<ir::FacetId, int>, std::vector<const ir::Rule*>> by_operation_;
  mutable std::map<std::tuple<ir::FacetId, int, uint32_t>, std::vector<const ir::Rule*>> by_cell_;
  mutable std::map<std::pair<uint32_t, int>, Box> without_lacking_;
};

}  // namespace ravelin::selinux
