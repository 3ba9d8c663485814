// What `ravelin verify` says, in its three forms.
#pragma once

#include <string>
#include <vector>

#include "compiler/driver/verify.h"

namespace ravelin::cli {

struct Verification {
  std::string file;
  std::string policy;
  std::string target;
  verify::Report report;
  std::vector<driver::Refusal> refusals;
  std::vector<std::string> not_judged;  // of the target

  bool Any(verify::Verdict verdict) const;
  // "passed", "failed", "inconclusive": a pass that says nothing of the target is inconclusive.
  std::string Overall() const;
  std::string Judge() const;  // "User-Mode Linux 6.1.176, AppArmor features of 6.1"
};

std::string VerifyReportText(const Verification& one);
std::string VerifyReportJson(const Verification& one);
std::string VerifyReportJunit(const Verification& one);

}  // namespace ravelin::cli
