#include "compiler/driver/permitted.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace ravelin::driver {
namespace {

std::string ShowArgument(kernel::Arch arch, const kernel::Param& param, uint64_t value) {
  using kernel::ArgType;
  if (param.type == ArgType::kI32 && param.name.find("dfd") != std::string::npos && static_cast<int32_t>(value) == -100) return "AT_FDCWD";
  if (param.type != ArgType::kPtr && static_cast<uint32_t>(value) == 0 && param.family != "AF") return value >> 32 == 0 || param.type == ArgType::kI32 ? "0" : fmt::format("{:#x}", value);
  switch (param.type) {
    case ArgType::kI32: {
      const auto narrow = static_cast<int32_t>(value);
      if (!param.family.empty() && narrow >= 0) {
        std::string name = kernel::ConstantText(arch, param.family, static_cast<uint64_t>(narrow));
        if (!name.empty()) return name;
      }
      return fmt::format("{}", narrow);
    }
    case ArgType::kU16: value &= 0xffff; break;
    case ArgType::kU32: value &= 0xffffffff; break;
    case ArgType::kPtr: return value == 0 ? "0" : fmt::format("{:#x}", value);
    default: break;
  }
  if (!param.family.empty()) {
    std::string name = kernel::ConstantText(arch, param.family, value);
    if (!name.empty()) return name;
  }
  return value < 4096 ? fmt::format("{}", value) : fmt::format("{:#x}", value);
}

// Bytes that a terminal would act on, made visible.
std::string Readable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\' ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return out;
}

}  // namespace

std::string ShowCall(kernel::Arch arch, const kernel::Syscall& call, const ir::Args& args, const std::array<std::string, 6>& texts) {
  std::string out = call.name + "(";
  const size_t count = call.signature_known ? call.params.size() : args.size();
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) out += ", ";
    out += i < texts.size() && !texts[i].empty() ? fmt::format("\"{}\"", Readable(texts[i])) : call.signature_known ? ShowArgument(arch, call.params[i], args[i]) : fmt::format("{:#x}", args[i]);
  }
  return out + ")";
}

std::string AttributeText(kernel::Arch arch, const std::string& attribute, uint64_t value) {
  static const std::map<std::string, std::string> families = {{"family", "AF"}, {"type", "SOCK"}, {"protocol", "IPPROTO"}, {"signal", "SIG"}, {"resource", "RLIMIT"}, {"request", "PTRACE"}};
  if (attribute == "protocol" && value == 0) return "0";  // whatever the family's own is
  const auto family = families.find(attribute);
  const std::string name = family == families.end() ? "" : kernel::ConstantText(arch, family->second, value);
  return name.empty() ? fmt::format("{}", value) : name;
}

}  // namespace ravelin::driver
