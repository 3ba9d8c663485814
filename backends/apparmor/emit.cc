#include "backends/apparmor/emit.h"

#include <fmt/format.h>

#include <set>

#include "backends/apparmor/glob.h"

namespace ravelin::apparmor {
namespace {

constexpr size_t kCommentColumn = 48;

void Put(ProfileText& out, const std::string& line, const std::string& place) {
  out.text += line + "\n";
  out.places.push_back(place);
}

// A profile, those that stand in it behind its own lines.
void Write(const Profile& profile, std::span<const Profile> all, const std::string& indent, ProfileText& out) {
  Put(out, "", "");
  Put(out, fmt::format("{}{} {}{} {{", indent, profile.hat ? "hat" : "profile", Quote(LiteralGlob(profile.local_name)), profile.attachment.empty() ? "" : " " + Quote(profile.attachment)), "");
  std::set<std::string> done;
  for (const Line& line : profile.lines) {
    if (!done.insert(line.text).second) continue;
    std::string text = indent + "  " + line.text + ",";
    if (!line.place.empty()) text += std::string(text.size() < kCommentColumn ? kCommentColumn - text.size() : 1, ' ') + "# " + line.place;
    Put(out, text, line.place);
  }
  for (const Profile& inner : all) {
    if (inner.parent == profile.name) Write(inner, all, indent + "  ", out);
  }
  Put(out, indent + "}", "");
}

}  // namespace

ProfileText Emit(std::span<const Profile> profiles, std::span<const std::string> head) {
  ProfileText out;
  for (const std::string& line : head) Put(out, line.empty() ? "#" : "# " + line, "");
  Put(out, "abi <abi/3.0>,", "");
  for (const Profile& profile : profiles) {
    if (profile.parent.empty()) Write(profile, profiles, "", out);
  }
  return out;
}

}  // namespace ravelin::apparmor
