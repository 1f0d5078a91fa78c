"""The table of settings, as the program prints it."""

import csv
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tinybms_gateway.gateway_process import PROGRAM


@dataclass(frozen=True)
class Row:
    """A number as --settings lists it."""

    low: int
    high: int
    step: int
    zero: bool

    def allows(self, number: int) -> bool:
        return (number == 0 and self.zero) or (self.low <= number <= self.high and number % self.step == 0)


def number_rows(build: Path) -> dict[str, Row]:
    """All numbers, by their keys."""
    ended = subprocess.run([build / PROGRAM, "--settings"], capture_output=True, text=True, check=True)
    found = {}
    for row in csv.DictReader(ended.stdout.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["unit"]:
            match = re.fullmatch(r"(\d+)\.\.(\d+)(?: in steps of (\d+))?(, or 0 = .+)?", row["range"])
            assert match, row
            found[row["key"]] = Row(int(match[1]), int(match[2]), int(match[3] or 1), match[4] is not None)
    return found


def number_ranges(build: Path) -> dict[str, tuple[int, int]]:
    """Least and greatest number of each, by their keys; that 0 may be allowed too is left out."""
    return {key: (row.low, row.high) for key, row in number_rows(build).items()}
