// Policies of tests as AppArmor profiles, compiled and proved for a kernel 6.1.
#pragma once

#include <string>

#include "backends/apparmor/apparmor.h"

namespace ravelin::testing {

// Throws where the source has errors, or nothing could be compiled: the test says which.
apparmor::Artifact CompileProfiles(const std::string& text);
// "" where every profile of the policy is compiled and proved; else why not.
std::string WhyNotProved(const std::string& text);
// What the proof says of one domain's profile when `old_text` of the emitted text has become `new_text`: "proved", a difference, or
// why there is nothing to prove.
std::string ProofAfter(const std::string& text, size_t domain, const std::string& old_text, const std::string& new_text);

}  // namespace ravelin::testing
