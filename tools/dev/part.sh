#!/usr/bin/env bash
# Runs one part of the tests and says how much of its share of the time it took (docs/testing/runs.md). A part that takes more
# does not fail: machines differ, and a person must judge the figures.
# Usage: part.sh NAME SHARE_S COMMAND...
set -euo pipefail
name=$1
share_s=$2
shift 2
SECONDS=0
"$@"
echo "part $name: $SECONDS s of its share of $share_s s"
