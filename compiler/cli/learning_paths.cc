// What the policy opens against what was used, as a tree of paths.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compiler/cli/html.h"
#include "compiler/cli/learning_page.h"

namespace ravelin::cli {
namespace {

constexpr size_t kMostUnused = 25;  // of a folder; the others are counted
constexpr size_t kDeepest = 64;     // folders; what is below stands as one name

struct Node {
  std::map<std::string, Node> children;
  std::map<std::string, uint64_t> used;  // operation -> how often
  bool refused = false;  // of what was used
  bool open = false;     // the policy lets it be read or written
  bool written = false;
  // Over everything below, itself included.
  size_t all_used = 0;
  size_t all_unused = 0;
};

Node& At(Node& root, const std::string& path) {
  Node* node = &root;
  for (size_t at = 1, depth = 0; at <= path.size(); ++depth) {
    const size_t end = depth == kDeepest ? path.size() : std::min(path.find('/', at), path.size());
    if (end > at) node = &node->children[path.substr(at, end - at)];
    at = end + 1;
  }
  return *node;
}

void Count(Node& node) {
  node.all_used = node.used.empty() ? 0 : 1;
  node.all_unused = node.used.empty() && node.open ? 1 : 0;
  for (auto& [name, child] : node.children) {
    Count(child);
    node.all_used += child.all_used;
    node.all_unused += child.all_unused;
  }
}

std::string Uses(const Node& node) {
  std::string out;
  for (const auto& [operation, count] : node.used) out += fmt::format("{}{} ×{}", out.empty() ? "" : ", ", operation, count);
  return out;
}

std::string Leaf(const std::string& name, const Node& node) {
  if (node.used.empty()) return fmt::format("<li class=\"unused\"><code>{}</code> <span class=\"say\">{}, not used</span></li>\n", Escape(name), node.written ? "writable" : "readable");
  return fmt::format("<li><code>{}</code> <span class=\"say\">{}{}</span></li>\n", Escape(name), Escape(Uses(node)), node.refused ? "; <strong class=\"state\">refused by the policy</strong>" : "");
}

// The children of a folder.
std::string Entries(const Node& node, size_t depth);

std::string Folder(std::string name, const Node* node, size_t depth) {
  // A chain of folders that hold nothing else is one line.
  while (node->children.size() == 1 && node->used.empty() && !node->open && !node->children.begin()->second.children.empty()) {
    name += "/" + node->children.begin()->first;
    node = &node->children.begin()->second;
  }
  std::string own = node->used.empty() ? "" : fmt::format("; itself: {}", Escape(Uses(*node)));
  if (node->refused) own += "; <strong class=\"state\">refused by the policy</strong>";
  return fmt::format("<li><details{}><summary><code>{}/</code> <span class=\"say\">{} used{}{}</span></summary>\n{}</details></li>\n", depth < 2 && node->all_used <= 40 ? " open" : "", Escape(name), node->all_used - (node->used.empty() ? 0 : 1),
                     node->all_unused == 0 ? "" : fmt::format(", {} more open", node->all_unused), own, Entries(*node, depth + 1));
}

std::string Entries(const Node& node, size_t depth) {
  std::string out = "<ul>\n";
  size_t unused = 0;
  size_t left = 0;
  for (const auto& [name, child] : node.children) {
    if (!child.children.empty()) {
      out += Folder(name, &child, depth);
    } else if (!child.used.empty() || unused++ < kMostUnused) {
      out += Leaf(name, child);
    } else {
      ++left;
    }
  }
  if (left != 0) out += fmt::format("<li class=\"unused\">and {} more that the policy opens</li>\n", left);
  return out + "</ul>\n";
}

}  // namespace

std::string PathSection(const LearningReport& report) {
  Node root;
  for (const driver::EvidenceLine& line : report.evidence.lines) {
    const auto path = line.seen.attributes.find("path");
    if ((line.seen.facet != "file" && line.seen.facet != "exec") || path == line.seen.attributes.end() || path->second.empty()) continue;
    Node& node = At(root, path->second);
    node.used[line.seen.operation] += line.count;
    node.refused = node.refused || !line.permitted;
  }
  size_t readable = 0;
  size_t writable = 0;
  for (const driver::OpenFile& file : report.open.value_or(std::vector<driver::OpenFile>())) {
    Node& node = At(root, file.path);
    node.open = true;
    node.written = file.written;
    readable += file.read ? 1 : 0;
    writable += file.written ? 1 : 0;
  }
  Count(root);
  std::string out = "<section aria-labelledby=\"paths\">\n<h2 id=\"paths\">Paths: what is granted, and what was used</h2>\n";
  out += report.open ? fmt::format("<p>The policy opens {} file{} of this system for reading and {} for writing. {} path{} were used; {} file{} are open and were not used.</p>\n", readable, readable == 1 ? "" : "s", writable, root.all_used, root.all_used == 1 ? "" : "s", root.all_unused, root.all_unused == 1 ? "" : "s")
                     : fmt::format("<p>{} path{} were used. What else the policy opens is not known: the system was not listed.</p>\n", root.all_used, root.all_used == 1 ? "" : "s");
  if (root.children.empty()) return out + "</section>\n";
  return out + "<div class=\"tree\">" + Entries(root, 0) + "</div>\n</section>\n";
}

}  // namespace ravelin::cli
