#!/usr/bin/env python3
"""Writes constants.tsv, errno.tsv and capabilities.tsv from the uapi headers of linux-source-6.1.

usage: generate_constants.py --linux-6.1 DIR --hand constants_by_hand.tsv --out DIR

For every architecture an umbrella of headers is compiled to assembly and the value of each macro and enumerator of a
family we know is read from it, so ioctl numbers carry the right structure sizes.  32-bit layouts come from gcc -m32
(arm: -malign-double gives its 8-byte alignment); architecture macros are set by hand, so no cross compiler is needed.
"""
import argparse
import collections
import os
import re
import subprocess
import tempfile

ARCHES = {  # name: (source directory, gcc flags)
    "x86_64": ("x86", ["-m64"]),
    "x32": ("x86", ["-m64", "-D__ILP32__"]),
    "i386": ("x86", ["-m32"]),
    "aarch64": ("arm64", ["-m64", "-U__x86_64__", "-D__aarch64__"]),
    "arm": ("arm", ["-m32", "-malign-double", "-U__i386__", "-D__arm__", "-D__ARM_EABI__"]),
    "riscv64": ("riscv", ["-m64", "-U__x86_64__", "-D__riscv", "-D__riscv_xlen=64"]),
    "ppc64le": ("powerpc", ["-m64", "-U__x86_64__", "-D__powerpc__", "-D__powerpc64__", "-D__LITTLE_ENDIAN__",
                            "-D_CALL_ELF=2"]),
    "s390x": ("s390", ["-m64", "-U__x86_64__", "-D__s390__", "-D__s390x__"])}
HEADERS = """linux/types asm/fcntl linux/fcntl linux/stat asm/mman linux/mman asm/signal asm/socket asm/sockios
 linux/sockios asm/ioctls asm/termbits asm/resource linux/resource linux/errno linux/net linux/in linux/netlink linux/sched
 linux/prctl linux/personality linux/seccomp linux/keyctl linux/bpf asm/ptrace linux/ptrace linux/mount linux/futex
 linux/reboot linux/time linux/memfd linux/ipc linux/msg linux/sem linux/shm linux/eventpoll linux/random linux/fs
 linux/io_uring linux/perf_event linux/landlock linux/openat2 linux/userfaultfd linux/membarrier linux/kcmp linux/quota
 linux/xattr linux/inotify linux/fanotify linux/capability linux/if_tun linux/kvm linux/loop linux/vt linux/kd
 linux/fuse linux/btrfs linux/blkpg linux/fscrypt linux/fsverity linux/tty linux/vhost linux/uinput linux/input
 linux/pidfd linux/rtc linux/watchdog linux/hdreg linux/cdrom linux/nbd linux/dm-ioctl linux/sed-opal linux/dma-buf
 linux/userio linux/vfio linux/ppp-ioctl linux/if_ppp linux/if_bonding linux/nsfs linux/msdos_fs linux/fiemap linux/autofs_fs
 linux/raw linux/raid/md_u linux/serial linux/usbdevice_fs linux/hidraw linux/i2c-dev linux/gpio linux/udmabuf""".split()
X86_ONLY = ["asm/prctl"]
FAMILIES = [  # first match wins
    ("AF", r"AF_\w+"), ("NETLINK", r"NETLINK_[A-Z0-9_]+"), ("SOL", r"SOL_\w+"), ("MSG", r"MSG_[A-Z]+\w*"),
    ("IPPROTO", r"IPPROTO_\w+"), ("CLONE", r"CLONE_\w+"), ("CLONE_ARGS", r"CSIGNAL"), ("O", r"(__)?O_[A-Z]\w*"),
    ("PROT", r"PROT_\w+"), ("MAP", r"MAP_[A-Z]\w*"), ("PR", r"PR_\w+"),
    ("PER", r"PER_\w+|ADDR_NO_RANDOMIZE|ADDR_LIMIT_\w+|READ_IMPLIES_EXEC|MMAP_PAGE_ZERO|ADDR_COMPAT_LAYOUT|WHOLE_SECONDS|"
            r"SHORT_INODE|STICKY_TIMEOUTS|UNAME26|FDPIC_FUNCPTRS"),
    ("SECCOMP", r"SECCOMP_(SET|GET|MODE|FILTER|RET|ADDFD|USER)\w+"), ("MADV", r"MADV_\w+"), ("KEYCTL", r"KEYCTL_\w+"),
    ("PTRACE", r"PTRACE_\w+"), ("SIG", r"SIG(?!EV_|INFO|STKSZ|_)[A-Z0-9]+"), ("MS_SYNC", r"MS_(ASYNC|INVALIDATE)"),
    ("MS", r"MS_[A-Z]\w*"), ("FUTEX", r"FUTEX_\w+"), ("ioctl", r"SIOC[A-Z0-9]\w*"), ("SO", r"SO_\w+"), ("RLIMIT", r"RLIMIT_\w+"),
    ("SYS", r"SYS_[A-Z0-9]+"), ("IPCCALL", r"SEMOP|SEMGET|SEMCTL|SEMTIMEDOP|MSGSND|MSGRCV|MSGGET|MSGCTL|SHMAT|SHMDT|SHMGET|SHMCTL"),
    ("LINUX_REBOOT", r"LINUX_REBOOT_\w+"), ("ARCH", r"ARCH_[A-Z]\w+"), ("CLOCK", r"CLOCK_[A-Z]\w+"), ("MFD", r"MFD_\w+"),
    ("S", r"S_I[A-Z]+"), ("SEEK", r"SEEK_\w+"), ("LOCK", r"LOCK_\w+"), ("F", r"F_[A-Z]\w+"), ("FD", r"FD_CLOEXEC"),
    ("IPC", r"IPC_[A-Z0-9]+|(SHM|SEM|MSG)_(STAT|INFO|STAT_ANY)|SHM_LOCK|SHM_UNLOCK|GETVAL|SETVAL|GETALL|SETALL|GETPID|GETNCNT|GETZCNT"),
    ("SHM", r"SHM_(RDONLY|RND|REMAP|EXEC|HUGETLB|NORESERVE|R|W)"), ("AT", r"AT_\w+"), ("RESOLVE", r"RESOLVE_\w+"),
    ("GRND", r"GRND_\w+"), ("EPOLL", r"EPOLL[A-Z_]+"), ("SCHED", r"SCHED_[A-Z]\w+"), ("RENAME", r"RENAME_\w+"),
    ("IORING", r"IORING_\w+"), ("PERF", r"PERF_FLAG_\w+"), ("LANDLOCK", r"LANDLOCK_\w+"), ("MREMAP", r"MREMAP_\w+"),
    ("MCL", r"MCL_\w+"), ("RWF", r"RWF_\w+"), ("UFFD", r"UFFD_USER_MODE_ONLY"), ("PIDFD", r"PIDFD_\w+"),
    ("MEMBARRIER", r"MEMBARRIER_\w+"), ("KCMP", r"KCMP_\w+"), ("Q", r"Q_[A-Z]+|QCMD"), ("XATTR", r"XATTR_(CREATE|REPLACE)"),
    ("IN", r"IN_[A-Z]\w+"), ("FAN", r"FAN_\w+"), ("STATX", r"STATX_\w+"), ("BPF", r"BPF_[A-Z]\w+"),
    ("MOUNT", r"(MOUNT|FSOPEN|FSMOUNT|FSPICK|OPEN_TREE|MOVE_MOUNT)_\w+|FSCONFIG_\w+")]
BPF_COMMANDS = r"BPF_(MAP|PROG|OBJ|BTF|LINK|TASK|RAW|ENABLE|ITER)_(CREATE|(LOOKUP|UPDATE|DELETE)_(ELEM|BATCH)|GET_\w+|LOAD|PIN|GET|" \
    r"ATTACH|DETACH|TEST_RUN|RUN|FD_QUERY|QUERY|TRACEPOINT_OPEN|FREEZE|LOOKUP_AND_DELETE_(ELEM|BATCH)|UPDATE|STATS|BIND_MAP|" \
    r"INFO_BY_FD)|BPF_OBJ_GET_INFO_BY_FD|BPF_PROG_BIND_MAP"
# Where several names of a family have one value, that of the family's own parameter (param_families.tsv) is written first, and
# so names the value in messages: here the names of the parameter itself.
PRIMARY = {
    "PR": r"PR_(SET|GET)_(?!MM_|VMA_|PTRACER_ANY)\w+|PR_CAPBSET_\w+|PR_TASK_PERF_\w+|PR_MCE_KILL(_GET)?|PR_MPX_\w+|PR_CAP_AMBIENT|"
          r"PR_S[VM]E_[SG]ET_VL|PR_PAC_(RESET|[SG]ET_ENABLED)_KEYS|PR_SCHED_CORE",
    "F": r"F_(?!OWNER_|SEAL_|EXLCK|SHLCK|RDLCK|WRLCK|UNLCK|LINUX_)\w+", "KEYCTL": r"KEYCTL_(?!CAPS\d|SUPPORTS_|MOVE_|WATCH_)\w+|KEYCTL_WATCH_KEY",
    "FUTEX": r"FUTEX_(?!OP_|32|PRIVATE_FLAG|CLOCK_|CMD_|WAITERS|OWNER|TID_|BITSET_)\w+", "SECCOMP": r"SECCOMP_(SET_MODE|GET)_\w+",
    "PTRACE": r"PTRACE_(?!EVENT|O_|SYSCALL_INFO_|PEEKSIGINFO_)\w+", "EPOLL": r"EPOLL_\w+", "IPC": r"(?!IPC_OLD|IPC_64|IPC_PRIVATE)\w+",
    "MEMBARRIER": r"MEMBARRIER_(?!CMD_FLAG)\w+", "SCHED": r"SCHED_(?!FLAG)\w+", "AF": r"(?!AF_LOCAL|AF_ROUTE)\w+", "O": r"(?!O_NDELAY)\w+",
    "MSG": r"MSG_(?!COPY|NOERROR|EXCEPT|STAT|INFO)\w+"}
SKIP = r".*_H_?$|_\w*|IN_CLASS\w*|\w+_MAX$|IN_LOOPBACK\w*|IN_(MULTICAST|EXPERIMENTAL|BADCLASS)\w*|__\w+__|NETLINK_(ADD|DROP|PKT|BROAD|" \
    r"NO_|RX_|TX_|LISTEN|CAP|EXT|GET|UN|CON)\w*|O_NDELAY_|PTRACE_(O|EVENT)_MASK"


def is_secondary(family, name):
    return family in PRIMARY and not re.fullmatch(PRIMARY[family], name)


def family_of(name, text, plain_ioctls):
    if re.fullmatch(SKIP, name):
        return None
    if re.search(r"\b_IO[RWC]*(_BAD)?\(", text) or name in plain_ioctls:
        return "ioctl"
    for family, pattern in FAMILIES:
        if re.fullmatch(pattern, name):
            return family if family != "BPF" or re.fullmatch(BPF_COMMANDS, name) else None
    return None


class Headers:
    """The uapi headers of one architecture, made includable."""

    def __init__(self, root, arch, work):
        source, flags = ARCHES[arch]
        stub = f"{work}/{arch}"
        os.makedirs(stub + "/asm", exist_ok=True)
        os.makedirs(stub + "/linux", exist_ok=True)
        own = f"{root}/arch/{source}/include/uapi/asm"
        for name in os.listdir(f"{root}/include/uapi/asm-generic"):
            if not os.path.exists(f"{own}/{name}"):
                open(f"{stub}/asm/{name}", "w").write(f"#include <asm-generic/{name}>\n")
        for name in ("compiler", "compiler_types", "version"):
            open(f"{stub}/linux/{name}.h", "w").write("")
        builtin = subprocess.check_output(["gcc", "-print-file-name=include"], text=True).strip()
        self.base = ["gcc", *flags, "-nostdinc", "-ffreestanding", "-w", "-D__user=", "-D__attribute_const__=", "-D__force=", "-D__iomem=",
                     "-D__EXPORTED_HEADERS__", f"-I{stub}", f"-I{root}/arch/{source}/include/uapi", f"-I{root}/include/uapi",
                     "-isystem", builtin, "-x", "c"]
        wanted = HEADERS + (X86_ONLY if source == "x86" else [])
        self.text = "#include <stddef.h>\n" + "".join(f"#include <{h}.h>\n" for h in wanted if self.usable(h))

    def run(self, code, *flags):
        return subprocess.run([*self.base, *flags, "-"], input=code, capture_output=True, text=True)

    def usable(self, header):
        return self.run(f"#include <linux/types.h>\n#include <{header}.h>\n", "-E", "-o", "/dev/null").returncode == 0

    def compile(self, code):
        return self.run(code, "-S", "-O0", "-fmax-errors=0", "-o", "-")

    def settle(self):
        """Drops headers that do not compile together."""
        while True:
            errors = self.compile(self.text + "int ravelin;\n").stderr
            match = re.search(r"<stdin>:(\d+)", errors)
            if "error" not in errors or not match:
                return
            lines = self.text.split("\n")
            del lines[int(match.group(1)) - 1]
            self.text = "\n".join(lines)

    def names(self, plain_ioctls):
        macros = re.findall(r"^#define (\w+)[ \t]+(.+)$", self.run(self.text, "-E", "-dM").stdout, re.M)
        body = self.run(self.text, "-E", "-P").stdout
        out = {name: family_of(name, text, plain_ioctls) for name, text in macros}
        for block in re.findall(r"\benum\b[^{;]*\{(.*?)\}", body, re.S):
            for name in re.findall(r"(?:^|,)\s*([A-Z]\w+)", block):
                out.setdefault(name, family_of(name, "", plain_ioctls))
        return {n: f for n, f in out.items() if f}

    def values(self, names):
        names = sorted(names)
        while True:
            code = self.text + "".join(f"\nunsigned long long ravelin_{n} = (unsigned long long)({n});" for n in names)
            done = self.compile(code)
            first = self.text.count("\n") + 1
            bad = {int(m) - first - 1 for m in re.findall(r"<stdin>:(\d+):\d+: (?:error|note)", done.stderr)}
            if not bad:
                assert done.returncode == 0, done.stderr[:2000]
                break
            names = [n for i, n in enumerate(names) if i not in bad]
        out = {}
        for name, data in re.findall(r"^ravelin_(\w+):\n((?:\s+\.\w+.*\n)+)", done.stdout, re.M):
            words = re.findall(r"\.(quad|long|zero)\s+(-?\d+)", data)
            value = sum((int(v) % 2**64 if k == "quad" else int(v) % 2**32) << (32 * i if k == "long" else 0)
                        for i, (k, v) in enumerate(words) if k != "zero")
            # negative ints read as 64-bit values: keep the 32 bits an int register shows
            out[name] = value & 0xffffffff if value >= 2**63 else value
        return out


def plain_ioctl_names(root):
    """Requests written as bare numbers."""
    out = set()
    for path in ["include/uapi/asm-generic/ioctls.h", "include/uapi/linux/vt.h", "include/uapi/linux/kd.h",
                 "include/uapi/linux/hdreg.h", "include/uapi/linux/cdrom.h", "include/uapi/linux/loop.h", "include/uapi/linux/i2c-dev.h",
                 *[f"arch/{d}/include/uapi/asm/ioctls.h" for d in ("powerpc", "s390", "arm")]]:
        for name in re.findall(r"^#\s*define\s+(\w+)\s+0x[0-9A-Fa-f]{4}\b", open(f"{root}/{path}").read(), re.M):
            if not re.match(r"TIOCPKT|TIOCM_|TIOCSER|LO_|I2C_M_|I2C_SMBUS_[RWB]|I2C_FUNC|CDC_|DVD|CD_|[A-Z]+_DEFAULT|ATA|WIN_|SMART", name):
                out.add(name)
    return out | {"FIONREAD", "TIOCINQ", "TIOCOUTQ", "FIONBIO", "FIOASYNC", "FIOCLEX", "FIONCLEX", "FIOQSIZE"}


def kernel_only(root):
    """AF_*, SOL_* and MSG_* stand in the kernel's own include/linux/socket.h."""
    found = {}
    for name, value in re.findall(r"^#define\s+((?:AF|SOL|MSG)_\w+)\s+(\w+)", open(f"{root}/include/linux/socket.h").read(), re.M):
        value = found.get(value, value)
        if re.fullmatch(r"\d+|0x[0-9A-Fa-f]+", str(value)) and not name.endswith("_MAX") and name != "MSG_CMSG_COMPAT":
            found[name] = int(str(value), 0)
    return found


HEAD = """\
# Symbolic constants: family, name, value, then arch=value where an architecture differs (arch=- where it has none; a value
# `-` means only the listed architectures have it).  Written by compiler/kernel/tools/generate_constants.py; do not edit.
# Source of every family: include/uapi and arch/*/include/uapi of linux-source-6.1, evaluated for each architecture;
# AF, SOL, MSG: include/linux/socket.h; rows of constants_by_hand.tsv as noted there.
# CLONE_NEW_ANY is ours: every namespace flag ORed, for masked comparisons.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--linux-6.1", dest="linux", required=True)
    parser.add_argument("--hand", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    plain, table, families = plain_ioctl_names(args.linux), collections.defaultdict(dict), {}
    errno, caps = {}, {}
    with tempfile.TemporaryDirectory() as work:
        for arch in ARCHES:
            headers = Headers(args.linux, arch, work)
            headers.settle()
            names = headers.names(plain)
            extra = {n: "ERRNO" for n in re.findall(r"^#define (E[A-Z0-9]+) ", headers.run(headers.text, "-E", "-dM").stdout, re.M)}
            extra.update({n: "CAP" for n in re.findall(r"^#define (CAP_[A-Z_]+) ", headers.run(headers.text, "-E", "-dM").stdout, re.M)})
            for name, value in headers.values({**extra, **names}).items():
                family = names.get(name) or extra[name]
                if family == "ERRNO":
                    if arch == "x86_64" and value < 4096:
                        errno[name] = value
                elif family == "CAP":
                    if arch == "x86_64" and name != "CAP_LAST_CAP":
                        caps[name] = value
                else:
                    families[name] = family
                    table[name][arch] = value
    for name, value in kernel_only(args.linux).items():
        families[name] = name.split("_")[0]
        for arch in ARCHES:
            table[name].setdefault(arch, value)
    for line in open(args.hand):
        if line.strip() and not line.startswith("#"):
            family, name, value = line.split("\t")[:3]
            families[name] = family
            x86 = family == "ARCH"
            table[name].update({a: int(value, 0) for a in ARCHES if not x86 or ARCHES[a][0] == "x86"})
    with open(f"{args.out}/constants.tsv", "w") as out:
        out.write(HEAD)
        for name in sorted(table, key=lambda n: (families[n], is_secondary(families[n], n), n)):
            cells = table[name]
            usual = collections.Counter(cells.values()).most_common(1)[0][0] if len(cells) > 2 else None
            if len(cells) > 2 and "x86_64" in cells and len(set(cells.values())) > 1:
                usual = cells["x86_64"]
            row = [families[name], name, "-" if usual is None else hex(usual)]
            for arch in ARCHES:
                if arch not in cells:
                    if usual is not None:
                        row.append(f"{arch}=-")
                elif cells[arch] != usual:
                    row.append(f"{arch}={cells[arch]:#x}")
            out.write("\t".join(row) + "\n")
    for file, rows, head in (("errno.tsv", errno, "Error numbers (the same on every architecture we know but for powerpc's EDEADLOCK)"),
                             ("capabilities.tsv", caps, "Capabilities")):
        label = (lambda n: n[4:].lower()) if file == "capabilities.tsv" else str
        with open(f"{args.out}/{file}", "w") as out:
            out.write(f"# {head}: name, value.  Source: include/uapi of linux-source-6.1.\n"
                      "# Written by compiler/kernel/tools/generate_constants.py; do not edit.\n")
            for name in sorted(rows, key=lambda n: (rows[n], n)):
                out.write(f"{label(name)}\t{rows[name]}\n")


if __name__ == "__main__":
    main()
