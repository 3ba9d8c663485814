#include "compiler/import/apparmor/pattern.h"

#include <vector>

#include "compiler/import/apparmor/escapes.h"

namespace ravelin::import::apparmor {
namespace {

constexpr int kMaxNesting = 50;  // of {}

class GlobReader {
 public:
  GlobReader(std::string_view pattern, GlobNul nul, std::string& out, std::string& why) : pattern_(pattern), nul_(nul), out_(out), why_(why) {}

  bool Run() {
    for (pos_ = 0; pos_ < pattern_.size() && why_.empty(); ++pos_) {
      if (pattern_[pos_] == '\\' && !escaped_) {
        escaped_ = true;
        continue;
      }
      One(pattern_[pos_]);
      escaped_ = false;
    }
    if (why_.empty() && (!commas_.empty() || in_class_)) why_ = in_class_ ? "`[` has no `]`" : "`{` has no `}`";
    if (why_.empty() && escaped_) why_ = "a backslash ends the pattern";
    return why_.empty();
  }

 private:
  char Ahead(size_t by) const { return pos_ + by < pattern_.size() ? pattern_[pos_ + by] : '\0'; }

  void One(char c) {
    switch (c) {
      case '\\': out_ += "\\\\"; return;
      case '*': return escaped_ ? Literal("\\*") : Star();
      case '?': return Literal(escaped_ ? "?" : nul_ == GlobNul::kNo ? "[^/\\x00]" : "[^/]");
      case '[':
        if (!escaped_) in_class_ = true;
        return Literal(escaped_ ? "\\[" : "[");
      case ']':
        if (!escaped_ && !in_class_) why_ = "`]` has no `[`";
        if (!escaped_) in_class_ = false;
        return Literal(escaped_ ? "\\]" : "]");
      case '{': return Open();
      case '}': return Close();
      case ',':
        if (escaped_ && in_class_) return Literal("\\,");
        if (escaped_ || commas_.empty() || in_class_) return Literal(",");
        ++commas_.back();
        return Literal("|");
      case '^':
      case '$':
        if (!in_class_) out_ += '\\';
        out_ += c;
        return;
      case '.': case '+': case '|': case '(': case ')': out_ += '\\'; break;
      default: break;
    }
    size_t end = pos_;
    if (escaped_ && EscapeAt(pattern_, end, "") >= 0) {
      out_ += '\\';
      out_ += pattern_.substr(pos_, end - pos_);
      pos_ = end - 1;
    } else {
      out_ += c;
    }
  }

  void Literal(const char* text) { out_ += text; }

  // A whole path component is never empty.
  void Star() {
    if (!out_.empty() && out_.back() == '/') {
      size_t after = pos_;
      while (after < pattern_.size() && pattern_[after] == '*') ++after;
      if (after == pattern_.size() || pattern_[after] == '/') out_ += nul_ == GlobNul::kNo ? "[^/\\x00]" : "[^/]";
    }
    if (Ahead(1) == '*') {
      out_ += nul_ == GlobNul::kNo ? "[^\\x00]*" : ".*";
      ++pos_;
    } else {
      out_ += nul_ == GlobNul::kNo ? "[^/\\x00]*" : "[^/]*";
    }
  }

  void Open() {
    if (escaped_ || in_class_) return Literal(escaped_ ? "\\{" : "{");
    commas_.push_back(0);
    if (commas_.size() >= kMaxNesting) why_ = "`{` is nested too deeply";
    out_ += '(';
  }

  void Close() {
    if (escaped_ || in_class_) return Literal(escaped_ ? "\\}" : "}");
    if (commas_.empty()) {
      why_ = "`}` has no `{`";
      return;
    }
    if (commas_.back() == 0) why_ = "`{ }` holds one item only";
    commas_.pop_back();
    out_ += ')';
  }

  std::string_view pattern_;
  GlobNul nul_;
  std::string& out_;
  std::string& why_;
  size_t pos_ = 0;
  bool escaped_ = false;
  bool in_class_ = false;
  std::vector<int> commas_;  // one number for each open {
};

}  // namespace

bool GlobToRegex(std::string_view pattern, GlobNul nul, std::string& regex, std::string& why) {
  why.clear();
  return GlobReader(pattern, nul, regex, why).Run();
}

}  // namespace ravelin::import::apparmor
