// The syntax tree of a policy file: what was written, before any name is looked up.
//
// The tree is passive data, built once by syntax::Parse, never changed after.  It keeps every span; comments are kept
// beside it (File::comments), so that the formatter loses nothing.  What words mean (rule kinds, operations, clauses,
// constants) is not known here: compiler/resolve decides.
//
//   allow network { listen, accept } tcp port 80, 443 because "the site"
//   ^verbs ^kind  ^subjects[0]       ^clause ^clause with 2 values   ^because
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/base/source.h"

namespace ravelin::ast {

using source::Span;

// An identifier, or a qualified one ("std::base").
struct Name {
  std::string text;
  Span span;
  bool empty() const { return text.empty(); }
};

enum class ExprKind : uint8_t {
  kNumber,   // number (decimal, 0x, 0o, 0b, optional K M G suffix); text = as written
  kString,   // text = content with escapes resolved, ${...} kept
  kName,     // text = name, possibly qualified or dotted (target.kernel)
  kVersion,  // 6.7: text = as written
  kCall,     // text = callee, children = arguments
  kSet,      // { a, b, c }: children
  kRange,    // a .. b: two children
  kUnary,    // op, one child
  kBinary,   // op, two children
  kAssign,   // name = value, in argument lists of `use` and calls: text = name, one child
};

enum class Op : uint8_t {
  kNone,
  kNot,
  kBitNot,
  kMinus,  // unary: ! ~ -
  kOr,
  kAnd,  // || &&
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  kIn,  // == != < <= > >= in
  kBitOr,
  kBitXor,
  kBitAnd,
  kShl,
  kShr,  // | ^ & << >>
};

struct Expr {
  ExprKind kind = ExprKind::kName;
  Op op = Op::kNone;
  uint64_t number = 0;
  std::string text;
  std::vector<Expr> children;
  Span span;
};

// A word that takes values: `on site`, `port 80, 443`, `tcp` (no values), `with errno(EPERM)`.
struct Clause {
  Name keyword;
  std::vector<Expr> values;
  std::vector<size_t> joined;  // positions of values that a `+` joins to the one before
  Span span;
};

enum class Verb : uint8_t { kAllow,
                            kDeny,
                            kAudit,
                            kQuiet,
                            kComplain,
                            kNever,
                            kNarrow };

// [label:] verb [verb] kind subjects... clauses... [because "..."]
// subjects: what stands between the kind and the first clause word (operation sets, names, calls, strings, comparisons).
// `with ACTION` and `because` are clauses of every rule; they are taken out into their own members.
struct Rule {
  Name label;
  std::vector<Verb> verbs;  // one or two ("audit deny"), in order
  Name kind;
  std::vector<Expr> subjects;
  std::vector<Clause> clauses;
  std::optional<Expr> action;  // after `with`: errno(EPERM), kill process -> kCall "kill" / kName ...; see docs/language.md
  std::optional<Expr> because;
  Span span;
};

// default deny [facet, ...] [with ACTION]   /   unknown syscall with ACTION   /   foreign architecture with ACTION
enum class DefaultOf : uint8_t { kFacets,
                                 kUnknownSyscall,
                                 kForeignArchitecture };
struct Default {
  DefaultOf of = DefaultOf::kFacets;
  bool allow = false;
  std::vector<Name> facets;  // empty: every facet
  std::optional<Expr> action;
  std::optional<Expr> because;
  Span span;
};

// accept gap RULE wider|narrower on LAYER + LAYER, ... because "..."; RULE is a label, or `default FACET`.
struct AcceptGap {
  Name rule;
  Name direction;
  std::vector<std::vector<Name>> layer_sets;
  std::vector<std::pair<Name, std::optional<std::vector<Name>>>> bound;  // facets and their operations, all of them where none are named
  std::optional<Expr> because;
  Span span;
};

// import "file.rav"
struct Import {
  Expr file;
  Span span;
};

// use std::web(port = 80)
struct Use {
  Name module;
  std::vector<Expr> arguments;  // kAssign or positional
  std::optional<Expr> because;
  Span span;
};

// resource NAME = EXPR, EXPR  /  set NAME = { ... }  /  let NAME = EXPR
enum class BindingKind : uint8_t { kResource,
                                   kSet,
                                   kLet };
struct Binding {
  BindingKind kind = BindingKind::kLet;
  Name name;
  std::vector<Expr> values;
  Span span;
};

// attach "/usr/sbin/nginx"  /  architectures { x86_64, i386 }  /  reference kernel 6.1  /  layers { a + b, a + c }
// limit RLIMIT_NOFILE 1024  /  hat of web  /  child of web
enum class PropertyKind : uint8_t { kAttach,
                                    kArchitectures,
                                    kReferenceKernel,
                                    kLayers,
                                    kLimit,
                                    kHat,
                                    kChild };
struct Property {
  PropertyKind kind = PropertyKind::kAttach;
  std::vector<Expr> values;                   // kLayers: empty
  std::vector<std::vector<Name>> layer_sets;  // kLayers only
  Span span;
};

// raw MECHANISM "text" [because "..."]: an escape hatch; nothing in it is proved.
struct Raw {
  Name mechanism;
  Expr text;
  std::optional<Expr> because;
  Span span;
};

enum class StatementKind : uint8_t { kRule,
                                     kDefault,
                                     kAcceptGap,
                                     kImport,
                                     kUse,
                                     kBinding,
                                     kProperty,
                                     kRaw,
                                     kWhen };

// A closed sum; exactly the member that `kind` names is meaningful.  (A variant would make every rule as large as the
// largest alternative all the same, and a 10 MB policy has 200,000 of them: the rare ones live behind the index.)
struct Statement {
  StatementKind kind = StatementKind::kRule;
  uint32_t index = 0;  // into the vector of that kind in Block
};

struct Block {
  std::vector<Statement> order;  // in source order
  std::vector<Rule> rules;
  std::vector<Default> defaults;
  std::vector<AcceptGap> gaps;
  std::vector<Import> imports;
  std::vector<Use> uses;
  std::vector<Binding> bindings;
  std::vector<Property> properties;
  std::vector<Raw> raws;
  std::vector<struct When> whens;
};

// when COND { ... } else { ... }; `else when` is an else block that holds one When.
struct When {
  Expr condition;
  Block then_block;
  Block else_block;
  bool has_else = false;
  Span span;      // up to the last closing brace
  Span then_end;  // the brace that closes then_block
};

// module NAME(param, param = default) { ... }
struct Parameter {
  Name name;
  std::optional<Expr> default_value;
};
struct Module {
  Name name;
  std::vector<Parameter> parameters;
  Block body;
  Span span;
  Span close;  // the closing brace
};

// policy NAME { ... }: one domain
struct Policy {
  Name name;
  Block body;
  Span span;
  Span close;
};

// permit|refuse KIND subjects... clauses... [with ACTION] [because "..."]: one expectation of a test.  The event is
// written as a rule's body is; `event` has no verbs and no label.
struct Expectation {
  bool permit = false;
  Rule event;
};

// test POLICY { ... }
struct Test {
  Name policy;
  std::vector<Expectation> expectations;  // in source order
  Span span;
  Span close;
};

struct Comment {
  Span span;  // with its marker: "// ..." or "/* ... */"
  bool own_line = false;
};

// Top level: language line, imports, bindings shared by all (shared.bindings), `never` rules shared by all
// (shared.rules), conditionals, modules, policies and tests.
enum class TopKind : uint8_t { kShared,
                               kModule,
                               kPolicy,
                               kTest };
struct TopItem {
  TopKind kind = TopKind::kShared;
  uint32_t index = 0;  // kShared: into shared.order
};
struct File {
  source::FileId file = source::kNoFile;
  std::optional<uint64_t> language;
  Span language_span;
  std::vector<TopItem> order;
  Block shared;
  std::vector<Module> modules;
  std::vector<Policy> policies;
  std::vector<Test> tests;
  std::vector<Comment> comments;  // ascending
};

}  // namespace ravelin::ast
