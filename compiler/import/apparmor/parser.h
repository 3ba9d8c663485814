// A profile's text to its tree.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/base/diag.h"
#include "compiler/import/apparmor/lexer.h"
#include "compiler/import/apparmor/tree.h"

namespace ravelin::import::apparmor {

// Reads a profile and all that it includes.  What apparmor_parser 3.0.8 refuses while it reads is reported, the first
// mistake only, as apparmor_parser does; null then.  Check() (check.h) finds the rest.
std::unique_ptr<Policy> Parse(source::SourceManager& sources, source::FileId file, const IncludeOptions& options, diag::Sink& sink);

// Internal to the library: one method a construct.  Each returns false once a mistake has been reported.
class Parser {
 public:
  Parser(source::SourceManager& sources, source::FileId file, const IncludeOptions& options, diag::Sink& sink);
  std::unique_ptr<Policy> Run();

 private:
  using Rules = std::vector<Rule>;
  // What a body holds: rules, and profiles in it.
  struct Body {
    Rules rules;
    std::vector<std::unique_ptr<Profile>> children;
  };
  struct Conditions {
    std::vector<Condition> ours;
    bool grouped = false;
    Text group;
    std::vector<Condition> peer;
  };

  // parser.cc: the file
  bool Preamble();
  bool ParseAlias();
  bool ParseAssignment();
  bool ParseAbi();
  bool ParseProfile(bool is_hat, bool is_child, bool flagged, std::unique_ptr<Profile>& out);
  bool ParseHead(Profile& profile);
  bool ParseFlags(Profile& profile);
  bool AddChild(std::vector<std::unique_ptr<Profile>>& children, std::unique_ptr<Profile> child, const std::string& parent);
  // rules.cc: a body and the rules that are not about files
  bool ParseBody(Body& body);
  bool ParseRule(Body& body);
  bool ParseBlock(Body& body, const Prefix& prefix, const Token& open);
  bool ParseConditional(Body& body);
  bool ParseExpression(bool& value);
  bool ParsePrefix(Prefix& prefix, bool& any);
  bool ParseCapability(CapabilityRule& rule);
  bool ParseNetwork(NetworkRule& rule);
  bool ParseRlimit(Body& body);
  bool SetLimit(RlimitRule& rule);
  bool ParseChangeProfile(ChangeProfileRule& rule);
  // file_rules.cc
  bool ParseFile(const Prefix& prefix, FileRule& rule);
  bool ParseFileTail(FileRule& rule, std::optional<bool> safe);
  bool ParseLink(FileRule& rule);
  // conditions.cc: rules with name=value
  bool ParseConditions(std::vector<Condition>& conditions);
  bool ParseGroup(Conditions& conditions);
  bool ParseMount(MountRule& rule, const std::string& keyword);
  bool SetMountFlags(MountRule& rule);
  bool ParsePivotRoot(MountRule& rule);
  bool ParsePermissions(std::vector<Token>& words);
  bool Once(Text& slot, const Condition& condition, const char* kind);
  bool ParseDbus(DbusRule& rule);
  bool DbusConditions(DbusRule& rule, const std::vector<Condition>& conditions);
  bool DbusPermissions(DbusRule& rule, const std::vector<Token>& words, source::Span span);
  bool ParseUnix(UnixRule& rule);
  bool UnixConditions(UnixRule& rule, const std::vector<Condition>& conditions, bool peer);
  bool ParseSignal(SignalRule& rule);
  bool ParsePtrace(PtraceRule& rule);
  template <typename PlainRule, typename Read>
  bool ParsePlainPermissions(PlainRule& rule, Read read, uint32_t all);

  const Token& Peek();
  Token Take();
  bool At(TokenKind kind) { return Peek().kind == kind; }
  bool AtKeyword(std::string_view word) { return Peek().kind == TokenKind::kKeyword && Peek().text == word; }
  bool TakeKeyword(std::string_view word);
  bool Expect(TokenKind kind, const char* what);
  bool ExpectEnd() { return Expect(TokenKind::kEndOfRule, "`,` at the end of the rule"); }
  bool TakeText(TokenKind kind, const char* what, Text& out);
  bool TakePath(const char* what, Text& out);  // a path or a variable
  bool Unexpected(const char* what);
  // False where the word is one of a later version, which has then been reported.
  bool IsOld(const std::string& word, source::Span span);
  bool Wrong(source::Span span, const std::string& message, const std::string& help = "");

  diag::Sink& sink_;
  Includes includes_;
  Lexer lexer_;
  std::optional<Token> next_;
  int depth_ = 0;  // of bodies in bodies
  std::unique_ptr<Policy> policy_;
  source::Span last_;
};

}  // namespace ravelin::import::apparmor
