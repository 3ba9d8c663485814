// Reading the embedded tables.  Internal to compiler/kernel.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ravelin::kernel {

// Rows of a table, comments and empty lines left out, cut at tabs.  The views live as long as the program.
std::vector<std::vector<std::string_view>> TableRows(std::string_view file);

// Decimal or 0x; a malformed number is a broken table and aborts.
uint64_t TableNumber(std::string_view text);

std::vector<std::string_view> SplitTable(std::string_view text, char separator);

}  // namespace ravelin::kernel
