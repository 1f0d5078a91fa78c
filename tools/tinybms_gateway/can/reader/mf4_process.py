"""Reads an MF4 file with asammdf and writes its frames to stdout as columns; a process of its own, see `mf4`.

python -m tinybms_gateway.can.reader.mf4_process FILE
"""

import io
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from asammdf import MDF
from numpy.typing import NDArray

from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.reader.blocks import joined
from tinybms_gateway.can.reader.mf4 import COLUMNS, END, FAILED, HEAD

RECORDS = 50_000
"""Of a group, read at once."""
MOST_MEMORY = 4 << 30
"""Bytes; what a damaged length asks for beyond is refused."""
ID_MASK = 0x1FFFFFFF
_KINDS = {"CAN_DataFrame": 0, "CAN_ErrorFrame": Flag.ERROR, "CAN_RemoteFrame": Flag.REMOTE}


def main() -> None:
    """Write the frames, and last whether that was all or what went wrong."""
    out = sys.stdout.buffer
    try:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(
            resource.RLIMIT_AS, (MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard), hard)
        )
        _write_frames(Path(sys.argv[1]), out)
        out.write(HEAD.pack(END, 1))
    except Exception as error:  # asammdf raises whatever broken content makes Python raise
        out.write(HEAD.pack(FAILED, 1) + (str(error) or type(error).__name__).encode("utf-8", "replace"))
    out.flush()
    os._exit(0)  # destructors of what could not be opened would fail


def _write_frames(path: Path, out: BinaryIO) -> None:
    file = _BoundedFile(path)
    mdf: Any = MDF(file)
    groups = [
        (index, name, int(group.channel_group.cycles_nr))
        for index, group in enumerate(mdf.groups)
        for name in _KINDS
        if group.channel_group.cycles_nr and any(channel.name == name for channel in group.channels)
    ]
    total, done = sum(count for _, _, count in groups), 0
    for block in merged([_group(mdf, file, *group) for group in groups]):
        done += len(block)
        out.write(HEAD.pack(len(block), done / total))
        for name, kind in COLUMNS.items():
            out.write(getattr(block, name).astype(kind).tobytes())
        out.flush()


def merged(streams: list[Iterator[FrameBlock]]) -> Iterator[FrameBlock]:
    """The frames of several streams, each in the order of time, as one stream in that order."""
    held = {index: block for index, stream in enumerate(streams) if (block := next(stream, None)) is not None}
    while held:
        until = min(int(block.time_us[-1]) for block in held.values())
        ready = []
        for index, block in list(held.items()):
            due = block.time_us <= until
            ready.append(block.take(due))
            rest = None if due.all() else block.take(~due)
            following = rest or next(streams[index], None)
            if following is None:
                del held[index]
            else:
                held[index] = following
        block = joined(ready)
        yield block.take(np.argsort(block.time_us, kind="stable"))


class _BoundedFile(io.BufferedReader):
    """A file that is not read forever, as one would be whose blocks refer to one another in a circle."""

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
            raise ValueError("its blocks refer to one another in a circle")
        return data


def _group(mdf: Any, file: _BoundedFile, index: int, name: str, count: int) -> Iterator[FrameBlock]:
    start_us = round(mdf.header.start_time.timestamp() * 1e6)
    for offset in range(0, count, RECORDS):
        file.allow_more()
        signal = mdf.get(name, index, record_offset=offset, record_count=RECORDS)
        if not len(signal):
            raise ValueError("it holds fewer frames than it claims")
        fields = {field.removeprefix(f"{name}."): signal.samples[field] for field in signal.samples.dtype.names}
        yield _block(start_us + np.rint(signal.timestamps * 1e6).astype(np.int64), fields, _KINDS[name])


def _block(time_us: NDArray[np.int64], fields: dict[str, NDArray[Any]], kind: int) -> FrameBlock:
    zeros = np.zeros(len(time_us), np.uint8)
    flags = np.full(len(time_us), kind, np.uint8)
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
        np.minimum(length, 64).astype(np.uint8),
        _first_bytes(fields["DataBytes"], length) if "DataBytes" in fields else zeros.astype(np.uint64),
        fields.get("BusChannel", zeros).astype(np.uint8),
    )


def _first_bytes(data: NDArray[np.uint8], length: NDArray[Any]) -> NDArray[np.uint64]:
    """The first eight bytes of each frame; 0 behind its length."""
    first = np.zeros((len(data), 8), np.uint8)
    width = min(8, data.shape[1])
    first[:, :width] = data[:, :width]
    first[np.arange(8) >= length[:, None]] = 0
    return first.view("<u8")[:, 0]


if __name__ == "__main__":
    main()
