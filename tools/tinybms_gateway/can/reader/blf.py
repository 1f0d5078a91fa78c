"""BLF files (Vector's binary log), in columns.

A file is a header and containers; the containers hold, mostly compressed, one stream of objects, of which some are
frames. Layouts: Tobias Lorenz, vector_blf, as python-can's `can.io.blf` also reads them. All numbers are little-endian.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.reader.blocks import Channels, joined
from tinybms_gateway.can.reader.error import CaptureError, not_readable
from tinybms_gateway.can.reader.source import Source

_FILE = struct.Struct("<4sI8xQ16x8H")
"""Signature, size of the header, size of the file, and the start in UTC: year, month, day of the week, day, ..."""
_OBJECT = struct.Struct("<4sHHII")
"""Signature, size and version of the header, size of all of it, type."""
_CONTAINER_HEAD = 32
_CONTAINER = 10
_STORED, _DEFLATED = 0, 2
LARGEST = 1 << 24
"""Bytes of an object or of the content of a container; those of Vector and python-can hold 128 kB."""
WORTH_A_LOOK = 8
"""After this many objects with the same head, the reader looks for how many more there are."""
_HEADS = {1: 32, 2: 40}
"""Where an object's content begins, by the version of its header."""
_TIME_AT = 24
_ID_MASK = 0x1FFFFFFF
_LATEST_US = 2**53
Records = NDArray[Any]


def _layout(size: int, **fields: tuple[str, int]) -> np.dtype[Any]:
    """A record of this many bytes: name -> type and place of a field."""
    return np.dtype(
        {
            "names": list(fields),
            "formats": [kind for kind, _ in fields.values()],
            "offsets": [place for _, place in fields.values()],
            "itemsize": size,
        }
    )


@dataclass(frozen=True)
class _Kind:
    """Objects that are frames of one kind."""

    layout: np.dtype[Any]
    needed: int
    """Bytes that an object has at least behind its head; the data at its end may be shorter."""
    flags: dict[Flag, tuple[str, int]]
    """Which bits of which field say so."""
    length: str
    longest: int
    always: int = 0


_CLASSIC = _Kind(
    _layout(16, channel=("<u2", 0), flags=("u1", 2), dlc=("u1", 3), id=("<u4", 4), data=("<u8", 8)),
    16,
    {Flag.SENT: ("flags", 1), Flag.REMOTE: ("flags", 0x80)},
    "dlc",
    8,
)
_ERROR = _Kind(
    _layout(32, channel=("<u2", 0), dlc=("u1", 10), id=("<u4", 16), data=("<u8", 24)), 32, {}, "dlc", 8, Flag.ERROR
)
_FD = _Kind(
    _layout(28, channel=("<u2", 0), flags=("u1", 2), id=("<u4", 4), fd=("u1", 13), valid=("u1", 14), data=("<u8", 20)),
    20,
    {Flag.SENT: ("flags", 1), Flag.REMOTE: ("flags", 0x80), Flag.FD: ("fd", 1)},
    "valid",
    64,
)
_FD_64 = _Kind(
    _layout(
        48, channel=("u1", 0), valid=("u1", 2), id=("<u4", 4), flags=("<u4", 12), sent=("u1", 34), data=("<u8", 40)
    ),
    40,
    {Flag.SENT: ("sent", 0xFF), Flag.REMOTE: ("flags", 0x10), Flag.FD: ("flags", 0x1000)},
    "valid",
    64,
)
_KINDS = {1: _CLASSIC, 86: _CLASSIC, 73: _ERROR, 100: _FD, 101: _FD_64}
"""By type of the object; others are not frames."""
_LONGEST_RECORD = max(_HEADS.values()) + max(kind.layout.itemsize for kind in _KINDS.values())


def read_blf(source: Source, channels: Channels) -> Iterator[FrameBlock]:
    """Read a file, one block per container.

    Raises:
        CaptureError: damaged or cut off; the frames of all containers before that place have been handed out.
    """
    return _Reader(source, channels).blocks()


class _Reader:
    """Reads one file."""

    def __init__(self, source: Source, channels: Channels) -> None:
        self._source = source
        self._channels = channels
        self._start_us = 0
        self._size = 0
        """Of the file, as its header has it."""
        self._read = 0

    def blocks(self) -> Iterator[FrameBlock]:
        self._read_file_header()
        rest = b""
        while (content := self._next_container()) is not None:
            stream = rest + content
            objects, end = self._objects(stream)
            if len(objects):
                yield self._block(stream, objects)
            rest = stream[end:]
            if len(rest) > LARGEST:
                raise self._damaged("it holds an object that is too large")
        if rest.strip(b"\0") or self._read < self._size:
            raise self._cut_off()

    def _read_file_header(self) -> None:
        _, header_size, self._size, *start = _FILE.unpack(self._exactly(_FILE.size))
        if not _FILE.size <= header_size <= LARGEST:
            raise self._damaged("it holds an invalid length")
        self._exactly(header_size - _FILE.size)
        year, month, _, day, hour, minute, second, millisecond = start
        try:
            clock = datetime(year, month, day, hour, minute, second, millisecond * 1000, timezone.utc)
        except ValueError:  # not set: times count from the start
            return
        self._start_us = int(clock.timestamp()) * 10**6 + millisecond * 1000

    def _next_container(self) -> bytes | None:
        """What the next container holds; None: there is no further one."""
        while head := self._source.read(_OBJECT.size):
            self._read += len(head)
            if len(head) < _OBJECT.size:
                raise self._cut_off()
            signature, _, _, size, kind = _OBJECT.unpack(head)
            if signature != b"LOBJ" or not _OBJECT.size <= size <= LARGEST:
                raise self._damaged("it holds an invalid length")
            body = self._exactly(size - _OBJECT.size)
            self._read += len(self._source.read(size % 4))
            if kind == _CONTAINER:
                return self._content(body)
        return None

    def _content(self, body: bytes) -> bytes:
        method = int.from_bytes(body[:2], "little")
        packed = body[_CONTAINER_HEAD - _OBJECT.size :]
        if method == _STORED:
            return packed
        if method != _DEFLATED:
            raise self._damaged(f"a container uses unknown compression ({method})")
        unpacker = zlib.decompressobj()
        try:
            content = unpacker.decompress(packed, LARGEST)
        except zlib.error as error:
            raise self._damaged(str(error)) from error
        if not unpacker.eof:
            raise self._damaged("a container is incomplete")
        return content

    def _objects(self, stream: bytes) -> tuple[NDArray[np.int64], int]:
        """Find the frames among the whole objects of a stream.

        Returns:
            A row each: place of its head, place of its content, its size, its type; and where the first object
            begins that is not whole.
        """
        runs: list[tuple[int, int, int, int, int, int]] = []
        place = 0
        before, alike = b"", 0
        while True:
            start = stream.find(b"LOBJ", place, place + 8)  # objects are filled up to whole words, more or less
            if start < 0 and len(stream) - place >= 8:
                raise self._damaged("an object does not begin where the one before it ends")
            if start < 0 or len(stream) - start < _OBJECT.size:
                break
            _, _, version, size, kind = _OBJECT.unpack_from(stream, start)
            if size < _OBJECT.size or size > LARGEST:
                raise self._damaged("it holds an invalid length")
            if start + size > len(stream):
                break
            head = stream[start : start + _OBJECT.size]
            alike = alike + 1 if head == before else 0
            before, distance = head, size + size % 4
            count = _run(stream, start, distance, size) if alike > WORTH_A_LOOK else 1
            if kind in _KINDS and version in _HEADS:
                runs.append((start, start + _HEADS[version], size, kind, count, distance))
            place = start + (count - 1) * distance + size
        table = np.array(runs, np.int64).reshape(-1, 6)
        counts = table[:, 4]
        objects = np.repeat(table, counts, axis=0)
        place_in_run = np.arange(len(objects)) - np.repeat(np.cumsum(counts) - counts, counts)
        objects[:, :2] += (place_in_run * objects[:, 5])[:, None]
        return objects[:, :4], place

    def _block(self, stream: bytes, objects: NDArray[np.int64]) -> FrameBlock:
        """Read frames, in their order."""
        padded = np.frombuffer(stream + bytes(_LONGEST_RECORD), np.uint8)
        times = _records(padded, objects[:, 0] + 16, np.dtype([("unit", "<u4"), ("pad", "<u4"), ("time", "<u8")]))
        time_us = np.where(times["unit"] == 1, times["time"] * 10, (times["time"] + 500) // 1000)
        if (time_us > _LATEST_US).any():
            raise self._damaged("it holds an invalid time")
        parts, rows, buses = [], [], np.zeros(len(objects), np.int64)
        for kind in np.unique(objects[:, 3]).tolist():
            rows.append(np.flatnonzero(objects[:, 3] == kind))
            of_kind = objects[rows[-1]]
            parts.append(self._frames(padded, of_kind, _KINDS[kind], time_us[rows[-1]].astype(np.int64)))
            buses[rows[-1]] = _records(padded, of_kind[:, 1], _KINDS[kind].layout)["channel"]
        block = joined(parts).take(np.argsort(np.concatenate(rows)))
        return replace(block, channel=self._channels.numbers(buses, lambda bus: str(bus - 1)))

    def _frames(
        self, padded: NDArray[np.uint8], objects: NDArray[np.int64], kind: _Kind, time_us: NDArray[np.int64]
    ) -> FrameBlock:
        """Frames of one kind, all of channel 0."""
        room = objects[:, 0] + objects[:, 2] - objects[:, 1] - kind.needed
        if (room < 0).any():
            raise self._damaged("an object is too short for its type")
        records = _records(padded, objects[:, 1], kind.layout)
        flags = np.full(len(records), kind.always, np.uint8)
        for flag, (name, bits) in kind.flags.items():
            flags[(records[name] & bits) != 0] |= np.uint8(flag)
        if kind.always != Flag.ERROR:
            flags[(records["id"] >> 31) != 0] |= np.uint8(Flag.EXTENDED)
        length = np.minimum(records[kind.length], kind.longest)
        length[(flags & np.uint8(Flag.REMOTE)) != 0] = 0
        data_bytes = np.ascontiguousarray(records["data"]).view(np.uint8).reshape(-1, 8).copy()
        held = np.minimum(length, np.minimum(room + kind.needed - kind.layout.itemsize + 8, 8))
        data_bytes[np.arange(8) >= held[:, None]] = 0
        return FrameBlock(
            0,
            self._start_us + time_us,
            records["id"] & np.uint32(_ID_MASK),
            flags,
            length,
            data_bytes.view("<u8")[:, 0],
            np.zeros(len(records), np.uint8),
        )

    def _exactly(self, count: int) -> bytes:
        data = self._source.read(count)
        self._read += len(data)
        if len(data) < count:
            raise self._cut_off()
        return data

    def _damaged(self, why: str) -> CaptureError:
        return not_readable(self._source.path, f"damaged: {why}")

    def _cut_off(self) -> CaptureError:
        return not_readable(self._source.path, "it is cut off")


def _run(stream: bytes, start: int, distance: int, size: int) -> int:
    """How many whole objects with the same head follow one another at the same distance, from one on."""
    most = (len(stream) - start - size) // distance + 1
    heads = np.ndarray((most, 2), "<u8", stream, start, (distance, 8))
    others = np.flatnonzero((heads != heads[0]).any(axis=1))
    return int(others[0]) if len(others) else most


def _records(data: NDArray[np.uint8], places: NDArray[np.int64], layout: np.dtype[Any]) -> Records:
    """The records at some places, whatever they are aligned to."""
    size = layout.itemsize
    windows: NDArray[Any] = np.ndarray((len(data) - size + 1,), f"V{size}", data, strides=(1,))
    return windows[places].view(layout)
