#include "compiler/driver/load.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "compiler/base/sha256.h"
#include "compiler/driver/embedded_library.h"
#include "compiler/driver/library.h"
#include "compiler/syntax/parse.h"

namespace ravelin::driver {
namespace {

constexpr std::string_view kLibraryPrefix = "std::";

bool IsFile(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
}

// Identity of a file, so that two spellings of one path are one import.
std::string Identity(const std::string& path) {
  std::error_code error;
  const auto canonical = std::filesystem::canonical(path, error);
  return error ? path : canonical.string();
}

class Loader {
 public:
  Loader(const LoadOptions& options, source::SourceManager& sources, diag::Sink& sink) : options_(options), sources_(sources), sink_(sink) {}

  Result<resolve::Program> Run(const std::string& path) {
    RAVELIN_TRY(file, sources_.Load(path));
    return Read(file, path == "-" ? "." : std::filesystem::path(path).parent_path().string(), Identity(path));
  }

  resolve::Program Read(source::FileId file, const std::string& folder, const std::string& identity) {
    Open(file, folder, identity);
    ResolveLibrary();
    NameLibrary();
    return std::move(program_);
  }

  std::map<std::string, ast::File> Modules() {
    NameLibrary();
    std::map<std::string, ast::File> out;
    for (const std::string& full : program_.library_names) {
      const std::string name = full.substr(kLibraryPrefix.size());
      const auto file = LibraryFile(name);
      // Sets of calls, which are most of the files, are not parsed.
      if (file && sources_.Text(*file).find("module " + name) != std::string_view::npos) out.emplace(name, syntax::Parse(sources_, *file, sink_));
    }
    return out;
  }

 private:
  // Parses a file and everything that it imports.  `open_` holds the chain of importing files.
  size_t Open(source::FileId file, const std::string& folder, const std::string& identity) {
    const size_t index = program_.files.size();
    known_[identity] = index;
    program_.files.push_back(syntax::Parse(sources_, file, sink_));
    program_.imports.emplace_back();
    CollectLibraryNames(program_.files[index]);
    std::vector<ast::Import> imports;
    CollectImports(program_.files[index].shared, imports);
    open_.push_back(identity);
    for (const ast::Import& import : imports) {
      if (const auto imported = Follow(import, folder)) program_.imports[index].push_back(*imported);
    }
    open_.pop_back();
    return index;
  }

  static void CollectImports(const ast::Block& block, std::vector<ast::Import>& imports) {
    imports.insert(imports.end(), block.imports.begin(), block.imports.end());
  }

  std::optional<size_t> Follow(const ast::Import& import, const std::string& folder) {
    const std::string& name = import.file.text;
    std::vector<std::string> tried;
    if (!name.empty() && name.front() == '/') {
      tried.push_back(name);
    } else {
      tried.push_back(folder.empty() ? name : folder + "/" + name);
      for (const std::string& place : options_.import_folders) tried.push_back(place + "/" + name);
    }
    const auto found = std::find_if(tried.begin(), tried.end(), IsFile);
    if (name.empty() || name.find('\0') != std::string::npos || found == tried.end()) {
      sink_.Report(diag::Kind::kImportNotFound, import.file.span, fmt::format("`{}` is not found", name)).Help(fmt::format("looked at {}", fmt::join(tried, ", ")));
      return std::nullopt;
    }
    const std::string identity = Identity(*found);
    if (std::find(open_.begin(), open_.end(), identity) != open_.end()) {
      sink_.Report(diag::Kind::kImportCycle, import.file.span, fmt::format("`{}` is imported in a circle", name));
      return std::nullopt;
    }
    const auto known = known_.find(identity);
    if (known != known_.end()) return known->second;
    auto file = sources_.Load(*found);
    if (!file) {
      sink_.Report(diag::Kind::kImportNotFound, import.file.span, fmt::format("`{}` cannot be read: {}", name, file.error().message));
      return std::nullopt;
    }
    return Open(*file, std::filesystem::path(*found).parent_path().string(), identity);
  }

  // What could have been meant by a name that is unknown.
  void NameLibrary() {
    std::vector<std::string> files;
    if (options_.library_folder.empty()) {
      for (const std::string_view name : EmbeddedLibraryNames()) files.emplace_back(name);
    } else {
      std::error_code error;
      for (std::filesystem::directory_iterator at(options_.library_folder, error), end; !error && at != end; at.increment(error)) files.push_back(at->path().filename().string());
    }
    for (const std::string& file : files) {
      if (file.ends_with(".rav")) program_.library_names.push_back(std::string(kLibraryPrefix) + file.substr(0, file.size() - 4));
    }
    std::sort(program_.library_names.begin(), program_.library_names.end());
  }

  // --- the standard library: std::NAME is defined by the file NAME.rav

  void NoteName(const std::string& name) {
    if (name.rfind(kLibraryPrefix, 0) == 0) wanted_.insert(name.substr(kLibraryPrefix.size()));
  }

  void CollectExpr(const ast::Expr& expr) {
    if (expr.kind == ast::ExprKind::kName) NoteName(expr.text);
    for (const ast::Expr& child : expr.children) CollectExpr(child);
  }

  void CollectBlock(const ast::Block& block) {
    for (const ast::Use& use : block.uses) {
      NoteName(use.module.text);
      for (const ast::Expr& argument : use.arguments) CollectExpr(argument);
    }
    for (const ast::Binding& binding : block.bindings) {
      for (const ast::Expr& value : binding.values) CollectExpr(value);
    }
    for (const ast::Rule& rule : block.rules) {
      for (const ast::Expr& subject : rule.subjects) CollectExpr(subject);
      for (const ast::Clause& clause : rule.clauses) {
        for (const ast::Expr& value : clause.values) CollectExpr(value);
      }
    }
    for (const ast::When& when : block.whens) {
      CollectBlock(when.then_block);
      CollectBlock(when.else_block);
    }
  }

  void CollectLibraryNames(const ast::File& file) {
    CollectBlock(file.shared);
    for (const ast::Module& module : file.modules) {
      CollectBlock(module.body);
      for (const ast::Parameter& parameter : module.parameters) {
        if (parameter.default_value) CollectExpr(*parameter.default_value);
      }
    }
    for (const ast::Policy& policy : file.policies) CollectBlock(policy.body);
  }

  // Files of the library refer to one another, so names are looked up until none is new.
  void ResolveLibrary() {
    while (!wanted_.empty()) {
      const std::string name = *wanted_.begin();
      wanted_.erase(wanted_.begin());
      if (program_.library.count(name) != 0 || missing_.count(name) != 0) continue;
      const auto file = LibraryFile(name);
      if (!file) {
        missing_.insert(name);  // resolution reports the name where it is used
        continue;
      }
      const size_t index = program_.files.size();
      program_.library[name] = index;
      program_.files.push_back(syntax::Parse(sources_, *file, sink_));
      program_.imports.emplace_back();
      CollectLibraryNames(program_.files[index]);
    }
  }

  std::optional<source::FileId> LibraryFile(const std::string& name) {
    if (name.find_first_of("/.") != std::string::npos) return std::nullopt;
    if (!options_.library_folder.empty()) {
      const std::string path = options_.library_folder + "/" + name + ".rav";
      if (!IsFile(path)) return std::nullopt;
      auto file = sources_.Load(path);
      return file ? std::optional(*file) : std::nullopt;
    }
    const std::string_view text = EmbeddedLibrary(name + ".rav");
    if (text.empty()) return std::nullopt;
    return sources_.Add("std/" + name + ".rav", std::string(text));
  }

  const LoadOptions& options_;
  source::SourceManager& sources_;
  diag::Sink& sink_;
  resolve::Program program_;
  std::map<std::string, size_t> known_;
  std::vector<std::string> open_;
  std::set<std::string> wanted_;
  std::set<std::string> missing_;
};

}  // namespace

Result<resolve::Program> Load(const std::string& path, const LoadOptions& options, source::SourceManager& sources, diag::Sink& sink) {
  return Loader(options, sources, sink).Run(path);
}

resolve::Program LoadText(const std::string& name, std::string text, const LoadOptions& options, source::SourceManager& sources, diag::Sink& sink) {
  return Loader(options, sources, sink).Read(sources.Add(name, std::move(text)), ".", name);
}

std::map<std::string, ast::File> LoadModules(const LoadOptions& options, source::SourceManager& sources, diag::Sink& sink) { return Loader(options, sources, sink).Modules(); }

std::string LibraryVersion() {
  std::string all;
  for (const std::string_view name : EmbeddedLibraryNames()) {
    all += name;
    all += '\0';
    all += EmbeddedLibrary(name);
    all += '\0';
  }
  return fmt::format("1 (sha256 {})", base::Sha256Hex(all).substr(0, 16));
}

}  // namespace ravelin::driver
