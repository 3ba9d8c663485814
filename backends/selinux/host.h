// What a module has to know of the policy that it is to stand beside.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "backends/selinux/module.h"
#include "backends/selinux/sepol/sepol.h"
#include "compiler/base/result.h"

namespace ravelin::selinux {

struct Host {
  std::vector<CilFile> policy;  // its modules as CIL; none: file_contexts are all that is known of it
  std::string file_contexts;    // installed beside what the modules state (file_contexts.local, say), or all there is
};

// One label of paths, in the order in which they are installed: of those that match the last one decides.
struct HostContext {
  std::string regex;
  std::string kind;  // of file, as CIL names them; "any"
  std::string type;  // "": none is given
};

struct HostFacts {
  std::set<std::string> types;  // aliases included
  std::vector<HostPort> ports;
  std::vector<HostContext> contexts;
  std::map<std::string, std::string> made;  // type that objects get otherwise than by their path -> one way
};

// kMalformed names the file and the line.
Result<HostFacts> ReadHost(const Host& host);
// The host as modules: those that there are, or what file_contexts alone say of it.
std::vector<CilFile> PolicyOfHost(const Host& host, const HostFacts& facts);

// The types of paths of one kind.  A path that no entry takes, or one that is not understood, is left out.
std::map<std::string, std::string> HostTypes(const std::vector<HostContext>& contexts, const std::vector<std::string>& paths, const std::string& kind = "file");

// The entries of `text` in file_contexts; kMalformed names the line.
Result<std::vector<HostContext>> ReadContexts(std::string_view text);
std::string FormatContext(const HostContext& context);

// Paths whose objects the host keeps under a type of their own keep that type; every other choice is said.  Run after lowering.
void ReuseTypes(const HostFacts& host, Module& module);

}  // namespace ravelin::selinux
