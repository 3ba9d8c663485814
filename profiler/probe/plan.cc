#include "profiler/probe/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "compiler/ir/boxes.h"
#include "compiler/ir/path_set.h"
#include "compiler/oracle/decide.h"
#include "profiler/probe/catalogue.h"

namespace ravelin::probe {
namespace {

constexpr size_t kMostOfOneName = 240;  // and the others have two names, or a command
constexpr size_t kMostOnFiles = 300;
constexpr const char* kAside = "/ravelin-aside";

std::string Parent(const std::string& path) { return path.rfind('/') == 0 ? "/" : path.substr(0, path.rfind('/')); }

// Members of the pattern, then names just outside.
Result<std::vector<std::pair<std::string, bool>>> NamesNear(const std::string& pattern) {
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

// An attempt that could be made for a rule: the sooner of a kind it comes, the more it tells.
struct Candidate {
  const ir::Rule* rule = nullptr;
  const FileVerb* verb = nullptr;
  std::string path;
  bool inside = false;
  size_t rank = 0;  // among those of the rule and the verb on this side
};

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
    for (const ir::Rule& rule : domain_.rules) {
      if (auto done = OfRule(rule); !done) return tl::make_unexpected(std::move(done.error()));
    }
    Files();
    std::vector<Probe> others = NetworkProbes(domain_);
    for (std::vector<Probe>& more : Others()) others.insert(others.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    // No kind is more than two in five: a kind may have two thirds of what the others have together.
    std::vector<Probe> calls = CallProbes(domain_);
    const size_t most = (plan_.probes.size() + others.size()) * 2 / 3;
    if (calls.size() > most) calls.resize(most);
    for (std::vector<Probe>* more : {&others, &calls}) plan_.probes.insert(plan_.probes.end(), std::make_move_iterator(more->begin()), std::make_move_iterator(more->end()));
    for (const auto& [path, kind] : places_) plan_.places.push_back({path, kind});
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

  Result<void> OfRule(const ir::Rule& rule) {
    const std::string& facet = kernel::Facets()[rule.facet].name;
    if ((facet != "file" && facet != "exec") || rule.effect == ir::Effect::kNever) return {};
    const auto leave_out = [&](const std::string& why) {
      plan_.left_out.push_back(fmt::format("{}: {}", rule.from.place, why));
      return Result<void>();
    };
    if (rule.texts.count("label") != 0) return leave_out("it speaks of an object by its label");
    const auto path = rule.texts.find("path");
    if (path == rule.texts.end()) return leave_out("it names no path");
    const auto transition = rule.texts.find("transition");
    if (transition != rule.texts.end() && transition->second.front() != "self") return leave_out("what runs changes its domain");
    std::map<std::pair<const FileVerb*, bool>, size_t> ranks;
    for (const std::string& pattern : path->second) {
      RAVELIN_TRY(names, NamesNear(pattern));
      // Where a rule speaks of folders and of files, some names are those of folders.
      const bool of_both = facet == "file" && (Speaks(rule, "list") || Speaks(rule, "traverse")) && (rule.operations & (rule.operations - 1)) != 0;
      for (size_t i = 0; i < names.size(); ++i) {
        for (const FileVerb& verb : FileVerbs()) {
          const bool folder = verb.needs == FileVerb::Needs::kFolder;
          if (verb.facet != facet || !Speaks(rule, verb.operation) || (of_both && folder != (i % 3 == 1))) continue;
          candidates_.push_back({&rule, &verb, names[i].first, names[i].second, ranks[{&verb, names[i].second}]++});
        }
      }
      if (facet == "file") Pairs(rule, names);
    }
    return {};
  }

  static bool Speaks(const ir::Rule& rule, const std::string& operation) {
    const auto& operations = kernel::Facets()[rule.facet].operations;
    const auto at = std::find(operations.begin(), operations.end(), operation) - operations.begin();
    return (rule.operations >> at & 1) != 0;
  }

  // Commands of a file inside; renamings and links between two names.
  void Pairs(const ir::Rule& rule, const std::vector<std::pair<std::string, bool>>& names) {
    if (names.empty() || !names.front().second) return;
    const std::string& first = names.front().first;
    if (Speaks(rule, "ioctl")) {
      std::vector<uint64_t> commands = {0x5401, 1};  // TCGETS: no file answers; FIBMAP
      if (const auto at = rule.integers.find("command"); at != rule.integers.end()) {
        for (const ir::Interval& interval : at->second.intervals()) commands.insert(commands.end(), {interval.lo, interval.hi + 1, interval.lo ^ 0x10000});
      }
      for (const uint64_t command : commands) pairs_.push_back({&rule, first, "", command, true});
    }
    for (size_t i = 1; i < names.size() && i < 4; ++i) {
      if (Speaks(rule, "rename_from") || Speaks(rule, "rename_to")) {
        pairs_.push_back({&rule, first, names[i].first, 0, names[i].second});
        pairs_.push_back({&rule, names[i].first, first, 0, names[i].second});
      }
    }
    if (!Speaks(rule, "link")) return;
    const auto targets = rule.texts.find("target");
    std::vector<std::pair<std::string, bool>> olds(names.begin() + 1, names.end());
    if (targets != rule.texts.end()) {
      if (auto near = NamesNear(targets->second.front())) olds = *near;
    }
    for (size_t i = 0; i < olds.size() && i < 3; ++i) links_.push_back({&rule, olds[i].first, first, 0, olds[i].second});
    for (size_t i = 1; i < names.size() && i < 4 && !olds.empty(); ++i) links_.push_back({&rule, olds.front().first, names[i].first, 0, names[i].second});
  }

  struct Pair {
    const ir::Rule* rule;
    std::string first, second;
    uint64_t command;
    bool inside;
  };

  void Files() {
    // Both sides of every rule before more of one.
    std::stable_sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) { return a.rank < b.rank; });
    for (const bool changing : {false, true}) {  // what changes an object comes last
      for (const Candidate& one : candidates_) {
        if (one.verb->changes == changing) Add(one);
      }
      if (changing) continue;
      for (const Pair& pair : pairs_) AddPair(pair);
      for (const Pair& pair : links_) AddLink(pair);
    }
  }

  Probe Describe(const ir::Rule& rule, bool inside, std::string shown) {
    Probe probe;
    probe.kind = kernel::Facets()[rule.facet].name;
    probe.rule = rule.id;
    probe.inside = inside;
    probe.shown = std::move(shown);
    return probe;
  }

  bool Full() const { return files_ >= kMostOnFiles; }

  static std::vector<Call> Delete(const std::string& path) { return {MayFail(CallOf("unlinkat", {Number(static_cast<uint64_t>(-100)), Text(path), Number(0)}))}; }
  static std::vector<Call> Move(const std::string& from, const std::string& to) {
    const Operand here = Number(static_cast<uint64_t>(-100));
    return {MayFail(CallOf("renameat2", {here, Text(from), here, Text(to), Number(1)}))};  // RENAME_NOREPLACE
  }
  static std::vector<Call> Own(const std::string& path, uint64_t user) { return {CallOf("fchownat", {Number(static_cast<uint64_t>(-100)), Text(path), Number(user), Number(user), Number(0)})}; }

  static std::vector<Call> Mode(const std::string& path, uint64_t mode) { return {CallOf("fchmodat", {Number(static_cast<uint64_t>(-100)), Text(path), Number(mode)})}; }

  // The place that an attempt makes: nothing stands there, or a file, which is taken away before.
  bool ClaimAbsent(const std::string& path, Probe& probe) {
    const auto there = places_.find(path);
    if (!IsName(path) || IsTheGuests(path) || (there != places_.end() && there->second != Place::Kind::kFile)) return false;
    const auto below = places_.lower_bound(path + "/");
    if (below != places_.end() && below->first.rfind(path + "/", 0) == 0) return false;
    if (Parent(path) != "/" && !Claim(Parent(path), Place::Kind::kFolder)) return false;
    if (there != places_.end() || made_.count(path) != 0) probe.before.push_back(Delete(path));
    made_.insert(path);
    return true;
  }

  void Add(const Candidate& one) {
    const FileVerb& verb = *one.verb;
    if ((verb.owners_only && !as_root_) || files_ >= kMostOfOneName || !done_.insert({verb.name, one.path}).second) return;
    if (verb.permitted_only && !oracle::DecideObject(domain_, Ask(verb.facet, verb.operation, File(one.path, 0, as_root_))).permitted()) return;
    const std::string detail = verb.name == std::string_view(verb.operation) ? "" : fmt::format(" ({})", verb.name);
    Probe probe = Describe(*one.rule, one.inside, fmt::format("{} {{ {} }} on {}{}", verb.facet, verb.operation, one.path, detail));
    probe.any_end = verb.any_end;
    if (verb.needs == FileVerb::Needs::kNothing) {
      if (!ClaimAbsent(one.path, probe)) return;
    } else if (!Claim(one.path, verb.needs == FileVerb::Needs::kFolder ? Place::Kind::kFolder : verb.needs == FileVerb::Needs::kProgram ? Place::Kind::kProgram : Place::Kind::kFile)) {
      return;
    } else if (verb.changes && made_.count(one.path) != 0) {
      return;
    }
    probe.calls = verb.calls(one.path, as_root_);
    if (verb.mode) {
      probe.before.push_back(Mode(one.path, *verb.mode));
      probe.after.push_back(Mode(one.path, 0666));
    }
    if (verb.user) {
      if (*verb.user != 0) probe.before.push_back(Own(one.path, *verb.user));
      probe.after.push_back(Own(one.path, 0));
    }
    ++files_;
    plan_.probes.push_back(std::move(probe));
    // The same of a file that belongs to another, where the rule asks for the owner.
    if (!one.rule->owner_only || !as_root_ || verb.changes || verb.owners_only || std::string_view(verb.facet) != "file" || verb.needs != FileVerb::Needs::kFile) return;
    Probe other = Describe(*one.rule, false, fmt::format("{} {{ {} }} on {} of another", verb.facet, verb.operation, one.path));
    other.any_end = verb.any_end;
    other.calls = verb.calls(one.path, false);
    other.before = {Own(one.path, 1)};
    other.after = {Own(one.path, 0)};
    ++files_;
    plan_.probes.push_back(std::move(other));
  }

  void AddPair(const Pair& pair) {
    if (Full() || !Claim(pair.first, Place::Kind::kFile)) return;
    if (pair.second.empty()) {
      if (!done_.insert({fmt::format("ioctl {}", pair.command), pair.first}).second) return;
      Probe probe = Describe(*pair.rule, pair.inside, fmt::format("file {{ ioctl }} command {:#x} on {}", pair.command, pair.first));
      probe.calls = IoctlCalls(pair.first, pair.command, as_root_);
      probe.any_end = true;
      ++files_;
      plan_.probes.push_back(std::move(probe));
      return;
    }
    if (!done_.insert({"rename " + pair.second, pair.first}).second || !Claim(pair.second, Place::Kind::kFile)) return;
    Probe probe = Describe(*pair.rule, pair.inside, fmt::format("file {{ rename }} from {} to {}", pair.first, pair.second));
    // What stands at the new name goes aside, and all is put back as it was: a file that is made anew would have another label.
    probe.before = {Move(pair.second, kAside)};
    probe.calls = RenameCalls(pair.first, pair.second, as_root_);
    probe.after = {Move(pair.second, pair.first), Move(kAside, pair.second)};
    ++files_;
    plan_.probes.push_back(std::move(probe));
  }

  void AddLink(const Pair& pair) {
    if (Full() || pair.first == pair.second || !done_.insert({"link " + pair.second, pair.first}).second || made_.count(pair.first) != 0 || !Claim(pair.first, Place::Kind::kFile)) return;
    Probe probe = Describe(*pair.rule, pair.inside, fmt::format("file {{ link }} on {} to {}", pair.second, pair.first));
    if (!ClaimAbsent(pair.second, probe)) return;
    probe.calls = LinkCalls(pair.first, pair.second, as_root_);
    probe.after = {Delete(pair.second)};
    ++files_;
    plan_.probes.push_back(std::move(probe));
  }

  // Names of sockets near those that rules speak of, and one of nobody's.
  std::vector<std::tuple<std::string, std::optional<uint32_t>, bool>> SocketNames() const {
    constexpr size_t kMost = 5;
    std::vector<std::tuple<std::string, std::optional<uint32_t>, bool>> out;
    const ir::FacetId network = ir::FacetOf("network");
    for (const ir::Rule& rule : domain_.rules) {
      const auto path = rule.texts.find("path");
      if (rule.facet != network || rule.effect == ir::Effect::kNever || path == rule.texts.end()) continue;
      for (const std::string& pattern : path->second) {
        const auto names = NamesNear(pattern);
        for (size_t i = 0; names && i < names->size() && i < 3 && out.size() < kMost; ++i) out.emplace_back((*names)[i].first, rule.id, (*names)[i].second);
      }
    }
    out.emplace_back("/ravelin-sockets/one", std::nullopt, false);
    return out;
  }

  std::vector<std::vector<Probe>> Others() {
    std::vector<std::vector<Probe>> all;
    all.push_back(CapabilityProbes());
    all.push_back(SystemProbes(domain_));
    std::vector<std::string> points = {"/ravelin-mount"};
    const ir::FacetId mount = ir::FacetOf("mount");
    for (const ir::Rule& rule : domain_.rules) {
      const auto on = rule.texts.find("on");
      if (rule.facet != mount || rule.effect == ir::Effect::kNever || on == rule.texts.end()) continue;
      for (const std::string& pattern : on->second) {
        const auto names = NamesNear(pattern);
        for (size_t i = 0; names && i < names->size() && i < 3 && points.size() < 6; ++i) points.push_back((*names)[i].first);
      }
    }
    std::set<std::string> seen;
    for (const std::string& point : points) {
      if (seen.insert(point).second && Claim(point, Place::Kind::kFolder)) all.push_back(MountProbes(domain_, point));
    }
    for (const auto& [path, rule, inside] : SocketNames()) {
      if (places_.count(path) == 0 && Claim(Parent(path), Place::Kind::kFolder)) all.push_back(UnixProbes(path, rule, inside, as_root_));
    }
    all.push_back(TraceProbes());
    all.push_back(SignalProbes(domain_));
    return all;
  }

  const ir::Domain& domain_;
  const bool as_root_;
  Plan plan_;
  std::map<std::string, Place::Kind> places_;
  std::vector<Candidate> candidates_;
  std::vector<Pair> pairs_;
  std::vector<Pair> links_;
  std::set<std::pair<std::string, std::string>> done_;
  std::set<std::string> made_;
  size_t files_ = 0;
};

}  // namespace

bool IsName(const std::string& path) {
  if (path.size() < 2 || path.size() > 200 || path.front() != '/' || path.back() == '/' || path.find("//") != std::string::npos) return false;
  if (std::any_of(path.begin(), path.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; })) return false;
  for (const char* part : {"/./", "/../"}) {
    if ((path + "/").find(part) != std::string::npos) return false;
  }
  return true;
}

bool IsTheGuests(const std::string& path) {
  for (const char* top : {"/proc", "/sys", "/dev", "/tmp", "/run"}) {
    if (path == top || path.rfind(std::string(top) + "/", 0) == 0) return true;
  }
  return false;
}

Result<Plan> MakePlan(const ir::Domain& domain, bool as_root) { return Planner(domain, as_root).Run(); }

}  // namespace ravelin::probe
