#include "profiler/observe/observed.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/kernel/view.h"
#include "profiler/kernels/observe.h"
#include "profiler/observe/calls.h"

namespace ravelin::observe {
namespace {

using kernels::AuditEvent;
using kernels::AuditRecord;
using kernels::Field;

std::optional<kernel::Arch> ArchOf(uint32_t audit_arch) {
  for (const kernel::Arch arch : kernel::kFilterArches) {
    if (kernel::AuditArch(arch) == audit_arch) return arch;
  }
  return std::nullopt;
}

bool Chosen(const AuditChoice& choice, const std::string& subject) {
  if (choice.subjects.empty()) return true;
  return std::any_of(choice.subjects.begin(), choice.subjects.end(), [&](const std::string& one) { return subject == one || subject.rfind(one + "//", 0) == 0; });
}

// "p//null-/usr/bin/a//null-/usr/bin/b": the programs that were started one after another.
std::string ChainOf(const std::string& subject) {
  std::string out;
  constexpr std::string_view kMark = "//null-";
  for (size_t at = subject.find(kMark); at != std::string::npos;) {
    const size_t begin = at + kMark.size();
    const size_t next = subject.find(kMark, begin);
    out += (out.empty() ? "" : " > ") + subject.substr(begin, next == std::string::npos ? next : next - begin);
    at = next;
  }
  return out;
}

Attributes AttributesOf(const ir::ObjectCheck& check) {
  Attributes out;
  for (const auto& [key, value] : check.integers) out[key] = fmt::format("{:#x}", value);
  for (const auto& [key, value] : check.texts) out[key] = value;
  if (check.owner) out["owner"] = "1";
  return out;
}

// Messages of a bus: the daemon's record, in AppArmor's words.
bool AddBus(const AuditRecord& record, const Attributes& process, double time, const std::string& example, Run& run) {
  const std::string operation = Field(record, "operation");
  if (operation.rfind("dbus_", 0) != 0) return false;
  const std::string mask = Field(record, "mask").empty() ? Field(record, "requested_mask") : Field(record, "mask");
  Attributes attributes;
  for (const char* key : {"bus", "path", "interface", "member", "name"}) {
    if (const std::string value = Field(record, key); !value.empty()) attributes[key] = value;
  }
  for (const char* key : {"peer_profile", "peer_label"}) {
    if (const std::string value = Field(record, key); !value.empty()) attributes["peer"] = value;
  }
  if (Field(record, "apparmor") == "DENIED") attributes["refused"] = "EACCES";
  run.Add({"dbus", mask == "receive" ? "receive" : mask == "bind" ? "own" : "send", Encode(attributes), Encode(process)}, time, example);
  return true;
}

// A process that changes its profile by itself.
bool AddChange(const AuditRecord& record, const Attributes& process, double time, const std::string& example, Run& run) {
  static const std::map<std::string, const char*> operations = {{"change_profile", "change"}, {"change_hat", "change"}, {"change_onexec", "change_at_exec"}};
  const auto found = operations.find(Field(record, "operation"));
  const std::string target = Field(record, "target").empty() ? Field(record, "name") : Field(record, "target");
  if (found == operations.end() || target.empty()) return false;
  Attributes attributes = {{"to", target}};
  if (Field(record, "apparmor") == "DENIED") attributes["refused"] = "EACCES";
  run.Add({"domain", found->second, Encode(attributes), Encode(process)}, time, example);
  return true;
}

// What the record says of a mount beside what the language has a word for.
std::string MountOptions(const AuditEvent& event) {
  for (const AuditRecord& record : event.records) {
    if (Field(record, "operation") == "mount") return Field(record, "flags");
  }
  return "";
}

struct Event {
  const AuditEvent* event = nullptr;
  bool call_added = false;
};

}  // namespace

size_t AddAudit(const std::vector<AuditEvent>& events, const AuditChoice& choice, Run& run, size_t* understood) {
  std::map<uint64_t, Event> by_serial;
  for (const AuditEvent& event : events) by_serial[event.serial] = {&event, false};
  size_t unclear = 0;
  size_t clear = 0;
  const auto begin = [&](const std::string& program, const std::string& command, const std::string& subject) {
    Attributes process;
    if (!program.empty() || !command.empty()) process["program"] = program.empty() ? command : program;
    if (const std::string chain = ChainOf(subject); !chain.empty()) process["chain"] = chain;
    if (!subject.empty()) process["subject"] = subject.substr(0, subject.find("//null-"));
    return process;
  };
  for (kernels::Observation& one : kernels::Observe(events)) {
    if (!choice.roots.empty()) kernels::ResolvePaths(choice.roots, one);
    Event& event = by_serial[one.serial];
    if (one.source == kernels::Source::kNobody || !Chosen(choice, one.source == kernels::Source::kSeccomp ? "" : one.subject)) {
      if (one.source != kernels::Source::kSeccomp || !choice.calls) continue;
    }
    std::string program;
    std::string subject = one.subject;
    for (const AuditRecord& record : event.event->records) {
      if (program.empty()) program = Field(record, "exe");
    }
    const Attributes process = begin(program, one.command, subject);
    const std::string example = one.text;
    if (one.source != kernels::Source::kSeccomp) {
      if (one.checks.empty()) {
        bool added = false;
        for (const AuditRecord& record : event.event->records) added = added || AddBus(record, process, one.time, example, run) || AddChange(record, process, one.time, example, run);
        ++(added ? clear : unclear);
      } else {
        ++clear;
      }
      for (const ir::ObjectCheck& check : one.checks) {
        const kernel::FacetInfo& facet = kernel::Facets()[check.facet];
        Attributes attributes = AttributesOf(check);
        if (facet.name == "mount") {
          if (const std::string options = MountOptions(*event.event); !options.empty()) attributes["options"] = options;
        }
        if (one.refused) attributes["refused"] = one.error == 0 ? "EACCES" : std::string(kernel::ErrnoName(one.error));
        run.Add({facet.name, facet.operations[static_cast<size_t>(check.operation)], Encode(attributes), Encode(process)}, one.time, example);
      }
    }
    if (!choice.calls || !one.call || event.call_added) continue;
    event.call_added = true;
    const auto arch = ArchOf(one.call->audit_arch);
    const kernel::Syscall* known = arch ? kernel::FindSyscall(*arch, one.call->number) : nullptr;
    if (known == nullptr) {
      unclear += one.source == kernels::Source::kSeccomp ? 1 : 0;
      continue;
    }
    clear += one.source == kernels::Source::kSeccomp ? 1 : 0;
    Call call;
    call.arch = *arch;
    call.name = known->name;
    // The record of a call carries its first four arguments; seccomp's own carries none.
    if (event.event->Find(kernels::kRecordSyscall) != nullptr) {
      for (size_t i = 0; i < 4; ++i) call.args[i] = one.call->args[i];
    }
    // What it asked of objects, the mechanism's records say.
    call.error = one.source == kernels::Source::kSeccomp ? (one.refused ? 1 : 0) : one.error;
    call.process = process;
    call.time = one.time;
    call.example = example;
    call.objects_known = !(choice.wanted && one.source == kernels::Source::kSeccomp);
    if (!call.objects_known) call.error = 0;
    AddCall(call, run);
  }
  if (understood != nullptr) *understood += clear;
  return unclear;
}

}  // namespace ravelin::observe
