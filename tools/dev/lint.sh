#!/usr/bin/env bash
# All checks of style and of mistakes that need no run. Usage: lint.sh BUILD_DIR (with compile_commands.json)
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
bin=.venv/bin
mapfile -t c_files < <(git ls-files -co --exclude-standard '*.c' '*.h' | grep -v '/generated/')
mapfile -t c_sources < <(printf '%s\n' "${c_files[@]}" | grep -E '^(components|main|host)/.*\.c$')
# What people wrote in English: not data, corpora, generated code, or the French pages.
mapfile -t english_files < <(git ls-files -co --exclude-standard |
    grep -vE '\.fr\.md$|\.(log|dbc|bin)$|/generated/|^test/(data|fuzz/corpus|fuzz/regressions)/|^tools/dev/(words|phrases)\.txt$')
mapfile -t shell_files < <(git ls-files -co --exclude-standard '*.sh' .ci/run)

step() {
    local name=$1
    shift
    local log
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        echo "lint: $name ok"
        rm -f "$log"
    else
        cat "$log" >&2
        rm -f "$log"
        echo "lint: $name failed" >&2
        exit 1
    fi
}

step ruff "$bin/ruff" check .
step ruff-format "$bin/ruff" format --check .
step mypy "$bin/mypy"
step mypy-scripts "$bin/mypy" idf_ext.py host/cmake/config_symbols.py
step secrets env PATH="$PWD/$bin:$PATH" tools/dev/secrets.sh
# Not those in host/: they declare symbols of ESP-IDF, which have no common prefix.
step kconfig "$bin/python" -m kconfcheck components/*/Kconfig
without_phrases() { ! grep -nE -f tools/dev/phrases.txt "$@"; }
step phrases without_phrases "${english_files[@]}"
step spelling "$bin/codespell" -D - -D tools/dev/words.txt "${english_files[@]}"
step shell bash -n "${shell_files[@]}"
step clang-format "$bin/clang-format" --dry-run -Werror "${c_files[@]}"
step cppcheck cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
    --error-exitcode=1 --suppress=missingIncludeSystem --suppress=missingInclude -j 2 \
    -i components/victron_pgn/generated components main host
step clang-tidy xargs -P 2 -n 4 clang-tidy -p "$build" --quiet --warnings-as-errors='*' \
    < <(printf '%s\n' "${c_sources[@]}")
