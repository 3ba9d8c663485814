// The printed form of the IR (`ravelin dump --stage=ir`), and reading it back.
#pragma once

#include <string>
#include <string_view>

#include "compiler/base/result.h"
#include "compiler/ir/policy.h"

namespace ravelin::ir {

inline constexpr int kIrFormat = 1;

// JSON: {"ravelin_ir": 1, "target": ..., "domains": [...]}.  Rules that imply calls list them under "implies", which
// the reader ignores: it follows from the rest.
std::string DumpJson(const Policy& policy);

// Survives any bytes; the error says what is wrong where.  ReadJson(DumpJson(p)) equals p but for spans.
Result<Policy> ReadJson(std::string_view text);

}  // namespace ravelin::ir
