// Records of SELinux (linux-source-6.1 security/selinux/avc.c, security/lsm_audit.c).  They name an object's last component; the
// records of the call beside them have the path.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "compiler/kernel/selinux_facts.h"
#include "compiler/kernel/view.h"
#include "profiler/kernels/observe.h"

namespace ravelin::kernels {
namespace {

std::string TypeOf(const std::string& context) {
  const size_t role = context.find(':');
  const size_t type = role == std::string::npos ? role : context.find(':', role + 1);
  if (type == std::string::npos) return context;
  return context.substr(type + 1, context.find(':', type + 1) - type - 1);
}

std::string LastPart(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

// The path of the object of the check: as the record has it, or of the call's path the beginning that ends in its name.
std::string PathOf(const AuditRecord& record, const CallContext& context) {
  if (std::string path = Field(record, "path"); !path.empty()) return path;
  const std::string name = Field(record, "name");
  // What a file system begins with has no other name, wherever it is mounted.  On the way to another file nobody says where that is; else it is what the call names.
  const bool on_the_way = record.permissions == std::vector<std::string>{"search"};
  for (const std::string& path : context.paths) {
    if (name.empty() || LastPart(path) == name || (name == "/" && !on_the_way)) return path;
    if (name == "/") return name;
    const size_t at = (path + "/").find("/" + name + "/");
    if (at != std::string::npos) return path.substr(0, at + 1 + name.size());
  }
  // The object of a failed attempt may not exist: the call's path is what was meant.
  return name.empty() && !context.paths.empty() ? context.paths.front() : name;
}

bool IsFileClass(const std::string& name) { return name == "file" || name == "dir" || name == "lnk_file" || name == "chr_file" || name == "blk_file" || name == "sock_file" || name == "fifo_file"; }

const char* CreationOf(const std::string& object_class) {
  if (object_class == "dir") return "create_dir";
  if (object_class == "lnk_file") return "create_symlink";
  if (object_class == "sock_file") return "create_socket";
  if (object_class == "fifo_file") return "create_fifo";
  if (object_class == "chr_file") return "create_char";
  if (object_class == "blk_file") return "create_block";
  return "create";
}

// The program that execve(2) itself maps beside the one that it starts, by the names of the ABI.
bool IsLoader(const std::string& path) {
  const std::string name = LastPart(path);
  return name.rfind("ld-linux", 0) == 0 || name.rfind("ld-musl-", 0) == 0 || name.rfind("ld64.so.", 0) == 0;
}

// The operation that a permission on an object of the class is asked for; "" where it is part of another one.
std::string FileOperation(const std::string& object_class, const std::string& permission, const std::string& path, const CallContext& context) {
  const bool folder = object_class == "dir";
  const bool executes = context.name == "execve" || context.name == "execveat";
  if (permission == "read") return folder ? "list" : object_class == "lnk_file" ? "getattr" : "read";
  if (permission == "open") {
    if (folder) return "list";
    const uint64_t flags = context.call && context.name == "openat" ? context.call->args[2] : context.call && context.name == "open" ? context.call->args[1] : 0;
    return (flags & 3) == 0 ? "read" : "write";
  }
  if (permission == "write") return folder ? "" : "write";
  if (permission == "execute") return executes && !IsLoader(path) ? "exec" : "map_exec";
  if (permission == "execute_no_trans" || permission == "entrypoint") return "exec";
  // What is mapped to be executed is asked for `execute` as well; of a program that is a part of its exec.
  if (permission == "map") return !executes ? "read" : IsLoader(path) ? "map_exec" : "";
  if (permission == "search") return "traverse";
  if (permission == "create") return CreationOf(object_class);
  const bool renames = context.name.starts_with("rename");
  if (permission == "unlink" || permission == "rmdir" || permission == "remove_name") return renames && permission == "remove_name" ? "rename_from" : "delete";
  if (permission == "add_name") return renames ? "rename_to" : "create";
  if (permission == "reparent" || permission == "rename") return "rename_from";
  for (const char* same : {"getattr", "append", "link", "setattr", "lock", "ioctl", "watch"}) {
    if (permission == same) return same;
  }
  return "";
}

void File(const AuditRecord& record, const CallContext& context, const std::string& object_class, Observation& out) {
  out.path = PathOf(record, context);
  for (const std::string& permission : record.permissions) {
    const std::string operation = FileOperation(object_class, permission, out.path, context);
    if (operation.empty()) continue;
    std::string path = out.path;
    // A folder is asked for its entries: the attempt is about what the call names.
    if (object_class == "dir" && (permission == "add_name" || permission == "remove_name") && !context.paths.empty()) {
      // Of a rename the kernel names the old entry first, and the new one last (kernel/auditsc.c; what stood there comes between).
      path = operation == "rename_from" ? context.paths.front() : context.paths.back();
    }
    if (path.empty() || path.front() != '/') continue;
    if (operation == "exec") {
      ir::ObjectCheck check = Check("exec", "exec");
      check.texts["path"] = path;
      out.checks.push_back(std::move(check));
      continue;
    }
    ir::ObjectCheck check = Check("file", operation);
    check.texts["path"] = path;
    const auto known = std::find(context.paths.begin(), context.paths.end(), path);
    check.owner = known != context.paths.end() && context.owned[static_cast<size_t>(known - context.paths.begin())];
    if (operation == "ioctl") {
      uint64_t command = 0;
      const std::string text = Field(record, "ioctlcmd");
      std::from_chars(text.data() + (text.rfind("0x", 0) == 0 ? 2 : 0), text.data() + text.size(), command, 16);
      check.integers["command"] = command;
    }
    out.checks.push_back(std::move(check));
  }
}

// The class says the family and type where it stands for one; a call that makes the socket says them itself.
void DescribeSocket(const std::string& object_class, const CallContext& context, ir::ObjectCheck& check) {
  if (context.call && (context.name == "socket" || context.name == "socketpair")) {
    check.integers["family"] = context.call->args[0];
    check.integers["type"] = context.call->args[1] & 0xf;
    check.integers["protocol"] = context.call->args[2];
    return;
  }
  for (const kernel::SelinuxSocketRow& row : kernel::SelinuxSocketRows()) {
    if (row.object_class != object_class) continue;
    if (!row.family.excluded && !row.family.values.empty()) check.integers["family"] = row.family.values.front();
    if (!row.type.excluded && !row.type.values.empty()) check.integers["type"] = row.type.values.front();
    if (!row.protocol.excluded && !row.protocol.values.empty()) check.integers["protocol"] = row.protocol.values.front();
    return;
  }
}

void Socket(const AuditRecord& record, const CallContext& context, const std::string& object_class, Observation& out) {
  for (const std::string& permission : record.permissions) {
    const std::string operation = permission == "read" ? "receive" : permission == "write" || permission == "sendto" ? "send" : permission == "getattr" || permission == "getopt" ? "getopt" : permission == "name_bind" || permission == "node_bind" ? "bind" : permission == "name_connect" || permission == "connectto" ? "connect" : permission;
    const auto& known = kernel::FindFacet("network")->operations;
    if (std::find(known.begin(), known.end(), operation) == known.end()) continue;
    ir::ObjectCheck check = Check("network", operation);
    DescribeSocket(object_class, context, check);
    const std::string port = Field(record, permission == "name_connect" ? "dest" : "src");
    if (!port.empty() && (permission == "name_connect" || permission == "name_bind")) check.integers["port"] = std::strtoul(port.c_str(), nullptr, 10);
    out.checks.push_back(std::move(check));
  }
}

void Process(const AuditRecord& record, const CallContext& context, Observation& out) {
  const bool self = Field(record, "scontext") == Field(record, "tcontext");
  for (const std::string& permission : record.permissions) {
    if (permission.rfind("exec", 0) == 0) {
      out.checks.push_back(Check("memory", "exec"));
    } else if (permission == "ptrace") {
      out.checks.push_back(Check("ptrace", "trace"));
    } else if (permission.rfind("sig", 0) == 0) {
      ir::ObjectCheck check = Check("signal", "send");
      check.texts["peer"] = self ? "self" : "outside";
      if (context.call && context.name == "kill") check.integers["signal"] = context.call->args[1];
      if (context.call && context.name == "tgkill") check.integers["signal"] = context.call->args[2];
      if (permission == "sigkill") check.integers["signal"] = 9;
      if (permission == "sigstop") check.integers["signal"] = 19;
      out.checks.push_back(std::move(check));
    }
  }
}

}  // namespace

void ObserveSelinux(const AuditRecord& record, const CallContext& context, Observation& out) {
  const std::string object_class = Field(record, "tclass");
  out.subject = TypeOf(Field(record, "scontext"));
  out.text = fmt::format("selinux {} {{ {} }} {}", object_class, fmt::join(record.permissions, " "), TypeOf(Field(record, "tcontext")));
  if (IsFileClass(object_class)) return File(record, context, object_class, out);
  if (object_class.size() > 7 && object_class.compare(object_class.size() - 7, 7, "_socket") == 0) return Socket(record, context, object_class, out);
  if (object_class == "process") return Process(record, context, out);
  if (object_class.rfind("cap", 0) == 0) {
    const auto& known = kernel::FindFacet("capability")->operations;
    for (const std::string& permission : record.permissions) {
      if (std::find(known.begin(), known.end(), permission) != known.end()) out.checks.push_back(Check("capability", permission));
    }
  }
}

}  // namespace ravelin::kernels
