"""What the rules are made of: sources, checks of single frames, memory across blocks, sessions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.can.database import load_database
from tinybms_gateway.can.decoder import DecodedBlock, Frames
from tinybms_gateway.can.protocol import GX_IDS
from tinybms_gateway.can.verify.rule import KEPT, Rule, Violation

VICTRON = "Victron, CAN-bus BMS Protocol, 2021-04-17"
FRAMES = "docs/pgn_conversions.md, Frames"
ALARMS = "docs/pgn_conversions.md, Alarms (0x35A)"
WHEN = "docs/pgn_conversions.md, When frames are sent"
CVL = "docs/charge_control.md, CVL"
CCL_DCL = "docs/charge_control.md, CCL and DCL"
WHAT_HAPPENS = "docs/what_happens_when.md"
LAYOUT = "docs/reference/victron_pgn_signal_summary.md"
OF_THE_CHECK = "docs/testing/rules.md, Bounds of the check"

SECOND_US = 1_000_000
SILENCE_US = 3 * SECOND_US
"""After a longer gap between frames of the battery, a new session begins."""

Mask = NDArray[np.bool_]
Index = NDArray[np.intp]
Columns = tuple[NDArray[Any], ...]


def message_name(identifier: int) -> str:
    """Name and id of a frame, for people."""
    return f"0x{identifier:03X} {load_database().get_message_by_frame_id(identifier).name}"


def seconds(time_us: int) -> str:
    """A duration for people: ``1.234 s``."""
    return f"{time_us / SECOND_US:.3f} s"


def note(rule: Rule, decoded: DecodedBlock, frames: Frames, bad: Mask, tell: Callable[[int], str]) -> None:
    """Note a violation for each frame of a mask; only those kept are put into words."""
    note_rows(rule, decoded, frames.rows[bad], lambda i: tell(int(np.flatnonzero(bad)[i])))


def note_rows(rule: Rule, decoded: DecodedBlock, rows: Index, tell: Callable[[int], str]) -> None:
    """Note a violation for each of some rows of the block, in their order."""
    room = KEPT - len(rule.violations)
    rule.count += len(rows)
    for i, row in enumerate(rows[:room].tolist()):
        rule.violations.append(Violation(int(decoded.block.time_us[row]), decoded.block.first + row, tell(i)))


class FrameRule(Rule):
    """A rule about each frame of one identifier, or of several, by itself."""

    def __init__(
        self,
        id: str,
        sentence: str,
        source: str,
        identifiers: int | Sequence[int],
        bad: Callable[[Frames], Mask],
        tell: Callable[[Frames, int], str],
        applies: Callable[[Frames], Mask] | None = None,
    ) -> None:
        super().__init__(id, sentence, source)
        self.identifiers = (identifiers,) if isinstance(identifiers, int) else tuple(identifiers)
        self.not_applicable = f"no {' or '.join(f'0x{n:03X}' for n in self.identifiers)} to which it applies"
        self._bad, self._tell, self._applies = bad, tell, applies

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        found: list[tuple[Frames, Index]] = []
        for identifier in self.identifiers:
            if (frames := decoded.frames.get(identifier)) is None:
                continue
            bad = self._bad(frames)
            if self._applies:
                applies = self._applies(frames)
                bad &= applies
                self.checked += int(applies.sum())
            else:
                self.checked += len(bad)
            found.append((frames, np.flatnonzero(bad)))
        self.count += sum(len(places) for _, places in found)
        first = [(int(f.rows[i]), f, i) for f, places in found for i in places[:KEPT].tolist()]
        for row, frames, i in sorted(first, key=lambda place: place[0])[: KEPT - len(self.violations)]:
            number = decoded.block.first + row
            self.violations.append(Violation(int(frames.time_us[i]), number, self._tell(frames, i)))


class Before:
    """The frame before each one, across blocks."""

    def __init__(self) -> None:
        self._last: tuple[Any, ...] | None = None

    def of(self, *columns: NDArray[Any]) -> tuple[Mask, Columns]:
        """Each column one place later, and whether there is a frame before."""
        count = len(columns[0])
        there = np.ones(count, np.bool_)
        if count == 0:
            return there, columns
        there[0] = self._last is not None
        last = self._last or tuple(column[0] for column in columns)
        before = tuple(
            np.concatenate([np.array([old], column.dtype), column[:-1]])
            for old, column in zip(last, columns, strict=True)
        )
        self._last = tuple(column[-1] for column in columns)
        return there, before


class Gap(Rule):
    """How far apart two frames of one identifier are, and how far the last one is from the end of the capture."""

    def __init__(self, id: str, sentence: str, source: str, identifier: int, shortest_us: int, longest_us: int,
                 up_to_us: int | None = None) -> None:  # fmt: skip
        """Another rule covers gaps longer than `up_to_us`, including the one to the end of the capture."""
        super().__init__(id, sentence, source)
        self.not_applicable = f"no 0x{identifier:03X} in the capture"
        self._identifier, self._shortest_us, self._longest_us = identifier, shortest_us, longest_us
        self._up_to_us = up_to_us
        self._before = Before()
        self._last_us: int | None = None

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        frames = decoded.frames.get(self._identifier)
        if frames is None:
            return
        there, (before,) = self._before.of(frames.time_us)
        gaps = frames.time_us - before
        bad = there & ((gaps < self._shortest_us) | (gaps > self._longest_us))
        if self._up_to_us is not None:
            bad &= gaps <= self._up_to_us
        self.checked += int(there.sum())
        note(self, decoded, frames, bad, lambda i: f"{seconds(int(gaps[i]))} after the one before")
        self._last_us = int(frames.time_us[-1])

    def finish(self, end_us: int) -> None:
        """It may have stopped."""
        if self._up_to_us is None and self._last_us is not None and end_us - self._last_us > self._longest_us:
            self.violated(end_us, None, f"none in the last {seconds(end_us - self._last_us)} of the capture")


class Latest:
    """The newest frame of one kind at the moment of frames of another kind, across blocks."""

    def __init__(self) -> None:
        self._last: tuple[Any, ...] | None = None

    def at(self, rows: Index, source_rows: Index, columns: Columns) -> tuple[Mask, Columns]:
        """What the columns of the source said at the rows.

        Returns:
            Whether there was any source frame before, and the columns; where there was none, they mean nothing.
        """
        if len(source_rows) == 0:  # of which not even the types of the columns are known
            there = np.full(len(rows), self._last is not None)
            return there, tuple(np.full(len(rows), old) for old in self._last or (0,) * len(columns))
        place = np.searchsorted(source_rows, rows)
        head = self._last or tuple(column[0] for column in columns)
        there = (place > 0) | (self._last is not None)
        values = tuple(
            np.concatenate([np.array([old], column.dtype), column])[place]
            for old, column in zip(head, columns, strict=True)
        )
        self._last = tuple(column[-1] for column in columns)
        return there, values


def rows_and(frames: Frames | None, *columns: Callable[[Frames], NDArray[Any]]) -> tuple[Index, Columns]:
    """Rows and columns of frames that may be missing in a block."""
    if frames is None:
        return np.zeros(0, np.intp), tuple(np.zeros(0, np.int64) for _ in columns)
    return frames.rows, tuple(column(frames) for column in columns)


class Clock:
    """Time that never goes back: where the time stamps do, it stands still and goes on from there."""

    def __init__(self) -> None:
        self._stamp: int | None = None
        self._offset = 0

    def steps(self, block: FrameBlock) -> NDArray[np.int64]:
        """From each frame's predecessor to it, as the stamps are; the very first one is 0."""
        first = int(block.time_us[0]) if self._stamp is None else self._stamp
        self._stamp = int(block.time_us[-1])
        return np.diff(block.time_us, prepend=np.int64(first))

    def times(self, block: FrameBlock, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """The times of a block's frames, from its steps."""
        back = np.minimum(steps, 0)
        if not back.any():
            return block.time_us + np.int64(self._offset) if self._offset else block.time_us
        offsets = self._offset - np.cumsum(back)
        self._offset = int(offsets[-1])
        times: NDArray[np.int64] = block.time_us + offsets
        return times


class Sessions:
    """Where the battery sends without a pause of more than `SILENCE_US`. Shared by the rules;
    worked out once a block.
    """

    def __init__(self) -> None:
        self._block: DecodedBlock | None = None
        self._last_us: int | None = None
        self._number = 0
        self._start_us = 0
        self._numbers: NDArray[np.int64] = np.zeros(0, np.int64)
        self._starts: NDArray[np.int64] = np.zeros(0, np.int64)
        self._rows: Index = np.zeros(0, np.intp)
        self._begun: Index = np.zeros(0, np.intp)
        self._first = 0

    def numbers(self, decoded: DecodedBlock) -> NDArray[np.int64]:
        """Number of the session, from 0, of each row of the block."""
        self._look_at(decoded)
        return self._numbers

    def battery(self, decoded: DecodedBlock) -> Index:
        """Rows of the battery's frames."""
        self._look_at(decoded)
        return self._rows

    def begun(self, decoded: DecodedBlock) -> Index:
        """Rows of the first frames after a silence."""
        self._look_at(decoded)
        return self._begun

    @property
    def last(self) -> tuple[int, int | None]:
        """Number of the newest session, and the time of the battery's newest frame."""
        return self._number, self._last_us

    def starts(self, decoded: DecodedBlock, rows: Index) -> NDArray[np.int64]:
        """When the sessions of some rows began."""
        numbers = self.numbers(decoded)[rows]
        found: NDArray[np.int64] = self._starts[numbers - self._first]
        return found

    def _look_at(self, decoded: DecodedBlock) -> None:
        if decoded is self._block:
            return
        self._block, self._first = decoded, self._number
        battery = np.zeros(len(decoded.block), np.bool_)
        for identifier, frames in decoded.frames.items():
            if identifier not in GX_IDS:
                battery[frames.rows] = True
        rows = np.flatnonzero(battery)
        times = decoded.block.time_us[rows]
        started = np.zeros(len(battery), np.int64)
        self._rows, self._begun = rows, rows[:0]
        if len(rows):
            if self._last_us is None:
                self._start_us = int(times[0])
            new = np.diff(times, prepend=times[0] if self._last_us is None else self._last_us) > SILENCE_US
            self._begun = rows[new]
            started[self._begun] = 1
            self._starts = np.concatenate([[self._start_us], times[new]])
            self._start_us = int(self._starts[-1])
            self._last_us = int(times[-1])
        else:
            self._starts = np.array([self._start_us], np.int64)
        self._numbers = self._number + np.cumsum(started)
        self._number = int(self._numbers[-1])
