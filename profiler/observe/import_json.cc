// JSON of the recorders that are common on Kubernetes: Tetragon, KubeArmor, Inspektor Gadget's trace_open; and journald's export of audit
// messages.  The only file of this folder that speaks to nlohmann.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "profiler/kernels/observe.h"
#include "profiler/observe/calls.h"
#include "profiler/observe/import.h"
#include "profiler/observe/text_call.h"

namespace ravelin::observe {
namespace {

using nlohmann::json;
constexpr kernel::Arch kArch = kernel::Arch::kX86_64;

std::string Text(const json& value, const char* key) {
  const auto at = value.is_object() ? value.find(key) : value.end();
  return at != value.end() && at->is_string() ? at->get<std::string>() : "";
}

std::optional<int64_t> Number(const json& value, const char* key) {
  const auto at = value.is_object() ? value.find(key) : value.end();
  return at != value.end() && at->is_number() ? std::optional<int64_t>(at->get<int64_t>()) : std::nullopt;
}

const json& Member(const json& value, const char* key) {
  static const json kNone;
  const auto at = value.is_object() ? value.find(key) : value.end();
  return at == value.end() ? kNone : *at;
}

// Documents that stand one after another, with or without lines between them: cut at the brace that closes the first.
std::vector<std::string_view> Documents(std::string_view text) {
  std::vector<std::string_view> out;
  int depth = 0;
  bool quoted = false;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted) {
      if (text[i] == '\\') ++i;
      else if (text[i] == '"') quoted = false;
      continue;
    }
    if (text[i] == '"' && depth > 0) quoted = true;
    if (text[i] == '{' && depth++ == 0) begin = i;
    if (text[i] == '}' && depth > 0 && --depth == 0) out.push_back(text.substr(begin, i + 1 - begin));
  }
  return out;
}

class Reader {
 public:
  Reader(Run& run, Imported& out) : run_(run), out_(out) {}

  // False where it is no event of a recorder that is known.
  bool Document(const json& value, size_t number) {
    example_ = fmt::format("document {}", number);
    const bool known = value.contains("process_exec") ? TetragonExec(value["process_exec"]) : value.contains("process_kprobe") ? TetragonProbe(value["process_kprobe"]) : value.contains("process_exit") ? true : value.contains("Operation") && value.contains("Data") ? KubeArmor(value) : value.contains("fname") ? Open(value) : false;
    return known;
  }

 private:
  void Add(const char* facet, const std::string& operation, Attributes attributes, const Attributes& process, int refused = 0) {
    if (refused != 0) attributes["refused"] = kernel::ErrnoName(refused).empty() ? "EPERM" : std::string(kernel::ErrnoName(refused));
    run_.Add({facet, operation, Encode(attributes), Encode(process)}, 0, example_);
    ++out_.records;
  }

  static Attributes ProcessOf(const json& process) {
    Attributes out;
    if (const std::string program = Text(process, "binary"); !program.empty()) out["program"] = program;
    return out;
  }

  bool TetragonExec(const json& event) {
    const json& process = Member(event, "process");
    Attributes parent = ProcessOf(Member(event, "parent"));
    std::string program = Text(process, "binary");
    if (!program.empty() && program.front() != '/') program = kernels::Absolute(Text(process, "cwd"), program);
    Add("exec", "exec", {{"path", program}}, parent);
    return true;
  }

  bool TetragonProbe(const json& event) {
    const std::string function = Text(event, "function_name");
    const Attributes process = ProcessOf(Member(event, "process"));
    const json& args = Member(event, "args");
    std::string file;
    std::string capability;
    std::optional<int64_t> access;
    std::vector<int64_t> numbers;
    for (const json& arg : args) {
      for (const char* key : {"file_arg", "path_arg"}) {
        if (const std::string path = Text(Member(arg, key), "path"); !path.empty()) file = path;
      }
      if (const json& one = Member(arg, "capability_arg"); one.is_object()) capability = Text(one, "name");
      if (const auto value = Number(arg, "int_arg")) numbers.push_back(*value);
    }
    const auto result = Number(Member(event, "return"), "int_arg");
    const int refused = result && *result < 0 ? static_cast<int>(-*result) : 0;
    if (!capability.empty()) {
      std::string name;
      if (const auto value = kernel::FindCapability(capability)) name = kernel::CapabilityName(*value);
      if (name.empty()) return Unclear();
      Add("capability", name, {}, process, refused);
    } else if (function == "security_file_permission" && !file.empty() && !numbers.empty()) {
      constexpr int64_t kMayWrite = 2;
      constexpr int64_t kMayRead = 4;
      Add("file", (numbers.front() & kMayWrite) != 0 ? "write" : (numbers.front() & kMayRead) != 0 ? "read" : "getattr", {{"path", file}}, process, refused);
    } else if (!file.empty() && (function == "security_mmap_file" || function == "security_path_truncate" || function == "security_inode_copy_up")) {
      Add("file", function == "security_path_truncate" ? "truncate" : "read", {{"path", file}}, process, refused);
    } else if (const size_t at = function.find("sys_"); at != std::string::npos) {
      AddSystemCall(function.substr(at + 4), numbers, process);
    } else {
      return Unclear();
    }
    return true;
  }

  void AddSystemCall(const std::string& name, const std::vector<int64_t>& numbers, const Attributes& process) {
    Call call;
    call.name = name;
    for (size_t i = 0; i < numbers.size() && i < 6; ++i) call.args[i] = static_cast<uint64_t>(numbers[i]);
    call.process = process;
    call.example = example_;
    AddCall(call, run_);
    ++out_.records;
  }

  bool KubeArmor(const json& event) {
    Attributes process;
    if (const std::string source = Text(event, "Source"); !source.empty()) process["program"] = source.substr(0, source.find(' '));
    const std::string operation = Text(event, "Operation");
    const std::string resource = Text(event, "Resource");
    const std::string data = Text(event, "Data");
    const std::string result = Text(event, "Result");
    const int refused = result == "Passed" ? 0 : result == "Permission denied" ? 13 : 1;
    if (operation == "Process") {
      Add("exec", "exec", {{"path", resource.substr(0, resource.find(' '))}}, process, refused);
    } else if (operation == "File") {
      // A name that was removed, renamed, ...: the call says it.
      static const std::map<std::string, const char*> others = {{"UNLINK", "delete"}, {"UNLINKAT", "delete"}, {"RMDIR", "delete"}, {"MKDIR", "create_dir"}, {"MKDIRAT", "create_dir"}, {"RENAME", "rename_from"}, {"RENAMEAT", "rename_from"}, {"CHMOD", "setattr"}, {"CHOWN", "setattr"}};
      if (const auto other = others.find(Between(data + " ", "syscall=SYS_", " ")); other != others.end()) {
        Add("file", other->second, {{"path", resource}}, process, refused);
        return true;
      }
      const uint64_t flags = ValueOf(kArch, Between(data + " ", "flags=", " ")).value_or(0);
      const uint64_t mode = flags & 3;
      if (mode != 1) Add("file", "read", {{"path", resource}}, process, refused);
      if (mode != 0) Add("file", "write", {{"path", resource}}, process, refused);
    } else if (operation == "Network") {
      Attributes attributes;
      for (const auto& [key, name] : {std::pair{"domain=", "family"}, {"sa_family=", "family"}, {"type=", "type"}, {"protocol=", "protocol"}}) {
        if (const auto value = ValueOf(kArch, Between(" " + resource + " ", std::string(" ") + key, " "))) attributes[name] = fmt::format("{:#x}", *value);
      }
      if (attributes.empty()) return Unclear();
      if (const std::string port = Between(resource + " ", "sin_port=", " "); !port.empty()) attributes["port"] = port;
      if (const std::string address = Between(resource + " ", "sin_addr=", " "); !address.empty()) attributes["address"] = address;
      const std::string call = Between(data + " ", "syscall=SYS_", " ");
      Add("network", call == "CONNECT" ? "connect" : call == "BIND" ? "bind" : call == "LISTEN" ? "listen" : call == "ACCEPT" ? "accept" : "create", attributes, process, refused);
    } else if (operation == "Syscall") {
      std::string name = Between(data + " ", "syscall=SYS_", " ");
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      if (kernel::FindSyscall(kArch, name) == nullptr) return Unclear();
      Add("syscall", name, {{"arch", "x86_64"}}, process, refused);
    } else {
      return Unclear();
    }
    return true;
  }

  bool Open(const json& event) {
    Attributes process;
    const std::string command = Text(event, "comm").empty() ? Text(Member(event, "proc"), "comm") : Text(event, "comm");
    if (!command.empty()) process["program"] = command;
    const std::string path = Text(event, "fname");
    if (path.empty() || path.front() != '/') {
      ++run_.completeness.channels["strings"].unread;
      return true;
    }
    const auto flags = Number(event, "flags");
    const int64_t mode = flags.value_or(0) & 3;
    const int64_t error = Number(event, "err").value_or(0);
    if (error != 0) return Unclear();
    if (!flags) run_.completeness.blind.insert("the flags of openings: all are taken for readings");
    if (mode != 1) Add("file", "read", {{"path", path}}, process);
    if (mode != 0) Add("file", "write", {{"path", path}}, process);
    return true;
  }

  bool Unclear() {
    ++out_.not_understood;
    return true;
  }

  Run& run_;
  Imported& out_;
  std::string example_;
};

}  // namespace

bool ImportJson(std::string_view text, Run& run, Imported& out, std::string& why, const Overflow& overflow) {
  const std::vector<std::string_view> documents = Documents(text);
  Reader reader(run, out);
  bool any = false;
  std::string messages;
  for (size_t i = 0; i < documents.size(); ++i) {
    const json value = json::parse(documents[i], nullptr, false);
    if (value.is_discarded()) {
      ++out.not_understood;
      continue;
    }
    if (const std::string message = Text(value, "MESSAGE"); !message.empty() && value.contains("__REALTIME_TIMESTAMP")) {
      messages += message + "\n";
      continue;
    }
    if (value.contains("defaultAction") && value.contains("syscalls")) why = "a seccomp profile that was derived already; `ravelin import oci-seccomp` reads it";
    if (reader.Document(value, i + 1)) {
      any = true;
    } else {
      ++out.not_understood;
    }
    overflow(run);
  }
  if (!messages.empty()) {
    Log audit(messages);
    ImportAudit(audit, run, out, overflow);
    any = true;
  }
  if (any) {
    run.completeness.blind.insert("what the recorder's policy did not ask for");
    if (out.not_understood != 0) run.completeness.channels["records"].unread += out.not_understood;
  }
  return any;
}

}  // namespace ravelin::observe
