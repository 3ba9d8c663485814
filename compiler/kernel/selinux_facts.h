// What SELinux is asked, and with which words: object classes, the classes of sockets, the view.
//
// Tables: selinux_classes.tsv, selinux_sockets.tsv, view_selinux.tsv under compiler/kernel/tables; each row names its source.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/kernel/facts.h"

namespace ravelin::kernel {

// What a row needs of the target: a first kernel release, policy capabilities that the policy has to state.
struct SelinuxNeeds {
  std::optional<Version> kernel;
  std::vector<std::string> policy_capabilities;
};

struct SelinuxClass {
  std::string name;
  std::string common;                    // "" if it inherits none
  std::vector<std::string> permissions;  // its own, the inherited ones excluded
  std::vector<std::string> all;          // the inherited ones first
  SelinuxNeeds needs;
};
std::span<const SelinuxClass> SelinuxClasses();
const SelinuxClass* FindSelinuxClass(std::string_view name);
// The sets of permissions that classes inherit: (name, permissions).
std::span<const std::pair<std::string, std::vector<std::string>>> SelinuxCommons();

// Some values of an attribute, or all but some.  An empty `values` with `excluded` is every value.
struct ValueTest {
  std::vector<uint64_t> values;
  bool excluded = false;
  bool Holds(uint64_t value) const;
};

// The class of a socket by family, type and protocol; rows are disjoint and cover everything.
struct SelinuxSocketRow {
  std::string object_class;
  ValueTest family, type, protocol;
  SelinuxNeeds needs;
};
std::span<const SelinuxSocketRow> SelinuxSocketRows();

// One word of a view row's `sees` column with a condition: `signal=9`, `transition!=self`.
struct SelinuxCondition {
  std::string attribute;
  ValueTest numbers;               // of integer attributes
  std::vector<std::string> words;  // of text attributes; `numbers.excluded` holds for these too
};

// One check that an operation of a facet causes.
struct SelinuxViewRow {
  std::string facet;
  std::string operation;
  std::vector<std::string> classes;  // empty: no check; {"@socket"}: the socket's own
  std::vector<std::string> permissions;
  bool any_suffices = false;         // one of the permissions is asked, as the attempt's detail demands
  std::vector<std::string> sees;     // bare words of the column
  std::vector<SelinuxCondition> conditions;
  std::vector<std::pair<uint64_t, uint64_t>> unasked_ports;  // ranges that the kernel does not ask for, as it is set by default
  SelinuxNeeds needs;
  std::string source;
  bool Sees(std::string_view word) const;
};
std::span<const SelinuxViewRow> SelinuxViewRows();

}  // namespace ravelin::kernel
