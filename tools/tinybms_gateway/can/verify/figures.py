"""Figures of a capture besides the rules, and the course of the battery for the picture in the report."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.decoder import DecodedBlock, Frames
from tinybms_gateway.can.reduce import Extremes
from tinybms_gateway.can.verify.rules.alarms import BITS, active
from tinybms_gateway.can.verify.rules.base import Before

COURSES = {0x351: ("CVL", "CCL", "DCL"), 0x355: ("SOC",), 0x356: ("Voltage", "Current")}
"""Signals whose course is kept, by the frame that holds them."""
PIECES = 1024
"""Of a course: about as many as the picture has places side by side."""
MOST_SPANS = 50
"""Of one alarm field; what comes later is left out of the picture."""
STATUS_OFFLINE = "offline"


@dataclass
class Spans:
    """The times at which each alarm field was active."""

    spans: dict[str, list[tuple[int, int | None]]] = field(default_factory=dict)
    """Name -> (from, until) in us; until None: to the end."""
    _before: Before = field(default_factory=Before)

    def add(self, frames: Frames) -> None:
        """Take the next 0x35A."""
        now = active(frames.data)
        offline = frames.raw("SystemStatus") == 1
        there, (before, offline_before) = self._before.of(now, offline)
        if not there[0]:
            before, offline_before = before.copy(), offline_before.copy()
            before[0], offline_before[0] = 0, False
        self._change(STATUS_OFFLINE, frames, offline, offline_before)
        changed = int(np.bitwise_or.reduce(now ^ before))
        for name, bit in BITS.items():
            if changed & bit:
                self._change(name, frames, (now & np.uint64(bit)) != 0, (before & np.uint64(bit)) != 0)

    def _change(self, name: str, frames: Frames, now: NDArray[np.bool_], before: NDArray[np.bool_]) -> None:
        for i in np.flatnonzero(now != before)[: 2 * MOST_SPANS + 1].tolist():
            spans = self.spans.setdefault(name, [])
            if now[i] and len(spans) < MOST_SPANS:
                spans.append((int(frames.time_us[i]), None))
            elif not now[i] and spans and spans[-1][1] is None:
                spans[-1] = spans[-1][0], int(frames.time_us[i])


class Figures:
    """Goes through the capture alongside the rules."""

    def __init__(self) -> None:
        self.frames = 0
        self.start_us = 0
        self.end_us = 0
        self.counts: dict[int, int] = {}
        """Data frames with 11 bits and a valid length, by identifier."""
        self.longest_gap_us: dict[int, int] = {}
        """Of 0x351 and 0x305."""
        self.bus_load_percent = 0.0
        self.most_bus_load_percent = 0.0
        self.reaction_us: dict[str, int] = {}
        """Rule -> longest time from the alarm to the limit."""
        self.courses = {name: Extremes(PIECES) for names in COURSES.values() for name in names}
        """Signal -> its course since the start, in its unit."""
        self.alarms = Spans()
        self._before = {0x351: Before(), 0x305: Before()}

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        times = decoded.block.time_us
        if self.frames == 0:
            self.start_us = int(times[0])
        self.frames += len(times)
        self.end_us = int(times[-1])
        for identifier, frames in decoded.frames.items():
            self.counts[identifier] = self.counts.get(identifier, 0) + len(frames.rows)
        for identifier, before in self._before.items():
            if (found := decoded.frames.get(identifier)) is not None:
                there, (time_before,) = before.of(found.time_us)
                if there.any():
                    longest = int((found.time_us - time_before)[there].max())
                    self.longest_gap_us[identifier] = max(self.longest_gap_us.get(identifier, 0), longest)
        self._course(decoded)

    def _course(self, decoded: DecodedBlock) -> None:
        for identifier, names in COURSES.items():
            if (frames := decoded.frames.get(identifier)) is not None:
                for name in names:
                    self.courses[name].take(frames.time_us - self.start_us, frames.physical(name))
        if (alarms := decoded.frames.get(0x35A)) is not None:
            self.alarms.add(alarms)

    @property
    def duration_s(self) -> float:
        """From the first frame to the last."""
        return (self.end_us - self.start_us) / 1e6

    def as_json(self) -> dict[str, Any]:
        """As plain values, without the course."""
        gaps = {f"longest_0x{n:03X}_gap_s": _seconds(self.longest_gap_us.get(n)) for n in (0x351, 0x305)}
        return {
            "frames": self.frames,
            "duration_s": self.duration_s,
            "bus_load_percent": round(self.bus_load_percent, 3),
            "most_bus_load_percent": round(self.most_bus_load_percent, 3),
            **gaps,
            "longest_reaction_s": _seconds(max(self.reaction_us.values(), default=None)),
            "reaction_s": {rule: _seconds(time) for rule, time in self.reaction_us.items()},
            "frames_by_id": {f"0x{n:03X}": count for n, count in sorted(self.counts.items())},
        }


def _seconds(time_us: int | None) -> float | None:
    return None if time_us is None else time_us / 1e6
