#include "compiler/import/layout.h"

#include <fmt/format.h>

#include "compiler/ast/ast_text.h"
#include "compiler/base/check.h"
#include "compiler/syntax/parse.h"

namespace ravelin::import {

std::string StringText(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f || c == '$') {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string PathsText(const std::vector<std::string>& patterns) {
  std::string out;
  for (const std::string& pattern : patterns) out += (out.empty() ? "path(" : ", ") + StringText(pattern);
  return out + ")";
}

std::string Layout(const std::string& text) {
  source::SourceManager sources;
  diag::Sink sink;
  const source::FileId file = sources.Add("imported", text);
  const ast::File tree = syntax::Parse(sources, file, sink);
  RAVELIN_CHECK(!sink.HasErrors(), "the imported policy does not parse");
  return ast::Format(tree, sources.Text(file));
}

}  // namespace ravelin::import
