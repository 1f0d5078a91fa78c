"""How 0x351 must react, and how fast its limits may move."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.decoder import DecodedBlock, Frames
from tinybms_gateway.can.verify.rule import KEPT, Rule, Violation
from tinybms_gateway.can.verify.rules.alarms import active, bits_of
from tinybms_gateway.can.verify.rules.base import (
    ALARMS,
    CCL_DCL,
    CVL,
    SECOND_US,
    Before,
    Columns,
    Index,
    Latest,
    Mask,
    Sessions,
    note,
    rows_and,
    seconds,
)

REACTION_US = SECOND_US // 5
"""0x351 and 0x35A go out together, each at most every 50 ms, and again 50 ms after nobody acknowledged one."""
FRESH_US = 2 * SECOND_US
"""An older 0x35A no longer says anything."""
RISE_WAIT_US = 29 * SECOND_US
"""30 s after the last fall, less the time between two snapshots."""
RAMP_US = 32 * SECOND_US
RISE_DA_PER_S = 50
CVL_STEP_US = 19 * SECOND_US
CVL_STEP_DV = 4
"""20 mV for each of at most 16 cells, and a digit of rounding."""
CVL_FALL_DV_PER_S = 2
OFFLINE = np.uint64(1 << 63)
"""Stands for the status "offline" beside the alarm bits."""
INTERNAL_WARNING = bits_of("Warning", "BmsInternal")

Sides = tuple[str, ...]


def _events(frames: Frames) -> NDArray[np.uint64]:
    events: NDArray[np.uint64] = active(frames.data)
    events[frames.raw("SystemStatus") == 1] |= OFFLINE
    return events


class Reaction(Rule):
    """When a field becomes active, limits become 0."""

    def __init__(self, id: str, what: str, source: str, field: np.uint64, limits: Sides, sessions: Sessions, *,
                 any_of: bool = False) -> None:  # fmt: skip
        which = (" or " if any_of else " and ").join(limits)
        super().__init__(id, f"{what}: {which} 0 within {REACTION_US // 1000} ms.", source)
        self.not_applicable = "it never became active in the capture"
        self._field, self._limits, self._any, self._which = field, limits, any_of, which
        self._sessions = sessions
        self._before, self._latest = Before(), Latest()
        self._waiting: list[tuple[int, int, str]] = []
        self.longest_us: int | None = None
        """Longest time that it took, of those within the bound."""

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        alarms, limits = decoded.frames.get(0x35A), decoded.frames.get(0x351)
        edges = self._edges(decoded, alarms)
        rows, columns = rows_and(limits, self._zero, *(_current(name) for name in self._limits))
        there, (zero, *amperes) = self._latest.at(edges, rows, columns)
        self.checked += len(edges)
        already = there & (zero != 0)
        if already.any():
            self._took(0)
        times = decoded.block.time_us
        for i in np.flatnonzero(~already).tolist():
            row = int(edges[i])
            said = [f"{name} {values[i] / 10:.1f} A" for name, values in zip(self._limits, amperes, strict=True)]
            self._waiting.append(
                (decoded.block.first + row, int(times[row]), ", ".join(said) if there[i] else "not known")
            )
        if self._waiting:
            limit_times = limits.time_us if limits is not None else times[:0]
            self._settle(rows + decoded.block.first, limit_times, columns[0] != 0, int(times[-1]))

    def finish(self, end_us: int) -> None:
        """What still waits is late, or the capture ends too soon."""
        for number, time_us, said in self._waiting:
            if end_us - time_us > REACTION_US:
                self._failed(number, time_us, said)
            else:
                self.checked -= 1
        self._waiting.clear()

    def _edges(self, decoded: DecodedBlock, alarms: Frames | None) -> Index:
        if alarms is None:
            return np.zeros(0, np.intp)
        now = (_events(alarms) & self._field) != 0
        session = self._sessions.numbers(decoded)[alarms.rows]
        there, (before, session_before) = self._before.of(now, session)
        edges: Index = alarms.rows[there & (session == session_before) & now & ~before]
        return edges

    def _zero(self, limits: Frames) -> NDArray[np.int64]:
        values = np.stack([limits.raw(name) <= 0 for name in self._limits])
        zero: NDArray[np.int64] = np.asarray(values.any(axis=0) if self._any else values.all(axis=0), np.int64)
        return zero

    def _settle(self, numbers: Index, times: NDArray[np.int64], zero: Mask, end_us: int) -> None:
        """Each one that waits ends with the next 0x351 whose limits are 0, or when it is too late for one.

        Args:
            numbers: of the frames 0x351 of a block
            times: theirs
            zero: whether their limits are 0
            end_us: time of the last frame of the block
        """
        starts = np.array([number for number, _, _ in self._waiting])
        zeros = np.flatnonzero(zero)
        places = np.searchsorted(numbers[zeros], starts)
        left = []
        for place, (number, time_us, said) in zip(places.tolist(), self._waiting, strict=True):
            came_us = int(times[zeros[place]]) if place < len(zeros) else None
            if came_us is not None and came_us - time_us <= REACTION_US:
                self._took(came_us - time_us)
            elif end_us - time_us > REACTION_US:
                self._failed(number, time_us, said)
            else:
                left.append((number, time_us, said))
        self._waiting = left

    def _took(self, time_us: int) -> None:
        self.longest_us = max(self.longest_us or 0, time_us)

    def _failed(self, number: int, time_us: int, said: str) -> None:
        text = f"{self._which} not 0 within {REACTION_US // 1000} ms; before: {said}"
        self.count += 1
        if len(self.violations) < KEPT:
            self.violations.append(Violation(time_us, number, text))


class Held(Rule):
    """While a field is active, limits are 0."""

    def __init__(self, id: str, sentence: str, source: str, field: np.uint64, limits: Sides, *,
                 any_of: bool = False) -> None:  # fmt: skip
        super().__init__(id, sentence, source)
        self.not_applicable = "it was not active for long enough in the capture"
        self._field, self._limits, self._any = field, limits, any_of
        self._before, self._latest = Before(), Latest()
        self._since_us = 0

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        alarms, limits = decoded.frames.get(0x35A), decoded.frames.get(0x351)
        rows, columns = rows_and(limits, *(_current(name) for name in self._limits))
        there, (now, since_us, time_us) = self._latest.at(rows, *self._active(alarms))
        if limits is None:
            return
        there &= (now != 0) & (limits.time_us - since_us > REACTION_US) & (limits.time_us - time_us < FRESH_US)
        self.checked += int(there.sum())
        above = np.stack([column > 0 for column in columns])
        bad = there & (above.all(axis=0) if self._any else above.any(axis=0))
        note(self, decoded, limits, bad, lambda i: ", ".join(
            f"{name} {column[i] / 10:.1f} A" for name, column in zip(self._limits, columns, strict=True)))  # fmt: skip

    def _active(self, alarms: Frames | None) -> tuple[Index, Columns]:
        """Whether the field is active in each 0x35A, since when, and the time of the frame."""
        if alarms is None:
            return rows_and(None, _current(""), _current(""), _current(""))
        now = (_events(alarms) & self._field) != 0
        there, (before,) = self._before.of(now)
        begins = now & (~before | ~there)
        since = np.maximum.accumulate(np.where(begins, alarms.time_us, self._since_us))
        self._since_us = int(since[-1])
        return alarms.rows, (now.astype(np.int64), since, alarms.time_us)


class CurrentRise(Rule):
    """A current limit comes back late and slowly."""

    def __init__(self, name: str, sessions: Sessions, *, rate: bool) -> None:
        what = "rises by at most 5 A/s" if rate else "rises at the earliest 30 s after its last fall"
        super().__init__(
            f"{name.lower()}-rise-{'rate' if rate else 'wait'}",
            f"{name} {what}; not checked in the first 32 s after a start or a silence, while it is ramped up.",
            CCL_DCL,
        )
        self.not_applicable = "no two 0x351 outside a start"
        self._name, self._sessions, self._rate = name, sessions, rate
        self._before, self._internal = Before(), Latest()
        self._fall_us = -RISE_WAIT_US

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        limits = decoded.frames.get(0x351)
        rows, (value,) = rows_and(limits, _current(self._name))
        there, (internal_us,) = self._internal.at(rows, *self._silences(decoded.frames.get(0x35A)))
        if limits is None:
            return
        times = limits.time_us
        had, (before, time_before) = self._before.of(value, times)
        began_us = np.maximum(self._sessions.starts(decoded, rows), np.where(there, internal_us, np.iinfo("i8").min))
        applies = had & (times - began_us > RAMP_US)
        self.checked += int(applies.sum())
        falls = np.where(had & (value < before), times, self._fall_us)
        last_fall = np.maximum.accumulate(falls)
        self._fall_us = int(last_fall[-1])
        rise, elapsed = value - before, times - time_before
        if self._rate:
            bad = rise * SECOND_US > RISE_DA_PER_S * (elapsed + SECOND_US) + SECOND_US
        else:
            bad = (rise > 0) & (times - last_fall < RISE_WAIT_US)
        note(self, decoded, limits, applies & bad, lambda i: (
            f"{self._name} from {before[i] / 10:.1f} to {value[i] / 10:.1f} A in {seconds(int(elapsed[i]))}"
            + ("" if self._rate else f", {seconds(int(times[i] - last_fall[i]))} after the last fall")))  # fmt: skip

    @staticmethod
    def _silences(alarms: Frames | None) -> tuple[Index, tuple[NDArray[np.int64]]]:
        """When the warning "BMS internal" was active: after a silence of the BMS the limits are ramped up."""
        if alarms is None:
            return np.zeros(0, np.intp), (np.zeros(0, np.int64),)
        silent = (active(alarms.data) & INTERNAL_WARNING) != 0
        return alarms.rows[silent], (alarms.time_us[silent],)


@dataclass(frozen=True)
class Moves:
    """From each 0x351 to the next."""

    times: NDArray[np.int64]
    elapsed: NDArray[np.int64]
    rise: NDArray[np.int64]
    """Of CVL, 0.1 V; 0 for the first frame."""
    ccl: NDArray[np.int64]


class CvlMove(Rule):
    """How CVL moves from one 0x351 to the next."""

    def __init__(self, id: str, sentence: str, sessions: Sessions) -> None:
        super().__init__(id, sentence, CVL)
        self.not_applicable = "no two 0x351 to compare"
        self._sessions = sessions
        self._before = Before()
        self._raised_us: int | None = None

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        limits = decoded.frames.get(0x351)
        if limits is None:
            return
        cvl, session = limits.raw("CVL"), self._sessions.numbers(decoded)[limits.rows]
        times = limits.time_us
        there, (cvl_before, time_before, session_before) = self._before.of(cvl, times, session)
        there &= session == session_before
        bad = there & self._bad(Moves(times, times - time_before, cvl - cvl_before, limits.raw("CCL")))
        self.checked += int(there.sum())
        note(self, decoded, limits, bad, lambda i: (
            f"CVL from {cvl_before[i] / 10:.1f} to {cvl[i] / 10:.1f} V in {seconds(int(times[i] - time_before[i]))}"
        ))  # fmt: skip

    def _bad(self, move: Moves) -> Mask:
        raise NotImplementedError


class CvlStep(CvlMove):
    """CVL comes back in small steps."""

    def _bad(self, move: Moves) -> Mask:
        found: Mask = move.rise > CVL_STEP_DV
        return found


class CvlPause(CvlMove):
    """CVL comes back slowly."""

    def _bad(self, move: Moves) -> Mask:
        long_ago = np.iinfo(np.int64).min // 2
        raised = np.where(move.rise > 0, move.times, long_ago)
        head = np.int64(long_ago if self._raised_us is None else self._raised_us)
        last_rise = np.maximum.accumulate(np.concatenate([[head], raised]))
        self._raised_us = int(last_rise[-1])
        found: Mask = (move.rise > 0) & (move.times - last_rise[:-1] < CVL_STEP_US)
        return found


class CvlInhibited(CvlMove):
    """CVL does not come back while charging is inhibited."""

    def _bad(self, move: Moves) -> Mask:
        found: Mask = (move.rise > 0) & (move.ccl <= 0)
        return found


class CvlFall(CvlMove):
    """CVL goes down slowly while charging is allowed."""

    def _bad(self, move: Moves) -> Mask:
        found: Mask = (move.ccl > 0) & (
            -move.rise * SECOND_US > CVL_FALL_DV_PER_S * (move.elapsed + SECOND_US) + SECOND_US
        )
        return found


def _current(name: str) -> Callable[[Frames], NDArray[np.int64]]:
    return lambda frames: frames.raw(name)


def reactions(sessions: Sessions) -> list[Reaction]:
    """The rules that measure a reaction time."""
    both = ("CCL", "DCL")
    table: list[tuple[str, str, Sides]] = [
        ("HighVoltage", "A cell is at its upper cutoff", ("CCL",)),
        ("LowVoltage", "A cell is at its lower cutoff", ("DCL",)),
        ("HighTemperature", "A sensor is at its cutoff", both),
        ("LowTemperature", "The BMS reports that it is too cold", both),
        ("HighTemperatureCharge", "A sensor is at its cutoff while charging", ("CCL",)),
        ("LowTemperatureCharge", "A sensor is at its lower cutoff while charging", ("CCL",)),
        ("BmsInternal", "The BMS has a fault of its own", both),
    ]
    found = [
        Reaction(f"react-{_dashed(name)}", f"{why} (Alarm{name})", CCL_DCL, bits_of("Alarm", name), limits, sessions)
        for name, why, limits in table
    ]
    found.append(
        Reaction("react-offline", "A fault or no data from the BMS (status offline)", ALARMS, OFFLINE, both, sessions,
                 any_of=True)
    )  # fmt: skip
    return found


def _dashed(name: str) -> str:
    return "".join("-" + c.lower() if c.isupper() else c for c in name)[1:]


def rules(sessions: Sessions) -> list[Rule]:
    """All of them."""
    both = ("CCL", "DCL")
    return [
        *reactions(sessions),
        Held("hold-bms-internal", "While the alarm 'BMS internal' is active, CCL and DCL are 0.", ALARMS,
             bits_of("Alarm", "BmsInternal"), both),
        Held("hold-low-temperature", "While the low temperature alarm is active, CCL and DCL are 0.", ALARMS,
             bits_of("Alarm", "LowTemperature"), both),
        Held("hold-offline", "While the status is offline, CCL or DCL is 0.", ALARMS, OFFLINE, both, any_of=True),
        *(CurrentRise(name, sessions, rate=rate) for name in both for rate in (False, True)),
        CvlPause("cvl-rise-pause", "CVL is raised at most every 20 s (checked with 19 s).", sessions),
        CvlStep("cvl-rise-step", "CVL is raised by at most 20 mV per cell: by 0.4 V with 16 cells, rounded.", sessions),
        CvlInhibited("cvl-inhibited", "CVL does not rise while CCL is 0: charging is inhibited.", sessions),
        CvlFall("cvl-fall", "CVL falls by at most 0.2 V/s while CCL is above 0.", sessions),
    ]  # fmt: skip
