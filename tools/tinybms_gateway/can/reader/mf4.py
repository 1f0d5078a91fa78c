"""MF4 files (ASAM MDF 4, bus logging), by asammdf, in columns."""

import importlib.util
import io
import logging
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.reader.blocks import Channels, joined
from tinybms_gateway.can.reader.error import CaptureError, not_readable
from tinybms_gateway.can.reader.source import Source

RECORDS = 50_000
"""Of a group, read at once."""
COPIED = 1 << 20
_KINDS = {"CAN_DataFrame": 0, "CAN_ErrorFrame": Flag.ERROR, "CAN_RemoteFrame": Flag.REMOTE}
ID_MASK = 0x1FFFFFFF


def read_mf4(source: Source, channels: Channels) -> Iterator[FrameBlock]:
    """Read the CAN frames of a file in the order of their times; each kind of frame is in a group of its own.

    Raises:
        CaptureError: damaged or cut off, or asammdf is not installed.
    """
    if importlib.util.find_spec("asammdf") is None:
        raise not_readable(source.path, "MF4 needs asammdf: pip install 'tinybms-gateway[mf4]'")
    from asammdf import MDF  # noqa: PLC0415 - takes a second, and is not always there
    from asammdf.blocks.mdf_v4 import MDF4  # noqa: PLC0415

    logging.getLogger("asammdf").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        try:
            path = source.path
            if path.suffix.lower() == ".gz":
                path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "capture.mf4"
                _unpack(source, path)
            file = stack.enter_context(_BoundedFile(path))
            mdf: Any = MDF(file)
            stack.callback(mdf.close)
            groups = [
                (index, name) for index, group in enumerate(mdf.groups) for name in _KINDS
                if group.channel_group.cycles_nr and any(channel.name == name for channel in group.channels)
            ]  # fmt: skip
            counts = {index: int(mdf.groups[index].channel_group.cycles_nr) for index, _ in groups}
            done = 0
            for block in merged([_group(mdf, file, index, name, counts[index], channels) for index, name in groups]):
                yield block
                done += len(block)
                source.reached(done / sum(counts.values()))
        except (CaptureError, GeneratorExit):
            raise
        except Exception as error:  # asammdf raises whatever broken content makes Python raise
            _close_half_made(error, MDF4)
            raise not_readable(source.path, f"damaged: {error or type(error).__name__}") from error


def merged(streams: list[Iterator[FrameBlock]]) -> Iterator[FrameBlock]:
    """The frames of several streams, each in the order of time, as one stream in that order."""
    held = {index: block for index, stream in enumerate(streams) if (block := next(stream, None)) is not None}
    while held:
        until = min(int(block.time_us[-1]) for block in held.values())
        ready = []
        for index, block in list(held.items()):
            due = block.time_us <= until
            ready.append(block.take(due))
            rest: FrameBlock | None = block.take(~due)
            held[index] = rest if rest else next(streams[index], None)  # type: ignore[assignment]
            if held[index] is None:
                del held[index]
        block = joined(ready)
        yield block.take(np.argsort(block.time_us, kind="stable"))


def _close_half_made(error: Exception, kind: type[Any]) -> None:
    """Close the object that could not be made: its destructor would fail at that, with a traceback on stderr."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        half_made: Any = frame.f_locals.get("self")
        if isinstance(half_made, kind):
            with suppress(Exception):
                half_made.close()


def _unpack(source: Source, path: Path) -> None:
    with path.open("wb") as file:
        while data := source.read(COPIED):
            file.write(data)


class _BoundedFile(io.BufferedReader):
    """A file that is not read for ever: blocks of a damaged file that name one another in a circle would be."""

    OF_A_READ = 16
    """Bytes that a read of any size counts at least."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size
        self._left = 0
        self.allow_more()

    def allow_more(self) -> None:
        """Let the file be read some more times from its beginning to its end."""
        self._left = 4 * self._size + 4096

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file.

        Raises:
            ValueError: there is no end of it.
        """
        data = super().read(size)
        self._left -= max(len(data), self.OF_A_READ)
        if self._left < 0:
            raise ValueError("its blocks name one another in a circle")
        return data


def _group(mdf: Any, file: _BoundedFile, index: int, name: str, count: int, channels: Channels) -> Iterator[FrameBlock]:
    start_us = round(mdf.header.start_time.timestamp() * 1e6)
    for offset in range(0, count, RECORDS):
        file.allow_more()
        signal = mdf.get(name, index, record_offset=offset, record_count=RECORDS)
        fields = {field.removeprefix(f"{name}."): signal.samples[field] for field in signal.samples.dtype.names}
        yield _block(start_us + np.rint(signal.timestamps * 1e6).astype(np.int64), fields, _KINDS[name], channels)


def _block(time_us: NDArray[np.int64], fields: dict[str, NDArray[Any]], kind: int, channels: Channels) -> FrameBlock:
    count = len(time_us)
    zeros = np.zeros(count, np.uint8)
    flags = np.full(count, kind, np.uint8)
    sent = fields.get("Dir", zeros)
    flags[sent != (b"Rx" if sent.dtype.kind == "S" else 0)] |= np.uint8(Flag.SENT)
    flags[fields.get("EDL", zeros) != 0] |= np.uint8(Flag.FD)
    if kind != Flag.ERROR:
        flags[fields.get("IDE", zeros) != 0] |= np.uint8(Flag.EXTENDED)
    length = fields["DataLength"] if "DataBytes" in fields and kind != Flag.REMOTE else zeros
    return FrameBlock(
        0,
        time_us,
        fields.get("ID", zeros).astype(np.uint32) & np.uint32(ID_MASK),
        flags,
        length.astype(np.uint8),
        _first_bytes(fields["DataBytes"], length) if "DataBytes" in fields else zeros.astype(np.uint64),
        _numbers(fields.get("BusChannel", zeros), channels),
    )


def _first_bytes(data: NDArray[np.uint8], length: NDArray[Any]) -> NDArray[np.uint64]:
    """The first eight bytes of each frame; 0 behind its length."""
    first = np.zeros((len(data), 8), np.uint8)
    width = min(8, data.shape[1])
    first[:, :width] = data[:, :width]
    first[np.arange(8) >= length[:, None]] = 0
    return first.view("<u8")[:, 0]


def _numbers(bus: NDArray[Any], channels: Channels) -> NDArray[np.uint8]:
    found, where = np.unique(bus, return_inverse=True)
    return np.array([channels.number(str(int(number))) for number in found], np.uint8)[where]
