#include "profiler/probe/attempt.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/base/check.h"
#include "compiler/ir/grant.h"
#include "compiler/kernel/facts.h"

namespace ravelin::probe {
namespace {

constexpr uint64_t kAnAddress = 0x10000;  // where nobody asks but whether it is 0

int OperationOf(ir::FacetId facet, std::string_view operation) {
  const auto& operations = kernel::Facets()[facet].operations;
  const auto at = std::find(operations.begin(), operations.end(), operation);
  RAVELIN_CHECK(at != operations.end(), "an attempt names an operation of the tables");
  return static_cast<int>(at - operations.begin());
}

// The object's attributes as far as an attempt of the operation has them.
void Describe(ir::ObjectCheck& check, const Object& object) {
  const kernel::FacetInfo& facet = kernel::Facets()[check.facet];
  const std::string& operation = facet.operations[static_cast<size_t>(check.operation)];
  const auto has = [&](const std::string& attribute) {
    const bool of_facet = std::find(facet.attributes.begin(), facet.attributes.end(), attribute) != facet.attributes.end();
    return of_facet ? !kernel::OperationLacks(facet.name, operation, attribute) : attribute == "kind" && (facet.name == "file" || facet.name == "exec");
  };
  for (const auto& [attribute, value] : object.integers) {
    if (has(attribute)) check.integers.emplace(attribute, value);
  }
  for (const auto& [attribute, text] : object.texts) {
    if (has(attribute)) check.texts.emplace(attribute, text);
  }
  check.owner = object.owner;
}

const kernel::Syscall& SyscallOf(std::string_view name) {
  const kernel::Syscall* found = kernel::FindSyscall(kernel::Arch::kX86_64, name);
  RAVELIN_CHECK(found != nullptr, "an attempt's call is in the tables");
  return *found;
}

uint64_t ReadParam(const kernel::Syscall& call, const std::string& name, const ir::Args& args) {
  for (size_t i = 0; i < call.params.size(); ++i) {
    if (call.params[i].name != name) continue;
    const kernel::ArgType type = call.params[i].type;
    return type == kernel::ArgType::kU16 ? args[i] & 0xffff : type == kernel::ArgType::kI32 || type == kernel::ArgType::kU32 ? args[i] & 0xffffffff : args[i];
  }
  RAVELIN_CHECK(false, "a view row names a parameter that the call lacks");
  return 0;
}

}  // namespace

Operand Number(uint64_t value) { return {fmt::format("{}", value), value}; }
Operand Text(std::string_view text) { return {"s" + std::string(text), kAnAddress}; }
Operand Bytes(std::string_view bytes) {
  std::string word = "x";
  for (const char c : bytes) word += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return {word, kAnAddress};
}
Operand Page() { return {"b", kAnAddress}; }
Operand Vector() { return {"v", kAnAddress}; }
Operand Arguments() { return {"a", kAnAddress}; }
Operand ResultOf(int call) { return {fmt::format("r{}", call), 3}; }
Operand PeerProcess() { return {"p", 1000}; }

Object File(std::string path, uint64_t kind, bool owner) { return {{{"kind", kind}}, {{"path", std::move(path)}}, owner}; }

Call CallOf(std::string_view name, std::vector<Operand> operands) {
  Call call;
  call.number = SyscallOf(name).number;
  call.event.audit_arch = kernel::AuditArch(kernel::Arch::kX86_64);
  call.event.number = call.number;
  for (size_t i = 0; i < operands.size(); ++i) call.event.args[i] = operands[i].value;
  call.operands = std::move(operands);
  return call;
}

Call CallOf(std::string_view name, std::vector<Operand> operands, const Object& object) {
  Call call = CallOf(name, std::move(operands));
  const kernel::Syscall& syscall = SyscallOf(name);
  for (const ir::ConditionalRow& row : ir::RowsOf(kernel::Arch::kX86_64, syscall)) {
    if (row.row->mode != kernel::RowMode::kNeeds || !row.when.Holds(call.event.args)) continue;
    ir::ObjectCheck check;
    check.facet = row.facet;
    check.operation = row.operation;
    for (const kernel::Binding& binding : row.row->bindings) check.integers[binding.attribute] = ReadParam(syscall, binding.param, call.event.args) & binding.mask;
    Describe(check, object);
    call.event.objects.push_back(std::move(check));
  }
  return call;
}

Call BareCall(uint32_t number, const ir::Args& args) {
  Call call;
  call.number = number;
  call.event.audit_arch = kernel::AuditArch(kernel::Arch::kX86_64);
  call.event.number = number;
  call.event.args = args;
  for (const uint64_t value : args) call.operands.push_back(Number(value));
  return call;
}

Call CallOf32Bits(std::string_view name) {
  const kernel::Syscall* found = kernel::FindSyscall(kernel::Arch::kI386, name);
  RAVELIN_CHECK(found != nullptr, "an attempt's call is in the tables");
  Call call;
  call.number = found->number;
  call.event.audit_arch = kernel::AuditArch(kernel::Arch::kI386);
  call.event.number = call.number;
  call.of_32_bits = true;
  return call;
}

Call MayFail(Call call) {
  call.may_fail = true;
  return call;
}

ir::ObjectCheck Ask(std::string_view facet, std::string_view operation, const Object& object) {
  ir::ObjectCheck check;
  check.facet = ir::FacetOf(facet);
  check.operation = OperationOf(check.facet, operation);
  Describe(check, object);
  return check;
}

Call Also(Call call, std::vector<ir::ObjectCheck> checks) {
  call.event.objects.insert(call.event.objects.end(), checks.begin(), checks.end());
  return call;
}

Call AlsoBy(const std::string& mechanism, Call call, std::vector<ir::ObjectCheck> checks) {
  std::vector<ir::ObjectCheck>& asked = call.asked_by[mechanism];
  asked.insert(asked.end(), checks.begin(), checks.end());
  return call;
}

Call AlsoOneOf(Call call, std::vector<ir::ObjectCheck> checks) {
  call.one_of.push_back(std::move(checks));
  return call;
}

bool Asks(const std::vector<Call>& calls, std::string_view facet, std::string_view operation) {
  const ir::FacetId id = ir::FacetOf(facet);
  const int index = OperationOf(id, operation);
  return std::any_of(calls.begin(), calls.end(), [&](const Call& call) {
    return std::any_of(call.event.objects.begin(), call.event.objects.end(), [&](const ir::ObjectCheck& check) { return check.facet == id && check.operation == index; });
  });
}

std::vector<std::string> WordsOf(const std::vector<Call>& calls) {
  std::vector<std::string> words;
  for (const Call& call : calls) {
    if (!words.empty()) words.emplace_back(";");
    if (call.of_32_bits) words.emplace_back("i80");
    words.push_back(fmt::format("{}{}", call.may_fail ? "?" : "", call.number));
    for (const Operand& operand : call.operands) words.push_back(operand.word);
  }
  return words;
}

}  // namespace ravelin::probe
