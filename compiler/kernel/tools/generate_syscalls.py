#!/usr/bin/env python3
"""Writes compiler/kernel/tables/syscalls.tsv: number, arrival and source of every call on every architecture.

usage: generate_syscalls.py --numbers syscalls.csv --man syscalls.2.gz --hand arrivals_by_hand.tsv
                            [--linux-6.1 DIR] --out syscalls.tsv

  --numbers    libseccomp's src/syscalls.csv (numbers only; its ppc64 column serves ppc64le)
  --man        syscalls(2) of man-pages 6.03 (Debian manpages-dev)
  --hand       arrivals which the manual page lacks or has wrong
  --linux-6.1  unpacked linux-source-6.1: every number is compared with that release's own tables, and a call must be in
               them exactly when its arrival is <= 6.1 (slots and removed calls may be absent)

A cell without an established arrival ends the run with an error: nothing is ever assumed old.
"""
import argparse
import gzip
import re
import subprocess
import sys

ARCHES = {  # column of ours -> column of libseccomp
    "x86_64": "x86_64", "x32": "x32", "i386": "x86", "aarch64": "aarch64",
    "arm": "arm", "riscv64": "riscv64", "ppc64le": "ppc64", "s390x": "s390x"}
X32_BIT = 0x40000000
ARM_PRIVATE = 0x0f0000


def order(version):
    return tuple(int(part) for part in version.split("."))


def read_numbers(path):
    rows = [line.rstrip("\n").split(",") for line in open(path)]
    head = rows[0]
    version = re.search(r"\((v\S+)", head[0]).group(1)
    at = {arch: head.index(column) for arch, column in ARCHES.items()}
    table = {}
    for row in rows[1:]:
        cells = {a: row[i] for a, i in at.items() if row[i].isdigit()}
        if cells:
            table[row[0]] = {a: int(n) | (X32_BIT if a == "x32" else 0) for a, n in cells.items()}
    return version, table


def read_man(path):
    found = {}
    for line in gzip.open(path, "rt", errors="replace"):
        match = re.match(r"^\\fB(\w+)\\fP\(2\)\t([\d.]+(?:; [\d.]+)?)", line)
        if match:
            found[match.group(1)] = min(match.group(2).split("; "), key=order)
    return found


def read_hand(path):
    found = {}
    for line in open(path):
        if line.startswith("#") or not line.strip():
            continue
        cells = line.rstrip("\n").split("\t")
        if cells[0] in found:
            sys.exit(f"{path}: {cells[0]} is listed twice")
        found[cells[0]] = (cells[1], cells[2])
    return found


def arrival(name, arch, man, hand):
    """(release, source key) of a call on an architecture, or None."""
    if f"{name}@{arch}" in hand:
        return hand[f"{name}@{arch}"]
    call = hand.get(name) or ((man[name], "man") if name in man else None)
    base = hand[f"arch:{arch}"]
    if call is None:
        return None
    if order(call[0]) >= order(base[0]):
        return call
    return base[0], "slot" if call[1] == "slot" else "arch"


def tables_of_61(root):
    """arch -> {name: number} of the release's own tables."""
    def tbl(path, abis, bit=0):
        out = {}
        for line in open(f"{root}/{path}"):
            cells = line.split()
            if cells and cells[0].isdigit() and cells[1] in abis:
                out.setdefault(cells[2], int(cells[0]) | bit)
        return out

    def generic(arch):
        text = subprocess.run(
            ["gcc", "-E", "-dM", "-nostdinc", f"-I{root}/arch/{arch}/include/uapi", f"-I{root}/include/uapi",
             f"-I{root}/include/uapi/asm-generic", "-x", "c", f"{root}/arch/{arch}/include/uapi/asm/unistd.h"],
            capture_output=True, text=True).stdout
        raw = dict(re.findall(r"#define (__NR\w*?_\w+) (.+)", text))
        out = {}
        for key, value in raw.items():
            for _ in range(4):
                value = re.sub(r"__NR\w*?_\w+", lambda m: raw.get(m.group(0), "-1"), value)
            name = key.removeprefix("__NR_")
            if not key.startswith("__NR3264_") and name not in ("syscalls", "arch_specific_syscall") \
                    and re.fullmatch(r"[\d()+ ]+", value):
                out[name] = eval(value)  # digits, plus and brackets only
        return out

    syscalls = "arch/x86/entry/syscalls/syscall_"
    return {
        "x86_64": tbl(syscalls + "64.tbl", {"common", "64"}), "x32": tbl(syscalls + "64.tbl", {"common", "x32"}, X32_BIT),
        "i386": tbl(syscalls + "32.tbl", {"i386"}), "arm": tbl("arch/arm/tools/syscall.tbl", {"common", "eabi"}),
        "ppc64le": tbl("arch/powerpc/kernel/syscalls/syscall.tbl", {"common", "64", "nospu"}),
        "s390x": tbl("arch/s390/kernel/syscalls/syscall.tbl", {"common", "64"}),
        "aarch64": generic("arm64"), "riscv64": generic("riscv")}


def cross_check(root, table, since):
    wrong = []
    for arch, theirs in tables_of_61(root).items():
        if len(theirs) < 250:
            wrong.append(f"{arch}: only {len(theirs)} calls read from {root}")
        for name in sorted(set(theirs) - set(n for n in table if arch in table[n])):
            wrong.append(f"{arch}: {name} = {theirs[name]} is in 6.1 but not in the numbers")
        for name, cells in table.items():
            if arch not in cells:
                continue
            release, source = since[name, arch]
            old = order(release)[:2] <= (6, 1)
            if name in theirs:
                if theirs[name] != cells[arch]:
                    wrong.append(f"{arch}: {name} is {cells[arch]}, 6.1 says {theirs[name]}")
                if not old:
                    wrong.append(f"{arch}: {name} is in 6.1, not new in {release}")
            elif old and source != "slot" and cells[arch] < ARM_PRIVATE:
                wrong.append(f"{arch}: {name} ({release}) is not in 6.1")
    return wrong


HEAD = """\
# System calls: name, then a cell for each architecture: `-` (absent) or number/since/source.
# Written by compiler/kernel/tools/generate_syscalls.py; do not edit.
# Numbers: libseccomp {version} src/syscalls.csv (ppc64 serves ppc64le); x32 numbers include bit 30 (0x40000000).
# since: first release in which that architecture has the call.  Sources:
#   man   syscalls(2) of man-pages 6.03            call  the call's own manual page or its introducing commit
#   tbl   the kernel's own tables of that release  slot  a reserved number that was never implemented
#   arch  the call is older than the architecture; the release is the architecture's own arrival
# Numbers and presence were compared with the tables of linux-source-6.1.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--numbers", "--man", "--hand", "--out"):
        parser.add_argument(option, required=True)
    parser.add_argument("--linux-6.1", dest="linux")
    args = parser.parse_args()
    version, table = read_numbers(args.numbers)
    man, hand = read_man(args.man), read_hand(args.hand)
    since = {(n, a): arrival(n, a, man, hand) for n in table for a in table[n]}
    missing = sorted({n for (n, a), found in since.items() if found is None})
    if missing:
        sys.exit("no arrival is established for: " + " ".join(missing))
    used = {n for n in table} | {f"{n}@{a}" for n, a in since} | {f"arch:{a}" for a in ARCHES}
    if set(hand) - used:
        sys.exit("by-hand rows for no call: " + " ".join(sorted(set(hand) - used)))
    if args.linux:
        wrong = cross_check(args.linux, table, since)
        for line in wrong:
            print(line, file=sys.stderr)
        if wrong:
            sys.exit(1)
    with open(args.out, "w") as out:
        out.write(HEAD.format(version=version))
        out.write("name\t" + "\t".join(ARCHES) + "\n")
        for name in sorted(table):
            cells = [f"{table[name][a]}/{'/'.join(since[name, a])}" if a in table[name] else "-" for a in ARCHES]
            out.write(name + "\t" + "\t".join(cells) + "\n")


if __name__ == "__main__":
    main()
