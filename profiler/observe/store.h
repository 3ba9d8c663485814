// Recordings on disk: one SQLite database (docs/recording.md describes the tables).
#pragma once

#include <string>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/observe/cursor.h"
#include "profiler/observe/fact.h"

namespace ravelin::observe {

inline constexpr int kStoreVersion = 1;
inline constexpr int kStoreApplication = 0x5241564c;  // "RAVL", PRAGMA application_id

// kMalformed where the file is no recording, or one of a later version.
Result<Recording> LoadRecording(const std::string& path);
// Into a new file beside `path`, then renamed.  Equal recordings give equal bytes.
Result<void> SaveRecording(const Recording& recording, const std::string& path);

// --- facts without memory for them: a recording of any size

// Its runs, and its facts while they are read; an error of what comes later is the cursor's.
Result<Source> OpenStore(const std::string& path);
// As SaveRecording.  Returns how many facts each run has, in the order of identities.
Result<std::vector<size_t>> SaveSource(Source source, const std::string& path);
// The file that SaveRecording would make of their Merge; `path` may be one of them.  No more than `at_once` files are open.
Result<void> MergeStores(const std::vector<std::string>& inputs, const std::string& path, size_t at_once = 64);

}  // namespace ravelin::observe
