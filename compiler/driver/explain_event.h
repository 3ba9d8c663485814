// What the policy and every layer say of one attempt.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/driver/explain.h"
#include "compiler/driver/explain_layers.h"
#include "compiler/driver/frontend.h"

namespace ravelin::driver {

struct EventAnswer {
  std::string shown;  // the attempt, as a line of a test would say it
  size_t alike = 1;   // attempts that the event leaves open and that come out the same
  ir::Decision decision;
  std::string cause;
  std::string open;  // "web.rav:5:3": a rule that decides otherwise in some of what the event leaves open
  Suggestion suggestion;
  std::string forbidden;  // a `never` that stands in the way of the suggestion, or ""
  std::vector<SetAnswer> sets;
};

// An event of any facet but `syscall`: one answer for each way in which its attempts come out.  nullopt after an error in the sink.
// Fails where an automaton would be too large.
Result<std::optional<std::vector<EventAnswer>>> ExplainAttempts(const Frontend& front, size_t domain, const std::vector<ir::Rule>& attempts, diag::Sink& sink);

// One attempt, concrete as far as it is known.
Result<EventAnswer> ExplainCheck(const Frontend& front, size_t domain, const ir::ObjectCheck& check);

// The layer sets' answers to a call; none for a set of the filter alone, whose answer is the call's own.
Result<std::vector<SetAnswer>> LayersOfCall(const Frontend& front, size_t domain, const ir::Event& call);

// What was written as an event: a call, `socket(AF_ALG, SOCK_STREAM, 0)`, or a line of a test block, `file read "/etc/shadow"`.
struct WrittenEvent {
  std::optional<ir::Event> call;
  std::vector<ir::Rule> attempts;
};
std::optional<WrittenEvent> ReadEvent(const std::string& text, Frontend& front, size_t domain, kernel::Arch arch, diag::Sink& sink);

}  // namespace ravelin::driver
