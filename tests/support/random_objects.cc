#include "tests/support/random_objects.h"

#include <fmt/format.h>

#include "compiler/ir/path_set.h"
#include "compiler/kernel/view.h"

namespace ravelin::testing {
namespace {

class Maker {
 public:
  explicit Maker(std::mt19937_64& random) : random_(random) {}

  RandomPolicy Run() {
    std::string body = "  layers { seccomp + selinux }\n";
    if (Below(2) == 0) body += "  attach \"/usr/sbin/one\"\n";
    std::set<std::string> defaults;
    const size_t rules = 3 + Below(8);
    for (size_t i = 0; i < rules; ++i) {
      const std::string facet = Below(3) == 0 ? "file" : Pick(kFacets);
      out_.kinds.insert(facet);
      if (defaults.insert(facet).second) {
        const bool allows = Below(6) == 0;
        body += fmt::format("  default {} {}\n", allows ? "allow" : "deny", facet);
        if (allows) out_.kinds.insert("default allow");
      }
      body += Rule(facet);
    }
    for (const std::string& facet : kFacets) {
      if (defaults.count(facet) == 0 && Below(5) != 0) body += fmt::format("  default deny {}\n", facet);
    }
    FindOverlap();
    out_.text = "language 1\npolicy one {\n" + body + "}\npolicy two {\n  layers { seccomp + selinux }\n  default deny\n}\n";
    return std::move(out_);
  }

 private:
  const std::vector<std::string> kFacets = {"file", "exec", "memory", "network", "capability", "signal", "ptrace", "mount", "namespace", "bpf", "perf", "io_uring", "keyring", "module", "system", "ipc", "dbus", "rlimit"};

  size_t Below(size_t n) { return static_cast<size_t>(random_() % n); }
  template <typename T>
  T Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }

  std::string Component() {
    switch (Below(8)) {
      case 0:
        return Pick<std::string>({"*", "*.a", "b*", "?", "[ab]", "[!c]x", "{a,bc}"});
      case 1:
        return Pick<std::string>({"a.b", "a+b", "x y", "(z)"});
      default:
        return Pick<std::string>({"a", "b", "c", "ab"});
    }
  }

  std::string Pattern() {
    std::string path;
    const size_t depth = 1 + Below(3);
    for (size_t i = 0; i < depth; ++i) path += "/" + Component();
    if (Below(3) == 0) path += Pick<std::string>({"/**", "/*", "**", "/**/a", "/**.a"});
    patterns_.push_back(path);
    return "\"" + path + "\"";
  }

  std::string Patterns() {
    std::string text = Pattern();
    for (size_t i = Below(3); i > 0; --i) text += ", " + Pattern();
    return text;
  }

  std::string Some(const std::vector<std::string>& from) {
    std::string text = Pick(from);
    for (size_t i = Below(3); i > 0; --i) text += ", " + Pick(from);
    return text;
  }

  std::string Peer() { return " peer " + Pick<std::string>({"self", "outside", "two", "label(\"other_t\")"}); }

  std::string Rule(const std::string& facet) {
    const kernel::FacetInfo& info = *kernel::FindFacet(facet);
    std::string text = facet;
    if (facet != "exec" && info.operations.size() > 1) text += fmt::format(" {{ {} }}", Some(info.operations));
    if (facet == "file") {
      if (Below(6) == 0) text = fmt::format("file {{ ioctl }} command {{ {} }}", Some({"0x5401", "0x541b", "0x5411..0x5415", "0x80086601", "0x1ffff", "0x10000..0x2ffff"}));
      const size_t object = Below(8);
      if (object == 0) {
        text += " on label(\"thing_t\")";
        out_.kinds.insert("label");
      } else if (object < 7) {
        text += fmt::format(" on path({})", Patterns());
      }
      if (Below(6) == 0) {
        text += " owner";
        out_.kinds.insert("owner");
      }
    }
    if (facet == "exec") {
      const std::string pattern = Pattern();
      text = "exec " + pattern;
      // Another outcome only where no other rule can overlap.
      if (Below(3) == 0) {
        text = fmt::format("exec \"/exec/{}\" as {}", ++execs_, Pick<std::string>({"two", "unconfined_danger"}));
        out_.kinds.insert("transition");
      }
    }
    if (facet == "network") {
      if (Below(3) == 0) {
        text += Pick<std::string>({" tcp", " udp", " unix", " netlink"});
      } else {
        if (Below(2) == 0) text += fmt::format(" family {}", Some({"1", "2", "10", "16", "17", "38", "40", "45"}));
        if (Below(3) == 0) text += fmt::format(" type {}", Some({"1", "2", "3", "5", "6"}));
        if (Below(4) == 0) text += fmt::format(" protocol {}", Some({"0", "1", "6", "9", "17", "132", "16"}));
      }
      if (Below(3) == 0) text += fmt::format(" port {}", Some({"53", "80", "443", "1..1023", "60..90", "65535"}));
      if (Below(8) == 0) text += " path " + Pattern();
      if (Below(6) == 0) text += Peer();
    }
    if (facet == "signal" && Below(2) == 0) text += fmt::format(" set {{ {} }}", Some({"KILL", "TERM", "STOP", "CHLD", "0", "1..31"}));
    if ((facet == "signal" || facet == "ptrace" || facet == "dbus") && Below(2) == 0) text += Peer();
    if (facet == "mount") {
      if (Below(2) == 0) text += " on " + Patterns();
      if (Below(3) == 0) text += " fstype \"tmpfs\"";
      if (Below(3) == 0) text += " flags 0, 1, 0x1000";
    }
    if ((facet == "bpf" || facet == "keyring") && Below(2) == 0) text += fmt::format(" command {}", Some({"0", "1", "5", "7", "8", "11", "13", "14"}));
    if (facet == "rlimit" && Below(2) == 0) text += " resource 7";
    switch (Below(8)) {
      case 0:
      case 1:
        if (text.find(" as ") != std::string::npos) break;
        out_.kinds.insert("deny");
        return fmt::format("  deny {}\n", text);
      case 2:
        out_.kinds.insert("complain");
        return fmt::format("  complain {}\n", text);
      case 3:
        return fmt::format("  audit {}\n", text);
      default:
        break;
    }
    return fmt::format("  allow {}\n", text);
  }

  void FindOverlap() {
    for (size_t i = 0; i < patterns_.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        const auto a = ir::PathSet::Parse(patterns_[i]);
        const auto b = ir::PathSet::Parse(patterns_[j]);
        if (!a || !b || patterns_[i] == patterns_[j]) continue;
        const auto both = a->Intersect(*b);
        if (both && !both->Empty()) out_.kinds.insert("overlap");
      }
    }
  }

  std::mt19937_64& random_;
  RandomPolicy out_;
  std::vector<std::string> patterns_;
  int execs_ = 0;
};

}  // namespace

RandomPolicy MakeObjectPolicy(std::mt19937_64& random) { return Maker(random).Run(); }

}  // namespace ravelin::testing
