// Rules whose checks are exactly those that a module grants.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/import/cil/judge.h"

namespace ravelin::import::cil {

// What rules can be about.
struct World {
  std::vector<std::string> domains;                          // types of processes
  std::map<std::string, std::vector<std::string>> patterns;  // type of paths -> patterns
  std::vector<std::string> labels;                           // the host's types of files that the module names
  std::vector<std::string> peers;                            // and of processes
  std::map<std::string, ir::IntervalSet> ports;              // type -> ports
};

class Translator {
 public:
  Translator(const Judge& judge, const Module& module, World world) : judge_(judge), module_(module), world_(std::move(world)) {}
  // Source of all policies; what it does not cover is for the proof to say.
  std::string Run();

 private:
  struct Rule {
    std::string verb;
    std::string kind;   // "file", "exec", ...
    std::string words;  // " { read } on path(...)"
    std::string Text() const { return verb + " " + kind + words + "\n"; }
  };
  // Keeps the rules where they ask for nothing but what is granted, and for something more than the ones before.
  bool Try(const std::string& domain, const std::vector<Rule>& rules);
  // Whether `checks` hold, for some type, each permission that the operation asks in any case.
  static bool MayHave(const CheckSet& checks, const std::string& domain, const std::string& kind, const std::string& operation);
  bool TryNever(const std::string& domain, const Rule& rule);
  std::string Source(const std::map<std::string, std::vector<std::string>>& more) const;
  std::string Head(const std::string& domain) const;
  std::vector<std::string> Unnamed(const std::map<std::string, std::vector<Rule>>& by_domain) const;

  void Files(const std::string& domain);
  void Execs(const std::string& domain);
  void Networks(const std::string& domain);
  void Peers(const std::string& domain);
  void Others(const std::string& domain);
  void Nevers(const std::string& domain);
  std::vector<Rule> Denies(const std::string& type, const char* kind, const std::string& operation) const;
  std::string Object(const std::string& type) const;
  std::vector<std::string> Objects() const;
  std::vector<std::string> PeerClauses(const std::string& domain) const;

  const Judge& judge_;
  const Module& module_;
  const World world_;
  std::map<std::string, std::set<std::string>> within_;  // type -> types of paths inside its patterns
  std::map<std::string, std::vector<Rule>> rules_;       // by domain
  CheckSet covered_;
  CheckSet stated_;     // by neverallow
  CheckSet forbidden_;  // by the `never` rules so far
  std::string layers_ = "selinux";
};

// "web" for web_t.
std::string PolicyOfType(const std::string& type);

}  // namespace ravelin::import::cil
