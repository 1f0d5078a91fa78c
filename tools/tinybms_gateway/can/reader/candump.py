"""The log format of ``candump -L`` and ``-l``, read in blocks of bytes.

Almost all lines of a capture look alike: ``(1436509052.249713) can0 351#45024C044C040000``, where only digits change.
Such a *shape* is found once, from one line; then all lines of that length are laid under one another as the rows of a
matrix, and those that agree with the shape in its fixed characters are read column by column. What fits no shape
(remote and FD frames, short identifiers, unusual spacing) is read line by line, by `candump_line`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.reader.blocks import MOST_CHANNELS, Channels
from tinybms_gateway.can.reader.candump_line import ERROR_BIT, EXPECTED, ID_MASK, read_line
from tinybms_gateway.can.reader.error import CaptureError, unreadable_line
from tinybms_gateway.can.reader.source import Source

CHUNK_BYTES = 1 << 20
LONGEST_LINE = 4096
MOST_SHAPES = 64
"""Lines of further shapes are read one by one."""
WORD = 8
UNKNOWN = -1
_EXACT = 2**53
"""Whole numbers below are exact as float64."""
_USUAL = re.compile(
    rb"\((?P<seconds>\d{1,10})\.(?P<fraction>\d{1,9})\) (?P<channel>\S{1,32}) "
    rb"(?P<id>[0-9A-Fa-f]{1,8})#(?P<data>(?:[0-9A-Fa-f]{2}){0,8})(?P<direction> [RT])?\r?"
)
Bytes = NDArray[np.uint8]


def _nibbles() -> Bytes:
    table = np.full(256, 255, np.uint8)
    for value in range(16):
        table[ord(f"{value:x}")] = table[ord(f"{value:X}")] = value
    return table


def _pairs() -> NDArray[np.int16]:
    """Two hexadecimal digits, as the number that their characters are in memory -> byte; -1: they are not digits."""
    nibbles = _nibbles().astype(np.int16)
    first, second = np.meshgrid(nibbles, nibbles)  # the first character is the lower byte
    return np.where((first > 15) | (second > 15), -1, first * 16 + second).astype(np.int16).reshape(-1)


NIBBLES = _nibbles()
PAIRS = _pairs()


@dataclass(frozen=True)
class _Shape:
    """Lines that differ in their digits only."""

    mask: NDArray[np.uint64]
    """Ones where a character is fixed, in words of eight characters."""
    fixed: NDArray[np.uint64]
    time: slice
    dot: int
    """Of the time, from its start."""
    weights: NDArray[np.float64]
    """Of each character of the time, in microseconds; 0: below one, or the point."""
    identifier: slice
    data: slice
    channel: int
    flags: int

    def read(self, rows: Bytes, out: "_Columns", lines: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Read the rows that are of this shape.

        Args:
            rows: one line each, filled up to whole words
            out: takes the frames
            lines: index in `out` of each row

        Returns:
            Which rows were.
        """
        fits: NDArray[np.bool_] = ((rows.view(np.uint64) & self.mask) == self.fixed).all(axis=1)
        if not fits.all():
            rows, lines = rows[fits], lines[fits]
        digits = rows[:, self.time] - np.uint8(ord("0"))
        digits[:, self.dot] = 0
        time_us = digits.astype(np.float64) @ self.weights
        id_digits = NIBBLES[rows[:, self.identifier]]
        identifier = ((id_digits & 15).astype(np.float64) @ _powers(16, id_digits.shape[1])).astype(np.uint32)
        pairs = PAIRS[np.ascontiguousarray(rows[:, self.data]).view("<u2")]
        good = self._good(digits, time_us, id_digits, pairs)
        data = np.zeros((len(rows), WORD), np.uint8)
        data[:, : pairs.shape[1]] = pairs
        kept: NDArray[np.bool_] | slice = slice(None) if good.all() else good
        rows_out = lines[kept]
        out.time_us[rows_out] = time_us[kept]
        out.id[rows_out] = identifier[kept] & ID_MASK
        out.flags[rows_out] = self._flags(identifier)[kept]
        out.length[rows_out] = pairs.shape[1]
        out.data[rows_out] = data.view("<u8")[kept, 0]
        out.channel[rows_out] = self.channel
        fits[np.flatnonzero(fits)[~good]] = False
        return fits

    def _good(
        self, digits: Bytes, time_us: NDArray[np.float64], id_digits: Bytes, pairs: NDArray[np.int16]
    ) -> NDArray[np.bool_]:
        """Which rows have digits where digits must be."""
        good: NDArray[np.bool_] = time_us < _EXACT
        for wrong in (digits > 9, id_digits > 15, pairs < 0):
            if wrong.any():
                good &= ~wrong.any(axis=1)
        return good

    def _flags(self, identifier: NDArray[np.uint32]) -> Bytes:
        flags = np.full(len(identifier), self.flags, np.uint8)
        if self.flags & Flag.EXTENDED:
            flags[(identifier & ERROR_BIT) != 0] ^= np.uint8(Flag.EXTENDED | Flag.ERROR)
        return flags


def _powers(base: int, count: int) -> NDArray[np.float64]:
    return np.power(float(base), np.arange(count - 1, -1, -1, dtype=np.float64))


def _shape_of(line: bytes, channels: Channels) -> _Shape | None:
    """The shape of a line; None: it is an unusual one."""
    match = _USUAL.fullmatch(line)
    if match is None:
        return None
    fixed = bytearray(line.ljust(_padded(len(line)), b"\0"))
    mask = bytearray(b"\xff" * len(line)).ljust(len(fixed), b"\0")
    for group in ("seconds", "fraction", "id", "data"):
        start, end = match.span(group)
        fixed[start:end] = mask[start:end] = bytes(end - start)
    seconds, fraction = len(match["seconds"]), len(match["fraction"])
    places = np.concatenate([np.arange(5 + seconds, 5, -1), [-1], np.arange(5, 5 - fraction, -1)]).astype(np.float64)
    return _Shape(
        np.frombuffer(bytes(mask), np.uint64),
        np.frombuffer(bytes(fixed), np.uint64),
        slice(match.start("seconds"), match.end("fraction")),
        seconds,
        np.where(places < 0, 0.0, 10.0**places),
        slice(*match.span("id")),
        slice(*match.span("data")),
        channels.number(match["channel"].decode("utf-8", "replace")),
        Flag.EXTENDED * (len(match["id"]) > 3) | Flag.SENT * (match["direction"] == b" T"),
    )


def _padded(length: int) -> int:
    return -(-length // WORD) * WORD


class _Columns:
    """The frames of a chunk, an entry a line."""

    def __init__(self, lines: int) -> None:
        self.time_us = np.empty(lines, np.int64)
        self.id = np.empty(lines, np.uint32)
        self.flags = np.empty(lines, np.uint8)
        self.length = np.empty(lines, np.uint8)
        self.data = np.empty(lines, np.uint64)
        self.channel = np.empty(lines, np.uint8)

    def block(self, rows: NDArray[np.bool_] | slice) -> FrameBlock:
        return FrameBlock(
            0, self.time_us[rows], self.id[rows], self.flags[rows], self.length[rows], self.data[rows],
            self.channel[rows],
        )  # fmt: skip


def read_candump(source: Source, channels: Channels) -> Iterator[FrameBlock]:
    """Read a file, one block per chunk.

    Raises:
        CaptureError: a line is invalid; the frames before it have been handed out.
    """
    return _Reader(source, channels).blocks()


class _Reader:
    """Reads one file."""

    def __init__(self, source: Source, channels: Channels) -> None:
        self._source = source
        self._channels = channels
        self._met = Channels(source.path)
        """Numbers channels as they are met, which is not in the order of their frames."""
        self._numbers = np.full(MOST_CHANNELS, UNKNOWN, np.int16)
        """Number in `_met` -> number in `_channels`."""
        self._shapes: dict[int, list[_Shape]] = {}
        """By length of the line."""
        self._lines = 0
        """In the chunks before."""

    def blocks(self) -> Iterator[FrameBlock]:
        memory = bytearray(CHUNK_BYTES + 2 * LONGEST_LINE)
        buffer = np.frombuffer(memory, np.uint8)
        held = 0
        while True:
            count = self._source.readinto(memoryview(memory)[held : held + CHUNK_BYTES])
            end = held + count
            if not count and end:  # the last line may have no end
                buffer[end] = ord("\n")
                end += 1
            ends = np.flatnonzero(buffer[:end] == ord("\n"))
            if len(ends):
                block, failure = self._read_lines(buffer, ends)
                if len(block):
                    yield block
                if failure is not None:
                    raise failure
            if not count:
                return
            rest = int(ends[-1]) + 1 if len(ends) else 0
            held = end - rest
            if held > LONGEST_LINE:
                start = buffer[rest : rest + LONGEST_LINE].tobytes()
                raise unreadable_line(self._source.path, self._lines + 1, start, EXPECTED)
            buffer[:held] = buffer[rest:end].copy()

    def _read_lines(self, buffer: Bytes, ends: NDArray[np.intp]) -> tuple[FrameBlock, CaptureError | None]:
        """Read whole lines.

        Returns:
            The frames of the lines before the first invalid one, and what to raise for that one.
        """
        starts = np.concatenate([np.zeros(1, np.intp), ends[:-1] + 1])
        lengths = ends - starts
        out = _Columns(len(starts))
        unusual: list[int] = []
        for length in np.flatnonzero(np.bincount(lengths)).tolist():
            unusual += self._read_alike(buffer, starts, np.flatnonzero(lengths == length), length, out)
        rows, failure = self._read_unusual(buffer, starts, ends, sorted(unusual), out)
        self._lines += len(starts)
        return self._renumbered(out.block(rows)), failure

    def _renumbered(self, block: FrameBlock) -> FrameBlock:
        """With the channels in the order of their first frames."""
        numbers = self._numbers[block.channel]
        if (numbers == UNKNOWN).any():
            numbers = self._channels.numbers(block.channel, self._met.names.__getitem__).astype(np.int16)
            self._numbers[block.channel] = numbers
        return replace(block, channel=numbers.astype(np.uint8))

    def _read_alike(
        self, buffer: Bytes, starts: NDArray[np.intp], lines: NDArray[np.intp], length: int, out: _Columns
    ) -> list[int]:
        """Read lines of one length.

        Returns:
            Those of an unusual shape.
        """
        if not _worth_a_look(length):
            return [int(line) for line in lines]
        width = _padded(length)
        windows: NDArray[Any] = np.ndarray((len(buffer) - width,), f"V{width}", buffer, strides=(1,))
        rows = windows[starts[lines]].view(np.uint8).reshape(-1, width)
        unusual: list[int] = []
        shapes = self._shapes.setdefault(length, [])
        for shape in shapes:
            lines, rows = _others(lines, rows, shape.read(rows, out, lines))
        while len(lines):
            shape_or_none = self._new_shape(rows[0, :length].tobytes())
            if shape_or_none is None:
                unusual.append(int(lines[0]))
                lines, rows = lines[1:], rows[1:]
            else:
                shapes.append(shape_or_none)
                lines, rows = _others(lines, rows, shape_or_none.read(rows, out, lines))
        return unusual

    def _new_shape(self, line: bytes) -> _Shape | None:
        if sum(len(shapes) for shapes in self._shapes.values()) >= MOST_SHAPES:
            return None
        return _shape_of(line, self._met)

    def _read_unusual(
        self, buffer: Bytes, starts: NDArray[np.intp], ends: NDArray[np.intp], unusual: list[int], out: _Columns
    ) -> tuple[NDArray[np.bool_] | slice, CaptureError | None]:
        """Read lines one by one, up to the first invalid one.

        Returns:
            Which lines are frames; and what to raise.
        """
        if not unusual:
            return slice(None), None
        frames = np.ones(len(starts), np.bool_)
        for line in unusual:
            text = buffer[starts[line] : ends[line]].tobytes()
            frame = read_line(text)
            if frame is None:
                if text.strip():
                    frames[line:] = False
                    return frames, unreadable_line(self._source.path, self._lines + line + 1, text, EXPECTED)
                frames[line] = False
                continue
            out.time_us[line], out.id[line], out.flags[line] = frame.time_us, frame.id, frame.flags
            out.length[line] = len(frame.data)
            out.data[line] = int.from_bytes(frame.data[:WORD], "little")
            out.channel[line] = self._met.number(frame.channel)
        return frames, None


def _worth_a_look(length: int) -> bool:
    """Whether a line of this length can be of a usual shape."""
    return len(b"(0.0) c 0#") <= length <= 128


def _others(lines: NDArray[np.intp], rows: Bytes, read: NDArray[np.bool_]) -> tuple[NDArray[np.intp], Bytes]:
    """What is left after some rows have been read."""
    if read.all():
        return lines[:0], rows[:0]
    return lines[~read], rows[~read]
