#include "backends/selinux/emit.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "backends/selinux/base/grants.h"
#include "backends/selinux/names.h"
#include "backends/selinux/paths/single.h"
#include "compiler/ir/path_set.h"
#include "compiler/kernel/selinux_facts.h"

namespace ravelin::selinux {
namespace {

std::string Context(const std::string& role, const std::string& type) { return fmt::format("({} {} {} ((s0) (s0)))", kUser, role, type); }

class Writer {
 public:
  Writer(const Module& module, Form form) : module_(module), form_(form) {}

  Emitted Run() {
    Line(fmt::format("; SELinux policy {}", module_.name));
    for (const auto& [facet, places] : module_.wide) Line(fmt::format("; {} is permitted where no rule refuses it: {}", facet, fmt::join(places, ", ")));
    for (const LabelDifference& d : module_.differences) Line("; " + DifferenceText(d));
    Types();
    Attributes();
    Line("; what the rules permit");
    if (form_ == Form::kContainer) {
      for (const DomainTypes& domain : module_.domains) {
        Line(fmt::format("(block {}", domain.name));
        Line("(blockinherit container)");
        Rules(domain.type);
        Line(")");
      }
    } else {
      Rules("");
    }
    Booleans();
    Ports();
    Files();
    if (form_ == Form::kStandalone) KernelNames();
    return std::move(out_);
  }

 private:
  void Line(const std::string& text, const Places& places = {}) {
    const std::string source = fmt::format("{}", fmt::join(places, ", "));
    out_.cil += text + (source.empty() ? "" : "  ; " + source) + "\n";
    out_.line_sources.push_back(source);
  }

  // What is granted to one type; "": to all.
  void Rules(const std::string& source) {
    const auto is = [&](const std::string& of) { return source.empty() || of == source; };
    for (const auto& [access, allowed] : module_.allows) {
      if (is(access.source)) Allow(access, allowed);
    }
    for (const auto& [access, commands] : module_.commands) {
      if (is(access.source)) Ioctl(access, commands);
    }
    for (const auto& [transition, result] : module_.transitions) {
      if (is(transition.source)) TypeTransition(transition, result.first, result.second);
    }
    Line("; what the base needs");
    for (const auto& [access, allowed] : module_.base) {
      if (is(access.source)) Allow(access, allowed);
    }
    if (!module_.nevers.empty()) Line("; what must never be granted");
    for (const Never& never : module_.nevers) {
      if (!is(never.source)) continue;
      if (never.commands) {
        Line(fmt::format("(neverallowx {} {} (ioctl {} ({})))", Name(never.source), Name(never.target), never.object_class, CommandList(*never.commands)), {never.place + " never"});
        continue;
      }
      Line(fmt::format("(neverallow {} {} ({} ({})))", Name(never.source), Name(never.target), never.object_class, fmt::join(never.permissions, " ")), {never.place + " never"});
    }
  }

  void Booleans() {
    if (!module_.conditional.empty()) Line("; what is granted while a boolean is on");
    for (const auto& [name, allows] : module_.conditional) {
      Line(fmt::format("(boolean {} false)", name));
      if (allows.empty()) continue;  // the rules grant nothing that others do not
      Line(fmt::format("(booleanif {} (true", name));
      for (const auto& [access, allowed] : allows) Allow(access, allowed);
      Line("))");
    }
  }

  // Of a type in the artifact: a block's type of processes has another name than the domain's.
  std::string Name(const std::string& type) const {
    if (form_ != Form::kContainer) return type;
    for (const DomainTypes& domain : module_.domains) {
      if (domain.type == type) return ContainerType(domain.name);
    }
    return type;
  }

  void Type(const std::string& type, const std::string& attribute, const Places& places) {
    Line(fmt::format("(type {})", type), places);
    Line(fmt::format("(typeattributeset {} ({}))", attribute, type));
    if (attribute != kDomains) Line(fmt::format("(roletype {} {})", kObjectRole, type));
  }

  void Types() {
    for (const DomainTypes& domain : module_.domains) {
      if (form_ == Form::kContainer) break;  // the blocks have them
      Type(domain.type, kDomains, {"policy " + domain.name});
      Line(fmt::format("(roletype {} {})", kRole, domain.type));
      if (!domain.attached) Type(domain.entry_type, kFiles, {"what starts policy " + domain.name});
    }
    for (const PathType& path : module_.paths) {
      if (path.host) continue;
      Line(fmt::format("; {}", fmt::join(path.patterns, "  and  ")));
      Type(path.type, kFiles, path.from);
    }
    for (const PortType& port : module_.ports) {
      if (!port.host) Type(port.type, kPorts, {});
    }
    if (form_ != Form::kStandalone) return;
    // A standalone policy has no other one to declare the types that rules name.
    std::istringstream named(NamedTypes(module_));
    for (std::string line; std::getline(named, line);) Line(line, {"named by a rule"});
  }

  void Rest(const std::string& attribute, const char* of, const std::vector<std::string>& own) {
    Line(fmt::format("(typeattribute {})", attribute));
    if (own.empty()) {
      Line(fmt::format("(typeattributeset {} {})", attribute, of));
    } else {
      Line(fmt::format("(typeattributeset {} (and ({}) (not ({}))))", attribute, of, fmt::join(own, " ")));
    }
  }

  void Attributes() {
    std::vector<std::string> files(module_.labels.begin(), module_.labels.end());
    std::vector<std::string> domains(module_.peers.begin(), module_.peers.end());
    std::vector<std::string> ports;
    for (const DomainTypes& domain : module_.domains) domains.push_back(Name(domain.type));
    for (const PathType& path : module_.paths) {
      if (std::find(files.begin(), files.end(), path.type) == files.end()) files.push_back(path.type);
    }
    for (const PortType& port : module_.ports) {
      if (std::find(ports.begin(), ports.end(), port.type) == ports.end()) ports.push_back(port.type);
    }
    Line("; everything of the host that no rule speaks of");
    Rest(RestFiles(module_.name), kFiles, files);
    Rest(RestDomains(module_.name), kDomains, domains);
    Rest(RestPorts(module_.name), kPorts, ports);
  }

  // A class that an older host does not know must not keep the module from loading there.
  void Guarded(const std::string& object_class, const std::string& text, const Places& places) {
    const kernel::SelinuxClass* known = kernel::FindSelinuxClass(object_class);
    const bool young = form_ != Form::kStandalone && known != nullptr && known->needs.kernel.has_value();
    Line(young ? fmt::format("(optional {}_optional_{} {})", module_.name, ++optionals_, text) : text, places);
  }

  void Allow(const Access& access, const Allowed& allowed) {
    // One line for each group of rules: a reader sees what a rule is for.
    std::map<Places, std::vector<std::string>> by_places;
    for (const auto& [permission, places] : allowed.permissions) by_places[places].push_back(permission);
    for (const auto& [places, permissions] : by_places) {
      out_.allows.push_back({out_.line_sources.size(), access, permissions});
      Guarded(access.object_class, fmt::format("(allow {} {} ({} ({})))", Name(access.source), Name(access.target), access.object_class, fmt::join(permissions, " ")), places);
    }
  }

  static std::string CommandList(const ir::IntervalSet& commands) {
    std::string out;
    for (const ir::Interval& i : commands.intervals()) out += (out.empty() ? "" : " ") + (i.lo == i.hi ? fmt::format("{:#06x}", i.lo) : fmt::format("(range {:#06x} {:#06x})", i.lo, i.hi));
    return out;
  }

  void Ioctl(const Access& access, const Commands& commands) {
    out_.allows.push_back({out_.line_sources.size(), access, {"ioctl"}});
    Line(fmt::format("(allowx {} {} (ioctl {} ({})))", Name(access.source), Name(access.target), access.object_class, CommandList(commands.values)), commands.from);
  }

  void TypeTransition(const Transition& at, const std::string& result, const Places& places) {
    const std::string name = at.name.empty() ? "" : fmt::format(" \"{}\"", at.name);
    Line(fmt::format("(typetransition {} {} {}{} {})", Name(at.source), Name(at.target), at.object_class, name, Name(result)), places);
  }

  void Ports() {
    for (const PortType& port : module_.ports) {
      if (port.host) continue;
      for (const ir::Interval& i : port.ports.intervals()) {
        for (const std::string& protocol : port.protocols) Line(fmt::format("(portcon {} ({} {}) {})", protocol, i.lo, i.hi, Context(kObjectRole, port.type)));
      }
    }
  }

  void Files() {
    for (const FileContext& file : module_.contexts) {
      Line(fmt::format("(filecon \"{}\" any {})", file.regex, Context(kObjectRole, file.type)));
      out_.file_contexts += fmt::format("{}\t{}:{}:{}:s0\n", file.regex, kUser, kObjectRole, file.type);
    }
  }

  // The type of the paths that exactly these patterns match.
  const PathType* TypeOf(const std::string& path, const std::map<std::string, ir::PathSet>& sets) const {
    std::set<std::string> matching;
    for (const auto& [pattern, set] : sets) {
      if (set.Contains(path)) matching.insert(pattern);
    }
    const auto at = std::find_if(module_.paths.begin(), module_.paths.end(), [&](const PathType& one) { return std::set<std::string>(one.patterns.begin(), one.patterns.end()) == matching; });
    return at == module_.paths.end() ? nullptr : &*at;
  }

  // Single files of /proc and /sys, each followed by entries that give the label of the file system back to names which only begin so.
  void KernelNames() {
    std::map<std::string, ir::PathSet> sets;
    for (const PathType& path : module_.paths) {
      for (const std::string& pattern : path.patterns) {
        if (auto set = ir::PathSet::Parse(pattern)) sets.emplace(pattern, std::move(*set));
      }
    }
    std::vector<std::string> patterns;
    for (const auto& [pattern, set] : sets) patterns.push_back(pattern);
    std::map<std::string, std::string> single;
    for (const std::string& path : LabelledFiles(patterns)) {
      if (const PathType* type = TypeOf(path, sets)) single.emplace(path, type->type);
    }
    if (!single.empty()) Line("; single files of the kernel's own file systems; longer names that begin so keep the file system's label");
    for (const KernelFileSystem& there : kKernelFileSystems) {
      for (const auto& [path, type] : single) {
        if (!IsBelow(path, there)) continue;
        const std::string begin = path.substr(there.mount.size());
        Line(fmt::format("(genfscon {} \"{}\" {})", there.name, begin, Context(kObjectRole, type)));
        std::string rest;
        for (const char next : kNameCharacters) {
          if (single.count(path + next) == 0) rest += fmt::format("(genfscon {} \"{}{}\" {})", there.name, begin, next, there.context);
        }
        Line(rest);
      }
    }
  }

  const Module& module_;
  const Form form_;
  Emitted out_;
  int optionals_ = 0;
};

}  // namespace

std::string DifferenceText(const LabelDifference& d) {
  return fmt::format("{} {} {} as {}, and file_contexts say {}", d.domain, d.renamed ? "may rename what becomes" : "creates", d.path, d.has, d.labelled);
}

std::string NamedTypes(const Module& module) {
  std::string text;
  const std::string base = StandaloneBase({});
  for (const auto* names : {&module.labels, &module.peers}) {
    for (const std::string& name : *names) {
      if (base.find("(type " + name + ")") == std::string::npos) text += fmt::format("(type {})\n(typeattributeset {} ({}))\n", name, names == &module.labels ? kFiles : kDomains, name);
    }
  }
  return text;
}

Emitted Emit(const Module& module, Form form) { return Writer(module, form).Run(); }

}  // namespace ravelin::selinux
