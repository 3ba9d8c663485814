// The work of lowering, one file for each part of it.  Internal to backends/selinux.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backends/selinux/lower.h"
#include "backends/selinux/module.h"
#include "backends/selinux/reach.h"
#include "compiler/kernel/selinux_facts.h"

namespace ravelin::selinux {

class Lowering {
 public:
  Lowering(const ir::Policy& policy, const LowerOptions& options) : policy_(policy), options_(options), target_(options.target) { module_.name = options.name; }
  Result<Module> Run(int folder_depth);

 private:
  struct Current {  // the domain at work
    const ir::Domain* domain = nullptr;
    const Reach* reach = nullptr;
    std::string type;
    std::map<uint32_t, std::string> after_exec;  // label -> transition text of what wins there; absent: no exec
  };
  // A check's object: what it fixes, and how it is named.
  struct Target {
    Box fixed;
    std::vector<std::string> types;
    std::string only_class = "";  // "": any
    bool Takes(const std::string& object_class) const { return only_class.empty() || only_class == object_class; }
  };
  using Row = kernel::SelinuxViewRow;

  // lower.cc
  Result<void> CheckStatable() const;
  void DeclareTypes();
  void DeclarePorts();
  std::optional<PortType> TypeOfHostPorts(const std::string& protocol, const ir::IntervalSet& ports);
  void FindConflicts();
  Result<void> LowerDomain(const ir::Domain& domain);
  void AddBase(const ir::Domain& domain);
  void Add(const std::string& source, const std::string& target, const std::string& object_class, const std::vector<std::string>& permissions, const Places& places);
  bool Asked(const Row& row) const;
  std::string TypeOfLabel(uint32_t label) const;
  // lower_rows.cc
  void LowerRow(const Current& at, ir::FacetId facet, int operation, const Row& row);
  std::vector<Target> TargetsOf(const Current& at, const Row& row) const;
  std::vector<Target> PathTargets(const Current& at, const std::string& attribute) const;
  std::vector<Target> PeerTargets(const Current& at) const;
  static Box ConditionsOf(const Row& row);  // on numbers: what they must be for the row to be asked
  std::vector<Box> SocketBoxes(const std::string& object_class) const;
  std::vector<std::string> ClassesOf(const Row& row) const;
  static ir::IntervalSet LowCommands(const ir::IntervalSet& commands);  // what SELinux sees of them: the low 16 bits
  void LowerCommands(const Current& at, ir::FacetId facet, int operation, const Row& row, const Target& target);
  void LowerFolders(const Current& at, ir::FacetId facet, int operation, const Row& row);
  std::set<uint32_t> PermittedCells(const Current& at, ir::FacetId facet, int operation, Box fixed, const std::string& attribute = "path") const;
  std::vector<std::string> FileTypes() const;
  // lower_exec.cc
  static std::string TransitionOf(const ir::Rule& rule);
  static bool HoldsFor(const Row& row, const std::string& after);  // a row of exec, by what the process becomes
  Result<void> FindTransitions(Current& at) const;
  void LowerExec(const Current& at, int operation, const Row& row);
  void AddExecTransitions(const Current& at);
  void AddCreationTransitions(const Current& at);
  void AddCreationTransitions(const Current& at, const std::string& operation, const std::string& object_class, const std::set<uint32_t>& permitted);
  void AddRenames(const Current& at);
  // lower_never.cc
  void AddNevers(const ir::Domain& domain);

  const ir::Policy& policy_;
  const LowerOptions& options_;
  const TargetFacts& target_;
  PathCells cells_;
  std::map<uint32_t, std::string> types_;  // label -> type
  Module module_;
};

}  // namespace ravelin::selinux
