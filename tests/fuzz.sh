#!/usr/bin/env bash
# Runs each fuzz target of the packages given for DURATION: fuzz.sh DURATION PACKAGE...
# How many inputs that were stands in .cache/test-summary.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

duration=$1
shift
mkdir -p .cache
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz runs one target. Go would spend all the time on minimising where inputs are large, and
# try hardly any of them: ten attempts to minimise one are enough. On a busy machine go
# sometimes reports the end of the time as a failure (golang/go#75804): then, and only then,
# it is run again.
fuzz() {
  local dir=$1 target=$2
  for attempt in 1 2 3; do
    echo "fuzzing $target for $duration"
    (cd "$dir" && go test -run '^$' -fuzz "^$target\$" -fuzztime "$duration" -fuzzminimizetime 10x . </dev/null) | tee "$log" && return
    if [ "$attempt" = 3 ] || grep -q 'Failing input' "$log" || ! grep -q 'context deadline exceeded' "$log"; then
      return 1
    fi
  done
}

count=0 inputs=0
while read -r dir files; do
  for file in $files; do
    while read -r target; do
      fuzz "$dir" "$target"
      count=$((count + 1))
      tried=$(sed -n 's/.*execs: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
      inputs=$((inputs + ${tried:-0}))
    done < <(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$dir/$file")
  done
done < <(go list -f '{{.Dir}} {{join .TestGoFiles " "}} {{join .XTestGoFiles " "}}' "$@")
echo "FUZZED $count targets for $duration each, $inputs inputs" | tee -a .cache/test-summary.txt
