// Compiled AppArmor profiles cell by cell: mutants, and a judge of whether the kernel could tell one from another.  Reads the tables by
// itself: it shares nothing with backends/apparmor/read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ravelin::testing {

// One cell of one table of one automaton of a compiled file.
struct Cell {
  enum class Of { kAttachment,
                  kPolicy,
                  kFiles } of = Of::kFiles;
  size_t profile = 0;    // in the order of the file
  size_t automaton = 0;  // offset of its tables
  uint32_t table = 0;    // YYTD_ID_*: 1 accept, 2 base, 3 check, 4 default, 5 classes, 7 accept2, 8 next
  size_t at = 0;         // offset of the cell
  size_t width = 0;
  bool IsAccept() const { return table == 1 || table == 7; }
};

// `kinds`: which automata each profile has, in the order of the file.
std::vector<Cell> CellsOf(const std::vector<uint8_t>& file, const std::vector<std::vector<Cell::Of>>& kinds);
uint32_t ValueOf(const std::vector<uint8_t>& file, const Cell& cell);
void SetValue(std::vector<uint8_t>& file, const Cell& cell, uint32_t value);

// Whether a kernel 6.1 answers alike by the automaton of the cell in either file, whatever it is asked.
bool AnswersAlike(const std::vector<uint8_t>& one, const std::vector<uint8_t>& other, const Cell& cell);

}  // namespace ravelin::testing
