"""The boot log of a chip is read as ESP-IDF v5.5 writes it, with and without colours and carriage returns."""

import pytest

from support.fixtures.boot_log import boot_reason, errors, project_name

START = """I (270) app_init: Application information:
I (274) app_init: Project name:     tinybms-web-gateway
I (279) app_init: App version:      0.1.0
I (330) main: TinyBMS Web Gateway 0.1.0
I (338) diagnostics: boot reason: power on
W (340) energy: no saved counters; starting at 0
"""


def coloured(log: str) -> str:
    return "".join(f"\x1b[0;32m{line}\x1b[0m\n" for line in log.splitlines())


@pytest.mark.parametrize("log", [START, coloured(START)], ids=["plain", "coloured"])
def test_project_and_reason_are_found(log: str) -> None:
    assert project_name(log) == "tinybms-web-gateway"
    assert boot_reason(log) == "power on"
    assert errors(log) == []
    assert project_name("") == ""


def test_the_reason_of_the_last_start_counts() -> None:
    assert boot_reason(START + START.replace("power on", "task watchdog")) == "task watchdog"


def test_lines_at_the_level_error_are_found_whatever_their_colour() -> None:
    line = "E (412) can_victron: no CAN node"
    assert errors(START + line + "\n") == [line]
    assert len(errors(coloured(START + line))) == 1
