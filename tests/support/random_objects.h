// Random policies about objects: paths that overlap, owners, labels, ports, peers; rules of every kind that a security module sees.
#pragma once

#include <random>

#include "tests/support/random_policy.h"

namespace ravelin::testing {

// `kinds` also holds "overlap" (two patterns share a path), "deny", "owner", "label", "transition", "default allow", "complain".
RandomPolicy MakeObjectPolicy(std::mt19937_64& random);

}  // namespace ravelin::testing
