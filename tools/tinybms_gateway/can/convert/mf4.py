"""MF4 files (ASAM MDF 4.10, bus logging), a block of frames at a time: python-can's writer takes 150 us a frame."""

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from asammdf import MDF, Signal, Source
from can.util import channel2int
from numpy.typing import NDArray

from tinybms_gateway.can.columns import Flag, FrameBlock

FRAME_TYPES = (
    ("CAN_DataFrame", 0),
    ("CAN_ErrorFrame", int(Flag.ERROR)),
    ("CAN_RemoteFrame", int(Flag.REMOTE)),
)
"""Groups of the file, and what of `ERROR` and `REMOTE` their frames have."""


class Mf4File:
    """An MF4 file being written; its frames stay in a temporary file until it is saved."""

    def __init__(self, path: Path) -> None:
        """Start one."""
        self._path = path
        self._mdf = MDF(version="4.10")
        self._start_us: int | None = None
        self._last_us = 0
        self.moved = 0
        """Frames that were older than one of an earlier block, and now have its time."""

    def write(self, block: FrameBlock, channels: list[str]) -> None:
        """Add frames, without CAN FD; the format wants them in the order of their times.

        Args:
            block: the frames
            channels: names, by index; their numbers are kept
        """
        block = block.take(np.argsort(block.time_us, kind="stable"))
        if self._start_us is None:
            self._start_us = self._last_us = int(block.time_us[0])
            self._mdf.header.start_time = datetime.fromtimestamp(self._start_us / 1e6, timezone.utc)
            self._add_groups()
        time_us = np.maximum(block.time_us, self._last_us)
        self.moved += int((time_us != block.time_us).sum())
        self._last_us = int(time_us[-1])
        numbers = np.array([channel2int(name) or 0 for name in channels], np.uint8)
        for group, (name, kind) in enumerate(FRAME_TYPES):
            rows = np.flatnonzero((block.flags & (Flag.ERROR | Flag.REMOTE)) == kind)
            if len(rows):
                times = (time_us[rows] - self._start_us) / 1e6
                self._mdf.extend(group, [(times, None), (_samples(name, block.take(rows), numbers), None)])

    def save(self) -> None:
        """Write the file and close it."""
        with self._path.open("wb+") as file:
            self._mdf.save(file, compression=2)
        self._mdf.close()

    def _add_groups(self) -> None:
        source = Source("CAN", "CAN", "", Source.SOURCE_BUS, Source.BUS_TYPE_CAN)
        for name, _ in FRAME_TYPES:
            empty = np.zeros(0, _dtype(name))
            self._mdf.append(Signal(name=name, samples=empty, timestamps=np.zeros(0), source=source))


def _dtype(name: str) -> np.dtype[np.void]:
    """Fields of ASAM's bus logging standard."""
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = [
        (f"{name}.BusChannel", "<u1"),
        (f"{name}.ID", "<u4"),
        (f"{name}.IDE", "<u1"),
        (f"{name}.DLC", "<u1"),
        (f"{name}.DataLength", "<u1"),
        (f"{name}.Dir", "<u1"),
    ]
    if name != "CAN_RemoteFrame":
        fields.append((f"{name}.DataBytes", "<u1", (8,)))
    return np.dtype(fields)


def _samples(name: str, block: FrameBlock, channel_numbers: NDArray[np.uint8]) -> NDArray[np.void]:
    samples = np.zeros(len(block), _dtype(name))
    samples[f"{name}.BusChannel"] = channel_numbers[block.channel]
    samples[f"{name}.ID"] = block.id
    samples[f"{name}.IDE"] = (block.flags & Flag.EXTENDED) != 0
    samples[f"{name}.DLC"] = block.length
    samples[f"{name}.DataLength"] = block.length
    samples[f"{name}.Dir"] = (block.flags & Flag.SENT) != 0
    if name != "CAN_RemoteFrame":
        samples[f"{name}.DataBytes"] = block.data.astype("<u8").view(np.uint8).reshape(-1, 8)
    return samples
