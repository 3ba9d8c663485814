// System calls: those that were seen, their other doors, and what goes with them.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/base/check.h"
#include "compiler/kernel/view.h"
#include "profiler/generalize/embedded_tables.h"
#include "profiler/generalize/generalize.h"
#include "profiler/observe/table.h"

namespace ravelin::generalize {
namespace {

constexpr kernel::Arch kArch = kernel::Arch::kX86_64;
// Of a call that is many calls, more values than that are no list that somebody would read: then any.
constexpr size_t kMostValues = 16;

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) out.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

struct Use {
  Evidence evidence;
  std::map<std::string, std::set<uint64_t>> values;  // by parameter
};

// Calls whose rules of the object say the same more tightly.
bool SaidByObjects(const std::string& call) {
  static const std::set<std::string> calls = {"socket", "socketpair", "ioctl", "execve", "execveat", "prlimit64", "getrlimit", "setrlimit", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "personality"};
  return calls.count(call) != 0;
}

// Calls that send the signal that an argument names.
bool SendsSignals(const std::string& call) { return call == "kill" || call == "tkill" || call == "tgkill"; }

class Rules {
 public:
  Rules(const std::vector<Seen>& seen, size_t runs, const Learned& learned) : runs_(runs), reachable_(learned.reach.calls) {
    for (const ModuleUse& use : learned.modules) {
      operations_.insert(use.module.granted.begin(), use.module.granted.end());
      of_modules_.insert(use.module.calls.begin(), use.module.calls.end());
    }
    for (const char* everywhere : {"getattr", "traverse", "inherit"}) operations_.insert({"file", everywhere});
    for (const Seen& one : seen) {
      if (one.facet != "syscall") {
        for (const std::string& operation : kernel::OperationClosure(one.facet, one.operation)) operations_.insert({one.facet, operation});
      }
      if (one.facet == "exec") operations_.insert({"file", "map_exec"});
      if (one.facet == "namespace") namespaces_ = true;
      if (one.facet == "memory") executable_ = true;
      if (const auto number = one.attributes.find("signal"); one.facet == "signal" && one.operation == "send" && number != one.attributes.end()) signals_.insert(std::stoull(number->second, nullptr, 16));
      if (one.facet != "syscall" || kernel::FindSyscall(kArch, one.operation) == nullptr) continue;
      Use& use = uses_[one.operation];
      use.evidence.Join(one.evidence);
      for (const auto& [key, value] : one.attributes) {
        if (value.rfind("0x", 0) == 0) use.values[key].insert(std::stoull(value, nullptr, 16));
      }
    }
  }

  CallRules Make(bool companions, const std::set<std::string>& denied) {
    CallRules out;
    out.observed = uses_.size();
    AddClosure(companions);
    std::set<std::string> plain;
    Rule list{"system calls", {}, ""};
    for (const auto& [name, use] : uses_) {
      if (SaidByObjects(name)) {
        out.calls.insert(name);
        continue;
      }
      if (Special(name)) continue;
      plain.insert(name);
      list.comments.push_back(fmt::format("{}: {}", name, EvidenceText(use.evidence, runs_)));
    }
    for (const auto& [why, names] : added_) list.comments.push_back(fmt::format("not seen, {}: {}", why, JoinNames(names)));
    for (const auto& [why, names] : added_) plain.insert(names.begin(), names.end());
    // The names stand in the comment above all of them, the examples with those that have one.
    Compress(list);
    out.calls.insert(plain.begin(), plain.end());
    out.calls.insert(conditional_.begin(), conditional_.end());
    out.granted = out.calls.size();
    if (!plain.empty()) {
      list.statement = fmt::format("calls: allow syscall {{ {} }}", JoinNames(plain));
      out.rules.push_back(std::move(list));
    }
    for (Rule& rule : special_) out.rules.push_back(std::move(rule));
    AddUnused(denied, out);
    return out;
  }

 private:
  // Calls with the same sightings are told on one line.
  static void Compress(Rule& rule) {
    std::map<std::string, std::vector<std::string>> by_runs;
    std::vector<std::string> rest;
    for (const std::string& comment : rule.comments) {
      const size_t runs = comment.find(": runs ");
      const size_t comma = comment.find(',', runs == std::string::npos ? 0 : runs);
      if (runs == std::string::npos || comma == std::string::npos) {
        rest.push_back(comment);
        continue;
      }
      const size_t count_end = std::min(comment.find(',', comma + 1), comment.size());
      by_runs[comment.substr(runs + 2, comma - runs - 2)].push_back(comment.substr(0, runs) + " " + comment.substr(comma + 2, count_end - comma - 2));
    }
    rule.comments.clear();
    for (const auto& [runs, names] : by_runs) {
      std::string line = runs + ":";
      for (const std::string& name : names) {
        if (line.size() + name.size() > 120) {
          rule.comments.push_back(line + ",");
          line = "  ";
        }
        line += (line.back() == ':' || line.back() == ' ' ? " " : ", ") + name;
      }
      rule.comments.push_back(line);
    }
    rule.comments.insert(rule.comments.end(), rest.begin(), rest.end());
  }

  bool Granted(const std::string& name) const {
    return uses_.count(name) != 0 || std::any_of(added_.begin(), added_.end(), [&](const auto& entry) { return entry.second.count(name) != 0; });
  }

  void AddTo(const std::string& why, const std::string& name) {
    const kernel::Syscall* known = kernel::FindSyscall(kArch, name);
    if (left_ == 0 || known == nullptr || Granted(name) || SaidByObjects(name)) return;
    if (name == "prctl") {
      if (!conditional_.insert(name).second) return;
      special_.push_back({"system calls", {fmt::format("{}: not seen, {}", name, why)}, "allow syscall prctl(option in { PR_SET_NAME })"});
    } else if (SendsSignals(name) && !signals_.empty()) {
      if (!conditional_.insert(name).second) return;
      special_.push_back({"system calls", {fmt::format("{}: not seen, {}; the signals that other calls sent", name, why)}, fmt::format("allow syscall {}({})", name, Values(name, "sig", signals_))});
    } else if (Conditional(name) && !SendsSignals(name)) {
      return;
    } else {
      added_[why].insert(name);
    }
    --left_;
  }

  // A quarter of what was seen at most, what every process needs before all else, then in the order of the table.
  void AddClosure(bool companions) {
    left_ = std::max<size_t>(uses_.size() / 4, 3);
    for (const kernel::EquivalentGroup& group : kernel::EquivalentGroups()) {
      if (group.kind != "essential") continue;
      for (const std::string& name : group.calls) AddTo("every process needs it", name);
    }
    if (!companions) return;
    for (const auto& row : observe::TableRows(EmbeddedTable("companions.tsv"))) {
      RAVELIN_CHECK(row.size() == 3, "companions.tsv has a row with other columns");
      const auto seen = Words(row[0]);
      if (row[0] != "*" && std::none_of(seen.begin(), seen.end(), [&](const std::string& name) { return uses_.count(name) != 0; })) continue;
      for (std::string& name : Words(row[1])) {
        const bool by_kernel = name.front() == '!';
        if (by_kernel) name.erase(0, 1);
        if (by_kernel || reachable_.empty() || reachable_.count(name) != 0) AddTo(std::string(row[2]), name);
      }
    }
  }

  // Rules on files and sockets bring with them every call that carries them out, and modules bring calls of their own.  Those that nobody used are
  // answered as by a kernel that has not got them: libraries go on with the older form.
  void AddUnused(const std::set<std::string>& denied, CallRules& out) const {
    std::set<std::string> unused;
    for (const kernel::Syscall& call : kernel::Syscalls(kArch)) {
      if (out.calls.count(call.name) != 0 || call.name == "clone3") continue;
      const auto rows = kernel::ViewRows(kArch, call.name);
      const auto is_denied = [&](const kernel::ViewRow& row) { return row.facet != "file" && denied.count(row.facet) != 0; };
      const auto is_granted = [&](const kernel::ViewRow& row) { return operations_.count({row.facet, row.operation}) != 0; };
      if (std::none_of(rows.begin(), rows.end(), is_denied) && (of_modules_.count(call.name) != 0 || std::any_of(rows.begin(), rows.end(), is_granted))) unused.insert(call.name);
    }
    if (unused.empty()) return;
    out.rules.push_back({"system calls", {"not seen: other ways to do what the rules above permit"}, fmt::format("unused: deny syscall {{ {} }} with errno(ENOSYS)", JoinNames(unused))});
  }

  static bool Conditional(const std::string& name) {
    static const std::set<std::string> names = {"mmap", "mprotect", "pkey_mprotect", "clone", "clone3", "prctl", "fcntl", "arch_prctl", "unshare", "setns"};
    return names.count(name) != 0 || SendsSignals(name);
  }

  std::string Values(const std::string& call, const std::string& param, const std::set<uint64_t>& values) const {
    const kernel::Syscall* known = kernel::FindSyscall(kArch, call);
    std::set<std::string> names;
    for (const uint64_t value : values) {
      std::string_view name;
      for (const kernel::Param& one : known->params) {
        if (one.name == param) name = kernel::ConstantName(kArch, one.family, value);
      }
      names.insert(name.empty() ? value == 0 ? "0" : fmt::format("{:#x}", value) : std::string(name));
    }
    if (call == "fcntl") names.insert({"F_GETFD", "F_SETFD", "F_GETFL", "F_SETFL", "F_DUPFD_CLOEXEC"});
    return fmt::format("{} in {{ {} }}", param, JoinNames(names));
  }

  // Calls that are granted with a condition, or are answered.  True where it was one.
  bool Special(const std::string& name) {
    if (!Conditional(name)) return false;
    conditional_.insert(name == "clone3" ? "clone" : name);
    const Use& use = uses_.at(name);
    const auto add = [&](const std::string& statement, const std::string& step) { special_.push_back({"system calls", {fmt::format("{}: {}; {}", name, EvidenceText(use.evidence, runs_), step)}, statement}); };
    const auto values = [&](const char* param) { return use.values.count(param) != 0 ? use.values.at(param) : std::set<uint64_t>(); };
    if (name == "mmap" || name == "mprotect" || name == "pkey_mprotect") {
      if (executable_) {
        add(fmt::format("allow syscall {}", name), "memory that becomes executable was seen");
      } else {
        add(fmt::format("allow syscall {}(prot & PROT_EXEC == 0)", name), "never executable; files that are mapped so have their own rule");
      }
    } else if (name == "clone") {
      add(namespaces_ ? "allow syscall clone" : "allow syscall clone(flags & CLONE_NEW_ANY == 0)", "no new namespace was seen");
    } else if (name == "clone3") {
      add("deny syscall clone3 with errno(ENOSYS)", "its flags are in memory, where no filter sees them: libraries fall back to clone");
      if (uses_.count("clone") == 0) special_.push_back({"system calls", {"not seen, in place of clone3"}, "allow syscall clone(flags & CLONE_NEW_ANY == 0)"});
    } else if (name == "prctl" || name == "fcntl" || name == "arch_prctl" || SendsSignals(name)) {
      const char* param = name == "fcntl" ? "cmd" : SendsSignals(name) ? "sig" : "option";
      auto seen = values(param);
      if (SendsSignals(name)) {
        if (seen.empty() && !signals_.empty()) seen.insert(0);  // to ask whether somebody is there is no signal
        seen.insert(signals_.begin(), signals_.end());
      }
      if (seen.empty() || seen.size() > kMostValues) {
        add(fmt::format("allow syscall {}", name), seen.empty() ? "its arguments were not recorded" : "more values than a list");
      } else {
        add(fmt::format("allow syscall {}({})", name, Values(name, param, seen)), name == "fcntl" ? "the values that were seen, and flags of descriptors" : SendsSignals(name) ? "the signals that were seen, of whatever call" : "the values that were seen");
      }
    } else {
      add(fmt::format("allow syscall {}", name), "as its rule of namespaces says");
    }
    return true;
  }

  const size_t runs_;
  const std::set<std::string>& reachable_;
  std::map<std::string, Use> uses_;
  std::set<std::pair<std::string, std::string>> operations_;  // of facets, that the other rules grant
  std::set<std::string> conditional_;                         // calls that have a rule of their own
  std::set<std::string> of_modules_;                          // calls that a module permits by name
  size_t left_ = 0;                                           // calls that may still be added
  std::set<uint64_t> signals_;                                // that were sent, by whatever call
  std::map<std::string, std::set<std::string>> added_;
  std::vector<Rule> special_;
  bool namespaces_ = false;
  bool executable_ = false;
};

}  // namespace

CallRules RulesOfCalls(const std::vector<Seen>& seen, size_t runs, bool companions, const std::set<std::string>& denied, const Learned& learned) { return Rules(seen, runs, learned).Make(companions, denied); }

}  // namespace ravelin::generalize
