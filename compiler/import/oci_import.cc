#include "compiler/import/oci_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "backends/seccomp/oci/decide.h"
#include "compiler/import/condition_text.h"
#include "compiler/import/layout.h"
#include "compiler/ir/satisfy.h"

namespace ravelin::import {
namespace {

using ir::Action;
using ir::ActionKind;
using ir::Predicate;
using kernel::Arch;
using seccomp::OciClause;
using seccomp::OciProfile;
using seccomp::OciRule;

// One rule of the policy to be, without its names.
struct Statement {
  Action action;
  std::string condition;  // "" : always
  auto operator<=>(const Statement&) const = default;
};
using Statements = std::vector<Statement>;

// A profile's text and what has been said of it; each remark once.
class Remarks {
 public:
  Remarks(source::FileId file, diag::Sink& sink) : file_(file), sink_(sink) {}
  void Say(diag::Kind kind, const OciRule& rule, const std::string& message, const std::string& help) {
    if (!said_.insert({kind, message}).second) return;
    const auto offset = static_cast<uint32_t>(rule.offset);
    sink_.Report(kind, {file_, offset, offset + 1}, message).Help(help);
  }

 private:
  source::FileId file_;
  diag::Sink& sink_;
  std::set<std::pair<diag::Kind, std::string>> said_;
};

class ArchImport {
 public:
  ArchImport(const OciProfile& profile, const OciImportOptions& options, Arch arch, Action fallback, Remarks& remarks)
      : profile_(profile), options_(options), arch_(arch), fallback_(fallback), remarks_(remarks), container_{arch, options.capabilities, options.kernel} {}

  std::map<std::string, Statements> Run() {
    std::map<std::string, Statements> out;
    std::set<std::string> names;
    for (const OciRule& rule : profile_.rules) names.insert(rule.names.begin(), rule.names.end());
    for (const std::string& name : names) {
      if (!kernel::IsSyscallName(name)) {
        ReportUnknown(name);
        continue;
      }
      const kernel::Syscall* call = kernel::FindSyscall(arch_, name);
      if (call == nullptr) {
        absent_.push_back(name);
        continue;
      }
      Statements statements = StatementsOf(*call);
      if (!statements.empty()) out[name] = std::move(statements);
    }
    return out;
  }
  const std::vector<std::string>& absent() const { return absent_; }
  bool repaired() const { return repaired_; }

 private:
  struct Part {
    Action action;
    std::vector<Comparison> tests;  // all must hold
    Predicate when;
    const OciRule* rule;
  };

  void ReportUnknown(const std::string& name) {
    std::vector<std::string_view> known(kernel::SyscallNames().begin(), kernel::SyscallNames().end());
    for (const OciRule& rule : profile_.rules) {
      if (std::find(rule.names.begin(), rule.names.end(), name) == rule.names.end()) continue;
      const std::string hint = diag::DidYouMean(name, known);
      remarks_.Say(diag::Kind::kImportUnknownName, rule, fmt::format("`{}` is a system call of no architecture", name), hint.empty() ? "it is left out" : hint + " It is left out");
      return;
    }
  }

  // Comparisons of one clause; nullopt: it never holds, or cannot be stated.
  std::optional<Part> Translate(const kernel::Syscall& call, const OciClause& clause) {
    Part part{clause.action, {}, {}, clause.rule};
    std::vector<Predicate> terms;
    for (const seccomp::OciArg& arg : clause.when) {
      std::string why;
      const auto comparison = import::Translate(call, arg, options_.literal, why);
      if (!comparison) {
        remarks_.Say(diag::Kind::kImportUnstatable, *clause.rule, fmt::format("the rule for `{}` cannot be stated: {}", call.name, why), "take the comparison out of the profile, or use the profile as it is");
        return std::nullopt;
      }
      if (comparison->repaired) {
        repaired_ = true;
        const std::string& param = call.params[arg.index].name;
        remarks_.Say(diag::Kind::kImportWideCompare, *clause.rule, fmt::format("`{}` of `{}` is compared by 64 bits, the kernel reads {}", param, call.name, call.params[arg.index].type == kernel::ArgType::kU16 ? 16 : 32),
                     "repaired: the policy compares what the kernel reads; --literal keeps the comparison");
      }
      part.tests.push_back(*comparison);
      terms.push_back(Predicate::Test(comparison->test));
    }
    part.when = Predicate::And(std::move(terms));
    if (part.when.IsFalse()) return std::nullopt;
    return part;
  }

  void ReportDropped(const seccomp::OciAnswer& answer, const std::string& name) {
    for (const OciRule* rule : answer.dropped) {
      const auto action = seccomp::OciActionOf(rule->action, rule->errno_ret);
      const bool is_default = action && *action == fallback_;
      remarks_.Say(diag::Kind::kImportDroppedRule, *rule, fmt::format("runtimes drop this rule for `{}`: {}", name, is_default ? "its action is the default's" : "another rule decides the call"),
                   "the policy says what runtimes do; delete the rule, or order the profile's rules as they are meant");
    }
    for (const auto& [first, second] : answer.refused) {
      remarks_.Say(diag::Kind::kImportConflict, *second, fmt::format("`{}` is decided differently by an earlier, more special rule", name), "libseccomp refuses such a profile; keep one of the rules");
    }
  }

  Statements StatementsOf(const kernel::Syscall& call) {
    const seccomp::OciAnswer answer = seccomp::AnswerOf(profile_, container_, call.name);
    ReportDropped(answer, call.name);
    std::vector<Part> parts;
    for (const OciClause& clause : answer.clauses) {
      for (const auto& when = clause.rule->args; const seccomp::OciArg& arg : when) {
        if (std::count_if(when.begin(), when.end(), [&](const auto& other) { return other.index == arg.index; }) > 1) {
          remarks_.Say(diag::Kind::kImportDuplicateIndex, *clause.rule, fmt::format("a rule for `{}` tests argument {} twice", call.name, arg.index), "runtimes then make every comparison a rule of its own: any of them suffices; the policy says so too");
        }
      }
      if (auto part = Translate(call, clause)) parts.push_back(std::move(*part));
    }
    CheckDisjoint(call, parts);
    return Write(call, parts);
  }

  void CheckDisjoint(const kernel::Syscall& call, const std::vector<Part>& parts) {
    for (size_t i = 0; i < parts.size(); ++i) {
      for (size_t j = i + 1; j < parts.size(); ++j) {
        if (parts[i].action == parts[j].action || !ir::FindArgs(Predicate::And({parts[i].when, parts[j].when}))) continue;
        remarks_.Say(diag::Kind::kImportConflict, *parts[j].rule, fmt::format("two rules for `{}` match the same call with different actions", call.name), "nothing says which of them a runtime takes; make their conditions exclude one another");
      }
    }
  }

  // Parts that test one and the same argument are one condition; the others stand for themselves.
  Statements Write(const kernel::Syscall& call, const std::vector<Part>& parts) {
    Statements out;
    std::vector<std::pair<Action, Comparison>> merged;
    for (const Part& part : parts) {
      if (part.tests.empty()) {
        out.push_back({part.action, ""});
        continue;
      }
      if (part.tests.size() == 1) {
        const Comparison& c = part.tests[0];
        const auto same = std::find_if(merged.begin(), merged.end(), [&](const auto& m) { return m.first == part.action && m.second.wide == c.wide && m.second.test.arg == c.test.arg && m.second.test.bits == c.test.bits && m.second.test.mask == c.test.mask; });
        if (same == merged.end()) {
          merged.emplace_back(part.action, c);
        } else {
          same->second.test.values = same->second.test.values.Union(c.test.values);
        }
        continue;
      }
      std::string condition;
      for (const Comparison& c : part.tests) {
        if (Predicate::Test(c.test).IsTrue()) continue;
        condition += (condition.empty() ? "" : ", ") + ConditionText(arch_, call, c);
      }
      out.push_back({part.action, std::move(condition)});
    }
    for (const auto& [action, c] : merged) out.push_back({action, Predicate::Test(c.test).IsTrue() ? "" : ConditionText(arch_, call, c)});
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  const OciProfile& profile_;
  const OciImportOptions& options_;
  Arch arch_;
  Action fallback_;
  Remarks& remarks_;
  seccomp::OciContainer container_;
  std::vector<std::string> absent_;
  bool repaired_ = false;
};

// "allow syscall { a, b }" and so on for calls with their statements, in canonical order: plain permissions, conditions, refusals.
std::string StatementText(const std::map<std::string, Statements>& calls) {
  std::map<Action, std::vector<std::string>> plain;
  std::string conditional;
  const auto rule = [](Action action, const std::string& what) {
    if (action.kind == ActionKind::kAllow) return fmt::format("allow syscall {}\n", what);
    if (action.kind == ActionKind::kLog) return fmt::format("allow syscall {} with log\n", what);
    return fmt::format("deny syscall {} with {}\n", what, FormatAction(action));
  };
  for (const auto& [name, statements] : calls) {
    for (const Statement& s : statements) {
      if (s.condition.empty()) {
        plain[s.action].push_back(name);
      } else {
        conditional += rule(s.action, fmt::format("{}({})", name, s.condition));
      }
    }
  }
  std::string out;
  for (auto it = plain.rbegin(); it != plain.rend(); ++it) out += rule(it->first, it->second.size() == 1 ? it->second[0] : fmt::format("{{ {} }}", fmt::join(it->second, ", ")));
  return out + conditional;
}

std::string HeadComment(const OciImportOptions& options, const std::vector<Arch>& arches, bool repaired) {
  std::vector<std::string_view> names;
  for (const Arch arch : arches) names.push_back(kernel::ArchName(arch));
  std::string out = fmt::format("// From the runtime profile {}, for {}, {}, Linux {}.\n", options.origin.empty() ? "given" : options.origin, fmt::join(names, ", "),
                                options.capabilities.empty() ? "a container without capabilities" : fmt::format("a container with {}", fmt::join(options.capabilities, ", ")), kernel::FormatVersion(options.kernel));
  if (repaired) out += "// The profile compares 64 bits of parameters that the kernel reads as 32 bits; here they are compared as the kernel reads them.\n";
  if (std::any_of(arches.begin(), arches.end(), [](Arch a) { return a == Arch::kI386 || a == Arch::kS390x; })) {
    out += "// libseccomp also opens `socketcall` and `ipc` for the calls that they carry; this policy opens what the profile names.\n";
  }
  return out;
}

// Letters, digits and _, not beginning with a digit: "moby-default" is moby_default.
std::string PolicyName(const OciImportOptions& options) {
  std::string name = options.policy_name;
  if (name.empty()) name = options.origin.substr(0, options.origin.rfind('.'));
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 && static_cast<unsigned char>(c) < 128 ? c : '_';
  if (name.empty()) return "imported";
  return name[0] >= '0' && name[0] <= '9' ? "_" + name : name;
}

std::string DefaultText(Action fallback) {
  if (fallback.kind == ActionKind::kAllow) return "default allow syscall\n";
  if (fallback.kind == ActionKind::kLog) return "default allow syscall with log\n";
  return fmt::format("default deny syscall with {}\n", FormatAction(fallback));
}

bool ActionsAreKnown(const OciProfile& profile, source::FileId file, diag::Sink& sink) {
  bool good = true;
  const auto check = [&](const std::string& name, std::optional<uint32_t> data, size_t offset) {
    const auto action = seccomp::OciActionOf(name, data);
    const auto at = static_cast<uint32_t>(offset);
    if (!action) {
      sink.Report(diag::Kind::kImportMalformed, {file, at, at + 1}, fmt::format("`{}`{} is no action of the kernel", name, data ? fmt::format(" with {}", *data) : ""));
    } else if (action->kind == ActionKind::kErrno && action->data == 0) {
      sink.Report(diag::Kind::kImportUnstatable, {file, at, at + 1}, "error number 0: the call would not run and report success").Help("a policy refuses with an error number from 1 to 4095");
    } else {
      return;
    }
    good = false;
  };
  check(profile.default_action, profile.default_errno, 0);
  for (const OciRule& rule : profile.rules) check(rule.action, rule.errno_ret, rule.offset);
  return good;
}

}  // namespace

Result<std::string> ImportOciSeccomp(source::FileId file, std::string_view json, const OciImportOptions& options, diag::Sink& sink) {
  RAVELIN_TRY(profile, seccomp::ReadOciProfile(json));
  if (!ActionsAreKnown(profile, file, sink)) return std::string();
  const Action fallback = *seccomp::OciActionOf(profile.default_action, profile.default_errno);
  std::vector<Arch> arches = options.arches.empty() ? std::vector<Arch>{Arch::kX86_64} : options.arches;
  std::sort(arches.begin(), arches.end());
  arches.erase(std::unique(arches.begin(), arches.end()), arches.end());

  Remarks remarks(file, sink);
  bool repaired = false;
  std::map<Arch, std::map<std::string, Statements>> by_arch;
  std::vector<std::string> absent;
  for (const Arch arch : arches) {
    ArchImport one(profile, options, arch, fallback, remarks);
    by_arch[arch] = one.Run();
    repaired = repaired || one.repaired();
    if (arches.size() == 1) absent = one.absent();
  }
  // What every architecture has alike stands once.
  std::map<std::string, Statements> common;
  for (const auto& entry : by_arch[arches[0]]) {
    const auto& name = entry.first;
    const auto& statements = entry.second;  // a lambda of clang 14 takes no structured binding
    const auto alike = [&](Arch arch) {
      const auto it = by_arch[arch].find(name);
      return it != by_arch[arch].end() && it->second == statements;
    };
    if (std::all_of(arches.begin(), arches.end(), alike)) common[name] = statements;
  }
  std::string body = StatementText(common);
  for (const Arch arch : arches) {
    for (const auto& [name, statements] : common) by_arch[arch].erase(name);
    const std::string own = StatementText(by_arch[arch]);
    if (!own.empty()) body += fmt::format("\nwhen target.arch == {} {{\n{}}}\n", kernel::ArchName(arch), own);
  }
  std::string text = HeadComment(options, arches, repaired) + "language 1\n\npolicy " + PolicyName(options) + " {\n";
  if (arches.size() == 1) text += fmt::format("architectures {{ {} }}\n", kernel::ArchName(arches[0]));
  text += "layers { seccomp }\n";
  text += DefaultText(fallback) + "\n" + body;
  if (!absent.empty()) text += fmt::format("\n// Named in the profile, not on {}: {} calls.\n", kernel::ArchName(arches[0]), absent.size());
  return Layout(text + "}\n");
}

}  // namespace ravelin::import
