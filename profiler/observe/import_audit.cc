// Audit records in every envelope that they are found in: auditd's files (`type=AVC msg=audit(...)`), netlink (`type=1400 audit(...)`),
// syslog and dmesg lines, journald's MESSAGE, several records glued into one line, and the older words of AppArmor.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <memory_resource>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "profiler/observe/audit_pattern.h"
#include "profiler/observe/cursor.h"
#include "profiler/observe/import.h"
#include "profiler/observe/observed.h"

namespace ravelin::observe {
namespace {

using kernels::AuditRecord;

constexpr size_t kMostKnown = size_t{1} << 18;  // records whose meaning is kept in mind
constexpr size_t kBatchBytes = size_t{16} << 20;
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

// A hash, eight bytes at a time.
uint64_t Mix(std::string_view text, uint64_t hash) {
  hash += text.size();
  for (; !text.empty(); text.remove_prefix(std::min<size_t>(text.size(), 8))) {
    uint64_t word = 0;
    std::memcpy(&word, text.data(), std::min<size_t>(text.size(), 8));
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 32;
  }
  return hash;
}

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
  // Hooks that were not asked with a mask.
  static const std::map<std::string, const char*> masks = {{"exec", "x"}, {"symlink", "c"}, {"sendmsg", "send"}, {"recvmsg", "receive"}};
  auto& fields = record.fields;
  const auto get = [&](const char* key) -> const std::string& {
    static const std::string kNone;
    const auto at = fields.find(key);
    return at == fields.end() ? kNone : at->second;
  };
  if (const auto found = operations.find(get("operation")); found != operations.end()) fields["operation"] = found->second;
  const std::string operation = get("operation");
  if (operation == "capable" && get("capname").empty()) fields["capname"] = std::string(get("name"));
  for (const char* key : {"requested_mask", "denied_mask"}) {
    const auto at = fields.find(key);
    // "rw::" and "::rw": for the owner and for others.
    if (at != fields.end()) std::erase(at->second, ':');
  }
  if (const auto mask = masks.find(operation); mask != masks.end() && get("requested_mask").empty()) fields["requested_mask"] = mask->second;
  if (operation == "exec") {
    for (const char* key : {"family", "sock_type", "protocol"}) fields.erase(key);
  }
  // Whose file it is, older records do not tell.
  if (get("fsuid").empty() || get("ouid").empty()) fields["fsuid"] = "not told";
  if (const std::string mask = get("requested_mask"); get("denied_mask").empty() && !mask.empty()) fields["denied_mask"] = mask;
  if (const std::string target = get("name2"); !target.empty() && operation == "link") fields["target"] = target;
  if (const std::string label = get("label"); get("profile").empty() && !label.empty()) fields["profile"] = label;
}

class Reader {
 public:
  Reader(Run& run, Imported& out, const Overflow& overflow) : run_(run), out_(out), overflow_(overflow) {}

  void Line(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
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
        MakeRoom(fmt::format("bare-{}", ++bare_));
        Put(kernels::kRecordAvc, "0", Keep(fmt::format("bare-{}", bare_)), Keep(line.substr(bare)));
      } else if (line.find("type=1326") != std::string_view::npos || line.find("type=1400") != std::string_view::npos) {
        ++out_.not_understood;  // a record without its stamp
      }
    }
  }

  void Flush() {
    // An event of one record that says what another one said, but for its time and process, is that one again.
    ReadNew();
    std::string rest;
    for (Event& event : events_) {
      if (event.Alone()) {
        Add(event);
      } else {
        for (const auto& [type, body] : event.records) rest += fmt::format("type={} audit({}:{}): {}\n", type, event.time, event.number, body);
      }
    }
    Read(rest, run_, out_);
    events_.clear();
    serials_.clear();
    batch_.release();
    lines_ = 0;
    held_ = 0;
    if (overflow_(run_) || known_.size() >= kMostKnown) known_.clear();
    if (shapes_.size() >= kMostKnown) shapes_.clear();
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
    key_.assign(node < stamp ? Word(text, node) : std::string_view());
    key_.append(" ").append(time).append(":").append(serial);
    MakeRoom(key_);
    const std::string_view key = Keep(key_);
    if (type == 1107 && body.find("apparmor=") != std::string_view::npos) {
      body.remove_prefix(body.find("apparmor="));
      if (!body.empty() && body.back() == '\'') body.remove_suffix(1);
      Put(kernels::kRecordAvc, Keep(time), key, Keep(body));
    } else if (const char* verdict = VerdictOf(type); verdict != nullptr) {
      Put(kernels::kRecordAvc, Keep(time), key, Keep(fmt::format("apparmor=\"{}\" {}", verdict, body)));
    } else if (type == kernels::kRecordAvc || type == kernels::kRecordSyscall || type == kernels::kRecordPath || type == kernels::kRecordCwd || type == kernels::kRecordSeccomp) {
      // Enriched records have their translation glued behind the last field.
      const size_t glued = body.find("AUID=\"");
      Put(type, Keep(time), key, Keep(glued == std::string_view::npos ? body : body.substr(0, body[glued - (glued > 0 ? 1 : 0)] == '\x1d' ? glued - 1 : glued)));
    } else if (text.find("REJECTING") != std::string_view::npos || text.find("PERMITTING") != std::string_view::npos || text.find("AUDITING") != std::string_view::npos || text.find("LOGPROF-HINT") != std::string_view::npos) {
      ++out_.not_understood;  // sentences of AppArmor 2.0
    }
    return true;
  }

  // Two hashes of a record.
  using Key = std::pair<uint64_t, uint64_t>;
  struct KeyHash {
    size_t operator()(const Key& key) const { return key.first; }
  };
  struct Event {
    size_t number = 0;
    std::string_view time;
    std::pmr::vector<std::pair<int, std::string_view>> records;  // and their types
    // Of one that stands alone.
    Key key;
    std::string_view name;                  // where it follows a pattern
    const AuditPattern* pattern = nullptr;
    std::unique_ptr<Meaning> meaning;       // where it was read

    bool Alone() const { return records.size() == 1 && (records[0].first == kernels::kRecordAvc || records[0].first == kernels::kRecordSeccomp); }
  };
  // What it came to.
  struct Known {
    std::vector<std::pair<Sighting*, uint64_t>> sightings;  // and how often each record says it
    size_t records = 0;
    size_t not_understood = 0;
  };

  struct Shape {
    size_t names = 0;  // that were new
    std::optional<AuditPattern> pattern;
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

  // But for its process.
  static Key KeyOf(std::string_view text, Key key) {
    const size_t pid = text.find(" pid=");
    const size_t end = pid == std::string::npos ? text.size() : std::min(text.find(' ', pid + 5), text.size());
    for (const std::string_view part : {text.substr(0, pid), text.substr(end)}) key = {key.first * 31 + std::hash<std::string_view>()(part), Mix(part, key.second)};
    return key;
  }

  // Sets the event's key; and its pattern, which is made when a second record differs in its name alone.
  void Recognize(Event& event) {
    const auto& [type, body] = event.records[0];
    const Key begin(0, static_cast<uint64_t>(type));
    const auto named = NameIn(body);
    if (!named) {
      event.key = KeyOf(body, begin);
      return;
    }
    const Key around = KeyOf(named->back, KeyOf(named->front, begin));
    event.key = KeyOf(named->name, around);
    if (known_.count(event.key) != 0) return;
    Shape& shape = shapes_[around];
    if (++shape.names == 2) {
      const std::string other = "/other" + std::string(named->name);
      event.meaning = MeaningOf(event.time, type, body);
      shape.pattern = AuditPattern::Of(*event.meaning, named->name, *MeaningOf(event.time, type, fmt::format("{}{}{}", named->front, other, named->back)), other);
    } else if (shape.pattern) {
      event.name = named->name;
      event.pattern = &*shape.pattern;
    }
  }

  static std::unique_ptr<Meaning> MeaningOf(const Event& event) { return MeaningOf(event.time, event.records[0].first, event.records[0].second); }
  static std::unique_ptr<Meaning> MeaningOf(std::string_view time, int type, std::string_view body) {
    auto out = std::make_unique<Meaning>();
    std::string line;
    line.reserve(body.size() + 64);
    line.append("type=").append(std::to_string(type)).append(" audit(").append(time).append(":1): ").append(body).append("\n");
    Read(line, out->run, out->counted);
    return out;
  }

  // Most of the work of a log with many names: what stands in records that were not there before, read by all processors.
  void ReadNew() {
    std::vector<Event*> fresh;
    std::unordered_set<Key, KeyHash> keys;
    for (Event& event : events_) {
      if (!event.Alone()) continue;
      Recognize(event);
      if (!event.pattern && !event.meaning && known_.count(event.key) == 0 && keys.insert(event.key).second) fresh.push_back(&event);
    }
    constexpr size_t kWorthAThread = 500;
    const size_t threads = std::clamp<size_t>(std::min<size_t>(std::thread::hardware_concurrency(), fresh.size() / kWorthAThread), 1, 4);
    const auto read = [&](size_t first) {
      for (size_t i = first; i < fresh.size(); i += threads) fresh[i]->meaning = MeaningOf(*fresh[i]);
    };
    std::vector<std::thread> others;
    for (size_t i = 1; i < threads; ++i) {
      try {
        others.emplace_back(read, i);
      } catch (const std::system_error&) {  // no more threads for this process
        read(i);
      }
    }
    read(0);
    for (std::thread& one : others) one.join();
  }

  void AddMeaning(Event& event, Known& known) {
    if (!event.meaning) event.meaning = MeaningOf(event);
    known.records = event.meaning->counted.records;
    known.not_understood = event.meaning->counted.not_understood;
    for (auto& facts = event.meaning->run.facts; !facts.empty();) {
      const uint64_t count = facts.begin()->second.count;
      const auto put = run_.facts.insert(facts.extract(facts.begin()));
      if (!put.inserted) Continue(put.position->second, put.node.mapped());
      known.sightings.emplace_back(&put.position->second, count);
    }
    run_.completeness.doubts.merge(event.meaning->run.completeness.doubts);
  }

  void Add(Event& event) {
    const auto [at, is_new] = known_.try_emplace(event.key);
    Known& known = at->second;
    const double time = std::strtod(std::string(event.time).c_str(), nullptr);
    // One that is earlier than what is known is the example, too.
    if (is_new || std::any_of(known.sightings.begin(), known.sightings.end(), [&](const auto& one) { return time < one.first->first; })) {
      known.sightings.clear();
      if (event.pattern != nullptr) {
        known.records = event.pattern->records();
        known.not_understood = event.pattern->not_understood();
        for (auto& [fact, seen] : event.pattern->Facts(event.name, time)) {
          const uint64_t count = seen.count;
          const auto [place, is_first] = run_.facts.try_emplace(std::move(fact), std::move(seen));
          if (!is_first) Continue(place->second, seen);
          known.sightings.emplace_back(&place->second, count);
        }
      } else {
        AddMeaning(event, known);
      }
    } else {
      for (const auto& [seen, count] : known.sightings) {
        seen->count += count;
        seen->last = std::max(seen->last, time);
      }
    }
    out_.records += known.records;
    out_.not_understood += known.not_understood;
  }

  // A batch ends between events, unless one event goes on and on.
  void MakeRoom(std::string_view event) {
    const size_t full = std::max(lines_ / kBatch, held_ / kBatchBytes);
    if (full >= 8 || (full >= 1 && serials_.count(event) == 0)) Flush();
  }

  // Until the batch is read.
  std::string_view Keep(std::string_view text) {
    if (text.empty()) return {};
    held_ += text.size();
    auto* place = static_cast<char*>(batch_.allocate(text.size(), 1));
    std::memcpy(place, text.data(), text.size());
    return {place, text.size()};
  }

  // The texts are kept.
  void Put(int type, std::string_view time, std::string_view event, std::string_view body) {
    const auto [at, is_new] = serials_.emplace(event, serials_.size());
    if (is_new) events_.push_back({events_.size() + 1, time, std::pmr::vector<std::pair<int, std::string_view>>(&batch_), {}, {}, nullptr, nullptr});
    events_[at->second].records.emplace_back(type, body);
    ++lines_;
  }

  Run& run_;
  Imported& out_;
  const Overflow& overflow_;
  std::pmr::monotonic_buffer_resource batch_{size_t{1} << 20};
  std::string key_;
  std::vector<Event> events_;
  std::unordered_map<std::string_view, size_t> serials_;  // positions in `events_`
  std::unordered_map<Key, Known, KeyHash> known_;
  std::unordered_map<Key, Shape, KeyHash> shapes_;  // records around their names
  size_t lines_ = 0;
  size_t held_ = 0;  // bytes
  size_t bare_ = 0;
};

}  // namespace

void ImportAudit(Log& log, Run& run, Imported& out, const Overflow& overflow) {
  Reader reader(run, out, overflow);
  EachLine(log, [&](std::string_view line, size_t) { reader.Line(line); });
  reader.Flush();
  if (out.not_understood != 0) run.completeness.channels["audit"].unread = out.not_understood;
  run.completeness.blind.insert("what the mechanism was not asked, or did not record");
}

}  // namespace ravelin::observe
