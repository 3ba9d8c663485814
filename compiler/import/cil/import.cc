#include "compiler/import/cil/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/selinux/names.h"
#include "compiler/import/cil/pattern.h"
#include "compiler/import/cil/translate.h"
#include "compiler/import/layout.h"

namespace ravelin::import::cil {
namespace {

using base::Sexpr;

bool IsPolicyName(const std::string& name) {
  static const char* const kWords[] = {"self", "outside", "unconfined_danger", "in", "else"};
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name[0]) || std::find(std::begin(kWords), std::end(kWords), name) != std::end(kWords)) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

class Importer {
 public:
  Importer(source::FileId file, const Module& module, const Judge& judge, diag::Sink& sink) : file_(file), module_(module), judge_(judge), sink_(sink) {}

  // What rules of the policies can be about; false where the module has things that none can.
  bool Objects(World& world) {
    const auto known = judge_.MembersOf(ravelin::selinux::kDomains);
    for (const std::string& type : module_.declared) {
      if (known.count(type) != 0) world.domains.push_back(type);
    }
    for (const std::string& type : world.domains) {
      if (type.size() < 3 || type.substr(type.size() - 2) != "_t" || !IsPolicyName(PolicyOfType(type))) Refuse({file_, 0, 0}, fmt::format("a domain named `{}`", type), "a policy NAME has the type NAME_t");
    }
    if (world.domains.empty()) Refuse({file_, 0, 0}, "a module without a type of processes", "such a type has the attribute `domain`");
    for (const Label& label : module_.labels) {
      const auto pattern = PatternOf(label.regex);
      if (pattern) {
        world.patterns[label.type].push_back(*pattern);
      } else {
        Refuse(label.span, fmt::format("the regular expression `{}`", label.regex), "`.*`, `[^/]*`, classes, alternatives and what may be absent have patterns; other repetitions and lookahead have none");
      }
    }
    for (const auto& port : judge_.policy().ports) {
      if (module_.types.count(port.type) != 0) world.ports[port.type] = world.ports[port.type].Union(ir::IntervalSet({{port.lo, port.hi}}));
    }
    for (const Sexpr& rule : module_.allows) {
      Source(rule, world);
      Host(rule.Word(2), world);
    }
    return good_;
  }

  // What the proof says of the policies, at the statements that it is about.
  bool Explain(const ravelin::selinux::ProofResult& proof) {
    for (const auto& difference : proof.differences) {
      if (difference.missing && difference.text.find("(the base: ") != std::string::npos) continue;  // a policy is granted that in any case
      const Sexpr* statement = Find(difference);
      Report(statement == nullptr ? source::Span{file_, 0, 0} : SpanOf(file_, *statement), difference.missing ? fmt::format("a policy would be granted more: {}", difference.text) : fmt::format("no rules ask exactly this: {}", difference.text));
    }
    for (const std::string& text : proof.inconclusive) Report({file_, 0, 0}, text);
    return good_;
  }

 private:
  void Report(source::Span span, const std::string& text, const std::string& help = "") {
    good_ = false;
    if (!said_.insert({span, text}).second) return;
    auto& d = sink_.Report(diag::Kind::kImportUnstatable, span, text);
    if (!help.empty()) d.Help(help);
  }
  void Refuse(source::Span span, const std::string& what, const std::string& help = "") { Report(span, what + " cannot be stated in a policy", help); }

  void Source(const Sexpr& rule, const World& world) {
    for (const std::string& source : judge_.MembersOf(rule.Word(1))) {
      const bool domain = std::find(world.domains.begin(), world.domains.end(), source) != world.domains.end();
      if (domain || source == ravelin::selinux::kLauncher) continue;
      Refuse(SpanOf(file_, rule.children[1]), fmt::format("a grant to `{}`, which is no domain of the module,", source));
      return;
    }
  }

  // The host's types that stand for themselves in rules.
  void Host(const std::string& name, World& world) const {
    const auto outside = module_.outside.find(name);
    const auto is = [&](const char* attribute) { return outside != module_.outside.end() ? outside->second == attribute : judge_.policy().types.count(name) != 0 && module_.types.count(name) == 0 && judge_.MembersOf(attribute).count(name) != 0; };
    const auto add = [&](std::vector<std::string>& to) {
      if (std::find(to.begin(), to.end(), name) == to.end()) to.push_back(name);
    };
    // What a policy is granted in any case needs no name.
    if (name == ravelin::selinux::kLauncher || name == ravelin::selinux::kTerminals || name == ravelin::selinux::kKernel || name == ravelin::selinux::kUnconfined || name == ravelin::selinux::kMessageQueues) return;
    if (is(ravelin::selinux::kFiles)) {
      add(world.labels);
    } else if (is(ravelin::selinux::kDomains)) {
      add(world.peers);
    }
  }

  // The statement that grants, or forbids, what a difference is about.
  const Sexpr* Find(const ravelin::selinux::Difference& difference) const {
    const auto about = [&](const Sexpr& rule) {
      const auto targets = judge_.MembersOf(rule.Word(2) == "self" ? difference.domain : rule.Word(2));
      return judge_.MembersOf(rule.Word(1)).count(difference.domain) != 0 && targets.count(difference.object) != 0;
    };
    for (const bool by_class : {true, false}) {
      for (const auto* rules : {&module_.allows, &module_.nevers}) {
        for (const Sexpr& rule : *rules) {
          if (about(rule) && (!by_class || rule.children[3].Word(0) == difference.object_class)) return &rule;
        }
      }
      for (const Sexpr& transition : module_.transitions) {
        if (about(transition) && (!by_class || transition.Word(3) == difference.object_class)) return &transition;
      }
    }
    return nullptr;
  }

  source::FileId file_;
  const Module& module_;
  const Judge& judge_;
  diag::Sink& sink_;
  std::set<std::pair<source::Span, std::string>> said_;
  bool good_ = true;
};

}  // namespace

std::string ImportCil(const source::SourceManager& sources, source::FileId file, const ImportOptions& options, diag::Sink& sink) {
  const std::string_view text = sources.Text(file);
  Module module;
  if (!ReadModule(file, text, sink, module)) return "";
  const auto judge = Judge::Of(file, text, module, sink);
  if (!judge) return "";
  World world;
  Importer importer(file, module, *judge, sink);
  if (!importer.Objects(world)) return "";
  const std::string policies = Translator(*judge, module, std::move(world)).Run();
  const auto proof = judge->Prove(policies, text);
  if (!proof) {
    sink.Report(diag::Kind::kImportUnstatable, {file, 0, 0}, proof.error().message);
    return "";
  }
  if (!importer.Explain(*proof)) return "";
  std::string origin;
  for (const char c : options.origin) origin += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f ? '?' : c;
  return Layout(fmt::format("// From the SELinux module {}.\n{}", origin.empty() ? "given" : origin, policies));
}

}  // namespace ravelin::import::cil
