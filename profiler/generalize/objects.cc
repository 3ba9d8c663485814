// Everything that is neither a file nor a call: sockets, capabilities, signals, mounts, ...
#include <fmt/format.h>

#include <algorithm>

#include "compiler/kernel/view.h"
#include "profiler/generalize/generalize.h"

namespace ravelin::generalize {
namespace {

constexpr kernel::Arch kArch = kernel::Arch::kX86_64;
// More ports than that are no list that somebody would read: then any.
constexpr size_t kMostPorts = 8;

std::string Get(const observe::Attributes& attributes, const char* key) {
  const auto at = attributes.find(key);
  return at == attributes.end() ? "" : at->second;
}

uint64_t Number(const std::string& text) { return text.empty() ? 0 : std::stoull(text, nullptr, 0); }

std::string Constant(const char* family, const std::string& value) {
  const std::string_view name = kernel::ConstantName(kArch, family, Number(value));
  return name.empty() ? value : std::string(name);
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

void Note(Rule& rule, const std::string& what, const Evidence& evidence, size_t runs) { rule.comments.push_back(fmt::format("{}: {}", what, EvidenceText(evidence, runs))); }

// Sockets of one family and type.
struct Sockets {
  std::map<std::string, Evidence> operations;
  std::set<std::string> protocols;
  std::map<std::string, std::map<std::string, Evidence>> ports;  // operation -> port
  std::map<std::string, Evidence> paths;  // of unix sockets that were connected to
  bool nameless = false;                  // so was one that has no path
};

// Ports that the kernel chooses are no number that a policy could name.
bool Ephemeral(const std::string& port) { return Number(port) == 0 || Number(port) >= 32768; }

void AddSockets(const std::string& family, const std::string& type, const Sockets& sockets, size_t runs, std::vector<Rule>& out) {
  const std::string kind = Lower(family.rfind("AF_", 0) == 0 ? family.substr(3) : family) + (type.empty() ? "" : "_" + Lower(type));
  const std::string what = fmt::format("family {}{}", family, type.empty() ? "" : " type " + type);
  std::set<std::string> with_port;
  for (const auto& [operation, ports] : sockets.ports) {
    std::set<std::string> numbers;
    bool any = ports.size() > kMostPorts;
    for (const auto& [port, evidence] : ports) {
      any = any || Ephemeral(port);
      numbers.insert(port);
    }
    if (any) continue;
    with_port.insert(operation);
    Rule rule{"network", {}, ""};
    for (const auto& [port, evidence] : ports) Note(rule, fmt::format("{} port {}", operation, port), evidence, runs);
    rule.statement = fmt::format("network_{}_{}: allow network {{ {} }} {} port {{ {} }}", kind, operation, operation, what, JoinNames(numbers));
    out.push_back(std::move(rule));
  }
  // Whom it talks to is the whole of the right.
  if (!sockets.paths.empty() && !sockets.nameless && sockets.paths.size() <= kMostPorts) {
    with_port.insert("connect");
    size_t number = 0;
    for (const auto& [path, evidence] : sockets.paths) {
      Rule rule{"network", {}, fmt::format("network_{}_connect{}: allow network {{ connect }} {} path {}", kind, number == 0 ? "" : fmt::format("_{}", number + 1), what, QuoteText(Literal(path)))};
      Note(rule, "connect " + path, evidence, runs);
      out.push_back(std::move(rule));
      ++number;
    }
  }
  std::set<std::string> rest;
  Rule rule{"network", {}, ""};
  for (const auto& [operation, evidence] : sockets.operations) {
    if (with_port.count(operation) != 0) continue;
    rest.insert(operation);
    Note(rule, operation, evidence, runs);
  }
  if (!rest.empty()) {
    rule.statement = fmt::format("network_{}: allow network {{ {} }} {}", kind, JoinNames(rest), what);
    out.push_back(std::move(rule));
  }
}

void AddNetwork(const std::vector<Seen>& seen, size_t runs, std::vector<Rule>& out, Learned& learned) {
  std::map<std::pair<std::string, std::string>, Sockets> all;
  for (const Seen& one : seen) {
    if (one.facet != "network") continue;
    const std::string family = Constant("AF", Get(one.attributes, "family"));
    const std::string type = Get(one.attributes, "type").empty() ? "" : Constant("SOCK", fmt::format("{:#x}", Number(Get(one.attributes, "type")) & 0xf));
    if (family.empty() || family == "AF_UNSPEC" || family == "0x0") {
      learned.withheld.push_back(fmt::format("network {} of a family that was not recorded ({})", one.operation, EvidenceText(one.evidence, runs)));
      continue;
    }
    Sockets& sockets = all[{family, type.rfind("SOCK_", 0) == 0 ? type.substr(5) : type}];
    sockets.operations[one.operation].Join(one.evidence);
    if (one.operation == "connect" && family == "AF_UNIX") {
      if (const std::string path = Get(one.attributes, "path"); !path.empty() && path.front() == '/') sockets.paths[path].Join(one.evidence);
      sockets.nameless = sockets.nameless || !Get(one.attributes, "abstract").empty() || (!Get(one.attributes, "path").empty() && Get(one.attributes, "path").front() != '/');
    }
    const std::string port = Get(one.attributes, "port");
    if (!port.empty() && (one.operation == "bind" || one.operation == "connect" || one.operation == "listen")) sockets.ports[one.operation][port].Join(one.evidence);
  }
  for (auto& [key, sockets] : all) {
    // The mechanism's own record of the same attempt names no port; where one does not know the port at all, there is none to name.
    AddSockets(key.first, key.second, sockets, runs, out);
  }
}

void AddCapabilities(const std::vector<Seen>& seen, size_t runs, std::vector<Rule>& out) {
  std::set<std::string> names;
  Rule rule{"capabilities that were asked for", {}, ""};
  for (const Seen& one : seen) {
    if (one.facet != "capability") continue;
    names.insert(one.operation);
    Note(rule, one.operation, one.evidence, runs);
  }
  if (names.empty()) return;
  rule.statement = fmt::format("capabilities: allow capability {{ {} }}", JoinNames(names));
  out.push_back(std::move(rule));
}

void AddSignals(const std::vector<Seen>& seen, size_t runs, std::vector<Rule>& out) {
  struct Signals {
    std::set<std::string> operations;
    std::set<std::string> names;
    std::vector<std::string> notes;
  };
  std::map<std::string, Signals> by_peer;
  for (const Seen& one : seen) {
    if (one.facet != "signal") continue;
    const std::string peer = Get(one.attributes, "peer").empty() ? "self" : Get(one.attributes, "peer");
    Signals& signals = by_peer[peer == "self" || peer == "outside" ? peer : "label(" + QuoteText(peer) + ")"];
    signals.operations.insert(one.operation);
    if (peer == "self") signals.operations = {"receive", "send"};  // who sends to itself receives
    std::string name;
    for (const std::string& known : kernel::SignalNames()) {
      if (kernel::FindSignal(kArch, known) == static_cast<int>(Number(Get(one.attributes, "signal")))) name = known;
    }
    if (name.rfind("SIG", 0) == 0) name = name.substr(3);
    if (!name.empty()) signals.names.insert(name);
    signals.notes.push_back(fmt::format("{} {}: {}", one.operation, name, EvidenceText(one.evidence, runs)));
  }
  for (const auto& [peer, signals] : by_peer) {
    Rule rule{"signals", signals.notes, ""};
    const std::string set = signals.names.empty() ? "" : fmt::format(" set {{ {} }}", JoinNames(signals.names));
    const std::string label = peer == "self" ? "signals" : peer == "outside" ? "signals_outside" : fmt::format("signals_{}", out.size());
    rule.statement = fmt::format("{}: allow signal {{ {} }}{} peer {}", label, JoinNames(signals.operations), set, peer);
    out.push_back(std::move(rule));
  }
}

// Facets whose attributes are numbers or nothing, each operation with the values that were seen.
void AddPlain(const std::vector<Seen>& seen, size_t runs, std::vector<Rule>& out) {
  static const std::map<std::string, std::pair<const char*, const char*>> attributes = {
      {"memory", {"", ""}}, {"setid", {"value", ""}}, {"namespace", {"", ""}}, {"bpf", {"command", "BPF"}}, {"perf", {"", ""}}, {"io_uring", {"", ""}}, {"keyring", {"command", "KEYCTL"}}, {"module", {"", ""}}, {"system", {"", ""}}, {"personality", {"value", ""}}, {"ipc", {"", ""}}, {"rlimit", {"resource", "RLIMIT"}}};
  std::map<std::pair<std::string, std::string>, std::pair<std::set<std::string>, Evidence>> all;
  for (const Seen& one : seen) {
    const auto facet = attributes.find(one.facet);
    if (facet == attributes.end()) continue;
    auto& [values, evidence] = all[{one.facet, one.operation}];
    evidence.Join(one.evidence);
    const std::string value = Get(one.attributes, facet->second.first);
    if (!value.empty()) values.insert(*facet->second.second == 0 ? fmt::format("{}", Number(value)) : Constant(facet->second.second, value));
  }
  for (const auto& [key, entry] : all) {
    const auto& [facet, operation] = key;
    const std::string word = facet == "setid" || facet == "personality" ? "to" : attributes.at(facet).first;
    Rule rule{"other rights", {}, ""};
    Note(rule, operation, entry.second, runs);
    const std::string values = entry.first.empty() ? "" : entry.first.size() == 1 ? fmt::format(" {} {}", word, *entry.first.begin()) : fmt::format(" {} {{ {} }}", word, JoinNames(entry.first));
    rule.statement = fmt::format("{}_{}: allow {} {{ {} }}{}", facet, operation, facet, operation, values);
    out.push_back(std::move(rule));
  }
}

void AddText(const std::vector<Seen>& seen, size_t runs, std::vector<Rule>& out, Learned& learned) {
  std::set<std::string> labels;
  for (const Seen& one : seen) {
    std::string clauses;
    if (one.facet == "ptrace") {
      const std::string peer = Get(one.attributes, "peer");
      clauses = peer.empty() || peer == "self" ? "" : peer == "outside" ? " peer outside" : " peer label(" + QuoteText(peer) + ")";
    } else if (one.facet == "dbus") {
      for (const char* key : {"bus", "name", "path", "interface", "member"}) {
        if (const std::string value = Get(one.attributes, key); !value.empty()) clauses += fmt::format(" {} {}", key, QuoteText(value));
      }
      const std::string peer = Get(one.attributes, "peer");
      clauses += peer.empty() ? "" : peer == "unconfined" ? " peer outside" : " peer label(" + QuoteText(peer) + ")";
    } else if (one.facet == "mount") {
      if (const std::string type = Get(one.attributes, "fstype"); !type.empty()) clauses += " fstype " + QuoteText(type);
      if (const std::string from = Get(one.attributes, "from"); !from.empty() && from.front() == '/') clauses += " from " + QuoteText(Literal(from));
      if (const std::string on = Get(one.attributes, "on"); !on.empty()) clauses += " on " + QuoteText(Literal(on));
    } else if (one.facet == "domain") {
      learned.withheld.push_back(fmt::format("a change to the domain {}: which policy that is, the operator says ({})", Get(one.attributes, "to"), EvidenceText(one.evidence, runs)));
      continue;
    } else {
      continue;
    }
    Rule rule{"other rights", {}, ""};
    Note(rule, one.operation, one.evidence, runs);
    std::string label = fmt::format("{}_{}", one.facet, one.operation);
    for (size_t i = 2; !labels.insert(label).second; ++i) label = fmt::format("{}_{}_{}", one.facet, one.operation, i);
    rule.statement = fmt::format("{}: allow {} {{ {} }}{}", label, one.facet, one.operation, clauses);
    const bool twice = std::any_of(out.begin(), out.end(), [&](const Rule& other) { return other.statement.substr(other.statement.find(':')) == rule.statement.substr(rule.statement.find(':')); });
    if (!twice) out.push_back(std::move(rule));
  }
}

}  // namespace

std::vector<Rule> RulesOfObjects(const std::vector<Seen>& seen, size_t runs, Learned& learned) {
  std::vector<Rule> out;
  AddNetwork(seen, runs, out, learned);
  AddCapabilities(seen, runs, out);
  AddSignals(seen, runs, out);
  AddPlain(seen, runs, out);
  AddText(seen, runs, out, learned);
  return out;
}

}  // namespace ravelin::generalize
