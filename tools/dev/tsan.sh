#!/usr/bin/env bash
# Runs the Unity suites in which tasks meet, and the integration tests that make the tasks and backends meet in ways of
# their own, against a build with ThreadSanitizer.
# A race ends the program with a report and exit status 66, which fails the test. Usage: tsan.sh BUILD_DIR PYTEST...
set -euo pipefail
cd "$(dirname "$0")/../.."
export TINYBMS_BUILD_DIR=$1
shift
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
# ThreadSanitizer of gcc 12 cannot use every address at which the kernel may put a program or the stack of a thread.
run=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
    run=(setarch "$(uname -m)" -R)
fi
"${run[@]}" tools/dev/unit.sh "$TINYBMS_BUILD_DIR" 'host_|access_storage|can_victron|event_bus|overdue|uart_bms|log_ring|system_status|energy_store|settings_(live|storage)|work|fuzz_can_receive|fuzz_web_(request|socket)'
"${run[@]}" "$@" test/integration/test_{bad_line,boot_loop,can_bus,energy,serial_line,slcan,uptime,web_access,web_bms,web_requests,web_settings,web_sockets}.py
