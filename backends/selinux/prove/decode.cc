#include "backends/selinux/prove/decode.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "compiler/base/sexpr.h"

namespace ravelin::selinux {
namespace {

using Node = base::Sexpr;

std::optional<uint64_t> Number(std::string_view text) {
  const bool hex = text.substr(0, 2) == "0x";
  if (hex) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// The type of (user role type range) or of a list around it.
std::string TypeOf(const Node& context) { return context.Word(2); }

// 0x5401, (range 0x5401 0x5410) and lists of them.
bool ReadCommands(const Node& node, std::vector<ir::Interval>& out) {
  if (!node.list) {
    const auto value = Number(node.atom);
    if (value) out.push_back({*value, *value});
    return value.has_value();
  }
  if (node.Word(0) == "range") {
    const auto lo = Number(node.Word(1));
    const auto hi = Number(node.Word(2));
    if (!lo || !hi) return false;
    out.push_back({*lo, *hi});
    return true;
  }
  return std::all_of(node.children.begin(), node.children.end(), [&](const Node& child) { return ReadCommands(child, out); });
}

class Decoder {
 public:
  explicit Decoder(const std::set<std::string>& booleans) : booleans_(booleans) {}

  Result<DecodedPolicy> Run(std::string_view cil) {
    base::SexprReader reader(cil);
    Node node;
    while (reader.Next(&node)) {
      if (!Take(node)) return Fail(ErrorCode::kMalformed, "the decompiled policy has a `" + node.Word(0) + "` that is not understood");
    }
    if (reader.error()) return Fail(ErrorCode::kMalformed, "the decompiled policy cannot be read");
    for (const auto& [object_class, common] : inherits_) {
      auto& permissions = out_.classes[object_class];
      permissions.insert(permissions.end(), commons_[common].begin(), commons_[common].end());
    }
    for (const std::string& source : conditional_) {
      for (const std::string& type : Members(source)) out_.conditional.insert(type);
    }
    for (const Node& transition : transitions_) Transition(transition);
    for (const Node& rule : commands_) {
      std::vector<ir::Interval> values;
      if (!ReadCommands(rule.children[3].children[2], values)) return Fail(ErrorCode::kMalformed, "the decompiled policy has commands that are not understood");
      for (const std::string& source : Members(rule.Word(1))) {
        for (const std::string& target : rule.Word(2) == "self" ? std::vector<std::string>{source} : Members(rule.Word(2))) {
          auto& all = out_.commands[{source, target, rule.children[3].Word(1)}];
          all = all.Union(ir::IntervalSet(values));
        }
      }
    }
    return std::move(out_);
  }

 private:
  bool Take(Node& node) {
    // What grants nothing to a domain by itself, or is asked of libsepol instead of being read.
    static const std::set<std::string> known = {
        "allow", "auditallow", "dontaudit", "classorder", "sid", "sidcontext", "sidorder", "sensitivity", "sensitivityorder",
        "category", "categoryorder", "sensitivitycategory", "level", "levelrange", "user", "userrole", "userlevel", "userrange", "role", "roletype", "roleattribute", "roleattributeset", "roleallow",
        "fsuse", "genfscon", "handleunknown", "mls", "constrain", "mlsconstrain", "validatetrans", "mlsvalidatetrans", "nodecon", "netifcon", "ibpkeycon", "ibendportcon",
        "rangetransition", "roletransition", "boolean", "booleanif", "typebounds", "typechange", "typemember", "defaultuser", "defaultrole", "defaulttype", "defaultrange", "categoryalias", "sensitivityalias", "typealias", "typealiasactual", "auditallowx", "dontauditx", "expandtypeattribute", "policycap", "sensitivityaliasactual", "categoryaliasactual", "categoryset", "context", "neverallow", "neverallowx"};
    const std::string& word = node.Word(0);
    if (word == "type") {
      out_.types.insert(node.Word(1));
    } else if (word == "class" || word == "common") {
      auto& permissions = (word == "class" ? out_.classes : commons_)[node.Word(1)];
      for (const Node& permission : node.children.at(2).children) permissions.push_back(permission.atom);
    } else if (word == "classcommon") {
      inherits_.emplace_back(node.Word(1), node.Word(2));
    } else if (word == "typeattribute") {
      out_.attributes[node.Word(1)];
    } else if (word == "typeattributeset") {
      for (const Node& member : node.children.at(2).children) out_.attributes[node.Word(1)].insert(member.atom);
    } else if (word == "typetransition") {
      // A name is printed bare: one that holds a space or a bracket cannot be told from the rest.
      if ((node.children.size() != 5 && node.children.size() != 6) || std::any_of(node.children.begin(), node.children.end(), [](const Node& child) { return child.list; })) return false;
      transitions_.push_back(std::move(node));
    } else if (word == "allowx") {
      if (node.children.size() != 4 || node.children[3].children.size() != 3 || node.children[3].Word(0) != "ioctl") return false;
      commands_.push_back(std::move(node));
    } else if (word == "portcon") {
      return Port(node);
    } else if (word == "policycap") {
      out_.policy_capabilities.insert(node.Word(1));
    } else if (word == "typepermissive") {
      out_.permissive.insert(node.Word(1));
    } else {
      if (word == "booleanif" && (node.children.at(1).list || booleans_.count(node.Word(1)) == 0)) Conditional(node);
      if (word == "genfscon" && node.children.size() >= 4) out_.kernel_names.push_back({node.Word(1), node.Word(2), TypeOf(node.children.back()), node.children.size() == 4 ? "" : node.Word(3)});
      if ((word == "genfscon" || word == "fsuse") && !node.children.empty()) out_.of_filesystems.insert(TypeOf(node.children.back()));
      return known.count(word) != 0;
    }
    return true;
  }

  void Conditional(const Node& node) {
    const std::string& word = node.Word(0);
    if (word == "allow" || word == "typetransition") conditional_.insert(node.Word(1));
    for (const Node& child : node.children) {
      if (child.list) Conditional(child);
    }
  }

  bool Port(const Node& node) {
    const Node& range = node.children.at(2);
    const auto lo = range.list ? Number(range.Word(0)) : Number(range.atom);
    const auto hi = range.list ? Number(range.Word(1)) : lo;
    if (!lo || !hi) return false;
    out_.ports.push_back({node.Word(1), *lo, *hi, TypeOf(node.children.at(3))});
    return true;
  }

  std::vector<std::string> Members(const std::string& name) const {
    const auto at = out_.attributes.find(name);
    if (at == out_.attributes.end()) return {name};
    return {at->second.begin(), at->second.end()};
  }

  void Transition(const Node& node) {
    const bool named = node.children.size() == 6;
    for (const std::string& source : Members(node.Word(1))) {
      for (const std::string& target : Members(node.Word(2))) out_.transitions.insert({source, target, node.Word(3), named ? node.Word(4) : "", node.Word(named ? 5 : 4)});
    }
  }

  DecodedPolicy out_;
  std::map<std::string, std::vector<std::string>> commons_;
  std::vector<std::pair<std::string, std::string>> inherits_;
  std::vector<Node> transitions_;
  std::vector<Node> commands_;
  const std::set<std::string>& booleans_;
  std::set<std::string> conditional_;
};

std::vector<std::string> Fields(std::string_view line) {
  std::vector<std::string> fields;
  while (true) {
    const size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) return fields;
    line.remove_prefix(start);
    const size_t end = std::min(line.size(), line.find_first_of(" \t\r"));
    fields.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

bool HasMeta(const std::string& regex) {
  for (size_t i = 0; i < regex.size(); ++i) {
    if (regex[i] == '\\') {
      ++i;
    } else if (std::string_view(".^$?*+|[({").find(regex[i]) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<DecodedPolicy> DecodePolicy(std::string_view cil, const std::set<std::string>& booleans) { return Decoder(booleans).Run(cil); }

Result<DecodedModule> DecodeModule(std::string_view cil) {
  DecodedModule out;
  base::SexprReader reader(cil);
  Node node;
  std::vector<Node> statements;
  while (reader.Next(&node)) {
    // A container's block adds statements to what it inherits; their names are whole.
    const bool block = node.Word(0) == "block";
    if (!block) statements.push_back(std::move(node));
    for (size_t i = 2; block && i < node.children.size(); ++i) statements.push_back(std::move(node.children[i]));
  }
  for (const Node& node : statements) {
    if (node.Word(0) == "type") out.types.insert(node.Word(1));
    if (node.Word(0) == "neverallowx") {
      std::vector<ir::Interval> commands;
      if (node.children.size() != 4 || node.children[3].children.size() != 3 || node.children[3].Word(0) != "ioctl" || !ReadCommands(node.children[3].children[2], commands)) return Fail(ErrorCode::kMalformed, "a neverallowx of the module is not understood");
      auto& all = out.never_commands[{node.Word(1), node.Word(2) == "self" ? node.Word(1) : node.Word(2), node.children[3].Word(1)}];
      all = all.Union(ir::IntervalSet(std::move(commands)));
    }
    if (node.Word(0) != "neverallow") continue;
    if (node.children.size() != 4 || node.children[3].children.size() != 2) return Fail(ErrorCode::kMalformed, "a neverallow of the module is not understood");
    for (const Node& permission : node.children[3].children[1].children) out.nevers.insert({node.Word(1), node.Word(2) == "self" ? node.Word(1) : node.Word(2), node.children[3].Word(0), permission.atom});
  }
  if (reader.error()) return Fail(ErrorCode::kMalformed, "the module's text cannot be read");
  return out;
}

namespace {

// The type of a context; "" for <<none>>, nullopt for what is no context.
std::optional<std::string> TypeOfContext(const std::string& context) {
  if (context == "<<none>>") return "";
  const size_t user = context.find(':');
  const size_t role = user == std::string::npos ? user : context.find(':', user + 1);
  if (role == std::string::npos) return std::nullopt;
  return context.substr(role + 1, context.find(':', role + 1) - role - 1);
}

std::vector<std::vector<std::string>> Entries(std::string_view text) {
  std::vector<std::vector<std::string>> entries;
  while (!text.empty()) {
    const size_t end = std::min(text.size(), text.find('\n'));
    auto fields = Fields(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
    if (!fields.empty() && fields[0][0] != '#') entries.push_back(std::move(fields));
  }
  return entries;
}

}  // namespace

Result<std::vector<DecodedContext>> DecodeContexts(std::string_view text) {
  std::vector<DecodedContext> patterns;
  std::vector<DecodedContext> exact;
  for (const auto& fields : Entries(text)) {
    if (fields.size() == 3) return Fail(ErrorCode::kUnsupported, "an entry of file_contexts for one kind of file is not understood: " + fields[0]);
    if (fields.size() != 2) return Fail(ErrorCode::kMalformed, "an entry of file_contexts has too few or too many fields: " + fields[0]);
    RAVELIN_TRY(regex, SplitLookahead(fields[0]));
    auto type = TypeOfContext(fields[1]);
    if (!type) return Fail(ErrorCode::kMalformed, "an entry of file_contexts has no context: " + fields[0]);
    // libselinux moves entries without metacharacters behind all others (label_file.h sort_specs).
    (HasMeta(fields[0]) ? patterns : exact).push_back({fields[0], std::move(regex), std::move(*type)});
  }
  patterns.insert(patterns.end(), exact.begin(), exact.end());
  return patterns;
}

Result<std::vector<DecodedContext>> MergedContexts(std::string_view sorted, const std::vector<DecodedContext>& own, const std::set<std::string>& reused, std::vector<std::string>& unknown) {
  std::map<std::pair<std::string, std::string>, const DecodedContext*> ours;
  for (const DecodedContext& entry : own) ours[{entry.text, entry.type}] = &entry;
  std::vector<DecodedContext> patterns;
  std::vector<DecodedContext> exact;
  for (const auto& fields : Entries(sorted)) {
    auto type = fields.size() < 2 ? std::nullopt : TypeOfContext(fields.back());
    if (!type || fields.size() > 3) return Fail(ErrorCode::kMalformed, "an entry of the host's file_contexts has no context: " + fields[0]);
    const auto mine = ours.find({fields[0], *type});
    auto& part = HasMeta(fields[0]) ? patterns : exact;
    if (mine != ours.end() && fields.size() == 2) {
      part.push_back(*mine->second);
    } else if (std::any_of(own.begin(), own.end(), [&](const DecodedContext& entry) { return entry.text == fields[0]; })) {
      unknown.push_back("the host labels `" + fields[0] + "` already, as " + *type);
    } else if (!part.empty() || (&part == &exact && !patterns.empty()) || reused.count(*type) != 0) {
      const std::string text = WithoutTemplates(fields[0]);
      ir::PatternNfa scratch;
      if (const auto read = AddRegex(text, 0, scratch); !read) {
        unknown.push_back(read.error().message);
      } else {
        part.push_back({fields[0], {text, {}, {}}, std::move(*type), true, fields.size() == 3 ? fields[1] : ""});
      }
    }
  }
  patterns.insert(patterns.end(), exact.begin(), exact.end());
  return patterns;
}

}  // namespace ravelin::selinux
