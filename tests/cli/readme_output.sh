#!/bin/bash
# Compares each block of the README that shows output with what the program prints now; --write puts it there.
#
# A block is announced by a line `<!-- output of NAME -->` before its ```; the commands are below.  Status 77 and a last line with
# the reason: a block could not be judged, and every other one is as it should be.
set -euo pipefail
cd "$(dirname "$0")/../.."
ravelin=$PWD/build/ravelin
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The lines of the ``` block after a marker.
block() { awk -v marker="<!-- $1 -->" '$0 == marker { found = 1; next } found && /^```/ { if (inside) exit; inside = 1; next } inside { print }' README.md; }

output_of() { # name
  case $1 in
    example)
      block "the example" > "$scratch/web.rav"
      (cd "$scratch" && "$ravelin" compile web.rav -o web 2>&1 && { "$ravelin" explain web.rav 'socket(AF_ALG, SOCK_SEQPACKET, 0)' 2>&1 || [[ $? == 1 ]]; } | sed -n 1,4p)
      ;;
    demo) bash packaging/demo.sh 2>&1 ;;
  esac
}

status=0 reason=
for name in example demo; do
  if ! output_of "$name" > "$scratch/$name"; then
    if [[ $name == demo ]] && grep -q '^demo: inconclusive' "$scratch/$name"; then
      reason=$(grep '^demo: inconclusive' "$scratch/$name")
      continue
    fi
    echo "the command of the block \"$name\" failed:"
    cat "$scratch/$name"
    exit 1
  fi
  if [[ ${1:-} == --write ]]; then
    awk -v marker="<!-- output of $name -->" -v file="$scratch/$name" '
      $0 == marker { found = 1 }
      inside && /^```/ { while ((getline line < file) > 0) print line; inside = 0; found = 0 }
      !inside { print }
      found && !inside && /^```/ { inside = 1 }' README.md > "$scratch/README.md"
    cp "$scratch/README.md" README.md
  elif ! diff -u <(block "output of $name") "$scratch/$name"; then
    echo "README.md no longer shows what \"$name\" prints; ./dev docs writes it anew"
    status=1
  fi
done
[[ $status == 0 && -n $reason ]] && { echo "$reason"; exit 77; }
exit $status
