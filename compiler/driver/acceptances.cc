// Acceptances that an operator gives beforehand.
#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "compiler/driver/learn.h"
#include "profiler/observe/import.h"

namespace ravelin::driver {
namespace {

std::vector<std::string> Split(const std::string& text, char at) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text + at) {
    if (c == at) {
      if (!word.empty()) out.push_back(word);
      word.clear();
    } else if (c != ' ' && c != '\t') {
      word += c;
    }
  }
  return out;
}

}  // namespace

Result<std::vector<GivenAcceptance>> ReadAcceptances(const std::string& text, const std::string& name) {
  std::vector<GivenAcceptance> out;
  std::string bad;
  const std::regex line_form(R"re(accept gap ((?:(?:default|filesystem) )?[A-Za-z0-9_]+\*?) (wider|narrower) on ([a-z+, ]+?)(?: of ([a-z_{}, ]+?))? because "([^"]+)"\s*)re");
  const std::regex part(R"(([a-z_]+)\s*(?:\{([^}]*)\})?)");
  observe::EachLine(text, [&](std::string_view raw, size_t number) {
    std::string line(raw);
    line.erase(0, line.find_first_not_of(" \t") == std::string::npos ? line.size() : line.find_first_not_of(" \t"));
    if (line.empty() || line.rfind("//", 0) == 0 || line.rfind("#", 0) == 0 || !bad.empty()) return;
    std::smatch m;
    if (!std::regex_match(line, m, line_form)) {
      bad = fmt::format("{}:{}: not `accept gap LABEL wider|narrower on LAYERS [of FACET {{ OPERATIONS }}] because \"...\"`", name, number);
      return;
    }
    GivenAcceptance one;
    one.label = m[1];
    one.wider = m[2] == "wider";
    for (const std::string& set : Split(m[3], ',')) one.layer_sets.push_back(Split(set, '+'));
    const std::string of = m[4];
    for (auto it = std::sregex_iterator(of.begin(), of.end(), part); it != std::sregex_iterator(); ++it) {
      auto& operations = one.operations[(*it)[1]];
      for (const std::string& operation : Split((*it)[2], ',')) operations.insert(operation);
    }
    one.because = m[5];
    one.line = static_cast<unsigned>(number);
    out.push_back(std::move(one));
  });
  if (!bad.empty()) return Fail(ErrorCode::kMalformed, bad);
  return out;
}

}  // namespace ravelin::driver
