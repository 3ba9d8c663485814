// Where SELinux decides by another label than that of the path (docs/semantics.md, clause 9.4).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/combine/gaps.h"
#include "backends/selinux/module.h"

namespace ravelin::combine {

// Objects whose label is not that of their path, since they got it when they were made or keep it from the name that they had, and whose
// domain has other permissions on the one than on the other: narrower or wider until the object is labelled again, by each operation that
// passes for the one alone.  For a layer set with SELinux in it.  Wider is attributed to a rule that permits to put the object there,
// narrower to one that permits the operation.
std::vector<Gap> LabelGaps(const ir::Domain& domain, const selinux::Module& module, const std::vector<std::string>& layers);

// A path that an allow rule permits and SELinux labels by its file system; nullopt: none.
std::optional<std::string> LabelledByFileSystem(const ir::Rule& rule);

// Objects of the kernel's own file systems that a module refuses whatever the rules say (narrower), of the domain, by facet and operation:
// files that SELinux labels by their file system (/proc, /sys), where file_contexts do not reach; message queues, whose file system is
// mounted nowhere, so that AppArmor finds no path for them (security/apparmor/path.c disconnect).
std::vector<Gap> FileSystemGaps(const ir::Domain& domain, const std::vector<std::string>& layers);

}  // namespace ravelin::combine
