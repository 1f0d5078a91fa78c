"""What is on the bus at each of its frames, and conditions on it.

A condition names signals of the DBC and what they must be, all at the same time::

    {AlarmHighVoltage: active, CCL: 0, CVL: "<= 54.0", SOC: "10..20", SystemStatus: "!= online"}

A number or a text of the DBC's value tables alone means "equal"; a number may also be a name of the scenario's
`values`. What is not a signal but can also be seen:

- ``age 0x305``: seconds since the last frame of this identifier before the current one,
- ``since Current``: seconds since the last change of this signal,
- ``quiet``: seconds for which the battery had sent nothing before its current frame.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from cantools.database.can import Signal
from numpy.typing import NDArray

from tinybms_gateway.can.database import load_database
from tinybms_gateway.can.decoder import DecodedBlock
from tinybms_gateway.can.protocol import GX_IDS, TEXT_IDS

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Written = Mapping[str, str | int | float]

QUIET = "quiet"
US = 1e6
_WIDEST_BITS = 32

_AGE = re.compile(r"age 0x([0-9A-Fa-f]{3})")
_SINCE = re.compile(r"since (\w+)")
_COMPARISON = re.compile(r"(<=|>=|<|>|!=|=)?\s*(.+)")
_RANGE = re.compile(r"(-?[\w.]+)\.\.(-?[\w.]+)")

_OPERATORS: dict[str, Callable[[Floats, float, float], Booleans]] = {
    "<=": lambda x, value, digit: x <= value + digit / 1000,
    ">=": lambda x, value, digit: x >= value - digit / 1000,
    "<": lambda x, value, digit: x < value - digit / 1000,
    ">": lambda x, value, digit: x > value + digit / 1000,
    "=": lambda x, value, digit: np.abs(x - value) < digit / 2,
    "!=": lambda x, value, digit: np.abs(x - value) >= digit / 2,
}


@lru_cache(maxsize=1)
def _signals() -> dict[str, tuple[int, Signal]]:
    return {
        signal.name: (message.frame_id, signal)
        for message in load_database().messages
        for signal in message.signals
        if message.frame_id not in TEXT_IDS and signal.length <= _WIDEST_BITS
    }


@lru_cache(maxsize=1)
def _ids() -> frozenset[int]:
    return frozenset(message.frame_id for message in load_database().messages)


BATTERY_IDS = _ids() - GX_IDS


def signal_of(name: str) -> tuple[int, Signal]:
    """Identifier and signal by its name in the DBC.

    Raises:
        ValueError: there is no such numeric signal; suggests similar names.
    """
    if name not in _signals():
        like = [known for known in _signals() if known.lower().startswith(name[:3].lower())] or list(_signals())[:8]
        raise ValueError(f"'{name}': not a signal of the DBC; similar ones: {', '.join(like)}, ...")
    return _signals()[name]


def ids_of(key: str) -> frozenset[int]:
    """Identifiers of the frames that can change what a key of a condition stands for."""
    if key == QUIET:
        return BATTERY_IDS
    if match := _AGE.fullmatch(key):
        identifier = int(match[1], 16)
        if identifier not in _ids():
            raise ValueError(f"'{key}': no frame of the protocol has this identifier")
        return frozenset({identifier})
    return frozenset({signal_of(_signal_name(key))[0]})


def _signal_name(key: str) -> str:
    match = _SINCE.fullmatch(key)
    return match[1] if match else key


@dataclass(frozen=True)
class Test:
    """One key of a condition and what it must be."""

    key: str
    text: str
    """For people: ``CVL <= 54 V``."""
    holds: Callable[[Floats], Booleans]


@dataclass(frozen=True)
class Condition:
    """Tests that must hold together."""

    tests: tuple[Test, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """What it looks at."""
        return tuple(test.key for test in self.tests)

    @property
    def text(self) -> str:
        """For people."""
        return ", ".join(test.text for test in self.tests)

    def evaluate(self, events: "Events") -> tuple[Booleans, Booleans]:
        """Where it holds, and where it is known not to hold; at other events, something is not known yet."""
        holds = np.ones(len(events), np.bool_)
        fails = np.zeros(len(events), np.bool_)
        for test in self.tests:
            values = events.values[test.key]
            known = ~np.isnan(values)
            good = test.holds(values) & known
            holds &= good
            fails |= known & ~good
        return holds, fails


def parse_condition(written: Written, names: Mapping[str, float]) -> Condition:
    """Read a condition.

    Args:
        written: key -> what it must be
        names: numbers that have a name

    Raises:
        ValueError: an invalid key or value; says what is allowed.
    """
    return Condition(tuple(_parse(key, value, names) for key, value in written.items()))


def _parse(key: str, value: str | int | float, names: Mapping[str, float]) -> Test:
    ids_of(key)
    is_signal = key in _signals()
    signal = signal_of(key)[1] if is_signal else None
    digit = float(signal.scale) if signal is not None else 0.001
    unit = f" {signal.unit}" if signal is not None and signal.unit else " s" if signal is None else ""
    if isinstance(value, str) and (match := _RANGE.fullmatch(value.strip())):
        low, high = (_number(key, end, signal, names) for end in match.groups())
        at_least, at_most = _OPERATORS[">="], _OPERATORS["<="]
        return Test(
            key, f"{key} {low:g} to {high:g}{unit}", lambda x: at_least(x, low, digit) & at_most(x, high, digit)
        )
    match = _COMPARISON.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"'{key}': its value is missing")
    operator, operand = match[1] or "=", match[2]
    if signal is not None and (choices := _choices(signal)) and operator in ("=", "!=") and not _is_number(operand):
        if operand not in choices:
            raise ValueError(f"'{key}': '{operand}' is not one of {', '.join(choices)}")
        wanted = choices[operand]
        equal = operator == "="
        return Test(key, f"{key} {'' if equal else 'not '}{operand}", lambda x: np.isin(x, wanted) == equal)
    number = _number(key, operand, signal, names)
    compare = _OPERATORS[operator]
    return Test(key, f"{key} {operator} {number:g}{unit}", lambda x: compare(x, number, digit))


def _choices(signal: Signal) -> dict[str, list[int]]:
    """The texts of a two-bit field and the raw values that mean them."""
    texts: dict[str, list[int]] = {}
    if signal.length == 2:
        for raw, text in (signal.choices or {}).items():
            texts.setdefault(str(text), []).append(raw)
    return texts


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).lstrip("+-").isdigit()


def _number(key: str, text: str, signal: Signal | None, names: Mapping[str, float]) -> float:
    if text in names:
        return names[text]
    try:
        number = float(text)
    except ValueError:
        known = f" or one of values: {', '.join(names)}" if names else ""
        raise ValueError(f"'{key}': '{text}' is not a number{known}") from None
    if not np.isfinite(number):
        raise ValueError(f"'{key}': '{text}' is not a number")
    if signal is not None and (choices := _choices(signal)):
        raise ValueError(f"'{key}': is not a number; give one of {', '.join(choices)}")
    return number


@dataclass(frozen=True)
class Events:
    """Frames of a block that matter, and what was on the bus after each of them; NaN: not known yet."""

    time_us: NDArray[np.int64]
    frame: NDArray[np.int64]
    """Index in the capture."""
    id: NDArray[np.uint32]
    values: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.time_us)


def filled(values: Floats, before: float) -> Floats:
    """NaN replaced by the last known value."""
    extended = np.concatenate([[before], values])
    last = np.maximum.accumulate(np.where(np.isnan(extended), 0, np.arange(len(extended))))
    found: Floats = extended[last][1:]
    return found


class Trace:
    """Follows what is on the bus through a capture, block by block."""

    def __init__(self, keys: Iterable[str]) -> None:
        """`keys`: what conditions look at; others need not be followed."""
        self._keys = tuple(dict.fromkeys(keys))
        self._ids = sorted(frozenset().union(*(ids_of(key) for key in self._keys)))
        self._held: dict[str, float] = {}

    def take(self, decoded: DecodedBlock) -> Events:
        """The events of the next block."""
        found = [decoded.frames[identifier].rows for identifier in self._ids if identifier in decoded.frames]
        rows = np.sort(np.concatenate(found)) if found else np.zeros(0, np.intp)
        time_us = decoded.block.time_us[rows]
        ids = decoded.block.id[rows]
        values = {key: self._values(key, decoded, rows, time_us) for key in self._keys}
        return Events(time_us, rows + decoded.block.first, ids, values)

    def _values(self, key: str, decoded: DecodedBlock, rows: NDArray[np.intp], time_us: NDArray[np.int64]) -> Floats:
        if key == QUIET or _AGE.fullmatch(key):
            return self._age(key, decoded, rows, time_us)
        if match := _SINCE.fullmatch(key):
            return self._since(match[1], decoded, rows, time_us)
        at, values = _own(decoded, rows, key)
        return self._hold(key, len(rows), at, values)

    def _hold(self, key: str, count: int, at: NDArray[np.intp], values: Floats) -> Floats:
        """Each value until the next one; across the blocks."""
        new = np.full(count, np.nan)
        new[at] = values
        held = filled(new, self._held.get(key, np.nan))
        if count:
            self._held[key] = float(held[-1])
        return held

    def _age(self, key: str, decoded: DecodedBlock, rows: NDArray[np.intp], time_us: NDArray[np.int64]) -> Floats:
        ids = ids_of(key) & decoded.frames.keys()
        own = np.isin(rows, np.concatenate([decoded.frames[i].rows for i in ids])) if ids else np.zeros(len(rows), bool)
        before = self._held.get(key, np.nan)
        times = time_us.astype(np.float64)
        last = self._hold(key, len(rows), np.flatnonzero(own), times[own])
        age = (times - np.concatenate([[before], last[:-1]])[: len(rows)]) / US
        return np.where(own, age, np.nan) if key == QUIET else age

    def _since(self, name: str, decoded: DecodedBlock, rows: NDArray[np.intp], time_us: NDArray[np.int64]) -> Floats:
        at, values = _own(decoded, rows, name)
        before = self._held.get(f"value {name}", np.nan)
        changed = values != np.concatenate([[before], values[:-1]])[: len(values)]
        if len(values):
            self._held[f"value {name}"] = float(values[-1])
        times = time_us.astype(np.float64)
        began = self._hold(f"since {name}", len(rows), at[changed], times[at[changed]])
        since: Floats = (times - began) / US
        return since


def _own(decoded: DecodedBlock, rows: NDArray[np.intp], name: str) -> tuple[NDArray[np.intp], Floats]:
    """Where among the rows a signal is sent, and its values."""
    identifier, _ = signal_of(name)
    frames = decoded.frames.get(identifier)
    if frames is None:
        return np.zeros(0, np.intp), np.zeros(0)
    return np.searchsorted(rows, frames.rows), frames.physical(name)
