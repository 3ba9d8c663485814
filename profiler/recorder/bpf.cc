// The recorder as programs in the kernel (observer.bpf.c): they look at each call as it ends, and tell what is new.  The workload is not
// stopped, and needs no_new_privs as little as a tracer; whoever loads them needs CAP_BPF and CAP_PERFMON.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string_view>

#include "profiler/recorder/bpf_event.h"
#include "profiler/recorder/format.h"
#include "profiler/recorder/recorder.h"

namespace ravelin::recorder {

std::string_view ObserverImage();  // the compiled observer.bpf.c

namespace {

int Quiet(libbpf_print_level, const char*, va_list) { return 0; }

double Monotonic() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

bool MayLoad() {
  constexpr unsigned long long kAdmin = 1ULL << 21;
  constexpr unsigned long long kPerfmonAndBpf = 3ULL << 38;
  unsigned long long effective = 0;
  FILE* file = fopen("/proc/self/status", "re");
  char line[256];
  while (file != nullptr && fgets(line, sizeof line, file) != nullptr) {
    if (sscanf(line, "CapEff: %llx", &effective) == 1) break;
  }
  if (file != nullptr) fclose(file);
  return (effective & kAdmin) != 0 || (effective & kPerfmonAndBpf) == kPerfmonAndBpf;
}

bool IsOld() {
  utsname names{};
  int major = 0;
  int minor = 0;
  return uname(&names) == 0 && sscanf(names.release, "%d.%d", &major, &minor) == 2 && (major < 5 || (major == 5 && minor < 15));
}

call_spec SpecOf(uint64_t number, const char* roles) {
  call_spec out{};
  out.known = 1;
  unsigned char folder = 0;
  int paths = 0;
  for (int i = 0; i < 6; ++i) {
    const auto place = static_cast<unsigned char>(i + 1);
    switch (roles[i]) {
      case 'v': out.values = static_cast<unsigned char>(out.values | 1U << i); break;
      case 'n': out.pointers = static_cast<unsigned char>(out.pointers | 1U << i); break;
      case 'd': folder = place; break;
      case 'p':
      case 'l':
        if (paths == 2) break;
        out.path[paths] = place;
        out.folder[paths++] = folder;
        folder = 0;
        break;
      case 'f': out.descriptor = place; break;
      case 'a': out.address = place; break;
      case 'k': out.process = place; break;
      default: break;
    }
  }
  out.opens = !IsOpening(number) ? 0 : number == SYS_open ? 2 : number == SYS_openat ? 3 : 1;
  return out;
}

class Observer {
 public:
  Observer(const Table& table, Facts& facts, unsigned known) : table_(table), facts_(facts), known_(known), reader_(table, facts, [](pid_t) { return false; }) { offset_ = Now() - Monotonic(); }
  ~Observer() {
    ring_buffer__free(ring_);
    for (bpf_link* link : links_) bpf_link__destroy(link);
    bpf_object__close(object_);
  }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  // "" where the kernel took the programs; else why it did not, and what to do.
  std::string Load() {
    libbpf_set_print(Quiet);
    object_ = bpf_object__open_mem(ObserverImage().data(), ObserverImage().size(), nullptr);
    if (object_ == nullptr) return "libbpf does not read the programs of the driver bpf";
    if (known_ != 0) bpf_map__set_max_entries(bpf_object__find_map_by_name(object_, "seen"), known_);
    if (bpf_object__load(object_) != 0) {
      const int error = errno;
      if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) return "this kernel does not describe its types (/sys/kernel/btf/vmlinux): it needs CONFIG_DEBUG_INFO_BTF";
      // The verifier's own refusals are EACCES as well.
      if (error == EPERM || !MayLoad()) return "this process may not load programs into the kernel: run it as root, or with CAP_BPF and CAP_PERFMON (a container: --cap-add BPF --cap-add PERFMON --security-opt seccomp=unconfined)";
      if (error == ENOSYS || IsOld()) return "this kernel is too old for the driver bpf, or lacks it: it needs 5.15 or later with CONFIG_BPF_SYSCALL";
      return "this kernel rejects the programs of the driver bpf, which are wrong for it: " + std::string(strerror(error));
    }
    tree_ = bpf_object__find_map_fd_by_name(object_, "tree");
    seen_ = bpf_object__find_map_fd_by_name(object_, "seen");
    counters_ = bpf_object__find_map_fd_by_name(object_, "counters");
    const int specs = bpf_object__find_map_fd_by_name(object_, "specs");
    for (uint32_t number = 0; number < table_.size() && number < RAVELIN_CALLS; ++number) {
      const call_spec spec = SpecOf(number, table_.RolesOf(number));
      if (bpf_map_update_elem(specs, &number, &spec, BPF_ANY) != 0) return "the kernel does not keep the table of calls";
    }
    ring_ = ring_buffer__new(bpf_object__find_map_fd_by_name(object_, "events"), [](void* self, void* bytes, size_t size) { return static_cast<Observer*>(self)->Take(bytes, size); }, this, nullptr);
    if (ring_ == nullptr) return "the kernel does not share the events of the driver bpf";
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object_) {
      bpf_link* link = bpf_program__attach(program);
      if (link == nullptr) return "a tracepoint cannot be attached to: " + std::string(strerror(errno));
      links_.push_back(link);
    }
    return "";
  }

  bool Follow(pid_t process) {
    const auto key = static_cast<uint32_t>(process);
    const uint32_t none = 0;
    return bpf_map_update_elem(tree_, &key, &none, BPF_ANY) == 0;
  }

  // Until the last process has ended.
  void Run(pid_t child, int& status) {
    bool ended = false;
    while (true) {
      if (TimeIsUp() && !stopped_) Cut();
      ring_buffer__poll(ring_, 50);
      if (!ended && waitpid(child, &status, WNOHANG) == child) ended = true;
      uint32_t first = 0;
      if (ended && bpf_map_get_next_key(tree_, nullptr, &first) != 0) break;
      if (stopped_) Kill();
    }
    for (bpf_link* link : links_) bpf_link__destroy(link);
    links_.clear();
    ring_buffer__consume(ring_);
    Count();
  }

  bool started() const { return started_; }
  bool stopped() const { return stopped_; }

 private:
  struct Image {
    std::string program;
    std::string chain;
  };

  void Kill() const {
    uint32_t key = 0;
    for (const uint32_t* before = nullptr; bpf_map_get_next_key(tree_, before, &key) == 0; before = &key) kill(static_cast<pid_t>(key), SIGKILL);
  }

  void Cut() {
    stopped_ = true;
    facts_.Trouble("the time limit ended the workload");
  }

  static std::string What(const fact_event& event, int which) { return event.what_begin[which] < RAVELIN_TEXT ? std::string(event.what[which] + event.what_begin[which]) : ""; }

  int Take(void* bytes, size_t size) {
    fact_event event{};
    memcpy(&event, bytes, std::min(size, sizeof event));
    if (event.kind == EVENT_EXEC) TakeExec(event);
    if (event.kind == EVENT_CALL) TakeCall(event);
    return 0;
  }

  void TakeExec(const fact_event& event) {
    const Image& former = images_[event.former];
    if (event.former != 0) {
      Process process;
      process.program = former.program;
      process.chain = former.chain;
      process.call.number = SYS_execve;
      const std::string given(event.given[0], event.given_length[0]);
      process.cells = Cell('p', 0, Escape(given) + "|" + Escape(reader_.Resolve(event.group, What(event, 1), given, true).path));
      reader_.Tell(process, "0", Now());
    }
    Image image;
    image.program = What(event, 0);
    image.chain = (former.chain.empty() ? "" : former.chain + " > ") + image.program;
    images_[event.image] = std::move(image);
    started_ = true;
  }

  void TakeCall(const fact_event& event) {
    Process process;
    process.program = images_[event.image].program;
    process.chain = images_[event.image].chain;
    process.call.number = event.number;
    for (int i = 0; i < 6; ++i) process.call.args[i] = event.args[i];
    const call_spec spec = SpecOf(event.number, table_.RolesOf(event.number));
    for (int which = 0; which < 2; ++which) {
      if (spec.path[which] == 0 || event.args[spec.path[which] - 1] == 0) continue;
      const int index = spec.path[which] - 1;
      if ((event.flags & (which == 0 ? FLAG_UNREAD0 : FLAG_UNREAD1)) != 0) process.cells += Cell('u', index, "");
      else AddPath(event, spec, which, process);
    }
    if (spec.descriptor != 0 && (event.flags & FLAG_FILE) != 0 && event.what_begin[1] == RAVELIN_UNREAD) process.cells += Unread(spec.descriptor - 1);
    if (spec.descriptor != 0 && (event.flags & FLAG_FILE) != 0 && !What(event, 1).empty()) process.cells += Cell('f', spec.descriptor - 1, Escape(What(event, 1)));
    if (spec.descriptor != 0 && (event.flags & FLAG_SOCKET) != 0) {
      // The kernel would say which protocol it chose for 0.
      const auto asked = asked_.find({event.family, event.type});
      process.cells += Cell('s', spec.descriptor - 1, std::to_string(event.family) + "," + std::to_string(event.type) + "," + std::to_string(asked == asked_.end() ? 0 : asked->second));
    }
    constexpr int kKind = 0xf;  // SOCK_TYPE_MASK
    if (event.number == SYS_socket || event.number == SYS_socketpair) asked_[{static_cast<int>(event.args[0]), static_cast<int>(event.args[1]) & kKind}] = static_cast<int>(event.args[2]);
    if (spec.address != 0 && (event.flags & FLAG_UNREAD_ADDRESS) != 0) process.cells += Cell('u', spec.address - 1, "");
    else if (event.address_length != 0) process.cells += Cell('a', spec.address - 1, Escape(std::string(reinterpret_cast<const char*>(event.address), event.address_length)));
    if (spec.process != 0) process.cells += Cell('k', spec.process - 1, (event.flags & FLAG_OURS) != 0 ? "self" : "outside");
    const int error = event.error >= 512 ? EINTR : event.error;  // the kernel's own errors of restarted calls
    if (Facts::Seen* seen = reader_.Tell(process, std::to_string(error), Now()); seen != nullptr) told_.emplace_back(event.key, seen);
  }

  // What the call was about is lost.
  std::string Unread(int index) {
    facts_.Lose(1);
    return Cell('u', index, "");
  }

  void AddPath(const fact_event& event, const call_spec& spec, int which, Process& process) {
    const std::string given(event.given[which], event.given_length[which]);
    // An absolute name leads there all the same.
    if (event.what_begin[which] == RAVELIN_UNREAD && given.rfind('/', 0) != 0) {
      process.cells += Unread(spec.path[which] - 1);
      return;
    }
    const std::string what = What(event, which);
    const bool opened = spec.opens != 0 && event.error == 0 && !what.empty();
    const uint64_t flags = spec.opens > 1 ? event.args[spec.opens - 1] : event.number == SYS_creat ? O_CREAT : (event.flags & FLAG_CREATED) != 0 ? O_CREAT : 0;
    const bool follow = table_.RolesOf(event.number)[spec.path[which] - 1] == 'p' && !LeavesLink(process.call, flags);
    const std::string path = opened || given.empty() ? what : reader_.Resolve(event.group, what, given, follow).path;
    if (opened && (flags & O_CREAT) != 0) process.cells += Cell('c', spec.path[which] - 1, (event.flags & FLAG_CREATED) != 0 ? "1" : "0");
    process.cells += Cell('p', spec.path[which] - 1, Escape(given) + "|" + Escape(path));
  }

  // How often, as the kernel counted.
  void Count() {
    for (const auto& [key, seen] : told_) {
      sighting all{};
      if (bpf_map_lookup_elem(seen_, &key, &all) != 0 || all.count < 1) continue;
      seen->count += all.count - 1;
      seen->last = std::max(seen->last, static_cast<double>(all.last) / 1e9 + offset_);
    }
    const auto counter = [&](uint32_t which) {
      uint64_t value = 0;
      return bpf_map_lookup_elem(counters_, &which, &value) == 0 ? value : 0;
    };
    facts_.Lose(counter(COUNT_RING) + counter(COUNT_PROGRAM) + counter(COUNT_TREE));
    if (counter(COUNT_TABLE) != 0) facts_.Trouble("the kernel's table of what was seen already became full: what did not fit was told each time");
    if (counter(COUNT_COMPAT) != 0) facts_.Trouble("a process made calls of i386, which are not recorded as such");
  }

  const Table& table_;
  Facts& facts_;
  const unsigned known_;
  Reader reader_;
  bpf_object* object_ = nullptr;
  ring_buffer* ring_ = nullptr;
  std::vector<bpf_link*> links_;
  int tree_ = -1;
  int seen_ = -1;
  int counters_ = -1;
  std::map<uint32_t, Image> images_;
  std::map<std::pair<int, int>, int> asked_;  // family, type -> the protocol that a program asked for last
  std::vector<std::pair<fact_key, Facts::Seen*>> told_;
  double offset_ = 0;  // of the real time to CLOCK_MONOTONIC
  bool started_ = false;
  bool stopped_ = false;
};

}  // namespace

int RecordByBpf(const Options& options, const Table& table, int out) {
  Facts facts;
  Observer observer(table, facts, options.known);
  const std::string why = observer.Load();
  if (!why.empty()) return Cannot(out, why);
  int go[2];
  if (pipe2(go, O_CLOEXEC) != 0) return Cannot(out, "no pipe");
  const pid_t child = fork();
  if (child < 0) return Cannot(out, "no process can be started");
  if (child == 0) {
    PrepareWorkload(options);
    close(go[1]);  // so that it ends where the recorder does
    char byte = 0;
    if (read(go[0], &byte, 1) != 1) _exit(kCannotStart);
    StartWorkload(options);
  }
  SetChild(child);
  close(go[0]);
  const bool followed = observer.Follow(child) && write(go[1], "", 1) == 1;
  close(go[1]);
  if (!followed) {
    waitpid(child, nullptr, 0);
    return Cannot(out, "the workload's process cannot be followed");
  }
  int status = 0;
  observer.Run(child, status);
  WriteEnd(out, facts, observer.started(), observer.stopped(), status);
  close(out);
  return ExitCode(observer.stopped(), status);
}

}  // namespace ravelin::recorder
