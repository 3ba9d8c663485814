// Reading, checking and printing classic BPF.
#include "backends/seccomp/program.h"

#include <fmt/format.h>
#include <linux/filter.h>

#include <charconv>

namespace ravelin::seccomp {
namespace {

bool IsLoadWord(uint16_t code) { return code == (BPF_LD | BPF_W | BPF_ABS); }

// Opcodes that seccomp_check_filter (kernel/seccomp.c) lets through.
bool IsAllowed(uint16_t code) {
  switch (BPF_CLASS(code)) {
    case BPF_RET: return code == (BPF_RET | BPF_K) || code == (BPF_RET | BPF_A);
    case BPF_LD: return IsLoadWord(code) || code == (BPF_LD | BPF_W | BPF_LEN) || code == (BPF_LD | BPF_IMM) || code == (BPF_LD | BPF_MEM);
    case BPF_LDX: return code == (BPF_LDX | BPF_W | BPF_LEN) || code == (BPF_LDX | BPF_IMM) || code == (BPF_LDX | BPF_MEM);
    case BPF_ST:
    case BPF_STX: return (code & ~7) == 0;
    case BPF_MISC: return code == (BPF_MISC | BPF_TAX) || code == (BPF_MISC | BPF_TXA);
    case BPF_ALU: {
      const int op = BPF_OP(code);
      if (op == BPF_NEG) return code == (BPF_ALU | BPF_NEG);
      return (code & ~0xf8) == BPF_ALU && (op == BPF_ADD || op == BPF_SUB || op == BPF_MUL || op == BPF_DIV || op == BPF_AND || op == BPF_OR || op == BPF_XOR || op == BPF_LSH || op == BPF_RSH);
    }
    case BPF_JMP: {
      const int op = BPF_OP(code);
      if (op == BPF_JA) return code == (BPF_JMP | BPF_JA);
      return (code & ~0xf8) == BPF_JMP && (op == BPF_JEQ || op == BPF_JGE || op == BPF_JGT || op == BPF_JSET);
    }
    default: return false;
  }
}

std::string Mnemonic(const Instruction& i) {
  switch (BPF_CLASS(i.code)) {
    case BPF_LD: return IsLoadWord(i.code) ? fmt::format("ld [{}]", i.k) : fmt::format("op {:#x} {:#x}", i.code, i.k);
    case BPF_RET: return i.code == (BPF_RET | BPF_K) ? fmt::format("ret {:#x}", i.k) : fmt::format("op {:#x} {:#x}", i.code, i.k);
    case BPF_ALU: return i.code == (BPF_ALU | BPF_AND | BPF_K) ? fmt::format("and {:#x}", i.k) : fmt::format("op {:#x} {:#x}", i.code, i.k);
    case BPF_JMP:
      if (i.code == (BPF_JMP | BPF_JA)) return fmt::format("ja {}", i.k);
      if (BPF_SRC(i.code) == BPF_K) {
        const char* name = BPF_OP(i.code) == BPF_JEQ ? "jeq" : BPF_OP(i.code) == BPF_JGE ? "jge" : BPF_OP(i.code) == BPF_JGT ? "jgt" : "jset";
        return fmt::format("{} {:#x} {} {}", name, i.k, i.jt, i.jf);
      }
      break;
    default: break;
  }
  return fmt::format("op {:#x} {:#x} {} {}", i.code, i.k, i.jt, i.jf);
}

}  // namespace

std::string EncodeProgram(const Program& program, bool big_endian) {
  std::string out;
  for (const Instruction& i : program) {
    const auto put = [&](uint32_t value, int bytes) {
      for (int b = 0; b < bytes; ++b) out += static_cast<char>(value >> 8 * (big_endian ? bytes - 1 - b : b));
    };
    put(i.code, 2);
    put(i.jt, 1);
    put(i.jf, 1);
    put(i.k, 4);
  }
  return out;
}

Result<Program> DecodeProgram(std::string_view bytes, bool big_endian) {
  if (bytes.size() % 8 != 0) return Fail(ErrorCode::kMalformed, "a filter is a list of 8-byte instructions");
  if (bytes.size() / 8 > kMaxInstructions) return Fail(ErrorCode::kTooLarge, fmt::format("a filter has at most {} instructions", kMaxInstructions));
  Program program;
  for (size_t at = 0; at < bytes.size(); at += 8) {
    const auto get = [&](size_t from, int count) {
      uint32_t value = 0;
      for (int b = 0; b < count; ++b) value |= uint32_t{static_cast<unsigned char>(bytes[at + from + static_cast<size_t>(big_endian ? count - 1 - b : b)])} << 8 * b;
      return value;
    };
    program.push_back({static_cast<uint16_t>(get(0, 2)), static_cast<uint8_t>(get(2, 1)), static_cast<uint8_t>(get(3, 1)), get(4, 4)});
  }
  if (auto checked = CheckProgram(program); !checked) return tl::make_unexpected(std::move(checked.error()));
  return program;
}

Result<void> CheckProgram(const Program& program) {
  const auto bad = [](size_t at, std::string_view what) { return Fail(ErrorCode::kMalformed, fmt::format("instruction {}: {}", at, what)); };
  if (program.empty()) return Fail(ErrorCode::kMalformed, "the filter is empty");
  if (program.size() > kMaxInstructions) return Fail(ErrorCode::kTooLarge, fmt::format("the filter has more than {} instructions", kMaxInstructions));
  for (size_t at = 0; at < program.size(); ++at) {
    const Instruction& i = program[at];
    if (!IsAllowed(i.code)) return bad(at, "the opcode is not one that seccomp accepts");
    if (IsLoadWord(i.code) && (i.k % 4 != 0 || i.k >= 64)) return bad(at, "the load is not an aligned word of seccomp_data");
    const int cls = BPF_CLASS(i.code);
    if (cls == BPF_JMP) {
      const bool always = BPF_OP(i.code) == BPF_JA;
      const size_t furthest = always ? i.k : std::max(i.jt, i.jf);
      if (at + 1 + furthest >= program.size()) return bad(at, "the jump leaves the filter");
    }
    const bool memory = cls == BPF_ST || cls == BPF_STX || i.code == (BPF_LD | BPF_MEM) || i.code == (BPF_LDX | BPF_MEM);
    if (memory && i.k >= BPF_MEMWORDS) return bad(at, "the memory word does not exist");
    if (i.code == (BPF_ALU | BPF_DIV | BPF_K) && i.k == 0) return bad(at, "a division by zero");
    if ((i.code == (BPF_ALU | BPF_LSH | BPF_K) || i.code == (BPF_ALU | BPF_RSH | BPF_K)) && i.k >= 32) return bad(at, "a shift by 32 or more");
  }
  if (BPF_CLASS(program.back().code) != BPF_RET) return bad(program.size() - 1, "the last instruction is no return");
  return {};
}

std::string FormatListing(const Program& program, const std::vector<std::string>& notes) {
  std::string out;
  for (size_t i = 0; i < program.size(); ++i) {
    std::string line = fmt::format("{:4}: {}", i, Mnemonic(program[i]));
    if (i < notes.size() && !notes[i].empty()) line = fmt::format("{:<34} ; {}", line, notes[i]);
    out += line + "\n";
  }
  return out;
}

Result<Program> ReadListing(std::string_view text) {
  Program program;
  size_t line_number = 0;
  while (!text.empty()) {
    ++line_number;
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    line = line.substr(0, line.find(';'));
    const size_t colon = line.find(':');
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto bad = [&] { return Fail(ErrorCode::kMalformed, fmt::format("line {} is no instruction", line_number)); };
    if (colon == std::string_view::npos || program.size() >= kMaxInstructions) return bad();
    line.remove_prefix(colon + 1);
    std::vector<std::string_view> words;
    while (true) {
      const size_t begin = line.find_first_not_of(" \t\r[]");
      if (begin == std::string_view::npos) break;
      const size_t stop = line.find_first_of(" \t\r[]", begin);
      words.push_back(line.substr(begin, stop == std::string_view::npos ? std::string_view::npos : stop - begin));
      line.remove_prefix(stop == std::string_view::npos ? line.size() : stop);
    }
    std::vector<uint32_t> numbers;
    for (size_t w = 1; w < words.size(); ++w) {
      const bool hex = words[w].substr(0, 2) == "0x";
      const std::string_view digits = words[w].substr(hex ? 2 : 0);
      uint32_t value = 0;
      const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
      if (error != std::errc() || stop != digits.data() + digits.size()) return bad();
      numbers.push_back(value);
    }
    const auto need = [&](size_t n) { return numbers.size() == n; };
    Instruction i;
    const std::string_view op = words.empty() ? std::string_view() : words[0];
    const bool jump = op == "jeq" || op == "jge" || op == "jgt" || op == "jset";
    if (op == "ld" && need(1)) {
      i = {BPF_LD | BPF_W | BPF_ABS, 0, 0, numbers[0]};
    } else if (op == "ret" && need(1)) {
      i = {BPF_RET | BPF_K, 0, 0, numbers[0]};
    } else if (op == "and" && need(1)) {
      i = {BPF_ALU | BPF_AND | BPF_K, 0, 0, numbers[0]};
    } else if (op == "ja" && need(1)) {
      i = {BPF_JMP | BPF_JA, 0, 0, numbers[0]};
    } else if (jump && need(3) && numbers[1] < 256 && numbers[2] < 256) {
      const uint16_t code = op == "jeq" ? BPF_JEQ : op == "jge" ? BPF_JGE : op == "jgt" ? BPF_JGT : BPF_JSET;
      i = {static_cast<uint16_t>(BPF_JMP | BPF_K | code), static_cast<uint8_t>(numbers[1]), static_cast<uint8_t>(numbers[2]), numbers[0]};
    } else if (op == "op" && (need(2) || need(4)) && numbers[0] < 65536) {
      i = {static_cast<uint16_t>(numbers[0]), 0, 0, numbers[1]};
      if (need(4)) {
        if (numbers[2] > 255 || numbers[3] > 255) return bad();
        i.jt = static_cast<uint8_t>(numbers[2]);
        i.jf = static_cast<uint8_t>(numbers[3]);
      }
    } else {
      return bad();
    }
    program.push_back(i);
  }
  if (auto checked = CheckProgram(program); !checked) return tl::make_unexpected(std::move(checked.error()));
  return program;
}

std::vector<size_t> RemoveUnreached(Program& program) {
  std::vector<bool> reached(program.size());
  std::vector<size_t> before(program.size() + 1);  // how many that stay stand before
  const auto leads_to = [&](size_t i) -> std::pair<size_t, size_t> {
    const Instruction& one = program[i];
    if (BPF_CLASS(one.code) == BPF_RET) return {i, i};
    if (one.code == (BPF_JMP | BPF_JA)) return {i + 1 + one.k, i + 1 + one.k};
    if (BPF_CLASS(one.code) == BPF_JMP) return {i + 1 + one.jt, i + 1 + one.jf};
    return {i + 1, i + 1};
  };
  if (!reached.empty()) reached[0] = true;
  for (size_t i = 0; i < program.size(); ++i) {
    before[i + 1] = before[i] + (reached[i] ? 1 : 0);
    if (reached[i]) reached[leads_to(i).first] = reached[leads_to(i).second] = true;
  }
  Program out;
  std::vector<size_t> kept;
  for (size_t i = 0; i < program.size(); ++i) {
    if (!reached[i]) continue;
    Instruction one = program[i];
    const auto distance = [&](size_t to) { return before[to] - before[i] - 1; };
    if (one.code == (BPF_JMP | BPF_JA)) {
      one.k = static_cast<uint32_t>(distance(leads_to(i).first));
    } else if (BPF_CLASS(one.code) == BPF_JMP) {
      one.jt = static_cast<uint8_t>(distance(leads_to(i).first));
      one.jf = static_cast<uint8_t>(distance(leads_to(i).second));
    }
    out.push_back(one);
    kept.push_back(i);
  }
  program = std::move(out);
  return kept;
}

}  // namespace ravelin::seccomp
