"""When frames come: periods, gaps, floods, order of time, bus load."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from tinybms_gateway.can.bus_load import most_bits
from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.database import load_database
from tinybms_gateway.can.decoder import DecodedBlock
from tinybms_gateway.can.protocol import ALARMS_ID, GX_IDS, LIMITS_ID, LIMITS_LOST_S, NO_TEMPERATURE, SENSOR_TEXT_IDS
from tinybms_gateway.can.verify.rule import KEPT, Rule, Violation
from tinybms_gateway.can.verify.rules.base import (
    OF_THE_CHECK,
    SECOND_US,
    VICTRON,
    WHAT_HAPPENS,
    WHEN,
    Before,
    Gap,
    Index,
    Latest,
    Sessions,
    message_name,
    note,
    note_rows,
    rows_and,
    seconds,
)

MS = 1000
LATE_US = 500 * MS
"""An erase of the flash stops every task of the chip for up to 400 ms; a frame that nobody acknowledged comes again
after 50 ms."""
LATE_SLOW_US = 1000 * MS
"""Likewise, of the frames that nothing depends on: they come again after 500 ms."""
REQUIRED_PERIOD_US = 1000 * MS
URGENT = (LIMITS_ID, ALARMS_ID)
MOST_FRAMES_PER_S = 60
LIMITS_LOST_US = LIMITS_LOST_S * SECOND_US
BUS_LOAD_PERCENT = 30


class TimeOrder(Rule):
    """Looks at the time stamps themselves; all other rules see a clock that stands still where they go back."""

    def __init__(self) -> None:
        super().__init__(
            "time-order",
            "Time stamps do not go backwards; where they do, the other rules see a clock that stands still.",
            OF_THE_CHECK,
        )

    def look(self, block: FrameBlock, steps: NDArray[np.int64]) -> None:
        """Look at the steps of time before each frame of a block."""
        self.checked += len(block)
        rows = np.flatnonzero(steps < 0)
        room = KEPT - len(self.violations)
        self.count += len(rows)
        for row in rows[:room].tolist():
            text = f"{-int(steps[row]) / MS:.3f} ms before the frame before it"
            self.violations.append(Violation(int(block.time_us[row]), block.first + row, text))

    def take(self, decoded: DecodedBlock) -> None:
        """Nothing: see `look`."""


def longest_gap_us(period_us: int) -> int:
    """Longest time from a frame to the next one of its period."""
    return period_us + (LATE_US if period_us <= REQUIRED_PERIOD_US else LATE_SLOW_US)


class Period(Rule):
    """A frame comes again after its period, while the battery sends at all."""

    def __init__(self, identifier: int, period_ms: int, sessions: Sessions) -> None:
        period_us = period_ms * MS
        self._longest_us = longest_gap_us(period_us)
        self._shortest_us = 0 if identifier in URGENT else period_us // 2
        bounds = f"at most {seconds(self._longest_us)} apart"
        if self._shortest_us:
            bounds += f" and at least {seconds(self._shortest_us)}"
        extra = "; extra ones when a limit falls or an alarm changes" if identifier in URGENT else ""
        sentence = f"{message_name(identifier)} comes every {period_ms} ms: {bounds}{extra}."
        super().__init__(f"period-{identifier:03X}", sentence, WHEN)
        self.not_applicable = f"fewer than two 0x{identifier:03X} in the capture"
        self._identifier, self._sessions = identifier, sessions
        self._before, self._no_sensor = Before(), Latest()
        self._last: tuple[int, int] | None = None
        self._no_sensor_us = -LIMITS_LOST_US

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        frames = decoded.frames.get(self._identifier)
        rows, (times,) = rows_and(frames, lambda f: f.time_us)
        excused = self._sensor_was_missing(decoded, rows)
        if frames is None:
            return
        session = self._sessions.numbers(decoded)[rows]
        there, (time_before, session_before) = self._before.of(times, session)
        gaps = times - time_before
        late = (session == session_before) & (gaps > self._longest_us) & (excused < time_before)
        early = gaps < self._shortest_us
        self.checked += int(there.sum())
        note(self, decoded, frames, there & (late | early),
             lambda i: f"{seconds(int(gaps[i]))} after the one before")  # fmt: skip
        self._last = int(times[-1]), int(session[-1])

    @override
    def finish(self, end_us: int) -> None:
        """It may have stopped while others continued."""
        session, battery_us = self._sessions.last
        if self._last is None or battery_us is None or self._last[1] != session:
            return
        missing_us = battery_us - self._last[0]
        if missing_us > self._longest_us and self._no_sensor_us < self._last[0]:
            self.violated(battery_us, None, f"none in the last {seconds(missing_us)} in which others came")

    def _sensor_was_missing(self, decoded: DecodedBlock, rows: Index) -> NDArray[np.int64]:
        """When 0x373 said last that there is no sensor, and some time more; long ago for frames that need none."""
        if self._identifier not in SENSOR_TEXT_IDS:
            return np.full(len(rows), np.iinfo(np.int64).min)
        extremes = decoded.frames.get(0x373)
        source: tuple[Index, tuple[NDArray[np.int64]]] = (np.zeros(0, np.intp), (np.zeros(0, np.int64),))
        if extremes is not None:
            missing = ~extremes.has("CellTemperatureMax")
            missing |= np.isin(extremes.raw("CellTemperatureMax"), NO_TEMPERATURE)
            source = extremes.rows[missing], (extremes.time_us[missing] + LATE_US + 2 * SECOND_US,)
            if missing.any():
                self._no_sensor_us = int(source[1][0][-1])
        there, (until,) = self._no_sensor.at(rows, *source)
        return np.where(there, until, np.iinfo(np.int64).min)


class Dense(Rule):
    """Frames that follow one another take at least some time."""

    def __init__(
        self, id: str, sentence: str, count: int, shortest_us: int, rows: Callable[[DecodedBlock], Index]
    ) -> None:
        """`count` frames, from the first to the last, take at least `shortest_us`; `rows` says which frames count."""
        super().__init__(id, sentence, WHEN)
        self.not_applicable = f"fewer than {count} such frames in the capture"
        self._earlier, self._shortest_us, self._rows = count - 1, shortest_us, rows
        self._times: NDArray[np.int64] = np.zeros(0, np.int64)

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        rows = self._rows(decoded)
        times = np.concatenate([self._times, decoded.block.time_us[rows]])
        taken = times[self._earlier :] - times[: -self._earlier]
        self.checked += len(taken)
        close = np.flatnonzero(taken < self._shortest_us)
        places = close + (self._earlier - len(self._times))
        note_rows(self, decoded, rows[places],
                  lambda i: f"{self._earlier + 1} frames within {taken[close[i]] / MS:.1f} ms")  # fmt: skip
        self._times = times[-self._earlier :]


def _rows_of(identifier: int) -> Callable[[DecodedBlock], Index]:
    return lambda decoded: rows_and(decoded.frames.get(identifier))[0]


class FirstFrame(Rule):
    """The GX hears the limits first."""

    def __init__(self, sessions: Sessions) -> None:
        super().__init__(
            "first-351", "After a silence (more than 3 s without a frame), 0x351 comes first.", WHAT_HAPPENS
        )
        self.not_applicable = "the battery was never silent for more than 3 s"
        self._sessions = sessions

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        rows = self._sessions.begun(decoded)
        self.checked += len(rows)
        bad = rows[decoded.block.id[rows] != 0x351]
        note_rows(self, decoded, bad, lambda i: f"0x{decoded.block.id[bad[i]]:03X} came first")


class BusLoad(Rule):
    """Share of the bus that is in use, by seconds since the first frame."""

    def __init__(self, bitrate: int) -> None:
        super().__init__(
            "bus-load",
            f"The bus load is at most {BUS_LOAD_PERCENT} % in every second, with the most stuff bits possible.",
            OF_THE_CHECK,
        )
        self._bitrate = bitrate
        self._start_us: int | None = None
        self._second = 0
        self._bits = 0
        self.most_bits = 0
        self.all_bits = 0

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        block = decoded.block
        if self._start_us is None:
            self._start_us = int(block.time_us[0])
        which = (block.time_us - self._start_us) // SECOND_US
        extended, remote = (block.flags & Flag.EXTENDED) != 0, (block.flags & Flag.REMOTE) != 0
        bits = most_bits(block.length, extended=extended, remote=remote)
        self.all_bits += int(bits.sum())
        starts = np.flatnonzero(np.diff(which, prepend=which[0] - 1))
        sums = np.add.reduceat(bits, starts)
        whole_seconds = which[starts]
        if int(whole_seconds[0]) == self._second:
            sums[0] += self._bits
        else:
            self._ended(np.array([self._second]), np.array([self._bits]))
        self._ended(whole_seconds[:-1], sums[:-1])
        self._second, self._bits = int(whole_seconds[-1]), int(sums[-1])

    @override
    def finish(self, end_us: int) -> None:
        """The last second counts as a whole one."""
        self._ended(np.array([self._second]), np.array([self._bits]))

    @property
    def most_percent(self) -> float:
        """In the busiest second."""
        return 100 * self.most_bits / self._bitrate

    def _ended(self, which: NDArray[np.int64], bits: NDArray[np.int64]) -> None:
        if len(bits) == 0:
            return
        self.checked += len(bits)
        self.most_bits = max(self.most_bits, int(bits.max()))
        for i in np.flatnonzero(bits * 100 > self._bitrate * BUS_LOAD_PERCENT).tolist():
            start_us = (self._start_us or 0) + int(which[i]) * SECOND_US
            self.violated(start_us, None, f"{100 * bits[i] / self._bitrate:.1f} % in the second from here on")


def rules(sessions: Sessions, bitrate: int) -> list[Rule]:
    """All of them."""
    periods = [
        Period(message.frame_id, message.cycle_time, sessions)
        for message in load_database().messages
        if message.frame_id not in GX_IDS and message.cycle_time
    ]
    return [
        TimeOrder(),
        Gap("limits-3s", "0x351 is never missing for more than 3 s; the GX would stop charging and discharging.",
            VICTRON, LIMITS_ID, 0, LIMITS_LOST_US),
        *periods,
        *(Dense(f"extra-{n:03X}", f"{message_name(n)} comes at most every 50 ms, however urgent: three in a row take "
                                  "100 ms (checked with 50 ms).", 3, 50 * MS, _rows_of(n)) for n in URGENT),
        Dense("burst", "Four frames of the battery in a row take at least 20 ms: only 0x351 and 0x35A come less than "
                       "20 ms after another frame (checked with 15 ms).", 4, 15 * MS, sessions.battery),
        Dense("flood", f"The battery sends at most {MOST_FRAMES_PER_S} frames in any second: the most that its "
                       "periods and extra frames add up to.", MOST_FRAMES_PER_S + 1, SECOND_US, sessions.battery),
        FirstFrame(sessions),
        BusLoad(bitrate),
    ]  # fmt: skip
