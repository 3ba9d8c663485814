// learn --review: a person decides about what was learned, rule by rule.
#pragma once

#include <istream>
#include <ostream>

#include "profiler/generalize/generalize.h"

namespace ravelin::cli {

// Asks about each rule that opens more than was used, that is sensitive, or that is neither about files nor calls; everything else is
// accepted.  kMalformed where the answers end before the questions.
Result<generalize::Decisions> Review(const generalize::Learned& learned, std::istream& answers, std::ostream& questions);

}  // namespace ravelin::cli
