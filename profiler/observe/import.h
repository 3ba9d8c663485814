// Others' records of what programs did, as recordings.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"
#include "profiler/observe/fact.h"

namespace ravelin::observe {

struct Imported {
  std::string format;          // "audit", "strace", ...
  Recording recording;         // one run
  size_t records = 0;          // that were understood
  size_t not_understood = 0;   // records of this kind that hold something no fact has a place for
  std::vector<std::string> notes;  // what of the text was left out, and why
};

// Finds out what the text is.  kUnsupported, with the reason, where it holds no observations: an unknown format, or a profile that
// somebody derived already.
Result<Imported> ImportEvents(const std::string& name, std::string_view text);

// --- the formats, each in its own file.  `run` is filled; records are counted in `out`.
void ImportAudit(std::string_view text, Run& run, Imported& out);
void ImportStrace(std::string_view text, Run& run, Imported& out);
// What is known of a sandbox beside its log.
struct Sandbox {
  std::string first;                                 // the program that it began with
  std::map<int, std::vector<std::string>> programs;  // by process, what it executed, links followed
  std::function<std::string(const std::string& path, bool follow)> place;  // as of TracedProcesses; may be empty
};
void ImportGvisor(std::string_view text, Run& run, Imported& out, const Sandbox& sandbox = {});
void ImportRecorder(std::string_view text, Run& run, Imported& out);  // of our own recorder (profiler/recorder/format.h)
// JSON documents one after another.  False where no document is one of a recorder that is known; `why` says what it is instead.
bool ImportJson(std::string_view text, Run& run, Imported& out, std::string& why);

// A line and its number, from 1.
template <typename Function>
void EachLine(std::string_view text, const Function& function) {
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    function(text.substr(0, end), ++number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace ravelin::observe
