#include "compiler/resolve/resolve.h"

#include <cctype>
#include <algorithm>
#include <fmt/format.h>

#include "compiler/base/check.h"
#include "compiler/resolve/condition.h"

namespace ravelin::resolve {
namespace {

using ast::Block;
using ast::Expr;
using ast::StatementKind;
using Via = std::shared_ptr<const std::vector<std::string>>;

constexpr std::string_view kLibraryPrefix = "std::";

struct ModuleRef {
  const ast::Module* module = nullptr;
  const Scope* scope = nullptr;  // of its file
};

// Everything that a file's text can see at top level.
struct FileNames {
  Scope* scope = nullptr;
  std::map<std::string, ModuleRef> modules;
};

class Resolver {
 public:
  Resolver(const Program& program, const source::SourceManager& sources, Resolved& out, diag::Sink& sink)
      : program_(program), sources_(sources), out_(out), sink_(sink) {}

  void Run() {
    out_.scopes.emplace_back(nullptr);
    library_ = &out_.scopes.back();
    names_.resize(program_.files.size());
    state_.resize(program_.files.size(), 0);
    for (const auto& [name, file] : program_.library) CollectFile(file);
    for (const auto& [name, file] : program_.library) Publish(name, file);
    CollectFile(0);
    const ast::File& root = program_.files[0];
    std::map<std::string, const ast::Policy*> seen;
    for (const ast::Policy& policy : root.policies) {
      const auto [at, fresh] = seen.emplace(policy.name.text, &policy);
      if (!fresh) ReportDuplicate(policy.name, at->second->name.span);
      ResolvePolicy(policy);
    }
    for (const ast::Test& test : root.tests) ResolveTest(test);
    if (root.policies.empty() && !sink_.HasErrors()) {
      sink_.Report(diag::Kind::kEmptyPolicy, root.language_span, "the file holds no policy").Help("write `policy NAME { ... }`");
    }
  }

 private:
  void ReportDuplicate(const ast::Name& name, source::Span first) {
    sink_.Report(diag::Kind::kDuplicateName, name.span, fmt::format("`{}` is declared twice", name.text)).Note(first, "first declared here");
  }

  void Define(Scope& scope, const ast::Binding& binding) {
    const auto kind = binding.kind == ast::BindingKind::kResource ? Definition::Kind::kResource
                      : binding.kind == ast::BindingKind::kSet    ? Definition::Kind::kSet
                                                                  : Definition::Kind::kLet;
    if (scope.Define(binding.name.text, {kind, &binding.values, &scope, binding.name.span})) return;
    ReportDuplicate(binding.name, scope.FindHere(binding.name.text)->span);
  }

  // A std file's definition, under its qualified name.
  void Publish(const std::string& name, size_t file) {
    const std::string qualified = std::string(kLibraryPrefix) + name;
    if (const Definition* definition = names_[file].scope->FindHere(name)) library_->Define(qualified, *definition);
    const auto module = names_[file].modules.find(name);
    if (module != names_[file].modules.end()) library_modules_.emplace(qualified, module->second);
  }

  // Names of a file: its own, then those of the files that it imports.
  void CollectFile(size_t index) {
    if (state_[index] != 0) return;
    state_[index] = 1;
    const ast::File& file = program_.files[index];
    out_.scopes.emplace_back(library_);
    FileNames& names = names_[index];
    names.scope = &out_.scopes.back();
    CollectBindings(file.shared, *names.scope);
    for (const ast::Module& module : file.modules) {
      const auto [at, fresh] = names.modules.emplace(module.name.text, ModuleRef{&module, names.scope});
      if (!fresh) ReportDuplicate(module.name, at->second.module->name.span);
    }
    if (index != 0) {
      for (const ast::Policy& policy : file.policies) {
        sink_.Report(diag::Kind::kMisplacedStatement, policy.name.span, fmt::format("policy `{}` stands in an imported file", policy.name.text))
            .Help("an imported file holds modules, resources, sets and `let`s; compile this file by itself");
      }
    }
    if (index != 0) {
      for (const ast::Test& test : file.tests) {
        sink_.Report(diag::Kind::kMisplacedStatement, test.policy.span, fmt::format("a test of `{}` stands in an imported file", test.policy.text)).Help("a test stands in the file of the policy that it is about");
      }
    }
    for (const size_t imported : program_.imports[index]) {
      CollectFile(imported);
      const FileNames& theirs = names_[imported];
      if (theirs.scope == nullptr) continue;  // a cycle, reported where the files were read
      for (const auto& [name, definition] : theirs.scope->names()) {
        if (names.scope->Define(name, definition)) continue;
        const source::Span mine = names.scope->FindHere(name)->span;
        if (mine != definition.span) ReportDuplicate({name, definition.span}, mine);
      }
      for (const auto& [name, module] : theirs.modules) {
        const auto [at, fresh] = names.modules.emplace(name, module);
        if (!fresh && at->second.module != module.module) ReportDuplicate(module.module->name, at->second.module->name.span);
      }
    }
  }

  // Bindings of a block and of the `when` branches that are taken: order never matters, so they come first.
  void CollectBindings(const Block& block, Scope& scope) {
    for (const ast::Binding& binding : block.bindings) Define(scope, binding);
    for (const ast::When& when : block.whens) {
      if (const Block* taken = Taken(when, scope)) CollectBindings(*taken, scope);
    }
  }

  const Block* Taken(const ast::When& when, const Scope& scope) {
    if (!BooleanOf(when).empty()) return &when.then_block;
    const auto known = taken_.find({&when, &scope});
    if (known != taken_.end()) return known->second;
    const auto truth = EvaluateCondition(when.condition, scope, out_.target, sink_);
    const Block* block = !truth ? nullptr : *truth ? &when.then_block : when.has_else ? &when.else_block : nullptr;
    taken_[{&when, &scope}] = block;
    return block;
  }

  // `when boolean("NAME")`: what stands in it is in force while a boolean of the SELinux policy is on.  "" for every other condition.
  static std::string BooleanOf(const ast::When& when) {
    const ast::Expr& condition = when.condition;
    const bool is = condition.kind == ast::ExprKind::kCall && condition.text == "boolean" && condition.children.size() == 1 && condition.children[0].kind == ast::ExprKind::kString;
    return is ? condition.children[0].text : "";
  }

  void FlattenBoolean(const ast::When& when, const Scope& scope, const Via& via, ResolvedDomain& domain) {
    const std::string name = BooleanOf(when);
    const auto wrong = [&](source::Span span, const std::string& text) { return void(sink_.Report(diag::Kind::kMisplacedStatement, span, text).Help("a boolean says while what more is permitted: `when boolean(\"NAME\") { allow ... }`")); };
    const bool word = std::isalpha(static_cast<unsigned char>(name[0])) != 0 && std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
    if (!word) return wrong(when.condition.span, fmt::format("`{}` is no name of a boolean: letters, digits and `_`", name));
    if (when.has_else) return wrong(when.condition.span, "a boolean has no `else`");
    if (!boolean_.empty()) return wrong(when.condition.span, fmt::format("a boolean stands within another, `{}`", boolean_));
    for (const ast::Statement& statement : when.then_block.order) {
      const bool fits = statement.kind == StatementKind::kRule || statement.kind == StatementKind::kUse || statement.kind == StatementKind::kWhen || statement.kind == StatementKind::kBinding;
      if (!fits) return wrong(when.condition.span, fmt::format("under `{}` stands something else than rules", name));
    }
    boolean_ = name;
    Flatten(when.then_block, scope, via, domain);
    boolean_.clear();
  }

  void ResolvePolicy(const ast::Policy& policy) {
    ResolvedDomain domain;
    domain.policy = &policy;
    used_.clear();
    inner_uses_ = 0;
    for (size_t i = 0; i < names_.size(); ++i) {
      if (names_[i].scope != nullptr) SharedRules(program_.files[i].shared, *names_[i].scope, domain);
    }
    out_.scopes.emplace_back(names_[0].scope);
    Scope& scope = out_.scopes.back();
    CollectBindings(policy.body, scope);
    Flatten(policy.body, scope, nullptr, domain);
    policy_scopes_.push_back(&scope);
    out_.domains.push_back(std::move(domain));
  }

  void ResolveTest(const ast::Test& test) {
    std::vector<std::string_view> names;
    for (size_t i = 0; i < out_.domains.size(); ++i) {
      names.push_back(out_.domains[i].policy->name.text);
      if (names.back() != test.policy.text) continue;
      out_.tests.push_back({&test, i, policy_scopes_[i]});
      return;
    }
    auto& d = sink_.Report(diag::Kind::kUnknownName, test.policy.span, fmt::format("no policy `{}` stands in this file", test.policy.text));
    const std::string hint = diag::DidYouMean(test.policy.text, names);
    if (!hint.empty()) d.Help(hint);
  }

  // `never` at top level holds for every policy.
  void SharedRules(const Block& block, const Scope& scope, ResolvedDomain& domain) {
    for (const ast::Rule& rule : block.rules) domain.rules.push_back({&rule, &scope, nullptr});
    for (const ast::When& when : block.whens) {
      if (const Block* taken = Taken(when, scope)) SharedRules(*taken, scope, domain);
    }
  }

  void Flatten(const Block& block, const Scope& scope, const Via& via, ResolvedDomain& domain) {
    for (const ast::Statement& statement : block.order) {
      const uint32_t i = statement.index;
      switch (statement.kind) {
        case StatementKind::kRule: domain.rules.push_back({&block.rules[i], &scope, via, boolean_}); break;
        case StatementKind::kDefault: domain.defaults.push_back({&block.defaults[i], &scope, via}); break;
        case StatementKind::kAcceptGap: domain.gaps.push_back({&block.gaps[i], &scope, via}); break;
        case StatementKind::kProperty: domain.properties.push_back({&block.properties[i], &scope, via}); break;
        case StatementKind::kRaw: domain.raws.push_back({&block.raws[i], &scope, via}); break;
        case StatementKind::kUse: ExpandUse(block.uses[i], scope, via, domain); break;
        case StatementKind::kWhen:
          if (!BooleanOf(block.whens[i]).empty()) {
            FlattenBoolean(block.whens[i], scope, via, domain);
            break;
          }
          if (const Block* taken = Taken(block.whens[i], scope)) Flatten(*taken, scope, via, domain);
          break;
        case StatementKind::kImport:
        case StatementKind::kBinding: break;
      }
    }
  }

  const ModuleRef* FindModule(const ast::Name& name) {
    if (name.text.rfind(kLibraryPrefix, 0) == 0) {
      const auto it = library_modules_.find(name.text);
      return it == library_modules_.end() ? nullptr : &it->second;
    }
    for (const FileNames& file : names_) {  // imported names are merged into the importing file: the root's come first
      const auto it = file.modules.find(name.text);
      if (it != file.modules.end() && file.scope != nullptr) return &it->second;
    }
    return nullptr;
  }

  void ReportUnknownModule(const ast::Name& name) {
    auto& d = sink_.Report(diag::Kind::kUnknownName, name.span, fmt::format("unknown module `{}`", name.text));
    std::vector<std::string_view> known;
    for (const std::string& module : program_.library_names) known.push_back(module);
    for (const FileNames& file : names_) {
      for (const auto& [module, ref] : file.modules) known.push_back(module);
    }
    const std::string hint = diag::DidYouMean(name.text, known);
    if (!hint.empty()) d.Help(hint);
  }

  void ExpandUse(const ast::Use& use, const Scope& scope, const Via& via, ResolvedDomain& domain) {
    const ModuleRef* ref = FindModule(use.module);
    if (ref == nullptr) return ReportUnknownModule(use.module);
    for (const ast::Module* open : open_modules_) {
      if (open != ref->module) continue;
      sink_.Report(diag::Kind::kImportCycle, use.module.span, fmt::format("module `{}` uses itself", use.module.text));
      return;
    }
    // Without parameters a second use says nothing new.  Others are bounded: modules that use one another twice double at each step.
    if (boolean_.empty() && ref->module->parameters.empty() && !used_.insert(ref->module).second) return;
    constexpr size_t kMaxInnerUses = 5000;
    if (!open_modules_.empty() && ++inner_uses_ > kMaxInnerUses) {
      if (inner_uses_ == kMaxInnerUses + 1) {
        sink_.Report(diag::Kind::kNestingTooDeep, use.module.span, fmt::format("modules use modules more than {} times", kMaxInnerUses)).Help("a module without parameters counts once");
      }
      return;
    }
    out_.scopes.emplace_back(ref->scope);
    Scope& inner = out_.scopes.back();
    if (!BindParameters(use, *ref->module, scope, inner)) return;
    auto chain = std::make_shared<std::vector<std::string>>();
    chain->push_back(sources_.Describe(use.span) + " use " + use.module.text);
    if (via) chain->insert(chain->end(), via->begin(), via->end());
    open_modules_.push_back(ref->module);
    CollectBindings(ref->module->body, inner);
    Flatten(ref->module->body, inner, chain, domain);
    open_modules_.pop_back();
  }

  bool BindParameters(const ast::Use& use, const ast::Module& module, const Scope& scope, Scope& inner) {
    bool good = true;
    size_t position = 0;
    const auto bind = [&](const ast::Parameter& parameter, const Expr& value, const Scope& where, source::Span span) {
      out_.values.push_back({value});
      if (inner.Define(parameter.name.text, {Definition::Kind::kParameter, &out_.values.back(), &where, span})) return;
      good = false;
      sink_.Report(diag::Kind::kBadArgument, span, fmt::format("`{}` is given twice", parameter.name.text));
    };
    for (const Expr& argument : use.arguments) {
      if (argument.kind != ast::ExprKind::kAssign) {
        if (position < module.parameters.size()) {
          bind(module.parameters[position++], argument, scope, argument.span);
        } else {
          good = false;
          sink_.Report(diag::Kind::kBadArgument, argument.span, fmt::format("module `{}` takes {} argument{}", module.name.text, module.parameters.size(), module.parameters.size() == 1 ? "" : "s"));
        }
        continue;
      }
      const ast::Parameter* found = nullptr;
      for (const ast::Parameter& parameter : module.parameters) {
        if (parameter.name.text == argument.text) found = &parameter;
      }
      if (found != nullptr) {
        bind(*found, argument.children[0], scope, argument.span);
        continue;
      }
      good = false;
      std::vector<std::string_view> known;
      for (const ast::Parameter& parameter : module.parameters) known.push_back(parameter.name.text);
      auto& d = sink_.Report(diag::Kind::kBadArgument, argument.span, fmt::format("module `{}` has no parameter `{}`", module.name.text, argument.text));
      const std::string hint = diag::DidYouMean(argument.text, known);
      if (!hint.empty()) d.Help(hint);
    }
    for (const ast::Parameter& parameter : module.parameters) {
      if (inner.FindHere(parameter.name.text) != nullptr) continue;
      if (parameter.default_value) {
        bind(parameter, *parameter.default_value, inner, parameter.name.span);
        continue;
      }
      good = false;
      sink_.Report(diag::Kind::kBadArgument, use.module.span, fmt::format("module `{}` needs a value for `{}`", module.name.text, parameter.name.text))
          .Help(fmt::format("write `use {}({} = ...)`", use.module.text, parameter.name.text));
    }
    return good;
  }

  const Program& program_;
  const source::SourceManager& sources_;
  Resolved& out_;
  diag::Sink& sink_;
  Scope* library_ = nullptr;
  std::vector<FileNames> names_;
  std::vector<char> state_;
  std::map<std::string, ModuleRef> library_modules_;
  std::map<std::pair<const ast::When*, const Scope*>, const Block*> taken_;
  std::vector<const Scope*> policy_scopes_;  // by domain
  std::vector<const ast::Module*> open_modules_;
  std::string boolean_;  // under which statements stand
  std::set<const ast::Module*> used_;  // without parameters, by the policy at hand
  size_t inner_uses_ = 0;              // of modules by modules, in the policy at hand
};

}  // namespace

Resolved Resolve(const Program& program, const source::SourceManager& sources, const Target& target, diag::Sink& sink) {
  Resolved resolved;
  resolved.target = target;
  Resolver(program, sources, resolved, sink).Run();
  return resolved;
}

}  // namespace ravelin::resolve
