#include "profiler/observe/traced.h"
#include "profiler/kernels/observe.h"

#include <fcntl.h>
#include <fmt/format.h>

namespace ravelin::observe {
namespace {

constexpr kernel::Arch kArch = kernel::Arch::kX86_64;

bool IsFile(const std::string& descriptor) { return !descriptor.empty() && descriptor.front() == '/'; }

std::string WithoutMark(std::string path) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.size() > kDeleted.size() && path.compare(path.size() - kDeleted.size(), kDeleted.size(), kDeleted) == 0) path.resize(path.size() - kDeleted.size());
  return path;
}

class Translator {
 public:
  Translator(const std::string& name, const std::vector<TracedArgument>& args, const kernel::Syscall& known, const TracedProcesses& processes, TracedProcess& process, Run& run) : args_(args), known_(known), processes_(processes), process_(process), run_(run) { call_.name = name; }

  Call Translate(const std::string& opened) {
    const std::vector<Role> roles = RolesOf(known_);
    std::string folder = process_.folder;
    for (size_t i = 0; i < args_.size() && i < 6; ++i) {
      // "flags=...": by the parameter's name, where the tracer prints it.
      size_t at = i;
      std::string text = args_[i].text;
      if (const size_t equals = text.find('='); equals != std::string::npos && equals > 0 && text.find_first_of("\"{<") > equals) {
        for (size_t p = 0; p < known_.params.size(); ++p) {
          if (text.compare(0, equals, known_.params[p].name) == 0) at = p;
        }
        text = text.substr(equals + 1);
      }
      if (at >= 6) continue;
      call_.args[at] = ValueOf(kArch, text);
      call_.descriptors[at] = WithoutMark(args_[i].descriptor);
      if (at >= roles.size()) continue;
      if (roles[at] == Role::kFolder) {
        // gVisor prints the second of a call's as a number.
        constexpr uint64_t kHere = static_cast<uint32_t>(AT_FDCWD);
        const bool here = text.rfind("AT_FDCWD", 0) == 0 || (call_.args[at] && (*call_.args[at] & 0xffffffff) == kHere);
        folder = IsFile(call_.descriptors[at]) ? call_.descriptors[at] : here ? process_.folder : KnownFile(call_.args[at]);
        if (text.rfind("AT_FDCWD", 0) == 0 && IsFile(call_.descriptors[at])) process_.folder = call_.descriptors[at];
      }
      if (roles[at] == Role::kPath) AddPath(at, args_[i], folder, opened);
      if (roles[at] == Role::kDescriptor) AddDescriptor(at);
      if (roles[at] == Role::kAddress) call_.address = args_[i].address;
    }
    if (call_.name == "sendto" && args_.size() > 4) call_.address = args_[4].address;
    return call_;
  }

 private:
  std::string KnownFile(const std::optional<uint64_t>& fd) const {
    const auto at = fd ? process_.files.find(*fd) : process_.files.end();
    return at == process_.files.end() ? "" : at->second;
  }

  void AddPath(size_t at, const TracedArgument& arg, const std::string& folder, const std::string& opened) {
    if (!arg.string || !arg.whole) {
      if (!arg.whole) ++run_.completeness.channels["strings"].unread;
      return;
    }
    Path path;
    path.given = *arg.string;
    if (path.given.empty()) {  // AT_EMPTY_PATH: the descriptor itself
      path.resolved = folder;
    } else if (IsFile(opened)) {
      path.resolved = WithoutMark(opened);
    } else if (path.given.front() == '/' || !folder.empty()) {
      path.resolved = processes_.place(kernels::Absolute(folder, path.given), !NamesTheLinkItself(call_.name) && !LeavesLink());
    } else {
      ++run_.completeness.channels["strings"].unread;  // relative to a folder that nobody told
    }
    call_.paths[at] = path;
  }

  // By its flags.
  bool LeavesLink() const {
    const bool opens = call_.name.rfind("open", 0) == 0;
    for (size_t p = 0; p < known_.params.size() && p < args_.size(); ++p) {
      if (known_.params[p].name != "flag" && known_.params[p].name != "flags") continue;
      const auto flags = ValueOf(kArch, args_[p].text);
      return flags && (*flags & static_cast<uint64_t>(opens ? O_NOFOLLOW : AT_SYMLINK_NOFOLLOW)) != 0;
    }
    return false;
  }

  void AddDescriptor(size_t at) {
    if (!call_.args[at]) return;
    const auto socket = process_.sockets.find(*call_.args[at]);
    if (socket != process_.sockets.end()) call_.socket = socket->second;
    if (call_.descriptors[at].empty()) call_.descriptors[at] = KnownFile(call_.args[at]);
  }

  const std::vector<TracedArgument>& args_;
  const kernel::Syscall& known_;
  const TracedProcesses& processes_;
  TracedProcess& process_;
  Run& run_;
  Call call_;
};

void Remember(const Call& call, std::optional<uint64_t> returned, const std::string& opened, TracedProcess& process) {
  const std::string& name = call.name;
  if (name == "close" && call.args[0]) {
    process.sockets.erase(*call.args[0]);
    process.files.erase(*call.args[0]);
  }
  if (name == "chdir" && call.paths[0]) process.folder = call.paths[0]->resolved;
  if (name == "fchdir" && IsFile(call.descriptors[0])) process.folder = call.descriptors[0];
  if (name == "execve" && call.paths[0] && !call.paths[0]->resolved.empty()) {
    process.program = call.paths[0]->resolved;
    process.chain += (process.chain.empty() ? "" : " > ") + process.program;
  }
  if (!returned) return;
  if (name.rfind("open", 0) == 0) {
    process.sockets.erase(*returned);
    for (const auto& path : call.paths) {
      if (path) process.files[*returned] = IsFile(opened) ? opened : path->resolved;
    }
  }
  if (name == "socket") {
    Attributes socket;
    if (call.args[0]) socket["family"] = fmt::format("{:#x}", *call.args[0]);
    if (call.args[1]) socket["type"] = fmt::format("{:#x}", *call.args[1] & 0xf);
    if (call.args[2]) socket["protocol"] = fmt::format("{:#x}", *call.args[2]);
    process.sockets[*returned] = socket;
  }
  if ((name == "accept" || name == "accept4" || name == "dup" || name == "dup2" || name == "dup3") && !call.socket.empty()) process.sockets[*returned] = call.socket;
}

}  // namespace

TracedProcess& TracedProcesses::Of(int id) {
  auto& at = all_[id];
  if (!at) at = std::make_shared<TracedProcess>();
  return *at;
}

void TracedProcesses::Fork(int parent, int child, bool shares) {
  Of(parent);
  auto& at = all_[child];
  if (at && !at->program.empty()) return;  // its own lines came first
  at = shares ? all_[parent] : std::make_shared<TracedProcess>(*all_[parent]);
}

void AddTraced(const std::string& name, const std::vector<TracedArgument>& args, std::optional<int> error, std::optional<uint64_t> returned, const std::string& opened, int id, double time, const std::string& example, TracedProcesses& processes, Run& run) {
  TracedProcess& process = processes.Of(id);
  const kernel::Syscall* known = kernel::FindSyscall(kArch, name);
  if (known == nullptr) {
    ++run.completeness.channels["calls"].unread;
    run.completeness.doubts.insert(fmt::format("`{}` is no system call of {}", name, kernel::ArchName(kArch)));
    return;
  }
  Call call = Translator(name, args, *known, processes, process, run).Translate(opened);
  call.error = error;
  call.time = time;
  call.example = example;
  if (!process.program.empty()) call.process["program"] = process.program;
  if (!process.chain.empty()) call.process["chain"] = process.chain;
  if (error.value_or(0) == 0) Remember(call, returned, opened, process);
  AddCall(call, run);
  if ((name == "clone" || name == "clone3" || name == "fork" || name == "vfork") && error.value_or(0) == 0 && returned && *returned != 0) {
    constexpr uint64_t kThread = 0x00010000;  // CLONE_THREAD
    const bool thread = name == "clone" && call.args[0].value_or(0) & kThread;
    processes.Fork(id, static_cast<int>(*returned), thread || (name == "clone3" && !args.empty() && args[0].text.find("CLONE_THREAD") != std::string::npos));
  }
}

}  // namespace ravelin::observe
