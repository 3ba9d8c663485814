// The kinds of event that a domain's rules tell apart, and which of them are permitted.  Internal to the proof.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backends/selinux/paths/tree.h"
#include "backends/selinux/prove/decode.h"
#include "compiler/ir/policy.h"

namespace ravelin::selinux {

// Paths that patterns and file_contexts tell apart.
struct PathKind {
  std::vector<uint32_t> patterns;  // that match, ascending
  std::string type;                // by file_contexts of the module; "" without an entry
  std::string host;                // the host's entry that wins against it somewhere, and its type
  std::string witness;
  std::string reused = "";  // a type of the host's that is said to hold our paths only, and holds this one for some kind of file
};

struct World {
  std::vector<std::string> patterns;
  std::map<std::string, uint32_t> pattern_index;
  std::vector<PathKind> kinds;
  std::map<uint32_t, uint32_t> kind_of_label;  // of `tree`
  std::optional<DirectoryTree> tree;
  std::vector<std::string> file_labels;  // types that file and exec rules name
  std::vector<std::string> peers;        // "self", "outside", domains, "label:..."

  static Result<World> Build(const ir::Policy& policy, const std::vector<DecodedContext>& contexts, const std::set<std::string>& reused);
};

// Values of one attribute that no rule and no row tells apart are one atom.
struct Atoms {
  std::vector<ir::Interval> numbers;       // of an integer attribute
  std::vector<std::string> texts;          // of a text attribute; "" stands for every other text
  std::vector<std::vector<bool>> matches;  // by rule of the facet: which atoms it takes; empty: all
  std::vector<std::vector<uint32_t>> kinds;  // of a path attribute: the kinds of path of each
  size_t size() const { return numbers.empty() ? texts.size() : numbers.size(); }
};

class FacetEvents {
 public:
  FacetEvents(const ir::Domain& domain, ir::FacetId facet, const World& world);

  // What an event is about, as far as it is about a path: a kind of path, or a type that stands for itself.
  struct Object {
    uint32_t kind = 0;
    std::string label;            // "" : the one of the kind
    std::vector<uint32_t> rules;  // of the facet that match it, positions in rules()
  };
  using Values = std::map<std::string, size_t>;  // attribute -> atom

  // Calls `take` for each object and each combination of atoms of `seen` for which some event of the operation is permitted.
  void ForEach(int operation, bool by_object, const std::vector<std::string>& seen, const std::function<void(const Object&, const Values&)>& take) const;
  const Atoms& AtomsOf(const std::string& attribute) const { return atoms_.at(attribute); }
  const std::vector<const ir::Rule*>& rules() const { return rules_; }
  // Rules that permit some event of the operation on the object.
  std::vector<const ir::Rule*> Permitting(int operation, const Object& object) const;

 private:
  void AddIntegers(const std::string& attribute);
  void AddTexts(const std::string& attribute);
  void AddPaths(const std::string& attribute);
  void AddObjects();
  bool Decide(const std::vector<uint32_t>& rules, bool by_default) const;
  bool Any(const std::vector<uint32_t>& rules, bool by_default, const std::vector<const Atoms*>& hidden, size_t next) const;
  void Walk(const Object& object, const std::vector<uint32_t>& rules, bool by_default, const std::vector<std::string>& seen, size_t next, const std::vector<std::string>& hidden, Values& values,
            const std::function<void(const Object&, const Values&)>& take) const;
  std::vector<std::string> Constrained(const std::vector<uint32_t>& rules, int operation) const;
  bool SpeaksOf(uint32_t rule, int operation) const;
  bool DefaultPermits(int operation) const;

  const ir::Domain& domain_;
  const ir::FacetId facet_;
  const World& world_;
  std::string object_attribute_;  // "path", "on", or "" where the facet has none
  std::vector<const ir::Rule*> rules_;
  std::map<std::string, Atoms> atoms_;
  std::vector<Object> objects_;
  bool default_permits_ = false;
};

}  // namespace ravelin::selinux
