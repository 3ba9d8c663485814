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

Operations OperationsOf(const FileModes& modes, bool denies) {
  Operations out;
  // What is renamed is read and written: refusing either refuses that.
  if (denies && modes.read && !modes.write) Append(out.either, {"rename_from"});
  if (modes.read) {
    Append(out.files, {"read"});
    Append(out.directories, {"list"});
  }
  if (modes.write) {
    Append(out.files, {"write", "append", "truncate", "create", "create_fifo", "create_socket", "create_char", "create_block", "create_symlink"});
    Append(out.directories, {"create_dir"});
    Append(out.either, {"delete", modes.read || denies ? "rename" : "rename_to", "setattr"});
  }
  if (modes.append) Append(out.files, {"append"});
  if (modes.lock) Append(out.either, {"lock"});
  if (modes.mmap) Append(out.files, {"map_exec"});
  return out;
}

bool MayInherit(const ExecMode& exec) { return exec.to == ExecTo::kInherit || exec.otherwise == ExecElse::kInherit; }

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
  if (body.modes.link && !names->files.empty()) Link(rule, body, names->files);
  if (body.modes.exec.present && !names->files.empty()) Exec(rule, body, names->files);
}

// `l` beside a name is a link to any, with the test of the subset.  A refusal is silent where another rule permits links of the name:
// else the name alone is refused, and that is recorded.
void Translator::Link(const Rule& rule, const FileRule& body, const std::vector<std::string>& paths) {
  std::string to;
  if (body.target_is_link) {
    const auto old_names = TranslatePattern(body.target.value);
    if (!old_names || old_names->files.empty()) return Unstatable(body.target.span, fmt::format("the pattern `{}`", body.target.value));
    to = " to " + PathsText(old_names->files);
  }
  std::string verb = VerbOf(rule.prefix);
  if (rule.prefix.deny) {
    const bool permitted = std::any_of(profile_.rules.begin(), profile_.rules.end(), [](const Rule& other) {
      const auto* file = std::get_if<FileRule>(&other.body);
      return file != nullptr && !other.prefix.deny && file->modes.link;
    });
    if (!permitted) verb = "deny";
  }
  const bool subset = !rule.prefix.deny && (body.subset || !body.target_is_link);
  Say(fmt::format("{} file {{ link }}{}{} on {}{}", verb, rule.prefix.others ? "" : " owner", subset ? " subset" : "", PathsText(paths), to));
}

bool Translator::CanExec(const Rule& rule, const FileRule& body) {
  const ExecMode& exec = body.modes.exec;
  const auto no = [&](const std::string& what, const std::string& help = "") {
    Unstatable(rule.span, what, help);
    return false;
  };
  if (exec.to == ExecTo::kChild && exec.named.empty()) return no("`cx` without the name of a child profile", "write `cx -> name`");
  if (!exec.named.empty() && names_.policy_of.count(Target(exec)) == 0) return no(fmt::format("an exec into `{}`, which is no profile of this file,", exec.named));
  return true;
}

void Translator::Exec(const Rule& rule, const FileRule& body, const std::vector<std::string>& paths) {
  if (!rule.prefix.others) return Unstatable(rule.span, "an exec rule for the owner only");
  if (rule.prefix.deny) return Say(fmt::format("{} exec {}", VerbOf(rule.prefix), PathsText(paths)));
  if (!CanExec(rule, body)) return;
  const ExecMode& exec = body.modes.exec;
  std::string as;
  if (!exec.named.empty()) {
    as = " as " + names_.policy_of.at(Target(exec));
  } else if (exec.to == ExecTo::kUnconfined) {
    as = " as unconfined_danger";
  } else if (exec.to == ExecTo::kProfile) {
    as = " as attached";
  }
  if (exec.otherwise != ExecElse::kNone) as += exec.otherwise == ExecElse::kInherit ? ", self" : ", unconfined_danger";
  if (exec.keeps_environment && !as.empty()) as += " unscrubbed_danger";
  Say(fmt::format("{} exec {}{}", VerbOf(rule.prefix), PathsText(paths), as));
  if (!MayInherit(exec) && !body.modes.mmap) WithoutMapping(rule, body, paths);
}

// The language's exec brings map_exec with it (docs/semantics.md, 5.7); of AppArmor's, those that may inherit bring m.
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
    const bool maps = file->modes.mmap || (file->modes.exec.present && MayInherit(file->modes.exec));
    if (!maps || !automaton(file->path).Intersects(ours)) continue;
    if (file->path.value == body.path.value && other.prefix.others) return;  // granted there anyway
    return Unstatable(rule.span, fmt::format("an exec without `m` at some names where another rule (`{}`) grants `m`", file->path.value), "add `m` to the exec");
  }
  Say(fmt::format("deny file {{ map_exec }} on {}", PathsText(paths)));
}

}  // namespace ravelin::import::apparmor
