// Which system calls a program can reach in its own code and that of its libraries, without running it.
//
// Functions are followed from the program's entry and from what the loader calls: direct calls and jumps, imported symbols, addresses of functions that code takes, and every
// function whose address stands in the data of something that is loaded.  At each `syscall` instruction the number is looked for backwards through the function; a function
// that gets it as an argument (syscall(2)) is followed to who calls it.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/binary/needs.h"

namespace ravelin::binary {

struct Reachable {
  std::set<uint32_t> numbers;        // of x86-64
  size_t unresolved = 0;             // instructions whose number was not found
  bool loads_more = false;           // dlopen(3) can be reached: code that nobody read may be loaded
  std::vector<std::string> unread;   // what could not be followed, and why
  // What was found is all there is, but for code that is made at run time.
  bool Sound() const { return unresolved == 0 && !loads_more && unread.empty(); }
};
// Of the program and what the loader opens for it.  kUnsupported where the program was built without a disassembler.
Result<Reachable> ReachableCalls(const std::string& program, const Find& find);

}  // namespace ravelin::binary
