"""Captures of good traffic, made from the protocol by hand, to plant faults in."""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.reader import Capture

START_US = 1_700_000_000_000_000
OK, ACTIVE, NOT_SUPPORTED = 2, 1, 0
ONLINE, OFFLINE = 2, 1
UNKNOWN_ALARMS = (4, 9, 10)
UNKNOWN_WARNINGS = (4, 9, 10)
SENSOR_FIELDS = (3, 4, 5, 6)


@dataclass(frozen=True)
class Frame:
    """One frame; time since the start of the capture."""

    ms: float
    id: int
    data: bytes
    flags: int = 0

    @property
    def time_us(self) -> int:
        return START_US + round(self.ms * 1000)

    @property
    def line(self) -> str:
        """As candump writes it; only for data frames."""
        identifier = f"{self.id:08X}" if self.flags & Flag.EXTENDED else f"{self.id:03X}"
        direction = " T" if self.flags & Flag.SENT else " R"
        return f"({self.time_us / 1e6:.6f}) can0 {identifier}#{self.data.hex().upper()}{direction}\n"


def pairs(
    active: tuple[int, ...] = (), warnings: tuple[int, ...] = (), status: int = ONLINE, *, sensors: bool = True,
    general: bool = True,
) -> bytes:  # fmt: skip
    """Frame 0x35A: numbers of the active alarms and warnings; the general one follows from the others."""
    bits = status << 58
    for shift, unknown, on in ((0, UNKNOWN_ALARMS, active), (32, UNKNOWN_WARNINGS, warnings)):
        for n in range(13):
            value = ACTIVE if n in on or (n == 0 and on and general) else OK
            if (n in unknown and n not in on) or (n in SENSOR_FIELDS and not sensors):
                value = NOT_SUPPORTED
            bits |= value << (2 * n + shift)
    return bits.to_bytes(8, "little")


Limits = tuple[float, float, float]
"""CVL in V, CCL and DCL in A."""
LIMITS: Limits = (56.8, 45.0, 54.0)


@dataclass(frozen=True)
class Story:
    """What the battery says at each moment; each is a function of the time in ms."""

    seconds: float = 40
    limits: Callable[[float], Limits] = lambda _: LIMITS
    alarms: Callable[[float], bytes] = lambda _: pairs()
    dvl: float = 46.4
    extra_ms: tuple[float, ...] = ()
    """0x351 and 0x35A are sent at once."""
    silent_ms: tuple[float, float] = (0, 0)
    """From when to when the battery sends nothing."""
    changes: dict[int, bytes] = field(default_factory=dict)
    """Other content of some frames, all the time."""

    def frames(self) -> list[Frame]:
        """The capture."""
        found = [Frame(ms, n, self.content(n, ms)) for n, ms in self._schedule()]
        return sorted(found, key=lambda frame: frame.ms)

    def content(self, identifier: int, ms: float) -> bytes:
        """Data of a frame at a moment."""
        if identifier in self.changes:
            return self.changes[identifier]
        if identifier == 0x351:
            cvl, ccl, dcl = self.limits(ms)
            return struct.pack("<HhhH", round(cvl * 10), round(ccl * 10), round(dcl * 10), round(self.dvl * 10))
        if identifier == 0x35A:
            return self.alarms(ms)
        if identifier == 0x372:
            _, ccl, dcl = self.limits(ms)
            offline = self.alarms(ms)[7] >> 2 & 3 == OFFLINE
            return struct.pack("<4H", not offline and ccl > 0 and dcl > 0, ccl <= 0, dcl <= 0, offline)
        if identifier == 0x378:
            return struct.pack("<2I", 12345 + int(ms / 10_000), 12000)
        return CONTENT[identifier]

    def _schedule(self) -> Iterator[tuple[int, float]]:
        for identifier, (period, phase) in SCHEDULE.items():
            for ms in range(phase, round(self.seconds * 1000), period):
                if identifier in (0x305, 0x307) or not self.silent_ms[0] <= ms < self.silent_ms[1]:
                    yield identifier, ms
        for ms in self.extra_ms:
            yield 0x351, ms
            yield 0x35A, ms + 1


SCHEDULE = {
    0x351: (1000, 0), 0x35A: (1000, 50), 0x355: (1000, 100), 0x356: (1000, 150), 0x35E: (5000, 200), 0x35F: (5000, 250),
    0x372: (2000, 300), 0x373: (2000, 400), 0x374: (2000, 500), 0x375: (2000, 600), 0x376: (2000, 700),
    0x377: (2000, 800), 0x378: (2000, 1300), 0x379: (2000, 1400), 0x370: (5000, 1500), 0x371: (5000, 1600),
    0x380: (5000, 1700), 0x381: (5000, 1800), 0x382: (5000, 1900), 0x305: (1000, 920), 0x307: (1000, 921),
}  # fmt: skip
"""Period and phase, ms; Victron's page and docs/pgn_conversions.md."""

CONTENT = {
    0x355: struct.pack("<4H", 84, 97, 8355, 0),
    0x356: struct.pack("<3hH", 5321, 123, 254, 0),
    0x35E: b"TinyBMS\0",
    0x35F: struct.pack("<H2B2H", 258, 1, 242, 64, 0),
    0x370: b"TinyBMS ",
    0x371: b"Garage\0\0",
    0x373: struct.pack("<4H", 3300, 3360, 297, 299),
    0x374: b"R02 C03\0",
    0x375: b"R07 C08\0",
    0x376: b"EXT 2\0\0\0",
    0x377: b"EXT 1\0\0\0",
    0x379: struct.pack("<H", 66),
    0x380: b"0123ABCD",
    0x381: b"4567EF89",
    0x382: b"TinyBMS\0",
    0x305: bytes(8),
    0x307: b"\x12\x34\x56\x78VIC\0",
}
"""A battery at 84 % with two sensors, 25.4 degC; GX."""


Row = tuple[int, int, bytes, int]
"""Time in microseconds, identifier, data, flags."""


def columns_of(rows: Sequence[Row], first: int = 0) -> FrameBlock:
    """Rows as columns, all of one channel."""
    return FrameBlock(
        first,
        np.array([time_us for time_us, _, _, _ in rows], np.int64),
        np.array([identifier for _, identifier, _, _ in rows], np.uint32),
        np.array([flags for _, _, _, flags in rows], np.uint8),
        np.array([len(data) for _, _, data, _ in rows], np.uint8),
        np.array([int.from_bytes(data[:8], "little") for _, _, data, _ in rows], np.uint64),
        np.zeros(len(rows), np.uint8),
    )


def block_of(frames: Sequence[Frame], first: int = 0) -> FrameBlock:
    """Frames as columns."""
    return columns_of([(frame.time_us, frame.id, frame.data, frame.flags) for frame in frames], first)


class BlockCapture(Capture):
    """A capture without a file, of blocks that are there."""

    def __init__(self, blocks: Sequence[FrameBlock]) -> None:
        super().__init__(Path("memory.log"))
        self._blocks = blocks

    def __iter__(self) -> Iterator[FrameBlock]:
        self.channels[:] = ["can0"]
        yield from self._blocks


class MemoryCapture(BlockCapture):
    """The same, of frames."""

    def __init__(self, frames: Sequence[Frame], block_frames: int = 500_000) -> None:
        starts = range(0, len(frames), block_frames)
        super().__init__([block_of(frames[first : first + block_frames], first) for first in starts])
