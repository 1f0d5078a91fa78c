"""Figures of a capture beside the rules, and the course of the battery for the picture in the report."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.decoder import DecodedBlock, Frames
from tinybms_gateway.can.verify.rules.alarms import FIELDS, active
from tinybms_gateway.can.verify.rules.base import Before

MOST_POINTS = 1000
MOST_SPANS = 50
"""Of one alarm field; what comes later is left out of the picture."""
STATUS_OFFLINE = "offline"


class Thinned:
    """Every n-th value of a series; n doubles when there are too many, so that memory stays the same."""

    def __init__(self, columns: int) -> None:
        self._seen = 0
        self._stride = 1
        self._kept: list[NDArray[np.float64]] = [np.zeros(0) for _ in range(columns)]

    def add(self, *columns: NDArray[Any]) -> None:
        """Take the next values; all columns have the same length."""
        count = len(columns[0])
        places = np.arange(-self._seen % self._stride, count, self._stride)
        self._kept = [np.concatenate([k, c[places]]) for k, c in zip(self._kept, columns, strict=True)]
        self._seen += count
        while len(self._kept[0]) > MOST_POINTS:
            self._kept = [k[::2] for k in self._kept]
            self._stride *= 2

    @property
    def columns(self) -> list[NDArray[np.float64]]:
        """What was kept."""
        return self._kept


@dataclass
class Spans:
    """From when to when each alarm field was active."""

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
        changed = np.bitwise_or.reduce(now ^ before)
        for kind, shift in (("Alarm", 0), ("Warning", 32)):
            for n, name in enumerate(FIELDS):
                bit = np.uint64(1 << (2 * n + shift))
                if changed & bit:
                    self._change(f"{kind}{name}", frames, (now & bit) != 0, (before & bit) != 0)

    def _change(self, name: str, frames: Frames, now: NDArray[np.bool_], before: NDArray[np.bool_]) -> None:
        for i in np.flatnonzero(now != before)[: 2 * MOST_SPANS + 1].tolist():
            spans = self.spans.setdefault(name, [])
            if now[i] and len(spans) < MOST_SPANS:
                spans.append((int(frames.time_us[i]), None))
            elif not now[i] and spans and spans[-1][1] is None:
                spans[-1] = spans[-1][0], int(frames.time_us[i])


class Figures:
    """Goes through the capture beside the rules."""

    def __init__(self) -> None:
        self.frames = 0
        self.start_us = 0
        self.end_us = 0
        self.counts: dict[int, int] = {}
        """Data frames with 11 bits and a good length, by identifier."""
        self.longest_gap_us: dict[int, int] = {}
        """Of 0x351 and 0x305."""
        self.bus_load_percent = 0.0
        self.most_bus_load_percent = 0.0
        self.reaction_us: dict[str, int] = {}
        """Rule -> longest time from the alarm to the limit."""
        self.limits = Thinned(4)
        """Time us, CVL V, CCL A, DCL A."""
        self.soc = Thinned(2)
        self.measured = Thinned(3)
        """Time us, V, A."""
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
        if (limits := decoded.frames.get(0x351)) is not None:
            self.limits.add(limits.time_us, *(limits.physical(name) for name in ("CVL", "CCL", "DCL")))
        if (charge := decoded.frames.get(0x355)) is not None:
            self.soc.add(charge.time_us, charge.physical("SOC"))
        if (measured := decoded.frames.get(0x356)) is not None:
            self.measured.add(measured.time_us, measured.physical("Voltage"), measured.physical("Current"))
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
