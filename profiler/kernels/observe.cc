#include "profiler/kernels/observe.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "compiler/base/check.h"
#include "compiler/kernel/view.h"
#include "profiler/kernels/root_path.h"

namespace ravelin::kernels {
namespace {

constexpr int kEperm = 1;
constexpr int kEacces = 13;

uint64_t Read(const std::string& text, int base) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

std::optional<kernel::Arch> ArchOf(uint32_t audit_arch) {
  for (const kernel::Arch arch : kernel::kFilterArches) {
    if (kernel::AuditArch(arch) == audit_arch) return arch;
  }
  return std::nullopt;
}

void AddProcess(const AuditRecord& record, Observation& out) {
  out.process = static_cast<int>(Read(Field(record, "pid"), 10));
  out.command = Field(record, "comm");
}

// A parent's record beside the object's own says nothing new.
void AddTexts(const CallContext& context, Observation& out) {
  if (context.call) out.texts = TextsOf(*context.call, context.paths);
}

Observation Begin(Source source, const AuditEvent& event, const CallContext& context) {
  Observation out;
  out.source = source;
  out.time = event.time;
  out.serial = event.serial;
  out.call = context.call;
  if (const AuditRecord* call = event.Find(kRecordSyscall); call != nullptr) {
    AddProcess(*call, out);
    const std::string exit = Field(*call, "exit");
    if (!exit.empty() && exit.front() == '-') out.error = static_cast<int>(Read(exit.substr(1), 10));
  }
  return out;
}

}  // namespace

bool NamesFile(const kernel::Param& param) {
  static const std::set<std::string, std::less<>> names = {"filename", "pathname", "path", "oldname", "newname", "specialfile", "library", "new_root", "put_old", "dev_name", "dir_name", "from_pathname", "to_pathname"};
  return param.type == kernel::ArgType::kPtr && names.count(param.name) != 0;
}

std::array<std::string, 6> TextsOf(const ir::Event& call, const std::vector<std::string>& paths) {
  std::array<std::string, 6> out;
  const auto arch = ArchOf(call.audit_arch);
  const kernel::Syscall* known = arch ? kernel::FindSyscall(*arch, call.number) : nullptr;
  size_t next = 0;
  for (size_t i = 0; known != nullptr && i < known->params.size() && i < out.size() && next < paths.size(); ++i) {
    if (NamesFile(known->params[i])) out[i] = paths[next++];
  }
  return out;
}

std::string Absolute(const std::string& cwd, const std::string& path) {
  std::vector<std::string> parts;
  const std::string whole = !path.empty() && path.front() == '/' ? path : cwd + "/" + path;
  for (size_t at = 0; at < whole.size();) {
    const size_t end = std::min(whole.find('/', at), whole.size());
    const std::string part = whole.substr(at, end - at);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    at = end + 1;
  }
  std::string out;
  for (const std::string& part : parts) out += "/" + part;
  return out.empty() ? "/" : out;
}

ir::ObjectCheck Check(std::string_view facet, std::string_view operation) {
  ir::ObjectCheck check;
  check.facet = ir::FacetOf(facet);
  const auto& operations = kernel::Facets()[check.facet].operations;
  const auto at = std::find(operations.begin(), operations.end(), operation);
  RAVELIN_CHECK(at != operations.end(), "an operation that the facet lacks");
  check.operation = static_cast<int>(at - operations.begin());
  return check;
}

CallContext ContextOf(const AuditEvent& event) {
  CallContext context{event, std::nullopt, "", {}, {}};
  std::string user;
  if (const AuditRecord* record = event.Find(kRecordSyscall); record != nullptr) {
    user = Field(*record, "fsuid");
    ir::Event call;
    call.audit_arch = static_cast<uint32_t>(Read(Field(*record, "arch"), 16));
    call.number = static_cast<uint32_t>(Read(Field(*record, "syscall"), 10));
    for (size_t i = 0; i < 4; ++i) call.args[i] = Read(Field(*record, fmt::format("a{}", i)), 16);
    const auto arch = ArchOf(call.audit_arch);
    const kernel::Syscall* known = arch ? kernel::FindSyscall(*arch, call.number) : nullptr;
    if (known != nullptr) context.name = known->name;
    context.call = call;
  }
  const AuditRecord* cwd = event.Find(kRecordCwd);
  // The object's own record where there is one, else its parent's.
  for (const AuditRecord& record : event.records) {
    const std::string name = Field(record, "name");
    if (record.type != kRecordPath || name.empty() || name == "(null)" || Field(record, "nametype") == "PARENT") continue;
    context.paths.push_back(Absolute(cwd == nullptr ? "/" : Field(*cwd, "cwd"), name));
    context.owned.push_back(Field(record, "ouid") == user);
  }
  return context;
}

std::vector<Observation> Observe(const std::vector<AuditEvent>& events) {
  std::vector<Observation> out;
  for (const AuditEvent& event : events) {
    const CallContext context = ContextOf(event);
    const size_t before = out.size();
    for (const AuditRecord& record : event.records) {
      if (record.type == kRecordSeccomp) {
        Observation one = Begin(Source::kSeccomp, event, context);
        if (!one.call) {
          one.call.emplace();
          one.arguments_known = false;
          one.call->audit_arch = static_cast<uint32_t>(Read(Field(record, "arch"), 16));
          one.call->number = static_cast<uint32_t>(Read(Field(record, "syscall"), 10));
        }
        AddProcess(record, one);
        AddTexts(context, one);
        constexpr uint64_t kLog = 0x7ffc0000;  // SECCOMP_RET_LOG
        const std::string code = Field(record, "code");
        one.refused = (Read(code.rfind("0x", 0) == 0 ? code.substr(2) : code, 16) & 0xffff0000) != kLog;
        one.text = fmt::format("seccomp {}", context.name.empty() ? "call " + Field(record, "syscall") : context.name);
        out.push_back(std::move(one));
      } else if (record.type == kRecordAvc && !Field(record, "apparmor").empty()) {
        const std::string verdict = Field(record, "apparmor");
        if (verdict != "DENIED" && verdict != "ALLOWED" && verdict != "AUDIT") continue;  // STATUS: a profile was loaded
        Observation one = Begin(Source::kApparmor, event, context);
        AddProcess(record, one);
        one.refused = verdict == "DENIED";
        ObserveApparmor(record, context, one);
        out.push_back(std::move(one));
      } else if (record.type == kRecordAvc && !record.permissions.empty()) {
        Observation one = Begin(Source::kSelinux, event, context);
        AddProcess(record, one);
        one.refused = record.denied && Field(record, "permissive") != "1";
        ObserveSelinux(record, context, one);
        out.push_back(std::move(one));
      }
    }
    const AuditRecord* call = event.Find(kRecordSyscall);
    if (out.size() != before || call == nullptr || Field(*call, "success") != "no") continue;
    Observation one = Begin(Source::kNobody, event, context);
    if (one.error != kEacces && one.error != kEperm) continue;
    AddTexts(context, one);
    if (!context.paths.empty()) one.path = context.paths.front();
    one.text = fmt::format("{} {}", context.name, one.path);
    out.push_back(std::move(one));
  }
  return out;
}

void ResolvePaths(const std::vector<std::string>& roots, Observation& one) {
  if (one.source != Source::kSelinux) return;
  const std::string looker = fmt::format("/proc/{}/", getpid());  // /proc/self is whoever looks
  for (ir::ObjectCheck& check : one.checks) {
    const auto path = check.texts.find("path");
    if (path == check.texts.end()) continue;
    std::string resolved = ResolveIn(roots, path->second);
    if (resolved.starts_with(looker) && !path->second.starts_with(looker)) resolved = fmt::format("/proc/{}/{}", one.process, resolved.substr(looker.size()));
    if (!resolved.empty()) path->second = resolved;
  }
}

}  // namespace ravelin::kernels
