"""MF4 files (ASAM MDF 4, bus logging), by asammdf, in a process of its own.

The compiled part of asammdf does not survive every damaged file (8.8.28: segmentation faults, overwritten memory), so
it must not open a file from somebody else in this process.
"""

import importlib.util
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.can.reader.blocks import Channels
from tinybms_gateway.can.reader.error import CaptureError, not_readable
from tinybms_gateway.can.reader.source import Source

HEAD = struct.Struct("<Qd")
"""Before the columns of a block: number of frames, and the part of the file that has been read by then."""
END, FAILED = 0, 2**64 - 1
"""Numbers of frames that mean: that was all; and: it cannot be read, the reason follows."""
COLUMNS = {"time_us": "<i8", "id": "<u4", "flags": "u1", "length": "u1", "data": "<u8", "channel": "u1"}
COPIED = 1 << 20
SHOWN = 200
"""Characters of a reason."""


def read_mf4(source: Source, channels: Channels) -> Iterator[FrameBlock]:
    """Read the CAN frames of a file in the order of their times; each kind of frame is in a group of its own.

    Raises:
        CaptureError: damaged or cut off, or asammdf is not installed.
    """
    if importlib.util.find_spec("asammdf") is None:
        raise not_readable(source.path, "MF4 needs asammdf: pip install 'tinybms-gateway[mf4]'")
    with ExitStack() as stack:
        path = source.path
        if path.suffix.lower() == ".gz":
            path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "capture.mf4"
            _unpack(source, path)
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tinybms_gateway.can.reader.mf4_process", path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )
        stack.callback(process.kill)
        assert process.stdout
        yield from _blocks(process.stdout, source, channels)


def _blocks(pipe: IO[bytes], source: Source, channels: Channels) -> Iterator[FrameBlock]:
    while head := pipe.read(HEAD.size):
        if len(head) < HEAD.size:
            break
        count, part = HEAD.unpack(head)
        if count == END:
            return
        if count == FAILED:
            reason = pipe.read().decode("utf-8", "replace")
            raise _damaged(source, "".join(c for c in " ".join(reason.split()) if c.isprintable())[:SHOWN])
        columns = [np.frombuffer(pipe.read(count * np.dtype(kind).itemsize), kind) for kind in COLUMNS.values()]
        if any(len(column) < count for column in columns):
            break
        source.reached(part)
        time_us, identifier, flags, length, data, bus = columns
        yield FrameBlock(0, time_us, identifier, flags, length, data, channels.numbers(bus, str))
    raise _damaged(source, "asammdf crashes while reading it")


def _damaged(source: Source, why: str) -> CaptureError:
    return not_readable(source.path, f"damaged: {why}")


def _unpack(source: Source, path: Path) -> None:
    with path.open("wb") as file:
        while data := source.read(COPIED):
            file.write(data)
