#!/bin/bash
# The applications of policies/apps as Debian packages with what they depend on, unpacked below build/deps/apps and never installed: guests get
# that folder as a layer over the root.  Status 77 where the archive cannot be reached.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$PWD/build/deps/apps
[[ -f $folder/.complete ]] && exit 0
mkdir -p build/deps
scratch=$(mktemp -d "$PWD/build/deps/apps.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
packages=$(sed 's/#.*//' cmake/packages/apps.txt | awk 'NF')
# shellcheck disable=SC2086
wanted=$(apt-get install --no-install-recommends -s $packages 2> /dev/null | awk '$1 == "Inst" { print $2 }') || { echo "apt-get does not know the applications' packages"; exit 77; }
mkdir "$scratch/debs" "$scratch/root"
if [[ -n $wanted ]]; then
  # shellcheck disable=SC2086
  (cd "$scratch/debs" && apt-get download $wanted > ../download.log 2>&1) || { echo "apt-get cannot download the applications"; exit 77; }
fi
for deb in "$scratch"/debs/*.deb; do
  [[ -f $deb ]] && dpkg-deb -x "$deb" "$scratch/root"
done
# Debian's root has links there; a folder of a layer would hide what they lead to.
for name in bin sbin lib lib64; do
  [[ -d $scratch/root/$name ]] || continue
  mkdir -p "$scratch/root/usr/$name"
  cp -a "$scratch/root/$name/." "$scratch/root/usr/$name/"
  rm -rf "${scratch:?}/root/$name"
done
rm -rf "$folder"
mv "$scratch/root" "$folder"
chmod 755 "$folder"
touch "$folder/.complete"
