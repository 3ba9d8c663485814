#!/usr/bin/env python3
"""Writes compiler/kernel/tables/signatures.tsv: parameters of every call, as each architecture's kernel reads them.

usage: generate_signatures.py --linux-6.1 DIR --syscalls syscalls.tsv --hand signatures_by_hand.tsv --out signatures.tsv

Types and names come from the SYSCALL_DEFINE of the entry point which each architecture's own 6.1 table names.  64-bit
values passed by value are split into register halves on i386 and arm (arm: at an even register, so that a pad may stand
before them).  The by-hand table renames parameters (cells without a type) or gives whole signatures (cells with one).
"""
import argparse
import collections
import glob
import os
import re
import sys


ARCH_DIRS = {"x86_64": "x86", "x32": "x86", "i386": "x86", "aarch64": "arm64", "arm": "arm", "riscv64": "riscv",
             "ppc64le": "powerpc", "s390x": "s390"}
NARROW = {"i386", "arm"}
TYPES = {}
for type_, names in {
        "i32": "int pid_t key_t clockid_t mqd_t timer_t key_serial_t rwf_t s32 __s32 compat_int_t const_clockid_t",
        "u32": "unsigned_int uint unsigned u32 __u32 uid_t gid_t qid_t enum_landlock_rule_type",
        "u16": "umode_t old_uid_t old_gid_t", "long": "long off_t __kernel_old_time_t signed_long",
        "ulong": "unsigned_long aio_context_t old_sigset_t uintptr_t", "size": "size_t", "i64": "loff_t",
        "u64": "u64 __u64"}.items():
    TYPES.update(dict.fromkeys(names.split(), type_))


def type_of(text):
    if "*" in text or text.strip() in ("cap_user_header_t", "cap_user_data_t", "__sighandler_t", "const cap_user_data_t"):
        return "ptr"
    words = [w for w in re.sub(r"\b(const|__user|volatile)\b", " ", text).split()]
    return TYPES["_".join(words)]


def definitions(root):
    """entry point -> [(file, [(name, type)])]; SYSCALL32_DEFINE under the key name/32."""
    found = collections.defaultdict(list)
    files = [f for top in ("fs", "kernel", "mm", "net", "ipc", "security", "io_uring", "block", "drivers", "arch")
             for f in glob.glob(f"{root}/{top}/**/*.c", recursive=True)]
    for path in files:
        text = open(path, errors="replace").read()
        if "SYSCALL" not in text:
            continue
        text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
        for match in re.finditer(r"^(?:asmlinkage\s+)?(SYSCALL|SYSCALL32)_DEFINE([0-6])\(([^;{]*?)\)\s*\n?\s*\{",
                                 text, re.M | re.S):
            arguments = re.sub(r"\bSC_ARG64\((\w+)\)", r"u64, \1", match.group(3))
            cells = [" ".join(c.split()) for c in arguments.split(",")]
            params = [(cells[i + 1].lstrip("_"), type_of(cells[i])) for i in range(1, len(cells) - 1, 2)]
            key = cells[0] + ("/32" if match.group(1) == "SYSCALL32" else "")
            found[key].append((os.path.relpath(path, root), params))
    return found


def entries(root):
    """arch -> {call: entry point without sys_}."""
    def tbl(path, abis):
        out = {}
        for line in open(f"{root}/{path}"):
            cells = line.split()
            if len(cells) > 3 and cells[0].isdigit() and cells[1] in abis:
                out.setdefault(cells[2], re.sub(r"^(sys_|__x64_sys_|compat_sys_)", "", cells[3]))
        return out

    generic = {}
    text = open(f"{root}/include/uapi/asm-generic/unistd.h").read()
    for line in re.findall(r"^__(?:SYSCALL|SC_COMP|SC_3264|SC_COMP_3264)\(.*?\)", text.replace("\\\n", " "), re.M):
        cells = [c.strip() for c in line[line.index("(") + 1:-1].split(",")]
        name = re.sub(r"^__NR(3264)?_", "", cells[0])
        # __SC_3264(nr, 32-bit entry, 64-bit entry)
        entry = cells[2] if "3264" in line.split("(")[0] else cells[1]
        generic[{"fstatat": "newfstatat"}.get(name, name)] = entry.removeprefix("sys_")
    x86 = "arch/x86/entry/syscalls/syscall_"
    out = {"x86_64": tbl(x86 + "64.tbl", {"common", "64"}), "i386": tbl(x86 + "32.tbl", {"i386"}),
           "arm": tbl("arch/arm/tools/syscall.tbl", {"common", "eabi"}),
           "ppc64le": tbl("arch/powerpc/kernel/syscalls/syscall.tbl", {"common", "64", "nospu"}),
           "s390x": tbl("arch/s390/kernel/syscalls/syscall.tbl", {"common", "64"}),
           "aarch64": dict(generic, personality="arm64_personality"),
           "riscv64": dict(generic, riscv_flush_icache="riscv_flush_icache")}
    out["x32"] = dict(out["x86_64"])  # the wide entry points: registers are 64 bits wide there
    return out


def pick(entry, arch, found):
    """The definition of an entry point that architecture compiles."""
    keys = [entry + "/32", entry] if arch in NARROW else [entry]
    for key in keys:
        choices = found.get(key, [])
        own = [c for c in choices if c[0].startswith(f"arch/{ARCH_DIRS[arch]}/") and "/um/" not in c[0]]
        if own and arch == "x86_64" and len(own) > 1:
            own = [c for c in own if not re.search(r"_32\.c|ia32", c[0])] or own
        if own and arch == "i386" and len(own) > 1:
            own = [c for c in own if re.search(r"_32\.c|ia32", c[0])] or own
        shared = [c for c in choices if not c[0].startswith("arch/")]
        if own or shared:
            return (own or shared)[0]
    return None


def split_wide(params, arch):
    """64-bit values as two registers on 32-bit architectures."""
    if arch not in NARROW:
        return params
    out = []
    for name, type_ in params:
        if type_ in ("i64", "u64"):
            if arch == "arm" and len(out) % 2:
                out.append(("pad", "u32"))
            out += [(name + "_lo", "u32"), (name + "_hi", "u32")]
        else:
            out.append((name, type_))
    return out


def read_hand(path):
    whole, renames = {}, {}
    for line in open(path):
        if line.startswith("#") or not line.strip():
            continue
        cells = line.rstrip("\n").split("\t")
        if cells[-1].startswith("#"):
            whole[cells[0]] = ([tuple(p.split(":")) for p in cells[1:-1]], cells[-1].removeprefix("# "))
        else:
            renames[cells[0]] = cells[1:]
    return whole, renames


HEAD = """\
# Parameters: call or call@arch, then param:type in register order, last column the source.  An @arch row stands before
# the common one.  Written by compiler/kernel/tools/generate_signatures.py; do not edit.  A call without a row has no
# known signature.  Types: i32 u32 u16(umode_t and 16-bit ids) long ulong i64 u64 ptr size; long, ulong and size are as
# wide as the kernel's word.  Source: file of linux-source-6.1 with the SYSCALL_DEFINE, or as written.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--syscalls", "--hand", "--out"):
        parser.add_argument(option, required=True)
    parser.add_argument("--linux-6.1", dest="linux", required=True)
    args = parser.parse_args()
    found, entry_of = definitions(args.linux), entries(args.linux)
    whole, renames = read_hand(args.hand)
    rows, unknown, used = [], [], set()
    table = [l.rstrip("\n").split("\t") for l in open(args.syscalls) if not l.startswith("#")]
    arches = table[0][1:]
    for row in table[1:]:
        name, per_arch = row[0], {}
        for arch, cell in zip(arches, row[1:]):
            if cell == "-":
                continue
            for key in (f"{name}@{arch}", name):
                if key in whole:
                    per_arch[arch] = (tuple(whole[key][0]), whole[key][1])
                    used.add(key)
                    break
            else:
                entry = entry_of[arch].get(name, name)
                choice = None if entry == "ni_syscall" else pick(entry, arch, found)
                if choice is None:
                    if not cell.endswith("/slot"):
                        unknown.append(f"{name}@{arch}({entry})")
                    continue
                params = choice[1]
                new = renames.get(f"{name}@{arch}") or renames.get(name)
                if new:
                    used.add(f"{name}@{arch}" if f"{name}@{arch}" in renames else name)
                    if len(new) == len(params):
                        params = [(n, t) for n, (_, t) in zip(new, params)]
                    elif len(params) != 1:
                        sys.exit(f"{name}@{arch}: renamed to {new}, but the kernel has {params} ({choice[0]})")
                per_arch[arch] = (tuple(split_wide(params, arch)), choice[0])
        if not per_arch:
            continue
        common = collections.Counter(v[0] for v in per_arch.values()).most_common()
        best = max(n for _, n in common)
        usual = next(v for v in per_arch.values() if dict(common)[v[0]] == best)
        for arch in arches:
            if arch in per_arch and per_arch[arch][0] != usual[0]:
                rows.append((f"{name}@{arch}", *per_arch[arch]))
        rows.append((name, *usual))
        # an architecture without a known signature must not borrow the usual one
        for arch, cell in zip(arches, row[1:]):
            if cell != "-" and arch not in per_arch:
                rows.insert(len(rows) - 1, (f"{name}@{arch}", (("?", "?"),), "no entry point in 6.1"))
    stale = (set(whole) | set(renames)) - used
    if stale:
        sys.exit("by-hand rows for no call: " + " ".join(sorted(stale)))
    print("no signature:", " ".join(unknown), file=sys.stderr)
    with open(args.out, "w") as out:
        out.write(HEAD)
        for name, params, source in rows:
            cells = ["?" if n == "?" else f"{n}:{t}" for n, t in params]
            out.write("\t".join([name, *cells, "# " + source]) + "\n")


if __name__ == "__main__":
    main()
