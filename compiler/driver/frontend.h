// Source to IR: load, resolve, build, in one call.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backends/combine/effective.h"
#include "compiler/base/diag.h"
#include "compiler/base/source.h"
#include "compiler/driver/load.h"
#include "compiler/ir/policy.h"
#include "compiler/resolve/resolve.h"
#include "compiler/resolve/target.h"

namespace ravelin::driver {

// What one run reads and finds.  `program` owns the trees that `policy`'s spans speak of.
struct Frontend {
  source::SourceManager sources;
  diag::Sink sink;
  resolve::Program program;
  resolve::Target target;
  ir::Policy policy;  // to be lowered only if the sink has no errors
  std::vector<ir::Expectation> tests;
};

// Fails when the file cannot be read; mistakes in it are in the sink.
Result<std::unique_ptr<Frontend>> ReadPolicy(const std::string& path, const LoadOptions& options, const resolve::Target& target);

// A target by name (built in, or "host": this machine) or by the path of a descriptor.
Result<resolve::Target> FindTarget(const std::string& name);

// What a target says of its security modules.
combine::LayerFacts FactsOf(const resolve::Target& target);

}  // namespace ravelin::driver
