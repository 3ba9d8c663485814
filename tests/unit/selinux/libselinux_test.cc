// What the host labels paths, by our reader and by libselinux.
//
// Ours answers for sets of paths, and needs neither a file nor a library at hand; libselinux is what restorecon asks.
#include <gtest/gtest.h>
#include <selinux/label.h>
#include <selinux/selinux.h>
#include <sys/stat.h>

#include <random>
#include <set>
#include <sstream>

#include "backends/selinux/host.h"
#include "tests/support/compiled.h"
#include "tests/unit/selinux/compiled_module.h"

namespace ravelin {
namespace {

constexpr std::pair<const char*, int> kKinds[] = {{"file", S_IFREG}, {"dir", S_IFDIR}, {"char", S_IFCHR}, {"block", S_IFBLK}, {"socket", S_IFSOCK}, {"pipe", S_IFIFO}, {"symlink", S_IFLNK}};

// The type that libselinux finds; "" for none.
class Labels {
 public:
  explicit Labels(const std::string& contexts) {
    const std::string file = folder_.Write("file_contexts", contexts);
    const selinux_opt options[] = {{SELABEL_OPT_PATH, file.c_str()}};
    handle_ = selabel_open(SELABEL_CTX_FILE, options, 1);
  }
  ~Labels() {
    if (handle_ != nullptr) selabel_close(handle_);
  }
  bool open() const { return handle_ != nullptr; }
  std::string TypeOf(const std::string& path, int mode) const {
    char* context = nullptr;
    if (selabel_lookup_raw(handle_, &context, path.c_str(), mode) != 0) return "";
    std::istringstream fields(context);
    freecon(context);
    std::string field;
    for (int i = 0; i < 3; ++i) std::getline(fields, field, ':');
    return field;
  }

 private:
  testing::TemporaryFolder folder_;
  selabel_handle* handle_ = nullptr;
};

void Compare(const std::string& text, const std::vector<selinux::HostContext>& contexts, const std::vector<std::string>& paths, size_t* labelled) {
  const Labels labels(text);
  ASSERT_TRUE(labels.open()) << text;
  for (const auto& [kind, mode] : kKinds) {
    const auto ours = selinux::HostTypes(contexts, paths, kind);
    for (const std::string& path : paths) {
      const auto at = ours.find(path);
      const std::string type = at == ours.end() ? "" : at->second;
      ASSERT_EQ(type, labels.TypeOf(path, mode)) << path << ", a " << kind << ", by\n" << text.substr(0, 3000);
      *labelled += type.empty() ? 0 : 1;
    }
  }
}

TEST(Libselinux, LabelsPathsAsWeRead) {
  const char* parts[] = {"/", "etc", "srv", "a", "b.c", "x1"};
  const char* pieces[] = {"/", "/etc", "/srv", "/a", "/[^/]*", "/.*", "(/.*)?", "/b\\.c", "/x[0-9]+", "(/a|/srv)", "/a?b"};
  const char* kinds[] = {"", "", "", "--\t", "-d\t", "-l\t", "-s\t", "-c\t", "-b\t", "-p\t"};
  std::mt19937 random(7);
  const auto pick = [&](const auto& from) { return from[random() % std::size(from)]; };
  size_t labelled = 0;
  for (int round = 0; round < 200; ++round) {
    std::string text;
    const size_t entries = 1 + random() % 12;
    std::set<std::string> seen;  // the same expression twice is an error to both
    for (size_t i = 0; i < entries; ++i) {
      std::string regex;
      for (size_t n = 1 + random() % 3; n > 0; --n) regex += pick(pieces);
      const std::string start = regex + "\t" + pick(kinds);
      if (!seen.insert(regex).second) continue;
      text += start + (random() % 8 == 0 ? "<<none>>" : "system_u:object_r:t" + std::to_string(i) + "_t:s0") + "\n";
    }
    const auto contexts = selinux::ReadContexts(text);
    ASSERT_TRUE(contexts.has_value()) << contexts.error().message << text;
    std::vector<std::string> paths = {"/"};
    for (int i = 0; i < 30; ++i) {
      std::string path;
      for (size_t n = 1 + random() % 3; n > 0; --n) path += std::string("/") + parts[1 + random() % 5];
      paths.push_back(path);
    }
    Compare(text, *contexts, paths, &labelled);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(labelled, 5000u);
}

TEST(Libselinux, LabelsPathsByDebiansReferencePolicyAsWeRead) {
  const auto host = testing::DebiansReferencePolicy();
  if (!host) GTEST_SKIP() << "Debian's reference policy is not here (tests/fetch_refpolicy.sh puts it under build/deps)";
  const auto facts = selinux::ReadHost(*host);
  ASSERT_TRUE(facts.has_value()) << facts.error().message;
  std::string text;
  std::set<std::string> paths;
  size_t next = 0;
  for (const selinux::HostContext& context : facts->contexts) {
    text += selinux::FormatContext(context) + "\n";
    if (++next % 3 != 0) continue;
    // What the literal part of an entry leads to, and a neighbour.
    std::string path;
    for (const char c : context.regex.substr(0, context.regex.find_first_of("^$?*+|[({"))) {
      if (c != '\\') path += c;
    }
    if (path.empty() || path.front() != '/') continue;  // a template
    paths.insert(path + "a");
    if (path.size() > 1 && path.back() != '/') paths.insert(path);
  }
  size_t labelled = 0;
  Compare(text, facts->contexts, {paths.begin(), paths.end()}, &labelled);
  EXPECT_GT(labelled, 2000u);
}

}  // namespace
}  // namespace ravelin
