// AppArmor's own pairs of a log and the rule that it asks for (libapparmor's test_multi).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>

#include "compiler/base/source.h"
#include "compiler/kernel/facts.h"
#include "profiler/observe/import.h"

namespace ravelin::observe {
namespace {

namespace fs = std::filesystem;

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string NameOf(const char* family, const std::string& value) {
  const std::string_view name = kernel::ConstantName(kernel::Arch::kX86_64, family, std::stoull(value, nullptr, 16));
  const size_t bar = name.find('_');
  return Lower(std::string(name.substr(bar == std::string_view::npos ? 0 : bar + 1)));
}

// The fact in AppArmor's words, one form for each kind: what the expected profiles are brought into as well.
std::string InItsWords(const Fact& fact) {
  Attributes a = Decode(fact.attributes);
  if (fact.facet == "file") {
    static const std::map<std::string, char> letters = {{"read", 'r'}, {"list", 'r'}, {"getattr", 'r'}, {"lock", 'k'}, {"map_exec", 'm'}, {"link", 'l'}};
    const auto letter = letters.find(fact.operation);
    return fmt::format("{}{} {}", a.count("owner") != 0 ? "owner " : "", a["path"], letter == letters.end() ? 'w' : letter->second);
  }
  if (fact.facet == "exec") return a["path"] + " x";
  if (fact.facet == "capability") return "capability " + fact.operation;
  if (fact.facet == "network") return fmt::format("network {} {}", NameOf("AF", a["family"]), NameOf("SOCK", a["type"]));
  if (fact.facet == "signal") {
    std::string signal;
    for (const std::string& name : kernel::SignalNames()) {
      if (kernel::FindSignal(kernel::Arch::kX86_64, name) == static_cast<int>(std::stoull(a["signal"], nullptr, 16))) signal = Lower(name.rfind("SIG", 0) == 0 ? name.substr(3) : name);
    }
    return fmt::format("signal {} set={} peer={}", fact.operation, signal, a["peer"]);
  }
  if (fact.facet == "dbus") return fmt::format("dbus {} bus={} path={} interface={} member={} label={}", fact.operation, a["bus"], a["path"], a["interface"], a["member"], a["peer"]);
  if (fact.facet == "mount") return fmt::format("mount fstype={} options={} {} -> {}", a["fstype"], a["options"], a["from"], a["on"]);
  if (fact.facet == "domain") return fmt::format("{} {}", fact.operation, a["to"]);
  return Show(fact);
}

std::string WithoutSlash(std::string path) {
  if (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// The rules of an expected profile.
std::vector<std::string> Expected(const std::string& text) {
  std::vector<std::string> out;
  std::smatch m;
  const std::regex file(R"(^\s*(owner )?(/\S*|ping2) (ix|[rwkl]),$)");
  const std::regex dbus(R"(^\s*dbus (\w+) bus=(\S+) path=(\S+)\s+interface=(\S+)\s+member=(\S+) peer=\(.*label=(\S+?)\),$)");
  const std::regex mount(R"re(^\s*mount fstype=(\S+) options="(.*)" (\S+) -> (\S+),$)re");
  const std::regex plain(R"(^\s*((network|capability|signal) .*),$)");
  EachLine(text, [&](std::string_view line, size_t) {
    const std::string one(line);
    if (std::regex_match(one, m, file)) out.push_back(fmt::format("{}{} {}", m[1].str(), WithoutSlash(m[2]), m[3] == "ix" ? "x" : m[3].str()));
    if (std::regex_match(one, m, dbus)) out.push_back(fmt::format("dbus {} bus={} path={} interface={} member={} label={}", m[1].str(), m[2].str(), m[3].str(), m[4].str(), m[5].str(), m[6].str()));
    if (std::regex_match(one, m, mount)) out.push_back(fmt::format("mount fstype={} options={} {} -> {}", m[1].str(), m[2].str(), m[3].str(), WithoutSlash(m[4])));
    if (std::regex_match(one, m, plain)) out.push_back(m[1]);
  });
  return out;
}

std::string Field(const std::string& out, const std::string& name) {
  std::smatch m;
  return std::regex_search(out, m, std::regex("\n" + name + ": ([^\n]*)")) ? m[1].str() : "";
}

TEST(ApparmorCases, GiveTheExpectedRule) {
  const fs::path folder = fs::path(RAVELIN_SOURCE_DIR) / "../shared/data/apparmor/log-to-rule";
  if (!fs::exists(folder)) GTEST_SKIP() << "the data of other projects is not here (log-to-rule)";
  size_t cases = 0;
  std::vector<std::string> missed;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".in") continue;
    ++cases;
    const auto beside = [&](const char* extension) { return source::ReadFile(fs::path(entry.path()).replace_extension(extension)).value_or(""); };
    const auto imported = ImportEvents(entry.path(), beside(".in"));
    std::vector<std::string> got;
    if (imported) {
      for (const auto& [id, run] : imported->recording.runs) {
        for (const auto& [fact, seen] : run.facts) got.push_back(InItsWords(fact));
      }
    }
    std::vector<std::string> expected = Expected(beside(".profile"));
    // Where the tools ask their user instead of writing a rule, the parsed record says what was asked.
    const std::string out = beside(".out");
    const bool record = out.find("AA_RECORD_DENIED") != std::string::npos || out.find("AA_RECORD_ALLOWED") != std::string::npos;
    if (expected.empty() && record) {
      const std::string operation = Field(out, "Operation");
      if (operation == "exec") expected.push_back(Field(out, "Name") + " x");
      if (operation == "inode_link") expected.push_back(Field(out, "Name") + " l");
      if (operation == "change_hat" && !Field(out, "Name2").empty()) expected.push_back("change " + Field(out, "Name2"));
      if (operation == "change_onexec") expected.push_back("change_at_exec " + Field(out, "Name2"));
    }
    if (got != expected) missed.push_back(fmt::format("{}: {} instead of {}", entry.path().stem().string(), testing::PrintToString(got), testing::PrintToString(expected)));
  }
  EXPECT_EQ(cases, 59u);
  for (const std::string& one : missed) std::printf("  %s\n", one.c_str());
  std::printf("%zu of %zu logs give the expected rule\n", cases - missed.size(), cases);
  EXPECT_GE((cases - missed.size()) * 100, cases * 95);
}

}  // namespace
}  // namespace ravelin::observe
