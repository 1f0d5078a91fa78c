"""Decoded frames as a long table: a row for each signal of each frame."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.can.database import hex_of, load_database, text_of
from tinybms_gateway.can.decoder import DecodedBlock, Frames
from tinybms_gateway.can.protocol import NOT_SUPPORTED, TEXT_IDS

_WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("capture", _WORD, nullable=False),
        pa.field("frame", pa.int64(), nullable=False),
        pa.field("channel", _WORD),
        pa.field("id", pa.int32(), nullable=False),
        pa.field("name", _WORD, nullable=False),
        pa.field("signal", _WORD, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("text", _WORD),
        pa.field("unit", _WORD),
    ]
)
"""What each column means is in docs/captures.md."""
NO_TEXT = -1


class _Words:
    """Recurring strings, as numbers."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, word: str) -> int:
        if word not in self._numbers:
            self._numbers[word] = len(self.words)
            self.words.append(word)
        return self._numbers[word]


@dataclass
class _Rows:
    """Pieces of the columns; each piece is of one signal."""

    frames: list[NDArray[np.intp]] = field(default_factory=list)
    """Rows in the block."""
    signal: list[int] = field(default_factory=list)
    """Index in `SignalTable._signals`."""
    value: list[NDArray[np.float64]] = field(default_factory=list)
    text: list[NDArray[np.int32]] = field(default_factory=list)


class SignalTable:
    """Makes tables of the schema from decoded blocks."""

    def __init__(self, capture_name: str) -> None:
        """Begin.

        Args:
            capture_name: for the column `capture`
        """
        messages = load_database().messages
        self._capture_name = capture_name
        self._signals = [(message, signal) for message in messages for signal in message.signals]
        self._index = {(m.frame_id, s.name): i for i, (m, s) in enumerate(self._signals)}

    def rows_of(self, decoded: DecodedBlock, first: NDArray[np.int64], channels: list[str]) -> pa.Table:
        """The table of a block, ordered by identifier, signal, frame.

        Args:
            decoded: the block
            first: index in the capture of each of its frames
            channels: names of the channels, by index
        """
        rows, texts = _Rows(), _Words()
        for identifier in sorted(decoded.frames):
            frames = decoded.frames[identifier]
            for signal in frames.message.signals:
                present = np.flatnonzero(frames.has(signal.name))
                if len(present):
                    value, text = _value_and_text(frames, signal.name, texts)
                    rows.frames.append(frames.rows[present])
                    rows.signal.append(self._index[identifier, signal.name])
                    rows.value.append(value[present])
                    rows.text.append(text[present])
        if not rows.frames:
            return SCHEMA.empty_table()
        return self._table(decoded.block, rows, texts.words, first, channels)

    def _table(
        self, block: FrameBlock, rows: _Rows, texts: list[str], first: NDArray[np.int64], channels: list[str]
    ) -> pa.Table:
        frames = np.concatenate(rows.frames)
        signal = np.repeat(np.array(rows.signal), [len(piece) for piece in rows.frames])
        value = np.concatenate(rows.value)
        units = sorted({s.unit for _, s in self._signals if s.unit})
        unit = np.array([units.index(s.unit) if s.unit else NO_TEXT for _, s in self._signals])
        names = sorted({m.name for m, _ in self._signals})
        name = np.array([names.index(m.name) for m, _ in self._signals])
        words = sorted({s.name for _, s in self._signals})
        word = np.array([words.index(s.name) for _, s in self._signals])
        ids = np.array([m.frame_id for m, _ in self._signals], np.int32)
        return pa.table(
            [
                pa.array(block.time_us[frames]).cast(SCHEMA.field("time").type),
                _coded(np.zeros(len(frames), np.int32), [self._capture_name]),
                pa.array(first[frames]),
                _coded(block.channel[frames], channels),
                pa.array(ids[signal]),
                _coded(name[signal], names),
                _coded(word[signal], words),
                pa.array(value, mask=np.isnan(value)),
                _coded(np.concatenate(rows.text), texts),
                _coded(unit[signal], units),
            ],
            schema=SCHEMA,
        )


def _value_and_text(frames: Frames, name: str, texts: _Words) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Of each frame: the number, NaN for none; and the number of the text, `NO_TEXT` for none."""
    signal = next(s for s in frames.message.signals if s.name == name)
    is_text = frames.message.frame_id in TEXT_IDS
    if is_text or signal.length > 32:
        raws, which = np.unique(frames.data, return_inverse=True)
        found = [text_of(raw) if is_text else hex_of(raw) for raw in raws.tolist()]
        numbers = np.array([texts.number(text) for text in found], np.int32)
        return np.full(len(frames.data), np.nan), numbers[which]
    value = frames.physical(name)
    text = np.full(len(value), NO_TEXT, np.int32)
    if signal.choices:
        raw = frames.raw(name)
        for number, choice in signal.choices.items():
            of_choice = raw == number
            if of_choice.any():
                text[of_choice] = texts.number(str(choice))
                if str(choice) == NOT_SUPPORTED:
                    value[of_choice] = np.nan
    return value, text


def _coded(numbers: NDArray[np.integer], words: list[str]) -> pa.DictionaryArray:
    codes = numbers.astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes == NO_TEXT), pa.array(words, pa.string()))
