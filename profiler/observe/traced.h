// What importers of tracers' texts keep of each process while they read: its program, its folder, its sockets.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "profiler/observe/text_call.h"

namespace ravelin::observe {

struct TracedProcess {
  std::string program;
  std::string chain;
  std::string folder;                       // working directory; "" where it is not known
  std::map<uint64_t, Attributes> sockets;   // by descriptor
  std::map<uint64_t, std::string> files;
};

class TracedProcesses {
 public:
  // Where a path leads to, links followed (of the last component where `follow`), as far as somebody knows the files.
  std::function<std::string(const std::string& path, bool follow)> place = [](const std::string& path, bool) { return path; };

  TracedProcess& Of(int id);
  // `shares`: a thread.
  void Fork(int parent, int child, bool shares);

 private:
  std::map<int, std::shared_ptr<TracedProcess>> all_;
};

// One printed argument, as far as its dialect tells.
struct TracedArgument {
  std::string text;        // the value as printed
  std::string descriptor;  // what the descriptor is
  std::optional<std::string> string;
  bool whole = true;       // the string was not cut
  Attributes address;
};

// The call with what the process is known to have, and what it changes in the process.  `opened`: what the returned descriptor is.
void AddTraced(const std::string& name, const std::vector<TracedArgument>& args, std::optional<int> error, std::optional<uint64_t> returned, const std::string& opened, int id, double time, const std::string& example, TracedProcesses& processes, Run& run);

}  // namespace ravelin::observe
