"""Registers by number, name or range."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tinybms_gateway import __version__
from tinybms_gateway.bms import table
from tinybms_gateway.bms.client import BmsClient, LineError, span
from tinybms_gateway.bms.dump import dump_json
from tinybms_gateway.bms.table import Register

LAST_ADDRESS = 0xFFFF


@dataclass(frozen=True)
class Reading:
    """One line of what was read."""

    register: Register
    raw: int | float

    @property
    def text(self) -> str:
        """The value for people."""
        return table.text_of(self.register, self.raw)

    def as_json(self) -> dict[str, Any]:
        """The value for programs; null = not known."""
        entry, raw = self.register, self.raw
        return {
            "register": entry.address,
            "name": entry.name or None,
            "raw": raw if math.isfinite(raw) else None,
            "value": table.json_number(table.scaled(entry, raw)) if table.is_known(entry, raw) else None,
            "unit": entry.unit,
        }


def select(texts: Iterable[str]) -> list[Register]:
    """What numbers, names and ranges mean, in the order given; each once.

    Raises:
        ValueError: a name that is not known, or a number or range that makes no sense.
    """
    found: dict[Register, None] = {}
    for text in texts:
        if match := re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", text):
            first = int(match[1])
            last = first if match[2] is None else int(match[2])
            if not first <= last <= LAST_ADDRESS:
                raise ValueError(f"register '{text}': there are 0..{LAST_ADDRESS}, and a range is FIRST-LAST")
            for address in range(first, last + 1):
                found.update(dict.fromkeys(table.registers_at(address) or [table.nameless(address)]))
        else:
            found[table.register(text)] = None
    return list(found)


def read(client: BmsClient, wanted: list[Register]) -> list[Reading]:
    """Read what `select` has found.

    Raises:
        LineError: the BMS does not answer, or will not tell.
    """
    words = client.read_all(map(span, wanted))
    return [Reading(r, table.raw_value(r, [words[r.address + i] for i in range(r.words)])) for r in wanted]


def dump(client: BmsClient) -> str:
    """All registers of the table and the event log, with the reserved ones between them, as a dump file holds them.

    Raises:
        LineError: the BMS does not answer, or tells nothing.
    """
    events = table.EVENT_REGISTERS
    spans = [*map(span, table.registers()), *((address, 2) for address in events[::2])]
    words = client.read_all(spans, leave_out_refused=True)
    if not words:
        raise LineError("the BMS tells no register at all: look with 'bms info'")
    return dump_json(words, f"tinybms-gw {__version__} bms read --all, {datetime.now().astimezone():%Y-%m-%d %H:%M}")
