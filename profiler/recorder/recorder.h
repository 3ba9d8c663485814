// The recorder's parts.  It stands alone (libc only), since it runs inside guests and images.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace ravelin::recorder {

double Now();
std::string Escape(const std::string& text);

// What the arguments of the calls are, by number.
class Table {
 public:
  bool Read(const std::string& path);
  const char* RolesOf(uint64_t number) const { return number < roles_.size() && !roles_[number].empty() ? roles_[number].c_str() : "------"; }

 private:
  std::vector<std::string> roles_;
};

// Calls that were seen, equal ones together.
class Facts {
 public:
  void Add(const std::string& key, double time);
  void Trouble(const std::string& text) { troubles_.insert(text); }
  void Write(int out) const;

 private:
  struct Seen {
    uint64_t count = 0;
    double first = 0;
    double last = 0;
  };
  std::unordered_map<std::string, Seen> seen_;
  std::set<std::string> troubles_;
  uint64_t lost_ = 0;
};

struct Process {
  std::string program;
  std::string chain;
  bool told = false;       // the call that it is in is written down already
  bool inside = false;     // between the entry and the exit of a call
  bool fresh = true;       // its first stop is the tracer's own
  // Of the call that it is in:
  user_regs_struct entry{};
  std::string cells;
  int path_argument = -1;  // of an opening: where the path's cell belongs
  std::string given;
  std::string resolved;
  bool existed = true;
};

// Reads what calls point to and what descriptors are.
class Reader {
 public:
  Reader(const Table& table, Facts& facts, const std::map<pid_t, Process>& processes) : table_(table), facts_(facts), processes_(processes) {}

  void Enter(pid_t id, Process& process);
  // `time`: of the exit.
  void Leave(pid_t id, Process& process, int64_t result, double time);

 private:
  bool ReadString(pid_t id, uint64_t address, std::string& out) const;
  bool ReadBytes(pid_t id, uint64_t address, size_t size, std::string& out) const;
  std::string Descriptor(pid_t id, int64_t fd) const;
  std::string Resolve(pid_t id, const std::string& folder, const std::string& given, bool follow);
  void RememberSocket(pid_t id, const Process& process, int64_t result);

  const Table& table_;
  Facts& facts_;
  const std::map<pid_t, Process>& processes_;
  std::unordered_map<std::string, std::string> sockets_;  // "socket:[N]" -> "family,type,protocol"
};

}  // namespace ravelin::recorder
