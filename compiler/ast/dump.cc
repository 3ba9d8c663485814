// The tree as JSON.
#include <nlohmann/json.hpp>

#include "compiler/ast/ast_text.h"

namespace ravelin::ast {
namespace {

using Json = nlohmann::ordered_json;

const char* const kExprNames[] = {"number", "string", "name", "version", "call", "set", "range", "unary", "binary", "assign"};
const char* const kOpNames[] = {"", "!", "~", "-", "||", "&&", "==", "!=", "<", "<=", ">", ">=", "in", "|", "^", "&", "<<", ">>"};
const char* const kVerbNames[] = {"allow", "deny", "audit", "quiet", "complain", "never", "narrow"};

Json Node(const char* name, Span span) { return {{"node", name}, {"span", {span.begin, span.end}}}; }
Json Of(const Name& node);
Json Of(const Expr& node);
Json Of(const Clause& node);
Json Of(const Rule& node);
Json Of(const Default& node);
Json Of(const Property& node);

template <typename T>
Json List(const std::vector<T>& items) {
  Json out = Json::array();
  for (const T& item : items) out.push_back(Of(item));
  return out;
}

Json Of(const Name& name) { return {{"text", name.text}, {"span", {name.span.begin, name.span.end}}}; }

Json Of(const Expr& expr) {
  Json out = Node(kExprNames[static_cast<int>(expr.kind)], expr.span);
  if (expr.op != Op::kNone) out["op"] = kOpNames[static_cast<int>(expr.op)];
  if (expr.kind == ExprKind::kNumber) out["value"] = expr.number;
  if (!expr.text.empty()) out["text"] = expr.text;
  if (!expr.children.empty()) out["children"] = List(expr.children);
  return out;
}

void Add(Json& out, const char* key, const std::optional<Expr>& expr) {
  if (expr) out[key] = Of(*expr);
}

Json Of(const Clause& clause) {
  Json out = Node("clause", clause.span);
  out["keyword"] = clause.keyword.text;
  if (!clause.values.empty()) out["values"] = List(clause.values);
  return out;
}

Json Of(const Rule& rule) {
  Json out = Node("rule", rule.span);
  if (!rule.label.empty()) out["label"] = rule.label.text;
  for (const Verb verb : rule.verbs) out["verbs"].push_back(kVerbNames[static_cast<int>(verb)]);
  out["kind"] = rule.kind.text;
  if (!rule.subjects.empty()) out["subjects"] = List(rule.subjects);
  if (!rule.clauses.empty()) out["clauses"] = List(rule.clauses);
  Add(out, "action", rule.action);
  Add(out, "because", rule.because);
  return out;
}

Json Of(const Default& d) {
  const char* names[] = {"default", "unknown_syscall", "foreign_architecture"};
  Json out = Node(names[static_cast<int>(d.of)], d.span);
  if (d.of == DefaultOf::kFacets) {
    out["allow"] = d.allow;
    out["facets"] = List(d.facets);
  }
  Add(out, "action", d.action);
  Add(out, "because", d.because);
  return out;
}

Json Of(const Property& property) {
  const char* names[] = {"attach", "architectures", "reference_kernel", "layers", "limit", "hat", "child"};
  Json out = Node(names[static_cast<int>(property.kind)], property.span);
  if (property.kind != PropertyKind::kLayers) out["values"] = List(property.values);
  for (const auto& set : property.layer_sets) out["sets"].push_back(List(set));
  return out;
}

Json OfBlock(const Block& block);

Json OfStatement(const Block& block, const Statement& statement) {
  const uint32_t i = statement.index;
  switch (statement.kind) {
    case StatementKind::kRule:
      return Of(block.rules[i]);
    case StatementKind::kDefault:
      return Of(block.defaults[i]);
    case StatementKind::kProperty:
      return Of(block.properties[i]);
    case StatementKind::kAcceptGap: {
      Json out = Node("accept_gap", block.gaps[i].span);
      out["rule"] = block.gaps[i].rule.text;
      out["direction"] = block.gaps[i].direction.text;
      for (const auto& set : block.gaps[i].layer_sets) out["sets"].push_back(List(set));
      for (const auto& [facet, operations] : block.gaps[i].bound) out["of"].push_back({{"facet", facet.text}, {"operations", operations ? List(*operations) : Json("all")}});
      Add(out, "because", block.gaps[i].because);
      return out;
    }
    case StatementKind::kImport: {
      Json out = Node("import", block.imports[i].span);
      out["file"] = block.imports[i].file.text;
      return out;
    }
    case StatementKind::kUse: {
      Json out = Node("use", block.uses[i].span);
      out["module"] = block.uses[i].module.text;
      if (!block.uses[i].arguments.empty()) out["arguments"] = List(block.uses[i].arguments);
      Add(out, "because", block.uses[i].because);
      return out;
    }
    case StatementKind::kBinding: {
      const char* names[] = {"resource", "set", "let"};
      Json out = Node(names[static_cast<int>(block.bindings[i].kind)], block.bindings[i].span);
      out["name"] = block.bindings[i].name.text;
      out["values"] = List(block.bindings[i].values);
      return out;
    }
    case StatementKind::kRaw: {
      Json out = Node("raw", block.raws[i].span);
      out["mechanism"] = block.raws[i].mechanism.text;
      out["text"] = block.raws[i].text.text;
      Add(out, "because", block.raws[i].because);
      return out;
    }
    case StatementKind::kWhen: {
      const When& when = block.whens[i];
      Json out = Node("when", when.span);
      out["condition"] = Of(when.condition);
      out["then"] = OfBlock(when.then_block);
      if (when.has_else) out["else"] = OfBlock(when.else_block);
      return out;
    }
  }
  return {};
}

Json OfBlock(const Block& block) {
  Json out = Json::array();
  for (const Statement& statement : block.order) out.push_back(OfStatement(block, statement));
  return out;
}

}  // namespace

std::string DumpJson(const File& file) {
  Json out = {{"ravelin_ast", 1}};
  if (file.language) out["language"] = *file.language;
  out["items"] = Json::array();
  for (const TopItem& item : file.order) {
    if (item.kind == TopKind::kShared) {
      out["items"].push_back(OfStatement(file.shared, file.shared.order[item.index]));
      continue;
    }
    if (item.kind == TopKind::kTest) {
      const Test& test = file.tests[item.index];
      Json node = Node("test", test.span);
      node["policy"] = Of(test.policy);
      node["expectations"] = Json::array();
      for (const Expectation& expectation : test.expectations) {
        Json line = Of(expectation.event);
        line["node"] = expectation.permit ? "permit" : "refuse";
        node["expectations"].push_back(std::move(line));
      }
      out["items"].push_back(std::move(node));
      continue;
    }
    const bool module = item.kind == TopKind::kModule;
    Json node = Node(module ? "module" : "policy", module ? file.modules[item.index].span : file.policies[item.index].span);
    node["name"] = module ? file.modules[item.index].name.text : file.policies[item.index].name.text;
    if (module) {
      for (const Parameter& p : file.modules[item.index].parameters) {
        Json parameter = {{"name", p.name.text}};
        Add(parameter, "default", p.default_value);
        node["parameters"].push_back(std::move(parameter));
      }
    }
    node["body"] = OfBlock(module ? file.modules[item.index].body : file.policies[item.index].body);
    out["items"].push_back(std::move(node));
  }
  for (const Comment& comment : file.comments) out["comments"].push_back({comment.span.begin, comment.span.end});
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ravelin::ast
