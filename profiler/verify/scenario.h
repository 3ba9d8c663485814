// A scenario: how a program is used for real, as a file of lines.
//
//   # nginx, serving a page
//   folder /var/www/html
//   file /var/www/html/index.html <<END
//   hello
//   END
//   start nginx -g 'daemon off;'          in the policy's domain; goes on
//   wait port 80                          or: wait path /run/x.sock
//   client curl -s http://127.0.0.1/      a line of shell, not confined; must end with status 0
//   run psql -c 'select 1'                in the domain, to its end; must end with status 0
//   stop QUIT                             the program that was started last; TERM where no signal is named
//
//   relabel /var/lib/x                    all below gets the label that a new name there has, or its own (what `prepare` made has its folder's)
//
// Also `file PATH MODE <<END`, `prepare LINE` (as client, before all else), `environment NAME=VALUE`, `directory PATH` and
// `user UID GID` (for what is in the domain and follows), `output any` (only how steps end is compared).
//
// Attacks (attacks.h) stand in such a file, too:
//
//   module crypto/af_alg.ko               of the guest's kernel, loaded first
//   neighbour /run/other/socket           another service, not confined, that listens there
//   attack read_shadow: read /etc/shadow is file { read } on "/etc/shadow"
//   granted exec_shell to git because "hooks are lines of shell"
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/verify/verify.h"

namespace ravelin::verify {

// What code of an intruder would do: words of profiler/intruder, and the attempt that it comes down to, as a line of a test says it.
struct Attack {
  std::string name;
  std::vector<std::string> words;
  bool on_neighbour = false;  // the neighbour's process id comes last among the words
  std::string event;
};

// Policies that permit an attack, and why it is none there.
struct Granted {
  std::string attack;
  std::vector<std::string> policies;
  std::string because;
};

struct Scenario {
  std::vector<std::string> folders;
  std::vector<kernels::File> files;
  // Confined steps have their command in `arguments` and no program yet: where it lies depends on the root.
  std::vector<Step> steps;
  bool compare_output = true;
  std::vector<std::string> modules;
  std::string neighbour;
  std::vector<Attack> attacks;
  std::vector<Granted> granted;
};

// kMalformed names the line.
Result<Scenario> ParseScenario(std::string_view text, const std::string& name);

}  // namespace ravelin::verify
