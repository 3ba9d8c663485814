// What a job says to the guest, and what the guest leaves behind: the only thing that both sides share.
//
// The job folder holds `job`, the files that it names, and `out`, which the guest writes.  `job` is a list of records, each a key and
// a value, both ended by a NUL.  Keys in the order in which they may come:
//
//   root PATH              of the host, the lower layer of the guest's root
//   layer PATH             of the host, above the root and those that came later, below what the guest changes
//   module PATH            kernel module, loaded in this order; one that is missing is skipped and told
//   policy FILE            SELinux policy, binary                         (FILE: in the job folder)
//   launcher CONTEXT       what the guest's init and its unconfined steps run as
//   enforcing 0|1
//   default CONTEXT        label of what is seen of the host and not labelled below; without it, the policy's
//   labels FILE            path, context and where the host has it: for each layer in their order and then the root `1` or `0`; each ended by a
//                          NUL, again and again
//   region PATH, itself CONTEXT, below CONTEXT   a folder that is mounted by itself, with one label for all in it; "": the default
//   profiles FILE          AppArmor profiles, binary
//   unload NAME            of the profiles, from a kernel that stays when the job is done
//   filter FILE            seccomp program, struct sock_filter, for steps that ask for it
//   tmpfs PATH             an empty folder, mode 1777
//   input PATH, at PATH    of the host, read-only, and where in the guest
//   folder PATH            made in the guest, mode 0755
//   file FILE, to PATH, mode OCTAL   put into the guest
//   backlog N              audit records that the kernel may hold back; 0: no limit
//   audit-waits 0|1        1: the kernel waits for the reader instead of losing a record
//   limit MS               for all steps together
//   step KIND              begins a step: run, start, stop, port, path, relabel; what follows belongs to it
//     program PATH         run, start: what is executed (argv[0] is the first argument)
//     argument TEXT ...
//     environment TEXT ...
//     directory PATH
//     stdin FILE           in the job folder; none: end of file at once
//     user UID, group GID  run, start: as them, with no_new_privs; none: root
//     context CONTEXT      SELinux, for the exec
//     profile NAME         AppArmor, for the exec
//     filtered 1           under the filter
//     at-most MS           run: it is killed after so long, and the job goes on
//     process-of N         the process id of step N, which was started, is one argument more
//     target N             stop: the step that is stopped, counted from 0
//     signal N             stop: by this signal
//     port N               until somebody listens on 127.0.0.1
//     path PATH            until it exists; relabel: all below it gets the context
//
// Left in `out`: N.stdout and N.stderr of step N where it said something, `audit` (records as they came, "type=N text"), `features` (what AppArmor says of itself),
// `dmesg`, and last `status`: lines `key value`, ended by the line `end`.  A `status` without `end` is no status.
#pragma once

namespace ravelin::guest {

inline constexpr int kFormat = 1;
inline constexpr const char* kOnThisKernel = "--on-this-kernel";  // argument of the init, with the job folder behind it: no guest, but name spaces
inline constexpr const char* kJobArgument = "ravelin.job";  // of the kernel's command line: the job folder
inline constexpr const char* kMachineArgument = "ravelin.machine";  // of the kernel's command line, "1": a virtual machine, which sees the host by 9p
// Tags of what it sees: the host's tree and the job folder, both read-only, and the job folder's `out`.
inline constexpr const char* kHostShare = "host";
inline constexpr const char* kJobShare = "job";
inline constexpr const char* kOutShare = "out";
// Steps' exit codes where the step itself could not be done.
inline constexpr int kCannotStart = 126;

}  // namespace ravelin::guest
