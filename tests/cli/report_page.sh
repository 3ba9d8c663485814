#!/bin/bash
# The page of `ravelin report` in a real browser: nothing is fetched, a phone shows it whole, the keyboard reaches the evidence.
# usage: report_page.sh [RAVELIN]; 77 where there is no browser.
set -euo pipefail
ravelin=${1:-build/ravelin}
for tool in chromedriver chromium curl; do
  command -v "$tool" > /dev/null || { echo "$tool is not installed"; exit 77; }
done
folder=$(mktemp -d)
driver=
trap '[[ -z $driver ]] || kill "$driver" 2> /dev/null; rm -rf "$folder"' EXIT

for run in 1 2 3; do
  {
    echo '7 execve("/usr/bin/tool", ["tool"], 0x7ffe /* 3 vars */) = 0'
    for file in a b "long-name-of-a-file-that-no-narrow-screen-can-show-on-one-line-of-its-own-$run"; do
      echo "7 openat(AT_FDCWD, \"/srv/data/$file\", O_RDONLY|O_CLOEXEC) = 3"
      echo "7 newfstatat(3, \"\", {st_mode=S_IFREG|0644}, AT_EMPTY_PATH) = 0"
    done
    echo '7 exit_group(0) = ?'
  } > "$folder/$run.log"
done
"$ravelin" import events "$folder"/[123].log -o "$folder/run.rec"
"$ravelin" report "$folder/run.rec" -o "$folder/page.html" --root "$folder"

chromedriver --port=0 > "$folder/driver.log" 2>&1 &
driver=$!
port=
for _ in $(seq 100); do
  port=$(sed -n 's/.*started successfully on port \([0-9]*\).*/\1/p' "$folder/driver.log")
  [[ -z $port ]] || break
  sleep 0.1
done
[[ -n $port ]] || { echo "chromedriver does not start: $(head -1 "$folder/driver.log")"; exit 77; }

ask() { # method, path, body
  curl -sS -X "$1" "http://127.0.0.1:$port$2" -H 'Content-Type: application/json' ${3:+--data "$3"}
}
answer=$(ask POST /session '{"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=390,844"], "mobileEmulation": {"deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 2}}}}}}')
session=$(sed -n 's/.*"sessionId":"\([^"]*\)".*/\1/p' <<< "$answer")
[[ -n $session ]] || { echo "the browser does not start: $answer"; exit 77; }
ask POST "/session/$session/url" "{\"url\": \"file://$folder/page.html\"}" > /dev/null

run() { ask POST "/session/$session/execute/sync" "{\"script\": \"return String($1)\", \"args\": []}" | sed -n 's/.*"value":"\(.*\)"}$/\1/p'; }
press() { ask POST "/session/$session/actions" "{\"actions\": [{\"type\": \"key\", \"id\": \"keys\", \"actions\": [{\"type\": \"keyDown\", \"value\": \"$1\"}, {\"type\": \"keyUp\", \"value\": \"$1\"}]}]}" > /dev/null; }
failures=0
is() { # what, script, wanted
  local got
  got=$(run "$2")
  [[ $got == "$3" ]] || { echo "FAILED: $1: $got, not $3"; failures=$((failures + 1)); }
}

is "the page has its heading" "document.querySelectorAll('h1').length" 1
is "nothing is fetched" "performance.getEntriesByType('resource').length" 0
is "a phone shows it without scrolling sideways" "document.documentElement.scrollWidth <= window.innerWidth" true
is "every link of the navigation leads somewhere" "[...document.querySelectorAll('nav a')].every(a => document.querySelector(a.getAttribute('href')))" true
is "the curve is drawn" "document.querySelectorAll('svg polyline').length > 1" true
is "whatever scrolls by itself can be reached by keyboard" "[...document.querySelectorAll('.scroll')].every(e => e.tabIndex === 0)" true
is "text is not too small" "[...document.querySelectorAll('main *')].filter(e => e.firstChild && e.firstChild.nodeType === 3 && !e.closest('svg')).every(e => parseFloat(getComputedStyle(e).fontSize) >= 12)" true
# From the first key on: the way past the navigation, then on to the evidence of a rule.
press '\uE004'
is "the first stop leads past the navigation" "document.activeElement.className" skip
for _ in $(seq 400); do
  [[ $(run "document.activeElement.tagName + !!document.activeElement.closest('.rule')") == SUMMARYtrue ]] && break
  press '\uE004'
done
is "the keyboard reaches a rule" "document.activeElement.tagName + !!document.activeElement.closest('.rule')" SUMMARYtrue
is "its evidence is closed" "document.activeElement.parentElement.open" false
press '\uE007'
is "and opens" "document.activeElement.parentElement.open" true
is "and is seen" "document.activeElement.parentElement.querySelector('li, p').getClientRects().length > 0" true
ask DELETE "/session/$session" > /dev/null
[[ $failures == 0 ]] && echo "the page stands in $(chromium --version 2> /dev/null | head -1)"
exit $((failures > 0))
