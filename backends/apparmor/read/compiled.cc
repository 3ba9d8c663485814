#include "backends/apparmor/read/compiled.h"

#include <fmt/format.h>

namespace ravelin::apparmor {
namespace {

// Type codes of the packed form (policy_unpack.h, enum aa_code).
enum Code : uint8_t { kU8, kU16, kU32, kU64, kName, kString, kBlob, kStruct, kStructEnd, kList, kListEnd, kArray, kArrayEnd };

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool AtEnd() const { return at_ == bytes_.size(); }

  Result<std::vector<CompiledProfile>> File() {
    std::vector<CompiledProfile> profiles;
    std::string ns;
    while (!AtEnd()) {
      if (Named("version", kU32)) {
        const uint32_t version = U32();
        if ((version & 0x3ff) < 5 || (version & 0x3ff) > 8) Bad(fmt::format("interface version {} is not one that this reader knows (5 to 8)", version & 0x3ff));
        if (Named("namespace", kString)) ns = String();
      }
      CompiledProfile profile;
      profile.namespace_name = ns;
      Profile(profile);
      if (!error_.empty()) return Fail(ErrorCode::kMalformed, fmt::format("compiled profile, byte {}: {}", at_, error_));
      profiles.push_back(std::move(profile));
    }
    return profiles;
  }

 private:
  void Bad(std::string what) {
    if (error_.empty()) error_ = std::move(what);
    at_ = bytes_.size();
  }
  uint64_t Little(size_t width) {
    if (bytes_.size() - at_ < width) {
      Bad("it ends too early");
      return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < width; ++i) value |= uint64_t{bytes_[at_ + i]} << (8 * i);
    at_ += width;
    return value;
  }
  uint32_t U32() { return static_cast<uint32_t>(Little(4)); }
  std::string Bytes(size_t length) {
    if (bytes_.size() - at_ < length) {
      Bad("it ends too early");
      return "";
    }
    std::string out(reinterpret_cast<const char*>(bytes_.data()) + at_, length);
    at_ += length;
    return out;
  }
  // A string with its ending NUL, which is left out.
  std::string String() {
    std::string out = Bytes(Little(2));
    if (out.empty() || out.back() != '\0') {
      Bad("a string does not end");
      return "";
    }
    out.pop_back();
    return out;
  }
  bool Code(uint8_t code) {
    if (at_ >= bytes_.size() || bytes_[at_] != code) return false;
    ++at_;
    return true;
  }
  // A field of that name and type is next; nothing is taken where it is not.
  bool Named(std::string_view name, uint8_t code) {
    const size_t before = at_;
    if (Code(kName) && error_.empty()) {
      const auto length = static_cast<size_t>(Little(2));
      if (length == name.size() + 1 && bytes_.size() - at_ >= length && std::string_view(reinterpret_cast<const char*>(bytes_.data()) + at_, name.size()) == name) {
        at_ += length;
        if (Code(code)) return true;
      }
    }
    if (error_.empty()) at_ = before;
    return false;
  }
  void Expect(uint8_t code, std::string_view what) {
    if (!Code(code)) Bad(fmt::format("{} expected", what));
  }
  uint32_t PlainU32(std::string_view what) {
    Expect(kU32, what);
    return U32();
  }

  std::optional<Dfa> Automaton() {
    if (!Named("aadfa", kBlob)) return std::nullopt;
    const uint32_t length = U32();
    if (bytes_.size() - at_ < length) {
      Bad("an automaton is cut off");
      return std::nullopt;
    }
    std::span<const uint8_t> blob = bytes_.subspan(at_, length);
    at_ += length;
    for (int pad = 0; pad < 7 && !blob.empty() && blob.front() == 0; ++pad) blob = blob.subspan(1);
    auto dfa = Dfa::Read(blob);
    if (!dfa) {
      Bad(dfa.error().message);
      return std::nullopt;
    }
    return std::move(*dfa);
  }

  void Capabilities(CapabilitySets& sets, int shift) {
    sets.allow |= uint64_t{PlainU32("a capability set")} << shift;
    sets.audit |= uint64_t{PlainU32("a capability set")} << shift;
    sets.quiet |= uint64_t{PlainU32("a capability set")} << shift;
    sets.extended |= uint64_t{PlainU32("a capability set")} << shift;
  }

  void Profile(CompiledProfile& profile) {
    if (!Named("profile", kStruct)) return Bad("a profile expected");
    Expect(kString, "the profile's name");
    profile.name = String();
    if (Named("rename", kString)) return Bad("a renamed profile is not understood");
    if (Named("attach", kString)) profile.attachment = String();
    profile.attach = Automaton();
    if (profile.attach) profile.attach_length = PlainU32("the attachment's length");
    if (Named("disconnected", kString)) profile.disconnected = String();
    if (!Named("flags", kStruct)) return Bad("flags expected");
    profile.flags = PlainU32("flags");
    profile.hat = (profile.flags & 1) != 0;
    profile.mode = PlainU32("the mode");
    profile.audit_all = PlainU32("the audit flag") != 0;
    Expect(kStructEnd, "the end of the flags");
    if ((profile.flags & ~3u) != 0 || profile.mode > 3) return Bad("flags that are not understood");
    if (Named("path_flags", kU32)) profile.path_flags = U32();
    Capabilities(profile.capabilities, 0);
    if (Named("caps64", kStruct)) {
      Capabilities(profile.capabilities, 32);
      Expect(kStructEnd, "the end of the capabilities");
    }
    if (Named("capsx", kStruct)) {
      profile.capabilities.extended |= PlainU32("a capability set");
      profile.capabilities.extended |= uint64_t{PlainU32("a capability set")} << 32;
      Expect(kStructEnd, "the end of the capabilities");
    }
    Limits(profile);
    if (Named("policydb", kStruct)) {
      profile.policy = Automaton();
      if (!profile.policy) return Bad("the policy automaton expected");
      if (Named("start", kU32)) profile.policy_start = U32();
      Expect(kStructEnd, "the end of the policy automaton");
    }
    profile.files = Automaton();
    if (Named("dfa_start", kU32)) profile.files_start = U32();
    if ((profile.policy && profile.policy_start >= profile.policy->size()) || (profile.files && profile.files_start >= profile.files->size())) return Bad("a start state is outside its automaton");
    if (Named("xtable", kStruct)) {
      Expect(kArray, "the table of transitions");
      const auto count = Little(2);
      for (uint64_t i = 0; i < count && error_.empty(); ++i) {
        Expect(kString, "a transition");
        profile.transitions.push_back(String());
      }
      Expect(kArrayEnd, "the end of the table of transitions");
      Expect(kStructEnd, "the end of the transitions");
    }
    if (!Code(kStructEnd)) Bad("a section that is not understood");
  }

  void Limits(CompiledProfile& profile) {
    if (!Named("rlimits", kStruct)) return;
    profile.rlimit_mask = PlainU32("the mask of limits");
    Expect(kArray, "limits");
    const auto count = Little(2);
    for (uint64_t i = 0; i < count && error_.empty(); ++i) {
      Expect(kU64, "a limit");
      const uint64_t value = Little(8);
      if (i < 32 && (profile.rlimit_mask >> i & 1) != 0) profile.rlimits.push_back(value);
    }
    Expect(kArrayEnd, "the end of the limits");
    Expect(kStructEnd, "the end of the limits");
  }

  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
  std::string error_;
};

FilePermissions Unpack(uint32_t accept, uint32_t accept2, int shift) {
  FilePermissions out;
  out.allow = accept >> shift & 0x7f;
  out.exec_index = accept >> (shift + 7) & 0x7f;
  out.audit = accept2 >> shift & 0x7f;
  out.quiet = accept2 >> (shift + 7) & 0x7f;
  return out;
}

// aa_compute_perms: the owner's seven bits, and the other set's as further permissions.
uint32_t Extend(uint32_t owner, uint32_t other) { return owner | (other & 0x3) << 8 | (other & 0x1c) << 18 | (other & 0x60) << 19; }

}  // namespace

Result<std::vector<CompiledProfile>> ReadCompiled(std::span<const uint8_t> bytes) { return Reader(bytes).File(); }

FilePermissions OwnerPermissions(const Dfa& dfa, uint32_t state) { return Unpack(dfa.accept(state), dfa.accept2(state), 0); }
FilePermissions OtherPermissions(const Dfa& dfa, uint32_t state) { return Unpack(dfa.accept(state), dfa.accept2(state), 14); }

// dfa_map_xindex: as packed, bits 0 unconfined, 1 unsafe, 2 inherit, 3 to 6 the index.
Result<ExecTransition> TransitionOf(const CompiledProfile& profile, uint32_t exec_index) {
  ExecTransition out;
  out.unsafe = (exec_index & 2) != 0;
  const bool inherit = (exec_index & 4) != 0;
  const bool unconfined = (exec_index & 1) != 0;
  const uint32_t index = exec_index >> 3;
  if (index == 0 || index == 1) {
    // domain.c x_to_label: to inherit comes first.
    if (inherit) {
      out.kind = ExecKind::kInherit;
    } else if (index == 1 || unconfined) {
      out.kind = ExecKind::kUnconfined;
    }
    return out;
  }
  out.inherit_else = inherit;
  out.unconfined_else = unconfined;
  if (index == 2 || index == 3) {
    out.kind = index == 2 ? ExecKind::kProfileByName : ExecKind::kChildByName;
    return out;
  }
  if (index - 4 >= profile.transitions.size()) return Fail(ErrorCode::kMalformed, fmt::format("profile {}: an exec index points out of its table", profile.name));
  out.kind = ExecKind::kNamed;
  out.target = profile.transitions[index - 4];
  return out;
}

uint32_t PolicyAllow(const Dfa& dfa, uint32_t state) { return Extend(dfa.accept(state) & 0x7f, dfa.accept(state) >> 14 & 0x7f); }

uint32_t PolicyAudit(const Dfa& dfa, uint32_t state) { return Extend(dfa.accept2(state) & 0x7f, dfa.accept2(state) >> 14 & 0x7f); }
uint32_t PolicyQuiet(const Dfa& dfa, uint32_t state) { return Extend(dfa.accept2(state) >> 7 & 0x7f, dfa.accept2(state) >> 21 & 0x7f); }

}  // namespace ravelin::apparmor
