#!/bin/bash
# A Debian system of its own, as debootstrap makes it: build/deps/root.  Ends with 77 where it cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."
to=$PWD/build/deps/root
[[ -f $to/.complete ]] && exit 0
command -v debootstrap > /dev/null || { echo "no root: debootstrap is not installed"; exit 77; }
[[ $EUID == 0 ]] || { echo "no root: debootstrap works as root alone"; exit 77; }
rm -rf "$to"
debootstrap --variant=minbase bookworm "$to" > build/deps/root.log 2>&1 || { echo "no root: debootstrap failed: $(tail -1 build/deps/root.log)"; exit 77; }
touch "$to/.complete"
