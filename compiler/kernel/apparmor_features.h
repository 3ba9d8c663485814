// What a kernel says of its AppArmor, as the parser reads it (compiler/kernel/tables/apparmor_features.tsv).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ravelin::kernel {

// Names of the sets, as descriptors of targets use them: "6.1", "6.12".
std::vector<std::string> ApparmorFeatureSets();
// The set as text for `apparmor_parser --features-file`; "" for an unknown name.
std::string ApparmorFeaturesText(std::string_view set);
// The words of one file of the set ("network_v8/af_mask"); empty where the kernel lacks it.
std::vector<std::string> ApparmorFeature(std::string_view set, std::string_view file);
// What the first text has and the second has not, a word each: "network_v8/tcp-fast-open yes".
std::vector<std::string> ApparmorFeaturesBeyond(std::string_view text, std::string_view other);
// True when the set has the file or folder ("network_v8", "signal").
bool HasApparmorFeature(std::string_view set, std::string_view name);

}  // namespace ravelin::kernel
