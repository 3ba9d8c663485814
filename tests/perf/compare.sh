#!/bin/bash
# The project's figures against their bars, on this machine; status 1 where one is missed, 77 where nothing could be judged.
set -uo pipefail
cd "$(dirname "$0")/../.."
ravelin=$PWD/build/ravelin
data=$PWD/../shared/data/seccomp
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 unknown=

bar() { # what, held?
  printf '  %-66s%s\n' "$1" "$([[ $2 == 1 ]] && echo holds || echo MISSED)"
  [[ $2 == 1 ]] || failed=1
}
within() { awk -v a="$1" -v b="$2" 'BEGIN { print (a <= b) ? 1 : 0 }'; }
median_ms() { # runs, command...
  local runs=$1 i start
  shift
  for ((i = 0; i < runs; ++i)); do
    start=$(date +%s%N)
    "$@" > /dev/null 2>&1
    echo $((($(date +%s%N) - start) / 10000))
  done | sort -n | awk '{ all[NR] = $1 } END { printf "%.1f", all[int((NR + 1) / 2)] / 100 }'
}

profile=$data/moby-default.json
[[ -f $profile ]] || profile=build/demo/default.json
if [[ ! -f $profile ]]; then
  unknown="no runtime profile: run ./dev demo first"
else
  "$ravelin" import oci-seccomp "$profile" -o "$work/docker.rav" 2> /dev/null
  echo "Docker's default, x86_64, no capabilities"
  "$ravelin" compile "$work/docker.rav" --emit bpf -o "$work/docker.bpf" --cost 2>&1 | grep "^  [a-z]"
  if [[ -f $data/syscall-frequencies.json ]]; then
    echo "  built for the measured mix:"
    "$ravelin" compile "$work/docker.rav" --emit bpf -o "$work/hot.bpf" --cost --frequencies "$data/syscall-frequencies.json" 2>&1 | grep workload
  fi
  ms=$(median_ms 21 "$ravelin" compile "$work/docker.rav" --backend seccomp -o "$work/bundle")
  bar "whole compilation, proofs included: $ms ms (bar 150)" "$(within "$ms" 150)"
  build/tests/side_by_side "$work/docker.rav" 50
  case $? in 0) ;; 77) unknown="no filter could be installed" ;; *) failed=1 ;; esac
fi

echo "check of a generated policy of 10 MB"
bash tests/perf/generate_policy.sh 10 > "$work/large.rav"
start=$(date +%s%N)
/usr/bin/env bash -c 'ulimit -v unlimited; exec "$0" check "$1"' "$ravelin" "$work/large.rav" > "$work/large.log" 2>&1 &
pid=$!
peak=0
while kill -0 $pid 2> /dev/null; do
  now=$(awk '/^VmHWM/ { print $2 }' /proc/$pid/status 2> /dev/null)
  [[ -n $now ]] && ((now > peak)) && peak=$now
  sleep 0.05
done
seconds=$(awk -v ns=$(($(date +%s%N) - start)) 'BEGIN { printf "%.1f", ns / 1e9 }')
bytes=$(stat -c %s "$work/large.rav")
bar "$(awk -v b="$bytes" -v s="$seconds" 'BEGIN { printf "%.2f MB/s (bar 1)", b / 1e6 / s }'), $seconds s" "$(within "$seconds" "$(awk -v b="$bytes" 'BEGIN { print b / 1e6 }')")"
bar "$((peak / 1024)) MB at most (bar 400)" "$(within "$((peak / 1024))" 400)"

echo "SELinux, processor time"
build/tests/bench --benchmark_filter='SelinuxCompileAndProve/2000' > "$work/selinux.log" 2> /dev/null
read -r ms allows < <(awk '/^BM_SelinuxCompileAndProve/ { print $4, $7 }' "$work/selinux.log")
bar "2,000 types, ${allows#allows=} allows, compiled and proved: ${ms:-no} ms (bar 5000)" "$(within "${ms:-5001}" 5000)"

echo "guest kernels, wall time"
if build/tests/guest_bench > "$work/guests.log" 2>&1; then
  while read -r module seconds; do
    bar "$module enforcing, boot to halt of a trivial command: $seconds s (bar 0.25)" "$(within "$seconds" 0.25)"
  done < "$work/guests.log"
  printf 'language 1\npolicy trivial {\n  layers { seccomp + apparmor, seccomp + selinux }\n  use std::dynamic_program\n  use std::program(file = "/usr/bin/true")\n  default deny with errno(EPERM)\n  unknown syscall with errno(ENOSYS)\n}\n' > "$work/trivial.rav"
  if "$ravelin" verify "$work/trivial.rav" -- true > "$work/verify.log" 2>&1; then
    ms=$(median_ms 5 "$ravelin" verify "$work/trivial.rav" -- true)
    bar "verify of a trivial command, both modules and seccomp: $ms ms (bar 1500)" "$(within "$ms" 1500)"
  else
    bar "verify of a trivial command passes: $(tail -1 "$work/verify.log")" 0
  fi
else
  unknown="no guest kernel: $(tail -1 "$work/guests.log")"
fi

echo "stages"
build/tests/bench --benchmark_min_time=0.2 2> /dev/null | grep '^BM_' | awk '{ printf "  %-40s %10s %s\n", $1, $2, $3 }'
[[ $failed == 0 && -n $unknown ]] && { echo "$unknown"; exit 77; }
exit $failed
