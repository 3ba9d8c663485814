#include "backends/selinux/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "backends/selinux/base/grants.h"
#include "backends/selinux/contexts.h"
#include "backends/selinux/names.h"
#include "backends/selinux/paths/regex.h"
#include "compiler/base/sexpr.h"

namespace ravelin::selinux {
namespace {

using base::Sexpr;

// file_contexts' letters for kinds of file, and CIL's words, in the order in which libsepol sorts them (cil_post.c).
constexpr std::pair<const char*, const char*> kKinds[] = {{"--", "file"}, {"-d", "dir"}, {"-c", "char"}, {"-b", "block"}, {"-s", "socket"}, {"-p", "pipe"}, {"-l", "symlink"}, {"", "any"}};

size_t OrderOf(const std::string& kind) {
  size_t at = 0;
  while (at < std::size(kKinds) && kKinds[at].second != kind) ++at;
  return at;
}

// As a policy store does (cil_post.c cil_post_filecon_compare).
void Sort(std::vector<HostContext>& contexts) {
  std::stable_sort(contexts.begin(), contexts.end(), [](const HostContext& a, const HostContext& b) {
    const Precedence left = PrecedenceOf(a.regex);
    const Precedence right = PrecedenceOf(b.regex);
    if (left != right) return left < right;
    return OrderOf(a.kind) != OrderOf(b.kind) ? OrderOf(a.kind) < OrderOf(b.kind) : a.regex < b.regex;
  });
}

std::optional<uint64_t> Port(const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class HostReader {
 public:
  Result<void> Add(const CilFile& file) {
    base::SexprReader reader(file.text);
    Sexpr statement;
    while (reader.Next(&statement, Matters)) Visit(statement, "");
    if (const auto& error = reader.error()) return Fail(ErrorCode::kMalformed, fmt::format("{}:{}:{}: {}", file.name, error->line, error->column, error->text));
    return {};
  }

  HostFacts Finish() {
    for (const auto& [prefix, statement] : later_) Take(prefix, statement);
    Sort(out_.contexts);
    return std::move(out_);
  }

 private:
  // Nine of ten statements of a host are about what its own domains may do.
  static bool Matters(std::string_view word) { return word != "allow" && word != "typeattributeset" && word != "roletype" && word != "dontaudit" && word != "neverallow" && word != "typeattribute" && word != "auditallow" && word != "roleattributeset"; }

  void Visit(const Sexpr& statement, const std::string& prefix) {
    const std::string& word = statement.Word(0);
    if (word == "block" || word == "optional" || word == "booleanif" || word == "tunableif" || word == "true" || word == "false") {
      const std::string inner = word == "block" ? prefix + statement.Word(1) + "." : prefix;
      for (const Sexpr& child : statement.children) {
        if (child.list) Visit(child, inner);
      }
    } else if (word == "type" || word == "typealias") {
      out_.types.insert(prefix + statement.Word(1));
    } else if (word == "context" && statement.children.size() > 2) {
      contexts_[prefix + statement.Word(1)] = {prefix, statement.children[2]};
    } else if (word == "typealiasactual") {
      aliases_.push_back({prefix, statement});
    } else if (word == "filecon" || word == "portcon" || word == "typetransition" || word == "genfscon" || word == "fsuse") {
      later_.emplace_back(prefix, statement);
    }
  }

  // A name as a statement within `prefix` means it.
  template <typename Known>
  static std::string Resolve(const std::string& prefix, const std::string& name, const Known& known) {
    for (std::string outer = prefix; !outer.empty();) {
      if (known.count(outer + name) != 0) return outer + name;
      outer.pop_back();
      outer.resize(outer.rfind('.') == std::string::npos ? 0 : outer.rfind('.') + 1);
    }
    return name;
  }

  std::string Type(const std::string& prefix, const std::string& name) {
    if (names_.empty()) {
      for (const auto& [where, alias] : aliases_) names_[Resolve(where, alias.Word(1), out_.types)] = Resolve(where, alias.Word(2), out_.types);
      names_.emplace("", "");
    }
    const std::string type = Resolve(prefix, name, out_.types);
    const auto actual = names_.find(type);
    return actual == names_.end() ? type : actual->second;
  }

  std::string TypeOfContext(const std::string& prefix, const Sexpr& context) {
    if (context.list) return context.children.empty() ? "" : Type(prefix, context.Word(2));
    const auto named = contexts_.find(Resolve(prefix, context.atom, contexts_));
    return named == contexts_.end() ? "" : Type(named->second.first, named->second.second.Word(2));
  }

  void Take(const std::string& prefix, const Sexpr& statement) {
    const std::string& word = statement.Word(0);
    const auto& parts = statement.children;
    if (word == "filecon" && parts.size() == 4) {
      out_.contexts.push_back({statement.Word(1), statement.Word(2), TypeOfContext(prefix, parts[3])});
    } else if (word == "portcon" && parts.size() == 4) {
      const auto lo = Port(parts[2].list ? parts[2].Word(0) : parts[2].atom);
      const auto hi = parts[2].list ? Port(parts[2].Word(1)) : lo;
      if (lo && hi) out_.ports.push_back({statement.Word(1), *lo, *hi, TypeOfContext(prefix, parts[3])});
    } else if (word == "typetransition" && (parts.size() == 5 || parts.size() == 6) && statement.Word(3) != "process") {
      const std::string made = Type(prefix, statement.Word(parts.size() - 1));
      if (made != Type(prefix, statement.Word(2))) out_.made.emplace(made, fmt::format("{} creates such objects in {}", statement.Word(1), statement.Word(2)));
    } else if (word == "genfscon" && parts.size() >= 4) {
      out_.made.emplace(TypeOfContext(prefix, parts.back()), fmt::format("file system {} labels with it", statement.Word(1)));
    } else if (word == "fsuse" && parts.size() == 4) {
      out_.made.emplace(TypeOfContext(prefix, parts[3]), fmt::format("file system {} labels with it", statement.Word(2)));
    }
  }

  HostFacts out_;
  std::vector<std::pair<std::string, Sexpr>> later_;
  std::vector<std::pair<std::string, Sexpr>> aliases_;
  std::map<std::string, std::string> names_;  // alias -> type
  std::map<std::string, std::pair<std::string, Sexpr>> contexts_;
};

}  // namespace

Result<std::vector<HostContext>> ReadContexts(std::string_view text) {
  std::vector<HostContext> out;
  std::istringstream lines{std::string(text)};
  size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::istringstream words(line);
    std::string regex, second, third, more;
    words >> regex >> second >> third >> more;
    if (regex.empty() || regex[0] == '#') continue;
    const auto refuse = [&](const char* why) { return Fail(ErrorCode::kMalformed, fmt::format("line {}: {}", number, why)); };
    const std::string& context = third.empty() ? second : third;
    const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& one) { return third.empty() ? *one.first == 0 : second == one.first; });
    if (second.empty() || !more.empty() || kind == std::end(kKinds)) return refuse("an entry is a regular expression, perhaps a kind of file, and a context");
    HostContext entry{regex, kind->second, ""};
    if (context != "<<none>>") {
      const size_t user = context.find(':');
      const size_t role = user == std::string::npos ? user : context.find(':', user + 1);
      if (role == std::string::npos) return refuse("a context is user:role:type, with a range where the policy has levels");
      entry.type = context.substr(role + 1, context.find(':', role + 1) - role - 1);
    }
    out.push_back(std::move(entry));
  }
  return out;
}

std::string FormatContext(const HostContext& context) {
  const std::string letter = kKinds[OrderOf(context.kind)].first;
  return fmt::format("{}\t{}{}{}\n", context.regex, letter, letter.empty() ? "" : "\t", context.type.empty() ? "<<none>>" : fmt::format("{}:{}:{}:s0", kUser, kObjectRole, context.type));
}

Result<HostFacts> ReadHost(const Host& host) {
  HostReader reader;
  for (const CilFile& file : host.policy) {
    if (auto added = reader.Add(file); !added) return tl::make_unexpected(std::move(added.error()));
  }
  HostFacts facts = reader.Finish();
  auto more = ReadContexts(host.file_contexts);
  if (!more) return tl::make_unexpected(std::move(more.error()).In("file_contexts"));
  const auto key = [](const HostContext& context) { return context.regex + " " + context.kind + " " + context.type; };
  std::set<std::string> known;
  for (const HostContext& context : facts.contexts) known.insert(key(context));
  for (HostContext& context : *more) {
    if (host.policy.empty() && !context.type.empty()) facts.types.insert(context.type);
    if (known.insert(key(context)).second) facts.contexts.push_back(std::move(context));
  }
  if (host.policy.empty()) Sort(facts.contexts);  // a policy store that gets the module sorts all of them; what is local stands behind
  return facts;
}

std::vector<CilFile> PolicyOfHost(const Host& host, const HostFacts& facts) {
  if (!host.policy.empty()) return host.policy;
  const std::string base = StandaloneBase({});
  std::string text;
  for (const std::string& type : facts.types) {
    if (base.find("(type " + type + ")") != std::string::npos) continue;
    text += fmt::format("(type {0})\n(roletype {1} {0})\n(typeattributeset {2} ({0}))\n", type, kObjectRole, kFiles);
  }
  for (const HostContext& context : facts.contexts) text += fmt::format("(filecon \"{}\" {} {})\n", context.regex, context.kind, context.type.empty() ? "()" : fmt::format("({} {} {} ((s0) (s0)))", kUser, kObjectRole, context.type));
  return {{"file_contexts", text}};
}

std::map<std::string, std::string> HostTypes(const std::vector<HostContext>& contexts, const std::vector<std::string>& paths, const std::string& kind) {
  ir::PatternNfa nfa;
  for (uint32_t i = 0; i < contexts.size(); ++i) {
    if (contexts[i].kind != "any" && contexts[i].kind != kind) continue;
    (void)AddRegex(WithoutTemplates(contexts[i].regex), i, nfa);  // what is not understood ends nowhere; the proof names it where it matters
  }
  const auto closed = [&](std::set<uint32_t> nodes) {
    std::vector<uint32_t> work(nodes.begin(), nodes.end());
    while (!work.empty()) {
      const uint32_t node = work.back();
      work.pop_back();
      for (const uint32_t to : nfa.nodes[node].empty) {
        if (nodes.insert(to).second) work.push_back(to);
      }
    }
    return nodes;
  };
  std::map<std::string, std::string> out;
  for (const std::string& path : paths) {
    std::set<uint32_t> at = closed({0});
    for (const char c : path) {
      std::set<uint32_t> next;
      for (const uint32_t node : at) {
        for (const auto& edge : nfa.nodes[node].edges) {
          if (edge.first.test(static_cast<unsigned char>(c))) next.insert(edge.second);
        }
      }
      at = closed(std::move(next));
    }
    std::pair<bool, int64_t> best = {false, -1};  // entries without metacharacters stand behind all others
    for (const uint32_t node : at) {
      for (const uint32_t end : nfa.nodes[node].ends) best = std::max(best, {PrecedenceOf(contexts[end].regex).exact, static_cast<int64_t>(end)});
    }
    if (best.second >= 0 && !contexts[static_cast<size_t>(best.second)].type.empty()) out[path] = contexts[static_cast<size_t>(best.second)].type;
  }
  return out;
}

}  // namespace ravelin::selinux
