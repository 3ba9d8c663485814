// Which of literals, a folder's names, or all below a folder is the cheapest way to say what was used.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "profiler/generalize/tree.h"

namespace ravelin::generalize {

// A path of the tree that something was done with.
struct Entry {
  std::string path;                  // a pattern
  std::vector<std::string> names;    // its components
  std::vector<bool> holes;           // which of them are patterns
  std::map<std::string, Evidence> operations;
  std::set<size_t> runs;
  std::string step;                  // how a component became a pattern
  size_t used = 1;
};

class Chooser {
 public:
  // `labels`: a mechanism of the policy labels what is made by its folder (SELinux).
  Chooser(size_t runs, const Sensitive& sensitive, const Listing& listing, bool labels) : runs_(runs), sensitive_(sensitive), listing_(listing), labels_(labels) {}
  std::vector<PathRule> Choose(const std::vector<Entry>& entries) const;

 private:
  struct Branch;
  struct Choice;
  // What a pattern for the entries would open.
  struct Kind {
    std::set<std::string> operations;
    std::string extension;
    bool made = false;   // the workload brings them about
    bool reads = false;
  };
  struct Opened {
    size_t files = 0;
    double cost = 0;
    std::vector<std::string> code;  // the files, where they are mapped to be executed
  };

  // Takes away the entries that folders of the workload's own cover, and tells them there.
  static std::vector<const Entry*> WithoutCovered(const std::vector<const Entry*>& group, std::vector<PathRule>& own);
  // The best that can be said of entries of one kind: together, or by the ends of their names.
  Choice Of(const std::set<std::string>& operations, const std::string& extension, const std::vector<const Entry*>& group, const std::vector<Entry>& entries) const;
  Choice ByExtension(const std::set<std::string>& operations, const std::vector<const Entry*>& group, const std::vector<Entry>& entries) const;
  Choice Best(const std::string& folder, const Branch& branch, const Kind& kind, const std::vector<Entry>& entries) const;
  // A pattern for the folder's names, or for all below, where it costs less than `instead`.
  std::optional<Choice> Pattern(const std::string& folder, const Branch& branch, bool below, const Kind& kind, const std::vector<Entry>& entries, double base, const Choice& instead) const;
  static size_t Count(const Branch& branch, const Kind& kind);
  bool Changes(const Branch& branch, const Kind& kind) const;
  static bool HasPatterns(const Branch& branch);
  static void Collect(const Branch& branch, bool below, PathRule& rule);
  static PathRule LiteralRule(const Entry& entry);
  // Nothing where it costs `most` or more.
  std::optional<Opened> Beyond(const std::string& folder, bool below, const Kind& kind, const std::vector<Entry>& entries, double most) const;

  const size_t runs_;
  const Sensitive& sensitive_;
  const Listing& listing_;
  const bool labels_;
};

}  // namespace ravelin::generalize
