// Source text, positions in it, and the files it comes from.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/result.h"

namespace ravelin::source {

using FileId = uint32_t;
inline constexpr FileId kNoFile = 0xffffffff;

// A half-open range of bytes of one file.
struct Span {
  FileId file = kNoFile;
  uint32_t begin = 0;
  uint32_t end = 0;
  bool IsValid() const { return file != kNoFile; }
  auto operator<=>(const Span&) const = default;
};

// 1-based; columns count Unicode code points, as editors do.
struct Position {
  uint32_t line = 1;
  uint32_t column = 1;
};

inline constexpr size_t kMaxFileBytes = size_t{64} << 20;

// Owns every text that a run reads; texts never move once added.
class SourceManager {
 public:
  // Adds `text` under the name shown in diagnostics.
  FileId Add(std::string name, std::string text);
  // Reads a file ("-" is standard input); fails on directories, unreadable files and more than kMaxFileBytes.
  Result<FileId> Load(const std::string& path);

  std::string_view Name(FileId file) const;
  std::string_view Text(FileId file) const;
  Position PositionOf(FileId file, uint32_t offset) const;
  std::string_view LineOf(FileId file, uint32_t line) const;  // without its newline; "" past the end
  // "web.rav:15:3"; "" for an invalid span.
  std::string Describe(Span span) const;
  size_t size() const { return files_.size(); }

 private:
  struct File {
    std::string name;
    std::string text;
    std::vector<uint32_t> line_starts;
  };
  std::vector<std::unique_ptr<File>> files_;
};

// Whole content of a file; "-" reads standard input.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes = kMaxFileBytes);
// Writes to a temporary file beside `path`, then renames: a reader never sees half a file.  "-" is standard output.
// A path that names a device or pipe is written in place.
Result<void> WriteFile(const std::string& path, std::string_view content);

}  // namespace ravelin::source
