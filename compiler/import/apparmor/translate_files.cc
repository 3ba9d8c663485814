// File and exec rules.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/import/apparmor/glob.h"
#include "compiler/import/apparmor/pattern.h"
#include "compiler/import/apparmor/translate.h"

namespace ravelin::import::apparmor {
namespace {

// Of the language's operations, those that AppArmor asks each letter for (compiler/kernel/tables/view_apparmor.tsv): at a
// name that is a file, at a directory's, and at a name whichever it is.
struct Operations {
  std::vector<std::string> files;
  std::vector<std::string> directories;
  std::vector<std::string> either;
};

void Append(std::vector<std::string>& to, std::initializer_list<const char*> what) { to.insert(to.end(), what.begin(), what.end()); }

Operations OperationsOf(const FileModes& modes, bool deny) {
  Operations out;
  if (modes.read) {
    Append(out.files, {"read"});
    Append(out.directories, {"list"});
  }
  if (modes.write) {
    Append(out.files, {"write", "append", "truncate", "create", "create_fifo", "create_socket", "create_char", "create_block", "create_symlink"});
    Append(out.directories, {"create_dir"});
    Append(out.either, {"delete", "rename", "setattr"});
  }
  if (modes.append) Append(out.files, {"append"});
  if (modes.link && !deny) Append(out.files, {"link"});
  if (modes.lock) Append(out.either, {"lock"});
  if (modes.mmap) Append(out.files, {"map_exec"});
  return out;
}

std::vector<std::string> Common(const Names& names) {
  std::vector<std::string> out;
  for (const std::string& pattern : names.files) {
    if (std::find(names.directories.begin(), names.directories.end(), pattern) != names.directories.end()) out.push_back(pattern);
  }
  return out;
}

}  // namespace

void Translator::File(const Rule& rule, const FileRule& body) {
  const Prefix& prefix = rule.prefix;
  if (!prefix.owner && !prefix.others) return;  // `owner` and `other` at once: nobody's
  if (!prefix.owner) return Unstatable(rule.span, "`other`: access by all but the owner");
  if (body.target_is_link) return Unstatable(rule.span, "a link rule that names the target");
  if (body.subset) return Unstatable(rule.span, "a `subset` link rule without a target");
  if (!body.path.value.starts_with('/') && !body.path.value.starts_with('{')) return Unstatable(rule.span, fmt::format("`{}`, which is no absolute path,", body.path.value));
  const auto names = TranslatePattern(body.path.value);
  if (!names) return Unstatable(body.path.span, fmt::format("the pattern `{}`", body.path.value));
  const Operations operations = OperationsOf(body.modes, prefix.deny);
  const std::string owner = prefix.others ? "" : " owner";
  const auto say = [&](const std::vector<std::string>& what, const std::vector<std::string>& on) {
    if (!what.empty() && !on.empty()) Say(fmt::format("{} file {{ {} }}{} on {}", VerbOf(prefix), fmt::join(what, ", "), owner, PathsText(on)));
  };
  const std::vector<std::string> common = Common(*names);
  const bool one_list = names->files == names->directories;
  if (body.modes.lock && !one_list) return Unstatable(rule.span, fmt::format("`k` at names that are {} only (`{}`)", names->directories.empty() ? "files" : "some files or directories", body.path.value), "`lock` is of files and directories at once");
  if (one_list) {
    std::vector<std::string> all = operations.files;
    all.insert(all.end(), operations.directories.begin(), operations.directories.end());
    all.insert(all.end(), operations.either.begin(), operations.either.end());
    say(all, names->files);
  } else {
    say(operations.files, names->files);
    say(operations.directories, names->directories);
    say(operations.either, common);
  }
  if (body.modes.exec.present && !names->files.empty()) Exec(rule, body, names->files);
}

bool Translator::CanExec(const Rule& rule, const FileRule& body) {
  const ExecMode& exec = body.modes.exec;
  const auto no = [&](const std::string& what, const std::string& help = "") {
    Unstatable(rule.span, what, help);
    return false;
  };
  if (exec.otherwise != ExecElse::kNone) return no("an exec mode with a fallback (`pix`, `pux`, `cix`, `cux`)", "name the one profile that is meant: `Px -> name`");
  if (exec.to == ExecTo::kChild) return no("`cx`, an exec into a child profile");
  if (exec.keeps_environment) return no("an exec that keeps the environment (`px`, `ux`)", "`Px` and `Ux` scrub it");
  if (exec.to == ExecTo::kProfile && exec.named.empty()) return no("`Px` without the name of a profile", "write `Px -> name`, with a profile of this file");
  if (!exec.named.empty() && names_.policy_of.count(exec.named) == 0) return no(fmt::format("an exec into `{}`, which is no profile of this file,", exec.named));
  return true;
}

void Translator::Exec(const Rule& rule, const FileRule& body, const std::vector<std::string>& paths) {
  if (!rule.prefix.others) return Unstatable(rule.span, "an exec rule for the owner only");
  if (rule.prefix.deny) return Say(fmt::format("{} exec {}", VerbOf(rule.prefix), PathsText(paths)));
  if (!CanExec(rule, body)) return;
  const ExecMode& exec = body.modes.exec;
  std::string as;
  if (!exec.named.empty()) {
    as = " as " + names_.policy_of.at(exec.named);
  } else if (exec.to == ExecTo::kUnconfined) {
    as = " as unconfined_danger";
  }
  Say(fmt::format("{} exec {}{}", VerbOf(rule.prefix), PathsText(paths), as));
  if (exec.to != ExecTo::kInherit && !body.modes.mmap) WithoutMapping(rule, body, paths);
}

// The language's exec brings map_exec with it (docs/semantics.md, 5.7); of AppArmor's, `ix` alone brings m.
void Translator::WithoutMapping(const Rule& rule, const FileRule& body, const std::vector<std::string>& paths) {
  const auto automaton = [](const Text& path) {
    std::string regex;
    std::string why;
    Automaton out;
    GlobToRegex(path.value, GlobNul::kNo, regex, why);
    Automaton::FromRegex(regex, out);
    return out;
  };
  const Automaton ours = automaton(body.path);
  for (const Rule& other : profile_.rules) {
    const auto* file = std::get_if<FileRule>(&other.body);
    if (file == nullptr || other.prefix.deny) continue;
    const bool maps = file->modes.mmap || (file->modes.exec.present && file->modes.exec.to == ExecTo::kInherit);
    if (!maps || !automaton(file->path).Intersects(ours)) continue;
    if (file->path.value == body.path.value && other.prefix.others) return;  // granted there anyway
    return Unstatable(rule.span, fmt::format("an exec without `m` at some names where another rule (`{}`) grants `m`", file->path.value), "add `m` to the exec");
  }
  Say(fmt::format("deny file {{ map_exec }} on {}", PathsText(paths)));
}

}  // namespace ravelin::import::apparmor
