"""``tinybms-gw bms read``: registers by number, name or range."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any

import click

from tinybms_gateway.bms import table
from tinybms_gateway.bms.client import BmsClient, LineError, span
from tinybms_gateway.bms.options import OpenBms, known_registers, on_line
from tinybms_gateway.bms.table import Register
from tinybms_gateway.command_line import UsageProblem, lazy_imports, print_json
from tinybms_gateway.completion import completer
from tinybms_gateway.terminal import print_table

with lazy_imports():
    from tinybms_gateway.bms import dump

LAST_ADDRESS = 0xFFFF
RANGES = {"min": 1, "max": 2, "default": 3}
"""What the BMS tells of its settings, by the option of the command."""


@dataclass(frozen=True)
class Reading:
    """One line of what was read."""

    register: Register
    raw: int | float
    ranges: dict[str, int | float | None] = field(default_factory=dict)
    """Least, greatest and default raw value by the BMS itself; None: not a setting. Empty: not asked for."""

    @property
    def text(self) -> str:
        """The value for people."""
        return table.text_of(self.register, self.raw)

    def as_json(self) -> dict[str, Any]:
        """The value for programs; null = unknown."""
        entry, raw = self.register, self.raw
        return {
            "register": entry.address,
            "name": entry.name or None,
            "raw": raw if math.isfinite(raw) else None,
            "value": table.json_number(table.scaled(entry, raw)) if table.is_known(entry, raw) else None,
            "unit": entry.unit,
        } | {
            name: None if value is None else table.json_number(table.scaled(entry, value))
            for name, value in self.ranges.items()
        }

    @property
    def range_texts(self) -> list[str]:
        """Least, greatest and default value for people."""
        return [
            "-" if value is None else table.with_unit(table.scaled(self.register, value), self.register.unit)
            for value in self.ranges.values()
        ]


def select(texts: Iterable[str]) -> list[Register]:
    """The registers that numbers, names and ranges mean, in the order given, each once.

    Raises:
        ValueError: an unknown name, or an invalid number or range.
    """
    found: dict[Register, None] = {}
    for text in texts:
        if match := re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", text):
            first = int(match[1])
            last = first if match[2] is None else int(match[2])
            if not first <= last <= LAST_ADDRESS:
                raise ValueError(f"register '{text}': give 0..{LAST_ADDRESS}, or a range FIRST-LAST")
            for address in range(first, last + 1):
                found.update(dict.fromkeys(table.registers_at(address) or [table.nameless(address)]))
        else:
            found[table.register(text)] = None
    return list(found)


def read(client: BmsClient, wanted: list[Register], *, with_ranges: bool = False) -> list[Reading]:
    """Read what `select` has found, and what the BMS itself allows.

    Raises:
        LineError: the BMS does not answer, or refuses.
    """
    words = client.read_all(map(span, wanted))
    ranges = {name: client.settings_values(option) for name, option in RANGES.items()} if with_ranges else {}
    return [
        Reading(r, _raw(r, words), {name: _raw(r, w) if r.address in w else None for name, w in ranges.items()})
        for r in wanted
    ]


def _raw(register: Register, words: dict[int, int]) -> int | float:
    return table.raw_value(register, [words[register.address + i] for i in range(register.words)])


def whole_dump(client: BmsClient) -> str:
    """All registers of the table and the event log, with the reserved ones between them, as a dump file holds them.

    Raises:
        LineError: the BMS does not answer, or refuses every register.
    """
    events = table.EVENT_REGISTERS
    spans = [*map(span, table.registers()), *((address, 2) for address in events[::2])]
    words = client.read_all(spans, leave_out_refused=True)
    if not words:
        raise LineError("the BMS refuses to read any register; try 'bms info'")
    source = f"tinybms-gw {version('tinybms-gateway')} bms read --all, {datetime.now().astimezone():%Y-%m-%d %H:%M}"
    return dump.dump_json(words, source)


@click.command("read")
@on_line
@click.argument("registers", nargs=-1, metavar="[REGISTER|NAME|FIRST-LAST]...",
                shell_complete=completer(known_registers))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON; null = unknown.")
@click.option("--ranges", is_flag=True, help="Also show the BMS's own minimum, maximum and default (300-343).")
@click.option("--all", "everything", is_flag=True, help="Print a dump of all registers, for 'sim bms --dump'.")
def read_command(bms: OpenBms, registers: tuple[str, ...], as_json: bool, ranges: bool, everything: bool) -> None:
    """Read registers by number, name or range.

    'tinybms-gw bms registers' lists the names.

    \b
    Examples:
      tinybms-gw bms read --port /dev/ttyUSB0 300 over_voltage_cutoff 36-39
      tinybms-gw bms read --port /dev/ttyUSB0 300-343 --json
      tinybms-gw bms read --port /dev/ttyUSB0 315-318 --ranges
      tinybms-gw bms read --port /dev/ttyUSB0 --all > my_pack.json
    """
    if everything == bool(registers) or (everything and ranges):
        raise UsageProblem("give the registers to read, such as 300 or pack_voltage, or --all alone")
    wanted = select(registers)
    with bms() as client:
        if everything:
            click.echo(whole_dump(client))
            return
        readings = read(client, wanted, with_ranges=ranges)
    if as_json:
        print_json([reading.as_json() for reading in readings])
        return
    rows = [
        [str(r.register.address), r.register.name, r.text, str(r.raw), *r.range_texts, r.register.description]
        for r in readings
    ]
    print_table("register", "name", "value", "raw", *(RANGES if ranges else ()), "meaning", rows=rows)
