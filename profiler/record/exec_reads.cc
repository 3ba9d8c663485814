// What an exec reads, beside asking to execute: the kernel opens and maps the program and its loader on the caller's behalf, which
// mechanisms are asked for and a tracer does not see (fs/exec.c, fs/binfmt_elf.c load_elf_binary, fs/binfmt_script.c).
#include <elf.h>

#include <cstring>
#include <fstream>

#include "profiler/kernels/root_path.h"
#include "profiler/record/record.h"

namespace ravelin::record {
namespace {

constexpr int kMostInterpreters = 5;  // as the kernel has it

// As much as holds an ELF program's headers.
std::string BeginOf(const std::string& file) {
  std::string out(1 << 16, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<size_t>(in.gcount()));
  return out;
}

// The loader that an ELF program names, or the interpreter of a script; "" where there is none.
std::string InterpreterOf(const std::string& content) {
  if (content.rfind("#!", 0) == 0) {
    const size_t begin = content.find_first_not_of(" \t", 2);
    return begin == std::string::npos ? "" : content.substr(begin, content.find_first_of(" \t\n", begin) - begin);
  }
  Elf64_Ehdr header{};
  if (content.size() < sizeof header || content.compare(0, SELFMAG, ELFMAG) != 0 || content[EI_CLASS] != ELFCLASS64) return "";
  std::memcpy(&header, content.data(), sizeof header);
  for (size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part{};
    const size_t at = header.e_phoff + i * sizeof part;
    if (at + sizeof part > content.size()) return "";
    std::memcpy(&part, content.data() + at, sizeof part);
    if (part.p_type != PT_INTERP || part.p_offset + part.p_filesz > content.size() || part.p_filesz == 0) continue;
    return content.substr(part.p_offset, part.p_filesz - 1);
  }
  return "";
}

}  // namespace

void AddExecReads(const std::string& root, observe::Run& run) {
  const std::vector<std::string> roots = {root == "/" ? "" : root};
  std::vector<std::pair<observe::Fact, observe::Sighting>> added;
  for (const auto& [fact, seen] : run.facts) {
    if (fact.facet != "exec") continue;
    std::string path = observe::Decode(fact.attributes)["path"];
    for (int i = 0; i < kMostInterpreters && !path.empty(); ++i) {
      const std::string content = BeginOf(kernels::HostPath(roots, path));
      if (content.empty()) break;  // gone since
      added.emplace_back(observe::Fact{"file", "read", observe::Encode({{"path", path}}), fact.process}, seen);
      const std::string next = InterpreterOf(content);
      path = next.empty() ? "" : kernels::ResolveIn(roots, next);
    }
  }
  for (const auto& [fact, seen] : added) run.Add(fact, seen.first, "exec", seen.count);
}

}  // namespace ravelin::record
