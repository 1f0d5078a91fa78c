"""The tables of registers, relations and events of this package, made by `tinybms-gw bms registers --write`."""

import difflib
import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

TABLE_PATH = Path(__file__).with_name("tinybms_registers.json")
EVENT_REGISTERS = range(200, 298)
"""49 events of two registers; not values, so not in the table."""

UNKNOWN_RAW = {
    "cell_voltage_min": 0,
    "cell_voltage_max": 0,
    "temperature_external_1": -32768,
    "temperature_external_2": -32768,
    "state_of_health": 0,
    "cells_detected": 0,
    "peak_discharge_current_cutoff": 0,
    "state_of_health_set": 0xFFFF,
    "state_of_charge_set": 0xFFFF,
} | {f"cell_voltage_{i}": 0 for i in range(16)}
"""What a register reads when it has no value."""

STATUS_TEXT = {
    0x91: "charging",
    0x92: "fully charged",
    0x93: "discharging",
    0x96: "regeneration",
    0x97: "idle",
    0x9B: "fault",
}


@dataclass(frozen=True)
class Register:
    """One value of the TinyBMS."""

    address: int
    """First register; a value of two registers has its low word there."""
    type: str
    mask: int
    """Bits of the register that hold the value."""
    access: str
    loosens: str
    """Which change loosens a protection and so must be confirmed: never, up, down or any."""
    name: str
    unit: str
    """Of the raw value times the scale."""
    scale: float
    minimum: int | None
    """Raw values that may be written; None: no range is known."""
    maximum: int | None
    description: str

    @property
    def words(self) -> int:
        """Registers that it takes up."""
        return 2 if self.type in ("u32", "float32") else 1

    @property
    def is_part(self) -> bool:
        """Other values share its register."""
        return self.mask != 0xFFFF

    @property
    def step(self) -> Decimal:
        """The scale, exactly."""
        return Decimal(repr(self.scale)).normalize()


@dataclass(frozen=True)
class Relation:
    """A relation between two settings, by their names: lower + apart <= upper, in raw values."""

    lower: str
    upper: str
    apart: int
    refused: bool
    """A write that breaks it is refused; otherwise it must be confirmed."""


@dataclass(frozen=True)
class EventKind:
    """The meaning of an event."""

    id: int
    kind: str
    """fault, warning or information."""
    text: str


@lru_cache(maxsize=1)
def registers() -> tuple[Register, ...]:
    """All registers, in order of addresses."""
    return tuple(Register(**entry) for entry in _document()["registers"])


@lru_cache(maxsize=1)
def relations() -> tuple[Relation, ...]:
    """Relations between settings; first those whose breach is refused."""
    return tuple(Relation(**entry) for entry in _document()["relations"])


@lru_cache(maxsize=1)
def event_kinds() -> dict[int, EventKind]:
    """Event id -> its meaning."""
    return {entry["id"]: EventKind(**entry) for entry in _document()["events"]}


def register(name: str) -> Register:
    """The register with a name.

    Raises:
        ValueError: there is none; suggests similar names.
    """
    by_name = {r.name: r for r in registers()}
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name, by_name, n=3)
    hint = f"did you mean {' or '.join(near)}" if near else "'tinybms-gw bms registers' lists them"
    raise ValueError(f"register '{name}': not known; {hint}")


def registers_at(address: int) -> list[Register]:
    """Values that an address holds, or holds a part of."""
    return [r for r in registers() if r.address <= address < r.address + r.words]


def nameless(address: int) -> Register:
    """A register that is not in the table."""
    return Register(address, "u16", 0xFFFF, "read", "never", "", "", 1, None, None, "")


def raw_value(register: Register, words: Sequence[int]) -> int | float:
    """The number that registers hold.

    Args:
        register: entry of the table
        words: its one or two registers, low word first
    """
    if register.type == "float32":
        return float(struct.unpack("<f", struct.pack("<HH", *words))[0])
    if register.type == "u32":
        return words[0] | words[1] << 16
    part = (words[0] & register.mask) >> _shift(register)
    sign = 1 << (register.mask.bit_count() - 1)
    return part - 2 * sign if register.type.startswith("i") and part & sign else part


def merged(register: Register, words: Sequence[int], raw: int) -> list[int]:
    """The words to write: a new value in its place, the rest as it was read."""
    if register.words == 2:
        return [raw & 0xFFFF, raw >> 16]
    return [words[0] & ~register.mask & 0xFFFF | raw << _shift(register) & register.mask]


def is_known(register: Register, raw: int | float) -> bool:
    """Whether a raw value means something: a number, not the code for "none", and in the range of the setting."""
    return (
        math.isfinite(raw)
        and raw != UNKNOWN_RAW.get(register.name)
        and (register.minimum is None or register.minimum <= raw)
        and (register.maximum is None or raw <= register.maximum)
    )


def scaled(register: Register, raw: int | float) -> Decimal:
    """A finite raw value in the unit of the register."""
    return Decimal(f"{raw:.3f}") if register.type == "float32" else Decimal(raw) * register.step


def with_unit(value: Decimal | str, unit: str) -> str:
    """A value for people."""
    text = value if isinstance(value, str) else f"{value:f}"
    return f"{text} {unit}".rstrip()


def text_of(register: Register, raw: int | float) -> str:
    """A raw value for people; an unknown one says so, with what the register reads."""
    if is_known(register, raw):
        return with_unit(scaled(register, raw), register.unit)
    return f"unknown (reads {raw:g})" if isinstance(raw, float) else f"unknown (reads {raw})"


def json_number(value: Decimal) -> int | float:
    """A value for JSON."""
    return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)


def range_text(register: Register) -> str:
    """What may be written, in the unit of the value."""
    if register.minimum is None or register.maximum is None:
        return "-"
    return f"{register.minimum * register.scale:g}..{register.maximum * register.scale:g}"


def _shift(register: Register) -> int:
    return (register.mask & -register.mask).bit_length() - 1


@lru_cache(maxsize=1)
def _document() -> dict[str, list[dict[str, Any]]]:
    return dict(json.loads(TABLE_PATH.read_bytes()))


def duration(seconds: int) -> str:
    """A number of seconds for people: days, hours, minutes, seconds."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days} d {hour:02}:{minute:02}:{second:02}"
