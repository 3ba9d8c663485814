// What `ravelin gap` found, before it is text, JSON or a page.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ravelin::cli {

using LayerSet = std::vector<std::string>;

// One line for gaps of one rule, direction and set.
struct Row {
  LayerSet layers;
  std::string place;  // of the rule, or "default"
  std::string label;
  bool wider = true;
  std::string reason;
  std::set<std::string> operations;
  std::string witness;
  bool accepted = false;
  std::string accept;   // the line that accepts it, "" for what a default refuses
  std::string tighter;  // what would close it, or ""
};

struct DomainReport {
  std::string name;
  std::vector<std::string> layers;  // whose verdicts stand in `verdicts`
  std::vector<std::pair<std::string, std::vector<std::string>>> verdicts;  // rule's place, a verdict for each layer
  std::vector<Row> rows;
  std::vector<std::string> base;        // what SELinux's base grants beyond the rules, a grant with its reason each
  std::vector<std::string> not_judged;  // layers without a back end, and why a set was not decided
};

struct FileReport {
  std::string file;
  std::string target;
  std::vector<DomainReport> domains;
};

// One page that stands by itself: no script, no network, light and dark, usable by keyboard and on a narrow screen.
std::string GapPage(const std::vector<FileReport>& files);

}  // namespace ravelin::cli
