#!/usr/bin/env bash
# Configures and builds the Linux build; prints only what failed.
# Usage: build.sh BUILD_DIR [CMAKE_OPTION...]
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        echo "failed: $*" >&2
        exit 1
    fi
}
if [ ! -f "$dir/build.ninja" ]; then
    echo "building in $dir" >&2
    quietly cmake -S host -B "$dir" -G Ninja -DTINYBMS_PYTHON="$PWD/.venv/bin/python" -DBUILD_TESTING=ON "$@"
fi
quietly cmake --build "$dir"
