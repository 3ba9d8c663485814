// Comparisons of a runtime profile as conditions of the policy language.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/seccomp/oci/oci.h"
#include "compiler/ir/predicate.h"
#include "compiler/kernel/facts.h"

namespace ravelin::import {

// One comparison as the kernel will judge it.
struct Comparison {
  ir::ArgTest test;        // what the policy states
  bool wide = false;       // all 64 bits of the register, whatever the kernel reads
  bool repaired = false;   // the profile compares 64 bits of a parameter that the kernel reads 32 (or 16) bits of
};

// nullopt: a policy cannot state it; `why` says why.
std::optional<Comparison> Translate(const kernel::Syscall& call, const seccomp::OciArg& arg, bool literal, std::string& why);

// "domain != AF_ALG && domain != AF_VSOCK": the test in the language, constants by name.
std::string ConditionText(kernel::Arch arch, const kernel::Syscall& call, const Comparison& comparison);

}  // namespace ravelin::import
