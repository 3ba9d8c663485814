// A log that is read line by line, or whole where its format needs that.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compiler/base/file_reader.h"
#include "compiler/base/result.h"
#include "compiler/base/sha256.h"

namespace ravelin::observe {

class Log {
 public:
  // Of a text in memory, which must outlive it.
  explicit Log(std::string_view text) : all_(text), left_(text) {}
  // Of a file, of which no more is held than a piece and the line that is read; "-" is standard input.
  static Result<Log> Open(const std::string& path);
  Log(Log&&) = default;

  // How it begins, at most 256 KiB; before the first line is read.
  std::string_view Head();
  // All of it; before the first line is read, and it can be read by lines afterwards.
  std::string_view Whole();
  // On to the next line, without its end; it stays until the next call.  False at the end, and where reading fails.
  bool Next(std::string_view& line);
  // Why it was not read to its end.
  const std::optional<Error>& error() const { return error_; }
  // Of a run that has none of its own, by the SHA-256 of what was read: of all once Next or Whole came to the end.
  std::string Identity(std::string_view kind) const;

 private:
  Log(source::FileReader file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  // Appends a piece to what is held; false where there is none.
  bool Read();

  std::optional<source::FileReader> file_;
  std::string path_;
  std::string held_;
  size_t at_ = 0;          // of `held_`, what is read already
  std::string_view all_;   // in memory
  std::string_view left_;  // of it
  base::Sha256 hash_;
  std::optional<Error> error_;
};

// Each line and its number, from 1.
template <typename Function>
void EachLine(Log& log, const Function& function) {
  size_t number = 0;
  for (std::string_view line; log.Next(line);) function(line, ++number);
}

}  // namespace ravelin::observe
