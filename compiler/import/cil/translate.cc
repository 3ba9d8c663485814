#include "compiler/import/cil/translate.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/selinux/names.h"
#include "compiler/import/layout.h"
#include "compiler/kernel/selinux_facts.h"
#include "compiler/kernel/view.h"

namespace ravelin::import::cil {
namespace {

// Kinds that SELinux is asked about; of the others the module says nothing.
const std::set<std::string>& AskedKinds() {
  static const std::set<std::string> kinds = [] {
    std::set<std::string> out;
    for (const auto& row : kernel::SelinuxViewRows()) {
      if (!row.classes.empty()) out.insert(row.facet);
    }
    return out;
  }();
  return kinds;
}

std::string NumbersText(const ir::IntervalSet& values) {
  std::string out;
  for (const ir::Interval& i : values.intervals()) out += (out.empty() ? "" : ", ") + (i.lo == i.hi ? fmt::format("{}", i.lo) : fmt::format("{}..{}", i.lo, i.hi));
  return out;
}

std::string ValuesText(const kernel::ValueTest& test) {
  std::string out;
  for (const uint64_t v : test.values) out += fmt::format("{}{}", out.empty() ? "" : ", ", v);
  return out;
}

// " family 2, 10 type 1 ..." of a row of selinux_sockets.tsv; "" where a rule cannot say it.
std::string ClauseOf(const kernel::SelinuxSocketRow& row) {
  if (row.family.excluded || row.type.excluded || row.protocol.excluded) return "";
  std::string clause;
  for (const auto& [word, test] : {std::pair{" family ", &row.family}, {" type ", &row.type}, {" protocol ", &row.protocol}}) {
    if (!test->values.empty()) clause += word + ValuesText(*test);
  }
  return clause;
}

// Of the protocols that have types of ports.
std::string ClauseOf(const std::string& protocol) {
  if (protocol == "tcp" || protocol == "udp") return " " + protocol;
  for (const auto& row : kernel::SelinuxSocketRows()) {
    if (row.object_class == protocol + "_socket") return ClauseOf(row);
  }
  return "";
}

}  // namespace

std::string PolicyOfType(const std::string& type) { return type.substr(0, type.size() - 2); }

std::string Translator::Head(const std::string& domain) const {
  std::string out = fmt::format("layers {{ {} }}\n", layers_);
  // What starts it: a type of its own without a path, or the paths of a type.
  std::vector<std::string> attached;
  for (const auto& transition : judge_.policy().transitions) {
    const auto paths = world_.patterns.find(transition.target);
    if (transition.source != ravelin::selinux::kLauncher || transition.object_class != "process" || transition.result != domain || paths == world_.patterns.end()) continue;
    attached.insert(attached.end(), paths->second.begin(), paths->second.end());
  }
  for (const std::string& pattern : attached) out += "attach " + StringText(pattern) + "\n";
  return out + fmt::format("default deny {}\n\n", fmt::join(AskedKinds(), ", "));
}

// The policies with what is known so far; every object is named, so that candidates tell the same objects apart.
std::string Translator::Source(const std::map<std::string, std::vector<std::string>>& more) const {
  std::string out = "language 1\n";
  for (const std::string& domain : world_.domains) {
    out += fmt::format("\npolicy {} {{\n{}", PolicyOfType(domain), Head(domain));
    const auto added = more.find(domain);
    if (added != more.end()) {
      for (const std::string& line : added->second) out += line;
    }
    out += "}\n";
  }
  return out;
}

std::string Translator::Object(const std::string& type) const {
  const auto paths = world_.patterns.find(type);
  return paths == world_.patterns.end() ? "label(" + StringText(type) + ")" : PathsText(paths->second);
}

std::vector<std::string> Translator::Objects() const {
  std::vector<std::string> out;
  for (const auto& paths : world_.patterns) out.push_back(paths.first);
  out.insert(out.end(), world_.labels.begin(), world_.labels.end());
  return out;
}

// A rule for each object that none of `rules` names: it decides nothing, and keeps the object apart.
std::vector<std::string> Translator::Unnamed(const std::map<std::string, std::vector<Rule>>& by_domain) const {
  std::string all;
  for (const auto& [domain, rules] : by_domain) {
    for (const Rule& rule : rules) all += rule.words + "\n";
  }
  std::string heads;
  for (const std::string& domain : world_.domains) heads += Head(domain);
  std::vector<std::string> out;
  const auto name = [&](const std::string& object, const std::string& line) {
    if (all.find(object) == std::string::npos && heads.find(object) == std::string::npos) out.push_back(line);
  };
  for (const auto& [type, patterns] : world_.patterns) {
    for (const std::string& pattern : patterns) name(StringText(pattern), fmt::format("quiet file {{ getattr }} on {}\n", PathsText({pattern})));
  }
  for (const std::string& label : world_.labels) name(fmt::format("label({})", StringText(label)), fmt::format("quiet file {{ getattr }} on label({})\n", StringText(label)));
  for (const std::string& peer : world_.peers) name(fmt::format("peer label({})", StringText(peer)), fmt::format("quiet signal {{ send }} peer label({})\n", StringText(peer)));
  for (const auto& [type, ports] : world_.ports) {
    for (const char* protocol : ravelin::selinux::kProtocols) {
      const bool has = std::any_of(judge_.policy().ports.begin(), judge_.policy().ports.end(), [&](const auto& port) { return port.type == type && port.protocol == protocol; });
      const std::string clause = ClauseOf(protocol);
      if (has && !clause.empty()) name(fmt::format("{} port {}", clause.substr(1), NumbersText(ports)), fmt::format("quiet network {{ bind }}{} port {}\n", clause, NumbersText(ports)));
    }
  }
  return out;
}

bool Translator::MayHave(const CheckSet& checks, const std::string& domain, const std::string& kind, const std::string& operation) {
  const auto has = [&](const std::string& object_class, const std::string& permission) {
    return std::any_of(checks.begin(), checks.end(), [&](const Check& check) {
      const auto& [source, type, of, what] = check;
      return source == domain && what == permission && (of == object_class || object_class == "@socket");
    });
  };
  return std::all_of(kernel::SelinuxViewRows().begin(), kernel::SelinuxViewRows().end(), [&](const auto& row) {
    if (row.facet != kind || row.operation != operation || row.classes.empty() || !row.conditions.empty() || row.needs.kernel || row.Sees("family")) return true;
    return std::all_of(row.permissions.begin(), row.permissions.end(), [&](const std::string& permission) { return has(row.classes.front(), permission); });
  });
}

bool Translator::Try(const std::string& domain, const std::vector<Rule>& rules) {
  std::map<std::string, std::vector<std::string>> more = {{world_.domains.front(), Unnamed({})}};
  for (const Rule& rule : rules) more[domain].push_back(rule.Text());
  const auto asked = judge_.Asked(Source(more));
  if (!asked || asked->empty() || !std::includes(judge_.granted().begin(), judge_.granted().end(), asked->begin(), asked->end())) return false;
  if (std::includes(covered_.begin(), covered_.end(), asked->begin(), asked->end())) return false;
  covered_.insert(asked->begin(), asked->end());
  rules_[domain].insert(rules_[domain].end(), rules.begin(), rules.end());
  return true;
}

// Types of paths that lie inside are refused where they do not have the operation of their own.
std::vector<Translator::Rule> Translator::Denies(const std::string& type, const char* kind, const std::string& operation) const {
  std::vector<Rule> out;
  const auto inside = within_.find(type);
  if (inside == within_.end()) return out;
  for (const std::string& inner : inside->second) out.push_back({"deny", kind, (operation.empty() ? " " : " { " + operation + " } on ") + PathsText(world_.patterns.at(inner))});
  return out;
}

void Translator::Files(const std::string& domain) {
  // What asks for more comes first.
  std::vector<std::string> operations = {"read", "list", "write"};
  for (const std::string& operation : kernel::FindFacet("file")->operations) {
    if (std::find(operations.begin(), operations.end(), operation) == operations.end()) operations.push_back(operation);
  }
  const auto row_fits = [&](const std::string& operation, const std::string& type) {
    return std::all_of(kernel::SelinuxViewRows().begin(), kernel::SelinuxViewRows().end(), [&](const auto& row) {
      if (row.facet != "file" || row.operation != operation || !row.Sees("path") || !row.conditions.empty() || row.needs.kernel) return true;
      return std::all_of(row.classes.begin(), row.classes.end(), [&](const auto& object_class) {
        return std::all_of(row.permissions.begin(), row.permissions.end(), [&](const auto& permission) { return judge_.granted().count({domain, type, object_class, permission}) != 0; });
      });
    });
  };
  std::map<std::string, std::vector<std::string>> taken;  // operation -> types
  for (const std::string& operation : operations) {
    if (!MayHave(judge_.granted(), domain, "file", operation) || Try(domain, {{"allow", "file", " { " + operation + " }"}})) continue;
    for (const std::string& type : Objects()) {
      if (!row_fits(operation, type)) continue;
      std::string command;
      if (operation == "ioctl") {
        ir::IntervalSet all;
        for (const auto& [key, values] : judge_.policy().commands) {
          if (key[0] == domain && key[1] == type) all = all.Union(values);
        }
        if (!all.empty()) command = fmt::format(" command {{ {} }}", NumbersText(all));
      }
      std::vector<Rule> rules = Denies(type, "file", operation);
      rules.insert(rules.begin(), {"allow", "file", " { " + operation + " } on " + Object(type) + command});
      const size_t before = rules_[domain].size();
      if (!Try(domain, rules)) continue;
      rules_[domain].resize(before + 1);  // which of the denies stay is known at the end
      taken[operation].push_back(type);
    }
  }
  for (const auto& [operation, types] : taken) {
    std::set<std::string> refused;
    for (const std::string& type : types) {
      const auto inside = within_.find(type);
      if (inside == within_.end()) continue;
      for (const std::string& inner : inside->second) {
        if (std::find(types.begin(), types.end(), inner) == types.end()) refused.insert(inner);
      }
    }
    for (const std::string& inner : refused) rules_[domain].push_back({"deny", "file", " { " + operation + " } on " + PathsText(world_.patterns.at(inner))});
  }
}

void Translator::Execs(const std::string& domain) {
  if (Try(domain, {{"allow", "exec", ""}})) return;
  std::vector<std::string> taken;
  for (const std::string& type : Objects()) {
    if (judge_.granted().count({domain, type, "file", "execute"}) == 0) continue;
    std::string after;
    for (const auto& transition : judge_.policy().transitions) {
      if (transition.source != domain || transition.target != type || transition.object_class != "process") continue;
      const bool ours = std::find(world_.domains.begin(), world_.domains.end(), transition.result) != world_.domains.end();
      after = transition.result == ravelin::selinux::kUnconfined ? " as unconfined_danger" : ours ? " as " + PolicyOfType(transition.result)
                                                                                                  : " as " + transition.result;
    }
    const size_t before = rules_[domain].size();
    std::vector<Rule> rules = Denies(type, "exec", "");
    rules.insert(rules.begin(), {"allow", "exec", " " + Object(type) + after});
    if (!Try(domain, rules)) continue;
    rules_[domain].resize(before + 1);
    taken.push_back(type);
  }
  std::set<std::string> refused;
  for (const std::string& type : taken) {
    const auto inside = within_.find(type);
    if (inside == within_.end()) continue;
    for (const std::string& inner : inside->second) {
      if (std::find(taken.begin(), taken.end(), inner) == taken.end()) refused.insert(inner);
    }
  }
  for (const std::string& inner : refused) rules_[domain].push_back({"deny", "exec", " " + PathsText(world_.patterns.at(inner))});
}

std::vector<std::string> Translator::PeerClauses(const std::string& domain) const {
  std::vector<std::string> out = {" peer self", " peer outside"};
  for (const std::string& other : world_.domains) {
    if (other != domain) out.push_back(" peer " + PolicyOfType(other));
  }
  for (const std::string& peer : world_.peers) out.push_back(" peer label(" + StringText(peer) + ")");
  return out;
}

void Translator::Networks(const std::string& domain) {
  const auto& operations = kernel::FindFacet("network")->operations;
  const auto has = [&](const std::string& object_class, const std::string& permission) { return judge_.granted().count({domain, domain, object_class, permission}) != 0; };
  struct Socket {
    std::string clause;
    std::string object_class;
  };
  std::vector<Socket> sockets = {{" tcp", "tcp_socket"}, {" udp", "udp_socket"}, {" unix", "unix_stream_socket"}, {" netlink", "netlink_route_socket"}};
  for (const auto& row : kernel::SelinuxSocketRows()) {
    const std::string clause = ClauseOf(row);
    if (!clause.empty()) sockets.push_back({clause, row.object_class});
  }
  ir::IntervalSet named;
  std::vector<std::string> ports;
  for (const auto& [type, values] : world_.ports) {
    named = named.Union(values);
    ports.push_back(" port " + NumbersText(values));
  }
  if (!named.empty()) ports.push_back(" port " + NumbersText(named.Complement(16)));
  // Operations that bring others come first.
  std::vector<std::string> order = {"accept", "listen", "bind", "connect"};
  for (const std::string& operation : operations) {
    if (std::find(order.begin(), order.end(), operation) == order.end()) order.push_back(operation);
  }
  // What the sockets themselves are asked: send and receive are writing and reading.
  const auto asked = [](const std::string& operation) { return operation == "send" ? "write" : operation == "receive" ? "read"
                                                                                                                      : operation; };
  for (const std::string& operation : order) {
    if (has("socket", asked(operation)) && Try(domain, {{"allow", "network", " { " + operation + " }"}})) continue;
    for (const auto& [socket, object_class] : sockets) {
      if (!has(object_class, asked(operation))) continue;
      if (Try(domain, {{"allow", "network", " { " + operation + " }" + socket}})) continue;
      if (operation != "bind" && operation != "connect" && operation != "listen" && operation != "accept" && operation != "send") continue;
      for (const std::string& port : ports) (void)Try(domain, {{"allow", "network", " { " + operation + " }" + socket + port}});
      if (socket != " unix") continue;
      if (operation != "connect" && operation != "send") continue;
      for (const std::string& peer : PeerClauses(domain)) (void)Try(domain, {{"allow", "network", " { " + operation + " } unix" + peer}});
    }
  }
}

void Translator::Peers(const std::string& domain) {
  for (const std::string& peer : PeerClauses(domain)) {
    // All signals, or those that SELinux tells apart (9.7).
    if (!Try(domain, {{"allow", "signal", " { send }" + peer}})) {
      for (const char* set : {"set { 0 }", "set { 9 }", "set { 17 }", "set { 19 }", "set { 1..8, 10..16, 18, 20..64 }"}) (void)Try(domain, {{"allow", "signal", fmt::format(" {{ send }} {}{}", set, peer)}});
    }
    for (const char* operation : {"trace", "read"}) (void)Try(domain, {{"allow", "ptrace", fmt::format(" {{ {} }}{}", operation, peer)}});
    (void)Try(domain, {{"allow", "dbus", " { send }" + peer}});
  }
}

// Kinds without an object, and mounts.
void Translator::Others(const std::string& domain) {
  static const std::set<std::string> done = {"file", "exec", "network", "signal", "ptrace"};
  for (const kernel::FacetInfo& facet : kernel::Facets()) {
    if (done.count(facet.name) != 0 || AskedKinds().count(facet.name) == 0) continue;
    for (const std::string& operation : facet.operations) {
      if (!MayHave(judge_.granted(), domain, facet.name, operation) || Try(domain, {{"allow", facet.name, " { " + operation + " }"}})) continue;
      if (facet.name == "bpf") {
        for (const int command : {0, 5, 7, 13, 14}) (void)Try(domain, {{"allow", "bpf", fmt::format(" {{ use }} command {{ {} }}", command)}});
      } else if (facet.name == "mount" && operation != "umount" && operation != "remount") {
        for (const auto& paths : world_.patterns) (void)Try(domain, {{"allow", "mount", " { " + operation + " } on " + PathsText(paths.second)}});
      }
    }
  }
}

bool Translator::TryNever(const std::string& domain, const Rule& rule) {
  std::map<std::string, std::vector<std::string>> more = {{world_.domains.front(), Unnamed({})}};
  more[domain].push_back(rule.Text());
  auto asked = judge_.AskedNever(Source(more));
  if (!asked) return false;
  // What is granted all the same is not stated (9.9).
  std::erase_if(*asked, [&](const Check& check) { return judge_.granted().count(check) != 0; });
  if (asked->empty() || !std::includes(stated_.begin(), stated_.end(), asked->begin(), asked->end())) return false;
  if (std::includes(forbidden_.begin(), forbidden_.end(), asked->begin(), asked->end())) return false;
  forbidden_.insert(asked->begin(), asked->end());
  rules_[domain].push_back(rule);
  return true;
}

void Translator::Nevers(const std::string& domain) {
  for (const auto& never : module_.nevers) {
    if (never.children[3].children.size() != 2) continue;
    for (const std::string& target : judge_.MembersOf(never.Word(2) == "self" ? never.Word(1) : never.Word(2))) {
      for (const auto& permission : never.children[3].children[1].children) stated_.insert({never.Word(1), target, never.children[3].Word(0), permission.atom});
    }
  }
  if (stated_.empty()) return;
  CheckSet all = stated_;
  all.insert(judge_.granted().begin(), judge_.granted().end());
  const auto attempt = [&](const std::string& kind, const std::string& words) { return TryNever(domain, {"never", kind, words}); };
  for (const kernel::FacetInfo& facet : kernel::Facets()) {
    if (AskedKinds().count(facet.name) == 0 || facet.name == "exec") continue;
    for (const std::string& operation : facet.operations) {
      const std::string words = " { " + operation + " }";
      if (!MayHave(all, domain, facet.name, operation) || attempt(facet.name, words)) continue;
      if (facet.name == "file") {
        for (const std::string& type : Objects()) (void)attempt("file", words + " on " + Object(type));
      } else if (facet.name == "signal" || facet.name == "ptrace") {
        for (const std::string& peer : PeerClauses(domain)) (void)attempt(facet.name, words + peer);
      } else if (facet.name == "network") {
        for (const char* socket : {" tcp", " udp", " unix", " netlink"}) (void)attempt("network", words + socket);
      }
    }
  }
  for (const std::string& type : Objects()) (void)attempt("exec", " " + Object(type));
}

std::string Translator::Run() {
  covered_ = judge_.AskedAnyway(Source({{world_.domains.front(), Unnamed({})}})).value_or(CheckSet());
  for (const auto& [patterns, type] : judge_.Cells(Source({{world_.domains.front(), Unnamed({})}}))) {
    for (const auto& [outer, own] : world_.patterns) {
      const bool inside = std::any_of(own.begin(), own.end(), [&](const std::string& p) { return std::find(patterns.begin(), patterns.end(), p) != patterns.end(); });
      if (inside && outer != type && world_.patterns.count(type) != 0) within_[outer].insert(type);
    }
  }
  // Under a filter an exec that changes the domain asks for one permission more.
  for (const auto& check : judge_.granted()) {
    const bool domains = std::find(world_.domains.begin(), world_.domains.end(), std::get<1>(check)) != world_.domains.end();
    if (domains && std::get<2>(check) == "process2" && std::get<3>(check) == "nnp_transition") layers_ = "seccomp + selinux";
  }
  for (const std::string& domain : world_.domains) {
    Execs(domain);
    Files(domain);
    Networks(domain);
    Peers(domain);
    Others(domain);
  }
  for (const std::string& domain : world_.domains) Nevers(domain);
  std::map<std::string, std::vector<std::string>> lines;
  for (const auto& [domain, rules] : rules_) {
    // Operations on the same object are one rule.
    std::vector<std::pair<std::string, std::vector<std::string>>> grouped;  // what surrounds the operation -> operations
    for (const Rule& rule : rules) {
      const size_t open = rule.words.find("{ ");
      const size_t close = rule.words.find(" }");
      const bool has = open == 1 && close != std::string::npos;
      const std::string key = rule.verb + " " + rule.kind + (has ? " {" + rule.words.substr(close) : rule.words);
      const std::string operation = has ? rule.words.substr(open + 2, close - open - 2) : "";
      auto same = std::find_if(grouped.begin(), grouped.end(), [&](const auto& one) { return one.first == key; });
      if (same == grouped.end()) same = grouped.insert(grouped.end(), {key, {}});
      if (has) same->second.push_back(operation);
    }
    for (const auto& [key, operations] : grouped) {
      const size_t at = key.find(" {");
      lines[domain].push_back(operations.empty() ? key + "\n" : key.substr(0, at) + fmt::format(" {{ {}", fmt::join(operations, ", ")) + key.substr(at + 2) + "\n");
    }
  }
  for (const std::string& line : Unnamed(rules_)) lines[world_.domains.front()].push_back(line);
  return Source(lines);
}

}  // namespace ravelin::import::cil
