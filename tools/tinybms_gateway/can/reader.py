"""Capture files as blocks of frames, whatever their format."""

from collections.abc import Iterator
from pathlib import Path

import can
import numpy as np

from tinybms_gateway.can.columns import Flag, FrameBlock

BLOCK_FRAMES = 500_000


class CaptureError(ValueError):
    """A file that cannot be read as a capture; one line that names the file, where possible the line, and why."""


class Capture:
    """A capture file. Iterating reads it from its beginning; memory holds one block at a time."""

    def __init__(self, path: Path, block_frames: int = BLOCK_FRAMES) -> None:
        self.path = path
        self.channels: list[str] = []
        """Names of the channels met so far, in the order of their first frame."""
        self.absolute_time = path.suffix != ".asc"
        """Times are those of a clock; False: they count from the start of the capture."""
        self._block_frames = block_frames

    def __iter__(self) -> Iterator[FrameBlock]:
        """Read it.

        Raises:
            CaptureError: not there, not of the format that its name says, cut off, or a line that is none.
        """
        first = 0
        try:
            with can.LogReader(self.path) as reader:
                messages: list[can.Message] = []
                for message in reader:
                    messages.append(message)
                    if len(messages) == self._block_frames:
                        yield self._block(first, messages)
                        first += len(messages)
                        messages = []
                if messages:
                    yield self._block(first, messages)
        except CaptureError:
            raise
        except Exception as error:  # the readers raise whatever the library of their format raises
            reason = getattr(error, "strerror", None) or error or type(error).__name__
            raise CaptureError(f"{self.path}: not readable as a capture: {reason}") from error

    def _block(self, first: int, messages: list[can.Message]) -> FrameBlock:
        return FrameBlock(
            first,
            np.array([round(m.timestamp * 1e6) for m in messages], np.int64),
            np.array([m.arbitration_id for m in messages], np.uint32),
            np.array([_flags(m) for m in messages], np.uint8),
            np.array([len(m.data) for m in messages], np.uint8),
            np.array([int.from_bytes(m.data[:8], "little") for m in messages], np.uint64),
            np.array([self._channel(str(m.channel)) for m in messages], np.uint8),
        )

    def _channel(self, name: str) -> int:
        if name not in self.channels:
            self.channels.append(name)
        return self.channels.index(name)


def _flags(message: can.Message) -> int:
    return (
        Flag.EXTENDED * message.is_extended_id
        | Flag.REMOTE * message.is_remote_frame
        | Flag.ERROR * message.is_error_frame
        | Flag.FD * message.is_fd
        | Flag.SENT * (not message.is_rx)
    )
