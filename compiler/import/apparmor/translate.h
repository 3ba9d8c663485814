// Rules of a profile to statements of the policy language.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/base/diag.h"
#include "compiler/import/apparmor/tree.h"
#include "compiler/import/layout.h"

namespace ravelin::import::apparmor {

// Which policy stands for which profile.
struct PolicyNames {
  std::map<std::string, std::string> policy_of;  // profile's name -> policy's
  std::vector<std::string> policies;             // in the order of the text
};

// The statements of one policy.  What the language cannot say is reported by its name (import-unstatable).
class Translator {
 public:
  // `parent`: the profile that it stands in, or null.
  Translator(const Profile& profile, const Profile* parent, const PolicyNames& names, diag::Sink& sink) : profile_(profile), parent_(parent), names_(names), sink_(sink) {}
  std::string Run();  // the body, one statement a line

 private:
  void Unstatable(source::Span span, const std::string& what, const std::string& help = "");
  void Say(const std::string& statement) { body_ += statement + "\n"; }

  // translate.cc
  void Head();
  void Attachment();
  void One(const Rule& rule);
  void Capability(const Rule& rule, const CapabilityRule& body);
  void Network(const Rule& rule, const NetworkRule& body);
  // translate_files.cc
  void File(const Rule& rule, const FileRule& body);
  void Exec(const Rule& rule, const FileRule& body, const std::vector<std::string>& paths);
  void WithoutMapping(const Rule& rule, const FileRule& body, const std::vector<std::string>& paths);
  void Link(const Rule& rule, const FileRule& body, const std::vector<std::string>& paths);
  std::string Target(const ExecMode& exec) const { return exec.to == ExecTo::kChild ? Qualified() + "//" + exec.named : exec.named; }
  bool CanExec(const Rule& rule, const FileRule& body);
  // translate_domains.cc
  void ChangeProfile(const Rule& rule, const ChangeProfileRule& body);
  // translate_mounts.cc
  void Mount(const Rule& rule, const MountRule& body);
  void Mounts(const Rule& rule, const MountRule& body, bool with_source, bool with_type, uint32_t required, uint32_t optional);
  void SayMounts(const MountRule& body, const std::string& operations, const std::string& clauses);
  std::optional<std::string> Types(const MountRule& body);
  // translate_peers.cc
  bool Peers(const Rule& rule, const Text& peer, const char* kind, std::string& clause);
  bool Labels(const Text& peer, std::string& clauses);
  void Signal(const Rule& rule, const SignalRule& body);
  void Ptrace(const Rule& rule, const PtraceRule& body);
  void Dbus(const Rule& rule, const DbusRule& body);
  void Unix(const Rule& rule, const UnixRule& body);

  // Its name with its parent's.
  std::string Qualified() const { return parent_ == nullptr ? profile_.plain : parent_->plain + "//" + profile_.plain; }
  void Limit(const RlimitRule& body);

  const Profile& profile_;
  const Profile* parent_;
  const PolicyNames& names_;
  diag::Sink& sink_;
  std::string body_;
  bool dbus_ = false;  // some rule is about messages
};

// "allow", "audit allow", "quiet deny" (what AppArmor's deny is), "deny" (its audit deny).
std::string VerbOf(const Prefix& prefix);

}  // namespace ravelin::import::apparmor
