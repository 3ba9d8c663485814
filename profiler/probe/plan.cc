#include "profiler/probe/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "compiler/ir/boxes.h"
#include "compiler/ir/path_set.h"
#include "profiler/probe/verbs.h"

namespace ravelin::probe {
namespace {

constexpr size_t kMostOfAVerb = 120;  // so that no kind of attempt is most of them

bool IsName(const std::string& path) {
  if (path.size() < 2 || path.size() > 200 || path.front() != '/' || path.back() == '/' || path.find("//") != std::string::npos) return false;
  // What the prober's arguments and a host's file names can hold.
  if (std::any_of(path.begin(), path.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; })) return false;
  for (const char* part : {"/./", "/../"}) {
    if ((path + "/").find(part) != std::string::npos) return false;
  }
  return true;
}

// The guest mounts something else there.
}  // namespace

bool IsTheGuests(const std::string& path) {
  for (const char* top : {"/proc", "/sys", "/dev", "/tmp", "/run"}) {
    if (path == top || path.rfind(std::string(top) + "/", 0) == 0) return true;
  }
  return false;
}

namespace {

std::string Parent(const std::string& path) { return path.rfind('/') == 0 ? "/" : path.substr(0, path.rfind('/')); }

class Planner {
 public:
  Planner(const ir::Domain& domain, bool as_root) : domain_(domain), as_root_(as_root) {}

  Result<Plan> Run() {
    RAVELIN_TRY(program, Program());
    plan_.program = program;
    plan_.helper = "/ravelin-helper";
    for (const std::string& one : {plan_.program, plan_.helper}) {
      if (!Claim(one, Place::Kind::kProgram)) return Fail(ErrorCode::kUnsupported, fmt::format("nothing can stand at {}", one));
    }
    for (const bool changing : {false, true}) {  // what changes an object comes last
      for (const ir::Rule& rule : domain_.rules) {
        auto done = OfRule(rule, changing);
        if (!done) return tl::make_unexpected(std::move(done.error()));
      }
    }
    for (const auto& [path, kind] : places_) plan_.places.push_back({path, kind});
    Calls();
    return std::move(plan_);
  }

 private:
  Result<std::string> Program() const {
    if (domain_.attach.empty()) return std::string("/ravelin-prober");
    RAVELIN_TRY(attached, ir::PathSet::ParseAny(domain_.attach));
    const auto witness = attached.Witness();
    if (!witness || !IsName(*witness) || IsTheGuests(*witness)) return Fail(ErrorCode::kUnsupported, fmt::format("no program of policy {} can stand in the guest", domain_.name));
    return *witness;
  }

  // Whether something of that kind can stand at the path beside what stands there already.
  bool Claim(const std::string& path, Place::Kind kind) {
    if (!IsName(path) || IsTheGuests(path)) return false;
    for (std::string above = Parent(path); above != "/"; above = Parent(above)) {
      const auto there = places_.find(above);
      if (there != places_.end() && there->second != Place::Kind::kFolder) return false;
    }
    const auto below = places_.lower_bound(path + "/");
    if (kind != Place::Kind::kFolder && below != places_.end() && below->first.rfind(path + "/", 0) == 0) return false;
    const auto [at, fresh] = places_.emplace(path, kind);
    return fresh || at->second == kind;
  }

  // Members of the pattern, then names just outside.
  static Result<std::vector<std::pair<std::string, bool>>> Names(const std::string& pattern) {
    std::vector<std::pair<std::string, bool>> out;
    RAVELIN_TRY(set, ir::PathSet::Parse(pattern));
    ir::PathSet rest = set;
    std::string first;
    for (int i = 0; i < 2; ++i) {
      RAVELIN_TRY(names, rest.Intersect(ir::PathSet::Names()));
      const auto witness = names.Witness();
      if (!witness) break;
      if (first.empty()) first = *witness;
      out.emplace_back(*witness, true);
      RAVELIN_TRY(one, ir::PathSet::Parse(ir::LiteralPattern(*witness)));
      RAVELIN_TRY(less, rest.Minus(one));
      rest = std::move(less);
    }
    if (first.empty()) return out;
    std::string other = first;
    other.back() = other.back() == 'q' ? 'z' : 'q';
    for (const std::string& near : {first + "q", first.substr(0, first.size() - 1), other, Parent(first) + (Parent(first) == "/" ? "" : "/") + "q-neighbour", first + "/q", "/q" + first}) {
      if (IsName(near) && !set.Contains(near)) out.emplace_back(near, false);
    }
    return out;
  }

  Result<void> OfRule(const ir::Rule& rule, bool changing) {
    const std::string& facet = kernel::Facets()[rule.facet].name;
    if ((facet != "file" && facet != "exec") || rule.effect == ir::Effect::kNever) return {};
    const auto leave_out = [&](const std::string& why) {
      if (changing) plan_.left_out.push_back(fmt::format("{}: {}", rule.from.place, why));
      return Result<void>();
    };
    if (rule.texts.count("label") != 0) return leave_out("it speaks of an object by its label");
    const auto path = rule.texts.find("path");
    if (path == rule.texts.end()) return leave_out("it names no path");
    const auto transition = rule.texts.find("transition");
    if (transition != rule.texts.end() && transition->second.front() != "self") return leave_out("what runs changes its domain");
    for (const std::string& pattern : path->second) {
      RAVELIN_TRY(names, Names(pattern));
      for (const auto& [name, inside] : names) {
        for (const Verb& verb : Verbs()) {
          if (verb.changes != changing || verb.facet != facet || !OfVerb(rule, verb)) continue;
          Add(rule, verb, name, inside);
        }
      }
    }
    return {};
  }

  static bool OfVerb(const ir::Rule& rule, const Verb& verb) {
    const auto& operations = kernel::Facets()[rule.facet].operations;
    const auto at = std::find(operations.begin(), operations.end(), verb.operation) - operations.begin();
    return (rule.operations >> at & 1) != 0;
  }

  void Add(const ir::Rule& rule, const Verb& verb, const std::string& path, bool inside) {
    if (verb.owners_only && !as_root_) return;
    if (counts_[verb.name] >= kMostOfAVerb || !done_.insert({verb.name, path}).second) return;
    Probe probe;
    const bool absent = verb.needs == Verb::Needs::kNothing;
    const auto kind = verb.needs == Verb::Needs::kFolder ? Place::Kind::kFolder : verb.needs == Verb::Needs::kProgram ? Place::Kind::kProgram : Place::Kind::kFile;
    if (!absent && !Claim(path, kind)) return;
    if (absent) {
      // A file that stands there is taken away first; a folder, or the program itself, stays.
      const auto there = places_.find(path);
      if (there != places_.end() && (there->second != Place::Kind::kFile)) return;
      const auto below = places_.lower_bound(path + "/");
      if (below != places_.end() && below->first.rfind(path + "/", 0) == 0) return;
      if (!Claim(Parent(path), Place::Kind::kFolder) && Parent(path) != "/") return;
      if (there != places_.end() || made_.count(path) != 0) probe.before = {"delete", path};
      made_.insert(path);
    }
    const auto event = EventOf(verb, path, as_root_);
    if (!event) return;
    probe.arguments = {verb.name, path};
    probe.path = path;
    probe.kind = verb.kind;
    probe.event = *event;
    probe.rule = rule.id;
    probe.inside = inside;
    probe.shown = fmt::format("{} {{ {} }} on {}", verb.facet, verb.operation, path);
    ++counts_[verb.name];
    plan_.probes.push_back(std::move(probe));
  }

  // Every call with arguments of nothing: what only a filter decides.
  void Calls() {
    for (const kernel::Syscall& call : kernel::Syscalls(kernel::Arch::kX86_64)) {
      if (!IsSafeBare(call.name) || counts_["call"] >= 2 * kMostOfAVerb || call.number >= 512) continue;
      Probe probe;
      probe.arguments = {"call", std::to_string(call.number)};
      probe.event = CallOf(call.number, {});
      probe.shown = fmt::format("{}(0, ...)", call.name);
      ++counts_["call"];
      plan_.probes.push_back(std::move(probe));
    }
  }

  const ir::Domain& domain_;
  const bool as_root_;
  Plan plan_;
  std::map<std::string, Place::Kind> places_;
  std::set<std::pair<std::string, std::string>> done_;
  std::set<std::string> made_;
  std::map<std::string, size_t> counts_;
};

}  // namespace

Result<Plan> MakePlan(const ir::Domain& domain, bool as_root) { return Planner(domain, as_root).Run(); }

}  // namespace ravelin::probe
