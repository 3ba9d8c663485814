// From one system call, as a tracer sees it, to facts: the call with the arguments that mean something, and what the view table says
// that it asked of files, sockets and other processes.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/kernel/facts.h"
#include "profiler/observe/fact.h"

namespace ravelin::observe {

// What one argument is good for.
enum class Role {
  kNothing,   // sizes, buffers, times
  kValue,     // one of several constants
  kMask,      // bits
  kPath,      // a file's name
  kFolder,    // the descriptor that the next name begins at
  kDescriptor,
  kAddress,   // struct sockaddr
  kProcess,
  kNull,      // a pointer: whether there is one
};
std::vector<Role> RolesOf(const kernel::Syscall& call);
// The last part of a name is not followed where it is a link.
bool NamesTheLinkItself(std::string_view call);
Role RoleOfFamily(std::string_view family);

struct Path {
  std::string given;
  std::string resolved;  // absolute, without symbolic links; "" where it is not known
};

struct Call {
  kernel::Arch arch = kernel::Arch::kX86_64;
  std::string name;
  std::array<std::optional<uint64_t>, 6> args;  // what is known of them
  std::array<std::optional<Path>, 6> paths;
  std::array<std::string, 6> descriptors;  // what a descriptor is: "/etc/passwd", "pipe:[1]"; "" where it is not known
  Attributes address;                      // family, address, port, path, abstract
  Attributes socket;                       // of the descriptor: family, type, protocol
  std::string peer;                        // whom a signal is for: "self", "outside"; "" where it is not known
  std::optional<int> error;                // errno, 0 for success; nothing where it is not known
  std::optional<bool> created;  // of an opening with O_CREAT: the file was not there before
  bool objects_known = false;   // somebody else says what was asked of objects: only the call itself is added
  Attributes process;
  double time = 0;
  std::string example;
  uint64_t count = 1;
};
void AddCall(const Call& call, Run& run);

// A call of this machine as recorders are told of it: a letter for each argument (profiler/recorder/format.h), and where it is quiet
// (tables/repeated.tsv).
struct ToldCall {
  std::string name;
  uint32_t number = 0;
  std::string roles;
  int quiet_argument = 0;
  uint32_t quiet_from = 0;  // 0: never
  int quiet_null = -1;      // -1: no argument has to be null
};
std::vector<ToldCall> ToldCalls();
// Those that are not told where a container runtime installs the filter (tables/runtimes.tsv).
std::set<std::string> CallsOfRuntimes();
// All of them, as the recorder reads them.
std::string RecorderTable();

// "\x02\x00..." as the kernel has it: family, address, port, path, abstract.
Attributes AddressOf(std::string_view sockaddr);

}  // namespace ravelin::observe
