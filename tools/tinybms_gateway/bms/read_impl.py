"""Registers by number, name or range."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
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

    address: int
    raw: int | float
    register: Register | None
    """None: the table says nothing of this address."""

    @property
    def value(self) -> Decimal | None:
        """In the unit of the register; None: not known."""
        if self.register is None:
            return Decimal(self.raw)
        return table.scaled(self.register, self.raw) if table.is_known(self.register, self.raw) else None

    @property
    def text(self) -> str:
        """The value for people."""
        return str(self.raw) if self.register is None else table.text_of(self.register, self.raw)

    @property
    def name(self) -> str:
        """Empty: it has none."""
        return self.register.name if self.register else ""

    def as_json(self) -> dict[str, Any]:
        """The value for programs; null = not known."""
        return {
            "register": self.address,
            "name": self.name or None,
            "raw": self.raw if math.isfinite(self.raw) else None,
            "value": None if self.value is None else table.json_number(self.value),
            "unit": self.register.unit if self.register else "",
        }


def select(texts: Iterable[str]) -> list[Register | int]:
    """What numbers, names and ranges mean, in the order given: values of the table, or bare addresses.

    Raises:
        ValueError: a name that is not known, or a number or range that makes no sense.
    """
    found: dict[Register | int, None] = {}
    for text in texts:
        if match := re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", text):
            first = int(match[1])
            last = first if match[2] is None else int(match[2])
            if not first <= last <= LAST_ADDRESS:
                raise ValueError(f"register '{text}': there are 0..{LAST_ADDRESS}, and a range is FIRST-LAST")
            for address in range(first, last + 1):
                entries: list[Register | int] = [*table.registers_at(address)]
                found.update(dict.fromkeys(entries or [address]))
        else:
            found[table.register(text)] = None
    return list(found)


def read(client: BmsClient, wanted: list[Register | int]) -> list[Reading]:
    """Read what `select` has found.

    Raises:
        LineError: the BMS does not answer, or will not tell.
    """
    words = client.read_all(span(w) if isinstance(w, Register) else (w, 1) for w in wanted)
    readings = []
    for w in wanted:
        address, count = span(w) if isinstance(w, Register) else (w, 1)
        if address not in words:
            raise LineError(f"the BMS does not tell register {address}: leave it out")
        own = [words[address + i] for i in range(count)]
        readings.append(Reading(address, table.raw_value(w, own), w) if isinstance(w, Register)
                        else Reading(address, own[0], None))  # fmt: skip
    return readings


def dump(client: BmsClient) -> str:
    """All registers of the table and the event log, with the reserved ones between them, as a dump file holds them.

    Raises:
        LineError: the BMS does not answer, or tells nothing.
    """
    events = table.EVENT_REGISTERS
    words = client.read_all([*map(span, table.registers()), *((address, 2) for address in events[::2])])
    if not words:
        raise LineError("the BMS tells no register at all: look with 'bms info'")
    return dump_json(words, f"tinybms-gw {__version__} bms read --all, {datetime.now().astimezone():%Y-%m-%d %H:%M}")
