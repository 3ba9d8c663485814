#include "compiler/import/apparmor/variables.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "compiler/import/apparmor/scan.h"

namespace ravelin::import::apparmor {
namespace {

// Values of values multiply; nobody writes a megabyte of them.
constexpr size_t kMaxBytes = size_t{1} << 20;

struct Split {
  size_t begin = 0;
  size_t end = 0;
  std::string name;
};

// The first @{name} that no backslash hides.
std::optional<Split> FirstVariable(std::string_view text) {
  bool escaped = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      escaped = !escaped;
      continue;
    }
    if (text[i] == '@' && !escaped && text.substr(i).starts_with("@{")) {
      const size_t end = MatchVariableName(text, i + 2);
      if (end != kNone && end < text.size() && text[end] == '}') return Split{i, end + 1, std::string(text.substr(i + 2, end - i - 2))};
    }
    escaped = false;
  }
  return std::nullopt;
}

std::string_view WithoutLeading(std::string_view text) {
  while (!text.empty() && text.front() == '/') text.remove_prefix(1);
  return text;
}

std::string_view WithoutTrailing(std::string_view text) {
  while (!text.empty() && text.back() == '/') text.remove_suffix(1);
  return text;
}

}  // namespace

std::string VariableName(std::string_view written) {
  written.remove_prefix(1);
  if (!written.empty() && written[0] == '{') written = written.substr(1, written.size() - 2);
  return std::string(written);
}

const std::vector<std::string>* Expander::Values(const std::string& name, std::string& why) {
  if (const auto known = expanded_.find(name); known != expanded_.end()) return &known->second;
  std::vector<std::string> out;
  if (!ExpandValues(name, out, why)) return nullptr;
  return &(expanded_[name] = std::move(out));
}

bool Expander::ExpandValues(const std::string& name, std::vector<std::string>& out, std::string& why) {
  if (name == "profile_name" && !profile_name_.empty()) {
    out = {profile_name_};
    return true;
  }
  const auto found = variables_.find(name);
  if (found == variables_.end()) {
    why = fmt::format("variable `@{{{}}}` is not declared", name);
    return false;
  }
  if (!found->second.is_set) {
    why = fmt::format("variable `{}` is true or false, no set of values", name);
    return false;
  }
  seen_.push_back(name);
  std::vector<std::string> work;
  size_t bytes = 0;
  for (const Text& value : found->second.values) work.push_back(value.value);
  while (!work.empty()) {
    const std::string one = std::move(work.back());
    work.pop_back();
    const auto split = FirstVariable(one);
    bytes += one.size() + 1;
    if (bytes > kMaxBytes) {
      why = fmt::format("the values of `@{{{}}}` are too many", name);
      return false;
    }
    if (!split) {
      out.push_back(one);
      continue;
    }
    if (std::find(seen_.begin(), seen_.end(), split->name) != seen_.end()) {
      why = fmt::format("variable `@{{{}}}` refers to itself", split->name);
      return false;
    }
    const std::vector<std::string>* inner = Values(split->name, why);
    if (inner == nullptr) return false;
    for (const std::string& value : *inner) work.push_back(one.substr(0, split->begin) + value + one.substr(split->end));
  }
  seen_.pop_back();
  // Found from the last value to the first.
  std::reverse(out.begin(), out.end());
  return true;
}

bool Expander::Expand(std::string& text, std::string& why) {
  while (const auto split = FirstVariable(text)) {
    const std::vector<std::string>* values = Values(split->name, why);
    if (values == nullptr) return false;
    const std::string before = text.substr(0, split->begin);
    const std::string after = text.substr(split->end);
    std::string middle;
    if (values->size() == 1) {
      middle = values->front();
    } else {
      const bool leading = !before.empty() && before.back() == '/';
      const bool trailing = !after.empty() && after.front() == '/';
      for (const std::string& value : *values) {
        std::string_view part = value;
        if (leading) part = WithoutLeading(part);
        if (trailing) part = WithoutTrailing(part);
        middle += (middle.empty() ? "{" : ",") + std::string(part);
      }
      middle += "}";
    }
    text = before + middle + after;
    if (text.size() > kMaxBytes) {
      why = fmt::format("`@{{{}}}` makes the pattern too long", split->name);
      return false;
    }
  }
  return true;
}

}  // namespace ravelin::import::apparmor
