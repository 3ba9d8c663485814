#!/bin/bash
# A policy of 5,000 rules, each with its own names, compiled to AppArmor and proved; and apparmor_parser alone on what came out.
# Prints seconds of computing.
set -euo pipefail
ravelin=${1:-build/ravelin}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
awk 'BEGIN {
  split("read|read, list|read, map_exec|write, append, truncate, create, create_dir, create_fifo, create_socket, create_char, create_block, create_symlink, delete, rename, setattr", what, "|")
  print "language 1\npolicy many {\n  layers { apparmor }\n  default deny"
  for (i = 0; i < 5000; ++i) {
    base = sprintf("/srv/app%d/%s", int(i / 20), i % 3 ? "lib" : "share/data")
    path = i % 5 == 0 ? sprintf("%s/part%d/*.conf", base, i % 20) : i % 10 == 1 ? sprintf("%s/dir%d/**", base, i % 20) : sprintf("%s/file%d-%x", base, i % 20, (i * 7919) % 65536)
    printf "  allow file { %s } on path(\"%s\")\n", what[1 + i * 31 % 4], path
  }
  print "}"
}' > "$folder/many.rav"
measure() { # what, command...
  local what=$1 status=0
  shift
  /usr/bin/env bash -c 'TIMEFORMAT="%U"; time "$@" > /dev/null 2> /dev/null' - "$@" 2> "$folder/time" || status=$?
  printf '%-34s %6s s of computing, status %d\n' "$what" "$(cat "$folder/time")" "$status"
}
measure "compile, with proof" "$ravelin" compile "$folder/many.rav" --backend apparmor --target uml-6.1 -o "$folder/out"
measure "apparmor_parser alone" apparmor_parser --config-file=/dev/null -QTK -o "$folder/binary" "$folder/out/many.apparmor"
