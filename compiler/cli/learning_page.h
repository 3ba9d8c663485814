// What was observed of a workload beside what its policy grants, as one page (html.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/driver/evidence.h"
#include "compiler/driver/gap_rows.h"
#include "compiler/driver/open_files.h"
#include "profiler/generalize/completeness.h"
#include "profiler/generalize/curve.h"

namespace ravelin::cli {

struct LearningReport {
  std::string policy;                        // where it came from: a file, or "learned from the recording"
  const ir::Domain* domain = nullptr;
  std::vector<std::string> rules;            // by rule of the domain: its source text
  const observe::Recording* recording = nullptr;
  driver::Evidence evidence;
  generalize::Completeness completeness;
  std::vector<generalize::Curve> curves;
  driver::GapRows gaps;
  std::vector<std::string> incomplete;       // why the observations are not whole
  std::optional<std::vector<driver::OpenFile>> open;  // of this machine; nullopt: the system could not be listed
};
std::string LearningPage(const LearningReport& report);

// --- its parts
std::string CurveSection(const LearningReport& report);
std::string PathSection(const LearningReport& report);
std::string CallSection(const LearningReport& report);
std::string ExecSection(const LearningReport& report);

}  // namespace ravelin::cli
