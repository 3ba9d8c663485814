// What `ravelin gap` found, before it is text, JSON or a page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "compiler/driver/gap_text.h"

namespace ravelin::cli {

using LayerSet = std::vector<std::string>;

struct DomainReport {
  std::string name;
  std::vector<std::string> layers;  // whose verdicts stand in `verdicts`
  std::vector<std::pair<std::string, std::vector<std::string>>> verdicts;  // rule's place, a verdict for each layer
  std::vector<driver::GapRow> rows;
  std::vector<std::string> base;        // what SELinux's base grants beyond the rules, a grant with its reason each
  std::vector<std::string> not_judged;  // layers without a back end, and why a set was not decided
};

struct FileReport {
  std::string file;
  std::string target;
  std::vector<DomainReport> domains;
};

// One page (html.h).
std::string GapPage(const std::vector<FileReport>& files);
// One gap as it stands there: open until it is accepted.
std::string GapDetails(const driver::GapRow& row);

}  // namespace ravelin::cli
