// What the tests of guest kernels share.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "profiler/kernels/job.h"
#include "tests/support/guests.h"

namespace ravelin::kernels {

// A test that needs a guest: inconclusive, with the reason, where there is none.
class Guest : public testing::Test {
 protected:
  void SetUp() override {
    if (!WhyNoGuest().empty()) GTEST_SKIP() << "no guest kernel: " << WhyNoGuest();
  }
};

// A job of one step: a line of shell.
Job Shell(const std::string& line, Module module = Module::kApparmor);

// Why the outcome does not count, all reasons; "" where it does.
std::string Doubts(const Outcome& outcome);

}  // namespace ravelin::kernels
