// The recorder as a listener of a seccomp filter: the kernel asks it about each call before the call is carried out, and it always lets
// the call go on.  Nobody is traced and nothing needs a privilege; what comes of a call is not seen (expect.cc).
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "profiler/recorder/format.h"
#include "profiler/recorder/recorder.h"

namespace ravelin::recorder {
namespace {

// Newer than the headers of the oldest system that this is built on (include/uapi/linux/seccomp.h).
constexpr unsigned long kSetFlags = SECCOMP_IOW(4, __u64);  // since 6.6
constexpr unsigned long kWakeOnThisProcessor = 1;
constexpr unsigned kWaitKillable = 1U << 5;                 // since 5.19: signals do not restart a call that was told
constexpr unsigned long kIsValid = SECCOMP_IOW(2, __u64);
constexpr uint64_t kNewListener = SECCOMP_FILTER_FLAG_NEW_LISTENER;
constexpr double kSweepSeconds = 2;

// Every call is told, but those that a program repeats on high descriptors.
std::vector<sock_filter> FilterOf(const Table& table) {
  const auto load = [](size_t offset) { return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)); };
  const sock_filter tell = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  std::vector<sock_filter> out = {load(offsetof(seccomp_data, arch)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0), tell, load(offsetof(seccomp_data, nr))};
  for (uint32_t number = 0; number < table.size(); ++number) {
    const Table::Quiet quiet = table.QuietOf(number);
    if (quiet.from == 0) continue;
    // Each test leads to `tell`, which ends the call's part, where it fails.
    const size_t argument = offsetof(seccomp_data, args) + quiet.argument * sizeof(uint64_t);
    const size_t null = offsetof(seccomp_data, args) + static_cast<size_t>(quiet.null) * sizeof(uint64_t);
    std::vector<sock_filter> tests = {load(argument), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, quiet.from, 0, 0)};
    if (quiet.null >= 0) {
      for (const size_t half : {null, null + sizeof(uint32_t)}) tests.insert(tests.end(), {load(half), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0)});
    }
    tests.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    for (size_t i = 1; i + 1 < tests.size(); i += 2) tests[i].jf = static_cast<uint8_t>(tests.size() - 1 - i);
    out.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, static_cast<uint8_t>(tests.size() + 1)));
    out.insert(out.end(), tests.begin(), tests.end());
    out.push_back(tell);
  }
  out.push_back(tell);
  return out;
}

// Whoever is made anew, or changes who it is, is asked again.
bool ChangesCredentials(uint64_t number) {
  switch (number) {
    case SYS_setuid:
    case SYS_setgid:
    case SYS_setreuid:
    case SYS_setregid:
    case SYS_setresuid:
    case SYS_setresgid:
    case SYS_setfsuid:
    case SYS_setfsgid:
    case SYS_setgroups:
    case SYS_capset:
    case SYS_execve:
    case SYS_execveat: return true;
    default: return false;
  }
}

// One program in memory, from an exec to the next.
struct Image {
  std::string program;
  std::string chain;
  bool recorded = true;  // false: what started the workload
  std::unordered_map<std::string, Facts::Seen*> plain;  // calls without pointers, by number and arguments
};

struct Thread {
  std::shared_ptr<Image> image;
  pid_t group = 0;
  bool trusted = false;  // `credentials` are those that it has
  Credentials credentials;
  bool execs = false;  // its last call was an exec, of which nobody told the end
  Process exec;        // that call
};

class Listener {
 public:
  Listener(int listener, const Table& table, Facts& facts) : listener_(listener), table_(table), facts_(facts), reader_(table, facts, [this](pid_t id) { return IsOurs(id); }) {}

  // Until the last process that the filter is on has ended.
  void Run() {
    seccomp_notif_sizes sizes{};
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) return;
    std::vector<char> room(std::max<size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)) + sizeof(uint64_t));
    std::vector<char> answer(std::max<size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)) + sizeof(uint64_t));
    auto* told = reinterpret_cast<seccomp_notif*>(room.data());
    auto* say = reinterpret_cast<seccomp_notif_resp*>(answer.data());
    ioctl(listener_, kSetFlags, kWakeOnThisProcessor);
    while (true) {
      if (TimeIsUp() && !stopped_) Cut();
      pollfd one{listener_, POLLIN, 0};
      if (poll(&one, 1, 1000) < 0) continue;
      Sweep();
      if ((one.revents & POLLIN) == 0) {
        if ((one.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return;
        continue;
      }
      std::fill(room.begin(), room.end(), 0);
      if (ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, told) != 0) continue;  // it was interrupted, or killed
      Told(*told);
      std::fill(answer.begin(), answer.end(), 0);
      say->id = told->id;
      say->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
      ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, say);
      if (stopped_) kill(static_cast<pid_t>(told->pid), SIGKILL);
    }
  }

  bool started() const { return started_; }
  bool stopped() const { return stopped_; }

 private:
  bool IsOurs(pid_t id) {
    if (threads_.count(id) != 0) return true;
    const std::string image = ImageOf(id);
    return !image.empty() && images_.count(image) != 0;
  }

  void Cut() {
    stopped_ = true;
    facts_.Trouble("the time limit ended the workload");
    for (const auto& [id, thread] : threads_) kill(id, SIGKILL);
  }

  // Threads that a signal ended told nobody.
  void Sweep() {
    const double now = Now();
    if (now - swept_ < kSweepSeconds) return;
    swept_ = now;
    std::erase_if(threads_, [](const auto& entry) { return kill(entry.first, 0) != 0 && errno == ESRCH; });
  }

  // What tells one exec from every other and is the same in whoever was forked since: the sixteen random bytes that the kernel gives
  // each (AT_RANDOM, fs/binfmt_elf.c create_elf_tables).
  std::string ImageOf(pid_t id) const {
    const int fd = open(Proc(id, "auxv").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return "";
    uint64_t vector[128];
    const ssize_t n = read(fd, vector, sizeof vector);
    close(fd);
    constexpr uint64_t kRandom = 25;  // AT_RANDOM
    std::string bytes;
    for (ssize_t i = 0; i + 1 < n / static_cast<ssize_t>(sizeof vector[0]); i += 2) {
      if (vector[i] == kRandom && reader_.ReadBytes(id, vector[i + 1], 16, bytes) && bytes.size() == 16) return bytes;
    }
    return "";
  }

  static pid_t NumberIn(pid_t id, const char* key) {
    FILE* file = fopen(Proc(id, "status").c_str(), "re");
    if (file == nullptr) return 0;
    char line[256];
    int number = 0;
    while (number == 0 && fgets(line, sizeof line, file) != nullptr) {
      if (strncmp(line, key, strlen(key)) == 0) number = atoi(line + strlen(key));
    }
    fclose(file);
    return number;
  }

  std::shared_ptr<Image> ImageOfUnknown(pid_t id, const std::string& name) {
    // Whoever comes first started the workload, or was given to us in the midst of its work.
    if (images_.empty()) {
      auto image = std::make_shared<Image>();
      image->recorded = false;
      return images_[name] = image;
    }
    for (const pid_t relative : {NumberIn(id, "Tgid:"), NumberIn(id, "PPid:")}) {
      const auto at = threads_.find(relative);
      if (at != threads_.end()) return at->second.image;
    }
    facts_.Trouble("a process came whose program is not known");
    return images_.begin()->second;
  }

  Thread& ThreadOf(pid_t id) {
    const auto at = threads_.find(id);
    if (at != threads_.end()) return at->second;
    const std::string name = ImageOf(id);
    const auto known = images_.find(name);
    std::shared_ptr<Image> image = !name.empty() && known != images_.end() ? known->second : ImageOfUnknown(id, name);
    Thread& thread = threads_[id];
    thread.image = std::move(image);
    thread.group = NumberIn(id, "Tgid:");
    return thread;
  }

  // Its last call was an exec: it is another program now, or the exec failed.
  void AfterExec(pid_t id, Thread& thread, double time) {
    thread.execs = false;
    const std::string name = ImageOf(id);
    const bool failed = name.empty() || images_.count(name) != 0;
    if (thread.image->recorded && (started_ || !failed)) {
      const int expected = ExpectedError(thread.exec, thread.credentials);
      reader_.Expect(thread.exec, !failed ? 0 : expected != 0 ? expected : ENOEXEC, time);
    }
    if (failed) return;
    auto image = std::make_shared<Image>();
    image->program = LinkOf(Proc(id, "exe"));
    image->chain = (thread.image->chain.empty() ? "" : thread.image->chain + " > ") + image->program;
    images_[name] = image;
    thread.image = std::move(image);
    started_ = true;
  }

  void Told(const seccomp_notif& told) {
    const auto id = static_cast<pid_t>(told.pid);
    const double time = Now();
    if (id == 0) {
      facts_.Trouble("a process of another pid namespace made calls: they are not recorded");
      return;
    }
    Thread& thread = ThreadOf(id);
    if (thread.execs) AfterExec(id, thread, time);
    const auto number = static_cast<uint64_t>(told.data.nr);
    if (!thread.image->recorded && number != SYS_execve && number != SYS_execveat) return;
    if (told.data.arch != AUDIT_ARCH_X86_64) {
      facts_.Trouble("a process made calls of i386, which are not recorded as such");
      return;
    }
    if (number == SYS_seccomp && (told.data.args[1] & kNewListener) != 0) facts_.Trouble("the workload asks for a filter's listener of its own, and is refused one (EBUSY)");
    if (!AddPlain(told, thread, time)) AddRead(told, thread, time);
    if (ChangesCredentials(number)) thread.trusted = false;
    if (number == SYS_exit) threads_.erase(id);
    if (number == SYS_exit_group) std::erase_if(threads_, [group = thread.group](const auto& entry) { return entry.second.group == group; });
  }

  // A call that points to nothing: no memory is read.
  bool AddPlain(const seccomp_notif& told, Thread& thread, double time) {
    const char* roles = table_.RolesOf(static_cast<uint64_t>(told.data.nr));
    uint64_t words[7] = {static_cast<uint64_t>(told.data.nr)};
    for (int i = 0; i < 6; ++i) {
      if (roles[i] != '-' && roles[i] != 'v' && roles[i] != 'n') return false;
      words[i + 1] = roles[i] == 'v' ? told.data.args[i] : roles[i] == 'n' && told.data.args[i] != 0 ? 1 : 0;
    }
    const std::string key(reinterpret_cast<const char*>(words), sizeof words);
    const auto known = thread.image->plain.find(key);
    if (known != thread.image->plain.end()) {
      ++known->second->count;
      known->second->last = time;
      return true;
    }
    Process process = ProcessOf(told, thread);
    if (Facts::Seen* seen = reader_.Expect(process, 0, time); seen != nullptr) thread.image->plain[key] = seen;
    return true;
  }

  void AddRead(const seccomp_notif& told, Thread& thread, double time) {
    Process process = ProcessOf(told, thread);
    const auto id = static_cast<pid_t>(told.pid);
    reader_.Enter(id, process);
    // A process that is gone, whose number another has now, or that a signal took out of the call, was not the one that was read.
    if (ioctl(listener_, SECCOMP_IOCTL_NOTIF_ID_VALID, &told.id) != 0 && ioctl(listener_, kIsValid, &told.id) != 0) return;
    if (told.data.nr == SYS_execve || told.data.nr == SYS_execveat) {
      thread.credentials = CredentialsOf(id);
      // Who comes back is the first thread of the group.
      Thread& back = ThreadOf(thread.group != 0 ? thread.group : id);
      back.image = thread.image;
      for (Thread* one : {&thread, &back}) {
        one->execs = true;
        one->exec = process;
        one->credentials = thread.credentials;
      }
      return;
    }
    if (!thread.trusted) thread.credentials = CredentialsOf(id);
    thread.trusted = true;
    reader_.Expect(process, ExpectedError(process, thread.credentials), time);
  }

  static Process ProcessOf(const seccomp_notif& told, const Thread& thread) {
    Process process;
    process.program = thread.image->program;
    process.chain = thread.image->chain;
    process.call.number = static_cast<uint64_t>(told.data.nr);
    for (int i = 0; i < 6; ++i) process.call.args[i] = told.data.args[i];
    return process;
  }

  const int listener_;
  const Table& table_;
  Facts& facts_;
  Reader reader_;
  std::unordered_map<pid_t, Thread> threads_;
  std::map<std::string, std::shared_ptr<Image>> images_;  // by what tells them apart
  double swept_ = 0;
  bool started_ = false;
  bool stopped_ = false;
};

// Where a name without a slash leads to, so that looking it up is not part of the workload.
std::string ProgramOf(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = getenv("PATH");
  std::string rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  for (size_t at = 0; at <= rest.size();) {
    const size_t end = std::min(rest.find(':', at), rest.size());
    const std::string candidate = rest.substr(at, end - at) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    at = end + 1;
  }
  return name;
}

// The filter is put on in the child, whose descriptors are ours until its exec; it waits without a call until somebody listens.
struct Shared {
  volatile int listener = -1;
  volatile int error = 0;
  volatile int listened = 0;
};

[[noreturn]] void BecomeFiltered(const Options& options, const std::string& program, std::vector<sock_filter>& filter, Shared& shared) {
  PrepareWorkload(options);
  sock_fprog all{static_cast<unsigned short>(filter.size()), filter.data()};
  long listener = -1;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
    listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kNewListener | kWaitKillable, &all);
    if (listener < 0 && errno == EINVAL) listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kNewListener, &all);
  }
  if (listener < 0) {
    shared.error = errno;
    _exit(kCannotStart);
  }
  shared.listener = static_cast<int>(listener);
  while (shared.listened == 0) __builtin_ia32_pause();
  execv(program.c_str(), options.command);
  perror("recorder: the program cannot be started");
  _exit(kCannotStart);
}

}  // namespace

int RecordByNotify(const Options& options, const Table& table, int out) {
  pid_t child = 0;
  int listener = options.listener;
  if (listener < 0) {
    auto* shared = new (mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared;
    std::vector<sock_filter> filter = FilterOf(table);
    const std::string program = ProgramOf(options.command[0]);
    child = static_cast<pid_t>(syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    if (child < 0) return Cannot(out, "no process can be started");
    if (child == 0) BecomeFiltered(options, program, filter, *shared);
    while (shared->listener < 0 && shared->error == 0 && waitpid(child, nullptr, WNOHANG) == 0) usleep(100);
    if (shared->listener < 0) return Cannot(out, "this kernel does not let a process install a filter with a listener: " + std::string(strerror(shared->error)));
    listener = shared->listener;
    SetChild(child);
    shared->listened = 1;
  }
  Facts facts;
  Listener all(listener, table, facts);
  all.Run();
  close(listener);
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  WriteEnd(out, facts, all.started(), all.stopped(), status);
  close(out);
  return ExitCode(all.stopped(), status);
}

}  // namespace ravelin::recorder
