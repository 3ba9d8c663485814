// The words of a profile and of what it includes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/diag.h"
#include "compiler/import/apparmor/includes.h"
#include "compiler/import/apparmor/token.h"

namespace ravelin::import::apparmor {

// Words are made one by one as the parser asks for them, since a profile's braces bound what is included once.
class Lexer {
 public:
  Lexer(source::SourceManager& sources, source::FileId file, Includes& includes, diag::Sink& sink);
  // After kError (which has been reported) and kEnd, the same again.
  Token Next();

 private:
  struct Frame {
    source::FileId file;
    std::string_view text;
    size_t pos = 0;
  };
  // The longest match so far: `reach` counts what must follow, `end` is what the word takes.
  struct Match {
    size_t reach = 0;
    size_t end = 0;
    int rule = 0;
  };
  void Try(size_t end, int rule);
  void TryBefore(size_t end, size_t reach, int rule);
  void MatchConditions(LexState state);
  void MatchInitial();
  void MatchRuleWords(LexState state);
  void MatchLists(LexState state);
  void MatchState(LexState state);
  bool Act(LexState state, Token& token);  // false: nothing for the parser
  bool ActOnList(Token& token);
  void Include(const Token& token, std::string_view word, bool if_exists);
  void Keyword(Token& token);
  void Fail(const std::string& message, source::Span span);

  std::string_view Text() const { return frames_.back().text; }
  size_t Pos() const { return frames_.back().pos; }
  LexState State() const { return states_.back(); }

  source::SourceManager& sources_;
  Includes& includes_;
  diag::Sink& sink_;
  std::vector<Frame> frames_;
  std::vector<LexState> states_;
  Match best_;
  source::FileId last_file_;
  bool failed_ = false;
};

}  // namespace ravelin::import::apparmor
