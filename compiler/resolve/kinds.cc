#include "compiler/resolve/kinds.h"

namespace ravelin::resolve {
namespace {

using enum ClauseType;

// The attribute names are those of compiler/kernel/tables/facets.tsv (a test compares them).
constexpr ClauseSpec kClauses[] = {
    {"file", "on", kObjects, "path"},
    {"file", "owner", kOwner, ""},
    {"file", "to", kNames, "target"},
    {"file", "subset", kSubset, "subset"},
    {"file", "command", kIntegers, "command", 32},
    {"exec", "on", kObjects, "path"},
    {"exec", "as", kTransition, "transition"},
    {"exec", "unscrubbed_danger", kEnvironment, ""},
    {"network", "tcp", kTransport, ""},
    {"network", "udp", kTransport, ""},
    {"network", "unix", kTransport, ""},
    {"network", "netlink", kTransport, ""},
    {"network", "family", kIntegers, "family", 32, "AF_"},
    {"network", "type", kIntegers, "type", 32, "SOCK_"},
    {"network", "protocol", kIntegers, "protocol", 32, "IPPROTO_"},
    {"network", "port", kIntegers, "port", 16},
    {"network", "address", kPatterns, "address"},
    {"network", "path", kPatterns, "path"},
    {"network", "abstract", kPatterns, "abstract"},
    {"network", "peer", kPeer, "peer"},
    {"setid", "to", kIntegers, "value", 32},
    {"signal", "set", kIntegers, "signal", 32, "SIG"},
    {"signal", "peer", kPeer, "peer"},
    {"ptrace", "request", kIntegers, "request", 32, "PTRACE_"},
    {"ptrace", "peer", kPeer, "peer"},
    {"mount", "fstype", kPatterns, "fstype"},
    {"mount", "flags", kIntegers, "flags", 64, "MS_"},
    {"mount", "from", kPatterns, "from"},
    {"mount", "on", kPatterns, "on"},
    {"mount", "of", kKind, "kind"},
    {"bpf", "command", kIntegers, "command", 32, "BPF_"},
    {"keyring", "command", kIntegers, "command", 32, "KEYCTL_"},
    {"personality", "to", kIntegers, "value", 32, "PER_"},
    {"dbus", "bus", kPatterns, "bus"},
    {"dbus", "name", kPatterns, "name"},
    {"dbus", "path", kPatterns, "path"},
    {"dbus", "interface", kPatterns, "interface"},
    {"dbus", "member", kPatterns, "member"},
    {"dbus", "peer", kPeer, "peer"},
    {"domain", "to", kDomains, "to"},
    {"domain", "on", kObjects, "path"},
    {"domain", "unscrubbed_danger", kEnvironment, ""},
    {"rlimit", "resource", kIntegers, "resource", 32, "RLIMIT_"},
};

}  // namespace

std::span<const ClauseSpec> Clauses() { return kClauses; }

const ClauseSpec* FindClause(std::string_view facet, std::string_view keyword) {
  for (const ClauseSpec& spec : kClauses) {
    if (spec.facet == facet && spec.keyword == keyword) return &spec;
  }
  return nullptr;
}

}  // namespace ravelin::resolve
