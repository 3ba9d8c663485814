// One rule of the source to the IR rules that it stands for.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/base/diag.h"
#include "compiler/ir/policy.h"
#include "compiler/resolve/resolve.h"
#include "compiler/resolve/values.h"

namespace ravelin::resolve {

// What the rules of a domain are read against.
struct DomainContext {
  const ir::Domain& domain;                   // architectures and defaults are already in place
  const std::set<std::string>& policy_names;  // of this file, for peers and transitions
  const source::SourceManager& sources;
};

ir::Provenance MakeProvenance(source::Span span, const std::shared_ptr<const std::vector<std::string>>& via,
                              const std::optional<ast::Expr>& because, const source::SourceManager& sources);

// An action that must refuse (deny, defaults).  Reports and returns nothing otherwise.
std::optional<ir::Action> RefusingAction(const ast::Expr& expr, const Scope& scope, kernel::Arch arch, Values& values, diag::Sink& sink);

class RuleBuilder {
 public:
  RuleBuilder(const DomainContext& context, diag::Sink& sink) : context_(context), values_(sink), sink_(sink) {}

  // Appends the rule's IR rules; ids are not set.
  void Build(const InForce<ast::Rule>& item, std::vector<ir::Rule>& out);
  // Reads a line of a test as the attempts that it speaks of: no verb, no closure, one value for each attribute.
  void BuildAttempts(const ast::Rule& line, const Scope& scope, std::vector<ir::Rule>& out);

 private:
  const kernel::FacetInfo* ReadKind(const ast::Rule& rule);
  void BuildAttemptedCalls(const ast::Rule& line, const Scope& scope, std::vector<ir::Rule>& out, ir::Rule base);
  bool CheckAttempt(const ast::Rule& line, ir::Rule& base);
  void ReportSeveral(source::Span span, const std::string& what);
  bool ReadVerbs(const ast::Rule& rule, std::vector<std::pair<ir::Effect, bool>>& effects);
  bool ReadAction(const ast::Rule& rule, const Scope& scope, ir::Effect effect, ir::FacetId facet, ir::Action& action);
  void BuildCalls(const InForce<ast::Rule>& item, std::vector<ir::Rule>& out, ir::Rule base);
  bool AddCalls(const ast::Expr& expr, const Scope& scope, bool through_set, std::vector<ir::CallMatch>& calls);
  bool AddCall(const ast::Expr& expr, const Scope& scope, bool through_set, std::vector<ir::CallMatch>& calls);
  void ReportUnknownCall(const ast::Expr& expr, const Scope& scope);
  void BuildFacet(const InForce<ast::Rule>& item, std::vector<ir::Rule>& out, ir::Rule base);
  bool ReadOperations(const ast::Rule& rule, const Scope& scope, ir::Rule& base);
  bool AddSignal(const ast::Expr& expr, ir::Rule& base);
  bool AddOperation(const ast::Expr& expr, ir::Rule& base);
  bool ReadClause(const ast::Clause& clause, const Scope& scope, ir::Rule& base, std::vector<std::string>& transports);
  bool ReadIntegers(const ast::Clause& clause, const Scope& scope, std::string_view prefix, int bits, const std::string& attribute, ir::Rule& base);
  bool ReadObjects(const ast::Expr& expr, const Scope& scope, ir::Rule& base, int depth);
  bool ReadPath(const ast::Expr& expr, const Scope& scope, ir::Rule& base);
  bool ReadPeer(const ast::Expr& expr, const Scope& scope, const std::string& attribute, ir::Rule& base);
  bool ReadNames(const ast::Expr& expr, const Scope& scope, const std::string& attribute, ir::Rule& base);
  bool ReadDomain(const ast::Expr& expr, const Scope& scope, const std::string& attribute, ir::Rule& base);
  bool ReadTransition(const ast::Expr& expr, ir::Rule& base);
  bool ApplyTransport(const std::string& word, source::Span span, ir::Rule& rule);
  kernel::Arch FirstArch() const { return context_.domain.architectures.front(); }

  const DomainContext& context_;
  Values values_;
  diag::Sink& sink_;
  int depth_ = 0;
  std::map<const Definition*, bool> open_sets_;  // sets of the rule; true: being read
  bool quiet_about_absence_ = false;             // the rule comes from a module, which is written for every architecture
  bool attempt_ = false;                         // a line of a test is read
  bool loosens_ = false;                         // the rule permits, so that leaving a part of it out is strict
};

}  // namespace ravelin::resolve
