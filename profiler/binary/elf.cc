#include "profiler/binary/elf.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace ravelin::binary {
namespace {

// A table of fixed records in the file, nothing where it would lead out of it.
template <typename T>
std::vector<T> Table(std::string_view bytes) {
  std::vector<T> out(bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

std::string_view Part(std::string_view data, uint64_t offset, uint64_t size) { return offset > data.size() || size > data.size() - offset ? std::string_view() : data.substr(offset, size); }

std::string TextAt(std::string_view strings, uint64_t offset) {
  if (offset >= strings.size()) return "";
  const std::string_view rest = strings.substr(offset);
  return std::string(rest.substr(0, rest.find('\0')));
}

class Reader {
 public:
  explicit Reader(std::string data) { elf_.data = std::move(data); }

  Result<Elf> Read() {
    Elf64_Ehdr header{};
    if (elf_.data.size() < sizeof header || std::memcmp(elf_.data.data(), ELFMAG, SELFMAG) != 0) return Fail(ErrorCode::kMalformed, "no ELF file");
    std::memcpy(&header, elf_.data.data(), sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64) return Fail(ErrorCode::kUnsupported, "an ELF file of another machine than x86-64");
    elf_.entry = header.e_entry;
    elf_.fixed = header.e_type == ET_EXEC;
    for (const auto& segment : Table<Elf64_Phdr>(Part(elf_.data, header.e_phoff, uint64_t{header.e_phnum} * sizeof(Elf64_Phdr)))) {
      if (segment.p_type == PT_LOAD) elf_.segments.push_back({segment.p_vaddr, segment.p_offset, std::min<uint64_t>(segment.p_filesz, elf_.data.size() - std::min<uint64_t>(segment.p_offset, elf_.data.size())), (segment.p_flags & PF_X) != 0});
      if (segment.p_type == PT_INTERP) elf_.interpreter = TextAt(Part(elf_.data, segment.p_offset, segment.p_filesz), 0);
      if (segment.p_type == PT_DYNAMIC) dynamic_ = Table<Elf64_Dyn>(Part(elf_.data, segment.p_offset, segment.p_filesz));
      if (segment.p_type == PT_GNU_EH_FRAME) eh_frame_header_ = segment.p_vaddr;
    }
    if (elf_.segments.empty()) return Fail(ErrorCode::kMalformed, "an ELF file without anything to load");
    Dynamic();
    Sections(header);
    Frames();
    std::sort(elf_.functions.begin(), elf_.functions.end());
    elf_.functions.erase(std::unique(elf_.functions.begin(), elf_.functions.end()), elf_.functions.end());
    return std::move(elf_);
  }

 private:
  uint64_t Tag(int64_t tag) const {
    for (const Elf64_Dyn& one : dynamic_) {
      if (one.d_tag == tag) return one.d_un.d_val;
    }
    return 0;
  }

  std::string_view Mapped(uint64_t address, uint64_t size) const { return elf_.At(address).substr(0, size); }

  void Dynamic() {
    const std::string_view strings = Mapped(Tag(DT_STRTAB), Tag(DT_STRSZ));
    for (const Elf64_Dyn& one : dynamic_) {
      if (one.d_tag == DT_NULL) break;
      if (one.d_tag == DT_NEEDED) elf_.needed.push_back(TextAt(strings, one.d_un.d_val));
      if (one.d_tag == DT_RUNPATH || (one.d_tag == DT_RPATH && elf_.run_path.empty())) elf_.run_path = TextAt(strings, one.d_un.d_val);
      if (one.d_tag == DT_INIT || one.d_tag == DT_FINI) elf_.starts.push_back(one.d_un.d_val);
    }
    // The table of symbols ends where that of strings begins: linkers lay them out so, and a symbol too many has no name.
    std::vector<Elf64_Sym> symbols;
    if (const uint64_t table = Tag(DT_SYMTAB); table != 0 && Tag(DT_STRTAB) > table) symbols = Table<Elf64_Sym>(Mapped(table, Tag(DT_STRTAB) - table));
    for (const Elf64_Sym& one : symbols) {
      const auto type = ELF64_ST_TYPE(one.st_info);
      if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) continue;
      const std::string name = TextAt(strings, one.st_name);
      if (name.empty()) continue;
      const uint64_t address = one.st_shndx == SHN_UNDEF ? 0 : one.st_value;
      elf_.symbols.push_back({name, address});
      if (address != 0 && type != STT_NOTYPE) elf_.functions.push_back(address);
    }
    const auto relocate = [&](uint64_t table, uint64_t size) {
      for (const Elf64_Rela& one : Table<Elf64_Rela>(Mapped(table, size))) {
        const size_t symbol = ELF64_R_SYM(one.r_info);
        elf_.relocations.push_back({one.r_offset, static_cast<uint32_t>(ELF64_R_TYPE(one.r_info)), symbol < symbols.size() && symbol != 0 ? TextAt(strings, symbols[symbol].st_name) : "", static_cast<uint64_t>(one.r_addend)});
      }
    };
    relocate(Tag(DT_RELA), Tag(DT_RELASZ));
    relocate(Tag(DT_JMPREL), Tag(DT_PLTRELSZ));
    Arrays();
  }

  // Calls of the loader before and after main; their entries are relocations in what is loaded anywhere.
  void Arrays() {
    for (const auto& [array, size] : {std::pair{Tag(DT_INIT_ARRAY), Tag(DT_INIT_ARRAYSZ)}, std::pair{Tag(DT_FINI_ARRAY), Tag(DT_FINI_ARRAYSZ)}}) {
      for (const uint64_t entry : Table<uint64_t>(Mapped(array, size))) {
        if (entry != 0 && entry != ~uint64_t{0}) elf_.starts.push_back(entry);
      }
      for (const Relocation& one : elf_.relocations) {
        if (one.type == R_X86_64_RELATIVE && one.at >= array && one.at < array + size) elf_.starts.push_back(one.addend);
      }
    }
  }

  // Symbols that the loader does not need, where they were not stripped.
  void Sections(const Elf64_Ehdr& header) {
    const auto sections = Table<Elf64_Shdr>(Part(elf_.data, header.e_shoff, uint64_t{header.e_shnum} * sizeof(Elf64_Shdr)));
    for (const Elf64_Shdr& section : sections) {
      if (section.sh_type != SHT_SYMTAB) continue;
      for (const Elf64_Sym& one : Table<Elf64_Sym>(Part(elf_.data, section.sh_offset, section.sh_size))) {
        if (ELF64_ST_TYPE(one.st_info) == STT_FUNC && one.st_shndx != SHN_UNDEF) elf_.functions.push_back(one.st_value);
      }
    }
  }

  // .eh_frame_hdr: version 1, then encodings; the usual table is of pairs of 32-bit offsets from the header itself (DW_EH_PE_datarel | sdata4).
  void Frames() {
    const std::string_view bytes = elf_.At(eh_frame_header_);
    if (eh_frame_header_ == 0 || bytes.size() < 12 || bytes[0] != 1 || static_cast<uint8_t>(bytes[1]) != 0x1b || static_cast<uint8_t>(bytes[2]) != 0x03 || static_cast<uint8_t>(bytes[3]) != 0x3b) return;
    uint32_t count = 0;
    std::memcpy(&count, bytes.data() + 8, sizeof count);
    for (uint64_t i = 0; i < count && 12 + 8 * (i + 1) <= bytes.size(); ++i) {
      int32_t offset = 0;
      std::memcpy(&offset, bytes.data() + 12 + 8 * i, sizeof offset);
      elf_.functions.push_back(eh_frame_header_ + static_cast<uint64_t>(static_cast<int64_t>(offset)));
    }
  }

  Elf elf_;
  std::vector<Elf64_Dyn> dynamic_;
  uint64_t eh_frame_header_ = 0;
};

}  // namespace

std::string_view Elf::At(uint64_t address) const {
  for (const Segment& segment : segments) {
    if (address >= segment.address && address - segment.address < segment.size) return Part(data, segment.offset + (address - segment.address), segment.size - (address - segment.address));
  }
  return {};
}

Result<Elf> ParseElf(std::string data) { return Reader(std::move(data)).Read(); }

}  // namespace ravelin::binary
