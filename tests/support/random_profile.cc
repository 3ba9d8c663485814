#include "tests/support/random_profile.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/ir/path_set.h"
#include "compiler/ir/pattern.h"

namespace ravelin::testing {
namespace {

// All operations that AppArmor asks `w` for: together they are refused as one.
constexpr const char* kWrites = "write, append, truncate, create, create_dir, create_fifo, create_socket, create_char, create_block, create_symlink, delete, rename, setattr";

class Maker {
 public:
  explicit Maker(std::mt19937_64& random) : random_(random) {}

  RandomProfile Run() {
    const size_t domains = 1 + Below(4) / 2 + Below(4) / 3;
    for (size_t i = 0; i < domains; ++i) names_.push_back(Names()[i]);
    if (domains > 1) Uses("several domains");
    out_.text = "language 1\n";
    for (size_t i = 0; i < domains; ++i) Domain(i);
    return out_;
  }

 private:
  static const std::vector<std::string>& Names() {
    static const std::vector<std::string> names = {"web", "webmail", "w"};  // beginnings of one another
    return names;
  }
  size_t Below(size_t n) { return static_cast<size_t>(random_() % n); }
  bool Once(size_t in) { return Below(in) == 0; }
  std::string Pick(const std::vector<std::string>& from) { return from[Below(from.size())]; }
  void Uses(const std::string& kind) { out_.kinds.insert(kind); }
  void Line(const std::string& text) { out_.text += "  " + text + "\n"; }

  void Domain(size_t index) {
    out_.text += fmt::format("policy {} {{\n", names_[index]);
    if (Once(3)) {
      Uses("attach");
      for (size_t i = 0; i < 1 + Below(2); ++i) Line(fmt::format("attach \"{}\"", Pattern()));
    }
    if (Once(5)) {
      const std::string facet = Once(3) ? "file" : Once(3) ? "exec"
                                                           : Pick({"capability", "network", "signal", "ptrace", "mount"});
      Uses("default allow " + std::string(facet == "file" || facet == "exec" ? facet : "others"));
      Line("default allow " + facet);
    }
    Line("default deny");
    for (size_t i = 0; i < 1 + Below(6); ++i) FileRule();
    for (size_t i = 0; i < Below(3); ++i) ExecRule(index);
    for (size_t i = 0; i < Below(3); ++i) OtherRule();
    out_.text += "}\n";
  }

  // --- patterns, as they stand in a string of the source

  std::string Literal() { return Pick({"a", "b", "ab", "ba", "c.d", "x"}); }
  std::string Class() {
    if (Once(2)) {
      Uses("negated class");
      return Pick({"[^a]", "[^a-c]", "[^b.]"});
    }
    Uses("class");
    return Pick({"[ab]", "[a-c]", "[a-cx]", "[!-~]", "[ab-]"});
  }
  std::string Group(int depth) {
    Uses(depth == 0 ? "alternation" : "nested braces");
    std::string out = "{";
    for (size_t i = 0; i < 2 + Below(2); ++i) {
      out += i == 0 ? "" : ",";
      if (i != 0 && Once(5)) continue;  // an empty alternative
      if (depth < 2 && Once(4)) {
        out += Group(depth + 1);
      } else {
        out += Part(depth + 1);
        if (Once(6)) out += "/" + Part(depth + 1);
      }
    }
    return out + "}";
  }
  std::string Part(int depth) {
    switch (Below(12)) {
      case 0:
        Uses("star");
        return "*";
      case 1:
        Uses("star");
        return Literal() + "*";
      case 2:
        Uses("star");
        return "*" + Literal();
      case 3:
        Uses("question");
        return "?" + std::string(Once(2) ? Literal() : "");
      case 4:
        return Class();
      case 5:
        return Literal() + Class();
      case 6:
        if (depth < 2) return Group(depth);
        return Literal();
      case 7:
        Uses("escaped or odd bytes");
        return Pick({"a\\\\*", "a b", "\\\\{a\\\\}", "\\xc3\\xa9", "a\\\\,b", "#a", "a=b", "a\\\"b", "a\\\\\\\\b", "a\\xff", "a\\tb", "@{a}", "a\\\\?", "a$b", "a-b", "-a", "a\\\\[b", "a'b", "a^b", "a!", "@{a,b}", "{*}", "{a/}*", "{x,,y}"});
      default:
        return Literal();
    }
  }
  std::string Pattern() {
    if (Once(40)) return "/";
    std::string out;
    if (Once(8)) {
      Uses("begins in braces");
      out = fmt::format("{{/{},/{}}}", Part(1), Part(1));
    }
    const size_t parts = 1 + Below(3);
    for (size_t i = 0; i < parts; ++i) {
      out += "/" + Part(0);
      if (Once(10)) out += Part(0);
    }
    if (Once(4)) {
      Uses("deep star");
      out += Pick({"/**", "/**", "**", "/**/" + Literal(), "{,/**}", "/**.d"});
    }
    known_.push_back(out);
    return out;
  }
  // Sets that meet others: the same pattern again, what is below it, or a part of it.
  std::string Related() {
    if (known_.empty() || Once(3)) return Pattern();
    std::string out = Pick(known_);
    switch (Below(5)) {
      case 0:
        return out;
      case 1:
        return out + "/**";
      case 2:
        return out + "/" + Part(0);
      case 3: {
        const size_t at = out.rfind('/');
        if (out.find('{') == std::string::npos && at != std::string::npos && at > 0) return out.substr(0, at) + "/*";
        return out + "*";
      }
      default:
        return out + Pick({"*", "{,.d}", "?", "**"});
    }
  }
  std::string Paths() {
    std::string out = "\"" + Related() + "\"";
    if (Once(3)) {
      Uses("several paths");
      for (size_t i = 0; i < 1 + Below(3); ++i) out += ", \"" + Related() + "\"";
    }
    return out;
  }

  // --- rules

  std::string Verb(const std::string& kind, bool complains) {
    const size_t which = Below(complains ? 17 : 15);
    const std::string verb = which < 8 ? "allow" : which < 10 ? "deny"
                                               : which < 11   ? "quiet deny"
                                               : which < 12   ? "audit deny"
                                               : which < 14   ? "audit allow"
                                               : which < 15   ? "quiet"
                                                              : "complain";
    Uses(verb + " " + kind);
    return verb;
  }
  std::string Operations() {
    switch (Below(9)) {
      case 0:
        return "read";
      case 1:
        return "read, list";
      case 2:
      case 3:
        return kWrites;
      case 4:
        return std::string("read, list, lock, ") + kWrites;
      case 5:
        return Pick({"append", "link", "lock", "map_exec", "list"});
      case 6:
        return Pick({"create, delete", "read, getattr, traverse, inherit", "create_dir", "rename", "read, map_exec", "read, write, ioctl"});
      case 7:
        return "list, create_dir";
      default:
        return "read, lock, link";
    }
  }
  void FileRule() {
    std::string rule = fmt::format("{} file {{ {} }}", Verb("file", true), Operations());
    if (Once(6)) {
      Uses("owner");
      rule += " owner";
    }
    if (Once(30)) {
      Uses("file without names");
    } else {
      rule += fmt::format(" on path({})", Paths());
    }
    Line(rule);
  }
  void ExecRule(size_t index) {
    const std::string verb = Verb("exec", true);
    const std::string paths = Once(3) ? Paths() : "\"" + Related() + "\"";
    std::string rule = fmt::format("{} exec path({})", verb, paths);
    if ((verb == "allow" || verb == "audit allow") && !Once(3)) {
      if (names_.size() > 1 && Once(2)) {
        Uses("exec into a domain");
        rule += " as " + names_[(index + 1) % names_.size()];
      } else if (Once(3)) {
        Uses("exec unconfined");
        rule += " as unconfined_danger";
      }
    }
    Line(rule);
  }
  std::string Peer() {
    Uses("peer");
    return " peer " + (Once(3) ? std::string("outside") : Once(4) ? "self"
                                                                  : Pick(names_));
  }
  void OtherRule() {
    const std::string facet = Pick({"network", "capability", "signal", "ptrace", "mount"});
    Uses(facet);
    std::string rule = Once(5) ? "deny " : "allow ";
    if (facet == "capability") {
      rule = Pick({"allow ", "allow ", "deny ", "quiet deny ", "audit allow "}) + fmt::format("capability {{ {} }}", Pick({"chown, setuid", "net_bind_service", "sys_admin, bpf", "checkpoint_restore", "chown"}));
    } else if (facet == "network") {
      rule += fmt::format("network {{ {} }}", Pick({"create", "bind", "listen", "connect", "create, send, receive"}));
      if (!Once(4)) rule += fmt::format(" family {}", Pick({"AF_UNIX", "AF_INET, AF_INET6", "AF_NETLINK", "AF_ALG", "AF_PACKET"}));
      if (Once(2)) rule += fmt::format(" type {}", Pick({"SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW, SOCK_SEQPACKET"}));
    } else if (facet == "signal") {
      if (Once(6)) rule = Pick({"audit allow ", "quiet deny "});
      rule += fmt::format("signal {{ {} }}", Pick({"send", "receive", "send, receive"}));
      if (!Once(3)) rule += fmt::format(" set {}", Pick({"SIGTERM", "0, SIGKILL", "SIGUSR1, 34, 64", "SIGABRT, SIGIO, SIGCHLD, SIGSYS, SIGTSTP"}));
      if (!Once(3)) rule += Peer();
    } else if (facet == "ptrace") {
      if (Once(6)) rule = Pick({"audit allow ", "quiet deny "});
      rule += fmt::format("ptrace {{ {} }}", Pick({"read", "trace", "trace, read", "readby, tracedby"}));
      if (!Once(3)) rule += Peer();
    } else {
      rule = fmt::format("allow mount {{ {} }}", Pick({"mount", "umount", "pivot_root", "bind, remount", "mount, umount"}));
    }
    Line(rule);
  }

  std::mt19937_64& random_;
  RandomProfile out_;
  std::vector<std::string> names_;
  std::vector<std::string> known_;
};

// A text that the items match.
std::string Member(const ir::PatternItems& items, std::mt19937_64& random) {
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  std::string out;
  for (const ir::PatternItem& item : items) {
    switch (item.kind) {
      case ir::PatternItem::kBytes: {
        static const std::string usual = "abcx.d";
        std::string of;
        for (const char c : usual) {
          if (item.bytes.test(static_cast<unsigned char>(c))) of += c;
        }
        for (unsigned b = 1; b < 256 && (of.empty() || below(60) == 0); ++b) {
          if (item.bytes.test(b)) of += static_cast<char>(b);
        }
        out += of[below(of.size())];
        break;
      }
      case ir::PatternItem::kStar:
      case ir::PatternItem::kDeep:
        for (size_t i = 0; i < below(4) + (item.one_or_more ? 1 : 0); ++i) out += item.kind == ir::PatternItem::kDeep && below(3) == 0 ? '/' : "abcx.d\xc3,* "[below(10)];
        break;
      case ir::PatternItem::kGroup:
        out += Member(item.alternatives[below(item.alternatives.size())], random);
        break;
    }
  }
  return out;
}

bool IsResolved(const std::string& name) {
  if (name.empty() || name.front() != '/' || name.find('\0') != std::string::npos || name.find("//") != std::string::npos) return false;
  return name == "/" || name.back() != '/';
}

std::vector<std::string> PatternsOf(const ir::Rule& rule) {
  const auto it = rule.texts.find("path");
  return it == rule.texts.end() ? std::vector<std::string>() : it->second;
}

}  // namespace

RandomProfile MakeProfile(std::mt19937_64& random) { return Maker(random).Run(); }

std::vector<std::string> MakeNames(const ir::Domain& domain, size_t count, std::mt19937_64& random) {
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  std::vector<ir::PatternItems> items;
  for (const ir::Rule& rule : domain.rules) {
    for (const std::string& pattern : PatternsOf(rule)) {
      if (auto parsed = ir::ParsePattern(pattern)) items.push_back(std::move(*parsed));
    }
  }
  std::vector<std::string> names = {"/", "/a", "/a/b", "/x/ab"};
  for (size_t tries = 0; !items.empty() && names.size() < count && tries < 10 * count; ++tries) {
    std::string name = Member(items[below(items.size())], random);
    for (size_t i = 0; i < below(3); ++i) {  // beside the pattern
      const size_t at = below(name.size() + 1);
      if (below(3) == 0 && at < name.size()) name.erase(at, 1);
      if (below(3) == 0) name.insert(std::min(at, name.size()), 1, "ab/x.\n"[below(6)]);
      if (below(4) == 0) name += Member(items[below(items.size())], random);
    }
    if (name.size() > 1 && name.back() == '/') name.pop_back();
    if (IsResolved(name)) names.push_back(std::move(name));
  }
  return names;
}

bool HasOverlaps(const ir::Domain& domain) {
  std::vector<ir::PathSet> sets;
  for (const ir::Rule& rule : domain.rules) {
    if (PatternsOf(rule).empty()) continue;
    if (auto set = ir::PathSet::ParseAny(PatternsOf(rule))) sets.push_back(std::move(*set));
  }
  for (size_t i = 0; i < sets.size(); ++i) {
    for (size_t j = i + 1; j < sets.size(); ++j) {
      const auto both = sets[i].Intersect(sets[j]);
      if (!both || both->Empty()) continue;
      if (!sets[i].Includes(sets[j]).value_or(false) || !sets[j].Includes(sets[i]).value_or(false)) return true;
    }
  }
  return false;
}

}  // namespace ravelin::testing
