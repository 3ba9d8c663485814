#include "compiler/driver/frequencies.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "compiler/base/source.h"
#include "compiler/kernel/facts.h"

namespace ravelin::driver {
namespace {

using Json = nlohmann::json;

Result<std::map<std::string, double>> ReadWorkload(const Json& object) {
  std::map<std::string, double> weights;
  double sum = 0;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_number() || value.get<double>() < 0) return Fail(ErrorCode::kMalformed, fmt::format("the frequency of `{}` is no number from 0 up", name));
    if (!kernel::IsSyscallName(name)) continue;  // a counter of another kernel may know calls that this build does not
    weights[name] = value.get<double>();
    sum += value.get<double>();
  }
  if (sum <= 0) return Fail(ErrorCode::kMalformed, "no known system call has a frequency");
  for (auto& [name, weight] : weights) weight /= sum;
  return weights;
}

}  // namespace

Result<Workloads> ReadFrequencies(const std::string& path) {
  RAVELIN_TRY(text, source::ReadFile(path));
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || json.empty()) return Fail(ErrorCode::kMalformed, fmt::format("{}: an object of frequencies is needed", path));
  Workloads workloads;
  const bool nested = json.begin()->is_object();
  if (!nested) {
    auto one = ReadWorkload(json);
    if (!one) return tl::make_unexpected(std::move(one.error()).In(path));
    workloads[""] = std::move(*one);
    return workloads;
  }
  for (const auto& [name, object] : json.items()) {
    if (!object.is_object()) return Fail(ErrorCode::kMalformed, fmt::format("{}: `{}` is no object", path, name));
    auto one = ReadWorkload(object);
    if (!one) return tl::make_unexpected(std::move(one.error()).In(fmt::format("{}: {}", path, name)));
    workloads[name] = std::move(*one);
  }
  if (workloads.size() > 1) workloads.erase("mix");
  return workloads;
}

std::map<std::string, double> Mean(const Workloads& workloads) {
  std::map<std::string, double> mean;
  for (const auto& [name, weights] : workloads) {
    for (const auto& [call, weight] : weights) mean[call] += weight / static_cast<double>(workloads.size());
  }
  return mean;
}

}  // namespace ravelin::driver
