#!/bin/bash
# Debian's kernel, unpacked and not installed, for virtual machines: build/deps/kernel/boot/vmlinuz-*.  Ends with 77 where it cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."
to=$PWD/build/deps/kernel
[[ -f $to/.complete ]] && exit 0
package=$(apt-cache depends linux-image-amd64 2> /dev/null | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*-amd64\)$/\1/p' | head -1)
[[ -n $package ]] || { echo "no kernel: apt-cache knows no linux-image-amd64"; exit 77; }
mkdir -p "$to/.packages"
(cd "$to/.packages" && apt-get download -q "$package" > /dev/null 2>&1) || { echo "no kernel: apt-get cannot download $package"; exit 77; }
dpkg-deb -x "$to"/.packages/*.deb "$to"
rm -rf "$to/.packages"
touch "$to/.complete"
