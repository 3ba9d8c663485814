#include "compiler/import/cil/module.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "backends/selinux/base/grants.h"
#include "backends/selinux/names.h"

namespace ravelin::import::cil {
namespace {

using base::Sexpr;

bool IsSocket(const std::string& object_class) { return object_class == "socket" || (object_class.size() > 7 && object_class.compare(object_class.size() - 7, 7, "_socket") == 0); }

// The attribute of the host's that a type has which is the target of such a rule.
const char* AttributeOfTarget(const Sexpr& classes) {
  const std::string& name = classes.Word(0);
  if (classes.children.size() > 1 && IsSocket(name)) {
    for (const Sexpr& permission : classes.children[1].children) {
      if (permission.atom == "name_bind" || permission.atom == "name_connect") return ravelin::selinux::kPorts;
      if (permission.atom == "node_bind") return ravelin::selinux::kNodes;
    }
  }
  if (name == "filesystem") return ravelin::selinux::kFilesystems;
  if (name == "process" || name == "process2" || name == "fd" || name == "dbus" || name == "key" || IsSocket(name)) return ravelin::selinux::kDomains;
  return ravelin::selinux::kFiles;
}

class Reader {
 public:
  Reader(source::FileId file, std::string_view text, diag::Sink& sink, Module& out) : file_(file), text_(text), sink_(sink), out_(out) {}

  bool Run() {
    base::SexprReader reader(text_, true);
    Sexpr statement;
    while (reader.Next(&statement)) Take(statement);
    if (const auto& error = reader.error()) {
      Malformed({file_, static_cast<uint32_t>(error->offset), static_cast<uint32_t>(std::min(error->offset + 1, text_.size()))}, error->text);
    }
    for (const auto* rules : {&out_.allows, &out_.nevers}) {
      for (const Sexpr& rule : *rules) Outside(rule.Word(1), ravelin::selinux::kDomains);
    }
    for (const Sexpr& never : out_.nevers) Outside(never.Word(2), never.children[3].list ? AttributeOfTarget(never.children[3]) : ravelin::selinux::kFiles);
    for (const Sexpr& rule : out_.allows) Outside(rule.Word(2), rule.children[3].list ? AttributeOfTarget(rule.children[3]) : ravelin::selinux::kFiles);
    for (const Sexpr& transition : out_.transitions) {
      Outside(transition.Word(2), ravelin::selinux::kFiles);
      Outside(transition.Word(transition.children.size() - 1), transition.Word(3) == "process" ? ravelin::selinux::kDomains : ravelin::selinux::kFiles);
    }
    for (const Sexpr& set : sets_) OutsideOf(set);
    return good_;
  }

 private:
  void Malformed(source::Span span, std::string text) {
    sink_.Report(diag::Kind::kImportMalformed, span, std::move(text));
    good_ = false;
  }
  diag::Diagnostic& Refuse(const Sexpr& at, const std::string& what) {
    good_ = false;
    return sink_.Report(diag::Kind::kImportUnstatable, SpanOf(file_, at), what + " cannot be stated in a policy");
  }

  // `count` parts, of which those in `words` (positions) are symbols.
  bool Has(const Sexpr& statement, std::initializer_list<size_t> counts, std::initializer_list<size_t> words) {
    const bool counted = std::find(counts.begin(), counts.end(), statement.children.size()) != counts.end();
    const bool worded = counted && std::all_of(words.begin(), words.end(), [&](size_t i) { return !statement.Word(i).empty(); });
    if (!worded) Malformed(SpanOf(file_, statement), fmt::format("`{}` with other parts than it has", statement.Word(0)));
    return worded;
  }

  void Take(const Sexpr& statement) {
    const std::string& word = statement.Word(0);
    if (word == "type") {
      if (Has(statement, {2}, {1}) && out_.types.insert(statement.Word(1)).second) out_.declared.push_back(statement.Word(1));
    } else if (word == "typeattribute") {
      if (Has(statement, {2}, {1})) out_.attributes.insert(statement.Word(1));
    } else if (word == "typeattributeset") {
      if (Has(statement, {3}, {1})) Members(statement);
    } else if (word == "roletype") {
      if (Has(statement, {3}, {1, 2}) && statement.Word(1) != ravelin::selinux::kRole && statement.Word(1) != ravelin::selinux::kObjectRole) Refuse(statement.children[1], fmt::format("the role `{}`", statement.Word(1)));
    } else if (word == "roleattributeset" && statement.Word(1) == "cil_gen_require") {
      (void)Has(statement, {3}, {1});  // what the host has to have
    } else if (word == "optional") {
      // What is in it holds where its names are known, as it is compiled here.
      if (statement.Word(1).empty()) Malformed(SpanOf(file_, statement), "`optional` without a name");
      for (size_t i = 2; i < statement.children.size(); ++i) Take(statement.children[i]);
    } else if (word == "allow" || word == "allowx") {
      if (Has(statement, {4}, {1, 2})) out_.allows.push_back(statement);
    } else if (word == "neverallow") {
      if (Has(statement, {4}, {1, 2})) out_.nevers.push_back(statement);
    } else if (word == "typetransition") {
      if (Has(statement, {5, 6}, {1, 2, 3, 4})) out_.transitions.push_back(statement);
    } else if (word == "filecon") {
      if (Has(statement, {4}, {1, 2})) FileLabel(statement);
    } else if (word == "portcon") {
      if (Has(statement, {4}, {1})) out_.ports.push_back(statement);
    } else if (word.empty()) {
      Malformed(SpanOf(file_, statement), "a statement begins with a word");
    } else {
      Refuse(statement, fmt::format("`{}`", word));
    }
  }

  void FileLabel(const Sexpr& statement) {
    const Sexpr& context = statement.children[3];
    if (statement.Word(2) != "any") {
      Refuse(statement.children[2], fmt::format("a label for one kind of file (`{}`)", statement.Word(2))).Help("a rule's paths are of every kind");
    } else if (!context.list) {
      Refuse(context, "a named context");
    } else if (context.children.empty()) {
      Refuse(context, "a path without a label");
    } else if (context.Word(0) != ravelin::selinux::kUser || context.Word(1) != ravelin::selinux::kObjectRole) {
      Refuse(context, fmt::format("a context of {} and {}", context.Word(0), context.Word(1)));
    } else if (out_.types.count(context.Word(2)) == 0) {
      Refuse(context, fmt::format("a label of a type that the module does not declare (`{}`)", context.Word(2))).Help("types are declared in front of the labels that have them");
    } else {
      out_.labels.push_back({statement.Word(1), context.Word(2), SpanOf(file_, statement.children[1])});
    }
  }

  // Attributes of the module are what libsepol makes of them; of the host's, those that say nothing but what a type is.
  void Members(const Sexpr& statement) {
    const std::string& name = statement.Word(1);
    if (name == "cil_gen_require") return;
    for (const char* known : {ravelin::selinux::kFiles, ravelin::selinux::kDomains, ravelin::selinux::kPorts}) {
      if (name == known) return;
    }
    if (out_.attributes.count(name) != 0) {
      sets_.push_back(statement.children[2]);
      return;
    }
    Refuse(statement.children[1], fmt::format("membership in the host's attribute `{}`", name)).Help("what the host grants to it is not in the module");
  }

  // Names in an expression: what it is about is what it takes the others out of.
  static void Names(const Sexpr& expression, std::vector<std::string>& out) {
    static const std::set<std::string> operators = {"and", "or", "not", "xor", "all", ""};
    if (operators.count(expression.atom) == 0) out.push_back(expression.atom);
    for (const Sexpr& child : expression.children) Names(child, out);
  }
  void OutsideOf(const Sexpr& expression) {
    std::vector<std::string> names;
    Names(expression, names);
    const char* about = ravelin::selinux::kFiles;
    for (const char* one : {ravelin::selinux::kDomains, ravelin::selinux::kPorts}) {
      if (std::find(names.begin(), names.end(), one) != names.end()) about = one;
    }
    for (const std::string& name : names) Outside(name, about);
  }

  void Outside(const std::string& name, const char* attribute) {
    static const std::string base = ravelin::selinux::StandaloneBase({});
    if (name == "self" || out_.types.count(name) != 0 || out_.attributes.count(name) != 0) return;
    if (base.find("(type " + name + ")") != std::string::npos || base.find("(typeattribute " + name + ")") != std::string::npos) return;
    out_.outside.emplace(name, attribute);
  }

  source::FileId file_;
  std::string_view text_;
  diag::Sink& sink_;
  Module& out_;
  std::vector<Sexpr> sets_;  // what the module's own attributes are
  bool good_ = true;
};

}  // namespace

bool ReadModule(source::FileId file, std::string_view text, diag::Sink& sink, Module& out) { return Reader(file, text, sink, out).Run(); }

}  // namespace ravelin::import::cil
