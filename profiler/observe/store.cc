#include "profiler/observe/store.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "compiler/base/check.h"
#include "profiler/observe/database.h"

namespace ravelin::observe {
namespace {

constexpr const char* kTables = R"(
CREATE TABLE run (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, driver TEXT NOT NULL, command TEXT NOT NULL, kernel TEXT NOT NULL,
  arch TEXT NOT NULL, started REAL NOT NULL, ended REAL NOT NULL, status TEXT NOT NULL, variation TEXT NOT NULL,
  clean_start INTEGER NOT NULL, clean_end INTEGER NOT NULL);
CREATE TABLE channel (run INTEGER NOT NULL REFERENCES run, name TEXT NOT NULL, lost INTEGER NOT NULL, unread INTEGER NOT NULL, PRIMARY KEY (run, name)) WITHOUT ROWID;
CREATE TABLE note (run INTEGER NOT NULL REFERENCES run, kind TEXT NOT NULL CHECK (kind IN ('blind', 'doubt')), text TEXT NOT NULL, PRIMARY KEY (run, kind, text)) WITHOUT ROWID;
CREATE TABLE process (number INTEGER PRIMARY KEY, attributes TEXT NOT NULL);
CREATE TABLE fact (number INTEGER PRIMARY KEY, facet TEXT NOT NULL, operation TEXT NOT NULL, attributes TEXT NOT NULL, process INTEGER NOT NULL REFERENCES process);
CREATE TABLE seen (fact INTEGER NOT NULL REFERENCES fact, run INTEGER NOT NULL REFERENCES run, count INTEGER NOT NULL, first REAL NOT NULL,
  last REAL NOT NULL, example TEXT NOT NULL, PRIMARY KEY (fact, run)) WITHOUT ROWID;
)";

// What would end the program waits until the part of a file is whole or gone.
class SignalsWait {
 public:
  SignalsWait() {
    sigemptyset(&ending_);
    for (const int one : {SIGINT, SIGTERM, SIGHUP}) {
      struct sigaction action {};
      if (sigaction(one, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) sigaddset(&ending_, one);
    }
    pthread_sigmask(SIG_BLOCK, &ending_, &before_);
  }
  ~SignalsWait() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;

  bool Asked() const {
    sigset_t pending;
    sigpending(&pending);
    for (const int one : {SIGINT, SIGTERM, SIGHUP}) {
      if (sigismember(&ending_, one) == 1 && sigismember(&pending, one) == 1) return true;
    }
    return false;
  }

 private:
  sigset_t ending_;
  sigset_t before_;
};

// A recording on its way to a new database: the runs, then the facts in their order.
class Writer {
 public:
  Writer(sqlite3* db, const SignalsWait& signals) : db_(db), signals_(signals) {}

  Result<std::vector<size_t>> Write(Source& source) {
    if (!Execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA encoding = 'UTF-8'") || !Execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}; BEGIN", kStoreApplication, kStoreVersion)) || !Execute(kTables)) return Failed();
    if (auto written = WriteRuns(source.runs); !written) return tl::make_unexpected(std::move(written.error()));
    std::vector<size_t> counts(source.runs.runs.size());
    if (auto written = WriteFacts(*source.facts, counts); !written) return tl::make_unexpected(std::move(written.error()));
    if (!Execute("COMMIT")) return Failed();
    return counts;
  }

 private:
  bool Execute(const std::string& text) { return sqlite3_exec(db_, text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK; }
  tl::unexpected<Error> Failed() const { return Fail(ErrorCode::kIo, sqlite3_errmsg(db_)); }

  Result<void> WriteRuns(const Recording& recording) {
    Statement run_row(db_, "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    Statement channel_row(db_, "INSERT INTO channel VALUES (?, ?, ?, ?)");
    Statement note_row(db_, "INSERT INTO note VALUES (?, ?, ?)");
    int64_t number = 0;
    for (const auto& [id, run] : recording.runs) {
      ++number;
      const Completeness& c = run.completeness;
      const std::string variation = Encode(run.variation);
      run_row.Bind(number).Bind(id).Bind(run.driver).Bind(run.command).Bind(run.kernel).Bind(run.arch).Bind(run.started).Bind(run.ended).Bind(run.status).Bind(variation).Bind(int64_t{c.clean_start}).Bind(int64_t{c.clean_end});
      if (!run_row.Insert()) return Failed();
      for (const auto& [name, channel] : c.channels) {
        if (!channel_row.Bind(number).Bind(name).Bind(static_cast<int64_t>(channel.lost)).Bind(static_cast<int64_t>(channel.unread)).Insert()) return Failed();
      }
      for (const std::string& text : c.blind) {
        if (!note_row.Bind(number).Bind(std::string_view("blind")).Bind(text).Insert()) return Failed();
      }
      for (const std::string& text : c.doubts) {
        if (!note_row.Bind(number).Bind(std::string_view("doubt")).Bind(text).Insert()) return Failed();
      }
    }
    return {};
  }

  Result<void> WriteFacts(FactCursor& facts, std::vector<size_t>& counts) {
    Statement process_row(db_, "INSERT INTO process VALUES (?, ?)");
    Statement fact_row(db_, "INSERT INTO fact VALUES (?, ?, ?, ?, ?)");
    Statement seen_row(db_, "INSERT INTO seen VALUES (?, ?, ?, ?, ?, ?)");
    std::unordered_map<std::string, int64_t> processes;
    for (int64_t number = 1;; ++number) {
      RAVELIN_TRY(more, facts.Next());
      if (!more) return {};
      if (number % 1024 == 0 && signals_.Asked()) return Fail(ErrorCode::kIo, "interrupted");
      const Fact& fact = facts.fact();
      const auto [process, is_new] = processes.try_emplace(fact.process, static_cast<int64_t>(processes.size()) + 1);
      if (is_new && !process_row.Bind(process->second).Bind(fact.process).Insert()) return Failed();
      if (!fact_row.Bind(number).Bind(fact.facet).Bind(fact.operation).Bind(fact.attributes).Bind(process->second).Insert()) return Failed();
      for (const Seen& one : facts.seen()) {
        const Sighting& s = *one.sighting;
        ++counts[one.run];
        if (!seen_row.Bind(number).Bind(static_cast<int64_t>(one.run) + 1).Bind(static_cast<int64_t>(s.count)).Bind(s.first).Bind(s.last).Bind(s.example).Insert()) return Failed();
      }
    }
  }

  sqlite3* db_;
  const SignalsWait& signals_;
};

// Files that are removed in the end.
struct Temporary {
  std::vector<std::string> paths;
  ~Temporary() {
    for (const std::string& path : paths) unlink(path.c_str());
  }
};

}  // namespace

Result<std::vector<size_t>> SaveSource(Source source, const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) return Fail(ErrorCode::kIo, fmt::format("{}: a recording is a file, and this is something else", path));
  const SignalsWait signals;
  const std::string part = fmt::format("{}.{}.part", path, getpid());
  unlink(part.c_str());
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(part.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database db(raw);
  if (code != SQLITE_OK) return Fail(ErrorCode::kIo, fmt::format("{}: {}", path, sqlite3_errmsg(raw)));
  auto written = Writer(raw, signals).Write(source);
  db.reset();
  if (written && std::rename(part.c_str(), path.c_str()) == 0) return written;
  unlink(part.c_str());
  if (written) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be replaced", path));
  if (written.error().code != ErrorCode::kIo) return written;  // of what was read, which says where
  return tl::make_unexpected(std::move(written.error()).In(path));
}

Result<void> SaveRecording(const Recording& recording, const std::string& path) {
  if (auto saved = SaveSource(SourceOf(recording), path); !saved) return tl::make_unexpected(std::move(saved.error()));
  return {};
}

Result<void> MergeStores(const std::vector<std::string>& inputs, const std::string& path, size_t at_once) {
  RAVELIN_CHECK(at_once > 1, "nothing is merged one by one");
  const SignalsWait signals;  // until the groups are gone as well
  Temporary groups;
  std::vector<std::string> left = inputs;
  while (left.size() > at_once) {
    std::vector<std::string> merged;
    for (size_t at = 0; at < left.size(); at += at_once) {
      merged.push_back(fmt::format("{}.{}.{}.group", path, getpid(), groups.paths.size()));
      groups.paths.push_back(merged.back());
      const std::vector<std::string> group(left.begin() + static_cast<ptrdiff_t>(at), left.begin() + static_cast<ptrdiff_t>(std::min(at + at_once, left.size())));
      if (auto done = MergeStores(group, merged.back(), at_once); !done) return done;
    }
    left = std::move(merged);
  }
  std::vector<Source> sources;
  for (const std::string& one : left) {
    RAVELIN_TRY(source, OpenStore(one));
    sources.push_back(std::move(source));
  }
  if (auto saved = SaveSource(MergeSources(std::move(sources)), path); !saved) return tl::make_unexpected(std::move(saved.error()));
  return {};
}

}  // namespace ravelin::observe
