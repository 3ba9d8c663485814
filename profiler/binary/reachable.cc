#include "profiler/binary/reachable.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <unordered_map>

#include "profiler/binary/elf.h"
#include "profiler/binary/x86.h"

namespace ravelin::binary {
namespace {

using Kind = Instruction::Kind;

constexpr uint32_t kMostNumber = 600;  // beyond all numbers of x86-64, below what a constant by chance is
constexpr size_t kMostSteps = 20000;   // of one search backwards

struct Line {
  uint64_t address = 0;
  Instruction code;
};

struct Object {
  std::string path;
  Elf elf;
  std::unordered_map<uint64_t, const Relocation*> slots;  // that the loader fills, by address
  std::map<std::string, uint64_t> defined;
};

// A function: object and where it begins.
using Function = std::pair<size_t, uint64_t>;

struct Body {
  std::vector<Line> lines;
  std::set<Function> next;                          // reached from here
  std::vector<std::pair<size_t, Function>> calls;   // which line calls or jumps to what
};

// What a register may hold before a line.
struct Values {
  std::set<uint64_t> constants;
  std::set<int> arguments;  // registers that the caller set
  bool unknown = false;
};

Values Before(const std::vector<Line>& lines, size_t line, int reg) {
  std::multimap<uint64_t, size_t> jumps;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].code.target != 0 && lines[i].code.kind != Kind::kCall) jumps.emplace(lines[i].code.target, i);
  }
  Values out;
  std::set<std::pair<size_t, int>> seen;
  std::vector<std::pair<size_t, int>> open = {{line, reg}};  // the value before that line
  while (!open.empty() && seen.size() < kMostSteps) {
    const auto [at, of] = open.back();
    open.pop_back();
    if (!seen.insert({at, of}).second) continue;
    // Over the lines that may come just before it.
    std::vector<size_t> before;
    if (at > 0 && lines[at - 1].code.kind != Kind::kJump && lines[at - 1].code.kind != Kind::kEnd) before.push_back(at - 1);
    for (auto [jump, end] = jumps.equal_range(lines[at].address); jump != end; ++jump) before.push_back(jump->second);
    if (at == 0) out.arguments.insert(of);
    for (const size_t one : before) {
      const Instruction& code = lines[one].code;
      if (code.kind == Kind::kConstant && code.reg == of) {
        out.constants.insert(code.value);
      } else if (code.kind == Kind::kCopy && code.reg == of) {
        open.emplace_back(one, code.from);
      } else if ((code.written & (1u << of)) != 0 || code.kind == Kind::kCall || (code.kind == Kind::kSyscall && of == kRax)) {
        // What a call returns, or leaves of the registers that it need not keep (rbx, rbp, r12 to r15 are kept).
        const bool kept = code.kind == Kind::kCall && (of == 3 || of == 5 || of >= 12);
        if (kept) {
          open.emplace_back(one, of);
        } else {
          out.unknown = true;
        }
      } else {
        open.emplace_back(one, of);
      }
    }
  }
  out.unknown = out.unknown || !open.empty();
  return out;
}

class Walk {
 public:
  explicit Walk(const Find& find) : find_(find) {}

  Result<Reachable> Run(const std::string& program) {
    if (!Load(program)) return Fail(ErrorCode::kUnsupported, program + " is no program of x86-64 that can be read");
    for (const std::string& library : NeedsOf(program, find_)) Load(library);
    for (size_t i = 0; i < objects_.size(); ++i) {
      const Elf& elf = objects_[i]->elf;
      if (elf.entry != 0) Reach(i, elf.entry);
      for (const uint64_t one : elf.starts) Reach(i, one);
      for (const Relocation& one : elf.relocations) {
        if (one.type == R_X86_64_RELATIVE || one.type == R_X86_64_IRELATIVE) Reach(i, one.addend);
        if (one.type == R_X86_64_64) ReachSymbol(one.symbol);
      }
      if (elf.fixed) ReachWords(i);
    }
    while (!open_.empty()) {
      const Function one = open_.back();
      open_.pop_back();
      const auto [body, is_new] = bodies_.emplace(one, Read(one));
      for (const Function& next : body->second.next) Reach(next.first, next.second);
    }
    Sites();
    return std::move(out_);
  }

 private:
  bool Load(const std::string& path) {
    const auto place = find_(path);
    if (!place) return false;
    std::ifstream in(place->file, std::ios::binary);
    auto elf = ParseElf({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
    if (!elf) {
      out_.unread.push_back(path + ": " + elf.error().message);
      return false;
    }
    auto object = std::make_unique<Object>();
    object->path = place->path;
    object->elf = std::move(*elf);
    for (const Relocation& one : object->elf.relocations) object->slots[one.at] = &one;
    for (const Symbol& one : object->elf.symbols) {
      if (one.address != 0) object->defined.emplace(one.name, one.address);
    }
    if (object->elf.functions.empty()) out_.unread.push_back(path + ": it does not say where its functions begin");
    objects_.push_back(std::move(object));
    return true;
  }

  bool IsCode(const Object& object, uint64_t address) const {
    return std::any_of(object.elf.segments.begin(), object.elf.segments.end(), [&](const Segment& one) { return one.executable && address >= one.address && address - one.address < one.size; });
  }

  // The function that holds the address.
  std::optional<uint64_t> Holding(const Object& object, uint64_t address) const {
    if (!IsCode(object, address)) return std::nullopt;
    const auto& functions = object.elf.functions;
    const auto after = std::upper_bound(functions.begin(), functions.end(), address);
    // Frames of signal trampolines begin one byte early: an unwinder looks for the byte before a return address (glibc, sigaction.c).
    return after == functions.begin() || *std::prev(after) + 1 == address ? address : *std::prev(after);
  }

  std::optional<Function> Defined(const std::string& name) const {
    for (size_t i = 0; i < objects_.size(); ++i) {
      const auto at = objects_[i]->defined.find(name);
      if (at != objects_[i]->defined.end() && IsCode(*objects_[i], at->second)) return Function{i, at->second};
    }
    return std::nullopt;
  }

  void Reach(size_t object, uint64_t address) {
    const auto begin = Holding(*objects_[object], address);
    if (begin && reached_.insert({object, *begin}).second) open_.emplace_back(object, *begin);
  }
  // Words of data that are the address of a function, where no relocation says so.
  void ReachWords(size_t object) {
    const Elf& elf = objects_[object]->elf;
    for (const Segment& segment : elf.segments) {
      const std::string_view bytes = segment.executable ? std::string_view() : elf.At(segment.address).substr(0, segment.size);
      for (size_t at = (8 - segment.address % 8) % 8; at + 8 <= bytes.size(); at += 8) {
        uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        if (std::binary_search(elf.functions.begin(), elf.functions.end(), word)) Reach(object, word);
      }
    }
  }
  void ReachSymbol(const std::string& name) {
    if (name == "dlopen" || name == "dlmopen") out_.loads_more = true;
    if (const auto one = Defined(name)) Reach(one->first, one->second);
  }

  // What a slot that the loader fills leads to.
  std::optional<Function> Filled(size_t object, uint64_t slot) {
    const auto at = objects_[object]->slots.find(slot);
    if (at == objects_[object]->slots.end()) return std::nullopt;
    if (at->second->symbol.empty()) {
      if (at->second->type != R_X86_64_RELATIVE && at->second->type != R_X86_64_IRELATIVE) return std::nullopt;
      const auto begin = Holding(*objects_[object], at->second->addend);
      return begin ? std::optional<Function>({object, *begin}) : std::nullopt;
    }
    if (at->second->symbol == "dlopen" || at->second->symbol == "dlmopen") out_.loads_more = true;
    return Defined(at->second->symbol);
  }

  // Where a jump to the address ends: a stub of the procedure linkage table leads on by its slot.
  std::optional<Function> Landing(size_t object, uint64_t address) {
    const Object& in = *objects_[object];
    uint64_t at = address;
    for (int i = 0; i < 2 && IsCode(in, at); ++i) {
      const auto code = DecodeInstruction(in.elf.At(at).substr(0, 16), at);
      if (!code) break;
      if (code->kind == Kind::kJump && code->through_memory) {
        if (in.slots.count(code->address) != 0) return Filled(object, code->address);
        break;
      }
      if (code->kind != Kind::kOther) break;
      at += code->size;  // endbr64
    }
    const auto begin = Holding(in, address);
    return begin ? std::optional<Function>({object, *begin}) : std::nullopt;
  }

  Body Read(const Function& function) {
    const auto& [number, begin] = function;
    const Object& object = *objects_[number];
    const auto after = std::upper_bound(object.elf.functions.begin(), object.elf.functions.end(), begin);
    const std::string_view rest = object.elf.At(begin);
    const uint64_t size = after == object.elf.functions.end() ? rest.size() : std::min<uint64_t>(rest.size(), *after - begin);
    Body body;
    for (uint64_t at = 0; at < size;) {
      const auto code = DecodeInstruction(rest.substr(at, 16), begin + at);
      if (!code) {
        ++at;  // data among code
        continue;
      }
      body.lines.push_back({begin + at, *code});
      const size_t line = body.lines.size() - 1;
      at += code->size;
      std::optional<Function> to;
      if (object.elf.fixed && code->immediate != 0 && IsCode(object, code->immediate)) to = Landing(number, code->immediate);
      if (code->target != 0 && (code->target < begin || code->target >= begin + size)) to = Landing(number, code->target);
      if (code->address != 0) {
        to = Filled(number, code->address);
        if (!to && !code->through_memory && IsCode(object, code->address)) to = Landing(number, code->address);
      }
      if (!to) continue;
      body.next.insert(*to);
      if (code->kind == Kind::kCall || code->kind == Kind::kJump || code->kind == Kind::kBranch) body.calls.emplace_back(line, *to);
    }
    return body;
  }

  void Take(const Values& values) {
    for (const uint64_t one : values.constants) {
      if (one < kMostNumber) out_.numbers.insert(static_cast<uint32_t>(one));
    }
  }

  // The numbers at each instruction; of functions that are given theirs, at who calls them, and who calls those.
  void Sites() {
    std::map<Function, std::set<int>> given;
    for (const auto& [function, body] : bodies_) {
      for (size_t i = 0; i < body.lines.size(); ++i) {
        if (body.lines[i].code.kind != Kind::kSyscall) continue;
        const Values values = Before(body.lines, i, kRax);
        Take(values);
        if (values.unknown || (values.constants.empty() && values.arguments.empty())) ++out_.unresolved;
        if (!values.arguments.empty()) given[function] = values.arguments;
      }
    }
    std::set<Function> done;
    for (int depth = 0; depth < 3 && !given.empty(); ++depth) {
      std::map<Function, std::set<int>> next;
      for (const auto& [function, arguments] : given) done.insert(function);
      for (const auto& [caller, body] : bodies_) {
        for (const auto& [line, to] : body.calls) {
          const auto at = given.find(to);
          if (at == given.end()) continue;
          for (const int argument : at->second) {
            const Values values = Before(body.lines, line, argument);
            Take(values);
            if (values.unknown) ++out_.unresolved;
            if (!values.arguments.empty() && done.count(caller) == 0) next[caller].insert(values.arguments.begin(), values.arguments.end());
          }
        }
      }
      given = std::move(next);
    }
    out_.unresolved += given.size();
  }

  const Find& find_;
  std::vector<std::unique_ptr<Object>> objects_;
  std::set<Function> reached_;
  std::vector<Function> open_;
  std::map<Function, Body> bodies_;
  Reachable out_;
};

}  // namespace

Result<Reachable> ReachableCalls(const std::string& program, const Find& find) {
  if (!HasDisassembler()) return Fail(ErrorCode::kUnsupported, "built without a disassembler (libzydis-dev)");
  return Walk(find).Run(program);
}

}  // namespace ravelin::binary
