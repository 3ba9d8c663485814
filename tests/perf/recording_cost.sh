#!/bin/bash
# What recording costs: a compilation and redis-benchmark, alone, under `strace -f` and under each driver of this machine, in turns.  Ratios of
# medians to the run alone, of elapsed time inside the workload and of processor time of everything but the recorder's own start; status 1 where a bar of elapsed time is
# missed, 77 where nothing could be judged.   recording_cost.sh [ROUNDS] [REQUESTS] [strace|DRIVER...]
set -uo pipefail
cd "$(dirname "$0")/../.."
ravelin=$PWD/build/ravelin
apps=$PWD/build/deps/apps
rounds=${1:-5} requests=${2:-20000}
others=("${@:3}")
[[ ${#others[@]} == 0 ]] && others=(strace ptrace notify bpf)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 judged=0

# --- the workloads; each writes how long it took, in microseconds, where $ELAPSED says
cat > "$work/gcc.sh" << 'END'
export TMPDIR=$1
start=$(date +%s%N)
gcc -O1 -o "$1/program" "$1/one.c" "$1/two.c" "$1/three.c" || exit 1
echo $((($(date +%s%N) - start) / 1000)) > "$ELAPSED"
END
for name in one two three; do
  {
    printf '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <math.h>\n#include <sys/socket.h>\n#include <netinet/in.h>\n'
    for ((i = 0; i < 200; ++i)); do printf 'int %s_%d(int a, const char *b) { char c[64]; snprintf(c, sizeof c, "%%d %%s", a, b); return (int)strlen(c) + a %% %d; }\n' $name $i $((i + 1)); done
    [[ $name == one ]] && printf 'int main(void) { return one_0(1, "x") == 0; }\n'
  } > "$work/$name.c"
done
cat > "$work/redis.sh" << 'END'
export LD_LIBRARY_PATH=$1/usr/lib/x86_64-linux-gnu
"$1/usr/bin/redis-server" --port "$2" --save '' --logfile /dev/null &
server=$!
for ((i = 0; i < 200; ++i)); do "$1/usr/bin/redis-cli" -p "$2" ping > /dev/null 2>&1 && break; done
start=$(date +%s%N)
"$1/usr/bin/redis-benchmark" -p "$2" -t set,get -n "$3" -q > /dev/null || exit 1
echo $((($(date +%s%N) - start) / 1000)) > "$ELAPSED"
kill $server
wait $server
END

export ELAPSED=$work/elapsed
TIMEFORMAT='%U %S'
once() { # how, command...: adds a line "elapsed processor", both in microseconds
  local how=$1 cpu
  shift
  rm -f "$ELAPSED" "$work/one.rec"
  case $how in
    alone) cpu=$({ time "$@" > /dev/null 2>&1; } 2>&1) ;;
    strace) cpu=$({ time strace -f -o "$work/trace" "$@" > /dev/null 2>&1; } 2>&1) ;;
    *) cpu=$({ time "$ravelin" record --driver "$how" --limit 600 -o "$work/one.rec" -- "$@" > "$work/said" 2>&1; } 2>&1) ;;
  esac
  [[ -s $ELAPSED ]] || return 1
  echo "$(< "$ELAPSED") $(awk '{ print int(($1 + $2) * 1e6) }' <<< "${cpu##*$'\n'}")"
}
starting() { # driver: microseconds of processor time for a workload that does nothing
  local cpu
  rm -f "$work/one.rec"
  cpu=$({ time "$ravelin" record --driver "$1" -o "$work/one.rec" -- true > "$work/said" 2>&1; } 2>&1)
  awk '{ print int(($1 + $2) * 1e6) }' <<< "${cpu##*$'\n'}"
}
median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
compare() { # name, bars "driver bar ...", command...
  local name=$1 how round port=$((20000 + RANDOM % 20000))
  local -A bars=()
  local word last=
  for word in $2; do
    [[ -n $last ]] && bars[$last]=$word && last= || last=$word
  done
  shift 2
  local hows=(alone)
  for how in "${others[@]}"; do
    if [[ $how == strace ]]; then
      command -v strace > /dev/null && hows+=(strace)
    elif "$ravelin" record --driver $how -o "$work/try.rec" -- true > "$work/said" 2>&1; then hows+=("$how"); else printf '  %-8s %s\n' $how "inconclusive: $(tail -1 "$work/said")"; fi
  done
  rm -f "$work"/*.times
  for ((round = 0; round < rounds; ++round)); do
    for how in "${hows[@]}"; do
      port=$((port + 1))
      once "$how" "${@//PORT/$port}" >> "$work/$how.times" || { echo "  $how: the workload failed"; failed=1; }
    done
  done
  local base_elapsed base_cpu elapsed cpu ratio verdict
  base_elapsed=$(cut -d' ' -f1 "$work/alone.times" | median)
  base_cpu=$(cut -d' ' -f2 "$work/alone.times" | median)
  echo "$name, alone $(awk -v t="$base_elapsed" 'BEGIN { printf "%.2f", t / 1e6 }') s, $rounds rounds, load $(cut -d' ' -f1 /proc/loadavg)"
  for how in "${hows[@]:1}"; do
    elapsed=$(cut -d' ' -f1 "$work/$how.times" | median)
    cpu=$(cut -d' ' -f2 "$work/$how.times" | median)
    [[ $how == strace ]] || cpu=$((cpu - $(for ((round = 0; round < 3; ++round)); do starting "$how"; done | median)))
    ratio=$(awk -v a="$elapsed" -v b="$base_elapsed" 'BEGIN { printf "%.2f", a / b }')
    verdict=
    if [[ -n ${bars[$how]:-} ]]; then
      judged=1
      verdict="(bar ${bars[$how]}) $(awk -v r="$ratio" -v b="${bars[$how]}" 'BEGIN { print (r <= b) ? "holds" : "MISSED" }')"
      [[ $verdict == *holds ]] || failed=1
    fi
    printf '  %-8s elapsed %6s x   processor %6s x   %s\n' "$how" "$ratio" "$(awk -v a="$cpu" -v b="$base_cpu" 'BEGIN { printf "%.2f", a / b }')" "$verdict"
  done
}

if command -v gcc > /dev/null; then compare "gcc, three files of 200 functions" "notify 1.5 bpf 1.2" bash "$work/gcc.sh" "$work"; fi
if [[ -x $apps/usr/bin/redis-server ]]; then
  compare "redis-benchmark, $requests SET and GET, 50 clients" "notify 3 bpf 1.5" bash "$work/redis.sh" "$apps" PORT "$requests"
else
  echo "redis: its files are not here: tests/fetch_apps.sh"
fi
[[ $failed == 0 && $judged == 0 ]] && { echo "no driver of this machine could record"; exit 77; }
exit $failed
