// In place of sepol.cc in a build without libsepol: everything says so.
#include "backends/selinux/sepol/sepol.h"

namespace ravelin::selinux {

bool SepolIsBuilt() { return false; }

struct PolicyQuery::State {};
PolicyQuery::PolicyQuery() = default;
PolicyQuery::PolicyQuery(PolicyQuery&&) noexcept = default;
PolicyQuery& PolicyQuery::operator=(PolicyQuery&&) noexcept = default;
PolicyQuery::~PolicyQuery() = default;

Result<CilPolicy> CompileCil(const std::vector<CilFile>& /*files*/, bool /*host*/, unsigned /*version*/) { return Fail(ErrorCode::kEnvironment, "this build has no libsepol"); }
Result<PolicyQuery> PolicyQuery::Load(std::string_view /*binary*/) { return Fail(ErrorCode::kEnvironment, "this build has no libsepol"); }
std::optional<unsigned> PolicyQuery::Context(const std::string& /*context*/) { return std::nullopt; }
std::optional<unsigned> PolicyQuery::Class(const std::string& /*name*/) const { return std::nullopt; }
std::optional<unsigned> PolicyQuery::Permission(unsigned /*object_class*/, const std::string& /*name*/) const { return std::nullopt; }
unsigned PolicyQuery::Allowed(unsigned /*source*/, unsigned /*target*/, unsigned /*object_class*/) const { return 0; }

}  // namespace ravelin::selinux
