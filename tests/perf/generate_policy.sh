#!/bin/bash
# A policy of about so many megabytes, of the statements that policies are made of.
#   generate_policy.sh MEGABYTES > large.rav
awk -v bytes="$(($1 * 1000000))" 'BEGIN {
  print "language 1"; size = 11
  for (p = 0; size < bytes; ++p) {
    text = "policy service_" p " {\n  layers { seccomp + apparmor }\n  use std::base\n  default deny with errno(EPERM)\n"
    for (i = 0; i < 120 && size + length(text) < bytes; ++i) {
      text = text "  allow file { read, getattr } on path(\"/srv/service" p "/data" i "/**\")  // content " i "\n"
      if (i % 4 == 0) text = text "  allow file { create, append } on path(\"/var/log/service" p "/part" i "-*.log\") because \"its own log\"\n"
      if (i % 10 == 0) text = text "  allow syscall ioctl(request in { " (p * 7 + i) ", " (p * 11 + i + 70000) " })\n"
      if (i % 15 == 0) text = text "  allow network { connect } tcp port " (1024 + (p + i) % 60000) "\n"
    }
    text = text "}\n"
    size += length(text)
    printf "%s", text
  }
}'
