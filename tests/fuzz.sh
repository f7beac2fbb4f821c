#!/usr/bin/env bash
# Runs each fuzz target of the packages given for DURATION: fuzz.sh DURATION PACKAGE...
set -euo pipefail
cd "$(dirname "$0")/.."

duration=$1
shift
mkdir -p .cache
count=0
while read -r dir files; do
  for file in $files; do
    while read -r target; do
      echo "fuzzing $target for $duration"
      (cd "$dir" && go test -run '^$' -fuzz "^$target\$" -fuzztime "$duration" . </dev/null)
      count=$((count + 1))
    done < <(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$dir/$file")
  done
done < <(go list -f '{{.Dir}} {{join .TestGoFiles " "}} {{join .XTestGoFiles " "}}' "$@")
echo "FUZZED $count targets for $duration each" | tee -a .cache/test-summary.txt
