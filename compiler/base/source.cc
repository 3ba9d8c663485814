#include "compiler/base/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "compiler/base/check.h"
#include "compiler/base/file_reader.h"

namespace ravelin::source {
namespace {

ErrorCode CodeOf(int error) {
  if (error == ENOENT || error == ENOTDIR) return ErrorCode::kNotFound;
  if (error == EACCES || error == EPERM) return ErrorCode::kPermission;
  return ErrorCode::kIo;
}

tl::unexpected<Error> FailErrno(const std::string& path, const char* verb) {
  const int error = errno;
  return Fail(CodeOf(error), std::string("cannot ") + verb + " `" + path + "`: " + std::strerror(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ > 2) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

bool WriteAll(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    content.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

FileId SourceManager::Add(std::string name, std::string text) {
  auto file = std::make_unique<File>();
  file->name = std::move(name);
  file->text = std::move(text);
  file->line_starts.push_back(0);
  for (size_t i = 0; i < file->text.size(); ++i) {
    if (file->text[i] == '\n') file->line_starts.push_back(static_cast<uint32_t>(i + 1));
  }
  files_.push_back(std::move(file));
  return static_cast<FileId>(files_.size() - 1);
}

Result<FileId> SourceManager::Load(const std::string& path) {
  RAVELIN_TRY(text, ReadFile(path));
  return Add(path == "-" ? "<stdin>" : path, std::move(text));
}

std::string_view SourceManager::Name(FileId file) const {
  RAVELIN_CHECK(file < files_.size(), "file id out of range");
  return files_[file]->name;
}

std::string_view SourceManager::Text(FileId file) const {
  RAVELIN_CHECK(file < files_.size(), "file id out of range");
  return files_[file]->text;
}

Position SourceManager::PositionOf(FileId file, uint32_t offset) const {
  RAVELIN_CHECK(file < files_.size(), "file id out of range");
  const File& f = *files_[file];
  offset = std::min(offset, static_cast<uint32_t>(f.text.size()));
  const auto next = std::upper_bound(f.line_starts.begin(), f.line_starts.end(), offset);
  const size_t line = static_cast<size_t>(next - f.line_starts.begin());
  uint32_t column = 1;
  for (uint32_t i = f.line_starts[line - 1]; i < offset; ++i) {
    if ((static_cast<unsigned char>(f.text[i]) & 0xc0) != 0x80) ++column;
  }
  return {static_cast<uint32_t>(line), column};
}

std::string_view SourceManager::LineOf(FileId file, uint32_t line) const {
  RAVELIN_CHECK(file < files_.size(), "file id out of range");
  const File& f = *files_[file];
  if (line == 0 || line > f.line_starts.size()) return {};
  const size_t begin = f.line_starts[line - 1];
  const size_t end = line < f.line_starts.size() ? f.line_starts[line] - 1 : f.text.size();
  std::string_view text = std::string_view(f.text).substr(begin, end - begin);
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text;
}

std::string SourceManager::Describe(Span span) const {
  if (!span.IsValid()) return {};
  const Position p = PositionOf(span.file, span.begin);
  return std::string(Name(span.file)) + ":" + std::to_string(p.line) + ":" + std::to_string(p.column);
}

void FileReader::Close::operator()(const int* fd) const {
  if (*fd > 2) ::close(*fd);
  delete fd;
}

Result<FileReader> FileReader::Open(const std::string& path) {
  const int fd = path == "-" ? 0 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FailErrno(path, "open");
  FileReader out(path, fd, 0);
  struct stat info {};
  if (::fstat(fd, &info) != 0) return FailErrno(path, "read");
  if (S_ISDIR(info.st_mode)) return Fail(ErrorCode::kIo, "cannot read `" + path + "`: it is a directory");
  if (S_ISREG(info.st_mode)) out.size_ = static_cast<size_t>(info.st_size);
  return out;
}

Result<size_t> FileReader::Read(char* out, size_t most) {
  for (;;) {
    const ssize_t n = ::read(*fd_, out, most);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno != EINTR) return FailErrno(path_, "read");
  }
}

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  RAVELIN_TRY(file, FileReader::Open(path));
  std::string text;
  if (file.size() != 0) text.reserve(std::min(file.size(), max_bytes) + 1);
  char buffer[65536];
  for (;;) {
    RAVELIN_TRY(n, file.Read(buffer, sizeof buffer));
    if (n == 0) return text;
    if (text.size() + n > max_bytes) {
      return Fail(ErrorCode::kTooLarge, "cannot read `" + path + "`: it is larger than " +
                                            std::to_string(max_bytes >> 20) + " MiB");
    }
    text.append(buffer, n);
  }
}

Result<void> WriteFile(const std::string& path, std::string_view content) {
  if (path == "-") {
    if (!WriteAll(1, content)) return FailErrno("standard output", "write");
    return {};
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    if (S_ISDIR(info.st_mode)) return Fail(ErrorCode::kIo, "cannot write `" + path + "`: it is a directory");
    const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (fd.get() < 0 || !WriteAll(fd.get(), content)) return FailErrno(path, "write");
    return {};
  }
  std::string temporary = path + ".XXXXXX";
  bool ok = false;
  {
    const Descriptor fd(::mkostemp(temporary.data(), O_CLOEXEC));
    if (fd.get() < 0) return FailErrno(path, "write");
    const mode_t mask = ::umask(0);
    ::umask(mask);
    ok = ::fchmod(fd.get(), 0666 & ~mask) == 0 && WriteAll(fd.get(), content) && ::fsync(fd.get()) == 0;
  }
  if (!ok || ::rename(temporary.c_str(), path.c_str()) != 0) {
    auto failure = FailErrno(path, "write");
    ::unlink(temporary.c_str());
    return failure;
  }
  return {};
}

}  // namespace ravelin::source
