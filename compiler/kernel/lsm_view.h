// The view table of AppArmor: what each operation of a facet asks for.  SELinux's, whose rows have conditions and several
// classes, is read by selinux_facts.h.
//
// Table: compiler/kernel/tables/view_apparmor.tsv, one check a row, each with its source.  Several rows of one operation are
// several checks, all of which are asked.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ravelin::kernel {

struct LsmRow {
  std::string facet;
  std::string operation;
  std::string object_class;              // the module's own word ("file", "tcp_socket"); "" = the operation is not mediated
  std::vector<std::string> permissions;  // asked together
  std::vector<std::string> sees;         // attributes of the facet that the check depends on ("path", "owner", "port", ...)
  std::vector<std::string> wants;        // what the target must have ("network_v8", "kernel>=6.2", "policycap extended_socket_class")
  std::string source;
};

// Rows of one mechanism ("apparmor") in the table's order.  Every operation of every facet has at least one.
std::span<const LsmRow> LsmRows(std::string_view mechanism);
// Those of one operation.
std::vector<const LsmRow*> LsmRowsOf(std::string_view mechanism, std::string_view facet, std::string_view operation);

// "a grant of `permission` brings `implied`" (class, permission, implied): how the mechanism itself maps permissions.
struct LsmImplication {
  std::string object_class;
  std::string permission;
  std::string implied;
};
std::span<const LsmImplication> LsmImplications(std::string_view mechanism);

// What the mechanism's compiler grants by itself, to the owner, where a policy has rules of a facet.
struct LsmBrought {
  std::string facet;         // "": where it is a hat or has inner profiles
  std::string object_class;  // "file" or "dir"
  std::string permission;
  std::string pattern;
};
std::span<const LsmBrought> LsmBroughtAlong(std::string_view mechanism);

}  // namespace ravelin::kernel
