// The recorder's parts.  It stands alone (libc only), since it runs inside guests and images.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace ravelin::recorder {

double Now();
std::string Escape(const std::string& text);

// "/proc/ID/rest", and what the symbolic link there says; "" where there is none.
std::string Proc(pid_t id, const std::string& rest);
std::string LinkOf(const std::string& path);

// What the arguments of the calls are, by number.
class Table {
 public:
  bool Read(const std::string& path);
  const char* RolesOf(uint64_t number) const { return number < rows_.size() && !rows_[number].roles.empty() ? rows_[number].roles.c_str() : "------"; }
  // A call that a program makes again and again need not be told where `argument`, a descriptor, is `from` or more and `null` (unless
  // -1) is null.  from 0: it is always told.
  struct Quiet {
    unsigned argument = 0;
    uint32_t from = 0;
    int null = -1;
  };
  Quiet QuietOf(uint64_t number) const { return number < rows_.size() ? rows_[number].quiet : Quiet{}; }
  size_t size() const { return rows_.size(); }

 private:
  struct Row {
    std::string roles;
    Quiet quiet;
  };
  std::vector<Row> rows_;
};

// Calls that were seen, equal ones together.
class Facts {
 public:
  struct Seen {
    uint64_t count = 0;
    double first = 0;
    double last = 0;
  };
  // Where it is counted from now on; nullptr where there is no room.
  Seen* Add(const std::string& key, double time);
  void Trouble(const std::string& text) { troubles_.insert(text); }
  void Lose(uint64_t count) { lost_ += count; }
  void Write(int out) const;

 private:
  std::unordered_map<std::string, Seen> seen_;
  std::set<std::string> troubles_;
  uint64_t lost_ = 0;
};

struct Call {
  uint64_t number = 0;
  uint64_t args[6] = {};
};

// What a name leads to.
struct Found {
  std::string path;  // absolute, links followed; "" where it is not known
  int error = 0;     // why there is nothing
  bool placed = true;  // the folder that it is or would be in is there
  // Of what is there; where nothing is, of that folder.
  mode_t mode = 0;
  uid_t user = 0;
  gid_t group = 0;
  bool read_only = false;  // its mount
  // Of the folder that it is in, where a call takes it out of there; mode 0: not known.
  mode_t folder_mode = 0;
  uid_t folder_user = 0;
  gid_t folder_group = 0;
};

// As whom a process reaches files.
struct Credentials {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
  bool overrides = false;  // CAP_DAC_OVERRIDE
  bool reads = false;      // CAP_DAC_READ_SEARCH
  bool owns = false;       // CAP_FOWNER
};
Credentials CredentialsOf(pid_t id);

struct Process {
  std::string program;
  std::string chain;
  bool told = false;       // the call that it is in is written down already
  bool inside = false;     // between the entry and the exit of a call
  bool fresh = true;       // its first stop is the tracer's own
  bool known = false;      // whose child it is
  bool held = false;       // it has stopped and waits for that
  // Of the call that it is in:
  Call call;
  double entered = 0;      // a filter judges it then, so that is when it was
  std::string cells;
  Found found[6];          // what the paths among the arguments lead to
  std::string descriptor;  // what the descriptor among the arguments is
  int path_argument = -1;  // of an opening: where the path's cell belongs
  std::string given;
  uint64_t flags = 0;      // of an opening: O_...
};

// Reads what calls point to and what descriptors are.
class Reader {
 public:
  // `is_ours`: one of the workload's own processes.
  Reader(const Table& table, Facts& facts, std::function<bool(pid_t)> is_ours) : table_(table), facts_(facts), is_ours_(std::move(is_ours)) {}

  void Enter(pid_t id, Process& process);
  // The call has come back; `time`: that it is written down under.
  void Leave(pid_t id, Process& process, int64_t result, double time);
  // Whether it will succeed nobody sees; `error`: what is to be expected, 0 where nothing speaks against it.
  Facts::Seen* Expect(Process& process, int error, double time);

  // One line, with the cells that the process has.
  Facts::Seen* Tell(const Process& process, const std::string& error, double time);

  bool ReadBytes(pid_t id, uint64_t address, size_t size, std::string& out) const;
  // `folder`: where a relative name begins.
  // `with_folder`: the folder that it is in is looked at as well.
  Found Resolve(pid_t id, const std::string& folder, const std::string& given, bool follow, bool with_folder = false);

 private:
  bool ReadString(pid_t id, uint64_t address, std::string& out) const;
  std::string Descriptor(pid_t id, int64_t fd) const;
  std::string SocketOf(pid_t id, int fd, const std::string& what);
  uint64_t FlagsOf(pid_t id, const Call& call) const;
  void RememberSocket(pid_t id, const Process& process, int64_t result);

  const Table& table_;
  Facts& facts_;
  const std::function<bool(pid_t)> is_ours_;
  std::unordered_map<std::string, std::string> sockets_;  // "socket:[N]" -> "family,type,protocol"
  std::map<std::pair<int, int>, int> asked_;              // family, type -> the protocol that a program asked for last
};

// The error that a call is going to end with, as far as what its names lead to and their permissions tell; 0 where nothing speaks against it.
int ExpectedError(const Process& process, const Credentials& credentials);

bool IsOpening(uint64_t number);
// The last link of the call's name is not followed; `flags`: of an opening.
bool LeavesLink(const Call& call, uint64_t flags);
// Takes a name out of its folder.
bool Removes(const Call& call);
// A cell of a line: "pN=VALUE".
std::string Cell(char kind, int index, const std::string& value);

struct Options {
  std::string by = "ptrace";  // or "notify", "bpf"
  std::string table;
  std::string output;
  std::string becomes;  // written to /proc/self/attr/exec before the workload starts
  std::string folder;    // made before the workload starts
  std::string hostname;  // set, where there is a kernel of one's own
  long processes = 0;    // that come and go first, so that numbers differ
  long limit_ms = 0;
  unsigned known = 0;    // bpf: kinds of calls that the kernel keeps in mind; 0: as many as it was built with
  int listener = -1;     // a filter's listener, of processes that are there already
  char** command = nullptr;
};

// Set by a signal: the time is up.
bool TimeIsUp();
// The process that signals are for that this one gets.
void SetChild(pid_t child);
// In the process that is about to become the workload.
void PrepareWorkload(const Options& options);
[[noreturn]] void StartWorkload(const Options& options);
void WriteEnd(int out, const Facts& facts, bool started, bool stopped, int status);
int ExitCode(bool stopped, int status);

// Each records until the last process has ended, writes it down and says with which status to end.
int RecordByPtrace(const Options& options, const Table& table, int out);
int RecordByNotify(const Options& options, const Table& table, int out);
int RecordByBpf(const Options& options, const Table& table, int out);
// Nothing can be recorded, and why.
int Cannot(int out, const std::string& why);

}  // namespace ravelin::recorder
