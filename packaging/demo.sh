#!/bin/bash
# The main job on real input: a container runtime's default profile becomes a proven filter that holds a real process.
# Called by `./dev demo` from the project's root, after the build.
set -euo pipefail
cd "$(dirname "$0")/.."
ravelin=$PWD/build/ravelin
work=$PWD/build/demo
cache=$PWD/build/deps

give_up() { printf 'demo: inconclusive: %s\n' "$*" >&2; exit 3; }
step() { printf '\n$ %s\n' "$*"; }

# The profile, out of Debian's source package of the runtime; unpacked, never installed.
profile() { # package, path in it
  local package=$1 path=$2 folder=$cache/$1
  if [[ ! -f $folder/$path ]]; then
    mkdir -p "$folder"
    (cd "$folder" && apt-get download "$package" > download.log 2>&1) || return 1
    dpkg-deb -x "$folder"/"$package"_*.deb "$folder"
    rm -f "$folder"/*.deb
  fi
  [[ -f $folder/$path ]] && cp "$folder/$path" "$work/default.json"
}

mkdir -p "$work"
cd "$work"
gocode=usr/share/gocode/src/github.com
if profile golang-github-docker-docker-dev $gocode/docker/docker/profiles/seccomp/default.json; then
  say="Docker's default seccomp profile"
elif profile golang-github-containers-common-dev $gocode/containers/common/pkg/seccomp/seccomp.json; then
  say="Podman's default seccomp profile"
else
  give_up "no profile: apt-get cannot download golang-github-docker-docker-dev (see build/deps/*/download.log)"
fi

printf '%s: %s rules of JSON, no proof, no reasons.\n' "$say" "$(grep -c '"action"' default.json)"

step ravelin import oci-seccomp default.json -o default.rav
"$ravelin" import oci-seccomp default.json -o default.rav 2> import.log || { cat import.log >&2; exit 1; }
{ grep -E 'warning|repaired' import.log || true; } | sed 's/^default.json://' | sed -n 1,2p
grep -nE '^  default|^  deny|^  allow syscall clone\(' default.rav | cut -c1-110

step ravelin compile default.rav --cost -o default
"$ravelin" compile default.rav --cost -o default 2>&1 | grep -vE '^wrote|^ +(10 )?\||^   help|longest path|calls permitted|cached by|that the kernel runs|instructions from the load|runtime profile' | cut -c1-110
sed -n 's/^ *"sha256": "\(.\{16\}\).*/\1/p' default/manifest.json | tail -1 | sed 's/^/  manifest.json holds the proof and the hash: sha256 /; s/$/.../'

# The same policy with names for what is to be shown: an allowed call runs, a denied one says why.
step "ravelin run default.rav -- sh -c 'echo an allowed call writes this'"
status=0
"$ravelin" run default.rav -- sh -c 'echo an allowed call writes this' 2> run.log || status=$?
if [[ $status == 3 ]] && grep -q "this kernel does not let a process install a filter" run.log; then give_up "$(cat run.log)"; fi
[[ $status == 0 ]] || { cat run.log >&2; echo "demo: the allowed call was not allowed" >&2; exit 1; }

step "ravelin run --trace-denials default.rav -- unshare --user true"
status=0
"$ravelin" run --trace-denials default.rav -- unshare --user true 2>&1 | sed 's/\[[0-9]*\]/[PID]/' || status=$?
[[ $status != 0 ]] || { echo "demo: the denied call was not denied" >&2; exit 1; }

# One policy, three mechanisms: what each keeps of it, and the proofs.
cp ../../policies/apps/redis.rav redis.rav
step ravelin gap redis.rav --target debian12
"$ravelin" gap redis.rav --target debian12 > gap.txt 2>&1 || { cat gap.txt >&2; exit 1; }
printf '  %-16s%-22s%-10s%-10s%s\n' rule '' seccomp apparmor selinux
grep -E ' redis.rav:[0-9]+:3 ' gap.txt | sed -n 6,7p | sed -E 's/ {2,}/|/g' | awk -F '|' '{ printf "  %-16s%-22s%-10s%-10s%s\n", $2, $3, $4, $5, $6 }'
step ravelin compile redis.rav --target debian12 -o redis
status=0
"$ravelin" compile redis.rav --target debian12 -o redis > redis.log 2>&1 || status=$?
if [[ $status == 3 ]]; then give_up "$(cat redis.log)"; fi
[[ $status == 0 ]] || { cat redis.log >&2; exit 1; }
grep -E '^(policy|SELinux|AppArmor)' redis.log | cut -c1-150
(cd redis && ls | xargs)

# Learned from nothing, and enforced for real: guest kernels boot, a small web server runs in them and is recorded, what it did becomes
# a policy, and the policy holds while it runs again.  The server has a hole, and the policy stands in front of what lies behind it.
cat > web.scenario <<'SCENARIO'
file /srv/demo/serve.pl <<END
use Socket;
socket(my $server, PF_INET, SOCK_STREAM, 0) or die;
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1) or die;
bind($server, sockaddr_in(8080, INADDR_LOOPBACK)) or die;
listen($server, 5) or die;
while (accept(my $client, $server)) {
  my $name = "";
  while (my $line = <$client>) {
    $name = $1 if $line =~ m{^GET /(\S+)};
    last if $line =~ /^\r?$/;
  }
  if (open(my $file, "<", "/srv/demo/$name")) {  # whatever the name is
    print $client "HTTP/1.0 200 OK\r\n\r\n", <$file>;
  } else {
    print $client "HTTP/1.0 404 Not Found\r\n\r\n";
  }
  close $client;
}
END
file /srv/demo/index.html <<END
hello
END
file /srv/demo/style.css <<END
body { color: black }
END
start perl /srv/demo/serve.pl
wait port 8080
client for page in index.html style.css; do bash -c "exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /$page HTTP/1.0\r\n\r\n' >&3; cat <&3"; done
stop TERM
SCENARIO
sed 's|index.html style.css; do|../../etc/shadow; do|' web.scenario > attack.scenario
cp ../../policies/learned.accept learned.accept
step ravelin learn --verify --scenario web.scenario --accept learned.accept -o web.rav
status=0
"$ravelin" learn --verify --scenario web.scenario --accept learned.accept -o web.rav > learn.txt 2> learn.log || status=$?
if [[ $status == 3 || ! -s learn.txt ]]; then give_up "$(cat learn.log learn.txt 2> /dev/null | tail -3)"; fi
grep -E '^verdict' learn.txt
[[ $status == 0 ]] || { cat learn.log learn.txt >&2; echo "demo: what was learned does not hold" >&2; exit 1; }
grep -hE '/srv/demo/\*:|bind port|^  network.* bind ' web.rav | cut -c1-120

step ravelin verify web.rav --scenario attack.scenario
status=0
"$ravelin" verify web.rav --scenario attack.scenario -o attack.txt > attack.log 2>&1 || status=$?
if [[ $status == 3 || ! -s attack.txt ]]; then give_up "$(cat attack.log attack.txt 2> /dev/null | tail -3)"; fi
sed -E 's/\r//g; s/(Linux 6\.1)\.[0-9]+/\1/; s/ in [0-9.]+ s$//; s/\[[0-9]+\]/[PID]/; /^  at /d; s/^    the output of sh differs.*(line 1 is .*)/    \1/' attack.txt
[[ $status == 1 ]] || { echo "demo: what the policy refuses was permitted" >&2; exit 1; }

cat <<'END'

Try next:
  build/ravelin compile build/demo/default.rav --emit listing -o -   # every instruction with the line that it comes from
  build/ravelin check policies/apps                                  # ten applications, one folder, one report
  build/ravelin run --trace-denials build/demo/default.rav -- bash   # a shell under the policy
END
