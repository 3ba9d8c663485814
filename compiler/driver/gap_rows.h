// Every gap of a domain's declared layer sets, as rows.
#pragma once

#include <string>
#include <vector>

#include "compiler/driver/frontend.h"
#include "compiler/driver/gap_text.h"

namespace ravelin::driver {

struct GapRows {
  std::vector<GapRow> rows;              // open ones and accepted ones
  std::vector<std::string> not_judged;  // a layer set, and why
};
// One for each domain, in their order.  What cannot be lowered for SELinux is said in `front.sink`.
std::vector<GapRows> GapRowsOf(Frontend& front);

}  // namespace ravelin::driver
