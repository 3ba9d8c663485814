#include "profiler/verify/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "compiler/kernel/facts.h"

namespace ravelin::verify {
namespace {

constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Words as a shell splits them, with quotes of both kinds and no expansion; nullopt where a quote is not closed.
std::optional<std::vector<std::string>> Words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) quote = 0;
      else word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      inside = true;
    } else if (c == ' ' || c == '\t') {
      if (inside) words.push_back(std::move(word));
      word.clear();
      inside = false;
    } else {
      word += c;
      inside = true;
    }
  }
  if (quote != 0) return std::nullopt;
  if (inside) words.push_back(std::move(word));
  return words;
}

std::optional<unsigned> Number(const std::string& text, int base = 10) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Result<Scenario> Run() {
    std::string line;
    while (Next(line)) {
      const size_t begin = line.find_first_not_of(" \t");
      if (begin == std::string::npos || line[begin] == '#') continue;
      const size_t end = std::min(line.find_first_of(" \t", begin), line.size());
      const size_t rest = std::min(line.find_first_not_of(" \t", end), line.size());
      if (auto done = Statement(line.substr(begin, end - begin), line.substr(rest)); !done) return tl::make_unexpected(std::move(done.error()));
    }
    if (out_.steps.empty() && out_.attacks.empty()) return Fail(ErrorCode::kMalformed, fmt::format("{}: nothing is run", name_));
    return std::move(out_);
  }

 private:
  bool Next(std::string& line) {
    if (text_.empty()) return false;
    const size_t end = std::min(text_.find('\n'), text_.size());
    line = text_.substr(0, end);
    text_.remove_prefix(std::min(end + 1, text_.size()));
    ++number_;
    return true;
  }
  tl::unexpected<Error> Wrong(const std::string& what) const { return Fail(ErrorCode::kMalformed, fmt::format("{}:{}: {}", name_, number_, what)); }

  Result<void> Statement(const std::string& word, const std::string& rest) {
    if (word == "prepare" || word == "client") return Shell(rest);
    if (word == "attack") return AnAttack(rest);
    if (word == "granted") return Grant(rest);
    const auto words = Words(rest);
    if (!words) return Wrong("a quote is not closed");
    if (word == "start" || word == "run") return Confined(word == "start", *words);
    if (word == "stop") return Stop(*words);
    if (words->empty()) return Wrong(fmt::format("`{}` needs more", word));
    const std::string& first = words->front();
    if (word == "folder") {
      out_.folders.push_back(first);
    } else if (word == "file") {
      return File(*words);
    } else if (word == "relabel") {
      Step step;
      step.step.kind = kernels::Step::Kind::kRelabel;
      step.step.path = first;
      out_.steps.push_back(std::move(step));
    } else if (word == "module") {
      out_.modules.push_back(first);
    } else if (word == "neighbour") {
      out_.neighbour = first;
    } else if (word == "environment") {
      environment_.push_back(first);
    } else if (word == "directory") {
      directory_ = first;
    } else if (word == "output" && first == "any") {
      out_.compare_output = false;
    } else if (word == "user" && words->size() == 2) {
      const auto user = Number(first);
      const auto group = Number(words->at(1));
      if (!user || !group) return Wrong("`user` takes two numbers");
      user_ = *user;
      group_ = *group;
    } else if (word == "wait" && words->size() == 2) {
      return Wait(first, words->at(1));
    } else {
      return Wrong(fmt::format("`{}` is no statement of a scenario", word));
    }
    return {};
  }

  Result<void> AnAttack(const std::string& rest) {
    const size_t colon = rest.find(": ");
    const size_t is = rest.find(" is ");
    if (colon == std::string::npos || is == std::string::npos || is < colon) return Wrong("write it as `attack NAME: WORDS is EVENT`");
    auto words = Words(std::string_view(rest).substr(colon + 2, is - colon - 2));
    if (!words || words->empty()) return Wrong("an attack needs words");
    Attack attack{rest.substr(0, colon), std::move(*words), false, rest.substr(is + 4)};
    if (attack.words.back() == "neighbour") {
      if (out_.neighbour.empty()) return Wrong("there is no neighbour before this line");
      attack.on_neighbour = true;
      attack.words.pop_back();
    }
    out_.attacks.push_back(std::move(attack));
    return {};
  }

  Result<void> Grant(const std::string& rest) {
    const size_t to = rest.find(" to ");
    const size_t because = rest.find(" because ");
    if (to == std::string::npos || because == std::string::npos || because < to) return Wrong("write it as `granted NAME to POLICY, POLICY because \"...\"`");
    const auto reason = Words(std::string_view(rest).substr(because + 9));
    if (!reason || reason->size() != 1) return Wrong("a reason stands in quotes");
    Granted granted{rest.substr(0, to), {}, reason->front()};
    std::string names = rest.substr(to + 4, because - to - 4);
    std::replace(names.begin(), names.end(), ',', ' ');
    granted.policies = *Words(names);
    const bool known = std::any_of(out_.attacks.begin(), out_.attacks.end(), [&](const Attack& one) { return one.name == granted.attack; });
    if (!known) return Wrong(fmt::format("there is no attack `{}` before this line", granted.attack));
    out_.granted.push_back(std::move(granted));
    return {};
  }

  Result<void> Shell(const std::string& line) {
    Step step;
    step.step = {.program = "/bin/sh", .arguments = {"sh", "-c", line}, .environment = {kPath, "HOME=/root", "LANG=C"}};
    out_.steps.push_back(std::move(step));
    return {};
  }

  Result<void> Confined(bool goes_on, const std::vector<std::string>& words) {
    if (words.empty()) return Wrong("a command is missing");
    Step step;
    step.confined = true;
    step.step.kind = goes_on ? kernels::Step::Kind::kStart : kernels::Step::Kind::kRun;
    step.step.arguments = words;
    step.step.environment = {kPath, "HOME=/root", "LANG=C", "TERM=dumb"};
    step.step.environment.insert(step.step.environment.end(), environment_.begin(), environment_.end());
    step.step.directory = directory_;
    step.step.user = user_;
    step.step.group = group_;
    if (goes_on) running_ = static_cast<int>(out_.steps.size());
    out_.steps.push_back(std::move(step));
    return {};
  }

  Result<void> Stop(const std::vector<std::string>& words) {
    if (running_ < 0) return Wrong("nothing was started");
    const auto signal = kernel::FindSignal(kernel::Arch::kX86_64, words.empty() ? "TERM" : words.front());
    if (!signal) return Wrong(fmt::format("`{}` is no signal", words.front()));
    Step step;
    step.step.kind = kernels::Step::Kind::kStop;
    step.step.target = running_;
    step.step.signal = *signal;
    out_.steps.push_back(std::move(step));
    running_ = -1;
    return {};
  }

  Result<void> Wait(const std::string& what, const std::string& value) {
    Step step;
    const auto port = Number(value);
    if (what == "path") {
      step.step.kind = kernels::Step::Kind::kPath;
      step.step.path = value;
    } else if (what == "port" && port) {
      step.step.kind = kernels::Step::Kind::kPort;
      step.step.port = static_cast<int>(*port);
    } else {
      return Wrong("`wait` takes `port N` or `path PATH`");
    }
    out_.steps.push_back(std::move(step));
    return {};
  }

  Result<void> File(const std::vector<std::string>& words) {
    kernels::File file;
    file.path = words.front();
    const std::string& mark = words.back();
    const auto mode = words.size() == 3 ? Number(words[1], 8) : std::optional<unsigned>(0644);
    if (words.size() < 2 || words.size() > 3 || mark.rfind("<<", 0) != 0 || mark.size() == 2 || !mode) return Wrong("write it as `file PATH [MODE] <<END`");
    file.mode = *mode;
    std::string line;
    while (true) {
      if (!Next(line)) return Wrong(fmt::format("`{}` does not come", mark.substr(2)));
      if (line == mark.substr(2)) break;
      file.content += line + "\n";
    }
    out_.files.push_back(std::move(file));
    return {};
  }

  std::string_view text_;
  const std::string& name_;
  size_t number_ = 0;
  Scenario out_;
  std::vector<std::string> environment_;
  std::string directory_ = "/";
  unsigned user_ = 0;
  unsigned group_ = 0;
  int running_ = -1;
};

}  // namespace

Result<Scenario> ParseScenario(std::string_view text, const std::string& name) { return Reader(text, name).Run(); }

}  // namespace ravelin::verify
