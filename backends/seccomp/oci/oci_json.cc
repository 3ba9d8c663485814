#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "backends/seccomp/oci/oci.h"

namespace ravelin::seccomp {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxDepth = 64;  // a profile needs 8; beyond this the text is an attack on readers

// Thrown and caught within this file only: a reader of a nested format is clearest when it can give up anywhere.
struct Malformed {
  std::string message;
};

[[noreturn]] void Bad(std::string message) { throw Malformed{std::move(message)}; }

std::string Place(std::string_view text, size_t offset) {
  offset = std::min(offset, text.size());
  const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n') + 1;
  const size_t start = offset == 0 ? std::string_view::npos : text.rfind('\n', offset - 1);
  return fmt::format("{}:{}", line, offset - (start == std::string_view::npos ? 0 : start + 1) + 1);
}

// What the parser does not tell: where the elements of each list called `syscalls` begin, and that nothing is nested deep
// enough to exhaust the stack.
struct Outline {
  std::vector<size_t> rules;
  std::optional<size_t> too_deep;
};

Outline Scan(std::string_view text) {
  struct Frame {
    bool list;
    bool rules;
  };
  Outline outline;
  std::vector<Frame> frames;
  std::string_view last_string;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      const size_t begin = ++i;
      while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
      last_string = text.substr(begin, std::min(i, text.size()) - begin);
    } else if (c == '{' || c == '[') {
      if (!frames.empty() && frames.back().rules) outline.rules.push_back(i);
      if (frames.size() >= kMaxDepth) {
        outline.too_deep = i;
        return outline;
      }
      frames.push_back({c == '[', c == '[' && last_string == "syscalls"});
      last_string = {};
    } else if ((c == '}' || c == ']') && !frames.empty()) {
      frames.pop_back();
    } else if (c == ',') {
      last_string = {};
    }
  }
  return outline;
}

// A member that is there and not null.
const Json* Get(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

const Json& Object(const Json& value, const std::string& what) {
  if (!value.is_object()) Bad(fmt::format("{} is no object", what));
  return value;
}

std::string Text(const Json& value, const std::string& what) {
  if (!value.is_string()) Bad(fmt::format("{} is no string", what));
  return value.get<std::string>();
}

std::vector<std::string> Texts(const Json* value, const std::string& what) {
  std::vector<std::string> out;
  if (value == nullptr) return out;
  if (!value->is_array()) Bad(fmt::format("{} is no list", what));
  for (const Json& one : *value) out.push_back(Text(one, "an element of " + what));
  return out;
}

uint64_t Number(const Json& value, const std::string& what, uint64_t most) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > most) Bad(fmt::format("{} is no whole number from 0 to {}", what, most));
  return value.get<uint64_t>();
}

// A number beside a name, as Podman writes them: "errnoRet": 22, "errno": "EINVAL".  The number counts.
std::optional<uint32_t> Errno(const Json& object, const char* number, const char* name) {
  std::optional<uint32_t> named;
  if (const Json* text = Get(object, name)) {
    const std::string word = Text(*text, fmt::format("`{}`", name));
    if (!word.empty()) {
      const auto value = kernel::FindErrno(word);
      if (!value) Bad(fmt::format("`{}` is `{}`, which is no error name", name, word));
      named = static_cast<uint32_t>(*value);
    }
  }
  if (const Json* value = Get(object, number)) return static_cast<uint32_t>(Number(*value, fmt::format("`{}`", number), 0xffff));
  return named;
}

OciOp Operator(const std::string& name) {
  static constexpr std::pair<std::string_view, OciOp> kOperators[] = {{"SCMP_CMP_NE", OciOp::kNe}, {"SCMP_CMP_LT", OciOp::kLt}, {"SCMP_CMP_LE", OciOp::kLe}, {"SCMP_CMP_EQ", OciOp::kEq},
                                                                      {"SCMP_CMP_GE", OciOp::kGe}, {"SCMP_CMP_GT", OciOp::kGt}, {"SCMP_CMP_MASKED_EQ", OciOp::kMaskedEq}};
  for (const auto& [text, op] : kOperators) {
    if (text == name) return op;
  }
  Bad(fmt::format("`op` is `{}`, which is no comparison", name));
}

OciFilter ReadFilter(const Json* value, const char* what) {
  OciFilter filter;
  if (value == nullptr) return filter;
  Object(*value, fmt::format("`{}`", what));
  filter.caps = Texts(Get(*value, "caps"), "`caps`");
  filter.arches = Texts(Get(*value, "arches"), "`arches`");
  if (const Json* least = Get(*value, "minKernel")) {
    filter.min_kernel = Text(*least, "`minKernel`");
    if (!kernel::ParseVersion(filter.min_kernel)) Bad(fmt::format("`minKernel` is `{}`, which is no kernel version", filter.min_kernel));
  }
  return filter;
}

OciArg ReadArg(const Json& value) {
  Object(value, "an argument");
  OciArg arg;
  const Json* index = Get(value, "index");
  if (index == nullptr) Bad("an argument without `index`");
  arg.index = static_cast<uint32_t>(Number(*index, "`index`", 5));
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  if (const Json* datum = Get(value, "value")) arg.value = Number(*datum, "`value`", kMost);
  if (const Json* datum = Get(value, "valueTwo")) arg.value_two = Number(*datum, "`valueTwo`", kMost);
  const Json* op = Get(value, "op");
  if (op == nullptr) Bad("an argument without `op`");
  arg.op = Operator(Text(*op, "`op`"));
  return arg;
}

OciRule ReadRule(const Json& value) {
  Object(value, "the rule");
  OciRule rule;
  rule.names = Texts(Get(value, "names"), "`names`");
  if (const Json* name = Get(value, "name")) {
    const std::string text = Text(*name, "`name`");
    if (!text.empty() && !rule.names.empty()) Bad("`name` and `names` in one rule");
    if (!text.empty()) rule.names = {text};
  }
  if (rule.names.empty()) Bad("the rule names no system call");
  const Json* action = Get(value, "action");
  if (action == nullptr) Bad("the rule has no `action`");
  rule.action = Text(*action, "`action`");
  rule.errno_ret = Errno(value, "errnoRet", "errno");
  if (const Json* args = Get(value, "args")) {
    if (!args->is_array()) Bad("`args` is no list");
    for (const Json& one : *args) rule.args.push_back(ReadArg(one));
  }
  if (const Json* comment = Get(value, "comment")) rule.comment = Text(*comment, "`comment`");
  rule.includes = ReadFilter(Get(value, "includes"), "includes");
  rule.excludes = ReadFilter(Get(value, "excludes"), "excludes");
  return rule;
}

// The profile within a container's whole configuration, or the value itself.
const Json& FindProfile(const Json& root) {
  Object(root, "the text");
  if (Get(root, "defaultAction") != nullptr) return root;
  if (const Json* platform = Get(root, "linux")) {
    if (const Json* profile = platform->is_object() ? Get(*platform, "seccomp") : nullptr) return Object(*profile, "`linux.seccomp`");
    Bad("`linux` has no `seccomp` profile");
  }
  if (const Json* profile = Get(root, "seccomp")) return Object(*profile, "`seccomp`");
  Bad("there is no `defaultAction`: this is no seccomp profile");
}

OciProfile ReadProfile(const Json& root, std::string_view text, const std::vector<size_t>& offsets) {
  const Json& object = FindProfile(root);
  OciProfile profile;
  const Json* fallback = Get(object, "defaultAction");
  if (fallback == nullptr) Bad("there is no `defaultAction`: this is no seccomp profile");
  profile.default_action = Text(*fallback, "`defaultAction`");
  profile.default_errno = Errno(object, "defaultErrnoRet", "defaultErrno");
  profile.architectures = Texts(Get(object, "architectures"), "`architectures`");
  if (const Json* map = Get(object, "archMap")) {
    if (!map->is_array()) Bad("`archMap` is no list");
    for (const Json& one : *map) {
      Object(one, "an element of `archMap`");
      const Json* name = Get(one, "architecture");
      if (name == nullptr) Bad("an element of `archMap` has no `architecture`");
      profile.arch_map[Text(*name, "`architecture`")] = Texts(Get(one, "subArchitectures"), "`subArchitectures`");
    }
  }
  const Json* rules = Get(object, "syscalls");
  if (rules == nullptr) return profile;
  if (!rules->is_array()) Bad("`syscalls` is no list");
  for (size_t i = 0; i < rules->size(); ++i) {
    const size_t offset = i < offsets.size() ? offsets[i] : 0;
    try {
      profile.rules.push_back(ReadRule((*rules)[i]));
    } catch (const Malformed& bad) {
      Bad(fmt::format("{}: rule {}: {}", Place(text, offset), i + 1, bad.message));
    }
    profile.rules.back().offset = offset;
  }
  return profile;
}

// "[json.exception...] parse error at line 1, column 5: syntax error ... - what": the last part says it.
std::string Shorten(const std::string& what) {
  const size_t dash = what.rfind(" - ");
  const size_t colon = what.find(": ");
  const size_t from = dash != std::string::npos ? dash + 3 : colon == std::string::npos ? 0 : colon + 2;
  return what.substr(from, 160);
}

}  // namespace

Result<OciProfile> ReadOciProfile(std::string_view text) {
  const Outline outline = Scan(text);
  if (outline.too_deep) return Fail(ErrorCode::kMalformed, fmt::format("{}: nested more than {} deep", Place(text, *outline.too_deep), kMaxDepth));
  // A key given twice would be decided by the reader's habits, differently in each runtime.
  std::vector<std::set<std::string>> keys;
  std::string twice;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.empty() && !keys.back().insert(parsed.get<std::string>()).second && twice.empty()) twice = parsed.get<std::string>();
    return true;
  };
  try {
    const Json root = Json::parse(text, watch);
    if (!twice.empty()) return Fail(ErrorCode::kMalformed, fmt::format("`{}` is given twice in one object", twice));
    return ReadProfile(root, text, outline.rules);
  } catch (const Json::parse_error& error) {
    return Fail(ErrorCode::kMalformed, fmt::format("{}: {}", Place(text, error.byte == 0 ? 0 : error.byte - 1), Shorten(error.what())));
  } catch (const Json::exception& error) {  // a number beyond any type
    return Fail(ErrorCode::kMalformed, Shorten(error.what()));
  } catch (const Malformed& bad) {
    return Fail(ErrorCode::kMalformed, bad.message);
  }
}

}  // namespace ravelin::seccomp
