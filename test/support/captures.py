"""Long captures of good traffic, made quickly: as blocks of columns, or as candump files."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capture_frames import SCHEDULE, START_US, Story
from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.can.database import load_database

CYCLE_MS = 10_000
BLOCK = 100_000
_LENGTHS = {message.frame_id: message.length for message in load_database().messages}
_HEX = np.frombuffer(b"".join(b"%02X" % byte for byte in range(256)), np.uint8).reshape(256, 2)
_STORY = Story()
Column = NDArray[np.int64]


def schedule() -> tuple[NDArray[np.uint32], Column]:
    """What gateway and GX send in ten seconds: identifiers in their order, and when, in microseconds from the start."""
    due = sorted(
        (time_ms, identifier)
        for identifier, (period_ms, phase_ms) in SCHEDULE.items()
        for time_ms in range(phase_ms, CYCLE_MS, period_ms)
    )
    times = np.array([time_ms for time_ms, _ in due], np.int64) * 1000
    place_in_burst = np.arange(len(due)) - np.searchsorted(times, times)
    return np.array([identifier for _, identifier in due], np.uint32), times + place_in_burst * 20_000


def traffic(frames: int, block_frames: int = BLOCK, seed: int = 1) -> Iterator[FrameBlock]:
    """Traffic of a gateway and a GX that lacks nothing: each identifier with its period, values that change slowly.

    Args:
        frames: how many; 114 of them are ten seconds
        block_frames: most of them in a block
        seed: of the jitter (up to 0.4 ms) and the noise; the same gives the same traffic
    """
    random = np.random.default_rng(seed)
    ids, times = schedule()
    for first in range(0, frames, block_frames):
        index = np.arange(first, min(first + block_frames, frames))
        turn, place = np.divmod(index, len(ids))
        identifier = ids[place]
        time_us = turn * CYCLE_MS * 1000 + times[place]
        data = np.zeros(len(index), np.uint64)
        for each in np.unique(identifier).tolist():
            rows = identifier == each
            data[rows] = _payloads(each, time_us[rows] / 1e6, random)
        yield FrameBlock(
            first,
            START_US + time_us + random.integers(0, 400, len(index)),
            identifier,
            np.zeros(len(index), np.uint8),
            _by_id(_LENGTHS)[identifier],
            data,
            np.zeros(len(index), np.uint8),
        )


def write_candump(path: Path, blocks: Iterable[FrameBlock], channel: str = "can0", direction: str = "") -> Path:
    """Write 11-bit data frames as ``candump -L`` does, some million lines a second.

    Args:
        path: the file
        blocks: the frames; all are written as those of one channel
        channel: its name
        direction: behind each line: nothing, `` R`` or `` T``
    """
    with path.open("wb") as file:
        for block in blocks:
            file.write(candump_lines(block, channel.encode(), direction.encode()))
    return path


def candump_lines(block: FrameBlock, channel: bytes, direction: bytes = b"") -> bytes:
    """The lines of a block of 11-bit data frames."""
    head, tail = b"(0000000000.000000) " + channel + b" 000#", direction + b"\n"
    data_at = len(head)
    lines = np.empty((len(block), data_at + 16 + len(tail)), np.uint8)
    lines[:, :data_at] = np.frombuffer(head, np.uint8)
    seconds, fraction = np.divmod(block.time_us, 1_000_000)
    for rest, places in ((seconds, range(10, 0, -1)), (fraction, range(17, 11, -1))):
        for place in places:
            rest, digit = np.divmod(rest, 10)  # noqa: PLW2901 - its digits are taken off one by one
            lines[:, place] += digit.astype(np.uint8)
    for place, shift in ((4, 8), (3, 4), (2, 0)):
        nibble = (block.id >> np.uint32(shift)) & np.uint32(15)
        lines[:, data_at - place] = np.frombuffer(b"0123456789ABCDEF", np.uint8)[nibble]
    lines[:, data_at : data_at + 16] = _HEX[block.data.astype("<u8").view(np.uint8)].reshape(-1, 16)
    lines[:, data_at + 16 :] = np.frombuffer(tail, np.uint8)
    columns = np.arange(lines.shape[1])
    kept = columns < data_at + 2 * block.length.astype(np.intp)[:, None]
    kept |= columns >= data_at + 16
    return lines[kept].tobytes()


def _payloads(identifier: int, time_s: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.uint64]:
    """The frames of one identifier as little-endian numbers."""
    if identifier in _CHANGING:
        return _CHANGING[identifier](time_s, random)
    return np.full(len(time_s), int.from_bytes(_STORY.content(identifier, 0.0), "little"), np.uint64)


def _charge(time_s: NDArray[np.float64], _random: np.random.Generator) -> NDArray[np.uint64]:
    fine = (5000 + 3000 * np.sin(time_s / 9000)).astype(np.int64)
    return _packed((fine + 50) // 100, np.full_like(fine, 98), fine)


def _measurements(time_s: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.uint64]:
    current = (400 * np.cos(time_s / 9000)).astype(np.int64) + random.integers(-5, 5, len(time_s))
    voltage = 5300 + (100 * np.sin(time_s / 9000)).astype(np.int64) + random.integers(-2, 2, len(time_s))
    return _packed(voltage, current, np.full_like(voltage, 254))


def _cells(time_s: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.uint64]:
    lowest = 3780 + (7 * np.sin(time_s / 9000)).astype(np.int64)
    return _packed(lowest, lowest + random.integers(2, 9, len(time_s)), np.full_like(lowest, 297), lowest * 0 + 299)


def _energy(time_s: NDArray[np.float64], _random: np.random.Generator) -> NDArray[np.uint64]:
    steps = (time_s / 360).astype(np.uint64)
    return (steps + np.uint64(1000)) | ((steps + np.uint64(900)) << np.uint64(32))


_CHANGING: dict[int, Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.uint64]]] = {
    0x355: _charge, 0x356: _measurements, 0x373: _cells, 0x378: _energy,
}  # fmt: skip


def _packed(*words: Column) -> NDArray[np.uint64]:
    """16-bit words, the first one lowest."""
    data = np.zeros(len(words[0]), np.uint64)
    for place, word in enumerate(words):
        data |= (word & 0xFFFF).astype(np.uint64) << np.uint64(16 * place)
    return data


def _by_id(values: dict[int, int]) -> NDArray[np.uint8]:
    table = np.zeros(0x800, np.uint8)
    table[list(values)] = list(values.values())
    return table
