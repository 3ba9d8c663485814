// Programs that are started: by name, those of a package, those of every system, or the helpers of one program.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/ir/path_set.h"
#include "profiler/generalize/costs.h"
#include "profiler/generalize/paths.h"

namespace ravelin::generalize {
namespace {

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// "/usr/bin/{cat,ls}"
std::string AnyOf(const std::vector<std::string>& paths) {
  if (paths.size() == 1) return Literal(paths.front());
  std::string out = Literal(FolderOf(paths.front())) + "/{";
  for (size_t i = 0; i < paths.size(); ++i) {
    for (const char c : NameOf(paths[i])) out += c == ',' ? "\\," : Literal(std::string(1, c));
    out += i + 1 < paths.size() ? "," : "}";
  }
  return out;
}

bool Opens(const PathRule& rule, const std::set<std::string>& operations, const std::string& path) {
  if (!std::includes(rule.operations.begin(), rule.operations.end(), operations.begin(), operations.end())) return false;
  const auto set = ir::PathSet::Parse(rule.pattern);
  return set && set->Contains(path);
}

using Used = std::map<std::string, Evidence>;

// Some of the programs of a folder, and what saying them so costs.
struct Choice {
  double cost = 0;
  std::vector<PathRule> rules;
  std::vector<std::string> added;  // programs beyond those that were used
};

Choice Together(Choice one, const Choice& other) {
  one.cost += other.cost;
  one.rules.insert(one.rules.end(), other.rules.begin(), other.rules.end());
  one.added.insert(one.added.end(), other.added.begin(), other.added.end());
  return one;
}

class Folder {
 public:
  Folder(size_t runs, const Sensitive& sensitive, const System& system) : runs_(runs), sensitive_(sensitive), system_(system) {}

  // `used`: of one folder.
  Choice Choose(const std::string& folder, const Used& used) const {
    Choice out;
    if (!IsPublic(used.begin()->first)) return Literals(used);
    if (!IsSearched(folder)) return Helpers(folder, used);
    for (const auto& [package, programs] : ByPackage(used)) out = Together(std::move(out), Group(programs, package, kProgramBeyond, "the programs of a package"));
    // The same again with those of every system taken together.
    const std::vector<std::string> base = system_.base ? system_.base(folder) : std::vector<std::string>();
    Used inside;
    Used outside;
    for (const auto& [program, evidence] : used) (std::binary_search(base.begin(), base.end(), program) ? inside : outside).emplace(program, evidence);
    if (inside.size() < 3 || !Varies(inside)) return out;
    Choice other = Group(inside, base, kProgramBeyond, "the programs that every system has");
    for (const auto& [package, programs] : ByPackage(outside)) other = Together(std::move(other), Group(programs, package, kProgramBeyond, "the programs of a package"));
    return other.cost < out.cost ? other : out;
  }

 private:
  std::map<std::vector<std::string>, Used> ByPackage(const Used& used) const {
    std::map<std::vector<std::string>, Used> out;
    for (const auto& [program, evidence] : used) {
      std::vector<std::string> package = system_.siblings ? system_.siblings(program) : std::vector<std::string>();
      if (std::find(package.begin(), package.end(), program) == package.end()) package = {program};
      out[std::move(package)].emplace(program, evidence);
    }
    return out;
  }

  static size_t Once(const Used& used) {
    return static_cast<size_t>(std::count_if(used.begin(), used.end(), [](const auto& entry) { return entry.second.runs.size() == 1; }));
  }
  // The choice must have shown that it varies.
  bool Varies(const Used& used) const { return runs_ >= 2 && Once(used) > 0; }

  Choice Literals(const Used& used) const {
    Choice out;
    for (const auto& [program, evidence] : used) {
      out.cost += kRuleCost + kCharacterCost * static_cast<double>(NameOf(program).size());
      out.rules.push_back({Literal(program), {"exec"}, evidence, "literal", 1, 0, {}, false});
    }
    if (runs_ >= 2) out.cost += kNewNameCost * static_cast<double>(Once(used)) / static_cast<double>(runs_);
    return out;
  }

  // `all` in place of those that were used, where that is cheaper.
  Choice Group(const Used& used, const std::vector<std::string>& all, double beyond, const std::string& step) const {
    Choice literal = Literals(used);
    Choice whole;
    PathRule rule{AnyOf(all), {"exec"}, {}, "", used.size(), 0, {}, true};
    for (const std::string& path : all) {
      const auto at = used.find(path);
      if (at != used.end()) rule.evidence.Join(at->second);
      else whole.added.push_back(path);
    }
    rule.beyond = whole.added.size();
    whole.cost = kRuleCost + kPatternCost + beyond * static_cast<double>(rule.beyond);
    if (used.size() < 3 || !Varies(used) || whole.cost >= literal.cost || !sensitive_.Reaches(rule.pattern).empty()) return literal;
    rule.step = fmt::format("{}: {:.0f} bits instead of {:.0f}", step, whole.cost, literal.cost);
    whole.rules.push_back(std::move(rule));
    return whole;
  }

  // A folder that nobody searches for programs holds parts of one.
  Choice Helpers(const std::string& folder, const Used& used) const {
    Choice literal = Literals(used);
    Choice whole;
    PathRule rule{folder + "/*", {"exec"}, {}, "", used.size(), 0, {}, true};
    for (const std::string& path : system_.programs ? system_.programs(folder) : std::vector<std::string>()) {
      if (used.count(path) == 0) whole.added.push_back(path);
    }
    for (const auto& [program, evidence] : used) rule.evidence.Join(evidence);
    rule.beyond = whole.added.size();
    whole.cost = kRuleCost + kPatternCost + kHelperBeyond * static_cast<double>(rule.beyond);
    if (used.size() < 2 || whole.cost >= literal.cost || !sensitive_.Reaches(rule.pattern).empty()) return literal;
    rule.step = fmt::format("the helpers of a program: {:.0f} bits instead of {:.0f}", whole.cost, literal.cost);
    whole.rules.push_back(std::move(rule));
    return whole;
  }

  const size_t runs_;
  const Sensitive& sensitive_;
  const System& system_;
};

void AddLibraries(const std::vector<std::string>& objects, const Evidence& evidence, const std::string& step, const System& system, std::vector<PathRule>& files) {
  std::set<std::string> libraries;
  for (const std::string& path : objects) {
    for (const std::string& library : system.needs ? system.needs(path) : std::vector<std::string>()) libraries.insert(library);
  }
  for (const std::string& library : libraries) {
    const std::set<std::string> operations = {"map_exec", "read"};
    if (std::any_of(files.begin(), files.end(), [&](const PathRule& file) { return Opens(file, operations, library); })) continue;
    files.push_back({Literal(library), operations, evidence, step, 0, 1, {}, false});
  }
}

// What those that were used are opened for by whoever starts them, the others will be; and the loader reads for them what their headers say.
void AddFiles(const Used& used, const std::vector<std::string>& added, const System& system, std::vector<PathRule>& files) {
  if (added.empty()) return;
  std::set<std::string> opened;
  Evidence evidence;
  for (const auto& [program, seen] : used) {
    for (const PathRule& file : files) {
      if (Opens(file, {}, program)) opened.insert(file.operations.begin(), file.operations.end());
    }
    evidence.Join(seen);
  }
  evidence.count = 0;
  evidence.example.clear();
  if (!opened.empty()) files.push_back({AnyOf(added), opened, evidence, "programs that may be started", 0, added.size(), {}, true});
  AddLibraries(added, evidence, "the loader reads it for programs that may be started", system, files);
}

}  // namespace

std::vector<PathRule> GeneralizePrograms(const std::map<std::string, Evidence>& programs, size_t runs, const Sensitive& sensitive, const System& system, std::vector<PathRule>& files) {
  std::map<std::string, Used> by_folder;
  for (const auto& [program, evidence] : programs) by_folder[FolderOf(program)].emplace(program, evidence);
  std::vector<PathRule> out;
  for (const auto& [folder, used] : by_folder) {
    const Choice choice = Folder(runs, sensitive, system).Choose(folder, used);
    AddFiles(used, choice.added, system, files);
    out.insert(out.end(), choice.rules.begin(), choice.rules.end());
  }
  // Libraries that a pattern opens have libraries of their own.
  std::vector<std::string> code;
  for (const PathRule& file : files) code.insert(code.end(), file.opened.begin(), file.opened.end());
  AddLibraries(code, {}, "the loader reads it for libraries that may be loaded", system, files);
  return out;
}

}  // namespace ravelin::generalize
