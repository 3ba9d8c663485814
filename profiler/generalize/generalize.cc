#include "profiler/generalize/generalize.h"

#include <fmt/format.h>

#include <algorithm>

namespace ravelin::generalize {
namespace {

using observe::Attributes;

std::string Replaced(const std::string& path, const std::string& from, const std::string& to) {
  if (from.empty() || path.compare(0, from.size(), from) != 0 || (path.size() > from.size() && path[from.size()] != '/')) return path;
  return to + path.substr(from.size());
}

// The numbers of processes, where they stand in paths, are those of the run.
std::string WithoutProcesses(const std::string& path) {
  if (path.rfind("/proc/", 0) != 0) return path;
  const auto is_number = [](const std::string& text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos; };
  size_t end = std::min(path.find('/', 6), path.size());
  if (!is_number(path.substr(6, end - 6))) return path;
  std::string rest = path.substr(end);
  if (rest.rfind("/task/", 0) == 0) {
    const size_t task = std::min(rest.find('/', 6), rest.size());
    if (is_number(rest.substr(6, task - 6))) rest = "/task/[1-9]*" + rest.substr(task);
  }
  return "/proc/[1-9]*" + rest;
}

void Normalize(Attributes& attributes, const observe::Run& run) {
  const auto temporary = run.variation.find("TMPDIR");
  for (const char* key : {"path", "target"}) {
    const auto at = attributes.find(key);
    if (at == attributes.end()) continue;
    if (temporary != run.variation.end()) at->second = Replaced(at->second, temporary->second, "/tmp");
    at->second = WithoutProcesses(at->second);
  }
}

std::string Wrapped(const std::string& text) { return "  // " + OneLine(text) + "\n"; }

}  // namespace

std::string OneLine(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return out;
}

std::string EvidenceText(const Evidence& evidence, size_t runs) { return fmt::format("runs {}/{}, x{}{}{}", evidence.runs.size(), runs, evidence.count, evidence.example.empty() ? "" : ", ", evidence.example); }

std::string QuoteText(const std::string& text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '"' || text[i] == '\\') {
      out += '\\';
      out += text[i];
    } else if (byte < 0x20 || byte == 0x7f || (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{')) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += text[i];
    }
  }
  return out + "\"";
}

std::string JoinNames(const std::set<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

std::vector<Seen> SeenIn(const observe::Recording& recording, const std::vector<std::string>& runs) {
  std::map<std::tuple<std::string, std::string, std::string>, Seen> all;
  size_t number = 0;
  for (const auto& [id, run] : recording.runs) {
    if (!runs.empty() && std::find(runs.begin(), runs.end(), id) == runs.end()) continue;
    for (const auto& [fact, sighting] : run.facts) {
      Attributes attributes = observe::Decode(fact.attributes);
      attributes.erase("given");
      const bool own = attributes.erase("owner") != 0;
      // A mechanism that refused something recorded what the program wanted.
      if (fact.facet != "syscall") attributes.erase("refused");
      Normalize(attributes, run);
      Seen& seen = all[{fact.facet, fact.operation, observe::Encode(attributes)}];
      if (seen.facet.empty()) seen = {fact.facet, fact.operation, attributes, {}};
      Evidence evidence{{number}, sighting.count, sighting.example};
      // A mechanism that judges a subject knows whose the file is.
      evidence.own = own;
      evidence.others = !own && fact.facet == "file" && observe::Decode(fact.process).count("subject") != 0;
      const auto temporary = run.variation.find("TMPDIR");
      if (temporary != run.variation.end() && sighting.example.find(temporary->second) != std::string::npos) evidence.example.clear();  // another in every run
      seen.evidence.Join(evidence);
    }
    ++number;
  }
  std::vector<Seen> out;
  for (auto& [key, seen] : all) out.push_back(std::move(seen));
  return out;
}

Result<Learned> Generalize(const observe::Recording& recording, const Options& options) {
  const Sensitive sensitive;
  Learned out;
  std::set<std::string> drivers;
  std::set<std::string> blind;
  std::set<std::string> incomplete;
  std::set<std::string> first;
  for (const auto& [id, run] : recording.runs) {
    if (!options.runs.empty() && std::find(options.runs.begin(), options.runs.end(), id) == options.runs.end()) continue;
    ++out.runs;
    std::string last;
    for (const auto& [fact, sighting] : run.facts) {
      if (fact.facet != "syscall" || fact.process == last) continue;
      last = fact.process;
      const observe::Attributes process = observe::Decode(fact.process);
      const auto program = process.find("program");
      const auto chain = process.find("chain");
      if (program != process.end() && chain != process.end() && program->second == chain->second && program->second.front() == '/') first.insert(program->second);
    }
    drivers.insert(run.driver);
    for (const std::string& one : run.completeness.blind) blind.insert(one);
    for (const std::string& why : run.completeness.WhyNotWhole()) incomplete.insert(why);
  }
  const bool lower_bound = !drivers.empty() && std::all_of(drivers.begin(), drivers.end(), [](const std::string& driver) { return driver == "gvisor" || driver == "import gvisor"; });
  if (lower_bound) incomplete.insert("gVisor's kernel ran every run: which calls this machine's would see is not known; add runs of another driver");
  out.incomplete.assign(incomplete.begin(), incomplete.end());
  std::vector<Seen> seen = SeenIn(recording, options.runs);
  std::optional<Rule> absent = TakeAbsent(seen, out.runs);
  out.answers_unix_sockets = absent.has_value();
  std::set<std::string> decided;
  RAVELIN_TRY(rules, RulesOfFiles(seen, first, out.runs, sensitive, options, decided, out));
  for (Rule& rule : RulesOfObjects(seen, out.runs, out)) rules.push_back(std::move(rule));
  if (absent) rules.push_back(std::move(*absent));
  std::set<std::string> denied;  // facets
  for (Rule& rule : rules) {
    const auto decision = options.decisions.find(rule.statement);
    const size_t verb = rule.statement.find("allow ");
    if (decision != options.decisions.end()) decided.insert(decision->first);
    if (decision == options.decisions.end() || decision->second != Decision::kDeny || verb == std::string::npos) continue;
    const size_t facet = verb + 6;
    denied.insert(rule.statement.substr(facet, rule.statement.find(' ', facet) - facet));
    rule.statement.replace(verb, 5, "deny");
    rule.comments.insert(rule.comments.begin(), "denied in review");
  }
  for (const auto& [what, decision] : options.decisions) {
    if (decided.count(what) == 0) return Fail(ErrorCode::kMalformed, fmt::format("the review decided about `{}`, which is not what these runs make: review again", what));
  }
  std::set<std::string> programs = first;
  for (const Seen& one : seen) {
    if (one.facet == "exec" && one.attributes.count("path") != 0) programs.insert(one.attributes.at("path"));
  }
  for (const std::string& program : programs) {
    const Reach one = options.system.reaches ? options.system.reaches(program) : Reach();
    out.read_programs += one.calls.empty() ? 0 : 1;
    out.reach.calls.insert(one.calls.begin(), one.calls.end());
    out.reach.unresolved += one.unresolved;
    out.reach.loads_more = out.reach.loads_more || one.loads_more;
    out.reach.unread = out.reach.unread || one.unread;
  }
  CallRules calls = RulesOfCalls(seen, out.runs, options.companions, denied, out);
  out.observed_calls = calls.observed;
  out.granted_calls = calls.granted;
  out.calls = std::move(calls.calls);
  for (Rule& rule : calls.rules) rules.push_back(std::move(rule));
  std::string& text = out.text;
  text = fmt::format("// Learned from {} run{} ({}).  Each rule says what it was seen for: in how many runs, how often, an example, and how it became a rule.\n", out.runs, out.runs == 1 ? "" : "s", JoinNames(drivers));
  for (const std::string& why : out.incomplete) text += "// INCOMPLETE: " + OneLine(why) + "\n";
  for (const std::string& one : blind) text += "// Not seen by the recorder: " + OneLine(one) + "\n";
  for (const std::string& one : out.sensitive) text += "// Sensitive, granted because it was used: " + OneLine(one) + "\n";
  for (const std::string& one : out.withheld) text += "// Seen and not granted: " + OneLine(one) + "\n";
  text += "language 1\n\npolicy " + options.name + " {\n";
  if (!options.program.empty()) text += "  attach " + QuoteText(Literal(options.program)) + "\n";
  text += fmt::format("  layers {{ {} }}\n", fmt::join(options.layers, ", "));
  std::string section;
  for (const Rule& rule : rules) {
    if (rule.section != section) text += "\n  // --- " + rule.section + "\n";
    section = rule.section;
    for (const std::string& comment : rule.comments) text += Wrapped(comment);
    text += "  " + rule.statement + "\n";
  }
  if (!options.statements.empty()) text += "\n  // --- given beforehand by the operator\n";
  for (const std::string& statement : options.statements) text += "  " + statement + "\n";
  text += "\n  default deny with errno(EPERM)\n  unknown syscall with errno(ENOSYS)\n}\n";
  out.rules = std::move(rules);
  return out;
}

}  // namespace ravelin::generalize
