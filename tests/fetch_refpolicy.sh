#!/bin/bash
# Debian's reference policy as CIL under build/deps/refpolicy, for the tests of modules beside a host's policy.
# Nothing is installed: the packages are unpacked there, and hll/pp of policycoreutils turns the modules into CIL.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=build/deps/refpolicy
[[ -f $folder/done ]] && exit 0
rm -rf "$folder"
mkdir -p "$folder/packages" "$folder/cil"
(cd "$folder/packages" && apt-get download -q selinux-policy-default policycoreutils && for package in *.deb; do dpkg-deb -x "$package" .; done)
for module in "$folder"/packages/usr/share/selinux/default/*.pp.bz2; do
  name=$(basename "$module" .pp.bz2)
  bzcat "$module" | "$folder/packages/usr/libexec/selinux/hll/pp" - - > "$folder/cil/$name.cil"
done
ls "$folder/packages"/*.deb | xargs -n1 basename > "$folder/done"
