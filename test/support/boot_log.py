"""What the log of a start says, in the words of ESP-IDF v5.5 and of the gateway."""

import csv
import re
from pathlib import Path

ERROR = re.compile(r"^(?:\x1b\[[\d;]*m)?E \(\d+\) .*$", re.MULTILINE)


def errors(log: str) -> list[str]:
    """Lines at the level error."""
    return ERROR.findall(log)


def boot_reason(log: str) -> str:
    """Of the last start in the log; opening a serial port may have caused one more."""
    return str(re.findall(r"boot reason: ([\w ]+)", log)[-1]).strip()


def project_name(log: str) -> str:
    """As the chip's start-up code tells it."""
    found = re.findall(r"app_init: Project name: +([\w-]+)", log)
    return str(found[-1]) if found else ""


def printed_partitions(log: str) -> dict[str, int]:
    """Label and offset of each line in the bootloader's table."""
    lines = re.findall(r"boot: +\d+ (\w+) +.* [0-9a-f]{2} [0-9a-f]{2} ([0-9a-f]{8}) [0-9a-f]{8}", log)
    return {label: int(offset, 16) for label, offset in lines}


def partitions_of(table: Path) -> dict[str, int]:
    """Label and offset of each partition of a CSV table."""
    lines = [line for line in table.read_text().splitlines() if line and not line.startswith("#")]
    return {row[0].strip(): int(row[3], 16) for row in csv.reader(lines)}
