// The syntax tree of AppArmor's policy language as apparmor_parser 3.0.8 reads it (apparmor.d(5)).
//
// Includes are followed and conditionals decided while reading, as apparmor_parser does; what is left are profiles
// with their rules, in the order of the text.  Names and patterns stand as written, escapes of the lexer resolved,
// variables not yet replaced.  The tree is passive: Check() fills in what variables and aliases make of it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/base/source.h"

namespace ravelin::import::apparmor {

// A name or pattern and where it stands; `written` is false for what a rule leaves out.
struct Text {
  std::string value;
  source::Span span;
  bool written = false;
};

// audit, deny and owner before a rule.  A block passes its own on to the file rules in it.
struct Prefix {
  bool audit = false;
  bool deny = false;
  bool owner = true;   // the rule holds for the owner's access
  bool others = true;  // ... and for everyone else's
  bool owner_named = false;  // `owner` or `other` was written
};

// What an exec does.  Two rules that match one path must agree in all of it but `present`.
enum class ExecTo : uint8_t { kUnqualified, kInherit, kProfile, kChild, kUnconfined };
enum class ExecElse : uint8_t { kNone, kInherit, kUnconfined };  // where the wanted profile does not exist
struct ExecMode {
  bool present = false;
  ExecTo to = ExecTo::kUnqualified;
  ExecElse otherwise = ExecElse::kNone;
  bool keeps_environment = false;  // lower case: the environment is not scrubbed
  std::string named;               // `-> name`: then `to` says what the letters said
  bool operator==(const ExecMode&) const = default;
  bool IsQualified() const { return to != ExecTo::kUnqualified || otherwise != ExecElse::kNone || keeps_environment; }
};

struct FileModes {
  bool read = false;
  bool write = false;
  bool append = false;
  bool link = false;
  bool lock = false;
  bool mmap = false;
  ExecMode exec;
};

struct FileRule {
  Text path;
  FileModes modes;
  Text target;              // `-> target`: of a transition, or of a link
  bool target_is_link = false;
  bool subset = false;      // the link may not have permissions that its target lacks
  bool keyword = false;     // written with `file` in front
};

struct ChangeProfileRule {
  Text exec;                // only at the exec of this
  Text target;
  enum class Environment : uint8_t { kUnstated, kUnsafe, kSafe } environment = Environment::kUnstated;
};

struct CapabilityRule {
  std::vector<Text> names;  // none: all
};

struct NetworkRule {
  Text family;              // as written: a family, or a type alone
  Text type;
};

// name=value, name=(a, b), name in (a, b)
struct Condition {
  Text name;
  bool equals = false;
  std::vector<Text> values;
};

struct MountRule {
  enum class Kind : uint8_t { kMount, kRemount, kUmount, kPivotRoot } kind = Kind::kMount;
  std::vector<Condition> conditions;
  Text source;              // of pivot_root: the old root
  Text mount_point;
  Text transition;          // of pivot_root
  uint32_t flags = 0;       // from `options`, in apparmor_parser's bits (words.tsv)
  uint32_t inverse = 0;
  std::vector<Text> fstypes;
};

enum class BusPerm : uint8_t { kSend = 1, kReceive = 2, kBind = 4, kEavesdrop = 8 };
struct DbusRule {
  uint32_t perms = 0;       // BusPerm bits, implied ones included
  Text bus, name, label, path, interface, member;
  bool name_is_ours = false;  // outside of peer=()
};

enum class UnixPerm : uint16_t {
  kCreate = 1, kBind = 2, kListen = 4, kAccept = 8, kConnect = 16, kShutdown = 32,
  kGetattr = 64, kSetattr = 128, kGetopt = 256, kSetopt = 512, kSend = 1024, kReceive = 2048
};
struct UnixRule {
  uint32_t perms = 0;       // UnixPerm bits, implied ones included
  Text type, addr, peer_addr, peer_label;
};

enum class SignalPerm : uint8_t { kSend = 1, kReceive = 2 };
struct SignalRule {
  uint32_t perms = 0;
  std::vector<Text> signals;  // none: all
  Text peer;
};

enum class PtracePerm : uint8_t { kTrace = 1, kRead = 2, kTracedBy = 4, kReadBy = 8 };
struct PtraceRule {
  uint32_t perms = 0;
  Text peer;
};

struct RlimitRule {
  Text resource, value, unit;
  std::optional<uint64_t> limit;  // none: infinity
};

using RuleBody = std::variant<FileRule, ChangeProfileRule, CapabilityRule, NetworkRule, MountRule, DbusRule, UnixRule, SignalRule, PtraceRule, RlimitRule>;

struct Rule {
  Prefix prefix;
  RuleBody body;
  source::Span span;
  // apparmor_parser 3.0.8 reads the rule and then forgets it; says where it stood ("a block", "a conditional").
  std::string forgotten_in;
};

struct Profile {
  Text name;                // with its namespace, as written
  std::string space;        // namespace, or ""
  std::string plain;        // name without the namespace
  Text attachment;
  std::vector<Condition> xattrs;
  std::vector<Text> flags;
  bool is_hat = false;
  bool is_child = false;
  source::Span span;
  std::vector<Rule> rules;
  std::vector<std::unique_ptr<Profile>> children;  // child profiles and hats
};

struct Alias {
  Text from;
  Text to;
};

struct Variable {
  bool is_set = true;        // @{X}, not ${X}
  bool truth = false;        // of ${X}
  std::vector<Text> values;
  source::Span span;
};

struct Policy {
  std::vector<Alias> aliases;
  std::map<std::string, Variable> variables;  // by name, without @{}
  std::vector<std::unique_ptr<Profile>> profiles;
};

}  // namespace ravelin::import::apparmor
