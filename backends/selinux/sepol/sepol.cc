#include "backends/selinux/sepol/sepol.h"

#include <sepol/cil/cil.h>
#include <sepol/handle.h>
extern "C" {
#include <sepol/kernel_to_cil.h>  // says nothing of C++
}
#include <sepol/policydb.h>
#include <sepol/policydb/policydb.h>
#include <sepol/policydb/services.h>
#include <sepol/sepol.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

// Of a sanitizer's runtime, where there is one.
extern "C" {
__attribute__((weak)) void __lsan_disable();
__attribute__((weak)) void __lsan_enable();
}

namespace ravelin::selinux {
namespace {

// What libsepol allocates meanwhile is not reported as a leak.  It frees the policy that it held before only where that one was of
// a type other than a kernel's (services.c, sepol_set_policydb_from_file), and exports nothing else that would.
struct ExpectedLeaks {
  ExpectedLeaks() {
    if (__lsan_disable != nullptr) __lsan_disable();
  }
  ~ExpectedLeaks() {
    if (__lsan_enable != nullptr) __lsan_enable();
  }
};

// INVARIANT: everything below that libsepol keeps in global variables is touched with this held.
std::mutex& SepolMutex() {
  static std::mutex mutex;
  return mutex;
}

// The log handler takes no argument of ours.
std::string& Log() {
  static std::string log;
  return log;
}

void Collect(int /*level*/, const char* message) { Log() += message; }

struct DbDeleter {
  void operator()(cil_db_t* db) const { cil_db_destroy(&db); }
};
struct PolicyDeleter {
  void operator()(sepol_policydb_t* policy) const { sepol_policydb_free(policy); }
};
struct HandleDeleter {
  void operator()(sepol_handle_t* handle) const { sepol_handle_destroy(handle); }
};
struct FreeDeleter {
  void operator()(void* memory) const { free(memory); }
};
struct FileDeleter {
  void operator()(FILE* file) const { fclose(file); }
};

// "... at web.cil:5" (also "from web.cil:5"): the places that a message names.
void FindPlaces(CilMessage& message) {
  for (const char* word : {" at ", " from "}) {
    for (size_t at = message.text.find(word); at != std::string::npos; at = message.text.find(word, at + 1)) {
      const size_t name = at + std::string_view(word).size();
      const size_t colon = message.text.find(':', name);
      if (colon == std::string::npos) continue;
      char* end = nullptr;
      const long line = strtol(message.text.c_str() + colon + 1, &end, 10);
      if (end == message.text.c_str() + colon + 1 || line <= 0) continue;
      message.places.emplace_back(message.text.substr(name, colon - name), static_cast<int>(line));
    }
  }
}

std::vector<CilMessage> TakeMessages() {
  std::vector<CilMessage> messages;
  std::string log;
  log.swap(Log());
  size_t at = 0;
  while (at < log.size()) {
    const size_t end = log.find('\n', at);
    CilMessage message{log.substr(at, end - at), {}};
    at = end == std::string::npos ? log.size() : end + 1;
    if (message.text.find_first_not_of(" \t") == std::string::npos) continue;
    FindPlaces(message);
    messages.push_back(std::move(message));
  }
  return messages;
}

std::string Decompile(sepol_policydb_t* policy) {
  char* text = nullptr;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  if (out == nullptr) return "";
  const int failed = sepol_kernel_policydb_to_cil(out, &policy->p);
  fclose(out);
  const std::unique_ptr<char, FreeDeleter> owner(text);
  return failed != 0 ? "" : std::string(text, size);
}

}  // namespace

bool SepolIsBuilt() { return true; }

Result<CilPolicy> CompileCil(const std::vector<CilFile>& files, bool host, unsigned version) {
  const std::lock_guard<std::mutex> lock(SepolMutex());
  Log().clear();
  cil_set_log_level(CIL_ERR);
  cil_set_log_handler(Collect);
  cil_db_t* raw = nullptr;
  cil_db_init(&raw);
  const std::unique_ptr<cil_db_t, DbDeleter> db(raw);
  cil_set_mls(raw, 1);
  cil_set_multiple_decls(raw, host ? 1 : 0);
  cil_set_target_platform(raw, SEPOL_TARGET_SELINUX);
  cil_set_policy_version(raw, static_cast<int>(version));
  // Attributes stay in the policy, so that what is read back names their members.
  cil_set_attrs_expand_generated(raw, 0);
  cil_set_attrs_expand_size(raw, 0);
  CilPolicy out;
  bool good = true;
  for (const CilFile& file : files) good = good && cil_add_file(raw, file.name.c_str(), file.text.data(), file.text.size()) == 0;
  good = good && cil_compile(raw) == 0;
  sepol_policydb_t* built = nullptr;
  good = good && cil_build_policydb(raw, &built) == 0;
  const std::unique_ptr<sepol_policydb_t, PolicyDeleter> policy(built);
  if (!good) {
    out.messages = TakeMessages();
    return out;
  }
  char* contexts = nullptr;
  size_t contexts_size = 0;
  if (cil_filecons_to_string(raw, &contexts, &contexts_size) != 0) return Fail(ErrorCode::kEnvironment, "libsepol: file contexts could not be written");
  const std::unique_ptr<char, FreeDeleter> contexts_owner(contexts);
  if (contexts != nullptr) out.file_contexts.assign(contexts, contexts_size);
  const std::unique_ptr<sepol_handle_t, HandleDeleter> handle(sepol_handle_create());
  void* image = nullptr;
  size_t image_size = 0;
  if (sepol_policydb_to_image(handle.get(), built, &image, &image_size) != 0) return Fail(ErrorCode::kEnvironment, "libsepol: the policy could not be written");
  const std::unique_ptr<void, FreeDeleter> image_owner(image);
  out.binary.assign(static_cast<const char*>(image), image_size);
  // What a kernel would load, not what the compiler had in mind: the image is read back.
  sepol_policydb_t* read_back = nullptr;
  if (sepol_policydb_create(&read_back) != 0) return Fail(ErrorCode::kEnvironment, "libsepol: out of memory");
  const std::unique_ptr<sepol_policydb_t, PolicyDeleter> read_owner(read_back);
  if (sepol_policydb_from_image(handle.get(), image, image_size, read_back) != 0) return Fail(ErrorCode::kEnvironment, "libsepol: the policy does not read back");
  out.decompiled = Decompile(read_back);
  if (out.decompiled.empty()) return Fail(ErrorCode::kEnvironment, "libsepol: the policy could not be decompiled");
  out.messages = TakeMessages();
  out.compiled = true;
  return out;
}

struct PolicyQuery::State {
  std::unique_lock<std::mutex> lock{SepolMutex()};
};

PolicyQuery::PolicyQuery() : state_(std::make_unique<State>()) {}
PolicyQuery::PolicyQuery(PolicyQuery&&) noexcept = default;
PolicyQuery& PolicyQuery::operator=(PolicyQuery&&) noexcept = default;
PolicyQuery::~PolicyQuery() = default;

Result<PolicyQuery> PolicyQuery::Load(std::string_view binary) {
  PolicyQuery query;
  std::string copy(binary);
  const std::unique_ptr<FILE, FileDeleter> file(fmemopen(copy.data(), copy.size(), "r"));
  if (file == nullptr) return Fail(ErrorCode::kEnvironment, "libsepol: out of memory");
  {
    const ExpectedLeaks scope;
    if (sepol_set_policydb_from_file(file.get()) != 0) return Fail(ErrorCode::kMalformed, "libsepol: the policy cannot be loaded");
  }
  sepol_debug(0);
  return query;
}

std::optional<unsigned> PolicyQuery::Context(const std::string& context) {
  sepol_security_id_t id = 0;
  if (sepol_context_to_sid(context.c_str(), context.size() + 1, &id) != 0) return std::nullopt;
  return id;
}

std::optional<unsigned> PolicyQuery::Class(const std::string& name) const {
  sepol_security_class_t id = 0;
  if (sepol_string_to_security_class(name.c_str(), &id) != 0) return std::nullopt;
  return id;
}

std::optional<unsigned> PolicyQuery::Permission(unsigned object_class, const std::string& name) const {
  sepol_access_vector_t bit = 0;
  if (sepol_string_to_av_perm(static_cast<sepol_security_class_t>(object_class), name.c_str(), &bit) != 0) return std::nullopt;
  return bit;
}

unsigned PolicyQuery::Allowed(unsigned source, unsigned target, unsigned object_class) const {
  sepol_av_decision decision{};
  unsigned reason = 0;
  if (sepol_compute_av_reason(source, target, static_cast<sepol_security_class_t>(object_class), 0, &decision, &reason) != 0) return 0;
  return decision.allowed;
}

}  // namespace ravelin::selinux
