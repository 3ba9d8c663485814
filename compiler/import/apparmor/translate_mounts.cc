// Rules on mounts.
#include <fmt/format.h>

#include <map>
#include <set>

#include "compiler/import/apparmor/glob.h"
#include "compiler/import/apparmor/translate.h"
#include "compiler/kernel/facts.h"
#include "compiler/kernel/mount_flags.h"

namespace ravelin::import::apparmor {
namespace {

// apparmor_parser 3.0.8 parser/mount.h: MS_REMOUNT, ..., MS_CMDS, MNT_FLAGS, and what goes with each command.
constexpr uint32_t kRemount = 0x20, kBind = 0x1000, kMove = 0x2000, kRecursive = 0x4000, kPropagation = 0x1e0000;
constexpr uint32_t kCommands = kRemount | kBind | kMove | kRecursive | kPropagation;
constexpr uint32_t kOfMountPoints = 0x2 | 0x4 | 0x8 | 0x400 | 0x800 | 0x200000 | 0x1000000;
constexpr uint32_t kWithRemount = ~(kCommands & ~(kRemount | kBind | kRecursive));
constexpr uint32_t kWithBind = kBind | kRecursive;
constexpr uint32_t kWithPropagation = kPropagation | kRecursive | ~kOfMountPoints;
constexpr size_t kMostOptional = 8;  // flags that may be set or not

std::string OperationOf(uint32_t flags) {
  if ((flags & kRemount) != 0) return "remount";
  if ((flags & kBind) != 0) return "bind";
  return (flags & kPropagation) == 0 && (flags & kMove) != 0 ? "move" : "mount";
}

}  // namespace

// A statement for each kind of mount point: a name with a slash behind it is a directory's.
void Translator::SayMounts(const MountRule& body, const std::string& operations, const std::string& clauses) {
  const auto say = [&](const std::string& more) { Say(fmt::format("allow mount {{ {} }}{}{}", operations, clauses, more)); };
  if (!body.mount_point.written) return say("");
  const auto names = TranslatePattern(body.mount_point.value);
  if (!names || (names->files.empty() && names->directories.empty())) return Unstatable(body.mount_point.span, fmt::format("the mount point `{}`", body.mount_point.value));
  const auto on = [](const std::vector<std::string>& patterns) {
    std::string out;
    for (const std::string& pattern : patterns) out += (out.empty() ? " on " : ", ") + StringText(pattern);
    return out;
  };
  if (names->files == names->directories) return say(on(names->files));
  if (!names->files.empty()) say(on(names->files) + " of file");
  if (!names->directories.empty()) say(on(names->directories) + " of directory");
}

// The clause for the types of file systems; nothing where it was refused.
std::optional<std::string> Translator::Types(const MountRule& body) {
  std::string clause;
  for (const Text& type : body.fstypes) {
    const auto names = LiteralsOf(type.value);
    if (!names) {
      Unstatable(type.span, fmt::format("the pattern `{}` of types of file systems", type.value));
      return std::nullopt;
    }
    for (const std::string& name : *names) clause += (clause.empty() ? " fstype " : ", ") + StringText(name);
  }
  return clause;
}

// One of the rules that apparmor_parser makes of a mount rule: the flags that are set, and those that may be.
void Translator::Mounts(const Rule& rule, const MountRule& body, bool with_source, bool with_type, uint32_t required, uint32_t optional) {
  const auto types = with_type ? Types(body) : std::optional<std::string>("");
  const auto source = with_source && body.source.written ? TranslateText(body.source.value) : std::optional<std::string>("");
  if (!source) return Unstatable(body.source.span, fmt::format("the source `{}`", body.source.value));
  if (!types) return;
  std::vector<uint32_t> bits;
  for (uint32_t bit = 1; bit != 0; bit <<= 1) {
    if ((optional & bit) != 0) bits.push_back(bit);
  }
  if (bits.size() > kMostOptional) return Unstatable(rule.span, "a mount rule with so many options that may be set or not");
  std::map<std::string, std::set<uint32_t>> values;  // by operation; those that no attempt has are left out
  for (uint32_t chosen = 0; chosen < uint32_t{1} << bits.size(); ++chosen) {
    uint32_t flags = required;
    for (size_t i = 0; i < bits.size(); ++i) flags |= (chosen >> i & 1) != 0 ? bits[i] : 0;
    if ((flags & kRecursive) != 0 && (flags & (kBind | kPropagation)) == 0) return Unstatable(rule.span, "a recursive mount that is neither a bind nor a change of propagation");
    if (kernel::AskedMountFlags(flags) == flags) values[OperationOf(flags)].insert(flags);
  }
  for (const auto& [operation, sets] : values) {
    std::string clauses = *types;
    for (const uint32_t set : sets) clauses += (set == *sets.begin() ? " flags " : ", ") + (set == 0 ? "0" : kernel::ConstantText(kernel::Arch::kX86_64, "MS", set));
    SayMounts(body, operation, clauses + (source->empty() ? "" : " from " + StringText(*source)));
  }
}

void Translator::Mount(const Rule& rule, const MountRule& body) {
  using Kind = MountRule::Kind;
  if (body.transition.written) return Unstatable(body.transition.span, "a pivot_root into another profile");
  if (rule.prefix.deny) return Unstatable(rule.span, "a refusal of mounts that is not recorded", "what no rule permits is refused");
  if (rule.prefix.audit) return Unstatable(rule.span, "a record of mounts");
  if (body.kind == Kind::kUmount) return SayMounts(body, "umount", "");
  const bool device = body.source.written;
  const bool typed = !body.fstypes.empty();
  const auto source = device ? TranslateText(body.source.value) : std::optional<std::string>("");
  if (!source) return Unstatable(body.source.span, fmt::format("the source `{}`", body.source.value));
  const std::string from = device ? " from " + StringText(*source) : "";
  if (body.kind == Kind::kPivotRoot) return SayMounts(body, "pivot_root", from);
  const uint32_t flags = body.kind == Kind::kRemount ? body.flags | kRemount : body.flags;
  const uint32_t inverse = body.kind == Kind::kRemount ? 0 : body.inverse;
  if ((flags | inverse) == 0) {
    // Any flags: which attempts they are of, source and type decide.
    const auto types = Types(body);
    if (types) SayMounts(body, typed ? "mount" : device ? "mount, bind, move"
                                                        : "mount, remount, bind, move",
                         *types + from);
    return;
  }
  const auto part = [&](bool with_source, bool with_type, uint32_t of_flags, uint32_t of_inverse) { Mounts(rule, body, with_source, with_type, of_flags & ~of_inverse, of_flags & of_inverse); };
  if ((flags & kRemount) != 0 && !device && !typed) part(false, false, flags & kWithRemount, inverse);
  if ((flags & kBind) != 0 && !typed) part(true, false, flags & kWithBind, inverse);
  if ((flags & kPropagation) != 0 && !device && !typed) part(false, false, flags & kWithPropagation, inverse);
  if ((flags & kMove) != 0 && !typed) part(true, false, flags & kMove, inverse);
  if (((flags | inverse) & ~kCommands) != 0) part(true, true, flags & ~kCommands, inverse & ~kCommands);
}

}  // namespace ravelin::import::apparmor
