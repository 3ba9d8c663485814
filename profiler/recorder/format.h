// What the recorder is told and what it writes: all that it shares with whoever runs it.
//
//   recorder --table FILE --output FILE|- [--profile NAME] [--limit MS] [--folder DIR] [--hostname NAME] [--processes N] -- PROGRAM ARGUMENT...
//
// --folder is made first; --hostname is set; --processes come and go first, so that the numbers of those that follow are others.
// --output -: to standard output; the workload's own output then goes to standard error.  --profile: AppArmor's, for the exec.
//
// The table says what each call's arguments are: lines "NUMBER ROLES", six letters, one an argument:
//   -  nothing is kept of it      v  the value            p  a path             l  a path whose last link is not followed
//   d  folder of the next path    f  a descriptor         a  struct sockaddr, its length follows     k  a process
//   n  whether there is a pointer
//
// Written: a line for each, cells ended by tabs, texts escaped as %HH.  Equal calls of one program are one line.
//   ravelin-recorder 1
//   started TIME
//   call COUNT FIRST LAST PROGRAM CHAIN NUMBER A0 A1 A2 A3 A4 A5 ERRNO [CELL...]      A0..A5 hexadecimal, 0 where nothing is kept
//     pN=GIVEN|RESOLVED   fN=WHAT (a path)   aN=BYTES   sN=FAMILY,TYPE,PROTOCOL (of the socket)   cN=1|0 (created, was there)
//     kN=self|outside     uN= (a string that could not be read)
//   lost COUNT        calls that could not be kept
//   trouble TEXT      why this does not count as whole
//   end exit|signal|limit NUMBER TIME
// Without `end` the recording is cut.
#pragma once

namespace ravelin::recorder {

inline constexpr const char* kFirstLine = "ravelin-recorder 1";
inline constexpr int kCannotStart = 126;

}  // namespace ravelin::recorder
