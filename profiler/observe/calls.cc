#include "profiler/observe/calls.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "compiler/base/check.h"
#include "compiler/kernel/view.h"
#include "profiler/kernels/observe.h"
#include "profiler/observe/embedded_tables.h"
#include "profiler/observe/table.h"

namespace ravelin::observe {
namespace {

// Where the object of the check stands: of two names the second is the new one.
const Path* ObjectPath(const Call& call, const std::vector<Role>& roles, std::string_view operation) {
  const Path* found = nullptr;
  const bool last = call.name.rfind("link", 0) == 0 || call.name.rfind("symlink", 0) == 0 || operation == "rename_to";
  for (size_t i = 0; i < roles.size() && i < 6; ++i) {
    if (roles[i] != Role::kPath || !call.paths[i]) continue;
    if (found == nullptr || last) found = &*call.paths[i];
  }
  return found;
}

std::optional<size_t> IndexOf(const kernel::Syscall& call, const std::string& param) {
  for (size_t i = 0; i < call.params.size(); ++i) {
    if (call.params[i].name == param) return i;
  }
  return std::nullopt;
}

uint64_t AsRead(kernel::ArgType type, uint64_t value) {
  switch (type) {
    case kernel::ArgType::kI32:
    case kernel::ArgType::kU32: return value & 0xffffffff;
    case kernel::ArgType::kU16: return value & 0xffff;
    default: return value;
  }
}

// Nothing: an argument that the row asks about is not known.
std::optional<bool> Applies(const kernel::ViewRow& row, const kernel::Syscall& known, const Call& call) {
  for (const kernel::RowTest& test : row.when) {
    const auto index = IndexOf(known, test.param);
    if (!index || *index >= 6 || !call.args[*index]) return std::nullopt;
    const uint64_t value = AsRead(known.params[*index].type, *call.args[*index]) & test.mask;
    if ((value == (AsRead(known.params[*index].type, test.value) & test.mask)) != test.equal) return false;
  }
  return true;
}

// Of a file that is open already.
bool ChangesDescriptor(const kernel::ViewRow& row) { return row.mode == kernel::RowMode::kServes && row.facet == "file" && (row.operation == "setattr" || row.operation == "xattr" || row.operation == "truncate"); }

// Something is asked of what the descriptor is.
bool DescriptorMatters(const std::string& call) {
  const auto rows = kernel::ViewRows(kernel::Arch::kX86_64, call);
  return std::any_of(rows.begin(), rows.end(), [](const kernel::ViewRow& row) { return (row.facet == "file" || row.facet == "exec" || row.facet == "network") && (row.mode == kernel::RowMode::kNeeds || ChangesDescriptor(row)); });
}

class Adder {
 public:
  Adder(const Call& call, const kernel::Syscall& known, Run& run) : call_(call), known_(known), roles_(RolesOf(known)), run_(run), process_(Encode(call.process)) {}

  void Add() {
    AddSyscall();
    // What a call that failed asked of objects is not known: it may not have reached them.
    if (call_.objects_known || (call_.error && *call_.error != 0)) return;
    for (const kernel::ViewRow& row : kernel::ViewRows(call_.arch, call_.name)) {
      if (row.mode != kernel::RowMode::kNeeds && !Serves(row)) continue;
      if (Applies(row, known_, call_).value_or(false)) AddCheck(row);
    }
  }

 private:
  // Rows that are one way among several: those that a successful call has certainly gone.
  bool Serves(const kernel::ViewRow& row) const {
    if (row.mode != kernel::RowMode::kServes) return false;
    if (row.facet == "file" && row.operation == "create") return call_.created.value_or(true);
    if (row.facet == "file" && row.operation == "create_socket") return call_.address.count("path") != 0;
    if (ChangesDescriptor(row)) return ObjectPath(call_, roles_, row.operation) == nullptr;
    return row.facet == "rlimit" || (row.facet == "file" && row.operation == "getattr" && ObjectPath(call_, roles_, row.operation) != nullptr);
  }

  void AddSyscall() {
    Attributes attributes = {{"arch", std::string(kernel::ArchName(call_.arch))}};
    for (size_t i = 0; i < roles_.size() && i < 6; ++i) {
      if ((roles_[i] == Role::kValue || roles_[i] == Role::kMask) && call_.args[i]) attributes[known_.params[i].name] = fmt::format("{:#x}", AsRead(known_.params[i].type, *call_.args[i]));
    }
    if (call_.error && *call_.error != 0) attributes["refused"] = kernel::ErrnoName(*call_.error).empty() ? std::to_string(*call_.error) : std::string(kernel::ErrnoName(*call_.error));
    // Whom a failed attempt meant, nothing else says.
    if (call_.name == "connect" && call_.error && *call_.error != 0) {
      for (const char* key : {"family", "path", "abstract"}) {
        if (const auto at = call_.address.find(key); at != call_.address.end() && call_.address.at("family") == "0x1") attributes[key] = at->second;
      }
    }
    run_.Add({"syscall", call_.name, Encode(attributes), process_}, call_.time, call_.example, call_.count);
  }

  void AddCheck(const kernel::ViewRow& row) {
    Attributes attributes;
    for (const kernel::Binding& binding : row.bindings) {
      const auto index = IndexOf(known_, binding.param);
      if (index && *index < 6 && call_.args[*index]) attributes[binding.attribute] = fmt::format("{:#x}", AsRead(known_.params[*index].type, *call_.args[*index]) & binding.mask);
    }
    if (row.facet == "file" || row.facet == "exec") {
      std::string given;
      std::string path;
      if (const Path* at = ObjectPath(call_, roles_, row.operation); at != nullptr) {
        path = at->resolved;
        given = at->given;
      } else if (const auto socket = call_.address.find("path"); row.operation == "create_socket" && socket != call_.address.end()) {
        path = socket->second;
      } else if (const auto fd = std::find(roles_.begin(), roles_.end(), Role::kDescriptor); fd != roles_.end()) {
        path = call_.descriptors[static_cast<size_t>(fd - roles_.begin())];
      }
      if (path.empty() || path.front() != '/') return;
      attributes["path"] = path;
      if (!given.empty() && given != path) attributes["given"] = given;
    }
    if (row.facet == "network" && row.operation != "create") {
      for (const auto& [key, value] : call_.socket) attributes.emplace(key, value);
      for (const auto& [key, value] : call_.address) attributes[key] = value;
      if (attributes.empty()) return;  // of which socket is not known
    }
    if ((row.facet == "signal" || row.facet == "ptrace") && !call_.peer.empty()) attributes["peer"] = call_.peer;
    run_.Add({row.facet, row.operation, Encode(attributes), process_}, call_.time, call_.example, call_.count);
    // An exchange takes and gives either name.
    if (row.operation == "rename_from" || row.operation == "rename_to") {
      const bool exchanges = call_.name == "renameat2" && call_.args[4] && (*call_.args[4] & 2) != 0;
      const std::string_view other = row.operation == "rename_from" ? "rename_to" : "rename_from";
      if (exchanges) run_.Add({row.facet, std::string(other), Encode(attributes), process_}, call_.time, call_.example, call_.count);
    }
  }

  const Call& call_;
  const kernel::Syscall& known_;
  const std::vector<Role> roles_;
  Run& run_;
  const std::string process_;
};

}  // namespace

Role RoleOfFamily(std::string_view family) {
  static const std::map<std::string, Role, std::less<>> roles = [] {
    std::map<std::string, Role, std::less<>> out;
    for (const auto& row : TableRows(EmbeddedTable("arguments.tsv"))) out[std::string(row.at(0))] = row.at(1) == "value" ? Role::kValue : row.at(1) == "mask" ? Role::kMask : Role::kNothing;
    return out;
  }();
  const auto at = roles.find(family);
  return at == roles.end() ? Role::kNothing : at->second;
}

bool NamesTheLinkItself(std::string_view call) {
  static const std::set<std::string, std::less<>> calls = {"unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "lstat", "readlink", "readlinkat", "symlink", "symlinkat", "link", "linkat", "mkdir", "mkdirat", "mknod", "mknodat", "lchown", "lsetxattr", "lgetxattr", "llistxattr", "lremovexattr"};
  return calls.count(call) != 0;
}

std::vector<Role> RolesOf(const kernel::Syscall& call) {
  static const std::set<std::string, std::less<>> addresses = {"uservaddr", "umyaddr", "addr", "usockaddr"};
  static const std::set<std::string, std::less<>> ids = {"uid", "gid", "ruid", "euid", "suid", "rgid", "egid", "sgid"};
  std::vector<Role> out;
  for (const kernel::Param& param : call.params) {
    Role role = Role::kNothing;
    if (kernels::NamesFile(param)) role = Role::kPath;
    if (param.type == kernel::ArgType::kPtr && addresses.count(param.name) != 0 && (call.name == "bind" || call.name == "connect" || call.name == "sendto")) role = Role::kAddress;
    if (param.type != kernel::ArgType::kPtr && (param.name == "dfd" || param.name == "olddfd" || param.name == "newdfd" || param.name == "from_dfd" || param.name == "to_dfd")) role = Role::kFolder;
    if (param.type != kernel::ArgType::kPtr && (param.name == "fd" || param.name == "ufd")) role = Role::kDescriptor;
    if (param.name == "pid" && (call.name == "kill" || call.name == "tkill" || call.name == "rt_sigqueueinfo" || call.name == "ptrace")) role = Role::kProcess;
    if ((call.name == "tgkill" || call.name == "tkill") && &param == &call.params.front()) role = Role::kProcess;
    if (call.name == "prlimit64" && param.name == "new_rlim") role = Role::kNull;
    if (call.name.rfind("mknod", 0) == 0 && param.name == "mode") role = Role::kMask;
    if (call.name.rfind("set", 0) == 0 && ids.count(param.name) != 0) role = Role::kValue;
    if (role == Role::kNothing && !param.family.empty()) role = RoleOfFamily(param.family);
    out.push_back(role);
  }
  return out;
}

std::vector<ToldCall> ToldCalls() {
  std::map<std::string, ToldCall, std::less<>> quiet;
  for (const auto& row : TableRows(EmbeddedTable("repeated.tsv"))) {
    const auto number = [&](size_t cell) { return std::atoi(std::string(row.at(cell)).c_str()); };
    ToldCall& call = quiet[std::string(row.at(0))];
    call.quiet_argument = number(1);
    call.quiet_from = static_cast<uint32_t>(number(2));
    call.quiet_null = row.at(3) == "-" ? -1 : number(3);
  }
  std::vector<ToldCall> out;
  for (const kernel::Syscall& call : kernel::Syscalls(kernel::Arch::kX86_64)) {
    const auto repeated = quiet.find(call.name);
    ToldCall told = repeated == quiet.end() ? ToldCall() : repeated->second;
    told.name = call.name;
    told.number = call.number;
    const bool descriptors = DescriptorMatters(call.name);
    for (const Role role : RolesOf(call)) {
      switch (role) {
        case Role::kNothing: told.roles += '-'; break;
        case Role::kValue:
        case Role::kMask: told.roles += 'v'; break;
        case Role::kPath: told.roles += NamesTheLinkItself(call.name) ? 'l' : 'p'; break;
        case Role::kFolder: told.roles += 'd'; break;
        case Role::kDescriptor: told.roles += descriptors ? 'f' : '-'; break;
        case Role::kAddress: told.roles += 'a'; break;
        case Role::kProcess: told.roles += 'k'; break;
        case Role::kNull: told.roles += 'n'; break;
      }
    }
    out.push_back(std::move(told));
  }
  return out;
}

std::set<std::string> CallsOfRuntimes() {
  std::set<std::string> out;
  for (const auto& row : TableRows(EmbeddedTable("runtimes.tsv"))) out.emplace(row.at(0));
  return out;
}

std::string RecorderTable() {
  std::string out;
  for (const ToldCall& call : ToldCalls()) out += fmt::format("{} {} {} {} {}\n", call.number, call.roles.empty() ? "-" : call.roles, call.quiet_argument, call.quiet_from, call.quiet_null < 0 ? "-" : std::to_string(call.quiet_null));
  return out;
}

void AddCall(const Call& call, Run& run) {
  const kernel::Syscall* known = kernel::FindSyscall(call.arch, call.name);
  if (known == nullptr) {
    ++run.completeness.channels["calls"].unread;
    run.completeness.doubts.insert(fmt::format("`{}` is no system call of {}", call.name, kernel::ArchName(call.arch)));
    return;
  }
  Adder(call, *known, run).Add();
}

Attributes AddressOf(std::string_view bytes) {
  Attributes out;
  sa_family_t family = 0;
  if (bytes.size() < sizeof family) return out;
  std::memcpy(&family, bytes.data(), sizeof family);
  out["family"] = fmt::format("{:#x}", family);
  char text[INET6_ADDRSTRLEN] = "";
  if (family == AF_INET && bytes.size() >= sizeof(sockaddr_in)) {
    sockaddr_in address{};
    std::memcpy(&address, bytes.data(), sizeof address);
    out["port"] = std::to_string(ntohs(address.sin_port));
    out["address"] = inet_ntop(AF_INET, &address.sin_addr, text, sizeof text) == nullptr ? "" : text;
  } else if (family == AF_INET6 && bytes.size() >= 24) {
    sockaddr_in6 address{};
    std::memcpy(&address, bytes.data(), std::min(bytes.size(), sizeof address));
    out["port"] = std::to_string(ntohs(address.sin6_port));
    out["address"] = inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text) == nullptr ? "" : text;
  } else if (family == AF_UNIX && bytes.size() > sizeof family) {
    const std::string_view name = bytes.substr(sizeof family);
    if (name.front() == '\0') {
      out["abstract"] = name.substr(1);
    } else {
      out["path"] = name.substr(0, name.find('\0'));
    }
  }
  return out;
}

}  // namespace ravelin::observe
