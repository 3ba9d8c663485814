// Attempts on sockets: each family and type that a rule speaks of, and some that none does; ports at the bounds of rules.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "profiler/probe/catalogue.h"

namespace ravelin::probe {
namespace {

constexpr uint64_t kUnix = 1, kInternet = 2, kInternet6 = 10, kNetlink = 16, kPacket = 17, kVsock = 40;
constexpr uint64_t kStream = 1, kDatagram = 2, kRaw = 3, kSequence = 5;
constexpr uint64_t kIcmp = 1;
constexpr uint64_t kQuietly = 0x4040;  // MSG_NOSIGNAL | MSG_DONTWAIT
constexpr size_t kMostPorts = 24;
constexpr size_t kMostSockets = 28;

struct Socket {
  uint64_t family = 0, type = 0, protocol = 0;
  auto operator<=>(const Socket&) const = default;
};

std::string Le16(uint64_t value) { return {static_cast<char>(value & 0xff), static_cast<char>(value >> 8 & 0xff)}; }
std::string Be16(uint64_t value) { return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)}; }

// This machine's own address, as the family writes it; "" where there is none to bind.
std::string AddressOf(const Socket& socket, uint64_t port) {
  if (socket.family == kInternet) return Le16(kInternet) + Be16(port) + std::string("\x7f\0\0\1", 4) + std::string(8, '\0');
  if (socket.family == kInternet6) return Le16(kInternet6) + Be16(port) + std::string(19, '\0') + "\1" + std::string(4, '\0');
  if (socket.family == kUnix) return Le16(kUnix) + std::string(1, '\0') + fmt::format("ravelin-{}", socket.type);
  if (socket.family == kNetlink) return Le16(kNetlink) + std::string(10, '\0');
  return "";
}

// There is no raw socket without a protocol, and none of netlink that is connected.
bool NeverMade(const Socket& socket) {
  if (socket.family == kNetlink) return socket.type != kRaw && socket.type != kDatagram;
  return (socket.family == kInternet || socket.family == kInternet6) && socket.type == kRaw && socket.protocol == 0;
}

bool HasPorts(const Socket& socket) { return (socket.family == kInternet || socket.family == kInternet6) && socket.type != kRaw; }

Object ObjectOf(const Socket& socket) { return {{{"family", socket.family}, {"type", socket.type}, {"protocol", socket.protocol}}, {}}; }
Object ObjectAt(const Socket& socket, uint64_t port) {
  Object object = ObjectOf(socket);
  if (HasPorts(socket)) {
    object.integers["port"] = port;
    object.texts["address"] = socket.family == kInternet ? "127.0.0.1" : "::1";
  }
  if (socket.family == kUnix) {
    object.texts["abstract"] = fmt::format("ravelin-{}", socket.type);
    object.texts["peer"] = "self";
  }
  return object;
}

Call Create(const Socket& socket) {
  Call call = CallOf("socket", {Number(socket.family), Number(socket.type), Number(socket.protocol)}, Object{});
  // Without a protocol there is no raw socket, and the capability is not asked.
  const bool raw = socket.family == kPacket || (socket.type == kRaw && socket.protocol != 0 && (socket.family == kInternet || socket.family == kInternet6));
  return raw ? Also(std::move(call), {Ask("capability", "net_raw")}) : call;
}
Call Bind(const Socket& socket, uint64_t port, int descriptor) {
  const std::string address = AddressOf(socket, port);
  Call call = CallOf("bind", {ResultOf(descriptor), Bytes(address), Number(address.size())}, ObjectAt(socket, port));
  return HasPorts(socket) && port > 0 && port < 1024 ? Also(std::move(call), {Ask("capability", "net_bind_service")}) : call;
}
Call Listen(const Socket& socket, uint64_t port, int descriptor) { return CallOf("listen", {ResultOf(descriptor), Number(1)}, ObjectAt(socket, port)); }
Call Connect(const Socket& socket, uint64_t port, int descriptor) {
  const std::string address = AddressOf(socket, port);
  return CallOf("connect", {ResultOf(descriptor), Bytes(address), Number(address.size())}, ObjectAt(socket, port));
}

class Planner {
 public:
  explicit Planner(const ir::Domain& domain) : domain_(domain) {}

  std::vector<Probe> Run() {
    Sockets();
    for (const auto& [socket, rule, inside] : sockets_) Use(socket, rule, inside);
    Ports();
    return std::move(probes_);
  }

 private:
  void Add(std::string shown, std::vector<Call> calls, std::optional<uint32_t> rule, bool inside) {
    Probe probe;
    probe.kind = "network";
    probe.calls = std::move(calls);
    probe.any_end = true;
    probe.rule = rule;
    probe.inside = inside;
    probe.shown = std::move(shown);
    probes_.push_back(std::move(probe));
  }

  // Those that rules speak of, one off in each attribute, and the usual ones.
  void Sockets() {
    const ir::FacetId facet = ir::FacetOf("network");
    const auto take = [&](Socket socket, std::optional<uint32_t> rule, bool inside) {
      const bool known = std::any_of(sockets_.begin(), sockets_.end(), [&](const auto& one) { return std::get<0>(one) == socket; });
      if (!known && sockets_.size() < kMostSockets && socket.family < 46) sockets_.emplace_back(socket, rule, inside);
    };
    for (const ir::Rule& rule : domain_.rules) {
      if (rule.facet != facet || rule.effect == ir::Effect::kNever) continue;
      const auto least = [&](const char* attribute, uint64_t otherwise) {
        const auto at = rule.integers.find(attribute);
        return at == rule.integers.end() || at->second.empty() || at->second.Contains(otherwise) ? otherwise : at->second.Min();
      };
      const uint64_t family = least("family", kInternet);
      Socket inside = {family, least("type", family == kNetlink ? kRaw : kStream), least("protocol", 0)};
      if (NeverMade(inside) && family != kNetlink) inside.protocol = least("protocol", kIcmp);
      take(inside, rule.id, true);
      if (rule.integers.count("family") != 0) take({inside.family == kUnix ? kInternet : kUnix, inside.type, 0}, rule.id, false);
      if (rule.integers.count("type") != 0) take({inside.family, inside.type == kDatagram ? kStream : kDatagram, inside.family == kInternet ? 0 : inside.protocol}, rule.id, false);
      if (rule.integers.count("protocol") != 0) take({inside.family, inside.type, inside.family == kNetlink ? inside.protocol + 1 : 0}, rule.id, false);
    }
    for (const Socket& usual : std::vector<Socket>{{kUnix, kStream, 0}, {kUnix, kDatagram, 0}, {kUnix, kSequence, 0}, {kInternet, kStream, 0}, {kInternet, kStream, 6}, {kInternet, kDatagram, 0}, {kInternet, kDatagram, 17}, {kInternet, kRaw, 1}, {kInternet6, kStream, 0}, {kInternet6, kDatagram, 0}, {kNetlink, kRaw, 0}, {kNetlink, kRaw, 9}, {kNetlink, kDatagram, 15}, {kPacket, kRaw, 0}, {kPacket, kDatagram, 0x300}, {38, kSequence, 0}, {kVsock, kStream, 0}, {4, kDatagram, 0}, {9, kSequence, 0}, {31, kRaw, 0}}) {
      take(usual, std::nullopt, false);
    }
  }

  void Use(const Socket& socket, std::optional<uint32_t> rule, bool inside) {
    const auto say = [&](const char* operation) { return fmt::format("network {{ {} }} family {} type {} protocol {}", operation, socket.family, socket.type, socket.protocol); };
    Add(say("create"), {Create(socket)}, rule, inside);
    if (NeverMade(socket) || (socket.family != kUnix && socket.family != kInternet && socket.family != kInternet6 && socket.family != kNetlink)) return;
    // A raw socket of this machine is one for datagrams as soon as it is there (net/unix/af_unix.c unix_create).
    const Object object = ObjectOf(socket.family == kUnix && socket.type == kRaw ? Socket{kUnix, kDatagram, socket.protocol} : socket);
    Add(say("getopt"), {Create(socket), CallOf("getsockopt", {ResultOf(0), Number(1), Number(3), Page(), Bytes(std::string("\4\0\0\0", 4))}, object)}, rule, inside);  // SO_TYPE
    Add(say("setopt"), {Create(socket), CallOf("setsockopt", {ResultOf(0), Number(1), Number(2), Bytes(std::string("\1\0\0\0", 4)), Number(4)}, object)}, rule, inside);  // SO_REUSEADDR
    Add(say("shutdown"), {Create(socket), CallOf("shutdown", {ResultOf(0), Number(2)}, object)}, rule, inside);
    if (HasPorts(socket) || socket.type == kRaw) return;  // Ports
    if (socket.family == kUnix) {
      Add(say("bind"), {Create(socket), Bind(socket, 0, 0)}, rule, inside);
      if (socket.type == kDatagram) {
        Add(say("send"), {Create(socket), Bind(socket, 0, 0), Create(socket), Connect(socket, 0, 2), CallOf("sendto", {ResultOf(2), Page(), Number(1), Number(kQuietly), Number(0), Number(0)}, ObjectAt(socket, 0))}, rule, inside);
        Add(say("receive"), {Create(socket), Bind(socket, 0, 0), CallOf("recvfrom", {ResultOf(0), Page(), Number(1), Number(kQuietly), Number(0), Number(0)}, ObjectAt(socket, 0))}, rule, inside);
        return;
      }
      const std::vector<Call> server = {Create(socket), Bind(socket, 0, 0), Listen(socket, 0, 0)};
      Add(say("listen"), server, rule, inside);
      std::vector<Call> met = server;
      met.push_back(Create(socket));
      met.push_back(Connect(socket, 0, 3));
      Add(say("connect"), met, rule, inside);
      met.push_back(CallOf("sendto", {ResultOf(3), Page(), Number(1), Number(kQuietly), Number(0), Number(0)}, ObjectAt(socket, 0)));
      Add(say("send"), met, rule, inside);
      met.pop_back();
      met.push_back(CallOf("accept", {ResultOf(0), Number(0), Number(0)}, ObjectAt(socket, 0)));
      Add(say("accept"), met, rule, inside);
      Add(say("send (nobody)"), {Create(socket), CallOf("sendto", {ResultOf(0), Page(), Number(1), Number(kQuietly), Number(0), Number(0)}, ObjectAt(socket, 0))}, rule, inside);
      Add(say("receive"), {Create(socket), CallOf("recvfrom", {ResultOf(0), Page(), Number(1), Number(kQuietly), Number(0), Number(0)}, ObjectAt(socket, 0))}, rule, inside);
      return;
    }
    Add(say("bind"), {Create(socket), Bind(socket, 0, 0)}, rule, inside);
    Add(say("receive"), {Create(socket), CallOf("recvfrom", {ResultOf(0), Page(), Number(1), Number(kQuietly), Number(0), Number(0)}, ObjectAt(socket, 0))}, rule, inside);
  }

  void Ports() {
    // 0, one that needs a capability, one that SELinux is not asked about, one of nobody.
    std::vector<Value> ports = ValuesNear(domain_, "network", "port", {7, 8642, 40000});
    std::erase_if(ports, [](const Value& one) { return one.value == 0 || one.value > 65535; });
    if (ports.size() > kMostPorts) ports.resize(kMostPorts);
    for (const Value& port : ports) {
      const auto at = [&](const char* operation, const char* what) { return fmt::format("network {{ {} }} {} port {}", operation, what, port.value); };
      const Socket tcp = {kInternet, kStream, 0};
      const Socket udp = {kInternet, kDatagram, 0};
      const auto add = [&](const std::string& shown, std::vector<Call> calls) { Add(shown, std::move(calls), port.rule, port.inside); };
      add(at("listen", "tcp"), {Create(tcp), Bind(tcp, port.value, 0), Listen(tcp, port.value, 0)});
      add(at("connect", "tcp"), {Create(tcp), Connect(tcp, port.value, 0)});
      add(at("bind", "udp"), {Create(udp), Bind(udp, port.value, 0)});
      if (&port - ports.data() >= 6) continue;
      std::vector<Call> met = {Create(tcp), Bind(tcp, port.value, 0), Listen(tcp, port.value, 0), Create(tcp), Connect(tcp, port.value, 3), CallOf("sendto", {ResultOf(3), Page(), Number(1), Number(kQuietly), Number(0), Number(0)}, ObjectAt(tcp, port.value))};
      add(at("send", "tcp"), met);
      met.back() = CallOf("accept4", {ResultOf(0), Number(0), Number(0), Number(0)}, ObjectAt(tcp, port.value));
      add(at("accept", "tcp"), met);
      add(at("receive", "tcp"), {Create(tcp), CallOf("recvfrom", {ResultOf(0), Page(), Number(1), Number(kQuietly), Number(0), Number(0)}, ObjectAt(tcp, port.value))});
      add(at("send", "udp"), {Create(udp), CallOf("sendto", {ResultOf(0), Page(), Number(1), Number(kQuietly), Bytes(AddressOf(udp, port.value)), Number(16)}, ObjectAt(udp, port.value))});
      add(at("receive", "udp"), {Create(udp), CallOf("recvfrom", {ResultOf(0), Page(), Number(1), Number(kQuietly), Number(0), Number(0)}, ObjectAt(udp, port.value))});
      const Socket tcp6 = {kInternet6, kStream, 0};
      add(at("listen", "tcp6"), {Create(tcp6), Bind(tcp6, port.value, 0), Listen(tcp6, port.value, 0)});
    }
  }

  const ir::Domain& domain_;
  std::vector<std::tuple<Socket, std::optional<uint32_t>, bool>> sockets_;
  std::vector<Probe> probes_;
};

}  // namespace

std::vector<Probe> NetworkProbes(const ir::Domain& domain) { return Planner(domain).Run(); }

std::vector<Probe> UnixProbes(const std::string& path, std::optional<uint32_t> rule, bool inside, bool owner) {
  std::vector<Probe> probes;
  for (const uint64_t type : {kStream, kDatagram}) {
    const Socket socket = {kUnix, type, 0};
    Object object = ObjectOf(socket);
    object.texts["path"] = path;
    object.texts["peer"] = "self";
    const std::string address = Le16(kUnix) + path + std::string(1, '\0');
    const auto named = [&](const char* call, int descriptor) { return CallOf(call, {ResultOf(descriptor), Bytes(address), Number(address.size())}, object); };
    const Call bind = Also(named("bind", 0), {Ask("file", "create_socket", File(path, 5, owner))});
    const auto add = [&](const char* operation, std::vector<Call> calls) {
      Probe probe;
      probe.kind = "network";
      probe.calls = std::move(calls);
      probe.rule = rule;
      probe.inside = inside;
      probe.shown = fmt::format("network {{ {} }} unix type {} at {}", operation, type, path);
      probe.before = {{MayFail(CallOf("unlinkat", {Number(static_cast<uint64_t>(-100)), Text(path), Number(0)}))}};
      probe.after = probe.before;
      probes.push_back(std::move(probe));
    };
    add("bind", {Create(socket), bind});
    if (type == kStream) add("connect", {Create(socket), bind, CallOf("listen", {ResultOf(0), Number(1)}, object), Create(socket), named("connect", 3)});
    else add("connect", {Create(socket), bind, Create(socket), named("connect", 2)});
  }
  return probes;
}

}  // namespace ravelin::probe
