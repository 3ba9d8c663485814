// recording, import events: what was observed, as files.
#include <fmt/format.h>

#include <filesystem>

#include "compiler/cli/commands.h"
#include "profiler/observe/import.h"
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
  Recording merged;
  int exit_code = kOk;
  constexpr size_t kMostBytes = size_t{2} << 30;
  for (const std::string& path : command.inputs) {
    const auto text = source::ReadFile(path, kMostBytes);
    if (!text) return Complain(text.error());
    auto imported = observe::ImportEvents(path, *text);
    if (!imported) {
      Complain(imported.error().message);
      exit_code = kFindings;
      continue;
    }
    const auto& run = imported->recording.runs.begin()->second;
    std::fprintf(stderr, "%s: %s, %zu records, %zu facts\n", path.c_str(), imported->format.c_str(), imported->records, run.facts.size());
    for (const std::string& note : imported->notes) std::fprintf(stderr, "  %s\n", note.c_str());
    for (const std::string& why : run.completeness.WhyNotWhole()) std::fprintf(stderr, "  INCOMPLETE: %s\n", why.c_str());
    merged = observe::Merge(std::move(merged), imported->recording);
  }
  if (merged.runs.empty()) return kFindings;
  const auto written = observe::SaveRecording(merged, command.output);
  return written ? exit_code : Complain(written.error());
}

}  // namespace ravelin::cli
