#!/bin/bash
# Every application policy's attempts in guests: at least 200 each, and none that comes out otherwise than the layers say.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0
for policy in policies/apps/*.rav; do
  status=0
  said=$(build/ravelin probe "$policy" --limit 900) || status=$?
  attempts=$(sed -n 's/^policy [^:]*: \([0-9]*\) attempts.*/\1/p' <<< "$said")
  echo "$policy: ${attempts:-0} attempts, status $status"
  [[ $status == 3 ]] && { echo "$said" | tail -5; exit 77; }
  [[ $status == 0 && ${attempts:-0} -ge 200 ]] || { echo "$said"; bad=1; }
done
exit $bad
