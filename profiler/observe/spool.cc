#include "profiler/observe/spool.h"

#include <fmt/format.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace ravelin::observe {
namespace {

constexpr size_t kBuffer = size_t{1} << 16;

// What stands in front of a fact's texts.
struct Head {
  uint64_t count = 0;
  double first = 0;
  double last = 0;
  std::array<uint32_t, 5> sizes{};  // facet, operation, attributes, process, example
};

void Append(const Fact& fact, const Sighting& seen, std::string& out) {
  Head head{seen.count, seen.first, seen.last, {}};
  const std::array<const std::string*, 5> texts = {&fact.facet, &fact.operation, &fact.attributes, &fact.process, &seen.example};
  for (size_t i = 0; i < texts.size(); ++i) head.sizes[i] = static_cast<uint32_t>(texts[i]->size());
  out.append(reinterpret_cast<const char*>(&head), sizeof head);
  for (const std::string* text : texts) out += *text;
}

class PieceCursor : public FactCursor {
 public:
  PieceCursor(std::shared_ptr<const int> file, int64_t begin, int64_t end) : file_(std::move(file)), at_(begin), end_(end) {
    fact_ = &here_;
    seen_ = {{0, &sighting_}};
  }

  Result<bool> Next() override {
    if (at_ == end_ && used_ == held_.size()) return false;
    Head head;
    if (!Need(sizeof head)) return Failed();
    std::memcpy(&head, held_.data() + used_, sizeof head);
    used_ += sizeof head;
    size_t all = 0;
    for (const uint32_t size : head.sizes) all += size;
    if (!Need(all)) return Failed();
    const std::array<std::string*, 5> texts = {&here_.facet, &here_.operation, &here_.attributes, &here_.process, &sighting_.example};
    for (size_t i = 0; i < texts.size(); ++i) {
      texts[i]->assign(held_, used_, head.sizes[i]);
      used_ += head.sizes[i];
    }
    sighting_.count = head.count;
    sighting_.first = head.first;
    sighting_.last = head.last;
    return true;
  }

 private:
  static tl::unexpected<Error> Failed() { return Fail(ErrorCode::kIo, fmt::format("what was put aside cannot be read: {}", std::strerror(errno))); }

  // That many bytes behind `used_`.
  bool Need(size_t size) {
    if (held_.size() - used_ >= size) return true;
    held_.erase(0, used_);
    used_ = 0;
    while (held_.size() < size) {
      const size_t before = held_.size();
      const size_t most = std::min(std::max(kBuffer, size - before), static_cast<size_t>(end_ - at_));
      held_.resize(before + most);
      const ssize_t n = pread(*file_, held_.data() + before, most, at_);
      held_.resize(before + static_cast<size_t>(std::max<ssize_t>(n, 0)));
      if (n < 0 && errno == EINTR) continue;
      if (n == 0) errno = EIO;  // somebody cut it
      if (n <= 0) return false;
      at_ += n;
    }
    return true;
  }

  std::shared_ptr<const int> file_;
  int64_t at_;
  int64_t end_;
  std::string held_;
  size_t used_ = 0;
  Fact here_;
  Sighting sighting_;
};

}  // namespace

bool Spool::Open() {
  std::string name = beside_ + ".XXXXXX";
  const int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return false;
  unlink(name.c_str());
  file_.reset(new int(fd), [](const int* one) {
    close(*one);
    delete one;
  });
  return true;
}

void Spool::Write(const std::string& bytes) {
  for (size_t at = 0; at < bytes.size() && !error_;) {
    const ssize_t n = write(*file_, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) error_ = Error{ErrorCode::kIo, fmt::format("{}: {}", beside_, std::strerror(errno))};
    at += static_cast<size_t>(std::max<ssize_t>(n, 0));
  }
  size_ += static_cast<int64_t>(bytes.size());
}

void Spool::Add(const std::map<Fact, Sighting>& facts) {
  if (!file_ && !error_ && !Open()) error_ = Error{ErrorCode::kIo, fmt::format("{}: {}", beside_, std::strerror(errno))};
  if (error_) return;
  const int64_t begin = size_;
  std::string bytes;
  for (const auto& [fact, seen] : facts) {
    Append(fact, seen, bytes);
    if (bytes.size() < kBuffer) continue;
    Write(bytes);
    bytes.clear();
  }
  Write(bytes);
  pieces_.push_back({begin, size_});
}

Result<Source> Spool::Take(const std::string& id, const Run& run) {
  if (error_) return tl::make_unexpected(*error_);
  std::vector<Source> sources;
  for (const Piece& piece : pieces_) {
    Source& one = sources.emplace_back();
    one.runs.runs.emplace(id, Run());
    one.facts = std::make_unique<PieceCursor>(file_, piece.begin, piece.end);
  }
  pieces_.clear();
  Source out = MergeSources(std::move(sources), Continue);
  out.runs.runs[id] = run;
  return out;
}

}  // namespace ravelin::observe
