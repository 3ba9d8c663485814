// Audit records as a kernel writes them, grouped by event.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ravelin::kernels {

// Types of records (linux/audit.h).
inline constexpr int kRecordSyscall = 1300;
inline constexpr int kRecordPath = 1302;
inline constexpr int kRecordCwd = 1307;
inline constexpr int kRecordSeccomp = 1326;
inline constexpr int kRecordAvc = 1400;  // AppArmor and SELinux

struct AuditRecord {
  int type = 0;
  std::map<std::string, std::string> fields;  // without quotes; names that the kernel wrote in hexadecimal are decoded
  std::vector<std::string> permissions;       // of SELinux: what stands in { }
  bool denied = false;                        // of SELinux: "denied", not "granted"
};

// All records with one serial: one system call of one process.
struct AuditEvent {
  double time = 0;  // seconds since 1970, the guest's clock
  uint64_t serial = 0;
  std::vector<AuditRecord> records;

  const AuditRecord* Find(int type) const;
};

std::string Field(const AuditRecord& record, const std::string& name);  // "" where there is none

// Lines "type=N audit(TIME:SERIAL): key=value ...".  Lines that are no records are counted in `malformed`.
struct AuditLog {
  std::vector<AuditEvent> events;  // by serial
  size_t malformed = 0;
};
AuditLog ParseAudit(std::string_view text);

}  // namespace ravelin::kernels
