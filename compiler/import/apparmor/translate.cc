#include "compiler/import/apparmor/translate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compiler/import/apparmor/glob.h"
#include "compiler/import/apparmor/words.h"
#include "compiler/kernel/facts.h"

namespace ravelin::import::apparmor {
namespace {

// What AppArmor refuses nobody, whatever a profile says.
constexpr const char* kNotSeen =
    "accept gap default file wider on apparmor because \"AppArmor does not see attributes, the directories on the way, watches\"\n"
    "accept gap default mount wider on apparmor because \"AppArmor asks a capability of chroot, and no mount rule\"\n";

}  // namespace

std::string VerbOf(const Prefix& prefix) {
  if (prefix.deny) return prefix.audit ? "deny" : "quiet deny";
  return prefix.audit ? "audit allow" : "allow";
}

void Translator::Unstatable(source::Span span, const std::string& what, const std::string& help) {
  auto& d = sink_.Report(diag::Kind::kImportUnstatable, span, what + " cannot be stated in a policy");
  if (!help.empty()) d.Help(help);
}

std::string Translator::Run() {
  Head();
  for (const Rule& rule : profile_.rules) One(rule);
  return fmt::format("layers {{ apparmor }}\ndefault deny file, exec, capability, network, signal, ptrace, mount, domain{}\n{}\n{}", dbus_ ? ", dbus" : "", kNotSeen, body_);
}

// What a profile is beside its rules.
void Translator::Head() {
  if (!profile_.space.empty()) Unstatable(profile_.name.span, fmt::format("the namespace of `{}`", profile_.name.value));
  if (profile_.plain.find("//") != std::string::npos) Unstatable(profile_.name.span, fmt::format("`{}`, which stands outside of the profile that it is part of,", profile_.plain), "write it inside");
  for (const Text& flag : profile_.flags) {
    if (flag.value != "enforce") Unstatable(flag.span, fmt::format("the profile flag `{}`", flag.value));
  }
  for (const Condition& xattr : profile_.xattrs) Unstatable(xattr.name.span, fmt::format("a profile that is chosen by extended attributes (`{}`)", xattr.name.value));
  if (parent_ != nullptr) {
    for (const auto& child : profile_.children) Unstatable(child->name.span, fmt::format("`{}`, in a profile that stands in another,", child->name.value));
    body_ += fmt::format("{} of {}\n", profile_.is_hat ? "hat" : "child", names_.policy_of.at(parent_->plain));
  }
  Attachment();
}

void Translator::Attachment() {
  const bool written = profile_.attachment.written;
  if (parent_ != nullptr && !written) return;
  const std::string& at = written ? profile_.attachment.value : profile_.plain;
  if (!at.starts_with('/')) {
    if (written) Unstatable(profile_.attachment.span, fmt::format("the attachment `{}`", at));
    return;
  }
  const auto names = TranslatePattern(at);
  if (!names || !names->directories.empty() || names->files.empty()) {
    // Directories are never executed: a pattern that matches some of them as well is what it is for files.
    const bool only_more = names && names->files == names->directories;
    if (!only_more) return Unstatable(written ? profile_.attachment.span : profile_.name.span, fmt::format("the attachment `{}`", at));
  }
  for (const std::string& file : names->files) body_ += fmt::format("attach {}\n", StringText(file));
  body_ += "\n";
}

void Translator::One(const Rule& rule) {
  if (const auto* file = std::get_if<FileRule>(&rule.body)) return File(rule, *file);
  if (const auto* capability = std::get_if<CapabilityRule>(&rule.body)) return Capability(rule, *capability);
  if (const auto* network = std::get_if<NetworkRule>(&rule.body)) return Network(rule, *network);
  if (const auto* mount = std::get_if<MountRule>(&rule.body)) return Mount(rule, *mount);
  if (const auto* dbus = std::get_if<DbusRule>(&rule.body)) return Dbus(rule, *dbus);
  if (const auto* sock = std::get_if<UnixRule>(&rule.body)) return Unix(rule, *sock);
  if (const auto* signal = std::get_if<SignalRule>(&rule.body)) return Signal(rule, *signal);
  if (const auto* trace = std::get_if<PtraceRule>(&rule.body)) return Ptrace(rule, *trace);
  if (const auto* limit = std::get_if<RlimitRule>(&rule.body)) return Limit(*limit);
  ChangeProfile(rule, std::get<ChangeProfileRule>(rule.body));
}

void Translator::Limit(const RlimitRule& body) {
  std::string name = body.resource.value == "ofile" ? "nofile" : body.resource.value;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  Say(fmt::format("limit RLIMIT_{} {}", name, body.limit ? fmt::format("{}", *body.limit) : "infinity"));
}

void Translator::Capability(const Rule& rule, const CapabilityRule& body) {
  std::set<std::string> names;
  for (const Text& name : body.names) names.insert(name.value);
  if (names.empty()) {
    for (const std::string& name : kernel::CapabilityNames()) names.insert(name);
  }
  Say(fmt::format("{} capability {{ {} }}", VerbOf(rule.prefix), fmt::join(names, ", ")));
}

// A socket's permissions are one in AppArmor: a rule means all operations.
void Translator::Network(const Rule& rule, const NetworkRule& body) {
  constexpr const char* kOperations = "create, bind, listen, accept, connect, send, receive, getopt, setopt, shutdown";
  std::string family = body.family.value;
  std::string type = body.type.value;
  if (body.family.written && !IsFamily(family)) std::swap(family, type);
  std::string families;
  if (type == "tcp" || type == "udp" || type == "icmp") {
    if (family.empty()) families = type == "icmp" ? " family AF_INET" : " family AF_INET, AF_INET6";
    type = type == "tcp" ? "stream" : type == "udp" ? "dgram"
                                                    : "raw";
  }
  if (family == "unspec") return Unstatable(rule.span, "`network unspec`");
  const auto upper = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
  };
  if (!family.empty()) families = " family AF_" + upper(family);
  if (!family.empty() && !kernel::FindConstant(kernel::Arch::kX86_64, "AF_" + upper(family))) return Unstatable(rule.span, fmt::format("the address family `{}`", family));
  Say(fmt::format("{} network {{ {} }}{}{}", VerbOf(rule.prefix), kOperations, families, type.empty() ? "" : " type SOCK_" + upper(type)));
}

}  // namespace ravelin::import::apparmor
