// Names to meaning: modules expanded, conditions on the target decided, every name bound.
//
// Functions, one for each stage:
//   Resolve: trees -> Resolved, flat lists of statements for each domain, each with the scope to read its names in and
//            the chain of `use` statements that brought it;
//   Build:   Resolved -> ir::Policy, everything a user wrote as sets over events;
//   BuildTests: the `test` blocks likewise.
// All report mistakes and go on; a result with errors in the sink must not be lowered.
#pragma once

#include <memory>

#include "compiler/base/diag.h"
#include "compiler/ir/expectation.h"
#include "compiler/ir/policy.h"
#include "compiler/resolve/program.h"
#include "compiler/resolve/scope.h"
#include "compiler/resolve/target.h"

namespace ravelin::resolve {

// One statement in force.  `via` (shared by the statements of one module use) is outermost last; null: none.
template <typename T>
struct InForce {
  const T* statement = nullptr;
  const Scope* scope = nullptr;
  std::shared_ptr<const std::vector<std::string>> via;
  std::string boolean = {};  // of the SELinux policy, on which it depends; "": none
};

struct ResolvedDomain {
  const ast::Policy* policy = nullptr;
  std::vector<InForce<ast::Rule>> rules;
  std::vector<InForce<ast::Default>> defaults;
  std::vector<InForce<ast::AcceptGap>> gaps;
  std::vector<InForce<ast::Property>> properties;
  std::vector<InForce<ast::Raw>> raws;
};

// A `test` block of the policy's own file, with the scope of the policy that it is about.
struct ResolvedTest {
  const ast::Test* test = nullptr;
  size_t domain = 0;  // index into Resolved::domains
  const Scope* scope = nullptr;
};

struct Resolved {
  Target target;
  std::vector<ResolvedDomain> domains;
  std::vector<ResolvedTest> tests;
  std::deque<Scope> scopes;                   // stable addresses
  std::deque<std::vector<ast::Expr>> values;  // values of module parameters
};

// `program` must outlive the result.
Resolved Resolve(const Program& program, const source::SourceManager& sources, const Target& target, diag::Sink& sink);

ir::Policy Build(const Resolved& resolved, const source::SourceManager& sources, diag::Sink& sink);

// The expectations of the tests, in source order; `policy` is what Build made of `resolved`.  Lines with mistakes are left out.
std::vector<ir::Expectation> BuildTests(const Resolved& resolved, const ir::Policy& policy, const source::SourceManager& sources, diag::Sink& sink);

// One attempt outside of a file, read as a line of a test of a domain; nothing after a mistake.
std::vector<ir::Rule> BuildAttempts(const ast::Rule& event, const ir::Policy& policy, size_t domain, const source::SourceManager& sources, diag::Sink& sink);

}  // namespace ravelin::resolve
