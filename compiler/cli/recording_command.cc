// recording, import events: what was observed, as files.
#include <fmt/format.h>

#include <filesystem>

#include "compiler/cli/commands.h"
#include "profiler/observe/import.h"
#include "profiler/observe/spool.h"
#include "profiler/observe/store.h"

namespace ravelin::cli {
namespace {

using observe::Recording;
using observe::Run;

std::string ListText(const std::string& path, const Recording& recording) {
  std::string out = fmt::format("{}: {} run{}\n", path, recording.runs.size(), recording.runs.size() == 1 ? "" : "s");
  for (const auto& [id, run] : recording.runs) {
    out += fmt::format("  {}  {}  {} facts  {}  {}\n", id, run.driver, run.facts.size(), run.command, run.status);
    for (const std::string& why : run.completeness.WhyNotWhole()) out += fmt::format("    INCOMPLETE: {}\n", why);
    uint64_t unread = 0;
    for (const auto& [name, channel] : run.completeness.channels) unread += channel.unread;
    if (unread != 0) out += fmt::format("    {} strings or records were not read\n", unread);
    for (const std::string& blind : run.completeness.blind) out += fmt::format("    does not see: {}\n", blind);
  }
  return out;
}

std::string ShowText(const Recording& recording) {
  std::map<observe::Fact, std::pair<uint64_t, std::set<std::string>>> facts;  // how often, in which runs
  for (const auto& [id, run] : recording.runs) {
    for (const auto& [fact, seen] : run.facts) {
      auto& [count, runs] = facts[{fact.facet, fact.operation, fact.attributes, ""}];
      count += seen.count;
      runs.insert(id);
    }
  }
  std::string out;
  for (const auto& [fact, counts] : facts) out += fmt::format("{}  x{} in {} run{}\n", observe::Show(fact), counts.first, counts.second.size(), counts.second.size() == 1 ? "" : "s");
  return out;
}

std::string DifferenceText(const observe::Difference& difference) {
  std::string out;
  for (const observe::Fact& fact : difference.only_first) out += "- " + observe::Show(fact) + "\n";
  for (const observe::Fact& fact : difference.only_second) out += "+ " + observe::Show(fact) + "\n";
  return out;
}

}  // namespace

int Run(const RecordingCommand& command) {
  if (command.action == "merge") {
    const auto merged = observe::MergeStores(command.inputs, command.output);
    return merged ? kOk : Complain(merged.error());
  }
  std::vector<Recording> all;
  for (const std::string& path : command.inputs) {
    auto one = observe::LoadRecording(path);
    if (!one) return Complain(one.error());
    all.push_back(std::move(*one));
  }
  std::string text;
  int exit_code = kOk;
  if (command.action == "ls") {
    for (size_t i = 0; i < all.size(); ++i) text += ListText(command.inputs[i], all[i]);
  } else if (command.action == "diff") {
    const observe::Difference difference = observe::Diff(all[0], all[1]);
    text = DifferenceText(difference);
    if (!text.empty()) exit_code = kFindings;
  } else {
    for (const Recording& one : all) text += command.action == "export" ? observe::ExportLines(one) : ShowText(one);
  }
  const auto written = command.output.empty() ? Print(text) : source::WriteFile(command.output, text);
  return written ? exit_code : Complain(written.error());
}

int Run(const ImportEventsCommand& command) {
  // What is told of each log once it is known how many facts it holds.
  struct Told {
    std::string path;
    observe::Imported imported;  // its run without facts
  };
  constexpr size_t kMostFacts = size_t{1} << 15;  // in memory; more of them is slower, too
  observe::Spool spool(command.output);
  const observe::Overflow overflow{kMostFacts, [&](observe::Run& run) { spool.Add(std::exchange(run.facts, {})); }};
  std::vector<Told> told;
  std::vector<observe::Source> sources;
  int exit_code = kOk;
  for (const std::string& path : command.inputs) {
    auto log = observe::Log::Open(path);
    if (!log) return Complain(log.error());
    auto imported = observe::ImportEvents(path, *log, overflow);
    if (!imported) {
      // A log that cannot be read to its end is no log that says nothing.
      if (imported.error().code != ErrorCode::kUnsupported) return Complain(imported.error());
      Complain(imported.error().message);
      exit_code = kFindings;
      continue;
    }
    auto& [id, run] = *imported->recording.runs.begin();
    spool.Add(std::exchange(run.facts, {}));
    auto source = spool.Take(id, run);
    if (!source) return Complain(source.error());
    sources.push_back(std::move(*source));
    told.push_back({path, std::move(*imported)});
  }
  if (sources.empty()) return kFindings;
  observe::Source all = observe::MergeSources(std::move(sources));
  std::map<std::string, size_t> positions;
  for (const auto& [id, run] : all.runs.runs) positions.emplace(id, positions.size());
  const auto facts = observe::SaveSource(std::move(all), command.output);
  if (!facts) return Complain(facts.error());
  for (const auto& [path, imported] : told) {
    const auto& [id, run] = *imported.recording.runs.begin();
    std::fprintf(stderr, "%s: %s, %zu records, %zu facts\n", path.c_str(), imported.format.c_str(), imported.records, (*facts)[positions.at(id)]);
    for (const std::string& note : imported.notes) std::fprintf(stderr, "  %s\n", note.c_str());
    for (const std::string& why : run.completeness.WhyNotWhole()) std::fprintf(stderr, "  INCOMPLETE: %s\n", why.c_str());
  }
  return exit_code;
}

}  // namespace ravelin::cli
