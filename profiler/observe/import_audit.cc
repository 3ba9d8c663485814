// Audit records in every envelope that they are found in: auditd's files (`type=AVC msg=audit(...)`), netlink (`type=1400 audit(...)`),
// syslog and dmesg lines, journald's MESSAGE, several records glued into one line, and the older words of AppArmor.
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <unordered_map>

#include "profiler/observe/import.h"
#include "profiler/observe/observed.h"

namespace ravelin::observe {
namespace {

using kernels::AuditRecord;

constexpr size_t kBatch = 8192;  // lines that are read together: an event's records stand close to one another

// Types by the names that auditd gives them (linux/audit.h).
int TypeOf(std::string_view word) {
  static const std::map<std::string_view, int> names = {{"SYSCALL", 1300}, {"PATH", 1302}, {"CWD", 1307}, {"SECCOMP", 1326}, {"AVC", 1400}, {"USER_AVC", 1107}, {"APPARMOR_AUDIT", 1501}, {"APPARMOR_ALLOWED", 1502}, {"APPARMOR_DENIED", 1503}, {"APPARMOR_HINT", 1504}, {"APPARMOR_STATUS", 1505}};
  if (const auto at = names.find(word); at != names.end()) return at->second;
  int value = 0;
  for (const char c : word) {
    if (c < '0' || c > '9') return 0;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::string_view Word(std::string_view text, size_t at) { return text.substr(at, std::min(text.find_first_of(" \t", at), text.size()) - at); }

// The older types of AppArmor say what became of the attempt; today's say it in a field.
const char* VerdictOf(int type) {
  switch (type) {
    case 1501: return "AUDIT";
    case 1502: return "ALLOWED";
    case 1503: return "DENIED";
    default: return nullptr;
  }
}

// Words and masks of older kernels as today's.
void Modernize(AuditRecord& record) {
  static const std::map<std::string, std::string> operations = {{"inode_permission", "open"}, {"file_permission", "file_perm"}, {"inode_link", "link"}, {"inode_create", "mknod"}, {"inode_mkdir", "mkdir"}, {"inode_unlink", "unlink"}, {"inode_rename", "rename_src"}, {"inode_setattr", "chmod"}, {"socket_create", "create"}};
  auto& fields = record.fields;
  const auto get = [&](const char* key) { return kernels::Field(record, key); };
  if (const auto found = operations.find(get("operation")); found != operations.end()) fields["operation"] = found->second;
  if (get("operation") == "capable" && get("capname").empty()) fields["capname"] = get("name");
  for (const char* key : {"requested_mask", "denied_mask"}) {
    const auto at = fields.find(key);
    // "rw::" and "::rw": for the owner and for others.
    if (at != fields.end()) std::erase(at->second, ':');
  }
  // Hooks that were not asked with a mask.
  for (const auto& [operation, mask] : {std::pair{"exec", "x"}, {"symlink", "c"}, {"ptrace", "trace"}, {"sendmsg", "send"}, {"recvmsg", "receive"}}) {
    if (get("operation") != operation) continue;
    if (get("requested_mask").empty() && !(std::string_view(operation) == "ptrace")) fields["requested_mask"] = mask;
  }
  if (get("operation") == "exec") {
    for (const char* key : {"family", "sock_type", "protocol"}) fields.erase(key);
  }
  // Whose file it is, older records do not tell.
  if (get("fsuid").empty() || get("ouid").empty()) fields["fsuid"] = "not told";
  if (get("denied_mask").empty() && !get("requested_mask").empty()) fields["denied_mask"] = get("requested_mask");
  if (!get("name2").empty() && get("operation") == "link") fields["target"] = get("name2");
  if (get("profile").empty() && !get("label").empty()) fields["profile"] = get("label");
}

class Reader {
 public:
  Reader(Run& run, Imported& out) : run_(run), out_(out) {}

  void Line(std::string_view line) {
    bool any = false;
    size_t at = 0;
    while (at < line.size()) {
      const size_t stamp = line.find("audit(", at);
      if (stamp == std::string_view::npos) break;
      // The next record of the same line, if there is one, begins with its own type.
      const size_t next = line.find("type=", stamp + 6);
      size_t end = line.size();
      for (size_t t = next; t != std::string_view::npos; t = line.find("type=", t + 5)) {
        const size_t behind = line.find_first_of(" \t", t);
        if (behind == std::string_view::npos) break;
        const std::string_view rest = line.substr(line.find_first_not_of(" \t", behind) == std::string_view::npos ? line.size() : line.find_first_not_of(" \t", behind));
        if (rest.rfind("msg=audit(", 0) == 0 || rest.rfind("audit(", 0) == 0) {
          end = t;
          break;
        }
      }
      any = Record(line.substr(at, end - at), stamp - at) || any;
      at = end;
    }
    if (!any && at == 0) {
      if (const size_t bare = line.find("apparmor=\""); bare != std::string_view::npos) {
        Put(kernels::kRecordAvc, "0", fmt::format("bare-{}", ++bare_), line.substr(bare));
      } else if (line.find("type=1326") != std::string_view::npos || line.find("type=1400") != std::string_view::npos) {
        ++out_.not_understood;  // a record without its stamp
      }
    }
    if (lines_ >= kBatch) Flush();
  }

  void Flush() {
    // An event of one record that says what another one said, but for its time and process, is that one again.
    std::string rest;
    for (const Event& event : events_) {
      if (event.records.size() == 1 && (event.records[0].first == kernels::kRecordAvc || event.records[0].first == kernels::kRecordSeccomp)) {
        Alone(event);
      } else {
        for (const auto& [type, body] : event.records) rest += fmt::format("type={} audit({}:{}): {}\n", type, event.time, event.number, body);
      }
    }
    Read(rest, run_, out_);
    events_.clear();
    serials_.clear();
    lines_ = 0;
  }

 private:
  // `text` up to the next record; the stamp begins at `stamp`.
  bool Record(std::string_view text, size_t stamp) {
    const size_t colon = text.find(':', stamp);
    const size_t close = text.find("):", stamp);
    if (colon == std::string_view::npos || close == std::string_view::npos || colon > close) return false;
    const std::string_view time = text.substr(stamp + 6, colon - stamp - 6);
    const std::string_view serial = text.substr(colon + 1, close - colon - 1);
    if (time.find_first_not_of("0123456789.") != std::string_view::npos || serial.find_first_not_of("0123456789") != std::string_view::npos) {
      ++out_.not_understood;
      return true;
    }
    std::string_view body = text.substr(close + 2);
    while (!body.empty() && body.front() == ' ') body.remove_prefix(1);
    int type = 0;
    if (const size_t before = text.substr(0, stamp).rfind("type="); before != std::string_view::npos) type = TypeOf(Word(text, before + 5));
    if (body.rfind("type=", 0) == 0) {
      if (const int inner = TypeOf(Word(body, 5)); inner != 0) type = inner;
      body.remove_prefix(std::min(body.find(' '), body.size()));
    }
    const size_t node = text.find("node=");
    const std::string key = fmt::format("{} {}:{}", node < stamp ? Word(text, node) : std::string_view(), time, serial);
    if (type == 1107 && body.find("apparmor=") != std::string_view::npos) {
      body.remove_prefix(body.find("apparmor="));
      if (!body.empty() && body.back() == '\'') body.remove_suffix(1);
      Put(kernels::kRecordAvc, time, key, body);
    } else if (const char* verdict = VerdictOf(type); verdict != nullptr) {
      Put(kernels::kRecordAvc, time, key, fmt::format("apparmor=\"{}\" {}", verdict, body));
    } else if (type == kernels::kRecordAvc || type == kernels::kRecordSyscall || type == kernels::kRecordPath || type == kernels::kRecordCwd || type == kernels::kRecordSeccomp) {
      // Enriched records have their translation glued behind the last field.
      const size_t glued = body.find("AUID=\"");
      Put(type, time, key, glued == std::string_view::npos ? body : body.substr(0, body[glued - (glued > 0 ? 1 : 0)] == '\x1d' ? glued - 1 : glued));
    } else if (text.find("REJECTING") != std::string_view::npos || text.find("PERMITTING") != std::string_view::npos || text.find("AUDITING") != std::string_view::npos || text.find("LOGPROF-HINT") != std::string_view::npos) {
      ++out_.not_understood;  // sentences of AppArmor 2.0
    }
    return true;
  }

  struct Event {
    size_t number = 0;
    std::string time;
    std::vector<std::pair<int, std::string>> records;
  };
  // What a record that stands alone came to.
  struct Known {
    std::vector<Sighting*> sightings;
    size_t records = 0;
    size_t not_understood = 0;
  };

  static void Read(const std::string& lines, Run& run, Imported& out) {
    if (lines.empty()) return;
    kernels::AuditLog log = kernels::ParseAudit(lines);
    out.not_understood += log.malformed;
    for (kernels::AuditEvent& event : log.events) {
      for (AuditRecord& record : event.records) {
        if (record.type == kernels::kRecordAvc) Modernize(record);
      }
    }
    out.not_understood += AddAudit(log.events, {}, run, &out.records);
  }

  void Alone(const Event& event) {
    const std::string& body = event.records[0].second;
    const size_t pid = body.find(" pid=");
    const size_t end = pid == std::string::npos ? pid : std::min(body.find(' ', pid + 5), body.size());
    const std::string_view before = std::string_view(body).substr(0, pid);
    const std::string_view after = pid == std::string::npos ? std::string_view() : std::string_view(body).substr(end);
    const std::hash<std::string_view> hash;
    uint64_t other = 1469598103934665603ULL;
    for (const std::string_view part : {before, after}) {
      for (const char c : part) other = (other ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    const auto [at, is_new] = known_.emplace(std::pair(hash(before) * 31 + hash(after), other), Known());
    Known& known = at->second;
    if (is_new) {
      Run alone;
      Imported counted;
      Read(fmt::format("type={} audit({}:1): {}\n", event.records[0].first, event.time, body), alone, counted);
      known.records = counted.records;
      known.not_understood = counted.not_understood;
      for (auto& [fact, seen] : alone.facts) {
        run_.Add(fact, seen.first, seen.example, seen.count);
        known.sightings.push_back(&run_.facts.find(fact)->second);
      }
      for (const std::string& doubt : alone.completeness.doubts) run_.completeness.doubts.insert(doubt);
    } else {
      const double time = std::strtod(event.time.c_str(), nullptr);
      for (Sighting* seen : known.sightings) {
        ++seen->count;
        seen->first = std::min(seen->first, time);
        seen->last = std::max(seen->last, time);
      }
    }
    out_.records += known.records;
    out_.not_understood += known.not_understood;
  }

  void Put(int type, std::string_view time, const std::string& event, std::string_view body) {
    const auto [at, is_new] = serials_.emplace(event, serials_.size());
    if (is_new) events_.push_back({events_.size() + 1, std::string(time), {}});
    events_[at->second].records.emplace_back(type, body);
    ++lines_;
  }

  Run& run_;
  Imported& out_;
  std::vector<Event> events_;
  std::unordered_map<std::string, size_t> serials_;  // positions in `events_`
  std::map<std::pair<uint64_t, uint64_t>, Known> known_;
  size_t lines_ = 0;
  size_t bare_ = 0;
};

}  // namespace

void ImportAudit(std::string_view text, Run& run, Imported& out) {
  Reader reader(run, out);
  EachLine(text, [&](std::string_view line, size_t) { reader.Line(line); });
  reader.Flush();
  if (out.not_understood != 0) run.completeness.channels["audit"].unread = out.not_understood;
  run.completeness.blind.insert("what the mechanism was not asked, or did not record");
}

}  // namespace ravelin::observe
