"""The boot log of a chip is read as ESP-IDF v5.5 writes it, with and without colours and carriage returns."""

from pathlib import Path

import pytest

from boot_log import boot_reason, errors, partitions_of, printed_partitions, project_name

TABLE = """I (58) boot: Partition Table:
I (60) boot: ## Label            Usage          Type ST Offset   Length
I (67) boot:  0 nvs              WiFi data        01 02 00009000 0000c000
I (74) boot:  1 otadata          OTA data         01 00 00015000 00002000
I (81) boot:  2 phy_init         RF data          01 01 00017000 00001000
I (88) boot:  3 ota_0            OTA app          00 10 00020000 00180000
I (95) boot:  4 ota_1            OTA app          00 11 001a0000 00180000
I (101) boot:  5 web_0            Unknown data     01 82 00320000 00030000
I (108) boot:  6 web_1            Unknown data     01 82 00350000 00030000
I (115) boot:  7 history          Unknown data     01 06 00380000 00040000
I (122) boot:  8 coredump         Unknown data     01 03 003c0000 00010000
I (129) boot:  9 energy           Unknown data     01 06 003d0000 00002000
I (136) boot: End of partition table
"""
START = """I (270) app_init: Application information:
I (274) app_init: Project name:     tinybms-web-gateway
I (279) app_init: App version:      0.1.0
I (330) main: TinyBMS Web Gateway 0.1.0
I (338) diagnostics: boot reason: power on
W (340) energy: no saved counters: they begin at 0
"""


def coloured(log: str) -> str:
    return "".join(f"\x1b[0;32m{line}\x1b[0m\n" for line in log.splitlines())


@pytest.mark.parametrize("log", [TABLE + START, coloured(TABLE + START)], ids=["plain", "coloured"])
def test_partitions_project_and_reason_are_found(root: Path, log: str) -> None:
    assert printed_partitions(log) == partitions_of(root / "partitions.csv")
    assert project_name(log) == "tinybms-web-gateway"
    assert boot_reason(log) == "power on"
    assert errors(log) == []


def test_a_partition_that_is_elsewhere_or_missing_shows(root: Path) -> None:
    expected = partitions_of(root / "partitions.csv")
    assert printed_partitions(TABLE.replace("003d0000", "003e0000")) != expected
    assert printed_partitions(TABLE.replace("energy  ", "energies")) != expected
    assert printed_partitions("") == {}
    assert project_name("") == ""


def test_the_reason_of_the_last_start_counts() -> None:
    assert boot_reason(START + START.replace("power on", "task watchdog")) == "task watchdog"


def test_lines_at_the_level_error_are_found_whatever_their_colour() -> None:
    line = "E (412) can_victron: no CAN node"
    assert errors(START + line + "\n") == [line]
    assert len(errors(coloured(START + line))) == 1
