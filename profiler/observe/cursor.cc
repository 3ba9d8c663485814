#include "profiler/observe/cursor.h"

#include <algorithm>
#include <deque>
#include <tuple>

namespace ravelin::observe {
namespace {

// The smallest of what several stand at, again and again; of equal facts the one that was put in first.
class Smallest {
 public:
  void Put(size_t which, const Fact* fact) {
    heap_.push_back({which, fact});
    std::push_heap(heap_.begin(), heap_.end(), Later);
  }
  size_t Take() {
    std::pop_heap(heap_.begin(), heap_.end(), Later);
    const size_t which = heap_.back().which;
    heap_.pop_back();
    return which;
  }
  bool empty() const { return heap_.empty(); }
  const Fact& fact() const { return *heap_.front().fact; }

 private:
  struct Place {
    size_t which;
    const Fact* fact;
  };
  static bool Later(const Place& one, const Place& other) {
    const auto order = *one.fact <=> *other.fact;
    return order > 0 || (order == 0 && one.which > other.which);
  }
  std::vector<Place> heap_;
};

class MemoryCursor : public FactCursor {
 public:
  explicit MemoryCursor(const Recording& recording) {
    for (const auto& [id, run] : recording.runs) {
      runs_.push_back({run.facts.begin(), run.facts.end()});
      Offer(runs_.size() - 1);
    }
  }

  Result<bool> Next() override {
    for (const Seen& one : seen_) {
      ++runs_[one.run].at;
      Offer(one.run);
    }
    seen_.clear();
    if (waiting_.empty()) return false;
    fact_ = &waiting_.fact();
    while (!waiting_.empty() && waiting_.fact() == *fact_) {
      const size_t run = waiting_.Take();
      seen_.push_back({run, &runs_[run].at->second});
    }
    return true;
  }

 private:
  struct Place {
    std::map<Fact, Sighting>::const_iterator at;
    std::map<Fact, Sighting>::const_iterator end;
  };
  void Offer(size_t run) {
    if (runs_[run].at != runs_[run].end) waiting_.Put(run, &runs_[run].at->first);
  }
  std::vector<Place> runs_;
  Smallest waiting_;
};

class MergedCursor : public FactCursor {
 public:
  struct Input {
    std::unique_ptr<FactCursor> facts;
    std::vector<size_t> runs;  // by position in the input: positions in what comes of it
  };
  MergedCursor(std::vector<Input> inputs, void (*join)(Sighting&, const Sighting&)) : inputs_(std::move(inputs)), join_(join) {
    for (size_t i = 0; i < inputs_.size(); ++i) current_.push_back(i);
  }

  Result<bool> Next() override {
    for (const size_t input : current_) {
      RAVELIN_TRY(more, inputs_[input].facts->Next());
      if (more) waiting_.Put(input, &inputs_[input].facts->fact());
    }
    current_.clear();
    seen_.clear();
    joined_.clear();
    if (waiting_.empty()) return false;
    fact_ = &waiting_.fact();
    while (!waiting_.empty() && waiting_.fact() == *fact_) {
      const size_t input = waiting_.Take();
      current_.push_back(input);
      for (const Seen& one : inputs_[input].facts->seen()) Add(inputs_[input].runs[one.run], *one.sighting);
    }
    return true;
  }

 private:
  void Add(size_t run, const Sighting& sighting) {
    const auto at = std::lower_bound(seen_.begin(), seen_.end(), run, [](const Seen& one, size_t position) { return one.run < position; });
    if (at == seen_.end() || at->run != run) {
      seen_.insert(at, {run, &sighting});
      return;
    }
    joined_.push_back(*at->sighting);
    join_(joined_.back(), sighting);
    at->sighting = &joined_.back();
  }

  std::vector<Input> inputs_;
  void (*join_)(Sighting&, const Sighting&);
  Smallest waiting_;
  std::vector<size_t> current_;  // inputs that stand at the fact
  std::deque<Sighting> joined_;
};

Run WithoutFacts(const Run& run) { return {run.driver, run.command, run.kernel, run.arch, run.started, run.ended, run.status, run.variation, run.completeness, {}}; }

}  // namespace

void Join(Sighting& one, const Sighting& other) {
  // The example goes with the earliest sighting.
  if (other.count != 0 && (one.count == 0 || std::tie(other.first, other.example) < std::tie(one.first, one.example))) one.example = other.example;
  one.first = one.count == 0 ? other.first : other.count == 0 ? one.first : std::min(one.first, other.first);
  one.last = std::max(one.last, other.last);
  one.count = std::max(one.count, other.count);
}

void Continue(Sighting& one, const Sighting& later) {
  if (later.first < one.first) {
    one.first = later.first;
    one.example = later.example;
  }
  one.last = std::max(one.last, later.last);
  one.count += later.count;
}

Source SourceOf(const Recording& recording) {
  Source out;
  for (const auto& [id, run] : recording.runs) out.runs.runs.emplace(id, WithoutFacts(run));
  out.facts = std::make_unique<MemoryCursor>(recording);
  return out;
}

Source MergeSources(std::vector<Source> sources, void (*join)(Sighting&, const Sighting&)) {
  Source out;
  for (const Source& source : sources) out.runs = Merge(std::move(out.runs), source.runs);
  std::map<std::string_view, size_t> positions;
  for (const auto& [id, run] : out.runs.runs) positions.emplace(id, positions.size());
  std::vector<MergedCursor::Input> inputs;
  for (Source& source : sources) {
    std::vector<size_t> runs;
    for (const auto& [id, run] : source.runs.runs) runs.push_back(positions.at(id));
    inputs.push_back({std::move(source.facts), std::move(runs)});
  }
  out.facts = std::make_unique<MergedCursor>(std::move(inputs), join);
  return out;
}

}  // namespace ravelin::observe
