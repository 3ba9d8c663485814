#include "profiler/observe/import.h"

#include <fmt/format.h>

#include <algorithm>

namespace ravelin::observe {
namespace {

bool Has(std::string_view text, std::string_view what) { return text.find(what) != std::string_view::npos; }

// A line "name(...) = result" with at most a process and a time in front.
bool LooksTraced(std::string_view line) {
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t' || line.front() == '"')) line.remove_prefix(1);
  if (line.rfind("[pid ", 0) == 0) line.remove_prefix(std::min(line.find(']'), line.size() - 1) + 1);
  const size_t name = line.find_first_not_of("0123456789.: ");
  if (name == std::string_view::npos) return false;
  line.remove_prefix(name);
  const size_t open = line.find('(');
  if (open == std::string_view::npos || open == 0 || open > 30) return false;
  for (const char c : line.substr(0, open)) {
    if (std::islower(static_cast<unsigned char>(c)) == 0 && std::isdigit(static_cast<unsigned char>(c)) == 0 && c != '_') return false;
  }
  return Has(line, ") ") && Has(line, "= ");
}

struct Shape {
  size_t lines = 0;
  size_t traced = 0;
  size_t gvisor = 0;
  size_t audit = 0;
  bool json = false;
  bool binary = false;
};

Shape ShapeOf(std::string_view head) {
  Shape shape;
  shape.binary = Has(head, std::string_view("\0", 1));
  EachLine(head, [&](std::string_view line, size_t) {
    if (line.empty()) return;
    ++shape.lines;
    if (Has(line, "strace.go:")) ++shape.gvisor;
    if (Has(line, "audit(") || Has(line, "apparmor=\"")) ++shape.audit;
    if (LooksTraced(line)) ++shape.traced;
  });
  const size_t first = head.find_first_not_of(" \t\r\n");
  // The first document may stand behind a comment.
  shape.json = first != std::string_view::npos && (head[first] == '{' || (head.substr(first, 2) == "//" && Has(head, "\n{")));
  return shape;
}

// Why a log that is no recorder's is refused, by how it begins.
std::string WhyNot(std::string_view text, const Shape& shape) {
  if (text.empty()) return "it is empty";
  if (Has(text.substr(0, 64), "tracereplay file")) return "a recorded stream of gVisor's trace sessions: its messages are protobuf, which this program does not read; record with `runsc --strace` instead";
  if (shape.binary) return "it is binary and no recording";
  if (Has(text, "apiVersion:") && Has(text, "kind:")) return "a Kubernetes object: a profile that was derived already, not observations";
  if (text.rfind("POINTS (", 0) == 0) return "a list of what gVisor can trace, not a trace";
  if (Has(text, "ALLOWED ") && Has(text, "requested_mask=")) return "lines that aa-log has rewritten: their paths are patterns (@{HOME}), not paths; import the log that it read";
  if (Has(text, "K8S.NODE") || Has(text, "RUNTIME.CONTAINERNAME") || Has(text, "…")) return "columns that were cut to the width of a screen; ask the recorder for JSON";
  if (Has(text, "log-enricher")) return "messages of an enricher about itself";
  if (Has(text, "Linux version ")) return "a kernel's boot messages, without audit records";
  return "no format that is known: audit records, strace, runsc --strace, JSON of Tetragon, KubeArmor, Inspektor Gadget or journald";
}

// "log-enricher ... "syscallName"="epoll_wait"" of the Security Profiles Operator.
size_t ImportEnricher(Log& log, Run& run, Imported& out, const Overflow& overflow) {
  EachLine(log, [&](std::string_view line, size_t number) {
    const std::string key = "\"syscallName\"=\"";
    const size_t at = line.find(key);
    if (at == std::string_view::npos) return;
    const size_t end = line.find('"', at + key.size());
    const size_t program = line.find("\"executable\"=\"");
    Attributes process;
    if (program != std::string_view::npos) process["program"] = line.substr(program + 14, line.find('"', program + 14) - program - 14);
    run.Add({"syscall", std::string(line.substr(at + key.size(), end - at - key.size())), "arch=x86_64", Encode(process)}, 0, fmt::format("line {}", number));
    ++out.records;
    overflow(run);
  });
  return out.records;
}

// When a run's facts were seen.
struct Times {
  double first = 0;  // of those that have a time
  double last = 0;
  bool any = false;
  void Add(const Run& run) {
    any = any || !run.facts.empty();
    for (const auto& [fact, seen] : run.facts) {
      if (seen.first > 0 && (first == 0 || seen.first < first)) first = seen.first;
      last = std::max(last, seen.last);
    }
  }
};

}  // namespace

Result<Imported> ImportEvents(const std::string& name, Log& log, const Overflow& given) {
  const Shape shape = ShapeOf(log.Head());
  Imported out;
  Run run;
  Times times;
  const Overflow overflow{given.most, [&](Run& full) {
                            times.Add(full);
                            given.take(full);
                          }};
  const std::string reason = WhyNot(log.Head(), shape);
  std::string why;
  if (log.Head().rfind("ravelin-recorder ", 0) == 0) {
    out.format = "recorder";
    ImportRecorder(log, run, out, overflow);
  } else if (shape.json && !shape.binary && ImportJson(log.Whole(), run, out, why, overflow)) {
    out.format = "json";
  } else if (!shape.binary && shape.gvisor * 2 > shape.lines) {
    out.format = "gvisor";
    ImportGvisor(log.Whole(), run, out, {}, overflow);
    run.completeness.blind.insert("capabilities");
    run.completeness.blind.insert("calls that the host's kernel would have answered otherwise: gVisor's own kernel ran the workload");
  } else if (!shape.binary && why.empty() && shape.traced > 0 && shape.traced * 2 > shape.lines / 2 && shape.traced >= shape.audit) {
    out.format = "strace";
    ImportStrace(log, run, out, overflow);
  } else if (!shape.binary && why.empty() && shape.audit > 0) {
    out.format = "audit";
    ImportAudit(log, run, out, overflow);
  } else if (ImportEnricher(log, run, out, overflow) > 0) {
    out.format = "enricher";
    run.completeness.blind.insert("everything but the numbers of system calls");
  }
  if (log.error()) return tl::make_unexpected(*log.error());
  times.Add(run);
  if (out.format.empty() || !times.any) return Fail(ErrorCode::kUnsupported, fmt::format("{}: {}", name, !why.empty() ? why : out.format.empty() ? reason : fmt::format("{} without an observation that a policy has a word for ({} records were not understood)", out.format, out.not_understood)));
  run.driver = "import " + out.format;
  run.command = name.substr(name.rfind('/') == std::string::npos ? 0 : name.rfind('/') + 1);
  run.started = times.first;
  run.ended = std::max(run.ended, times.last);
  run.arch = "x86_64";
  if (out.not_understood != 0) out.notes.push_back(fmt::format("{} records hold nothing that a policy has a word for, or were not understood", out.not_understood));
  out.recording.runs.emplace(log.Identity("import"), std::move(run));
  return out;
}

Result<Imported> ImportEvents(const std::string& name, std::string_view text) {
  Log log(text);
  return ImportEvents(name, log);
}

}  // namespace ravelin::observe
