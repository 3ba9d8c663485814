// What rules cost (paths.h says how they are compared).
#pragma once

namespace ravelin::generalize {

// Bits.
inline constexpr double kRuleCost = 20;           // a path of its own
inline constexpr double kCharacterCost = 6;       // each of its characters
inline constexpr double kPatternCost = 40;        // a pattern in its place
inline constexpr double kNewNameCost = 150;       // a name that the next run will bring and that is not granted
inline constexpr double kFileBeyond = 12;         // a file of this system that is opened for reading and was not used
inline constexpr double kPublicBeyond = 0.25;     // one that a package brought
inline constexpr double kCodeBeyond = 1;          // the same, mapped to be executed
inline constexpr double kHorizon = 10;            // runs whose new names may pay for what is opened beyond
inline constexpr double kProgramBeyond = 2;       // a program of a package that may be started and was not
inline constexpr double kHelperBeyond = 1;        // one that is a part of a program, and no user starts
inline constexpr double kWritePatternCost = 200;  // names that do not exist yet are opened for writing
inline constexpr double kWrittenBeyond = 60;      // a file that is there, opened for writing

}  // namespace ravelin::generalize
