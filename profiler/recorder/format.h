// What the recorder is told and what it writes: all that it shares with whoever runs it.
//
//   recorder [--by ptrace|notify|bpf] --table FILE --output FILE|- [--profile NAME] [--limit MS] [--folder DIR] [--hostname NAME] [--processes N]
//            (-- PROGRAM ARGUMENT... | --listener FD)
//
// --by notify: a seccomp filter asks about each call; --listener: that of a filter which is on somebody else's processes already.
// --folder is made first; --hostname is set; --processes come and go first, so that the numbers of those that follow are others.
// --output -: to standard output; the workload's own output then goes to standard error.  --profile: AppArmor's, for the exec.
//
// The table says what each call's arguments are: lines "NUMBER ROLES ARGUMENT FROM NULL".  A call is quiet where ARGUMENT is FROM or more (0:
// never) and argument NULL, unless it is -, is null: driver notify leaves it out there.  ROLES are six letters, one an argument:
//   -  nothing is kept of it      v  the value            p  a path             l  a path whose last link is not followed
//   d  folder of the next path    f  a descriptor         a  struct sockaddr, its length follows     k  a process
//   n  whether there is a pointer
//
// Written: a line for each, cells ended by tabs, texts escaped as %HH.  Equal calls of one program are one line.
//   ravelin-recorder 1
//   started TIME
//   call COUNT FIRST LAST PROGRAM CHAIN NUMBER A0 A1 A2 A3 A4 A5 ERRNO [CELL...]      A0..A5 hexadecimal, 0 where nothing is kept; ERRNO ? where nobody saw it
//     pN=GIVEN|RESOLVED   fN=WHAT (a path)   aN=BYTES   sN=FAMILY,TYPE,PROTOCOL (of the socket)   cN=1|0 (created, was there)
//     kN=self|outside     uN= (a string that could not be read)
//   cannot TEXT       nothing was recorded, and why
//   lost COUNT        calls that could not be kept
//   trouble TEXT      why this does not count as whole
//   end exit|signal|limit NUMBER TIME
// Without `end` the recording is cut.
#pragma once

namespace ravelin::recorder {

inline constexpr const char* kFirstLine = "ravelin-recorder 1";
inline constexpr int kCannotStart = 126;

}  // namespace ravelin::recorder
