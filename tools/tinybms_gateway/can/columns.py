"""Frames of a capture as columns: made by the readers, used by everything that goes through a whole capture."""

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray


class Flag(IntFlag):
    """What a frame is besides an 11-bit data frame."""

    EXTENDED = 1
    """29-bit identifier."""
    REMOTE = 2
    ERROR = 4
    FD = 8
    """CAN FD: `FrameBlock.data` holds the first eight bytes only."""
    SENT = 16
    """Sent by the machine that recorded it."""


NO_CLASSIC_DATA = Flag.REMOTE | Flag.ERROR | Flag.FD


@dataclass(frozen=True)
class FrameBlock:
    """Frames that follow one another in a capture; all arrays have one entry per frame."""

    first: int
    """Index in the capture of the first one, from 0."""
    time_us: NDArray[np.int64]
    """Microseconds since 1970, or since the start of the capture (`Capture.absolute_time`)."""
    id: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    """Of `Flag`."""
    length: NDArray[np.uint8]
    """Data bytes."""
    data: NDArray[np.uint64]
    """Data bytes as one little-endian number: byte 0 is the lowest; bytes behind the length are 0."""
    channel: NDArray[np.uint8]
    """Index in `Capture.channels`."""

    def __len__(self) -> int:
        return len(self.time_us)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "FrameBlock":
        """Some of the frames; `first` stays that of the whole block."""
        return FrameBlock(
            self.first,
            self.time_us[rows],
            self.id[rows],
            self.flags[rows],
            self.length[rows],
            self.data[rows],
            self.channel[rows],
        )

    def bytes_of(self, row: int) -> bytes:
        """Data of one frame."""
        return int(self.data[row]).to_bytes(8, "little")[: int(self.length[row])]
