"""Decoding of whole blocks of frames at once, with our DBC."""

from dataclasses import dataclass, field
from functools import cached_property

import cantools.database
import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.columns import NO_CLASSIC_DATA, Flag, FrameBlock
from tinybms_gateway.can.database import BmsDatabase, load_database
from tinybms_gateway.can.protocol import allowed_lengths

IDS = 0x800
"""Identifiers of 11 bits."""


@dataclass(frozen=True)
class Frames:
    """The frames of one identifier in a block: 11-bit data frames of a length that the protocol allows."""

    message: cantools.database.can.Message
    rows: NDArray[np.intp]
    """Their places in the block."""
    time_us: NDArray[np.int64]
    length: NDArray[np.uint8]
    data: NDArray[np.uint64]

    def raw(self, name: str) -> NDArray[np.int64]:
        """A signal as it is in the frames; 0 where the frame is too short for it, see `has`.

        A signal of 64 bits (texts, the data of the GX) is the number with the same bits; see `texts`.
        """
        signal = self._signals[name]
        if signal.length == 64:
            return self.data.astype(np.int64)
        shift, mask = np.uint64(signal.start), np.uint64((1 << signal.length) - 1)
        values: NDArray[np.int64] = ((self.data >> shift) & mask).view(np.int64)
        if signal.is_signed:
            values -= (values >> (signal.length - 1)) << signal.length
        return values

    def physical(self, name: str) -> NDArray[np.float64]:
        """A signal in its unit; NaN where the frame is too short for it."""
        signal = self._signals[name]
        raw = self.data if signal.length == 64 else self.raw(name)
        values = raw.astype(np.float64)
        values *= float(signal.scale)
        values += float(signal.offset)
        if not self._all_long_enough(signal):
            values[~self.has(name)] = np.nan
        return values

    def has(self, name: str) -> NDArray[np.bool_]:
        """Whether each frame is long enough for a signal."""
        signal = self._signals[name]
        return self.length >= (signal.start + signal.length + 7) // 8

    def texts(self) -> NDArray[np.bytes_]:
        """The eight bytes of each frame of one text, without the zero bytes at its end."""
        return np.ascontiguousarray(self.data, "<u8").view("S8")

    def _all_long_enough(self, signal: cantools.database.can.Signal) -> bool:
        return bool(self._shortest * 8 >= signal.start + signal.length)

    @cached_property
    def _shortest(self) -> int:
        return int(self.length.min())

    @cached_property
    def _signals(self) -> dict[str, cantools.database.can.Signal]:
        return {signal.name: signal for signal in self.message.signals}


@dataclass(frozen=True)
class DecodedBlock:
    """A block with its meaning."""

    block: FrameBlock
    frames: dict[int, Frames]
    """By identifier; those that do not occur are missing."""
    problems: dict[str, NDArray[np.intp]] = field(default_factory=dict)
    """Kind of problem -> rows of the block that are in none of `frames`."""


class Decoder:
    """Decodes blocks; holds what it needs of the DBC."""

    def __init__(self, database: BmsDatabase | None = None) -> None:
        self._messages = {message.frame_id: message for message in (database or load_database()).messages}
        self._lengths = {each: _table(allowed_lengths(message)) for each, message in self._messages.items()}

    def decode(self, block: FrameBlock) -> DecodedBlock:
        """Sort the frames of a block by what they are."""
        problems: dict[str, NDArray[np.intp]] = {}
        plain = _rows_of_plain_frames(block, problems)
        # Radix sort: identifiers beyond 11 bits, which no bus carries, fall together into one.
        ids = np.minimum(block.id[plain], IDS).astype(np.uint16)
        order = plain[np.argsort(ids, kind="stable")]
        time_us, length, data = block.time_us[order], block.length[order], block.data[order]
        counts = np.bincount(ids, minlength=IDS + 1)
        ends = np.cumsum(counts)
        frames: dict[int, Frames] = {}
        for identifier in np.flatnonzero(counts).tolist():
            part = slice(int(ends[identifier] - counts[identifier]), int(ends[identifier]))
            message = self._messages.get(identifier)
            if message is None:
                _note(problems, "unknown identifier", order[part])
                continue
            found = Frames(message, order[part], time_us[part], length[part], data[part])
            good = self._lengths[identifier][found.length]
            if not good.all():
                _note(problems, "wrong length", found.rows[~good])
                found = Frames(
                    message, found.rows[good], found.time_us[good], found.length[good], found.data[good]
                )  # fmt: skip
            if len(found.rows):
                frames[identifier] = found
        return DecodedBlock(block, frames, problems)


def _rows_of_plain_frames(block: FrameBlock, problems: dict[str, NDArray[np.intp]]) -> NDArray[np.intp]:
    """Rows of the 11-bit data frames; notes the rest."""
    special = (block.flags & np.uint8(NO_CLASSIC_DATA | Flag.EXTENDED)) != 0
    if not special.any():
        return np.arange(len(block))
    no_data = (block.flags & np.uint8(NO_CLASSIC_DATA)) != 0
    _note(problems, "no classic data frame", np.flatnonzero(no_data))
    _note(problems, "29-bit identifier", np.flatnonzero(special & ~no_data))
    return np.flatnonzero(~special)


def _table(lengths: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether each number of data bytes is one of these."""
    table = np.zeros(256, np.bool_)
    table[list(lengths)] = True
    return table


def _note(problems: dict[str, NDArray[np.intp]], kind: str, rows: NDArray[np.intp]) -> None:
    if len(rows):
        problems[kind] = np.concatenate([problems[kind], rows]) if kind in problems else rows
