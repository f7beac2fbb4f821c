#!/usr/bin/env bash
# Runs the tests of the packages given with the race detector, and leaves how many there
# were in .cache/test-summary.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p .cache
# gotestsum prints what `go test` prints, at the end what was skipped and why, failures once
# more, and a count.
gotestsum --format standard-quiet --no-color -- -race -timeout 20m "$@" | tee .cache/test-output.txt
grep '^DONE' .cache/test-output.txt >.cache/test-summary.txt
