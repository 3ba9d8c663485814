// Code of an intruder, as it would run inside of a service: one attack, to its end, with all the calls that it takes.
//
//   intruder VERB [PATH | NUMBER]...
//
// Ends with 0 where the attack succeeded, else with the errno of the call that failed.  It stands by itself, without a C library: under a
// filter or profile, the attack and exit_group(2) are all that it asks for.  x86_64.
#include <elf.h>

using Word = long;

namespace {

Word Call(Word number, Word a = 0, Word b = 0, Word c = 0, Word d = 0, Word e = 0) {
  Word result;
  register Word r10 asm("r10") = d;
  register Word r8 asm("r8") = e;
  register Word r9 asm("r9") = 0;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}

enum : Word { kWrite = 1, kSocket = 41, kConnect = 42, kBind = 49, kListen = 50, kExecve = 59, kPause = 34, kPtrace = 101, kMount = 165, kExitGroup = 231, kOpenat = 257, kUnshare = 272, kMemfdCreate = 319, kBpf = 321, kExecveat = 322 };

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

struct Address {
  unsigned short family = 1;  // AF_UNIX
  char path[108] = {};

  explicit Address(const char* name) {
    for (unsigned i = 0; i + 1 < sizeof path && name[i] != 0; ++i) path[i] = name[i];
  }
};

Word Open(const char* path, Word flags) {
  constexpr Word kHere = -100;
  return Call(kOpenat, kHere, P(path), flags, 0644);
}

Word Write(const char* path) {
  const Word file = Open(path, 01 | 0100);  // O_WRONLY | O_CREAT
  return file < 0 ? file : Call(kWrite, file, P("x\n"), 2);
}

Word Connect(const char* path) {
  const Word socket = Call(kSocket, 1, 1);
  const Address address(path);
  return socket < 0 ? socket : Call(kConnect, socket, P(&address), sizeof address);
}

// Another service: listens, and is there until it is ended.
Word Serve(const char* path) {
  const Word socket = Call(kSocket, 1, 1);
  const Address address(path);
  if (socket < 0) return socket;
  if (const Word bound = Call(kBind, socket, P(&address), sizeof address); bound < 0) return bound;
  if (const Word listens = Call(kListen, socket, 8); listens < 0) return listens;
  while (true) Call(kPause);
}

// BPF_PROG_LOAD of `return 0`, as a socket filter.
Word LoadBpf() {
  static const unsigned char kProgram[] = {0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0};
  struct {
    unsigned type = 1;
    unsigned count = 2;
    Word program = P(kProgram);
    Word license = P("GPL");
    char rest[24] = {};
  } order;
  return Call(kBpf, 5, P(&order), sizeof order);
}

// A program that was never a file: it ends with 0.
Word ExecFromMemory() {
  static const unsigned char kCode[] = {0xb8, kExitGroup, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05};  // exit_group(0)
  struct {
    Elf64_Ehdr head;
    Elf64_Phdr segment;
    unsigned char code[sizeof kCode];
  } image = {};
  constexpr Elf64_Addr kBase = 0x10000000;
  const unsigned char ident[] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
  for (unsigned i = 0; i < sizeof ident; ++i) image.head.e_ident[i] = ident[i];
  image.head.e_type = ET_EXEC;
  image.head.e_machine = EM_X86_64;
  image.head.e_version = EV_CURRENT;
  image.head.e_entry = kBase + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
  image.head.e_phoff = sizeof(Elf64_Ehdr);
  image.head.e_ehsize = sizeof(Elf64_Ehdr);
  image.head.e_phentsize = sizeof(Elf64_Phdr);
  image.head.e_phnum = 1;
  image.segment = {PT_LOAD, PF_R | PF_X, 0, kBase, kBase, sizeof image, sizeof image, 0x1000};
  for (unsigned i = 0; i < sizeof kCode; ++i) image.code[i] = kCode[i];
  const Word file = Call(kMemfdCreate, P("intruder"));
  if (file < 0) return file;
  if (const Word written = Call(kWrite, file, P(&image), sizeof image); written < 0) return written;
  const char* arguments[] = {"x", nullptr};
  return Call(kExecveat, file, P(""), P(arguments), 0, 0x1000);  // AT_EMPTY_PATH
}

Word Attack(int count, char** words) {
  constexpr Word kInvalid = -22;
  if (count < 2) return kInvalid;
  const char* verb = words[1];
  if (Is(verb, "-c") || Is(verb, "-e")) return 0;  // it lies in an interpreter's place, and was started as that
  if (Is(verb, "bpf")) return LoadBpf();
  if (Is(verb, "memfd")) return ExecFromMemory();
  if (Is(verb, "user_namespace")) return Call(kUnshare, 0x10000000);  // CLONE_NEWUSER
  if (count < 3) return kInvalid;
  const char* first = words[2];
  if (Is(verb, "read")) return Open(first, 0);
  if (Is(verb, "write")) return Write(first);
  if (Is(verb, "exec")) return Call(kExecve, P(first), P(words + 2), 0);
  if (Is(verb, "mount")) return Call(kMount, P("none"), P(first), P("tmpfs"));
  if (Is(verb, "connect")) return Connect(first);
  if (Is(verb, "serve")) return Serve(first);
  if (Is(verb, "ptrace")) return Call(kPtrace, 0x4206, Number(first));  // PTRACE_SEIZE
  if (Is(verb, "socket") && count == 5) return Call(kSocket, Number(first), Number(words[3]), Number(words[4]));
  return kInvalid;
}

}  // namespace

extern "C" [[noreturn]] void Main(Word* stack) {
  const Word result = Attack(static_cast<int>(stack[0]), reinterpret_cast<char**>(stack + 1));
  while (true) Call(kExitGroup, result < 0 && result >= -4095 ? -result : 0);
}

asm(".globl _start\n_start:\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call Main\n");
