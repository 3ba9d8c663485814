// Performs an attempt and ends with what came of it: 0, or the errno of the first call that failed.
//
//   prober [CALL OPERAND... [; CALL OPERAND...]...] [. PROCESS]
//   prober i80 NUMBER
//
// CALL is a number of x86_64, with `?` before it where a failure does not end the attempt.  Operands: a number, `sTEXT` (its address),
// `xHEX` (the address of these bytes), `b` (a page of zeros), `v` (an iovec of 8 bytes of that page), `a` (arguments of a program: the
// first of one's own), `rN` (the result of call N), `p` (PROCESS, a number).
//
// It stands by itself, without a C library: under a filter or profile that is tried, the attempt and exit_group(2) are all that it asks
// for.
using Word = long;

namespace {

Word Call(const Word (&words)[7]) {
  Word result;
  register Word r10 asm("r10") = words[4];
  register Word r8 asm("r8") = words[5];
  register Word r9 asm("r9") = words[6];
  asm volatile("syscall" : "=a"(result) : "a"(words[0]), "D"(words[1]), "S"(words[2]), "d"(words[3]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}

// By the gate of 32 bits, with that table's number: calls without arguments.
Word CallOf32Bits(Word number) {
  Word result;
  asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(0), "c"(0), "d"(0) : "r8", "r9", "r10", "r11", "memory");
  return static_cast<int>(result);
}

Word P(const void* pointer) { return reinterpret_cast<Word>(pointer); }

// All 64 bits, or a negative number.
Word Number(const char* text) {
  const bool negative = *text == '-';
  if (negative) ++text;
  unsigned long value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) value = value * 10 + static_cast<unsigned long>(*text - '0');
  return static_cast<Word>(negative ? 0 - value : value);
}

// In place: two digits are more than a byte.
char* Decode(char* text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  char* out = text;
  for (const char* in = text; in[0] != 0 && in[1] != 0; in += 2) *out++ = static_cast<char>(digit(in[0]) << 4 | digit(in[1]));
  return text;
}

constexpr int kMostCalls = 80;
alignas(4096) char page[65536];
char* program_arguments[2];
Word vector[2];
Word results[kMostCalls];

Word process;

Word Operand(char* word) {
  switch (*word) {
    case 'p': return process;
    case 's': return P(word + 1);
    case 'x': return P(Decode(word + 1));
    case 'b': return P(page);
    case 'v': return P(vector);
    case 'a': return P(program_arguments);
    case 'r': return results[Number(word + 1) % kMostCalls];
    default: return Number(word);
  }
}

Word Attempt(int count, char** words) {
  program_arguments[0] = words[0];
  vector[0] = P(page);
  vector[1] = 8;
  process = Number(words[count - 1]);
  if (count > 2 && words[1][0] == 'i') {
    const Word result = CallOf32Bits(Number(words[2]));
    return result < 0 ? -result : 0;
  }
  int calls = 0;
  for (int i = 1; i < count && calls < kMostCalls; ++i, ++calls) {
    if (*words[i] == '.') break;
    const bool may_fail = *words[i] == '?';
    Word operands[7] = {Number(words[i] + (may_fail ? 1 : 0))};
    int n = 0;
    for (++i; i < count && *words[i] != ';' && *words[i] != '.'; ++i) {
      if (++n < 7) operands[n] = Operand(words[i]);
    }
    results[calls] = Call(operands);
    const bool failed = results[calls] < 0 && results[calls] >= -4095;
    if (failed && !may_fail) return -results[calls];
    if (i < count && *words[i] == '.') break;
  }
  return 0;
}

}  // namespace

extern "C" [[noreturn]] void Main(Word* stack) {
  const Word result = Attempt(static_cast<int>(stack[0]), reinterpret_cast<char**>(stack + 1));
  while (true) Call({231, result});
}

asm(".globl _start\n_start:\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call Main\n");
