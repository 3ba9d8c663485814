// What the prober can attempt, and by which call.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/event.h"

namespace ravelin::probe {

struct Verb {
  enum class Needs { kFile, kFolder, kProgram, kNothing };  // what must stand at the path
  const char* name;
  const char* facet;
  const char* operation;
  const char* call;
  std::array<uint64_t, 6> args;
  Needs needs;
  uint64_t kind;       // of the object
  bool changes;        // it, or what stands at the path
  bool owners_only;    // the kernel asks for the owner, whatever the policy says
};
const std::vector<Verb>& Verbs();

// The call with what it asks of the path by the view tables; nullopt where the tables do not know that it asks for the verb's operation.
std::optional<ir::Event> EventOf(const Verb& verb, const std::string& path, bool owner);

// A call by its number; what it asks of objects is left open.
ir::Event CallOf(uint32_t number, const std::array<uint64_t, 6>& args);

// Calls that end whoever makes them, wait for ever, or change what the next attempt needs.
bool IsSafeBare(const std::string& call);

}  // namespace ravelin::probe
