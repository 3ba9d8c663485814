// Records of audit that differ in the name of a file alone: what is said of one name is said of another.  Reading such a record is
// putting its name into what another one came to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "profiler/observe/import.h"

namespace ravelin::observe {

// What a record says.
struct Meaning {
  Run run;
  Imported counted;
};

// A record around the value of its field `name`.
struct Named {
  std::string_view front;
  std::string_view name;
  std::string_view back;
};
// Where the name is a path in quotes that stands for itself: absolute, of no folder, without `.`, `..` and what attributes escape.
std::optional<Named> NameIn(std::string_view record);

class AuditPattern {
 public:
  // Of what two records say that differ in their names; nullopt where that differs in more.
  static std::optional<AuditPattern> Of(const Meaning& one, std::string_view name, const Meaning& other, std::string_view other_name);

  // Of a third name.
  std::vector<std::pair<Fact, Sighting>> Facts(std::string_view name, double time) const;
  size_t records() const { return records_; }
  size_t not_understood() const { return not_understood_; }

 private:
  // A text, and where the name is put into it, unless it stands nowhere.
  struct Text {
    std::string text;
    size_t at = std::string::npos;
    std::string With(std::string_view name) const;
  };
  static Text TextOf(const std::string& text, std::string_view name);
  struct Said {
    Fact fact;  // without attributes
    Text attributes;
    Text example;
    uint64_t count = 0;
  };
  std::vector<Said> said_;
  size_t records_ = 0;
  size_t not_understood_ = 0;
};

}  // namespace ravelin::observe
