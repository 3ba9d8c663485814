// A file that is read piece by piece.
#pragma once

#include <memory>
#include <string>

#include "compiler/base/result.h"

namespace ravelin::source {

class FileReader {
 public:
  // "-" is standard input.  Fails on directories and on what cannot be opened.
  static Result<FileReader> Open(const std::string& path);
  // At most `most` bytes; 0 at the end.
  Result<size_t> Read(char* out, size_t most);
  // Of a regular file, when it was opened; else 0.
  size_t size() const { return size_; }

 private:
  struct Close {
    void operator()(const int* fd) const;
  };
  FileReader(std::string path, int fd, size_t size) : path_(std::move(path)), fd_(new int(fd)), size_(size) {}
  std::string path_;
  std::unique_ptr<int, Close> fd_;
  size_t size_ = 0;
};

}  // namespace ravelin::source
