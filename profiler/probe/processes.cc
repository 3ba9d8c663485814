// Attempts on other processes: one of the domain, one outside of it, one of another user.
#include <fmt/format.h>

#include <string_view>

#include "compiler/kernel/facts.h"
#include "profiler/probe/catalogue.h"

namespace ravelin::probe {
namespace {

constexpr uint64_t kKill = 9, kStop = 19, kFirstRealTime = 32, kLast = 64;

const char* NameOf(Peer peer) { return peer == Peer::kSelf ? "self" : "outside"; }

Object PeerOf(Peer peer) { return {{}, {{"peer", NameOf(peer)}}}; }

std::string Say(uint64_t signal) {
  const std::string_view name = kernel::ConstantName(kernel::Arch::kX86_64, "SIG", signal);
  return name.empty() ? std::to_string(signal) : std::string(name);
}

Probe Send(const Value& signal, Peer peer) {
  Probe probe;
  probe.kind = "signal";
  Call call = CallOf("kill", {PeerProcess(), Number(signal.value)}, PeerOf(peer));
  Object object = PeerOf(peer);
  object.integers["signal"] = signal.value;
  // To see whether somebody is there is an attempt, too; whoever is in the domain is asked whether it receives.
  if (signal.value == 0) call = Also(std::move(call), {Ask("signal", "send", object)});
  if (peer == Peer::kSelf) call = Also(std::move(call), {Ask("signal", "receive", object)});
  probe.calls = {call};
  probe.peer = peer;
  probe.ends_peer = signal.value == kKill;
  probe.rule = signal.rule;
  probe.inside = signal.inside;
  probe.shown = fmt::format("signal {{ send }} {} to {}", Say(signal.value), NameOf(peer));
  return probe;
}

Probe Receive(const Value& signal) {
  Probe probe;
  probe.kind = "signal";
  Call call = CallOf("kill", {PeerProcess(), Number(signal.value)});
  probe.calls = {Also(std::move(call), {Ask("signal", "receive", {{{"signal", signal.value}}, {{"peer", "outside"}}})})};
  probe.actor = Actor::kOutside;
  probe.peer = Peer::kSelf;
  probe.ends_peer = signal.value == kKill;
  probe.rule = signal.rule;
  probe.inside = signal.inside;
  probe.shown = fmt::format("signal {{ receive }} {} from outside", Say(signal.value));
  return probe;
}

Probe Trace(std::string shown, std::vector<Call> calls, Peer peer) {
  Probe probe;
  probe.kind = "ptrace";
  probe.calls = std::move(calls);
  probe.peer = peer;
  probe.any_end = true;
  probe.shown = std::move(shown);
  return probe;
}

}  // namespace

std::vector<Probe> SignalProbes(const ir::Domain& domain) {
  std::vector<uint64_t> usual;
  for (uint64_t signal = 0; signal <= kFirstRealTime + 2; ++signal) usual.push_back(signal);
  usual.push_back(kLast);
  std::vector<Probe> probes;
  const auto all = [&](const Value& signal) {
    if (signal.value > kLast) return;
    for (const Peer peer : {Peer::kOutside, Peer::kSelf}) probes.push_back(Send(signal, peer));
    if (signal.value != 0) probes.push_back(Receive(signal));
  };
  const std::vector<Value> signals = ValuesNear(domain, "signal", "signal", usual);
  for (const Value& signal : signals) {
    if (signal.value != kKill && signal.value != kStop) all(signal);
  }
  for (const uint64_t last : {kStop, kKill}) {  // after them nobody answers any more
    for (const Value& signal : signals) {
      if (signal.value == last) all(signal);
    }
  }
  return probes;
}

std::vector<Probe> TraceProbes() {
  std::vector<Probe> probes;
  for (const Peer peer : {Peer::kOutside, Peer::kSelf}) {
    // Whoever is in the domain is asked whether it is looked at.
    const auto asked = [&](Call call, const char* theirs) { return peer == Peer::kSelf ? Also(std::move(call), {Ask("ptrace", theirs, PeerOf(peer))}) : call; };
    for (const uint64_t request : {uint64_t{0x4206}, uint64_t{16}}) {  // PTRACE_SEIZE, PTRACE_ATTACH
      probes.push_back(Trace(fmt::format("ptrace {{ trace }} request {:#x} of {}", request, NameOf(peer)), {asked(CallOf("ptrace", {Number(request), PeerProcess(), Number(0), Number(0)}, PeerOf(peer)), "tracedby")}, peer));
    }
    // The page is at the same address in every prober.
    for (const char* call : {"process_vm_readv", "process_vm_writev"}) {
      probes.push_back(Trace(fmt::format("{} of {}", call, NameOf(peer)), {asked(CallOf(call, {PeerProcess(), Vector(), Number(1), Vector(), Number(1), Number(0)}, PeerOf(peer)), "tracedby")}, peer));
    }
    probes.push_back(Trace(fmt::format("ptrace {{ read }} of {}", NameOf(peer)), {asked(CallOf("get_robust_list", {PeerProcess(), Page(), Page()}, PeerOf(peer)), "readby")}, peer));
    Call advise = CallOf("process_madvise", {ResultOf(0), Vector(), Number(1), Number(20), Number(0)}, PeerOf(peer));  // MADV_COLD
    probes.push_back(Trace(fmt::format("process_madvise of {}", NameOf(peer)), {CallOf("pidfd_open", {PeerProcess(), Number(0)}), Also(asked(std::move(advise), "readby"), {Ask("capability", "sys_nice")})}, peer));
  }
  return probes;
}

std::vector<Call> PeerCalls() {
  std::vector<Call> calls;
  const std::string ignore = std::string("\1", 1) + std::string(31, '\0');
  for (uint64_t signal = 1; signal <= kLast; ++signal) {
    if (signal != kKill && signal != kStop) calls.push_back(CallOf("rt_sigaction", {Number(signal), Bytes(ignore), Number(0), Number(8)}));
  }
  calls.push_back(CallOf("pause", {}));
  return calls;
}

}  // namespace ravelin::probe
