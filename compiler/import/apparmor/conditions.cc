// Rules that are made of name=value: mount, dbus, unix, signal, ptrace.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/import/apparmor/modes.h"
#include "compiler/import/apparmor/parser.h"
#include "compiler/import/apparmor/words.h"

namespace ravelin::import::apparmor {
namespace {

uint32_t Bit(UnixPerm perm) { return static_cast<uint32_t>(perm); }
uint32_t Bit(BusPerm perm) { return static_cast<uint32_t>(perm); }
uint32_t Bit(SignalPerm perm) { return static_cast<uint32_t>(perm); }
uint32_t Bit(PtracePerm perm) { return static_cast<uint32_t>(perm); }

// A permission's bit; r and w mean `read_bit` and `write_bit`; nullopt: no such permission.
std::optional<uint32_t> ReadWrite(const std::string& word, uint32_t read_bit, uint32_t write_bit) {
  const int letters = ParseReadWrite(word);
  if (letters < 0) return std::nullopt;
  return ((letters & 1) != 0 ? read_bit : 0) | ((letters & 2) != 0 ? write_bit : 0);
}

std::optional<uint32_t> DbusBit(const std::string& word) {
  if (word == "bind") return Bit(BusPerm::kBind);
  if (word == "eavesdrop") return Bit(BusPerm::kEavesdrop);
  if (word == "send" || word == "write") return Bit(BusPerm::kSend);
  if (word == "receive" || word == "read") return Bit(BusPerm::kReceive);
  return ReadWrite(word, Bit(BusPerm::kReceive), Bit(BusPerm::kSend));
}

std::optional<uint32_t> UnixBit(const std::string& word) {
  static constexpr std::pair<std::string_view, UnixPerm> kWords[] = {
      {"create", UnixPerm::kCreate}, {"bind", UnixPerm::kBind}, {"listen", UnixPerm::kListen}, {"accept", UnixPerm::kAccept}, {"connect", UnixPerm::kConnect},
      {"shutdown", UnixPerm::kShutdown}, {"getattr", UnixPerm::kGetattr}, {"setattr", UnixPerm::kSetattr}, {"getopt", UnixPerm::kGetopt}, {"setopt", UnixPerm::kSetopt},
      {"send", UnixPerm::kSend}, {"write", UnixPerm::kSend}, {"receive", UnixPerm::kReceive}, {"read", UnixPerm::kReceive}};
  for (const auto& [name, perm] : kWords) {
    if (name == word) return Bit(perm);
  }
  return ReadWrite(word, Bit(UnixPerm::kReceive), Bit(UnixPerm::kSend));
}

std::optional<uint32_t> SignalBit(const std::string& word) {
  if (word == "send" || word == "write") return Bit(SignalPerm::kSend);
  if (word == "receive" || word == "read") return Bit(SignalPerm::kReceive);
  return ReadWrite(word, Bit(SignalPerm::kReceive), Bit(SignalPerm::kSend));
}

std::optional<uint32_t> PtraceBit(const std::string& word) {
  if (word == "trace" || word == "write") return Bit(PtracePerm::kTrace);
  if (word == "read") return Bit(PtracePerm::kRead);
  if (word == "tracedby") return Bit(PtracePerm::kTracedBy);
  if (word == "readby") return Bit(PtracePerm::kReadBy);
  return ReadWrite(word, Bit(PtracePerm::kRead), Bit(PtracePerm::kTrace));
}

bool IsOption(const Condition& c) { return c.name.value == "options" || c.name.value == "option"; }
bool IsFstype(const Condition& c) { return c.name.value == "fstype" || c.name.value == "vfstype"; }

}  // namespace

bool Parser::ParseConditions(std::vector<Condition>& conditions) {
  while (At(TokenKind::kConditionId)) {
    Condition condition;
    if (!TakeText(TokenKind::kConditionId, "", condition.name)) return false;
    const bool in = At(TokenKind::kIn);
    condition.equals = At(TokenKind::kEquals);
    if (in || condition.equals) {
      Take();
      if (At(TokenKind::kOpenParen)) {
        Take();
        do {
          condition.values.emplace_back();
          if (!TakeText(TokenKind::kValue, "a value", condition.values.back())) return false;
        } while (At(TokenKind::kValue));
        if (!Expect(TokenKind::kCloseParen, "`)`")) return false;
      } else {
        if (in) return Unexpected("`(`");
        condition.values.emplace_back();
        if (!TakeText(TokenKind::kValue, "a value", condition.values.back())) return false;
      }
    }
    conditions.push_back(std::move(condition));
  }
  return true;
}

// name=( name=value ... )
bool Parser::ParseGroup(Conditions& conditions) {
  if (!At(TokenKind::kConditionListId)) return true;
  conditions.grouped = true;
  return TakeText(TokenKind::kConditionListId, "", conditions.group) && Expect(TokenKind::kEquals, "`=`") && Expect(TokenKind::kOpenParen, "`(`") && ParseConditions(conditions.peer) && Expect(TokenKind::kCloseParen, "`)`");
}

bool Parser::ParseMount(MountRule& rule, const std::string& keyword) {
  using Kind = MountRule::Kind;
  rule.kind = keyword == "mount" ? Kind::kMount : keyword == "remount" ? Kind::kRemount : Kind::kUmount;
  if (!ParseConditions(rule.conditions)) return false;
  Text& first = rule.kind == Kind::kMount ? rule.source : rule.mount_point;
  if (At(TokenKind::kId)) TakeText(TokenKind::kId, "", first);
  if (rule.kind == Kind::kMount && At(TokenKind::kArrow)) {
    Take();
    std::vector<Condition> there;
    if (!ParseConditions(there) || !TakeText(TokenKind::kId, "the mount point", rule.mount_point)) return false;
    if (!there.empty()) return Wrong(there[0].name.span, "conditions on the mount point are not supported");
  }
  return ExpectEnd() && SetMountFlags(rule);
}

bool Parser::SetMountFlags(MountRule& rule) {
  uint32_t optional = 0;
  for (const Condition& condition : rule.conditions) {
    if (IsFstype(condition)) {
      rule.fstypes.insert(rule.fstypes.end(), condition.values.begin(), condition.values.end());
      continue;
    }
    if (!IsOption(condition)) return Wrong(condition.name.span, fmt::format("`{}` is no condition of a mount rule", condition.name.value), "there are `options` and `fstype`");
    for (const Text& value : condition.values) {
      const auto option = FindMountOption(value.value);
      if (!option) return Wrong(value.span, fmt::format("`{}` is no mount option that can be mediated", value.value), diag::DidYouMean(value.value, WordsOf("mount")));
      if (condition.equals) {
        rule.flags |= option->required;
        rule.inverse |= option->refused;
      } else {
        optional |= option->required | option->refused;
      }
    }
  }
  rule.flags |= optional;
  rule.inverse |= optional;
  return true;
}

bool Parser::ParsePivotRoot(MountRule& rule) {
  rule.kind = MountRule::Kind::kPivotRoot;
  if (!ParseConditions(rule.conditions)) return false;
  if (At(TokenKind::kId)) TakeText(TokenKind::kId, "", rule.mount_point);
  if (At(TokenKind::kArrow)) {
    Take();
    if (!TakePath("the name of a profile", rule.transition)) return false;
  }
  if (!ExpectEnd()) return false;
  if (rule.conditions.empty()) return true;
  const Condition& last = rule.conditions.back();
  if (last.name.value != "oldroot") return Wrong(last.name.span, fmt::format("`{}` is no condition of a pivot_root rule", last.name.value), "there is `oldroot`");
  if (!last.values.empty()) rule.source = last.values[0];
  return true;
}

bool Parser::ParsePermissions(std::vector<Token>& words) {
  if (At(TokenKind::kKeyword) || At(TokenKind::kMode)) {
    words.push_back(Take());
    return true;
  }
  if (!At(TokenKind::kOpenParen)) return true;
  Take();
  while (At(TokenKind::kValue)) words.push_back(Take());
  return Expect(TokenKind::kCloseParen, "`)`");
}

bool Parser::Once(Text& slot, const Condition& condition, const char* kind) {
  if (slot.written) return Wrong(condition.name.span, fmt::format("`{}` stands twice in the {} rule", condition.name.value, kind));
  slot = condition.values[0];
  return true;
}

bool Parser::DbusConditions(DbusRule& rule, const std::vector<Condition>& conditions) {
  for (const Condition& c : conditions) {
    const std::string& name = c.name.value;
    if (!c.equals) return Wrong(c.name.span, fmt::format("`{}` needs one value after `=`", name));
    if (c.values.size() > 1) return Wrong(c.values[1].span, fmt::format("`{}` of a dbus rule has one value", name));
    Text* slot = name == "bus" ? &rule.bus : name == "name" ? &rule.name : name == "label" ? &rule.label : name == "path" ? &rule.path : name == "interface" ? &rule.interface : name == "member" ? &rule.member : nullptr;
    if (slot == nullptr) return Wrong(c.name.span, fmt::format("`{}` is no condition of a dbus rule", name), diag::DidYouMean(name, {"bus", "name", "label", "path", "interface", "member"}));
    if (!Once(*slot, c, "dbus")) return false;
  }
  return true;
}

bool Parser::ParseDbus(DbusRule& rule) {
  const source::Span at = last_;
  std::vector<Token> words;
  Conditions conditions;
  if (!ParsePermissions(words) || !ParseConditions(conditions.ours) || !ParseGroup(conditions) || !ExpectEnd()) return false;
  if (conditions.grouped && conditions.group.value != "peer") return Wrong(conditions.group.span, fmt::format("`{}=( )` does not belong to a dbus rule", conditions.group.value));
  if (!DbusConditions(rule, conditions.ours)) return false;
  rule.name_is_ours = rule.name.written;
  if (rule.label.written) return Wrong(rule.label.span, "`label` is the peer's: it stands in `peer=( )`");
  if (!DbusConditions(rule, conditions.peer)) return false;
  return DbusPermissions(rule, words, at);
}

// Rules are about messages or about names of services, never both.
bool Parser::DbusPermissions(DbusRule& rule, const std::vector<Token>& words, source::Span span) {
  for (const Token& word : words) {
    const auto bit = DbusBit(word.text);
    if (!bit) return Wrong(word.span, fmt::format("`{}` is no permission of a dbus rule", word.text));
    rule.perms |= *bit;
  }
  const bool of_message = rule.path.written || rule.interface.written || rule.member.written || rule.label.written || (rule.name.written && !rule.name_is_ours);
  const bool of_service = rule.name.written && rule.name_is_ours;
  if (of_message && of_service) return Wrong(span, "a dbus rule is about messages (path, interface, member, peer) or about an own name, not both");
  const uint32_t messages = Bit(BusPerm::kSend) | Bit(BusPerm::kReceive);
  if (rule.perms == 0) {
    rule.perms = of_message ? messages : of_service ? Bit(BusPerm::kBind) : messages | Bit(BusPerm::kBind) | Bit(BusPerm::kEavesdrop);
    return true;
  }
  if (of_message && (rule.perms & Bit(BusPerm::kBind)) != 0) return Wrong(span, "`bind` is about an own name, not about messages");
  if (of_service && (rule.perms & messages) != 0) return Wrong(span, "`send` and `receive` are about messages, not about an own name");
  if ((rule.perms & Bit(BusPerm::kEavesdrop)) != 0 && (of_message || of_service)) return Wrong(span, "`eavesdrop` can be restricted by `bus` only");
  return true;
}

bool Parser::UnixConditions(UnixRule& rule, const std::vector<Condition>& conditions, bool peer) {
  for (const Condition& c : conditions) {
    const std::string& name = c.name.value;
    const bool known = name == "addr" || name == "type" || name == "label";
    if (name == "protocol") return Wrong(c.name.span, "`protocol` is not supported in unix rules");
    if (!known) return Wrong(c.name.span, fmt::format("`{}` is no condition of a unix rule", name), diag::DidYouMean(name, {"addr", "type", "label"}));
    if (peer && name == "type") return Wrong(c.name.span, "`type` is the own socket's: it stands outside of `peer=( )`");
    if (!peer && name == "label") return Wrong(c.name.span, "`label` is the peer's: it stands in `peer=( )`");
    if (!c.equals) return Wrong(c.name.span, fmt::format("`{}` needs one value after `=`", name));
    if (c.values.size() > 1) return Wrong(c.values[1].span, fmt::format("`{}` of a unix rule has one value", name));
    Text& slot = name == "type" ? rule.type : name == "label" ? rule.peer_label : peer ? rule.peer_addr : rule.addr;
    if (!Once(slot, c, "unix")) return false;
    if (name == "type" && slot.value != "none" && slot.value != "dccp" && !IsSocketType(slot.value)) return Wrong(slot.span, fmt::format("`{}` is no type of socket", slot.value), diag::DidYouMean(slot.value, WordsOf("socket")));
    if (name == "addr" && !slot.value.starts_with('@') && slot.value != "none" && slot.value != "auto") return Wrong(slot.span, "an address begins with `@`, or is `none` or `auto`");
  }
  return true;
}

bool Parser::ParseUnix(UnixRule& rule) {
  const source::Span at = last_;
  std::vector<Token> words;
  Conditions conditions;
  if (!ParsePermissions(words) || !ParseConditions(conditions.ours) || !ParseGroup(conditions) || !ExpectEnd()) return false;
  if (conditions.grouped && conditions.group.value != "peer") return Wrong(conditions.group.span, fmt::format("`{}=( )` does not belong to a unix rule", conditions.group.value));
  if (!UnixConditions(rule, conditions.ours, false) || !UnixConditions(rule, conditions.peer, true)) return false;
  for (const Token& word : words) {
    const auto bit = UnixBit(word.text);
    if (!bit) return Wrong(word.span, fmt::format("`{}` is no permission of a unix rule", word.text));
    rule.perms |= *bit;
  }
  constexpr uint32_t kAll = 0xfff;
  const uint32_t with_peer = Bit(UnixPerm::kSend) | Bit(UnixPerm::kReceive) | Bit(UnixPerm::kConnect) | Bit(UnixPerm::kAccept);
  if (rule.perms == 0) {
    rule.perms = kAll;
  } else if ((rule.peer_addr.written || rule.peer_label.written) && (rule.perms & ~with_peer) != 0) {
    return Wrong(at, "with `peer=( )` a unix rule can only send, receive, connect and accept");
  }
  return true;
}

template <typename PlainRule, typename Read>
bool Parser::ParsePlainPermissions(PlainRule& rule, Read read, uint32_t all) {
  std::vector<Token> words;
  if (!ParsePermissions(words)) return false;
  for (const Token& word : words) {
    const auto bit = read(word.text);
    if (!bit) return Wrong(word.span, fmt::format("`{}` is no permission of this rule", word.text));
    rule.perms |= *bit;
  }
  if (rule.perms == 0) rule.perms = all;
  return true;
}

bool Parser::ParseSignal(SignalRule& rule) {
  std::vector<Condition> conditions;
  if (!ParsePlainPermissions(rule, SignalBit, 3) || !ParseConditions(conditions) || !ExpectEnd()) return false;
  for (const Condition& c : conditions) {
    if (!c.equals) return Wrong(c.name.span, fmt::format("`{}` needs a value after `=`", c.name.value));
    if (c.name.value == "peer") {
      if (!Once(rule.peer, c, "signal")) return false;
      continue;
    }
    if (c.name.value != "set") return Wrong(c.name.span, fmt::format("`{}` is no condition of a signal rule", c.name.value), "there are `set` and `peer`");
    for (const Text& value : c.values) {
      if (!FindSignalWord(value.value)) return Wrong(value.span, fmt::format("`{}` is no signal", value.value), diag::DidYouMean(value.value, WordsOf("signal")));
      rule.signals.push_back(value);
    }
  }
  return true;
}

bool Parser::ParsePtrace(PtraceRule& rule) {
  std::vector<Condition> conditions;
  if (!ParsePlainPermissions(rule, PtraceBit, 15) || !ParseConditions(conditions) || !ExpectEnd()) return false;
  for (const Condition& c : conditions) {
    if (!c.equals) return Wrong(c.name.span, fmt::format("`{}` needs a value after `=`", c.name.value));
    if (c.name.value != "peer") return Wrong(c.name.span, fmt::format("`{}` is no condition of a ptrace rule", c.name.value), "there is `peer`");
    if (!Once(rule.peer, c, "ptrace")) return false;
  }
  return true;
}

}  // namespace ravelin::import::apparmor
