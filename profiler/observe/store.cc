#include "profiler/observe/store.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <unordered_map>

#include "compiler/base/check.h"

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

struct Close {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;

// A statement: values are bound in their order, then rows are stepped through.
class Statement {
 public:
  Statement(sqlite3* db, const char* text) : db_(db) {
    sqlite3_stmt* raw = nullptr;
    good_ = sqlite3_prepare_v2(db, text, -1, &raw, nullptr) == SQLITE_OK;
    statement_.reset(raw);
  }
  Statement& Bind(std::string_view text) {
    good_ = good_ && sqlite3_bind_text(statement_.get(), ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT) == SQLITE_OK;
    return *this;
  }
  Statement& Bind(int64_t value) {
    good_ = good_ && sqlite3_bind_int64(statement_.get(), ++bound_, value) == SQLITE_OK;
    return *this;
  }
  Statement& Bind(double value) {
    good_ = good_ && sqlite3_bind_double(statement_.get(), ++bound_, value) == SQLITE_OK;
    return *this;
  }
  // True on a row.
  bool Step() {
    if (!good_) return false;
    const int code = sqlite3_step(statement_.get());
    good_ = code == SQLITE_ROW || code == SQLITE_DONE;
    return code == SQLITE_ROW;
  }
  // An insertion; ready for the next one.
  bool Insert() {
    Step();
    if (statement_) sqlite3_reset(statement_.get());
    bound_ = 0;
    return good_;
  }
  std::string Text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    return text == nullptr ? "" : std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)));
  }
  int64_t Integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  double Real(int column) const { return sqlite3_column_double(statement_.get(), column); }
  bool good() const { return good_; }
  std::string error() const { return sqlite3_errmsg(db_); }

 private:
  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, Close> statement_;
  bool good_ = false;
  int bound_ = 0;
};

int64_t Pragma(sqlite3* db, const char* text) {
  Statement statement(db, text);
  return statement.Step() ? statement.Integer(0) : -1;
}

Result<void> Write(sqlite3* db, const Recording& recording) {
  const auto run_sql = [&](const std::string& text) { return sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK; };
  const auto fail = [&] { return Fail(ErrorCode::kIo, sqlite3_errmsg(db)); };
  if (!run_sql("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA encoding = 'UTF-8'") || !run_sql(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}; BEGIN", kStoreApplication, kStoreVersion)) || !run_sql(kTables)) return fail();
  // Facts by their order over all runs, so that equal recordings give equal files.
  std::map<Fact, std::vector<std::pair<int64_t, const Sighting*>>> facts;
  Statement run_row(db, "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  Statement channel_row(db, "INSERT INTO channel VALUES (?, ?, ?, ?)");
  Statement note_row(db, "INSERT INTO note VALUES (?, ?, ?)");
  int64_t number = 0;
  for (const auto& [id, run] : recording.runs) {
    ++number;
    const Completeness& c = run.completeness;
    run_row.Bind(number).Bind(id).Bind(run.driver).Bind(run.command).Bind(run.kernel).Bind(run.arch).Bind(run.started).Bind(run.ended).Bind(run.status).Bind(Encode(run.variation)).Bind(int64_t{c.clean_start}).Bind(int64_t{c.clean_end});
    if (!run_row.Insert()) return fail();
    for (const auto& [name, channel] : c.channels) {
      if (!channel_row.Bind(number).Bind(name).Bind(static_cast<int64_t>(channel.lost)).Bind(static_cast<int64_t>(channel.unread)).Insert()) return fail();
    }
    for (const std::string& text : c.blind) {
      if (!note_row.Bind(number).Bind(std::string_view("blind")).Bind(text).Insert()) return fail();
    }
    for (const std::string& text : c.doubts) {
      if (!note_row.Bind(number).Bind(std::string_view("doubt")).Bind(text).Insert()) return fail();
    }
    for (const auto& [fact, sighting] : run.facts) facts[fact].emplace_back(number, &sighting);
  }
  Statement process_row(db, "INSERT INTO process VALUES (?, ?)");
  Statement fact_row(db, "INSERT INTO fact VALUES (?, ?, ?, ?, ?)");
  Statement seen_row(db, "INSERT INTO seen VALUES (?, ?, ?, ?, ?, ?)");
  std::unordered_map<std::string, int64_t> processes;
  number = 0;
  for (const auto& [fact, seen] : facts) {
    ++number;
    const auto [process, is_new] = processes.emplace(fact.process, static_cast<int64_t>(processes.size()) + 1);
    if (is_new && !process_row.Bind(process->second).Bind(fact.process).Insert()) return fail();
    if (!fact_row.Bind(number).Bind(fact.facet).Bind(fact.operation).Bind(fact.attributes).Bind(process->second).Insert()) return fail();
    for (const auto& [run, sighting] : seen) {
      if (!seen_row.Bind(number).Bind(run).Bind(static_cast<int64_t>(sighting->count)).Bind(sighting->first).Bind(sighting->last).Bind(sighting->example).Insert()) return fail();
    }
  }
  if (!run_sql("COMMIT")) return fail();
  return {};
}

Result<Recording> Read(sqlite3* db) {
  Recording recording;
  std::map<int64_t, Run*> runs;
  const auto fail = [&] { return Fail(ErrorCode::kMalformed, sqlite3_errmsg(db)); };
  Statement run_rows(db, "SELECT number, id, driver, command, kernel, arch, started, ended, status, variation, clean_start, clean_end FROM run");
  while (run_rows.Step()) {
    Run& run = recording.runs[run_rows.Text(1)];
    runs[run_rows.Integer(0)] = &run;
    run.driver = run_rows.Text(2);
    run.command = run_rows.Text(3);
    run.kernel = run_rows.Text(4);
    run.arch = run_rows.Text(5);
    run.started = run_rows.Real(6);
    run.ended = run_rows.Real(7);
    run.status = run_rows.Text(8);
    run.variation = Decode(run_rows.Text(9));
    run.completeness.clean_start = run_rows.Integer(10) != 0;
    run.completeness.clean_end = run_rows.Integer(11) != 0;
  }
  const auto run_of = [&](int64_t number) -> Run* {
    const auto at = runs.find(number);
    return at == runs.end() ? nullptr : at->second;
  };
  Statement channels(db, "SELECT run, name, lost, unread FROM channel");
  while (channels.Step()) {
    if (Run* run = run_of(channels.Integer(0)); run != nullptr) run->completeness.channels[channels.Text(1)] = {static_cast<uint64_t>(channels.Integer(2)), static_cast<uint64_t>(channels.Integer(3))};
  }
  Statement notes(db, "SELECT run, kind, text FROM note");
  while (notes.Step()) {
    if (Run* run = run_of(notes.Integer(0)); run != nullptr) (notes.Text(1) == "blind" ? run->completeness.blind : run->completeness.doubts).insert(notes.Text(2));
  }
  Statement seen(db, "SELECT facet, operation, fact.attributes, process.attributes, run, count, first, last, example FROM seen JOIN fact ON seen.fact = fact.number JOIN process ON fact.process = process.number ORDER BY seen.fact, seen.run");
  while (seen.Step()) {
    Run* run = run_of(seen.Integer(4));
    if (run == nullptr) return Fail(ErrorCode::kMalformed, "a fact of a run that is not there");
    run->facts.emplace_hint(run->facts.end(), Fact{seen.Text(0), seen.Text(1), seen.Text(2), seen.Text(3)}, Sighting{static_cast<uint64_t>(seen.Integer(5)), seen.Real(6), seen.Real(7), seen.Text(8)});
  }
  if (!run_rows.good() || !channels.good() || !notes.good() || !seen.good()) return fail();
  return recording;
}

}  // namespace

Result<Recording> LoadRecording(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) return Fail(ErrorCode::kNotFound, fmt::format("{}: cannot be read", path));
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr);
  const Database db(raw);
  if (code != SQLITE_OK) return Fail(ErrorCode::kIo, fmt::format("{}: {}", path, sqlite3_errmsg(raw)));
  if (Pragma(raw, "PRAGMA application_id") != kStoreApplication) return Fail(ErrorCode::kMalformed, fmt::format("{} is no recording", path));
  if (const int64_t version = Pragma(raw, "PRAGMA user_version"); version != kStoreVersion) return Fail(ErrorCode::kMalformed, fmt::format("{} is a recording of version {}; this program reads version {}", path, version, kStoreVersion));
  auto recording = Read(raw);
  if (!recording) return tl::make_unexpected(std::move(recording.error()).In(path));
  return recording;
}

Result<void> SaveRecording(const Recording& recording, const std::string& path) {
  const std::string part = fmt::format("{}.{}.part", path, getpid());
  unlink(part.c_str());
  sqlite3* raw = nullptr;
  Database db;
  const int code = sqlite3_open_v2(part.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  db.reset(raw);
  if (code != SQLITE_OK) return Fail(ErrorCode::kIo, fmt::format("{}: {}", path, sqlite3_errmsg(raw)));
  const auto written = Write(raw, recording);
  db.reset();
  if (!written || std::rename(part.c_str(), path.c_str()) != 0) {
    unlink(part.c_str());
    return Fail(ErrorCode::kIo, fmt::format("{}: {}", path, written ? "cannot be replaced" : written.error().message));
  }
  return {};
}

}  // namespace ravelin::observe
