// The arrows between the folders, third-party headers in their adapters, and the size of files.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "compiler/base/source.h"

namespace ravelin {
namespace {

namespace fs = std::filesystem;

// What each folder may include beside itself; an include of another folder is a new arrow, to be argued for here.
const std::map<std::string, std::set<std::string>>& Arrows() {
  static const std::map<std::string, std::set<std::string>> arrows = {
      {"compiler/base", {}},
      {"compiler/kernel", {"compiler/base"}},
      {"compiler/ast", {"compiler/base"}},
      {"compiler/syntax", {"compiler/ast", "compiler/base"}},
      {"compiler/ir", {"compiler/base", "compiler/kernel"}},
      {"compiler/resolve", {"compiler/ast", "compiler/ir", "compiler/kernel", "compiler/base"}},
      {"compiler/oracle", {"compiler/ir", "compiler/kernel", "compiler/base"}},
      {"backends/seccomp", {"compiler/ir", "compiler/kernel", "compiler/base"}},
      {"backends/seccomp/prove", {"compiler/ir", "compiler/kernel", "compiler/base", "backends/seccomp"}},
      {"backends/seccomp/oci", {"compiler/ir", "compiler/kernel", "compiler/base", "backends/seccomp", "backends/seccomp/prove"}},
      {"backends/seccomp/load", {}},
      {"backends/seccomp/run", {"compiler/ir", "compiler/kernel", "compiler/base", "backends/seccomp", "backends/seccomp/load"}},
      {"backends/apparmor", {"compiler/ir", "compiler/kernel", "compiler/base", "backends/apparmor/prove", "backends/apparmor/read"}},
      {"backends/combine", {"compiler/ir", "compiler/kernel", "compiler/base", "backends/seccomp", "backends/selinux", "backends/selinux/paths"}},
      {"backends/apparmor/read", {"compiler/base"}},
      {"backends/apparmor/prove", {"compiler/ir", "compiler/kernel", "compiler/base", "backends/apparmor/read"}},
      {"backends/selinux", {"compiler/ir", "compiler/kernel", "compiler/base", "backends/selinux/paths", "backends/selinux/base", "backends/selinux/sepol", "backends/selinux/prove"}},
      {"backends/selinux/paths", {"compiler/ir", "compiler/base"}},
      {"backends/selinux/base", {"compiler/kernel", "compiler/base"}},
      {"backends/selinux/sepol", {"compiler/base"}},
      {"backends/selinux/prove", {"compiler/ir", "compiler/kernel", "compiler/base", "backends/selinux", "backends/selinux/paths", "backends/selinux/base", "backends/selinux/sepol"}},
      {"compiler/import", {"compiler/ast", "compiler/syntax", "compiler/ir", "compiler/kernel", "compiler/base", "backends/seccomp/oci"}},
      {"compiler/import/apparmor", {"compiler/import", "compiler/ir", "compiler/kernel", "compiler/base"}},
      // The importer inverts what the proof derives: it asks the proof's own demand which checks a rule needs.
      {"compiler/import/cil", {"compiler/import", "compiler/resolve", "compiler/syntax", "compiler/ir", "compiler/kernel", "compiler/base", "backends/selinux", "backends/selinux/base", "backends/selinux/paths", "backends/selinux/sepol", "backends/selinux/prove"}},
      {"profiler/guest", {}},
      // The format of a job is all that the guest's init and whoever runs it share; file_contexts are read as the proof reads them.
      {"profiler/kernels", {"profiler/guest", "compiler/ir", "compiler/kernel", "compiler/base", "backends/selinux/paths"}},
      {"profiler/verify", {"profiler/kernels", "compiler/ir", "compiler/kernel", "compiler/base"}},
      {"profiler/intruder", {}},
      {"profiler/prober", {}},
      {"profiler/probe", {"profiler/verify", "profiler/kernels", "compiler/oracle", "compiler/ir", "compiler/kernel", "compiler/base", "backends/combine", "backends/selinux/base"}},
      {"profiler/observe", {"profiler/kernels", "compiler/ir", "compiler/kernel", "compiler/base"}},
      {"profiler/recorder", {}},
      // Runs the recorder, and a guest under what apparmor_parser or libsepol compiles.
      {"profiler/record", {"profiler/observe", "profiler/verify", "profiler/kernels", "compiler/kernel", "compiler/base", "backends/apparmor", "backends/selinux/base", "backends/selinux/sepol"}},
      // Patterns are judged as the language's sets of paths.
      {"profiler/binary", {"compiler/base"}},
      {"profiler/generalize", {"profiler/observe", "profiler/binary", "compiler/ir", "compiler/kernel", "compiler/base"}},
      {"compiler/driver", {"*"}},
      {"compiler/cli", {"*"}},
  };
  return arrows;
}

// Third-party headers by prefix, and the only files that may include them.
const std::map<std::string, std::set<std::string>>& Adapters() {
  static const std::map<std::string, std::set<std::string>> adapters = {
      {"antlr4", {"compiler/syntax/"}},
      {"Ravelin", {"compiler/syntax/"}},
      {"z3", {"backends/seccomp/prove/z3.cc"}},
      {"seccomp.h", {"backends/seccomp/oci/libseccomp.cc"}},
      {"sepol/", {"backends/selinux/sepol/sepol.cc"}},
      {"CLI/", {"compiler/cli/main.cc"}},
      {"sqlite3.h", {"profiler/observe/database.h"}},
      {"nlohmann/", {"compiler/ast/dump.cc", "compiler/base/diag_render.cc", "compiler/ir/dump.cc", "compiler/ir/read.cc", "compiler/driver/bundle.cc", "compiler/driver/frequencies.cc", "compiler/driver/output.cc", "backends/seccomp/oci/oci_json.cc", "backends/seccomp/oci/write.cc", "profiler/observe/import_json.cc", "profiler/record/listen.cc"}},
  };
  return adapters;
}

struct File {
  std::string path;  // relative to the source folder
  std::string text;
  std::vector<std::string> quoted;
  std::vector<std::string> angled;
};

std::vector<File> Sources() {
  std::vector<File> files;
  const fs::path root = RAVELIN_SOURCE_DIR;
  const std::regex include("#include ([\"<])([^\">]+)[\">]");
  for (const char* top : {"compiler", "backends", "profiler"}) {
    if (!fs::exists(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string extension = entry.path().extension();
      if (extension != ".cc" && extension != ".h") continue;
      File file{fs::relative(entry.path(), root), *source::ReadFile(entry.path()), {}, {}};
      for (auto it = std::sregex_iterator(file.text.begin(), file.text.end(), include); it != std::sregex_iterator(); ++it) ((*it)[1] == "\"" ? file.quoted : file.angled).push_back((*it)[2]);
      files.push_back(std::move(file));
    }
  }
  return files;
}

std::string FolderOf(const std::string& path) { return fs::path(path).parent_path(); }

TEST(Layering, ArrowsPointOneWay) {
  size_t seen = 0;
  for (const File& file : Sources()) {
    const auto allowed = Arrows().find(FolderOf(file.path));
    ASSERT_NE(allowed, Arrows().end()) << file.path << " is in a folder without arrows";
    for (const std::string& include : file.quoted) {
      const std::string folder = FolderOf(include);
      if (folder.empty() || folder == allowed->first) continue;
      ++seen;
      EXPECT_TRUE(allowed->second.count("*") != 0 || allowed->second.count(folder) != 0) << file.path << " includes " << include;
      EXPECT_NE(folder, "compiler/cli") << file.path << " includes " << include;
    }
  }
  EXPECT_GT(seen, 150u) << "the includes were not found";
}

TEST(Layering, TheGuestSharesNothingButTheFormat) {
  for (const File& file : Sources()) {
    if (FolderOf(file.path) == "profiler/guest") continue;
    for (const std::string& include : file.quoted) {
      if (FolderOf(include) == "profiler/guest") {
        EXPECT_EQ(include, "profiler/guest/job_format.h") << file.path;
      }
    }
  }
}

TEST(Layering, TheProofSeesNoEmitter) {
  for (const File& file : Sources()) {
    if (FolderOf(file.path) != "backends/seccomp/prove") continue;
    for (const std::string& include : file.quoted) {
      if (FolderOf(include) == "backends/seccomp") {
        EXPECT_EQ(include, "backends/seccomp/program.h") << file.path;
      }
      EXPECT_NE(include, "compiler/ir/grant.h") << file.path << ": lowering's own reading of the view";
    }
  }
}

TEST(Layering, TheSelinuxProofSeesNoEmitter) {
  for (const File& file : Sources()) {
    if (FolderOf(file.path) != "backends/selinux/prove") continue;
    for (const std::string& include : file.quoted) {
      if (FolderOf(include) == "backends/selinux") {
        EXPECT_TRUE(include == "backends/selinux/names.h" || include == "backends/selinux/target.h") << file.path << " includes " << include;
      }
    }
  }
}

TEST(Layering, ThirdPartyHeadersStayInTheirAdapters) {
  std::set<std::string> found;
  for (const File& file : Sources()) {
    std::vector<std::string> all = file.quoted;
    all.insert(all.end(), file.angled.begin(), file.angled.end());
    for (const std::string& include : all) {
      for (const auto& [prefix, places] : Adapters()) {
        if (include.rfind(prefix, 0) != 0) continue;
        found.insert(prefix);
        const bool good = std::any_of(places.begin(), places.end(), [&](const std::string& place) { return file.path.rfind(place, 0) == 0; });
        EXPECT_TRUE(good) << file.path << " includes " << include;
      }
    }
  }
  EXPECT_EQ(found.size(), Adapters().size()) << "an adapter includes nothing of what it adapts";
}

TEST(Layering, FilesStaySmallAndWithoutLeftovers) {
  for (const File& file : Sources()) {
    EXPECT_LE(std::count(file.text.begin(), file.text.end(), '\n'), 500) << file.path;
    EXPECT_EQ(file.text.find("TODO"), std::string::npos) << file.path;
    EXPECT_EQ(file.text.find("FIXME"), std::string::npos) << file.path;
  }
}

TEST(Layering, DangerHasItsOwnWords) {
  // Whatever loosens a policy can be found by its word in the code that accepts it.
  bool found = false;
  for (const File& file : Sources()) found |= file.text.find("unconfined_danger") != std::string::npos;
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace ravelin
