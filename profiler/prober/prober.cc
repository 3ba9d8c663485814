// Performs one attempt and ends with what came of it: 0, or the errno.
//
//   prober VERB [PATH | NUMBER...]
//
// It stands by itself, without a C library: under a filter or profile that is tried, the attempt and exit_group(2) are all that it asks
// for.  x86_64.
using Word = long;

namespace {

Word Call(Word number, Word a = 0, Word b = 0, Word c = 0, Word d = 0, Word e = 0, Word f = 0) {
  Word result;
  register Word r10 asm("r10") = d;
  register Word r8 asm("r8") = e;
  register Word r9 asm("r9") = f;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}

bool Is(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

Word Number(const char* text) {
  Word value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) value = value * 10 + (*text - '0');
  return value;
}

Word P(const void* pointer) { return reinterpret_cast<Word>(pointer); }

char buffer[4096];

// Numbers of x86_64; the calls are those of profiler/probe/verbs.cc.
Word Attempt(int count, char** words) {
  constexpr Word kHere = -100;
  const char* verb = words[1];
  const Word path = count > 2 ? P(words[2]) : 0;
  if (Is(verb, "end")) return 0;
  if (Is(verb, "stat")) return Call(262, kHere, path, P(buffer), 0);
  if (Is(verb, "read")) return Call(257, kHere, path, 0, 0);
  if (Is(verb, "list")) return Call(257, kHere, path, 0x10000, 0);
  if (Is(verb, "write")) return Call(257, kHere, path, 1, 0);
  if (Is(verb, "append")) return Call(257, kHere, path, 0x401, 0);
  if (Is(verb, "truncate")) return Call(76, path, 0);
  if (Is(verb, "create")) return Call(259, kHere, path, 0100644, 0);
  if (Is(verb, "create_fifo")) return Call(259, kHere, path, 0010644, 0);
  if (Is(verb, "create_socket")) return Call(259, kHere, path, 0140644, 0);
  if (Is(verb, "create_dir")) return Call(258, kHere, path, 0755);
  if (Is(verb, "create_symlink")) return Call(266, P("x"), kHere, path);
  if (Is(verb, "delete")) return Call(263, kHere, path, 0);
  if (Is(verb, "setattr")) return Call(268, kHere, path, 0666);
  if (Is(verb, "utimes")) return Call(280, kHere, path, 0, 0);
  if (Is(verb, "exec")) {
    char end[] = "end";
    char* arguments[] = {words[0], end, nullptr};
    return Call(59, path, P(arguments), 0);
  }
  if (Is(verb, "call")) {
    Word values[7] = {};
    for (int i = 0; i < 7 && i + 2 < count; ++i) values[i] = Number(words[i + 2]);
    return Call(values[0], values[1], values[2], values[3], values[4], values[5], values[6]);
  }
  return -254;  // no such verb
}

}  // namespace

extern "C" [[noreturn]] void Main(Word* stack) {
  const Word result = Attempt(static_cast<int>(stack[0]), reinterpret_cast<char**>(stack + 1));
  while (true) Call(231, result < 0 && result >= -4095 ? -result : 0);
}

asm(".globl _start\n_start:\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call Main\n");
