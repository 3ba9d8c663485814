// An attempt: system calls in their order, what each asks of objects, and the words by which the prober is told to make them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/event.h"

namespace ravelin::probe {

// What stands in a register: for the prober, and for whoever decides.
struct Operand {
  std::string word;
  uint64_t value = 0;
};
Operand Number(uint64_t value);
Operand Text(std::string_view text);    // its address
Operand Bytes(std::string_view bytes);  // their address
Operand Page();                         // of zeros, 64 KiB
Operand Vector();                       // an iovec of 8 bytes of the page
Operand Arguments();                    // of a program: its name alone
Operand ResultOf(int call);               // of an earlier call: the first descriptor that is free
Operand PeerProcess();                  // its number

// What a call's registers do not tell of what it asks for.
struct Object {
  std::map<std::string, uint64_t> integers;  // of a file, `kind` among them: as combine::Checks counts them (0 file, 1 directory, ...)
  std::map<std::string, std::string> texts;
  bool owner = true;
};
Object File(std::string path, uint64_t kind, bool owner);

struct Call {
  uint32_t number = 0;
  std::vector<Operand> operands;
  ir::Event event;  // the registers, and what the call asks of objects
  std::vector<std::vector<ir::ObjectCheck>> one_of;  // of each list, that one is granted suffices
  std::map<std::string, std::vector<ir::ObjectCheck>> asked_by;  // by one mechanism, of the same object: not what the attempt is
  bool may_fail = false;
  bool of_32_bits = false;  // by int 0x80, alone in its attempt
};

// A call of x86_64 by its name; it asks of the objects what the view tables say that it needs, each time of the same object.
Call CallOf(std::string_view name, std::vector<Operand> operands);
Call CallOf(std::string_view name, std::vector<Operand> operands, const Object& object);
Call BareCall(uint32_t number, const ir::Args& args);
Call CallOf32Bits(std::string_view name);  // of i386, without arguments
Call MayFail(Call call);
// What the kernel asks besides.
ir::ObjectCheck Ask(std::string_view facet, std::string_view operation, const Object& object = {});
Call Also(Call call, std::vector<ir::ObjectCheck> checks);
Call AlsoBy(const std::string& mechanism, Call call, std::vector<ir::ObjectCheck> checks);
Call AlsoOneOf(Call call, std::vector<ir::ObjectCheck> checks);

// Whether some call of an attempt asks for it.
bool Asks(const std::vector<Call>& calls, std::string_view facet, std::string_view operation);

// The prober's arguments.
std::vector<std::string> WordsOf(const std::vector<Call>& calls);

enum class Actor {
  kConfined,  // in the domain
  kOutside,   // on a process of the domain
};
// Processes that are there before the attempts begin.
enum class Peer { kNone, kSelf, kOutside, kOtherUser };

struct Probe {
  std::string kind;  // the facet; "syscall" where a filter alone is judged
  std::vector<Call> calls;
  std::vector<std::vector<Call>> before;  // unconfined, to make the objects what the attempt needs
  std::vector<std::vector<Call>> after;   // unconfined, so that later attempts find things as they were
  bool bare = false;         // a security module may be asked for something, or not
  bool any_end = false;      // every check comes before whatever else can fail: an end as without confinement is a permission
  int refused_with = 0;      // an errno besides EACCES and EPERM by which the kernel refuses
  Actor actor = Actor::kConfined;
  Peer peer = Peer::kNone;
  bool ends_peer = false;  // where it is permitted
  std::optional<uint32_t> rule;  // for which it was made
  bool inside = false;           // the rule speaks of it
  std::string shown;             // "file { read } on /srv/a"
};

}  // namespace ravelin::probe
