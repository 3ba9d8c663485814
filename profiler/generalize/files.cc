// Files and programs.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/kernel/facts.h"
#include "profiler/generalize/alike.h"
#include "profiler/generalize/generalize.h"
#include "profiler/generalize/tree.h"

namespace ravelin::generalize {
namespace {

// Looking for names is permitted everywhere, and what was open before is inherited: the operations that every program needs of paths
// that nobody can tell beforehand.
bool Everywhere(const std::string& operation) { return operation == "getattr" || operation == "traverse" || operation == "inherit"; }

std::string LabelOf(const std::set<std::string>& operations, bool owner) {
  std::string out = "files";
  for (const std::string& one : operations) out += "_" + one;
  return out + (owner ? "_own" : "");
}

// What the workload makes where others could make it as well: by a pattern, or where everybody makes names.  Where all of it was of the process's own user,
// others' is not meant.  (Of what it found the owner is whoever installed it.)
bool IsOwn(const PathRule& rule) {
  if (!rule.evidence.own || rule.evidence.others || std::none_of(rule.operations.begin(), rule.operations.end(), Makes)) return false;
  return rule.pattern.find_first_of("*?[{") != std::string::npos || IsCommon(rule.pattern.substr(0, rule.pattern.rfind('/')));
}

// What an operation brings with it need not be said beside it.
std::set<std::string> WithoutImplied(std::set<std::string> operations) {
  if (operations.count("write") != 0) {
    operations.erase("append");
    operations.erase("truncate");
  }
  return operations;
}

std::string Paths(const std::vector<std::string>& patterns) {
  std::string out;
  for (const std::string& pattern : patterns) out += (out.empty() ? "" : ", ") + QuoteText(pattern);
  return "path(" + out + ")";
}

std::string Comment(const PathRule& rule, size_t runs) {
  std::string out = fmt::format("{}: {}; {}", rule.pattern, EvidenceText(rule.evidence, runs), rule.step);
  if (rule.owner) out += "; all were its own";
  if (rule.used > 1 || rule.beyond > 0) out += fmt::format("; {} used, {} more here", rule.used, rule.beyond);
  return out;
}

void AddCommands(const std::vector<Seen>& seen, size_t runs, std::vector<Rule>& out) {
  std::map<std::string, Evidence> commands;
  for (const Seen& one : seen) {
    std::string value;
    if (one.facet == "file" && one.operation == "ioctl") {
      if (const auto at = one.attributes.find("command"); at != one.attributes.end()) value = at->second;
    } else if (one.facet == "syscall" && one.operation == "ioctl") {
      // Also those that the object did not know: a program asks whether it is a terminal.
      if (const auto at = one.attributes.find("request"); at != one.attributes.end()) value = at->second;
    }
    if (value.empty()) continue;
    const std::string_view name = kernel::ConstantName(kernel::Arch::kX86_64, "ioctl", std::stoull(value, nullptr, 16));
    commands[name.empty() ? value : std::string(name)].Join(one.evidence);
  }
  if (commands.empty()) return;
  Rule rule{"files", {}, ""};
  std::set<std::string> names;
  for (const auto& [name, evidence] : commands) {
    names.insert(name);
    rule.comments.push_back(fmt::format("{}: {}", name, EvidenceText(evidence, runs)));
  }
  rule.statement = fmt::format("commands: allow file {{ ioctl }} command {{ {} }}", JoinNames(names));
  out.push_back(std::move(rule));
}

// Of devices behind which there is nothing; whoever opens files at all may open them.  Writing is only for those that write.
std::vector<PathRule> TakeDevices(std::vector<PathUse>& uses) {
  std::vector<PathRule> out;
  if (uses.empty()) return out;
  static const std::set<std::string> written = {"append", "read", "truncate", "write"};
  const bool writes = std::any_of(uses.begin(), uses.end(), [](const PathUse& use) { return use.operations.count("write") != 0; });
  for (const auto& [kind, operations, step] : {std::tuple{"void", writes ? written : std::set<std::string>{"read"}, "nothing is behind it"}, std::tuple{"source", std::set<std::string>{"read"}, "random bytes tell nothing"}}) {
    Evidence evidence;
    std::erase_if(uses, [&, what = std::string(kind), allowed = operations](const PathUse& use) {
      if (!(what == "void" ? IsVoid(use.path) : IsSource(use.path))) return false;
      const bool covered = std::all_of(use.operations.begin(), use.operations.end(), [&](const auto& one) { return allowed.count(one.first) != 0; });
      for (const auto& [operation, seen] : use.operations) evidence.Join(seen);
      return covered;
    });
    for (const std::string& pattern : PatternsOfKind(kind)) out.push_back({pattern, operations, evidence, step, 1, 0, {}, false, true});
  }
  return out;
}

// Of a module that lost a part in review the rest is granted by rules of the policy's own.
void TakeApart(Learned& learned) {
  std::erase_if(learned.modules, [&](const ModuleUse& use) {
    const auto is_of = [&](const PathRule& rule) { return rule.module == use.text; };
    if (static_cast<size_t>(std::count_if(learned.paths.begin(), learned.paths.end(), is_of)) == use.rules) return false;
    std::erase_if(learned.paths, [&](const PathRule& rule) { return is_of(rule) && rule.used == 0; });  // nobody needed it
    for (PathRule& rule : learned.paths) {
      if (is_of(rule)) rule.module.clear();
    }
    return true;
  });
}

std::vector<std::string> CommentsOf(const ModuleUse& use, const std::vector<PathRule>& rules, size_t runs) {
  constexpr size_t kMostNamed = 6;
  std::string beyond;
  for (size_t i = 0; i < use.beyond.size() && i < kMostNamed; ++i) beyond += (i == 0 ? ": " : ", ") + use.beyond[i];
  std::vector<std::string> out = {fmt::format("{}: {:.0f} bits instead of {:.0f}; {} used, {} more here{}{}", use.module.name, use.cost, use.instead, use.used, use.beyond.size(), beyond, use.beyond.size() > kMostNamed ? ", ..." : "")};
  for (const PathRule& rule : rules) {
    if (rule.module == use.text && rule.used > 0) out.push_back(fmt::format("{}: {}; {} used, {} more here", rule.pattern, EvidenceText(rule.evidence, runs), rule.used, rule.beyond));
  }
  return out;
}

}  // namespace

Result<std::vector<Rule>> RulesOfFiles(const std::vector<Seen>& seen, const std::set<std::string>& first, size_t runs, const Sensitive& sensitive, const Options& options, std::set<std::string>& decided, Learned& learned) {
  std::map<std::string, PathUse> uses;
  std::map<std::string, Evidence> programs;
  Evidence looking;
  for (const Seen& one : seen) {
    const auto path = one.attributes.find("path");
    if (one.facet == "exec" && path != one.attributes.end()) programs[path->second].Join(one.evidence);
    if (one.facet != "file" || one.operation == "ioctl") continue;
    if (Everywhere(one.operation)) {
      looking.Join(one.evidence);
      continue;
    }
    if (path == one.attributes.end()) {
      learned.withheld.push_back(fmt::format("file {} of a file that the recorder could not name ({})", one.operation, EvidenceText(one.evidence, runs)));
      continue;
    }
    PathUse& use = uses[path->second];
    use.path = path->second;
    use.operations[one.operation].Join(one.evidence);
  }
  const bool selinux = std::any_of(options.layers.begin(), options.layers.end(), [](const std::string& set) { return set.find("selinux") != std::string::npos; });
  if (selinux) JoinLabels(uses);
  std::vector<PathUse> list;
  for (auto& [path, use] : uses) list.push_back(std::move(use));
  const std::vector<PathRule> devices = TakeDevices(list);
  learned.paths = GeneralizePaths(list, runs, sensitive, options.system.listing ? options.system.listing : [](const std::string&) { return std::vector<std::string>(); }, selinux);
  if (selinux) JoinLabels(list, learned.paths);
  learned.paths.insert(learned.paths.end(), devices.begin(), devices.end());
  // Who starts programs may start itself again.
  for (const std::string& one : first) {
    if (!programs.empty()) programs.emplace(one, Evidence{{}, 0, "the program itself"});
  }
  learned.programs = GeneralizePrograms(programs, runs, sensitive, options.system, learned.paths);
  // Of the modules AppArmor alone looks at who owns a file.
  const bool owner_is_seen = std::all_of(options.layers.begin(), options.layers.end(), [](const std::string& set) { return set.find("apparmor") != std::string::npos; });
  for (PathRule& rule : learned.paths) {
    rule.owner = owner_is_seen && IsOwn(rule);
    // A hole was found in what was seen; what else it opens here has to be said.
    if (rule.beyond == 0 && rule.pattern.find_first_of("*?[{") != std::string::npos && options.system.matches) {
      const auto there = options.system.matches(rule.pattern);
      rule.beyond = static_cast<size_t>(std::count_if(there.begin(), there.end(), [&](const std::string& name) { return name.back() != '/' && uses.count(name) == 0; }));
    }
  }
  // Where nobody sees paths, what a module opens would have to be accepted by the names of its rules, which no operator knows beforehand.
  const auto sees_paths = [](const std::string& set) { return set.find("apparmor") != std::string::npos || set.find("selinux") != std::string::npos; };
  if (std::all_of(options.layers.begin(), options.layers.end(), sees_paths)) learned.modules = UseModules(options.modules, runs, sensitive, options.system, learned.paths);
  RAVELIN_TRY(denied, Apply(options.decisions, list, learned.paths, decided));
  TakeApart(learned);
  std::map<std::pair<std::set<std::string>, bool>, std::vector<const PathRule*>> by_operations;
  for (const PathRule& rule : learned.paths) {
    if (!rule.module.empty()) continue;
    by_operations[{WithoutImplied(rule.operations), rule.owner}].push_back(&rule);
    if (rule.step == "literal") {
      if (const std::string why = sensitive.Reaches(rule.pattern); !why.empty()) learned.sensitive.push_back(fmt::format("{} ({})", rule.pattern, why));
    }
  }
  std::vector<Rule> out;
  for (const ModuleUse& use : learned.modules) out.push_back({"modules of the standard library", CommentsOf(use, learned.paths, runs), "use " + use.text});
  Rule everywhere{"files", {"names are looked for, and descriptors that were open before are used", EvidenceText(looking, runs)}, "lookups: allow file { getattr, traverse, inherit }"};
  out.push_back(std::move(everywhere));
  for (const auto& [key, rules] : by_operations) {
    const auto& [operations, owner] = key;
    Rule rule{"files", {}, ""};
    std::vector<std::string> patterns;
    for (const PathRule* one : rules) {
      patterns.push_back(one->pattern);
      rule.comments.push_back(Comment(*one, runs));
    }
    rule.statement = fmt::format("{}: allow file {{ {} }}{} on {}", LabelOf(operations, owner), JoinNames(operations), owner ? " owner" : "", Paths(patterns));
    out.push_back(std::move(rule));
  }
  for (const PathRule& one : denied) {
    const auto operations = WithoutImplied(one.operations);
    out.push_back({"files", {"denied in review; " + Comment(one, runs)}, fmt::format("deny file {{ {} }} on {}", JoinNames(operations), Paths({one.pattern}))});
  }
  AddCommands(seen, runs, out);
  if (!learned.programs.empty()) {
    Rule rule{"programs that are started, in the same domain", {}, ""};
    std::vector<std::string> patterns;
    for (const PathRule& one : learned.programs) {
      patterns.push_back(one.pattern);
      rule.comments.push_back(Comment(one, runs));
    }
    rule.statement = "programs: allow exec " + Paths(patterns);
    out.push_back(std::move(rule));
  }
  return out;
}

}  // namespace ravelin::generalize
