// Recordings on disk: one SQLite database (docs/recording.md describes the tables).  The only header to SQLite.
#pragma once

#include <string>

#include "compiler/base/result.h"
#include "profiler/observe/fact.h"

namespace ravelin::observe {

inline constexpr int kStoreVersion = 1;
inline constexpr int kStoreApplication = 0x5241564c;  // "RAVL", PRAGMA application_id

// kMalformed where the file is no recording, or one of a later version.
Result<Recording> LoadRecording(const std::string& path);
// Into a new file beside `path`, then renamed.  Equal recordings give equal bytes.
Result<void> SaveRecording(const Recording& recording, const std::string& path);

}  // namespace ravelin::observe
