#!/usr/bin/env bash
# Runs the Unity suites of a Linux build and replays the corpus of the fuzz targets; prints what failed and a summary.
# Usage: unit.sh BUILD_DIR [REGULAR_EXPRESSION_OF_NAMES]
set -euo pipefail
ctest --test-dir "$1" --tests-regex "${2:-.}" --output-on-failure --no-tests=error --timeout 120 -j 2 |
    grep -vE '^ +Start|^ *[0-9]+/[0-9]+ Test.*Passed|^$|^Internal|^Test project'
