#!/usr/bin/env bash
# Runs the tests of the packages given with the race detector, and leaves how many there
# were in .cache/test-summary.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p .cache
# gotestsum prints what `go test` prints, at the end what was skipped and why, failures once
# more, and a count.
run() { gotestsum --format standard-quiet --no-color -- "$@" | tee -a .cache/test-output.txt; }

: >.cache/test-output.txt
run -race -timeout 20m "$@"
# Programs built with the race detector lack a kind of connection: see conn_linux.go there.
if go list "$@" | grep '/internal/registry/remote$' >/dev/null; then
  run -timeout 10m ./internal/registry/remote
fi
grep '^DONE' .cache/test-output.txt >.cache/test-summary.txt
