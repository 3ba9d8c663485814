// What `ravelin learn` has to say at its end.
#pragma once

#include <optional>
#include <string>

#include "compiler/driver/learn.h"

namespace ravelin::cli {

struct LearnReport {
  std::string output;
  driver::LearnedPolicy policy;
  generalize::Completeness completeness;
  std::optional<driver::LoopResult> loop;
  size_t readable = 0;
  size_t writable = 0;
  std::string until;     // what became of --until; "": it was not asked for
  bool reached = false;
  std::string steady;    // what became of --phases; "": it was not asked for
};
std::string LearnText(const LearnReport& report);
std::string LearnJson(const LearnReport& report);
int ExitOf(const LearnReport& report);

}  // namespace ravelin::cli
