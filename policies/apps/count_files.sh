#!/bin/bash
# How many files of a host each policy opens: writes the line `// Host files: ...` of every policy anew.
#
#   policies/apps/count_files.sh ROOT    ROOT: a Debian 12 as below, unpacked
#   policies/apps/count_files.sh --make ROOT    makes it first (as root; 250 MB to download)
#
# The host is a minimal Debian 12 with the packages of all ten applications, as debootstrap leaves it.
set -euo pipefail
cd "$(dirname "$0")/../.."
ravelin=${RAVELIN:-build/ravelin}
if [[ ${1:-} == --make ]]; then
  shift
  debootstrap --variant=minbase \
    --include=nginx,redis-server,postgresql,sqlite3,curl,git,gcc,libc6-dev,python3,cron,ca-certificates,bash,tzdata,locales \
    bookworm "${1:?a folder is needed}" http://deb.debian.org/debian
fi
root=${1:?usage: count_files.sh [--make] ROOT}
"$ravelin" test --std policies/std --files "$root" policies/apps | while read -r file _ _ _ read _ all _ _ _ written _; do
  file=${file%:}
  sed -i "s|^// Host files: .*|// Host files: $read to read, $written to write, of $all.  (policies/apps/count_files.sh)|" "$file"
  grep -H '^// Host files' "$file"
done
