#!/usr/bin/env bash
# Refuses passwords, tokens and private keys in the files of the current git checkout that git tracks or would track.
# Looks for names, not for entropy: test vectors are full of hexadecimal digits. The tool detect-secrets is on PATH.
set -euo pipefail
mapfile -t files < <(git ls-files -co --exclude-standard)
detect-secrets-hook --disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString "${files[@]}"
