// Why an attempt is permitted or refused, and what would change that.
#pragma once

#include <optional>
#include <string>

#include "compiler/base/diag.h"
#include "compiler/base/source.h"
#include "compiler/ir/event.h"
#include "compiler/ir/policy.h"

namespace ravelin::driver {

// Where a decision comes from: "web.rav:15:3  default deny".
std::string DescribeCause(const ir::Domain& domain, const ir::Event& event, const ir::Decision& decision, const source::SourceManager& sources);

// The source of a span on one line, cut where it grows long.
std::string OneLine(source::Span span, const source::SourceManager& sources);
// The clause that constrains an attribute of a facet: by the same name in the language for all but a few.
std::string ClauseWord(const std::string& facet, const std::string& attribute);

// A line of policy that permits the attempt (or a superset of it), or "" where no added line can: `why_not` says why.
struct Suggestion {
  std::string line;
  std::string why_not;
};
Suggestion SuggestAllow(const ir::Domain& domain, const ir::Event& event, const ir::Decision& decision, const source::SourceManager& sources);

// "web.rav:14:3 `never ...`" for an assertion that forbids the attempt, or "".
std::string ForbiddenBy(const ir::Domain& domain, const ir::Event& event, const source::SourceManager& sources);

// An attempt that was refused or logged, as it is shown.
struct Denial {
  ir::Event event;
  ir::Decision decision;
  std::string process;               // "openssl[4711]" or ""
  size_t count = 1;
  std::array<std::string, 6> texts;  // paths that arguments pointed to, where they are known
};
// "socket(AF_ALG, SOCK_STREAM, 0)", paths instead of pointers where they are known.
std::string ShowDeniedCall(const ir::Domain& domain, const Denial& denial);
// The house form: one head line, then `by`, `allow`, `but`.
std::string FormatDenial(const ir::Domain& domain, const Denial& denial, const source::SourceManager& sources);

// "socket(AF_ALG, SOCK_STREAM, 0)" as an event on an architecture; missing arguments are 0.
std::optional<ir::Event> ParseEvent(const std::string& text, kernel::Arch arch, source::SourceManager& sources, diag::Sink& sink);

}  // namespace ravelin::driver
