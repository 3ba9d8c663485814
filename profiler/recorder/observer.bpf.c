/* The recorder's part inside the kernel: on tracepoints (no probes of functions), for one tree of processes; what was seen already is counted
 * and not told again.  The kernel's structures are named as far as they are used; libbpf finds their fields by its type information. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "profiler/recorder/bpf_event.h"

char LICENSE[] SEC("license") = "GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pt_regs {
  unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax;
};
struct qstr {
  unsigned int hash;
  unsigned int len;
  const unsigned char *name;
};
struct inode {
  unsigned short i_mode;
  unsigned long i_ino;
};
struct dentry {
  struct dentry *d_parent;
  struct qstr d_name;
  struct inode *d_inode;
};
struct vfsmount {
  struct dentry *mnt_root;
};
struct mount {
  struct mount *mnt_parent;
  struct dentry *mnt_mountpoint;
  struct vfsmount mnt;
  void *mnt_ns;
};
struct path {
  struct vfsmount *mnt;
  struct dentry *dentry;
};
struct file {
  struct path f_path;
  unsigned int f_mode;
  struct inode *f_inode;
  void *private_data;
};
struct fdtable {
  unsigned int max_fds;
  struct file **fd;
};
struct files_struct {
  struct fdtable *fdt;
};
struct fs_struct {
  struct path pwd;
};
struct sock_common {
  unsigned short skc_family;
};
struct sock {
  struct sock_common __sk_common;
  unsigned short sk_type;
  unsigned short sk_protocol;
};
struct socket {
  struct sock *sk;
};
typedef struct {
  int counter;
} atomic_t;
struct signal_struct {
  atomic_t live;
};
struct thread_info {
  unsigned int status;
};
struct task_struct {
  struct thread_info thread_info;
  int pid;
  int tgid;
  struct files_struct *files;
  struct fs_struct *fs;
  struct signal_struct *signal;
};
struct linux_binprm {
  struct file *file;
  const char *filename;
};
#pragma clang attribute pop

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, RAVELIN_CALLS);
  __type(key, __u32);
  __type(value, struct call_spec);
} specs SEC(".maps");

/* The workload's processes, and the image that each runs; 0: what starts the workload. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, __u32);
} tree SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1 << 20);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct fact_key);
  __type(value, struct sighting);
} seen SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 32 << 20);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct fact_event);
} scratch SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, COUNT_SIZE);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

__u32 images = 0; /* so far */

#define S_IFMT 00170000
#define S_IFSOCK 0140000
#define S_IFIFO 0010000
#define FMODE_CREATED (1U << 20)
#define TS_COMPAT 2
#define MOST_STEPS 96 /* parts of a path, and mounts */
#define NEVER (-5000) /* no error, and nothing that came back */
#define AT_FDCWD (-100)
#define NR_RT_SIGRETURN 15
#define NR_EXECVE 59
#define NR_EXECVEAT 322

static __always_inline void count(__u32 which) {
  __u64 *value = bpf_map_lookup_elem(&counters, &which);
  if (value) __sync_fetch_and_add(value, 1);
}

static __always_inline __u64 mix(__u64 hash, __u64 value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ull;
  return hash ^ (hash >> 29);
}

/* On the way from a file up to the root of its mounts. */
struct place {
  struct mount *mount;
  struct dentry *root; /* of the mount */
  struct dentry *at;
};
enum step { STEP_PART, STEP_MOUNT, STEP_TOP, STEP_NOWHERE };

static __always_inline struct place place_of(__u64 mounted, __u64 name) {
  struct vfsmount *from = (struct vfsmount *)mounted;
  struct place out = {(void *)from - bpf_core_field_offset(struct mount, mnt), BPF_CORE_READ(from, mnt_root), (struct dentry *)name};
  return out;
}

/* Pipes, sockets and the like are of mounts that nobody sees (MNT_NS_INTERNAL, an error as pointer). */
static __always_inline int is_internal(struct mount *mount) { return (__u64)BPF_CORE_READ(mount, mnt_ns) >= (__u64)-4095; }

/* One step up; where it was at a part of the path, that is `part`.  STEP_NOWHERE: it is below no root. */
static __always_inline enum step climb(struct place *place, struct dentry **part) {
  struct dentry *at = place->at;
  struct mount *mount = place->mount;
  if (at == place->root) {
    struct mount *parent = BPF_CORE_READ(mount, mnt_parent);
    if (parent == mount) return STEP_TOP;
    place->at = BPF_CORE_READ(mount, mnt_mountpoint);
    place->mount = parent;
    place->root = BPF_CORE_READ(parent, mnt.mnt_root);
    return STEP_MOUNT;
  }
  struct dentry *up = BPF_CORE_READ(at, d_parent);
  if (up == at) return STEP_NOWHERE;
  *part = at;
  place->at = up;
  return STEP_PART;
}

/* The absolute path, from its end to its begin; returns where it begins, RAVELIN_TEXT where there is none, or RAVELIN_UNREAD.  Not static:
 * the verifier looks at it by itself. */
__attribute__((noinline)) int walk(__u64 mounted, __u64 name, struct fact_event *event, __u32 which) {
  if (!event) return RAVELIN_TEXT;
  struct place place = place_of(mounted, name);
  if (is_internal(place.mount)) return RAVELIN_TEXT;
  char *text = which & 1 ? event->what[1] : event->what[0];
  __u32 begin = RAVELIN_TEXT - 1;
  enum step step = STEP_PART;
  for (int i = 0; i < MOST_STEPS; i++) {
    struct dentry *part = 0;
    step = climb(&place, &part);
    if (step == STEP_TOP || step == STEP_NOWHERE) break;
    if (step == STEP_MOUNT) continue;
    __u32 length = BPF_CORE_READ(part, d_name.len) & (RAVELIN_SPARE - 1);
    if (begin < RAVELIN_SPARE + 2) return RAVELIN_UNREAD;
    begin = (begin - length) & (RAVELIN_TEXT - 1);
    if (bpf_probe_read_kernel(&text[begin], length, BPF_CORE_READ(part, d_name.name))) return RAVELIN_UNREAD;
    begin = (begin - 1) & (RAVELIN_TEXT - 1);
    text[begin] = '/';
  }
  if (step != STEP_TOP) return RAVELIN_UNREAD;
  if (begin == RAVELIN_TEXT - 1) {
    begin--;
    text[begin & (RAVELIN_TEXT - 1)] = '/';
  }
  text[RAVELIN_TEXT - 1] = 0;
  return begin;
}

/* Which file it is, and by which path: a file that was renamed is told anew.  Not static, as above. */
__attribute__((noinline)) __u64 identity(__u64 mounted, __u64 name) {
  struct place place = place_of(mounted, name);
  struct dentry *dentry = (struct dentry *)name;
  __u64 hash = mix(name, BPF_CORE_READ(dentry, d_inode, i_ino));
  if (is_internal(place.mount)) return hash;
  for (int i = 0; i < MOST_STEPS; i++) {
    struct dentry *part = 0;
    const enum step step = climb(&place, &part);
    if (step == STEP_PART) hash = mix(hash, (__u64)BPF_CORE_READ(part, d_name.hash) << 32 | BPF_CORE_READ(part, d_name.len));
    else if (step != STEP_MOUNT) break;
  }
  return hash;
}

static __always_inline struct file *file_of(struct task_struct *task, int fd) {
  struct fdtable *table = BPF_CORE_READ(task, files, fdt);
  if (fd < 0 || (__u32)fd >= BPF_CORE_READ(table, max_fds)) return 0;
  struct file **all = BPF_CORE_READ(table, fd);
  struct file *file = 0;
  bpf_probe_read_kernel(&file, sizeof file, all + fd);
  return file;
}

static __always_inline __u64 argument(const unsigned long long *args, __u32 place) {
  return place == 1 ? args[0] : place == 2 ? args[1] : place == 3 ? args[2] : place == 4 ? args[3] : place == 5 ? args[4] : place == 6 ? args[5] : 0;
}

static __always_inline void tell(struct fact_event *event) {
  /* Only as much as has something in it. */
  __u64 size = event->what_begin[1] < RAVELIN_TEXT ? sizeof *event : event->what_begin[0] < RAVELIN_TEXT ? sizeof *event - sizeof event->what[1] : event->given_length[1] ? __builtin_offsetof(struct fact_event, what) : event->given_length[0] ? __builtin_offsetof(struct fact_event, given[1]) : __builtin_offsetof(struct fact_event, given);
  if (bpf_ringbuf_output(&events, event, size, 0)) count(COUNT_RING);
}

static __always_inline struct fact_event *begin(__u32 kind, __u32 image, __u32 number) {
  __u32 zero = 0;
  struct fact_event *event = bpf_map_lookup_elem(&scratch, &zero);
  if (!event) return 0;
  event->kind = kind;
  event->image = image;
  event->former = 0;
  event->group = bpf_get_current_pid_tgid() >> 32;
  event->number = number;
  event->error = 0;
  event->flags = 0;
  event->address_length = 0;
  event->family = event->type = event->protocol = 0;
  event->given_length[0] = event->given_length[1] = 0;
  event->what_begin[0] = event->what_begin[1] = RAVELIN_TEXT;
  event->name[0] = event->name[1] = 0;
  event->key.hash = 1;
  return event;
}

static __always_inline void add(struct fact_event *event, __u64 value) { event->key.hash = mix(event->key.hash, value); }

/* True where it is new. */
static __always_inline int is_new(struct fact_event *event) {
  event->key.image = event->image;
  event->key.number = event->number;
  event->key.error = event->error;
  event->key.zero = 0;
  struct sighting *known = bpf_map_lookup_elem(&seen, &event->key);
  if (known) {
    __sync_fetch_and_add(&known->count, 1);
    known->last = bpf_ktime_get_ns();
    return 0;
  }
  struct sighting first = {1, bpf_ktime_get_ns()};
  long failed = bpf_map_update_elem(&seen, &event->key, &first, BPF_NOEXIST);
  if (failed == -17) return 0; /* EEXIST: another processor was first */
  if (failed) count(COUNT_TABLE);
  return 1;
}

/* A text of the caller; its hash, or 0 where it cannot be read.  Not static, as above. */
__attribute__((noinline)) __u64 read_text(struct fact_event *event, __u32 which, __u64 address) {
  if (!event) return 0;
  char *text = which & 1 ? event->given[1] : event->given[0];
  long length = bpf_probe_read_user_str(text, RAVELIN_TEXT, (void *)address);
  if (length <= 0 || length >= RAVELIN_TEXT) return 0;
  event->given_length[which & 1] = length - 1;
  /* The last word's bytes behind the end are those of a former text. */
  for (int i = 0; i < 8; i++) {
    if (length + i < RAVELIN_TEXT) text[(length + i) & (RAVELIN_TEXT - 1)] = 0;
  }
  __u64 hash = length;
  __u64 *words = (__u64 *)text;
  for (int i = 0; i < RAVELIN_TEXT / 8; i++) {
    if (i * 8 >= length) break;
    hash = mix(hash, words[i]);
  }
  return hash | 1;
}

__attribute__((noinline)) __u64 read_address(struct fact_event *event, __u64 from, __u64 length) {
  if (!event || length == 0 || length > RAVELIN_ADDRESS) return 0;
  for (int i = 0; i < RAVELIN_ADDRESS / 8; i++) ((__u64 *)event->address)[i] = 0;
  if (bpf_probe_read_user(event->address, length, (void *)from)) return 0;
  event->address_length = length;
  __u64 hash = length;
  for (int i = 0; i < RAVELIN_ADDRESS / 8; i++) hash = mix(hash, ((__u64 *)event->address)[i]);
  return hash | 1;
}

static __always_inline void keep(struct fact_event *event, __u32 which, struct vfsmount *mount, struct dentry *dentry) {
  event->mount[which & 1] = (__u64)mount;
  event->name[which & 1] = (__u64)dentry;
  add(event, identity((__u64)mount, (__u64)dentry));
}

/* A name and the folder that it begins at, unless it is absolute. */
__attribute__((noinline)) int look_at_name(struct fact_event *event, __u32 which, __u64 address, int folder) {
  if (!event) return 0;
  __u64 text = read_text(event, which, address);
  if (!text) event->flags |= which ? FLAG_UNREAD1 : FLAG_UNREAD0;
  add(event, text);
  if (!text || event->given[which & 1][0] == '/') return 0;
  struct task_struct *task = (struct task_struct *)bpf_get_current_task();
  if (folder == AT_FDCWD) {
    keep(event, which, BPF_CORE_READ(task, fs, pwd.mnt), BPF_CORE_READ(task, fs, pwd.dentry));
  } else {
    struct file *file = file_of(task, folder);
    if (file) keep(event, which, BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry));
  }
  return 0;
}

__attribute__((noinline)) int look_at_opened(struct fact_event *event, int fd) {
  if (!event) return 0;
  struct file *file = file_of((struct task_struct *)bpf_get_current_task(), fd);
  if (!file) return 0;
  if (BPF_CORE_READ(file, f_mode) & FMODE_CREATED) event->flags |= FLAG_CREATED;
  add(event, event->flags & FLAG_CREATED);
  keep(event, 0, BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry));
  return 0;
}

__attribute__((noinline)) int look_at_descriptor(struct fact_event *event, int fd) {
  if (!event) return 0;
  struct file *file = file_of((struct task_struct *)bpf_get_current_task(), fd);
  __u32 kind = file ? BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT : 0;
  if (kind == S_IFSOCK) {
    struct socket *socket = BPF_CORE_READ(file, private_data);
    struct sock *sock = BPF_CORE_READ(socket, sk);
    event->flags |= FLAG_SOCKET;
    event->family = BPF_CORE_READ(sock, __sk_common.skc_family);
    event->type = BPF_CORE_READ(sock, sk_type);
    event->protocol = BPF_CORE_READ(sock, sk_protocol);
    add(event, ((__u64)event->family << 32) + (event->type << 16) + event->protocol);
  } else if (kind != 0 && kind != S_IFIFO) {
    event->flags |= FLAG_FILE;
    keep(event, 1, BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry));
  }
  return 0;
}

static __always_inline void look_at_objects(struct fact_event *event, struct call_spec *spec, long result) {
  for (__u32 which = 0; which < 2; which++) {
    __u64 address = argument(event->args, spec->path[which & 1]);
    if (spec->path[which & 1] && address) look_at_name(event, which, address, spec->folder[which & 1] ? (int)argument(event->args, spec->folder[which & 1]) : AT_FDCWD);
  }
  if (spec->opens && result >= 0) look_at_opened(event, result);
  if (spec->descriptor) look_at_descriptor(event, argument(event->args, spec->descriptor));
  if (spec->address) {
    __u64 from = argument(event->args, spec->address);
    __u64 length = argument(event->args, spec->address + 1);
    if (from && length > 0 && length <= RAVELIN_ADDRESS) {
      __u64 bytes = read_address(event, from, length);
      if (!bytes) event->flags |= FLAG_UNREAD_ADDRESS;
      add(event, bytes);
    }
  }
  if (spec->process) {
    __u32 target = argument(event->args, spec->process);
    if ((int)target <= 0 || bpf_map_lookup_elem(&tree, &target)) event->flags |= FLAG_OURS;
    add(event, event->flags & FLAG_OURS);
  }
}

/* One call of the running thread that has ended, or never will; its registers still have the arguments.  Not static, as above. */
__attribute__((noinline)) int look(long result) {
  struct task_struct *task = (struct task_struct *)bpf_get_current_task();
  struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
  __u32 group = bpf_get_current_pid_tgid() >> 32;
  __u32 *image = bpf_map_lookup_elem(&tree, &group);
  if (!image || *image == 0) return 0;
  __u32 number = BPF_CORE_READ(regs, orig_ax);
  /* The return from a signal has put back the registers of whatever it interrupted, without a number (restore_sigcontext). */
  if (number == (__u32)-1 && result != NEVER) number = NR_RT_SIGRETURN;
  struct call_spec *spec = bpf_map_lookup_elem(&specs, &number);
  if (!spec || !spec->known) return 0;
  if (number == NR_RT_SIGRETURN) result = 0; /* it is the interrupted call's */
  if ((number == NR_EXECVE || number == NR_EXECVEAT) && result == 0) return 0; /* told as what it became */
  if (BPF_CORE_READ(task, thread_info.status) & TS_COMPAT) {
    count(COUNT_COMPAT);
    return 0;
  }
  struct fact_event *event = begin(EVENT_CALL, *image, number);
  if (!event) return 0;
  event->error = result < 0 && result > -4096 ? -result : 0;
  __u64 args[6] = {BPF_CORE_READ(regs, di), BPF_CORE_READ(regs, si), BPF_CORE_READ(regs, dx), BPF_CORE_READ(regs, r10), BPF_CORE_READ(regs, r8), BPF_CORE_READ(regs, r9)};
#pragma unroll
  for (int i = 0; i < 6; i++) {
    event->args[i] = args[i];
    add(event, spec->values & (1 << i) ? args[i] : spec->pointers & (1 << i) ? args[i] != 0 : 0);
  }
  if (spec->path[0] || spec->descriptor || spec->address || spec->process) look_at_objects(event, spec, result);
  if (!is_new(event)) return 0;
  for (__u32 which = 0; which < 2; which++) {
    if (event->name[which & 1]) event->what_begin[which & 1] = walk(event->mount[which & 1], event->name[which & 1], event, which);
  }
  tell(event);
  return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_ends, struct pt_regs *regs, long result) { return look(result); }

SEC("tp_btf/sched_process_exit")
int BPF_PROG(thread_ends, struct task_struct *task) {
  __u32 group = bpf_get_current_pid_tgid() >> 32;
  if (!bpf_map_lookup_elem(&tree, &group)) return 0;
  look(NEVER);
  if (BPF_CORE_READ(task, signal, live.counter) == 0) bpf_map_delete_elem(&tree, &group);
  return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_forks, struct task_struct *parent, struct task_struct *child) {
  __u32 from = parent->tgid;
  __u32 to = child->tgid;
  __u32 *image = bpf_map_lookup_elem(&tree, &from);
  if (!image || from == to) return 0;
  __u32 same = *image;
  if (bpf_map_update_elem(&tree, &to, &same, BPF_ANY)) count(COUNT_TREE);
  return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_executes, struct task_struct *task, int former, struct linux_binprm *program) {
  __u32 group = bpf_get_current_pid_tgid() >> 32;
  __u32 *image = bpf_map_lookup_elem(&tree, &group);
  if (!image) return 0;
  struct fact_event *event = begin(EVENT_EXEC, 0, NR_EXECVE);
  if (!event) return 0;
  event->former = *image;
  event->image = __sync_fetch_and_add(&images, 1) + 1;
  long length = bpf_probe_read_kernel_str(event->given[0], RAVELIN_TEXT, BPF_CORE_READ(program, filename));
  event->given_length[0] = length > 0 && length < RAVELIN_TEXT ? length - 1 : 0;
  event->what_begin[0] = walk((__u64)BPF_CORE_READ(program, file, f_path.mnt), (__u64)BPF_CORE_READ(program, file, f_path.dentry), event, 0);
  if (event->what_begin[0] == RAVELIN_UNREAD) count(COUNT_PROGRAM);
  struct task_struct *current = (struct task_struct *)bpf_get_current_task();
  if (event->given[0][0] != '/') event->what_begin[1] = walk((__u64)BPF_CORE_READ(current, fs, pwd.mnt), (__u64)BPF_CORE_READ(current, fs, pwd.dentry), event, 1);
  *image = event->image;
  tell(event);
  return 0;
}
