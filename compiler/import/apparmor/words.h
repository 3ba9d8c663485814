// The words of the language (words.tsv).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace ravelin::import::apparmor {

struct MountOption {
  uint32_t required = 0;
  uint32_t refused = 0;
};
std::optional<MountOption> FindMountOption(std::string_view word);
std::optional<int> FindSignalWord(std::string_view word);  // rtmin+N is 128 + N
bool IsSocketType(std::string_view word);                  // stream, dgram, ...
bool IsFamily(std::string_view word);
// "bytes", "seconds", "microseconds", "count" or "nice"; "" : no such limit.
std::string_view RlimitUnit(std::string_view word);
std::optional<int64_t> MicrosecondsOf(std::string_view unit);
// Flags of one group exclude one another; nullopt: no flag of 3.0.8.
std::optional<std::string_view> FlagGroup(std::string_view word);
// "4.0, a rule on user namespaces" for a word of a later version, else "".
std::string_view NewerWord(std::string_view word);
std::vector<std::string_view> WordsOf(std::string_view kind);  // for suggestions

}  // namespace ravelin::import::apparmor
