"""A capture file of any format."""

from collections.abc import Callable, Iterator
from pathlib import Path

import can

from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.can.reader.blf import read_blf
from tinybms_gateway.can.reader.blocks import Channels, resized
from tinybms_gateway.can.reader.candump import read_candump
from tinybms_gateway.can.reader.error import not_readable
from tinybms_gateway.can.reader.messages import read_text
from tinybms_gateway.can.reader.mf4 import read_mf4
from tinybms_gateway.can.reader.source import Source

BLOCK_FRAMES = 250_000
EARLIEST_CLOCK_US = 631_152_000 * 10**6
"""1990; times below count from the start of the capture."""


_READERS: dict[str, Callable[[Source, Channels], Iterator[FrameBlock]]] = {
    ".log": read_candump,
    ".blf": read_blf,
    ".trc": lambda source, channels: read_text(source, channels, can.TRCReader),
    ".asc": lambda source, channels: read_text(source, channels, can.ASCReader),
    ".csv": lambda source, channels: read_text(source, channels, can.CSVReader),
    ".mf4": read_mf4,
}
FORMATS = tuple(_READERS)
"""Ends of the names that are read, each also with .gz behind it."""


class Capture:
    """A capture file. Iterating reads it from its beginning; memory holds one block at a time.

    The file name gives the format. Each keeps time, identifier, kind and data of a frame; beyond that

    - ``.log`` (candump) keeps everything that a `FrameBlock` has, in microseconds
    - ``.blf`` and ``.mf4`` number the channels from 0
    - ``.trc`` numbers the channels from 1, keeps 0.1 ms (python-can) or 1 us, and leaves error frames out
    - ``.asc`` counts time from its first frame, and leaves the identifier of error frames out
    - ``.csv`` (python-can's) knows neither channel nor direction nor CAN FD: channel 0, received, classic

    The data of CAN FD frames is cut to eight bytes; what a remote frame asks for is not kept: its length is 0.
    """

    def __init__(self, path: Path, block_frames: int = BLOCK_FRAMES) -> None:
        self.path = path
        self._channels = Channels(path)
        self.absolute_time = not path.name.lower().endswith((".asc", ".asc.gz"))
        """Times are those of a clock; False: they count from the start of the capture. Final with the first block."""
        self.size = 0
        """Bytes of the file; 0 before the first block."""
        self.position = 0
        """Bytes of the file read so far: `size` at the end."""
        self.frames = 0
        """Handed out so far."""
        self._block_frames = block_frames

    @property
    def channels(self) -> list[str]:
        """Names of the channels met so far, in the order of their first frame."""
        return self._channels.names

    @property
    def part(self) -> float:
        """Of the file that has been read so far, 0 to 1."""
        return self.position / self.size if self.size else 0.0

    def __iter__(self) -> Iterator[FrameBlock]:
        """Read it.

        Raises:
            CaptureError: missing, not of the format that its name gives, cut off, or with an invalid line. All frames
                before that place have been handed out.
        """
        suffix = self._suffix()
        self.frames = 0
        with Source(self.path, suffix) as source:
            self.size = source.size
            for block in resized(_READERS[suffix](source, self._channels), self._block_frames):
                if not self.frames and block.time_us[0] < EARLIEST_CLOCK_US:
                    self.absolute_time = False
                self.frames += len(block)
                self.position = source.position
                yield block
            self.position = source.size

    def _suffix(self) -> str:
        suffixes = [suffix.lower() for suffix in self.path.suffixes[-2:]]
        if suffixes[-1:] == [".gz"]:
            suffixes.pop()
        if not suffixes or suffixes[-1] not in _READERS:
            raise not_readable(self.path, f"its name must end with {', '.join(FORMATS)}, optionally followed by .gz")
        return suffixes[-1]
