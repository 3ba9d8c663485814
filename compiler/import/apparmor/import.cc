#include "compiler/import/apparmor/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/import/apparmor/check.h"
#include "compiler/import/apparmor/parser.h"
#include "compiler/import/apparmor/translate.h"
#include "compiler/import/layout.h"

namespace ravelin::import::apparmor {
namespace {

// Letters, digits and _ of the name's end: "/usr/sbin/nginx" is nginx, or usr_sbin_nginx where there are two.
std::string Identifier(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 128 && std::isalnum(byte) != 0;
    if (plain || (!out.empty() && out.back() != '_')) out += plain ? c : '_';
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  if (out.empty()) return "imported";
  return out[0] >= '0' && out[0] <= '9' ? "_" + out : out;
}

// In one line of a comment.
std::string CommentText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte >= 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return out;
}

bool IsTaken(const PolicyNames& names, const std::string& name) {
  static const char* const kWords[] = {"self", "outside", "unconfined_danger", "in", "else"};
  return std::find(names.policies.begin(), names.policies.end(), name) != names.policies.end() || std::find(std::begin(kWords), std::end(kWords), name) != std::end(kWords);
}

void AddName(PolicyNames& names, const std::string& qualified, const std::string& plain) {
  const size_t slash = plain.rfind('/');
  std::string name = Identifier(slash == std::string::npos ? plain : plain.substr(slash + 1));
  if (IsTaken(names, name)) name = Identifier(qualified);
  const std::string base = name;
  for (int i = 2; IsTaken(names, name); ++i) name = fmt::format("{}_{}", base, i);
  names.policy_of[qualified] = name;
  names.policies.push_back(name);
}

// A profile, then those that stand in it.
PolicyNames NamesOf(const Policy& policy) {
  PolicyNames names;
  for (const auto& profile : policy.profiles) {
    AddName(names, profile->plain, profile->plain);
    for (const auto& inner : profile->children) AddName(names, profile->plain + "//" + inner->plain, inner->plain);
  }
  return names;
}

}  // namespace

std::string ImportProfiles(source::SourceManager& sources, source::FileId file, const ImportOptions& options, diag::Sink& sink) {
  const std::unique_ptr<Policy> policy = Parse(sources, file, options.includes, sink);
  if (policy == nullptr || !Check(*policy, sink)) return "";
  if (policy->profiles.empty()) {
    sink.Report(diag::Kind::kEmptyPolicy, {file, 0, 0}, "the file holds no profile");
    return "";
  }
  const PolicyNames names = NamesOf(*policy);
  std::string text = fmt::format("// From the AppArmor profile {}.\nlanguage 1\n", options.origin.empty() ? "given" : CommentText(options.origin));
  const auto add = [&](const Profile& profile, const Profile* parent) {
    const std::string name = parent == nullptr ? profile.plain : parent->plain + "//" + profile.plain;
    const std::string body = Translator(profile, parent, names, sink).Run();
    text += fmt::format("\n// Profile {}.\npolicy {} {{\n{}}}\n", CommentText(name), names.policy_of.at(name), body);
  };
  for (const auto& profile : policy->profiles) {
    add(*profile, nullptr);
    for (const auto& inner : profile->children) add(*inner, profile.get());
  }
  return sink.HasErrors() ? "" : Layout(text);
}

}  // namespace ravelin::import::apparmor
