#!/usr/bin/env bash
# Makes sure that the named tools are there; installs the Debian packages of the missing ones if allowed to.
# Usage: packages.sh TOOL...   names of commands, or of what has() and package_of() know
set -euo pipefail

has() {
    case "$1" in
        python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        libclang-rt-14-dev) compgen -G '/usr/lib/llvm-14/lib/clang/14*/lib/linux/libclang_rt.fuzzer-x86_64.a' >/dev/null ;;
        picolibc-riscv64) [ -f /usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs ] ;;
        libhttp-parser-dev) [ -f /usr/include/http_parser.h ] ;;
        libmbedtls-dev) [ -f /usr/include/mbedtls/md.h ] ;;
        mosquitto | nginx) PATH=$PATH:/usr/sbin command -v "$1" >/dev/null ;;  # not on everybody's PATH
        *) command -v "$1" >/dev/null ;;
    esac
}

package_of() {
    case "$1" in
        gcc | make) echo build-essential ;;
        ninja) echo ninja-build ;;
        riscv64-unknown-elf-gcc) echo gcc-riscv64-unknown-elf ;;
        picolibc-riscv64) echo picolibc-riscv64-unknown-elf ;;
        xtensa-lx106-elf-gcc) echo gcc-xtensa-lx106 ;;
        qemu-system-riscv32) echo qemu-system-misc ;;
        *) echo "$1" ;;
    esac
}

missing=()
for tool in "$@"; do
    has "$tool" || missing+=("$(package_of "$tool")")
done
[ ${#missing[@]} -eq 0 ] && exit 0

command -v apt-get >/dev/null || {
    echo "missing: ${missing[*]} (names of Debian packages). Install them, then run make again." >&2
    exit 1
}
if [ "$(id -u)" -eq 0 ]; then
    as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo)
else
    echo "missing Debian packages. Run: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "installing Debian packages: ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -qq &&
       "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "apt-get could not install: ${missing[*]}" >&2
    exit 1
fi
