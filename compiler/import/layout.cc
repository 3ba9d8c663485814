#include "compiler/import/layout.h"

#include "compiler/ast/ast_text.h"
#include "compiler/base/check.h"
#include "compiler/syntax/parse.h"

namespace ravelin::import {

std::string Layout(const std::string& text) {
  source::SourceManager sources;
  diag::Sink sink;
  const source::FileId file = sources.Add("imported", text);
  const ast::File tree = syntax::Parse(sources, file, sink);
  RAVELIN_CHECK(!sink.HasErrors(), "the imported policy does not parse");
  return ast::Format(tree, sources.Text(file));
}

}  // namespace ravelin::import
