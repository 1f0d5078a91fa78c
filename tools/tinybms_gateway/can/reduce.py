"""Courses of values reduced to what a picture can show, while a capture of any length streams past."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLUMNS = 4096
"""Pieces of time that are kept: more than a picture has pixels side by side. Even."""
FINEST_US = 1000
MOST_SPANS = 20_000


@dataclass(frozen=True)
class Course:
    """A value over time: the extremes of each piece of time in which it occurred."""

    time_us: NDArray[np.int64]
    """First time in each piece, ascending."""
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    piece_us: int
    """Length of the pieces."""


class Extremes:
    """Keeps the extremes of a value in pieces of time that grow with the capture: no peak is lost, memory stays."""

    def __init__(self, pieces: int = COLUMNS) -> None:
        """`pieces`: most of them; even."""
        self._pieces = pieces
        self._piece_us = FINEST_US
        self._time = np.full(pieces, np.iinfo(np.int64).max)
        self._low = np.full(pieces, np.inf)
        self._high = np.full(pieces, -np.inf)

    def take(self, time_us: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Add values.

        Args:
            time_us: since the start of the picture; what is before it counts as at its start
            values: NaN: none
        """
        there = ~np.isnan(values)
        times, found = np.maximum(time_us[there], 0), values[there]
        if not len(times):
            return
        while int(times.max()) // self._piece_us >= self._pieces:
            self._double()
        pieces = times // self._piece_us
        np.minimum.at(self._time, pieces, times)
        np.minimum.at(self._low, pieces, found)
        np.maximum.at(self._high, pieces, found)

    def course(self) -> Course:
        """What there is."""
        there = np.flatnonzero(self._low <= self._high)
        return Course(self._time[there], self._low[there], self._high[there], self._piece_us)

    def _double(self) -> None:
        self._piece_us *= 2
        for values, merge, nothing in (
            (self._time, np.minimum, np.iinfo(np.int64).max),
            (self._low, np.minimum, np.inf),
            (self._high, np.maximum, -np.inf),
        ):
            values[: self._pieces // 2] = merge(values[0::2], values[1::2])
            values[self._pieces // 2 :] = nothing


class Gaps:
    """Times without a frame that should keep coming."""

    def __init__(self, limit_us: int) -> None:
        """Begin.

        Args:
            limit_us: longest time that is not a gap
        """
        self.seen = False
        """A frame came at all."""
        self.count = 0
        self.spans: list[tuple[int, int]] = []
        """From, to, in microseconds; neighbours that a picture cannot tell apart are one."""
        self._limit_us = limit_us
        self._last = 0

    def take(self, time_us: NDArray[np.int64]) -> None:
        """Frames came at these times, since the start of the picture."""
        self.seen = True
        times = np.maximum.accumulate(np.concatenate([[self._last], time_us]))
        self._last = int(times[-1])
        for i in np.flatnonzero(np.diff(times) > self._limit_us).tolist():
            self._add(int(times[i]), int(times[i + 1]))

    def finish(self, end_us: int) -> None:
        """The picture ends."""
        if end_us - self._last > self._limit_us:
            self._add(self._last, end_us)

    def _add(self, begin: int, end: int) -> None:
        self.count += 1
        self.spans.append((begin, end))
        if len(self.spans) > MOST_SPANS:
            self.spans = merged(self.spans, end // COLUMNS)


def merged(spans: list[tuple[int, int]], closer_us: int) -> list[tuple[int, int]]:
    """Spans in order; those closer to one another than this are merged."""
    out: list[tuple[int, int]] = []
    for begin, end in spans:
        if out and begin - out[-1][1] <= closer_us:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((begin, end))
    return out


def spans_where(course: Course, hold_us: int, end_us: int) -> list[tuple[int, int]]:
    """When a state was there, for a course of 1 (there) and 0 (not).

    Args:
        course: the state, once a frame
        hold_us: longest time that a frame holds when none follows
        end_us: end of the picture
    """
    ends = np.append(course.time_us[1:], end_us)
    ends = np.minimum(ends, course.time_us + max(hold_us, course.piece_us))
    there = np.flatnonzero(course.high > 0)
    return merged(list(zip(course.time_us[there].tolist(), ends[there].tolist(), strict=True)), 0)
