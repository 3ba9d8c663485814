#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <unordered_map>

#include "profiler/observe/database.h"
#include "profiler/observe/store.h"

namespace ravelin::observe {
namespace {

int64_t Pragma(sqlite3* db, const char* text) {
  Statement statement(db, text);
  return statement.Step() ? statement.Integer(0) : -1;
}

// `fact` and `seen` side by side, both by the number of the fact: no row is looked up.
class StoreCursor : public FactCursor {
 public:
  StoreCursor(std::string path, Database db, std::unordered_map<int64_t, size_t> runs)
      : path_(std::move(path)),
        db_(std::move(db)),
        runs_(std::move(runs)),
        facts_(db_.get(), "SELECT number, facet, operation, attributes, process FROM fact ORDER BY number"),
        sightings_(db_.get(), "SELECT fact, run, count, first, last, example FROM seen ORDER BY fact, run") {}

  Result<bool> Next() override {
    if (!begun_) {
      if (auto ready = Begin(); !ready) return tl::make_unexpected(std::move(ready.error()));
    }
    do {
      if (!facts_.Step()) return End();
      std::swap(last_, here_);
      here_.facet = facts_.View(1);
      here_.operation = facts_.View(2);
      here_.attributes = facts_.View(3);
      const auto process = processes_.find(facts_.Integer(4));
      if (process == processes_.end()) return Bad("a fact of a process that is not there");
      here_.process = process->second;
      // The order is what makes equal recordings equal files, and merging without memory possible.
      if (fact_ != nullptr && !(last_ < here_)) return Bad("its facts do not stand in their order");
      fact_ = &here_;
      if (auto read = ReadSightings(facts_.Integer(0)); !read) return tl::make_unexpected(std::move(read.error()));
    } while (seen_.empty());
    return true;
  }

 private:
  tl::unexpected<Error> Bad(const std::string& what) const { return Fail(ErrorCode::kMalformed, fmt::format("{}: {}", path_, what)); }

  Result<void> Begin() {
    begun_ = true;
    Statement rows(db_.get(), "SELECT number, attributes FROM process");
    while (rows.Step()) processes_.emplace(rows.Integer(0), rows.Text(1));
    if (!rows.good()) return Bad(rows.error());
    waiting_ = sightings_.Step();
    return {};
  }

  Result<void> ReadSightings(int64_t number) {
    seen_.clear();
    while (waiting_ && sightings_.Integer(0) == number) {
      const auto run = runs_.find(sightings_.Integer(1));
      if (run == runs_.end()) return Bad("a fact of a run that is not there");
      if (seen_.size() == buffer_.size()) buffer_.push_back(std::make_unique<Sighting>());
      Sighting& sighting = *buffer_[seen_.size()];
      sighting.count = static_cast<uint64_t>(sightings_.Integer(2));
      sighting.first = sightings_.Real(3);
      sighting.last = sightings_.Real(4);
      sighting.example = sightings_.View(5);
      seen_.push_back({run->second, &sighting});
      waiting_ = sightings_.Step();
    }
    if (!sightings_.good()) return Bad(sightings_.error());
    // Another program may number its runs otherwise.
    std::sort(seen_.begin(), seen_.end(), [](const Seen& one, const Seen& other) { return one.run < other.run; });
    if (waiting_ && sightings_.Integer(0) < number) return Bad("a fact that is not there was seen");
    return {};
  }

  Result<bool> End() {
    seen_.clear();
    if (!facts_.good()) return Bad(facts_.error());
    if (waiting_) return Bad("a fact that is not there was seen");
    return false;
  }

  std::string path_;
  Database db_;
  std::unordered_map<int64_t, size_t> runs_;  // numbers, and positions in the order of identities
  Statement facts_;
  Statement sightings_;
  std::unordered_map<int64_t, std::string> processes_;
  std::vector<std::unique_ptr<Sighting>> buffer_;
  Fact here_;
  Fact last_;
  bool begun_ = false;
  bool waiting_ = false;  // `sightings_` stands on a row
};

// `positions`: numbers, and positions in the order of identities.
Result<Recording> ReadRuns(sqlite3* db, std::unordered_map<int64_t, size_t>& positions) {
  Recording recording;
  std::unordered_map<int64_t, std::string> ids;
  Statement run_rows(db, "SELECT number, id, driver, command, kernel, arch, started, ended, status, variation, clean_start, clean_end FROM run");
  while (run_rows.Step()) {
    const std::string& id = ids.emplace(run_rows.Integer(0), run_rows.Text(1)).first->second;
    Run& run = recording.runs[id];
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
    const auto at = ids.find(number);
    return at == ids.end() ? nullptr : &recording.runs.at(at->second);
  };
  Statement channels(db, "SELECT run, name, lost, unread FROM channel");
  while (channels.Step()) {
    if (Run* run = run_of(channels.Integer(0)); run != nullptr) run->completeness.channels[channels.Text(1)] = {static_cast<uint64_t>(channels.Integer(2)), static_cast<uint64_t>(channels.Integer(3))};
  }
  Statement notes(db, "SELECT run, kind, text FROM note");
  while (notes.Step()) {
    if (Run* run = run_of(notes.Integer(0)); run != nullptr) (notes.Text(1) == "blind" ? run->completeness.blind : run->completeness.doubts).insert(notes.Text(2));
  }
  if (!run_rows.good() || !channels.good() || !notes.good()) return Fail(ErrorCode::kMalformed, sqlite3_errmsg(db));
  std::unordered_map<std::string_view, size_t> order;
  for (const auto& [id, run] : recording.runs) order.emplace(id, order.size());
  for (const auto& [number, id] : ids) positions.emplace(number, order.at(id));
  return recording;
}

}  // namespace

Result<Source> OpenStore(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) return Fail(ErrorCode::kNotFound, fmt::format("{}: cannot be read", path));
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  Database db(raw);
  if (code != SQLITE_OK) return Fail(ErrorCode::kIo, fmt::format("{}: {}", path, sqlite3_errmsg(raw)));
  if (const int64_t application = Pragma(raw, "PRAGMA application_id"); application < 0 && sqlite3_errcode(raw) == SQLITE_CORRUPT) {
    return Fail(ErrorCode::kMalformed, fmt::format("{}: {}", path, sqlite3_errmsg(raw)));
  } else if (application != kStoreApplication) {
    return Fail(ErrorCode::kMalformed, fmt::format("{} is no recording", path));
  }
  if (const int64_t version = Pragma(raw, "PRAGMA user_version"); version != kStoreVersion) return Fail(ErrorCode::kMalformed, fmt::format("{} is a recording of version {}; this program reads version {}", path, version, kStoreVersion));
  std::unordered_map<int64_t, size_t> positions;
  auto runs = ReadRuns(raw, positions);
  if (!runs) return tl::make_unexpected(std::move(runs.error()).In(path));
  return Source{std::move(*runs), std::make_unique<StoreCursor>(path, std::move(db), std::move(positions))};
}

Result<Recording> LoadRecording(const std::string& path) {
  RAVELIN_TRY(source, OpenStore(path));
  Recording recording = std::move(source.runs);
  std::vector<Run*> runs;
  for (auto& [id, run] : recording.runs) runs.push_back(&run);
  while (true) {
    RAVELIN_TRY(more, source.facts->Next());
    if (!more) return recording;
    for (const Seen& one : source.facts->seen()) runs[one.run]->facts.emplace_hint(runs[one.run]->facts.end(), source.facts->fact(), *one.sighting);
  }
}

}  // namespace ravelin::observe
