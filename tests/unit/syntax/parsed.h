// A text and what parsing makes of it.
#pragma once

#include <set>
#include <string>

#include "compiler/syntax/parse.h"

namespace ravelin::syntax {

struct Parsed {
  explicit Parsed(std::string text) : id(sources.Add("test.rav", std::move(text))), file(Parse(sources, id, sink)) {
    std::set<std::string> found;
    for (const diag::Diagnostic& d : sink.All()) found.insert(std::string(diag::KindName(d.kind)));
    for (const std::string& kind : found) kinds += kind + " ";
  }
  std::string_view Text() const { return sources.Text(id); }
  std::string Messages() const { return diag::RenderText(sink, sources, {}); }

  source::SourceManager sources;
  diag::Sink sink;
  source::FileId id;
  ast::File file;
  std::string kinds;  // of the diagnostics, sorted
};

}  // namespace ravelin::syntax
