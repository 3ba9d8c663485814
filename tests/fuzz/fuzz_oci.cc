// Any text as a runtime profile: what is imported is policy source that parses.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "compiler/import/oci_import.h"
#include "compiler/syntax/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ravelin;
  source::SourceManager sources;
  diag::Sink sink;
  const source::FileId id = sources.Add("fuzz.json", std::string(reinterpret_cast<const char*>(data), size));
  const auto text = import::ImportOciSeccomp(id, sources.Text(id), {}, sink);
  if (!text || sink.HasErrors()) return 0;
  diag::Sink parsed;
  syntax::Parse(sources, sources.Add("imported.rav", *text), parsed);
  if (parsed.HasErrors()) std::abort();
  return 0;
}
