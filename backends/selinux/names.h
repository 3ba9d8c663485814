// The names by which an artifact can be read: the convention between what is emitted and whoever reads it.
#pragma once

#include <string>

namespace ravelin::selinux {

// The type of a process in the domain, and of a program that starts it where the policy attaches none.
inline std::string DomainType(const std::string& domain) { return domain + "_t"; }
// In a container's policy: the type that the block of that name inherits.
inline std::string ContainerType(const std::string& domain) { return domain + ".process"; }
inline std::string EntryType(const std::string& domain) { return domain + "_exec_t"; }

// Attributes and types that a host policy has (reference policy), and that the standalone base has too.
inline constexpr const char* kDomains = "domain";
inline constexpr const char* kFiles = "file_type";
inline constexpr const char* kFilesystems = "filesystem_type";
inline constexpr const char* kPorts = "port_type";
inline constexpr const char* kNodes = "node_type";
inline constexpr const char* kKernel = "kernel_t";
inline constexpr const char* kLauncher = "init_t";
inline constexpr const char* kUnconfined = "unconfined_t";
inline constexpr const char* kMessageQueues = "tmpfs_t";
inline constexpr const char* kTerminals = "devpts_t";

inline constexpr const char* kUser = "system_u";
inline constexpr const char* kRole = "system_r";
inline constexpr const char* kObjectRole = "object_r";

// Protocols with types of ports, as portcon names them; the class of the socket ends in `_socket`.
inline constexpr const char* kProtocols[] = {"tcp", "udp", "dccp", "sctp"};

// Attributes that an artifact declares: what is left of the host's when its own types are taken out.
inline std::string RestFiles(const std::string& module) { return module + "_rest_files"; }
inline std::string RestDomains(const std::string& module) { return module + "_rest_domains"; }
inline std::string RestPorts(const std::string& module) { return module + "_rest_ports"; }

}  // namespace ravelin::selinux
