#include "compiler/driver/relearn.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compiler/base/check.h"
#include "compiler/driver/drift.h"
#include "compiler/driver/learn.h"
#include "profiler/generalize/generalize.h"

namespace ravelin::driver {
namespace {

// The label that machine-made refusals of calls have (profiler/generalize/calls.cc).
constexpr const char* kUnused = "unused";

bool ByPath(const ir::Rule& rule) { return rule.facet == ir::FacetOf("file") || rule.facet == ir::FacetOf("exec"); }

class Adding {
 public:
  Adding(const Frontend& learned, const ir::Domain& edited, const generalize::Learned& rules) : learned_(learned), one_(learned.policy.domains[0]), other_(Spoken(edited)), rules_(rules) {
    for (const ir::Rule& rule : other_.rules) labels_.insert(rule.label);
    for (const std::string& call : CallsBeyond(one_, other_)) calls_.insert(call.substr(0, call.find('(')));
  }

  Result<std::vector<std::string>> Lines() {
    for (const ir::Rule& rule : one_.rules) {
      if (rule.effect != ir::Effect::kAllow) continue;
      if (ByPath(rule)) {
        if (auto added = Paths(rule); !added) return tl::make_unexpected(std::move(added.error()));
      } else if (rule.facet == ir::FacetOf("syscall")) {
        Calls(rule);
      } else if (!ObjectsBeyond(one_, rule, other_).empty()) {
        Whole(rule);
      }
    }
    return lines_;
  }
  const std::set<std::string>& calls() const { return calls_; }

 private:
  // What the policy speaks of, permitting or refusing it, as if it permitted it: whoever refused something by hand is not asked again.
  static ir::Domain Spoken(ir::Domain domain) {
    for (ir::Rule& rule : domain.rules) {
      if (rule.effect != ir::Effect::kDeny || rule.label == kUnused) continue;
      rule.effect = ir::Effect::kAllow;
      rule.action = ir::Action();
    }
    return domain;
  }

  std::string Label(const std::string& wanted) {
    if (wanted.empty()) return "";
    std::string label = wanted;
    for (size_t i = 2; !labels_.insert(label).second; ++i) label = fmt::format("{}_{}", wanted, i);
    return label + ": ";
  }

  std::string TextOf(const ir::Rule& rule) const {
    const source::Span span = rule.from.span;
    std::string text(learned_.sources.Text(span.file).substr(span.begin, span.end - span.begin));
    // One line, without its label.
    for (char& c : text) c = c == '\n' ? ' ' : c;
    text.erase(std::unique(text.begin(), text.end(), [](char a, char b) { return a == ' ' && b == ' '; }), text.end());
    if (!rule.label.empty() && text.rfind(rule.label + ":", 0) == 0) text.erase(0, text.find_first_not_of(' ', rule.label.size() + 1));
    return text;
  }

  void Whole(const ir::Rule& rule) {
    for (const generalize::Rule& one : rules_.rules) {
      if (!rule.label.empty() && one.statement.rfind(rule.label + ":", 0) == 0) {
        for (const std::string& comment : one.comments) lines_.push_back("// " + comment);
      }
    }
    lines_.push_back(Label(rule.label) + TextOf(rule));
  }

  Result<void> Paths(const ir::Rule& rule) {
    const std::string& facet = kernel::Facets()[rule.facet].name;
    const auto patterns = rule.texts.find("path");
    if (patterns == rule.texts.end()) {  // names are looked for everywhere
      for (size_t operation = 0; operation < kernel::Facets()[rule.facet].operations.size(); ++operation) {
        if ((rule.operations >> operation & 1) == 0) continue;
        RAVELIN_TRY(all, ir::PathSet::All().Intersect(ir::PathSet::Names()));
        RAVELIN_TRY(new_here, Beyond(std::move(all), rule.facet, static_cast<int>(operation)));
        if (new_here) {
          Whole(rule);
          break;
        }
      }
      return {};
    }
    std::map<ir::OperationSet, std::vector<std::string>> by_operations;
    for (const std::string& pattern : patterns->second) {
      RAVELIN_TRY(paths, ir::PathSet::Parse(pattern));
      ir::OperationSet news = 0;
      for (size_t operation = 0; operation < kernel::Facets()[rule.facet].operations.size(); ++operation) {
        if ((rule.operations >> operation & 1) == 0) continue;
        RAVELIN_TRY(new_here, Beyond(paths, rule.facet, static_cast<int>(operation)));
        if (new_here) news |= ir::OperationSet{1} << operation;
      }
      if (news != 0) by_operations[news].push_back(pattern);
    }
    for (const auto& [operations, list] : by_operations) {
      std::string quoted;
      for (const std::string& pattern : list) {
        for (const generalize::PathRule& path : rules_.paths) {
          if (path.pattern == pattern && facet == "file") lines_.push_back(fmt::format("// {}: {}; {}", pattern, generalize::EvidenceText(path.evidence, rules_.runs), path.step));
        }
        quoted += (quoted.empty() ? "" : ", ") + generalize::QuoteText(pattern);
      }
      const std::string what = facet == "exec" ? "exec" : fmt::format("file {{ {} }}{} on", fmt::join(ir::OperationNames(rule.facet, operations), ", "), rule.owner_only ? " owner" : "");
      lines_.push_back(fmt::format("{}allow {} path({})", Label(rule.label), what, quoted));
    }
    return {};
  }

  Result<bool> Beyond(ir::PathSet paths, ir::FacetId facet, int operation) {
    auto at = permitted_.find({facet, operation});
    if (at == permitted_.end()) {
      RAVELIN_TRY(set, PathsPermitted(other_, facet, operation));
      at = permitted_.emplace(std::make_pair(facet, operation), std::move(set)).first;
    }
    RAVELIN_TRY(left, paths.Minus(at->second));
    return !left.Empty();
  }

  void Calls(const ir::Rule& rule) {
    std::set<std::string> plain;
    bool conditional = false;
    for (const ir::CallMatch& match : rule.calls) {
      const kernel::Syscall* call = kernel::FindSyscall(match.arch, match.number);
      if (call == nullptr || calls_.count(call->name) == 0) continue;
      if (match.when.IsTrue()) plain.insert(call->name);
      else conditional = true;
    }
    if (!plain.empty()) lines_.push_back(fmt::format("{}allow syscall {{ {} }}", Label(rule.label), generalize::JoinNames(plain)));
    if (conditional) Whole(rule);
  }

  const Frontend& learned_;
  const ir::Domain& one_;
  const ir::Domain other_;
  const generalize::Learned& rules_;
  std::set<std::string> labels_;
  std::set<std::string> calls_;  // new ones
  std::map<std::pair<ir::FacetId, int>, ir::PathSet> permitted_;
  std::vector<std::string> lines_;
};

std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// Statements and comments of a policy in the canonical layout, at that indentation.
std::vector<std::string> LaidOutAt(const std::string& indentation, const std::vector<std::string>& statements) {
  const std::string head = "language 1\n\npolicy p {\n", tail = "}\n";
  const std::string text = LaidOut(fmt::format("{}  {}\n{}", head, fmt::join(statements, "\n  "), tail));
  RAVELIN_CHECK(text.rfind(head, 0) == 0 && text.size() >= head.size() + tail.size(), "the layout of a policy begins and ends otherwise");
  std::vector<std::string> out = LinesOf(std::string_view(text).substr(head.size(), text.size() - head.size() - tail.size()));
  for (std::string& line : out) line = line.empty() ? line : indentation + line.substr(2);
  return out;
}

// Lines `first` to `last` (1-based; none: in front of `first`) become others.
struct Edit {
  size_t first = 0;
  size_t removed = 0;
  std::vector<std::string> lines;
};

// Without what stays as it is at its ends.
Edit Trimmed(Edit edit, const std::vector<std::string>& before) {
  while (edit.removed > 0 && !edit.lines.empty() && edit.lines.front() == before[edit.first - 1]) {
    edit.lines.erase(edit.lines.begin());
    ++edit.first;
    --edit.removed;
  }
  while (edit.removed > 0 && !edit.lines.empty() && edit.lines.back() == before[edit.first + edit.removed - 2]) {
    edit.lines.pop_back();
    --edit.removed;
  }
  return edit;
}

std::string Unified(const std::string& name, const std::vector<std::string>& before, const std::vector<Edit>& edits) {
  if (edits.empty()) return "";
  std::string out = fmt::format("--- {}\n+++ {}\n", name, name);
  long moved = 0;
  for (const Edit& edit : edits) {
    // One line around it, where there is one.
    const size_t from = edit.first > 1 ? edit.first - 1 : edit.first;
    const size_t to = std::min(edit.first + edit.removed, before.size());
    const size_t old_count = to - from + 1;
    out += fmt::format("@@ -{},{} +{},{} @@\n", from, old_count, static_cast<long>(from) + moved, old_count - edit.removed + edit.lines.size());
    for (size_t line = from; line < edit.first; ++line) out += " " + before[line - 1] + "\n";
    for (size_t line = edit.first; line < edit.first + edit.removed; ++line) out += "-" + before[line - 1] + "\n";
    for (const std::string& line : edit.lines) out += "+" + line + "\n";
    for (size_t line = edit.first + edit.removed; line <= to; ++line) out += " " + before[line - 1] + "\n";
    moved += static_cast<long>(edit.lines.size()) - static_cast<long>(edit.removed);
  }
  return out;
}

// What a machine refused because nobody had used it, without what is used now.
std::optional<Edit> WithoutUsed(const Frontend& edited, const ir::Domain& domain, const std::set<std::string>& used) {
  for (const ir::Rule& rule : domain.rules) {
    if (rule.label != kUnused || rule.effect != ir::Effect::kDeny || rule.facet != ir::FacetOf("syscall")) continue;
    std::set<std::string> left;
    bool changed = false;
    for (const ir::CallMatch& match : rule.calls) {
      const kernel::Syscall* call = kernel::FindSyscall(match.arch, match.number);
      if (call == nullptr) continue;
      changed |= used.count(call->name) != 0;
      if (used.count(call->name) == 0) left.insert(call->name);
    }
    if (!changed) return std::nullopt;
    const source::Span span = rule.from.span;
    Edit edit;
    edit.first = edited.sources.PositionOf(span.file, span.begin).line;
    edit.removed = edited.sources.PositionOf(span.file, span.end).line - edit.first + 1;
    const std::string anchor(edited.sources.LineOf(span.file, static_cast<uint32_t>(edit.first)));
    if (!left.empty()) edit.lines = LaidOutAt(anchor.substr(0, anchor.find_first_not_of(" \t")), {fmt::format("{}: deny syscall {{ {} }} with errno(ENOSYS)", kUnused, generalize::JoinNames(left))});
    return edit;
  }
  return std::nullopt;
}

}  // namespace

Result<Relearned> Relearn(const LearnRequest& request, const std::string& policy, const std::string& name) {
  RAVELIN_TRY(written, WritePolicy(request));
  RAVELIN_TRY(learned, ReadPolicy(request.output, request.load, request.target));
  RAVELIN_TRY(edited, ReadPolicy(policy, request.load, request.target));
  if (edited->sink.HasErrors()) return Fail(ErrorCode::kMalformed, RenderText(edited->sink, edited->sources, {}));
  const auto domain = std::find_if(edited->policy.domains.begin(), edited->policy.domains.end(), [&](const ir::Domain& one) { return name.empty() || one.name == name; });
  if (domain == edited->policy.domains.end()) return Fail(ErrorCode::kNotFound, fmt::format("{} has no policy `{}`", policy, name));
  Relearned out;
  Adding adding(*learned, *domain, written.learned);
  RAVELIN_TRY(lines, adding.Lines());
  for (const std::string& line : lines) {
    if (line.rfind("//", 0) != 0) out.added.push_back(line);
  }
  // In front of the policy's first default.
  source::Span before;
  const source::FileId file = domain->from.span.file;
  for (const ir::FacetDefault& one : domain->defaults) {
    if (one.stated && one.from.span.file == file && (!before.IsValid() || one.from.span.begin < before.begin)) before = one.from.span;
  }
  if (!before.IsValid()) return Fail(ErrorCode::kUnsupported, fmt::format("{}: policy `{}` states no default of its own: it refuses nothing that could be added", policy, domain->name));
  std::vector<std::string> content = LinesOf(edited->sources.Text(file));
  std::vector<Edit> edits;
  if (auto edit = WithoutUsed(*edited, *domain, adding.calls())) edits.push_back(Trimmed(std::move(*edit), content));
  if (!lines.empty()) {
    const size_t at = edited->sources.PositionOf(file, before.begin).line;
    const std::string indentation = content[at - 1].substr(0, content[at - 1].find_first_not_of(" \t"));
    Edit edit{at, 0, {fmt::format("{}// --- learned again, from {} run{}", indentation, written.learned.runs, written.learned.runs == 1 ? "" : "s")}};
    for (std::string& line : LaidOutAt(indentation, lines)) edit.lines.push_back(std::move(line));
    edit.lines.emplace_back();
    edits.push_back(std::move(edit));
  }
  std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) { return a.first < b.first; });
  out.patch = Unified(policy, content, edits);
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit) {
    const auto at = content.begin() + static_cast<long>(edit->first) - 1;
    content.erase(at, at + static_cast<long>(edit->removed));
    content.insert(content.begin() + static_cast<long>(edit->first) - 1, edit->lines.begin(), edit->lines.end());
  }
  for (const std::string& line : content) out.text += line + "\n";
  // What is still refused, somebody refuses on purpose.
  if (auto saved = source::WriteFile(request.output, out.text); !saved) return tl::make_unexpected(std::move(saved.error()));
  RAVELIN_TRY(patched, ReadPolicy(request.output, request.load, request.target));
  if (patched->sink.HasErrors()) return Fail(ErrorCode::kMalformed, "the policy with what was learned is none: " + RenderText(patched->sink, patched->sources, {}));
  for (const ir::Domain& one : patched->policy.domains) {
    if (one.name != domain->name) continue;
    RAVELIN_TRY(left, PermittedBeyond(learned->policy.domains[0], one));
    out.kept_refused = std::move(left);
  }
  return out;
}

}  // namespace ravelin::driver
