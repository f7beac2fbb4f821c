#!/usr/bin/env bash
# Runs the tests of the packages given, and leaves how many there were in .cache/test-summary.txt.
#
# The race detector, which makes programs some five times slower, is where things of ours happen at
# the same time: all that lies beside the code, and the suite that calls the copy engine while
# everything fails, faults. The other suites and the scripts run the program as users have it, built
# once for all of them; what happens at the same time in it is what the detector sees beside the
# code. The tests called TestLarge… read or send as much as a bound allows: with the detector each
# would take half a minute, and run without.
set -euo pipefail
cd "$(dirname "$0")/.."
export TESTED_PGRELOCATE=$PWD/.cache/test-program/pgrelocate
log=.cache/test-suites.json

# build writes the program, and leaves the file alone where nothing has changed: Go takes results
# of earlier runs for those that look at the same file.
build() {
  mkdir -p "${TESTED_PGRELOCATE%/*}"
  CGO_ENABLED=0 go build -buildvcs=false -o "$TESTED_PGRELOCATE.new" ./cmd/pgrelocate
  if cmp -s "$TESTED_PGRELOCATE.new" "$TESTED_PGRELOCATE"; then
    rm "$TESTED_PGRELOCATE.new"
  else
    mv "$TESTED_PGRELOCATE.new" "$TESTED_PGRELOCATE"
  fi
}

# run runs packages, and prints what gotestsum reads. Half of the time goes into linking a program
# for each package: without tables for debuggers, and by Go's own linker, that takes a third less.
run() { go test -json -ldflags='-s -w -linkmode=internal' -timeout 20m "$@"; }

# longest prints the packages given with those first that wait for servers for minutes: at the end
# they would leave the processors idle.
longest() {
  local waiting='/(tests/(cluster|faults|integration)|cmd/pgrelocate|registry/remote)$'
  tr ' ' '\n' <<<"$*" | grep -E "$waiting" || true
  tr ' ' '\n' <<<"$*" | grep -vE "$waiting" || true
}

# all runs both kinds side by side, for suites wait for servers most of the time.
all() {
  local suites ours large status=0
  suites=$(go list "$@" | grep -E '/tests/' | grep -vE '/tests/faults$' || true)
  ours=$(go list "$@" | grep -vxF "${suites:-none}" || true)
  # shellcheck disable=SC2016,SC2086
  large=$(go list -f '{{$p := .}}{{range .TestGoFiles}}{{$p.Dir}}/{{.}} {{end}}{{range .XTestGoFiles}}{{$p.Dir}}/{{.}} {{end}}' ${ours:-none} |
    { xargs -r grep -l '^func TestLarge' || true; } | xargs -rn 1 dirname | sort -u)
  : >"$log"
  # (The words are packages' names.)
  # shellcheck disable=SC2046,SC2086
  if [ -n "$suites" ]; then
    run -p 1 $(longest $suites) >"$log" &
    trap 'kill $! 2>/dev/null || true' EXIT
  fi
  # shellcheck disable=SC2086
  if [ -n "$large" ]; then run -run '^TestLarge' $large || status=1; fi
  # shellcheck disable=SC2046,SC2086
  if [ -n "$ours" ]; then run -race -p 3 -skip '^TestLarge' $(longest $ours) || status=1; fi
  if [ -n "$suites" ]; then wait $! || status=1; fi
  cat "$log"
  return "$status"
}

build
# gotestsum prints what `go test` prints, at the end what was skipped and why, failures once
# more, and a count.
all "$@" | gotestsum --format standard-quiet --no-color --raw-command -- cat | tee .cache/test-output.txt
grep '^DONE' .cache/test-output.txt >.cache/test-summary.txt
