// What `ravelin verify` says, in its three forms.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/driver/attacks.h"
#include "compiler/driver/verify.h"

namespace ravelin::cli {

// "User-Mode Linux 6.1.176"
std::string JudgeName(kernels::DriverKind driver, const std::string& kernel);

struct Verification {
  std::string file;
  std::string policy;
  std::string target;
  verify::Report report;
  std::vector<driver::Refusal> refusals;
  std::vector<std::string> not_judged;      // of the target
  std::vector<driver::AttackedSet> attacked;  // where the workload was attacks: then these are judged, and no run compared

  bool Any(verify::Verdict verdict) const;
  bool Any(driver::AttackVerdict verdict) const;
  size_t Count(driver::AttackVerdict verdict) const;
  // "passed", "failed", "inconclusive": a pass that says nothing of the target is inconclusive.
  std::string Overall() const;
  std::string Judge() const;  // "User-Mode Linux 6.1.176, AppArmor features of 6.1"
};

// One policy of several: judged, or why it could not be.
struct Verified {
  std::string file;
  std::unique_ptr<driver::Frontend> front;  // nullptr where the file could not be read
  std::optional<Verification> verification;
  std::string failure;
  int exit_code = 0;

  std::string Overall() const { return verification ? verification->Overall() : "not judged"; }
};

// The attacks under one layer set: how many were refused, and each that was not.
std::string AttackedText(const driver::AttackedSet& set);
std::string AttackedJson(const driver::AttackedSet& set);

std::string VerifyReportText(const std::vector<Verified>& all);
std::string VerifyReportJson(const std::vector<Verified>& all);  // of one policy: an object; of several: a list of them
std::string VerifyReportJunit(const std::vector<Verified>& all);

}  // namespace ravelin::cli
