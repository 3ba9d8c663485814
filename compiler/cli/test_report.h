// What `ravelin test` says, in its three forms.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/driver/frontend.h"
#include "compiler/driver/judge_tests.h"

namespace ravelin::cli {

struct TestedFile {
  std::string file;
  std::unique_ptr<driver::Frontend> front;  // null when the file could not be read
  std::string failure;                      // then: why
  bool judged = false;                      // false: mistakes in the policy; they are in the sink
  std::vector<driver::Verdict> verdicts;    // one for each of front->tests
  size_t Failed() const;
};

std::string TestReportJson(const std::vector<TestedFile>& files);
std::string TestReportJunit(const std::vector<TestedFile>& files);

}  // namespace ravelin::cli
