// Facts of a run that are more than memory shall hold: pieces, each in the order of facts, in a file without a name.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "profiler/observe/cursor.h"

namespace ravelin::observe {

class Spool {
 public:
  // The file stands in the folder of `beside`, which has room for the recording.
  explicit Spool(std::string beside) : beside_(std::move(beside)) {}

  // A piece.  An error keeps until Take.
  void Add(const std::map<Fact, Sighting>& facts);
  // The pieces since the last call: the facts of that one run, in the order in which they were added where one was seen in several.
  Result<Source> Take(const std::string& id, const Run& run);

 private:
  struct Piece {
    int64_t begin = 0;
    int64_t end = 0;
  };
  bool Open();
  void Write(const std::string& bytes);

  std::string beside_;
  std::shared_ptr<const int> file_;
  int64_t size_ = 0;
  std::vector<Piece> pieces_;
  std::optional<Error> error_;
};

}  // namespace ravelin::observe
