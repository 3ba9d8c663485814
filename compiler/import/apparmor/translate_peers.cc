// Rules on other processes: signals, ptrace, messages, unix sockets.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/import/apparmor/glob.h"
#include "compiler/import/apparmor/translate.h"
#include "compiler/import/apparmor/words.h"
#include "compiler/kernel/facts.h"

namespace ravelin::import::apparmor {
namespace {

std::string Words(uint32_t perms, std::initializer_list<std::pair<uint32_t, const char*>> words) {
  std::string out;
  for (const auto& [bit, word] : words) {
    if ((perms & bit) != 0) out += (out.empty() ? "" : ", ") + std::string(word);
  }
  return out;
}

// "SIGTERM" for `term`; "" where the kernel has no such signal.
std::string SignalName(const std::string& word) {
  if (word == "exists") return "0";
  if (const int number = *FindSignalWord(word); number >= 128) return fmt::format("{}", number - 128 + 32);
  std::string name = "SIG";
  for (const char c : word) name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (word == "stp") name = "SIGTSTP";
  return kernel::FindConstant(kernel::Arch::kX86_64, name) ? name : "";
}

std::string ListText(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += (out.empty() ? "" : ", ") + StringText(value);
  return out;
}

constexpr uint32_t Bit(UnixPerm perm) { return static_cast<uint32_t>(perm); }

}  // namespace

// Without a peer in the rule: every process, whatever confines it.
bool Translator::Peers(const Rule& rule, const Text& peer, const char* kind, std::string& clause) {
  if (!peer.written || peer.value == "**") {
    clause = " peer self, outside";
    for (const std::string& policy : names_.policies) {
      if (policy != names_.policy_of.at(Qualified())) clause += ", " + policy;
    }
    return true;
  }
  const auto known = LiteralsOf(peer.value);
  for (const std::string& name : known.value_or(std::vector<std::string>())) {
    if (name != Qualified() && names_.policy_of.count(name) == 0) {
      clause.clear();
      break;
    }
    clause += (clause.empty() ? " peer " : ", ") + (name == Qualified() ? "self" : names_.policy_of.at(name));
  }
  if (clause.empty()) Unstatable(rule.span, fmt::format("a {} rule for the peer `{}`, which is no profile of this file,", kind, peer.value));
  return !clause.empty();
}

// Peers of messages and sockets, by the name of what confines them.
bool Translator::Labels(const Text& peer, std::string& clauses) {
  if (!peer.written || peer.value == "**") return true;
  const auto names = LiteralsOf(peer.value);
  if (!names) {
    Unstatable(peer.span, fmt::format("the pattern `{}` of a peer", peer.value));
    return false;
  }
  for (const std::string& name : *names) {
    const auto policy = names_.policy_of.find(name);
    clauses += &name == &names->front() ? " peer " : ", ";
    clauses += name == Qualified() ? "self" : policy != names_.policy_of.end() ? policy->second
                                                                               : "label(" + StringText(name) + ")";
  }
  return true;
}

void Translator::Signal(const Rule& rule, const SignalRule& body) {
  std::string peers;
  std::string set;
  for (const Text& signal : body.signals) {
    const std::string name = SignalName(signal.value);
    if (name.empty()) return Unstatable(signal.span, fmt::format("the signal `{}`, which this kernel does not have,", signal.value));
    set += (set.empty() ? " set " : ", ") + name;
  }
  if (!Peers(rule, body.peer, "signal", peers)) return;
  Say(fmt::format("{} signal {{ {} }}{}{}", VerbOf(rule.prefix), Words(body.perms, {{1, "send"}, {2, "receive"}}), set, peers));
}

void Translator::Ptrace(const Rule& rule, const PtraceRule& body) {
  std::string peers;
  if (!Peers(rule, body.peer, "ptrace", peers)) return;
  Say(fmt::format("{} ptrace {{ {} }}{}", VerbOf(rule.prefix), Words(body.perms, {{1, "trace"}, {2, "read"}, {4, "tracedby"}, {8, "readby"}}), peers));
}

void Translator::Dbus(const Rule& rule, const DbusRule& body) {
  dbus_ = true;
  if ((body.perms & static_cast<uint32_t>(BusPerm::kEavesdrop)) != 0) return Unstatable(rule.span, "`eavesdrop` of a dbus rule", "a rule without permissions has it too: name `send`, `receive` and `bind`");
  std::string clauses;
  const auto add = [&](const char* word, const Text& text) {
    if (!text.written) return true;
    const auto values = LiteralsOf(text.value);
    if (!values) Unstatable(text.span, fmt::format("the pattern `{}` of a dbus rule", text.value));
    if (values) clauses += fmt::format(" {} {}", word, ListText(*values));
    return values.has_value();
  };
  if (!Labels(body.label, clauses)) return;
  if (!add("bus", body.bus) || !add("name", body.name) || !add("path", body.path) || !add("interface", body.interface) || !add("member", body.member)) return;
  Say(fmt::format("{} dbus {{ {} }}{}", VerbOf(rule.prefix), Words(body.perms, {{1, "send"}, {2, "receive"}, {4, "own"}}), clauses));
}

void Translator::Unix(const Rule& rule, const UnixRule& body) {
  const bool every = body.perms == 0xfff;
  if (!every && (body.perms & (Bit(UnixPerm::kGetattr) | Bit(UnixPerm::kSetattr))) != 0) return Unstatable(rule.span, "`getattr` and `setattr` of a unix rule");
  if (body.addr.written && body.peer_addr.written) return Unstatable(rule.span, "a unix rule with both addresses");
  const Text& addr = body.addr.written ? body.addr : body.peer_addr;
  std::string clauses = " unix";
  if (body.type.written) {
    if (!IsSocketType(body.type.value)) return Unstatable(body.type.span, fmt::format("the type of socket `{}`", body.type.value));
    std::string type = body.type.value;
    std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    clauses += " type SOCK_" + type;
  }
  if (addr.written) {
    const auto values = addr.value == "none" || addr.value == "auto" ? std::nullopt : LiteralsOf(std::string_view(addr.value).substr(1));
    if (!values) return Unstatable(addr.span, fmt::format("the address `{}` of a unix rule", addr.value));
    clauses += " abstract " + ListText(*values);
  }
  if (!Labels(body.peer_label, clauses)) return;
  const std::string operations = Words(body.perms, {{Bit(UnixPerm::kCreate), "create"}, {Bit(UnixPerm::kBind), "bind"}, {Bit(UnixPerm::kListen), "listen"}, {Bit(UnixPerm::kAccept), "accept"}, {Bit(UnixPerm::kConnect), "connect"}, {Bit(UnixPerm::kSend), "send"}, {Bit(UnixPerm::kReceive), "receive"}, {Bit(UnixPerm::kGetopt), "getopt"}, {Bit(UnixPerm::kSetopt), "setopt"}, {Bit(UnixPerm::kShutdown), "shutdown"}});
  Say(fmt::format("{} network {{ {} }}{}", VerbOf(rule.prefix), operations, clauses));
}

}  // namespace ravelin::import::apparmor
