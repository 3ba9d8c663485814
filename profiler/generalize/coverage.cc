#include "profiler/generalize/coverage.h"

#include "compiler/ir/pattern.h"

namespace ravelin::generalize {

std::string FacetOf(const Seen& seen) {
  if (seen.facet == "syscall") return "system call";
  if (seen.facet == "file") return "path";
  if (seen.facet == "exec" || seen.facet == "network" || seen.facet == "capability") return seen.facet;
  return "";
}

std::string ArgumentOf(const Seen& seen) {
  if (seen.facet != "syscall") return "";
  for (const char* key : {"cmd", "option", "request"}) {
    const auto at = seen.attributes.find(key);
    if (at != seen.attributes.end()) return seen.operation + " " + at->second;
  }
  const auto signal = seen.attributes.find("sig");
  if (signal != seen.attributes.end() && (seen.operation == "kill" || seen.operation == "tkill" || seen.operation == "tgkill")) return seen.operation + " " + signal->second;
  return "";
}

std::string KeyOf(const Seen& seen) {
  observe::Attributes attributes = seen.attributes;
  if (seen.facet == "syscall") attributes.clear();
  if (seen.facet == "network") {
    for (const char* key : {"address", "protocol", "path", "abstract"}) attributes.erase(key);
    const auto port = attributes.find("port");
    if (port != attributes.end() && (port->second == "0" || std::stoul(port->second) >= 32768)) attributes.erase(port);
  }
  return seen.facet + " " + seen.operation + " " + observe::Encode(attributes);
}

bool IsEverywhere(const Seen& seen) { return seen.operation == "getattr" || seen.operation == "traverse" || seen.operation == "inherit" || seen.operation == "ioctl"; }

Result<Coverage> Coverage::Of(const observe::Recording& recording, Options options, const std::vector<std::string>& runs) {
  if (!runs.empty()) options.runs = runs;
  options.decisions.clear();  // of a reviewer, about what all the runs make: fewer may make something else
  RAVELIN_TRY(learned, Generalize(recording, options));
  Coverage out;
  out.learned_ = std::move(learned);
  for (const auto* rules : {&out.learned_.paths, &out.learned_.programs}) {
    for (const PathRule& rule : *rules) {
      std::optional<ir::PathSet> set;
      if (!ir::IsLiteral(rule.pattern)) {
        RAVELIN_TRY(parsed, ir::PathSet::Parse(rule.pattern));
        set = std::move(parsed);
      }
      out.paths_.push_back({std::move(set), rule.operations, rule.pattern, rule.choice, rule.owner});
    }
  }
  for (const Seen& seen : SeenIn(recording, options.runs)) {
    out.keys_.insert(KeyOf(seen));
    if (const std::string argument = ArgumentOf(seen); !argument.empty()) out.keys_.insert(argument);
  }
  // Calls that were added to those that were seen count as learned.
  for (const std::string& name : out.learned_.calls) out.keys_.insert("syscall " + name + " ");
  return out;
}

const Coverage::Path* Coverage::Find(const Seen& seen) const {
  const auto path = seen.attributes.find("path");
  if (path == seen.attributes.end()) return nullptr;
  // The number of a process stands as a pattern there; any number will do.
  std::string name = path->second;
  constexpr std::string_view kProcess = "/[1-9]*";
  for (size_t at = name.find(kProcess); at != std::string::npos; at = name.find(kProcess, at)) name.replace(at, kProcess.size(), "/1");
  for (const Path& one : paths_) {
    const std::string& operation = seen.facet == "exec" ? seen.facet : seen.operation;
    const bool permits = one.operations.count(operation) != 0 || (one.operations.count("write") != 0 && (seen.operation == "append" || seen.operation == "truncate"));
    if (permits && !(one.owner && seen.evidence.others) && (one.set ? one.set->Contains(name) : one.pattern == name)) return &one;
  }
  return nullptr;
}

std::string Coverage::Shape(const Seen& seen) const {
  const Path* covering = Find(seen);
  return covering == nullptr ? "" : covering->choice ? seen.attributes.at("path") : covering->pattern;
}

bool Coverage::Covers(const Seen& seen) const {
  if (seen.facet == "file") return IsEverywhere(seen) || Find(seen) != nullptr;
  return seen.facet == "exec" ? Find(seen) != nullptr : keys_.count(KeyOf(seen)) != 0;
}

std::set<std::string> Shown(const observe::Recording& recording, const std::string& run, const Coverage& coverage) {
  std::set<std::string> out;
  for (const Seen& seen : SeenIn(recording, {run})) out.insert(seen.facet == "file" ? (IsEverywhere(seen) ? "" : seen.operation + " " + coverage.Shape(seen)) : KeyOf(seen));
  return out;
}

std::map<std::string, std::set<std::string>> Surprises(const observe::Recording& recording, const std::string& run, const Coverage& coverage) {
  std::map<std::string, std::set<std::string>> out;
  for (const Seen& seen : SeenIn(recording, {run})) {
    const std::string facet = FacetOf(seen);
    if (!facet.empty() && !coverage.Covers(seen)) {
      const auto path = seen.attributes.find("path");
      out[facet].insert(seen.facet == "file" || seen.facet == "exec" ? seen.facet + " " + seen.operation + (path == seen.attributes.end() ? "" : " " + path->second) : KeyOf(seen));
    }
    if (const std::string argument = ArgumentOf(seen); !argument.empty() && !coverage.CoversArgument(argument)) out["argument"].insert(argument);
  }
  return out;
}

}  // namespace ravelin::generalize
