#!/usr/bin/env bash
# Runs pytest against a build with sanitizers. Usage: pytest_sanitized.sh BUILD_DIR PYTEST...
# The pure components are loaded into Python itself, so the sanitizer's runtime has to be there first; Python's own
# allocations are not ours to check for leaks. The gateway is a process of its own and is checked for leaks.
set -euo pipefail
cd "$(dirname "$0")/../.."
export TINYBMS_BUILD_DIR=$1
shift
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
    ASAN_OPTIONS=detect_leaks=0:halt_on_error=1 "$@" -n 2 --dist loadfile test/pure test/system/test_one_day.py
# The stacks of a program with sanitizers say nothing of those of the chip.
ASAN_OPTIONS=detect_leaks=1:halt_on_error=1 "$@" -n 6 --dist worksteal test/integration --ignore=test/integration/test_web_stacks.py
