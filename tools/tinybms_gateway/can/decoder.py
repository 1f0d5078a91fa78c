"""Decoding of whole blocks of frames at once, by our DBC."""

from dataclasses import dataclass, field
from functools import cached_property

import cantools.database
import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.columns import NO_CLASSIC_DATA, Flag, FrameBlock
from tinybms_gateway.can.database import BmsDatabase, load_database
from tinybms_gateway.can.protocol import allowed_lengths


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
        """A signal as it is in the frames, at most 32 bits wide; 0 where the frame is too short for it, see `has`."""
        signal = self._signals[name]
        mask = np.uint64((1 << signal.length) - 1)
        values: NDArray[np.int64] = ((self.data >> np.uint64(signal.start)) & mask).astype(np.int64)
        if signal.is_signed:
            values -= (values >> (signal.length - 1)) << signal.length
        return values

    def physical(self, name: str) -> NDArray[np.float64]:
        """A signal in its unit; NaN where the frame is too short for it."""
        signal = self._signals[name]
        values = self.raw(name) * float(signal.scale) + float(signal.offset)
        return np.where(self.has(name), values, np.nan)

    def has(self, name: str) -> NDArray[np.bool_]:
        """Whether each frame is long enough for a signal."""
        signal = self._signals[name]
        return self.length * 8 >= signal.start + signal.length

    def texts(self) -> NDArray[np.bytes_]:
        """The eight bytes of each frame of one text, without the zero bytes at its end."""
        return self.data.astype("<u8").view("S8")

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

    def decode(self, block: FrameBlock) -> DecodedBlock:
        """Sort the frames of a block by what they are."""
        problems: dict[str, NDArray[np.intp]] = {}
        no_data = (block.flags & NO_CLASSIC_DATA) != 0
        extended = ~no_data & ((block.flags & Flag.EXTENDED) != 0)
        _note(problems, "no classic data frame", np.flatnonzero(no_data))
        _note(problems, "29-bit identifier", np.flatnonzero(extended))
        plain = np.flatnonzero(~no_data & ~extended)
        ids = block.id[plain].astype(np.uint16)
        order = np.argsort(ids, kind="stable")
        found, starts = np.unique(ids[order], return_index=True)
        frames = {}
        for identifier, rows in zip(found.tolist(), np.split(plain[order], starts[1:]), strict=False):
            message = self._messages.get(identifier)
            if message is None:
                _note(problems, "unknown identifier", rows)
                continue
            good = np.isin(block.length[rows], allowed_lengths(message))
            _note(problems, "wrong length", rows[~good])
            if good.any():
                kept = rows[good]
                frames[identifier] = Frames(message, kept, block.time_us[kept], block.length[kept], block.data[kept])
        return DecodedBlock(block, frames, problems)


def _note(problems: dict[str, NDArray[np.intp]], kind: str, rows: NDArray[np.intp]) -> None:
    if len(rows):
        problems[kind] = np.concatenate([problems[kind], rows]) if kind in problems else rows
