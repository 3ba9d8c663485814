// Any text as a policy: it is parsed, resolved and, where it is without mistakes, printed in a layout that reads back the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "compiler/ast/ast_text.h"
#include "compiler/driver/frontend.h"
#include "compiler/resolve/resolve.h"
#include "compiler/syntax/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ravelin;
  source::SourceManager sources;
  diag::Sink sink;
  const source::FileId id = sources.Add("fuzz.rav", std::string(reinterpret_cast<const char*>(data), size));
  ast::File file = syntax::Parse(sources, id, sink);
  (void)ast::DumpJson(file);
  (void)diag::RenderText(sink, sources, {});
  (void)diag::RenderJson(sink, sources);
  if (!sink.HasErrors()) {
    const std::string once = ast::Format(file, sources.Text(id));
    diag::Sink again;
    const source::FileId second = sources.Add("formatted.rav", once);
    const ast::File reread = syntax::Parse(sources, second, again);
    if (again.HasErrors() || ast::Format(reread, once) != once) std::abort();
  }
  static const resolve::Target target = *driver::FindTarget("debian12");
  resolve::Program program;
  program.files.push_back(std::move(file));
  program.imports.emplace_back();
  const resolve::Resolved resolved = resolve::Resolve(program, sources, target, sink);
  (void)resolve::Build(resolved, sources, sink);
  return 0;
}
