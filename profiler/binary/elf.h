// What an ELF file says of itself.  Source of the layout: System V ABI, gABI 4.1 and the AMD64 supplement (<elf.h>).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::binary {

struct Segment {
  uint64_t address = 0;
  uint64_t offset = 0;     // in the file
  uint64_t size = 0;       // as far as the file holds it
  bool executable = false;
};

struct Symbol {
  std::string name;
  uint64_t address = 0;    // 0: defined elsewhere
};

// A place that the loader fills in.
struct Relocation {
  uint64_t at = 0;
  uint32_t type = 0;       // R_X86_64_*
  std::string symbol;      // "" where there is none
  uint64_t addend = 0;
};

// Of 64-bit little-endian x86-64.
struct Elf {
  std::string data;
  std::string interpreter;
  std::vector<std::string> needed;   // names of libraries
  std::string run_path;              // DT_RUNPATH, else DT_RPATH
  uint64_t entry = 0;
  bool fixed = false;                // loaded where it says: addresses stand in code and data without a relocation
  std::vector<Segment> segments;
  std::vector<Symbol> symbols;       // dynamic ones, functions alone
  std::vector<Relocation> relocations;
  std::vector<uint64_t> functions;   // where functions begin (.eh_frame_hdr's table and symbols), sorted
  std::vector<uint64_t> starts;      // what the loader calls: DT_INIT, DT_FINI, their arrays

  // From the address to the end of its segment; empty where nothing is there.
  std::string_view At(uint64_t address) const;
};
// kUnsupported where it is an ELF file of another kind, kMalformed where it is none or its tables lead out of it.
Result<Elf> ParseElf(std::string data);

}  // namespace ravelin::binary
