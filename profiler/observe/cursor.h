// Facts one after another in their order, wherever they stand: in memory, in a store, in several of them at once.  What reads and writes by
// cursors needs no memory for the facts.
#pragma once

#include <memory>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/observe/fact.h"

namespace ravelin::observe {

// What two recordings say of one fact in one run.
void Join(Sighting& one, const Sighting& other);
// What was seen later of one fact in one run: counts add up.
void Continue(Sighting& one, const Sighting& later);

struct Seen {
  size_t run = 0;  // its position in the order of identities
  const Sighting* sighting = nullptr;
};

class FactCursor {
 public:
  virtual ~FactCursor() = default;
  // On to the next fact; false at the end.  Before the first call the cursor stands nowhere.
  virtual Result<bool> Next() = 0;
  // Of the place where it stands, until the next call.
  const Fact& fact() const { return *fact_; }
  const std::vector<Seen>& seen() const { return seen_; }  // by run, each at most once

 protected:
  const Fact* fact_ = nullptr;
  std::vector<Seen> seen_;
};

// A recording, its facts by a cursor.
struct Source {
  Recording runs;  // without facts
  std::unique_ptr<FactCursor> facts;
};

// The recording must outlive it.
Source SourceOf(const Recording& recording);
// What Merge makes of them: `join` is what two say of a fact in one run, in the order of the sources.
Source MergeSources(std::vector<Source> sources, void (*join)(Sighting&, const Sighting&) = Join);

}  // namespace ravelin::observe
