// strace(1), with or without -f, -y, -yy, -t, -tt, -ttt, -r, -T, -xx; also the same lines in quotes.
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

#include "profiler/observe/import.h"
#include "profiler/observe/traced.h"

namespace ravelin::observe {
namespace {

// What a descriptor is: behind "3<" or "AT_FDCWD<"; with -xx its bytes are escaped.
std::string DescriptorOf(std::string_view text) {
  const size_t open = text.find('<');
  if (open == std::string_view::npos || text.back() != '>' || text.front() == '"' || text.front() == '{') return "";
  const std::string quoted = "\"" + std::string(text.substr(open + 1, text.size() - open - 2)) + "\"";
  return StringOf(quoted).value_or("");
}

Attributes AddressIn(std::string_view text) {
  Attributes out;
  const std::string family = Between(text, "sa_family=", ",").empty() ? Between(text, "sa_family=", "}") : Between(text, "sa_family=", ",");
  if (family.empty()) return out;
  if (const auto value = ValueOf(kernel::Arch::kX86_64, family)) out["family"] = fmt::format("{:#x}", *value);
  if (const std::string port = Between(text, "htons(", ")"); !port.empty()) out["port"] = port;
  for (const char* before : {"inet_addr(", "inet_pton(AF_INET6, "}) {
    const size_t at = text.find(before);
    if (at == std::string_view::npos) continue;
    if (const auto address = StringOf(text.substr(at + std::string_view(before).size()))) out["address"] = *address;
  }
  if (const size_t at = text.find("sun_path="); at != std::string_view::npos) {
    const std::string_view rest = text.substr(at + 9);
    const bool abstract = !rest.empty() && rest.front() == '@';
    if (const auto name = StringOf(rest.substr(abstract ? 1 : 0))) out[abstract ? "abstract" : "path"] = *name;
  }
  return out;
}

class Reader {
 public:
  Reader(Run& run, Imported& out) : run_(run), out_(out) {}

  void Line(std::string_view line, size_t number) {
    std::string unquoted;
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    if (!line.empty() && line.front() == '"' && line.find('(') != std::string_view::npos) {
      // Without its closing quote a line of a longer literal.
      unquoted = StringOf(std::string(line) + "\"").value_or("");
      if (const auto whole = StringOf(line)) unquoted = *whole;
      line = unquoted;
    }
    for (const std::string_view end : {std::string_view("\\n\\"), std::string_view("\\n"), std::string_view("\n"), std::string_view("\\")}) {
      if (line.size() > end.size() && line.substr(line.size() - end.size()) == end) line.remove_suffix(end.size());
    }
    int id = 0;
    double time = 0;
    line = Prefix(line, id, time);
    if (line.empty() || line.rfind("+++", 0) == 0 || line.rfind("---", 0) == 0 || line.rfind("strace: ", 0) == 0) return;
    if (const size_t mark = line.find(" <unfinished ...>"); mark != std::string_view::npos) {
      unfinished_[id] = line.substr(0, mark);
      return;
    }
    if (line.rfind("<... ", 0) == 0) {
      const size_t mark = line.find(" resumed>");
      const auto begun = unfinished_.find(id);
      if (mark == std::string_view::npos || begun == unfinished_.end()) {
        run_.completeness.clean_start = false;
        return;
      }
      const std::string whole = begun->second + std::string(line.substr(mark + 9));
      unfinished_.erase(begun);
      Whole(whole, id, time, number);
      return;
    }
    if (line.rfind("[ Process", 0) == 0 && line.find("32 bit") != std::string_view::npos) {
      run_.completeness.doubts.insert("a process ran in 32-bit mode: its calls are read as those of x86_64");
      return;
    }
    Whole(line, id, time, number);
  }

  void End() {
    // A call that never returned: an exit, or the end of the log.
    for (const auto& [id, text] : unfinished_) Whole(text + ") = ?", id, 0, 0);
    run_.completeness.blind.insert("capabilities");
    run_.completeness.blind.insert("symbolic links of names that were not opened");
    if (out_.not_understood != 0) run_.completeness.channels["calls"].unread += out_.not_understood;
  }

 private:
  // Process and time in front of the call.
  std::string_view Prefix(std::string_view line, int& id, double& time) {
    if (line.rfind("[pid ", 0) == 0) {
      id = std::atoi(std::string(line.substr(5, 12)).c_str());
      const size_t close = line.find(']');
      line.remove_prefix(close == std::string_view::npos ? line.size() : close + 1);
    }
    while (true) {
      while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
      const size_t end = line.find(' ');
      if (end == std::string_view::npos) return line;
      const std::string_view word = line.substr(0, end);
      if (word.find_first_not_of("0123456789.:") != std::string_view::npos) return line;
      if (word.find_first_of(".:") == std::string_view::npos) {
        id = std::atoi(std::string(word).c_str());
      } else if (word.find(':') == std::string_view::npos) {
        time = std::strtod(std::string(word).c_str(), nullptr);
      }
      line.remove_prefix(end);
    }
  }

  void Whole(std::string_view line, int id, double time, size_t number) {
    const auto text = ParseTextCall(line);
    if (!text) {
      ++out_.not_understood;
      return;
    }
    std::optional<int> error;
    std::optional<uint64_t> returned;
    std::string opened;
    const std::string& result = text->result;
    if (result.rfind("-1 E", 0) == 0) {
      const std::string name = result.substr(3, result.find_first_of(" (", 3) - 3);
      error = name.rfind("ERESTART", 0) == 0 ? std::optional<int>(4) : kernel::FindErrno(name);
      if (!error) error = 1;
    } else if (!result.empty() && result.front() != '?') {
      error = 0;
      const std::string first = result.substr(0, result.find(' '));
      returned = ValueOf(kernel::Arch::kX86_64, first);
      opened = DescriptorOf(first);
    }
    std::vector<TracedArgument> args;
    for (const std::string& arg : text->args) {
      TracedArgument one;
      one.text = arg;
      if (!arg.empty()) {
        one.descriptor = DescriptorOf(arg);
        one.string = StringOf(arg, &one.whole);
        if (arg.front() == '{' && arg.find("sa_family=") != std::string::npos) one.address = AddressIn(arg);
      }
      args.push_back(std::move(one));
    }
    ++out_.records;
    AddTraced(text->name, args, error, returned, opened, id, time, fmt::format("line {}", number), processes_, run_);
  }

  Run& run_;
  Imported& out_;
  TracedProcesses processes_;
  std::map<int, std::string> unfinished_;
};

}  // namespace

void ImportStrace(Log& log, Run& run, Imported& out, const Overflow& overflow) {
  Reader reader(run, out);
  EachLine(log, [&](std::string_view line, size_t number) {
    reader.Line(line, number);
    overflow(run);
  });
  reader.End();
}

}  // namespace ravelin::observe
