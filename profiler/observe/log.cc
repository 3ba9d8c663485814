#include "profiler/observe/log.h"

#include <fmt/format.h>

#include <algorithm>

namespace ravelin::observe {
namespace {

constexpr size_t kPiece = size_t{1} << 20;
constexpr size_t kHead = size_t{1} << 18;
constexpr size_t kMostHeld = size_t{2} << 30;  // a line, or a log whose format is not read by lines

}  // namespace

Result<Log> Log::Open(const std::string& path) {
  RAVELIN_TRY(file, source::FileReader::Open(path));
  return Log(std::move(file), path);
}

bool Log::Read() {
  if (!file_ || error_) return false;
  held_.erase(0, at_);
  at_ = 0;
  if (held_.size() > kMostHeld) {
    error_ = Error{ErrorCode::kTooLarge, fmt::format("cannot read `{}`: it holds a line, or a document, of more than {} MiB", path_, kMostHeld >> 20)};
    return false;
  }
  const size_t before = held_.size();
  held_.resize(before + kPiece);
  auto read = file_->Read(held_.data() + before, kPiece);
  held_.resize(before + read.value_or(0));
  if (!read) error_ = std::move(read.error());
  hash_.Add(std::string_view(held_).substr(before));
  return held_.size() > before;
}

std::string Log::Identity(std::string_view kind) const { return fmt::format("{}-{}", kind, (file_ ? hash_.Hex() : base::Sha256Hex(all_)).substr(0, 32)); }

std::string_view Log::Head() {
  while (held_.size() < kHead && Read()) {
  }
  return (file_ ? std::string_view(held_) : all_).substr(0, kHead);
}

std::string_view Log::Whole() {
  if (!file_) return all_;
  held_.reserve(std::min(file_->size(), kMostHeld) + kPiece + 1);
  while (Read()) {
  }
  return held_;
}

bool Log::Next(std::string_view& line) {
  if (!file_) {
    if (left_.empty()) return false;
    const size_t end = std::min(left_.find('\n'), left_.size());
    line = left_.substr(0, end);
    left_.remove_prefix(std::min(end + 1, left_.size()));
    return true;
  }
  for (size_t looked = 0;;) {
    const size_t end = held_.find('\n', at_ + looked);
    if (end != std::string::npos) {
      line = std::string_view(held_).substr(at_, end - at_);
      at_ = end + 1;
      return true;
    }
    looked = held_.size() - at_;
    if (Read()) continue;
    if (looked == 0 || error_) return false;
    line = std::string_view(held_).substr(at_);
    at_ = held_.size();
    return true;
  }
}

}  // namespace ravelin::observe
