// Sockets of the machine that were made to ask a service that was not there: a cache of names, a log.  What asked went on without; a rule
// for it would reach whoever listens anywhere, since neither a filter nor AppArmor sees to which path a socket is connected.
#include <algorithm>
#include <vector>

#include "profiler/generalize/generalize.h"

namespace ravelin::generalize {
namespace {

constexpr const char* kUnix = "0x1";  // AF_UNIX

std::string Get(const Seen& seen, const char* key) {
  const auto at = seen.attributes.find(key);
  return at == seen.attributes.end() ? "" : at->second;
}

bool IsCall(const Seen& seen, const char* name) { return seen.facet == "syscall" && seen.operation == name; }
bool IsUnix(const Seen& seen, const char* operation) { return seen.facet == "network" && seen.operation == operation && Get(seen, "family") == kUnix; }
bool HasName(const Seen& seen) { return !Get(seen, "path").empty() || !Get(seen, "abstract").empty(); }

}  // namespace

std::optional<Rule> TakeAbsent(std::vector<Seen>& seen, size_t runs) {
  Evidence evidence;
  std::set<std::string> names;
  bool pairs = false;
  uint64_t made = 0;  // sockets
  for (const Seen& one : seen) {
    pairs = pairs || IsCall(one, "socketpair");
    if (IsCall(one, "socket") && Get(one, "domain") == kUnix) made += one.evidence.count;
    // Somebody was reached, or reaches this.
    if ((IsUnix(one, "connect") || IsUnix(one, "send")) && HasName(one)) return std::nullopt;
    if (IsUnix(one, "bind") || IsUnix(one, "listen") || IsUnix(one, "accept")) return std::nullopt;
    if (!IsCall(one, "connect") || Get(one, "family") != kUnix) continue;
    const std::string error = Get(one, "refused");
    if (error != "ENOENT" && error != "ECONNREFUSED") return std::nullopt;
    names.insert(Get(one, "path").empty() ? "a name without a path" : Get(one, "path"));
    evidence.Join(one.evidence);
  }
  // One that was made for something else -- a question about an interface -- asked nobody and did its work.
  if (names.empty() || made > evidence.count) return std::nullopt;
  std::erase_if(seen, [&](const Seen& one) { return IsUnix(one, "connect") || (IsUnix(one, "create") && !pairs) || (IsCall(one, "socket") && Get(one, "domain") == kUnix) || (IsCall(one, "connect") && Get(one, "family") == kUnix); });
  return Rule{"network", {"nobody was there: " + JoinNames(names) + ": " + EvidenceText(evidence, runs), "what asked goes on without"}, "absent: deny syscall socket(domain == AF_UNIX) with errno(EACCES)"};
}

}  // namespace ravelin::generalize
