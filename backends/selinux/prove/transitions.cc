// What a process and a new object become: the compiled policy's transitions against those that the policy asks for.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "backends/selinux/names.h"
#include "backends/selinux/prove/compare.h"

namespace ravelin::selinux {
namespace {

using Key = std::tuple<std::string, std::string, std::string, std::string>;  // source, target, class, name

// A name that the decompiled policy, which prints it bare, gives back.
bool IsReadable(const std::string& name) {
  return std::all_of(name.begin(), name.end(), [](unsigned char c) { return (c < 128 && std::isalnum(c) != 0) || std::string_view("._-+:@,~%=").find(static_cast<char>(c)) != std::string_view::npos; });
}

class TransitionCheck {
 public:
  TransitionCheck(const Comparison& comparison) : c_(comparison) {
    for (const DecodedTransition& t : c_.decoded.transitions) actual_[{t.source, t.target, t.object_class, t.name}] = t.result;
  }

  void Run() {
    Execs();
    for (const auto& [creator, kinds] : c_.demand.creations) Creations(creator.first, creator.second, kinds);
    for (const ir::Domain& domain : c_.policy.domains) {
      Unasked(DomainType(domain.name));
      if (!c_.target.container) Starts(domain);
    }
  }

 private:
  std::vector<std::string> TypesOf(uint32_t kind) const {
    return c_.TypesOf(c_.world.kinds[kind].type.empty() ? DemandTarget{DemandTarget::Kind::kRestFiles, "", 0} : DemandTarget{DemandTarget::Kind::kPath, "", kind});
  }

  void Execs() {
    for (const auto& [source, exec] : c_.demand.execs) {
      const std::string& path = c_.world.kinds[exec.first].witness;
      for (const std::string& type : TypesOf(exec.first)) {
        asked_.insert({source, type, "process", ""});
        const auto at = actual_.find({source, type, "process", ""});
        if (at != actual_.end() && at->second == exec.second) continue;
        c_.Report({source, path, "process", "transition", true, fmt::format("{} executing {} becomes {}, not {}", source, path, at == actual_.end() ? source : at->second, exec.second)});
      }
    }
  }

  // The named transition, else the one for any name, else the directory's type.
  std::pair<Key, std::string> Created(Key key) const {
    auto at = actual_.find(key);
    if (at == actual_.end()) {
      std::get<3>(key) = "";
      at = actual_.find(key);
    }
    return {key, at == actual_.end() ? std::get<1>(key) : at->second};
  }

  // 9.4.  Directories of one type are one; what has a single name there is labelled by that name, everything else alike.
  void Creations(const std::string& source, const std::string& object_class, const std::set<uint32_t>& kinds) {
    using Wanted = std::map<std::string, std::string>;  // type by file_contexts, "" for the host's -> a path
    std::map<std::string, Wanted> any;
    std::map<std::string, std::set<std::string>> names;  // by type of the directory
    std::map<std::string, std::set<uint32_t>> directories;
    for (const auto& [labels, entry] : c_.world.tree->Entries()) {
      const uint32_t directory = c_.world.kind_of_label.at(labels.first);
      const uint32_t kind = c_.world.kind_of_label.at(labels.second);
      const bool named = entry.only_name && IsReadable(*entry.only_name) && !c_.world.kinds[kind].type.empty();
      for (const std::string& folder : TypesOf(directory)) {
        directories[folder].insert(labels.first);
        if (kinds.count(kind) == 0) continue;
        if (named) {
          names[folder].insert(*entry.only_name);
        } else if (!(c_.world.kinds[kind].type.empty() && c_.world.kinds[directory].type.empty())) {
          any[folder].emplace(c_.world.kinds[kind].type, entry.path);
        } else {
          any[folder].emplace(folder, entry.path);  // the host's in the host's
        }
      }
    }
    for (const auto& [folder, wanted] : any) Judge({source, folder, object_class, ""}, wanted);
    for (const auto& [folder, all] : names) {
      for (const std::string& name : all) {
        Wanted wanted;
        for (const uint32_t directory : directories[folder]) {
          for (const auto& [label, path] : c_.world.tree->Named(directory, name)) {
            const uint32_t kind = c_.world.kind_of_label.at(label);
            if (kinds.count(kind) != 0) wanted.emplace(c_.world.kinds[kind].type, path);
          }
        }
        Judge({source, folder, object_class, name}, wanted);
      }
    }
  }

  void Judge(const Key& wanted_by, const std::map<std::string, std::string>& wanted) {
    const auto [key, created] = Created(wanted_by);
    const bool right = wanted.count(created) != 0;
    if (right) asked_.insert(key);
    for (const auto& [type, path] : wanted) {
      if (type == created) continue;
      const std::string text = fmt::format("{} creates {} as {}, and file_contexts say {}", std::get<0>(key), path, created, type.empty() ? "what the host says" : type);
      // Where several types are right for this name, one of them was taken; what has no type of ours cannot be helped.
      if (right || (type.empty() && wanted.size() == 1)) {
        c_.result.labels.push_back(text);
      } else {
        c_.Report({std::get<0>(key), path, std::get<2>(key), "create", true, text});
      }
    }
  }

  void Unasked(const std::string& source) const {
    for (const auto& [key, to] : actual_) {
      if (std::get<0>(key) != source || asked_.count(key) != 0) continue;
      Key probed = key;  // what the host says of every domain
      std::get<0>(probed) = c_.probe;
      if (const auto host = actual_.find(probed); host != actual_.end() && host->second == to) continue;
      c_.Report({source, std::get<1>(key), std::get<2>(key), "transition", false, fmt::format("{} {} {} {}: a transition to {} that nothing asks for", source, std::get<1>(key), std::get<2>(key), std::get<3>(key), to)});
    }
  }

  // The launcher's exec of what starts the domain.
  void Starts(const ir::Domain& domain) const {
    std::set<std::string> starts;
    for (const PathKind& kind : c_.world.kinds) {
      const bool attached = std::any_of(domain.attach.begin(), domain.attach.end(), [&](const std::string& p) { return std::binary_search(kind.patterns.begin(), kind.patterns.end(), c_.world.pattern_index.at(p)); });
      if (attached) starts.insert(kind.type);
    }
    if (domain.attach.empty()) starts.insert(EntryType(domain.name));
    for (const std::string& start : starts) {
      const auto at = actual_.find({kLauncher, start, "process", ""});
      if (at == actual_.end() || at->second != DomainType(domain.name)) c_.Report({kLauncher, start, "process", "transition", true, fmt::format("{} does not start {}", start, DomainType(domain.name))});
    }
  }

  const Comparison& c_;
  std::map<Key, std::string> actual_;
  std::set<Key> asked_;
};

}  // namespace

void Comparison::Transitions() const { TransitionCheck(*this).Run(); }

}  // namespace ravelin::selinux
