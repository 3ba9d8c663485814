// System calls with their arguments, and which program started which.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "compiler/cli/html.h"
#include "compiler/cli/learning_page.h"
#include "compiler/kernel/facts.h"

namespace ravelin::cli {
namespace {

constexpr size_t kMostValues = 12;
constexpr size_t kMostNodes = 48;  // of the picture; the list has all
constexpr size_t kDeepest = 64;    // execs; the others of a chain stand as one

struct CallUse {
  std::map<std::string, std::set<std::string>> values;  // parameter -> as constants, where they have names
  uint64_t count = 0;
  size_t runs = 0;
  bool refused = false;
  std::set<uint32_t> rules;
};

std::string Named(kernel::Arch arch, const kernel::Syscall* call, const std::string& param, const std::string& value) {
  uint64_t number = 0;
  const bool hex = value.starts_with("0x");
  const auto read = std::from_chars(value.data() + (hex ? 2 : 0), value.data() + value.size(), number, hex ? 16 : 10);
  if (call == nullptr || read.ec != std::errc()) return value;
  for (const kernel::Param& one : call->params) {
    if (one.name != param || one.family.empty()) continue;
    const std::string text = kernel::ConstantText(arch, one.family, number);
    if (!text.empty()) return text;
  }
  return value;
}

std::string Places(const LearningReport& report, const std::set<uint32_t>& rules) {
  std::string out;
  for (const uint32_t rule : rules) {
    const std::string& label = report.domain->rules[rule].label;
    out += fmt::format("{}<a href=\"#rule-{}\">{}</a>", out.empty() ? "" : ", ", rule, Escape(label.empty() ? report.domain->rules[rule].from.place : label));
  }
  return out.empty() ? "a default" : out;
}

struct Program {
  std::map<std::string, Program> children;
  std::set<std::string> runs;
};

std::string List(const std::map<std::string, Program>& programs) {
  if (programs.empty()) return "";
  std::string out = "<ul>\n";
  for (const auto& [name, program] : programs) out += fmt::format("<li><code>{}</code> <span class=\"say\">in {} run{}</span>\n{}</li>\n", Escape(name), program.runs.size(), program.runs.size() == 1 ? "" : "s", List(program.children));
  return out + "</ul>\n";
}

std::string ShortName(const std::string& program) { return program.substr(program.rfind('/') + 1); }

// Programs by how many execs they are away from the first, edges from who starts to who is started.
std::string Graph(const std::map<std::string, Program>& roots) {
  std::map<std::string, size_t> depth;
  std::map<std::string, std::set<std::string>> edges;
  const auto visit = [&](const auto& self, const std::map<std::string, Program>& programs, const std::string& from) -> void {
    for (const auto& [name, program] : programs) {
      if (!from.empty() && from != name) edges[from].insert(name);
      self(self, program.children, name);
    }
  };
  visit(visit, roots, "");
  std::vector<std::string> work;
  for (const auto& [name, program] : roots) {
    depth[name] = 0;
    work.push_back(name);
  }
  for (size_t i = 0; i < work.size(); ++i) {
    for (const std::string& next : edges[work[i]]) {
      if (depth.emplace(next, depth[work[i]] + 1).second) work.push_back(next);
    }
  }
  if (depth.size() < 2 || depth.size() > kMostNodes) return "";
  std::map<size_t, std::vector<std::string>> columns;
  for (const auto& [name, level] : depth) columns[level].push_back(name);
  size_t tallest = 0;
  for (const auto& [level, names] : columns) tallest = std::max(tallest, names.size());
  constexpr int kColumn = 190, kRow = 38;
  std::map<std::string, std::pair<int, int>> place;
  for (const auto& [level, names] : columns) {
    for (size_t i = 0; i < names.size(); ++i) place[names[i]] = {static_cast<int>(level) * kColumn + 8, static_cast<int>(i) * kRow + 10};
  }
  const int width = static_cast<int>(columns.rbegin()->first + 1) * kColumn;
  const int height = static_cast<int>(tallest) * kRow + 10;
  std::string out = fmt::format("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Which program starts which\"><svg class=\"graph\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"The list below says the same\">\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n", width, height);
  for (const auto& [from, all] : edges) {
    for (const std::string& to : all) {
      const auto [ax, ay] = place[from];
      const auto [bx, by] = place[to];
      // Forwards from side to side; back or within a column round the right-hand side.
      out += bx > ax ? fmt::format("<path class=\"edge\" marker-end=\"url(#tip)\" d=\"M{} {}C{} {} {} {} {} {}\"/>\n", ax + 150, ay + 13, ax + 175, ay + 13, bx - 25, by + 13, bx, by + 13)
                     : fmt::format("<path class=\"edge\" stroke-dasharray=\"4 3\" marker-end=\"url(#tip)\" d=\"M{} {}C{} {} {} {} {} {}\"/>\n", ax + 150, ay + 20, ax + 185, ay + 20, bx + 185, by + 20, bx + 150, by + 20);
    }
  }
  for (const auto& [name, at] : place) {
    std::string shown = ShortName(name);
    if (shown.size() > 19) shown = shown.substr(0, 18) + "…";
    out += fmt::format("<g><title>{}</title><rect x=\"{}\" y=\"{}\" width=\"150\" height=\"26\" rx=\"5\"/><text x=\"{}\" y=\"{}\">{}</text></g>\n", Escape(name), at.first, at.second, at.first + 8, at.second + 17, Escape(shown));
  }
  return out + "</svg></div>\n";
}

}  // namespace

std::string CallSection(const LearningReport& report) {
  std::map<std::string, CallUse> calls;
  for (const driver::EvidenceLine& line : report.evidence.lines) {
    if (line.seen.facet != "syscall") continue;
    const auto named = line.seen.attributes.find("arch");
    const auto arch = kernel::ArchFromName(named == line.seen.attributes.end() ? "x86_64" : named->second).value_or(kernel::Arch::kX86_64);
    CallUse& use = calls[line.seen.operation];
    use.count += line.count;
    use.runs = std::max(use.runs, line.runs);
    use.refused = use.refused || !line.permitted;
    use.rules.insert(line.rules.begin(), line.rules.end());
    for (const auto& [param, value] : line.seen.attributes) {
      if (param != "arch" && param != "refused") use.values[param].insert(Named(arch, kernel::FindSyscall(arch, line.seen.operation), param, value));
    }
  }
  std::string out = fmt::format("<section aria-labelledby=\"calls\">\n<h2 id=\"calls\">System calls</h2>\n<p>{} were seen.</p>\n", calls.size());
  std::string rows;
  for (const auto& [name, use] : calls) {
    std::string values;
    for (const auto& [param, all] : use.values) {
      std::string some;
      size_t shown = 0;
      for (const std::string& value : all) {
        if (shown++ < kMostValues) some += (some.empty() ? "" : ", ") + value;
      }
      if (shown > kMostValues) some += fmt::format(", and {} more", shown - kMostValues);
      values += fmt::format("{}<span class=\"say\">{}</span> <code>{}</code>", values.empty() ? "" : "<br>", Escape(param), Escape(some));
    }
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", Escape(name), values, use.count, use.runs, use.refused ? "<strong class=\"state\">refused</strong>" : Places(report, use.rules));
  }
  if (!calls.empty()) out += Table("Every system call that was seen, its arguments, and what permits it", "<th scope=\"col\">call</th><th scope=\"col\">arguments</th><th scope=\"col\">times</th><th scope=\"col\">runs</th><th scope=\"col\">permitted by</th>", rows);
  return out + "</section>\n";
}

std::string ExecSection(const LearningReport& report) {
  std::map<std::string, Program> roots;
  for (const auto& [id, run] : report.recording->runs) {
    std::set<std::string> chains;
    for (const auto& [fact, seen] : run.facts) {
      const auto process = observe::Decode(fact.process);
      if (const auto chain = process.find("chain"); chain != process.end() && !chain->second.empty()) chains.insert(chain->second);
    }
    for (const std::string& chain : chains) {
      std::map<std::string, Program>* level = &roots;
      for (size_t at = 0, depth = 0; at <= chain.size(); ++depth) {
        const size_t end = depth == kDeepest ? chain.size() : std::min(chain.find(" > ", at), chain.size());
        Program& program = (*level)[chain.substr(at, end - at)];
        program.runs.insert(id);
        level = &program.children;
        at = end + 3;
      }
    }
  }
  std::string out = "<section aria-labelledby=\"programs\">\n<h2 id=\"programs\">Programs</h2>\n";
  if (roots.empty()) return out + "<p>The recorder did not say which program did what.</p>\n</section>\n";
  return out + Graph(roots) + "<div class=\"tree\">" + List(roots) + "</div>\n</section>\n";
}

}  // namespace ravelin::cli
