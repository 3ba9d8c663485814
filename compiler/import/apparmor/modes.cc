#include "compiler/import/apparmor/modes.h"

#include <fmt/format.h>

#include <cctype>

namespace ravelin::import::apparmor {
namespace {

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// One exec mode; `letters` begins with it.  Returns how many letters it takes.
size_t ReadExec(std::string_view letters, ExecMode& exec) {
  exec.present = true;
  const char first = letters[0];
  const char second = letters.size() > 1 ? Lower(letters[1]) : '\0';
  switch (Lower(first)) {
    case 'i': exec.to = ExecTo::kInherit; return 2;
    case 'u': exec.to = ExecTo::kUnconfined; break;
    case 'p': exec.to = ExecTo::kProfile; break;
    default: exec.to = ExecTo::kChild; break;
  }
  exec.keeps_environment = first == Lower(first);
  if (exec.to == ExecTo::kUnconfined) return 2;
  if (second == 'i') exec.otherwise = ExecElse::kInherit;
  if (second == 'u') exec.otherwise = ExecElse::kUnconfined;
  return exec.otherwise == ExecElse::kNone ? 2 : 3;
}

}  // namespace

bool ParseModes(std::string_view letters, FileModes& modes, std::string& why) {
  for (size_t i = 0; i < letters.size();) {
    const char c = Lower(letters[i]);
    if (c == 'w' || c == 'a') {
      (c == 'w' ? modes.write : modes.append) = true;
      if (modes.write && modes.append) {
        why = "`a` and `w` exclude one another: `w` includes appending";
        return false;
      }
      ++i;
      continue;
    }
    const std::string_view flat = "rlkmx";
    if (flat.find(c) != std::string_view::npos) {
      if (c == 'r') modes.read = true;
      if (c == 'l') modes.link = true;
      if (c == 'k') modes.lock = true;
      if (c == 'm') modes.mmap = true;
      if (c == 'x') modes.exec.present = true;
      ++i;
      continue;
    }
    ExecMode exec;
    const size_t length = ReadExec(letters.substr(i), exec);
    // A bare x may stand before ix, but before no other.
    const bool bare = !modes.exec.IsQualified() && exec.to == ExecTo::kInherit;
    if (modes.exec.present && !(modes.exec == exec) && !bare) {
      why = fmt::format("exec mode `{}` is in conflict with the one before it", letters.substr(i, length));
      return false;
    }
    modes.exec = exec;
    i += length;
  }
  return true;
}

int ParseReadWrite(std::string_view letters) {
  int out = 0;
  for (const char c : letters) {
    if (Lower(c) == 'r') {
      out |= 1;
    } else if (Lower(c) == 'w') {
      out |= 2;
    } else {
      return -1;
    }
  }
  return out;
}

}  // namespace ravelin::import::apparmor
