// Records of AppArmor (linux-source-6.1 security/apparmor/{file,net,capability,ipc,mount}.c, `*_audit_cb`).
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "compiler/kernel/view.h"
#include "profiler/kernels/observe.h"

namespace ravelin::kernels {
namespace {

// Who owns what belongs to a user outside of the guest's name space.
constexpr const char* kOverflowUser = "65534";

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::optional<uint64_t> Constant(const std::string& prefix, const std::string& name) { return kernel::FindConstant(kernel::Arch::kX86_64, prefix + Upper(name)); }

// A new object's kind stands in the call, not in the record.
const char* Creation(const CallContext& context) {
  if (context.name == "mkdir" || context.name == "mkdirat") return "create_dir";
  if (context.name == "symlink" || context.name == "symlinkat") return "create_symlink";
  if (context.name == "bind") return "create_socket";
  if ((context.name == "mknod" || context.name == "mknodat") && context.call) {
    switch (context.call->args[context.name == "mknod" ? 1 : 2] & S_IFMT) {
      case S_IFIFO: return "create_fifo";
      case S_IFSOCK: return "create_socket";
      case S_IFCHR: return "create_char";
      case S_IFBLK: return "create_block";
      default: return "create";
    }
  }
  return "create";
}

std::vector<std::string> FileOperations(const std::string& operation, const std::string& mask, const CallContext& context, bool folder) {
  static const std::map<std::string, std::string> by_hook = {{"unlink", "delete"}, {"rmdir", "delete"}, {"rename_src", "rename_from"}, {"rename_dest", "rename_to"}, {"chmod", "setattr"}, {"chown", "setattr"}, {"truncate", "truncate"}, {"getattr", "getattr"}, {"link", "link"}, {"mkdir", "create_dir"}, {"symlink", "create_symlink"}};
  if (const auto found = by_hook.find(operation); found != by_hook.end()) return {found->second};
  std::vector<std::string> out;
  for (const char c : mask) {
    if (c == 'r') out.push_back(folder ? "list" : "read");
    if (c == 'w') out.push_back("write");
    if (c == 'a') out.push_back("append");
    if (c == 'c') out.push_back(Creation(context));
    if (c == 'd') out.push_back("delete");
    if (c == 'k') out.push_back("lock");
    if (c == 'm') out.push_back("map_exec");
    if (c == 'l') out.push_back("link");
  }
  return out;
}

void File(const AuditRecord& record, const std::string& operation, const std::string& mask, std::string name, const CallContext& context, Observation& out) {
  const bool folder = name.size() > 1 && name.back() == '/';
  if (folder) name.pop_back();
  out.path = name;
  const std::string object = Field(record, "ouid");
  const std::string subject = Field(record, "fsuid");
  out.owner_unknown = object == kOverflowUser && subject != kOverflowUser;
  const bool owner = object == subject;
  const auto add = [&](ir::ObjectCheck check) {
    check.texts["path"] = name;
    check.owner = owner;
    out.checks.push_back(std::move(check));
  };
  if (operation == "exec") {
    ir::ObjectCheck check = Check("exec", "exec");
    check.texts["path"] = name;
    out.checks.push_back(std::move(check));
    return;
  }
  for (const std::string& one : FileOperations(operation, mask, context, folder || name == "/")) {
    ir::ObjectCheck check = Check("file", one);
    if (one == "link") {
      if (const std::string target = Field(record, "target"); !target.empty()) check.texts["target"] = target;
    }
    add(std::move(check));
  }
}

void Network(const AuditRecord& record, Observation& out) {
  static const std::map<std::string, std::string> operations = {{"create", "create"}, {"bind", "bind"}, {"listen", "listen"}, {"accept", "accept"}, {"connect", "connect"}, {"sendmsg", "send"}, {"recvmsg", "receive"}, {"getsockname", "getopt"}, {"getpeername", "getopt"}, {"getsockopt", "getopt"}, {"setsockopt", "setopt"}, {"socket_shutdown", "shutdown"}};
  const auto found = operations.find(Field(record, "operation"));
  const std::string mask = Field(record, "requested_mask");
  ir::ObjectCheck check = Check("network", found != operations.end() ? found->second : mask.find("send") != std::string::npos ? "send" : "receive");
  if (const auto family = Constant("AF_", Field(record, "family"))) check.integers["family"] = *family;
  if (const auto type = Constant("SOCK_", Field(record, "sock_type"))) check.integers["type"] = *type;
  if (const std::string protocol = Field(record, "protocol"); !protocol.empty()) check.integers["protocol"] = std::strtoul(protocol.c_str(), nullptr, 10);
  out.checks.push_back(std::move(check));
}

void Peer(const AuditRecord& record, ir::ObjectCheck& check) {
  if (const std::string peer = Field(record, "peer"); !peer.empty()) check.texts["peer"] = peer == Field(record, "profile") ? "self" : peer == "unconfined" ? "outside" : peer;
}

}  // namespace

void ObserveApparmor(const AuditRecord& record, const CallContext& context, Observation& out) {
  const std::string operation = Field(record, "operation");
  const std::string mask = Field(record, out.refused ? "denied_mask" : "requested_mask");
  out.subject = Field(record, "profile");
  const std::string name = Field(record, "name");
  out.text = fmt::format("apparmor {} {} {}", operation, mask, name);
  if (operation == "capable") {
    const std::string capability = Field(record, "capname");
    const auto& known = kernel::FindFacet("capability")->operations;
    if (std::find(known.begin(), known.end(), capability) != known.end()) out.checks.push_back(Check("capability", capability));
    out.text = "apparmor capable " + capability;
  } else if (!Field(record, "family").empty()) {
    Network(record, out);
    out.text = fmt::format("apparmor {} {} {}", operation, Field(record, "family"), Field(record, "sock_type"));
  } else if (operation == "signal") {
    ir::ObjectCheck check = Check("signal", mask.find("receive") != std::string::npos ? "receive" : "send");
    const std::string number = Upper(Field(record, "signal"));
    if (number == "EXISTS") check.integers["signal"] = 0;  // kill(pid, 0)
    if (const auto signal = kernel::FindSignal(kernel::Arch::kX86_64, number)) check.integers["signal"] = static_cast<uint64_t>(*signal);
    Peer(record, check);
    out.checks.push_back(std::move(check));
  } else if (operation == "ptrace") {
    for (const char* one : {"tracedby", "readby", "trace", "read"}) {
      if (mask.find(one) == std::string::npos) continue;
      ir::ObjectCheck check = Check("ptrace", one);
      Peer(record, check);
      out.checks.push_back(std::move(check));
      break;
    }
  } else if (operation == "mount" || operation == "umount" || operation == "pivotroot") {
    ir::ObjectCheck check = Check("mount", operation == "pivotroot" ? "pivot_root" : operation);
    std::string on = name;
    if (on.size() > 1 && on.back() == '/') on.pop_back();
    check.texts["on"] = on;
    if (const std::string type = Field(record, "fstype"); !type.empty()) check.texts["fstype"] = type;
    if (const std::string from = Field(record, "srcname"); !from.empty()) check.texts["from"] = from;
    out.checks.push_back(std::move(check));
  } else if (!name.empty() && !mask.empty()) {
    File(record, operation, mask, name, context, out);
  }
}

}  // namespace ravelin::kernels
