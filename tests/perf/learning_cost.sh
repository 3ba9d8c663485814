#!/bin/bash
# What learning costs, recording apart: nginx's scenario, recorded once in a guest, then learned (its programs followed for the calls in reach), and the policy compiled and
# proved; and logs of 1,000,000 AppArmor records, imported and merged.  Medians of elapsed seconds; status 1 where a bar is missed, 77 where nothing could be judged.
#   learning_cost.sh [ROUNDS]
set -uo pipefail
cd "$(dirname "$0")/../.."
ravelin=$PWD/build/ravelin
rounds=${1:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 judged=0

median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
TIMEFORMAT='%R'
timed() { # command...: elapsed seconds; statuses 0 and 1 (gaps are left) are results
  local seconds status
  seconds=$({ time "$@" > "$work/said" 2>&1; } 2>&1)
  status=$?
  [[ $status -le 1 ]] && echo "$seconds"
}
judge() { # what, figure, bar, unit
  local verdict=met
  judged=1
  awk -v a="$2" -v b="$3" 'BEGIN { exit !(a < b) }' || { verdict=MISSED; failed=1; }
  printf '  %-44s %8s %-2s (bar %s) %s\n' "$1" "$2" "$4" "$3" "$verdict"
}

echo "$rounds rounds, load $(cut -d' ' -f1 /proc/loadavg)"
apps=$PWD/build/deps/apps
if [[ ! -f $apps/.complete ]]; then
  echo "  nginx: inconclusive: tests/fetch_apps.sh has not unpacked the applications"
elif ! "$ravelin" record --runs 2 --limit 600 --scenario policies/apps/nginx.scenario --layer "$apps" -o "$work/nginx.rec" > "$work/said" 2>&1; then
  echo "  nginx: inconclusive: $(tail -1 "$work/said")"
else
  for ((round = 0; round < rounds; ++round)); do
    learn=$(timed "$ravelin" learn --from "$work/nginx.rec" --layer "$apps" --accept policies/learned.accept -o "$work/nginx.rav")
    compile=$(timed "$ravelin" compile "$work/nginx.rav" -o "$work/out")
    [[ -n $learn && -n $compile ]] || { echo "  nginx: $(tail -1 "$work/said")"; failed=1; break; }
    echo "$learn" >> "$work/learn"
    echo "$compile" >> "$work/compile"
    awk -v a="$learn" -v b="$compile" 'BEGIN { print a + b }' >> "$work/both"
  done
  [[ -s $work/both ]] && judge "nginx: learn $(median < "$work/learn"), compile and prove $(median < "$work/compile")" "$(median < "$work/both")" 3 s
fi

log() { # how many names, the number of the first
  awk -v names="$1" -v first="$2" 'BEGIN {
    split("open open mknod rename_src unlink file_lock", operation, " ")
    split("r r c rw d k", mask, " ")
    for (i = 0; i < 1000000; ++i) {
      kind = 1 + i % 6
      name = first + i % names
      printf "type=1400 audit(%d.%03d:%d): apparmor=\"ALLOWED\" operation=\"%s\" profile=\"app\" name=\"/srv/app/part%d/file%d\" pid=%d comm=\"worker\" requested_mask=\"%s\" denied_mask=\"%s\" fsuid=33 ouid=33\n", 1795474060 + int(i / 1000), i % 1000, i + 1, operation[kind], name % 97, name, 200 + i % 7, mask[kind], mask[kind]
    }
  }'
}
bounded() { # what, command...: elapsed and memory
  local what=$1 seconds kilobytes
  shift
  if ! /usr/bin/time -f '%e %M' -o "$work/time" "$@" > "$work/said" 2>&1; then
    echo "  $what: $(tail -1 "$work/said")"
    failed=1
    return
  fi
  read -r seconds kilobytes < <(tail -1 "$work/time")
  judge "$what (load $(cut -d' ' -f1 /proc/loadavg))" "$seconds" 10 s
  judge "  memory" $((kilobytes / 1024)) 500 MB
}

for names in 5000 100000 1000000; do
  log "$names" 0 > "$work/audit.log"
  bounded "1,000,000 records of $names names" "$ravelin" import events "$work/audit.log" -o "$work/$names.rec"
done
# Recordings of a million facts each: half of them the same, none the same.  6 divides both numbers, so that equal names are of equal kinds.
for first in 499998 1000002; do
  log 1000000 $first > "$work/audit.log"
  "$ravelin" import events "$work/audit.log" -o "$work/other.rec" > "$work/said" 2>&1 || { echo "  import: $(tail -1 "$work/said")"; failed=1; continue; }
  bounded "merged with names from $first on" "$ravelin" recording merge "$work/1000000.rec" "$work/other.rec" -o "$work/merged.rec"
done
[[ $judged == 1 ]] || exit 77
exit $failed
