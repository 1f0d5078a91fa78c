"""Lines that describe the frames of a capture."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import can
import numpy as np

from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.database import BmsDatabase, load_database, signal_name
from tinybms_gateway.can.frame import DecodedFrame, decode_frame

BLOCK_FRAMES = 10_000
"""Small, so that the first lines come at once."""
REMEMBERED = 100_000
"""Contents of frames; most recur."""
Content = tuple[int, int, int, int]
"""Identifier, flags, length, data."""


@dataclass(frozen=True)
class Selection:
    """Which frames are shown, and what of them."""

    ids: frozenset[int]
    """Empty: all."""
    signals: frozenset[str]
    """Empty: all; otherwise only frames that have one of them."""


def select(ids: Collection[str], signals: Collection[str], database: BmsDatabase | None = None) -> Selection:
    """Make the selection that a user asks for.

    Args:
        ids: identifiers, hexadecimal
        signals: names of the DBC, in any case
        database: a DBC to use instead of ours

    Raises:
        ValueError: no such identifier or signal.
    """
    try:
        wanted = {int(text, 16) for text in ids}
    except ValueError:
        raise ValueError(f"--id {' '.join(ids)}: give identifiers in hexadecimal, such as 351") from None
    carriers = {s.name: message.frame_id for message in (database or load_database()).messages for s in message.signals}
    names = frozenset(signal_name(name, carriers) for name in signals)
    return Selection(frozenset(wanted | {carriers[name] for name in names}), names)


@dataclass
class FrameTexts:
    """Turns blocks of frames into lines."""

    selection: Selection
    as_json: bool
    """A JSON object a line instead of text for people."""
    database: BmsDatabase | None = None
    """A DBC to use instead of ours."""
    shown: int = 0
    """Frames so far."""
    problems: int = 0
    """Frames so far that could not be decoded."""
    _known: dict[Content, tuple[str, bool]] = field(default_factory=dict)
    """Line without the time, empty: nothing to show; whether it has a problem."""

    def lines(self, block: FrameBlock) -> Iterator[str]:
        """A line for each frame that is selected."""
        if self.selection.ids:
            block = block.take(np.isin(block.id, list(self.selection.ids)))
        head = partial(str.format, '{{"time_s": {!r}, {}' if self.as_json else "{:.3f} {}")
        columns = (block.id, block.flags, block.length, block.data)
        contents = zip(*(column.tolist() for column in columns), strict=True)
        for time_s, content in zip((block.time_us / 1e6).tolist(), contents, strict=True):
            text, problem = self._known.get(content) or self._look_up(content)
            if text:
                self.shown += 1
                self.problems += problem
                yield head(time_s, text)

    def _look_up(self, content: Content) -> tuple[str, bool]:
        frame = self._selected(_decoded(content, self.database))
        if frame is None:
            entry = ("", False)
        elif self.as_json:
            entry = (json.dumps(frame.content_as_json())[1:], bool(frame.problem))
        else:
            entry = (frame.content(), bool(frame.problem))
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[content] = entry
        return entry

    def _selected(self, frame: DecodedFrame) -> DecodedFrame | None:
        if not self.selection.signals or frame.problem:
            return frame
        kept = {name: signal for name, signal in frame.signals.items() if name in self.selection.signals}
        return replace(frame, signals=kept) if kept else None


def _decoded(content: Content, database: BmsDatabase | None) -> DecodedFrame:
    identifier, flags, length, data = content
    return decode_frame(
        can.Message(
            arbitration_id=identifier,
            is_extended_id=bool(flags & Flag.EXTENDED),
            is_remote_frame=bool(flags & Flag.REMOTE),
            is_error_frame=bool(flags & Flag.ERROR),
            is_fd=bool(flags & Flag.FD),
            dlc=length,
            data=data.to_bytes(8, "little")[:length],
        ),
        database,
    )
