// The semantic oracle: slow, obviously right, and the judge of every back end, optimization and kernel run.
//
// It reads docs/semantics.md clause by clause and nothing else; it shares no code with lowering or proof beyond the IR
// and the view tables.
#pragma once

#include "compiler/ir/event.h"
#include "compiler/ir/policy.h"

namespace ravelin::oracle {

// Decides a whole attempt: the call, and every object check in the event.
ir::Decision Decide(const ir::Domain& domain, const ir::Event& event);

// Decides the call alone (event.objects is ignored): what a mechanism that sees only registers can know.  The set of
// attempts that this permits is Up_seccomp(A).
ir::Decision DecideCall(const ir::Domain& domain, const ir::Event& event);

// Decides one object check by itself (5.2).
ir::Decision DecideObject(const ir::Domain& domain, const ir::ObjectCheck& check);

}  // namespace ravelin::oracle
