"""One frame as values with names and units, by our DBC; whole captures are decoded by `tinybms_gateway.can.decoder`."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import can
import cantools.database

from tinybms_gateway.can.database import load_database, text_of
from tinybms_gateway.can.protocol import NOT_SUPPORTED, TEXT_IDS, allowed_lengths

Value = float | int | str


@dataclass(frozen=True)
class Signal:
    """One value of a frame."""

    value: Value
    """Physical value, the meaning of a choice, or text."""
    unit: str = ""

    def __str__(self) -> str:
        return (
            f"{self.value:g} {self.unit}".rstrip()
            if isinstance(self.value, float)
            else f"{self.value} {self.unit}".rstrip()
        )


@dataclass(frozen=True)
class DecodedFrame:
    """A frame with its meaning."""

    time_s: float
    id: int
    extended: bool
    data: bytes
    name: str = ""
    """Name in the DBC; empty: not one of this protocol."""
    signals: dict[str, Signal] = field(default_factory=dict)
    problem: str = ""
    """Why it could not be decoded; empty: it could."""

    def as_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self) | {
            "id": f"0x{self.id:08X}" if self.extended else f"0x{self.id:03X}",
            "data": self.data.hex(" ").upper(),
        }

    def __str__(self) -> str:
        identifier = f"{self.id:08X}" if self.extended else f"{self.id:03X}"
        values = ", ".join(f"{n} {signal}" for n, signal in self.signals.items() if signal.value != NOT_SUPPORTED)
        meaning = self.problem or f"{self.name}: {values}"
        return f"{self.time_s:.3f} {identifier} [{len(self.data)}] {self.data.hex(' ').upper():23} {meaning}"


def decode_frame(message: can.Message) -> DecodedFrame:
    """Decode one frame; never fails, `problem` says what is wrong with it."""
    plain = DecodedFrame(message.timestamp, message.arbitration_id, message.is_extended_id, bytes(message.data))
    if message.is_error_frame or message.is_remote_frame:
        return _with_problem(plain, "error frame" if message.is_error_frame else "remote frame")
    if message.is_extended_id:
        return _with_problem(plain, "29-bit identifier: a GX ignores it")
    try:
        definition = load_database().get_message_by_frame_id(message.arbitration_id)
    except KeyError:
        return _with_problem(plain, "not a frame of this protocol")
    if len(message.data) not in allowed_lengths(definition):
        return _with_problem(plain, f"{definition.name}: {len(message.data)} bytes, not {definition.length}")
    try:
        raw = definition.decode_simple(
            bytes(message.data), decode_choices=False, allow_truncated=True, allow_excess=True
        )
    except (cantools.database.DecodeError, ValueError) as error:
        return _with_problem(plain, f"{definition.name}: {error}")
    signals = {s.name: _signal(message.arbitration_id, s, raw[s.name]) for s in definition.signals if s.name in raw}
    return DecodedFrame(plain.time_s, plain.id, False, plain.data, definition.name, signals)


def read_capture(path: Path) -> Iterator[DecodedFrame]:
    """Read a capture file frame by frame; the format follows from the name (.log, .blf, .trc, and their .gz).

    Raises:
        ValueError: the file is not there or is not of that format; one line that says so.
    """
    if path.suffix in (".asc", ".csv", ".db"):
        raise ValueError(f"{path}: {path.suffix} files lose time, direction or frames; use .log, .blf or .trc")
    try:
        with can.LogReader(path) as reader:
            for message in reader:
                yield decode_frame(message)
    except Exception as error:  # the readers raise whatever the library of their format raises
        reason = getattr(error, "strerror", None) or error or type(error).__name__
        raise ValueError(f"{path}: not readable as a capture: {reason}") from error


def _with_problem(frame: DecodedFrame, problem: str) -> DecodedFrame:
    return DecodedFrame(frame.time_s, frame.id, frame.extended, frame.data, problem=problem)


def _signal(frame_id: int, definition: cantools.database.can.Signal, value: Any) -> Signal:
    if frame_id in TEXT_IDS:
        return Signal(text_of(int(value)))
    if definition.choices and int(value) in definition.choices:
        return Signal(str(definition.choices[int(value)]))
    digits = max(0, -_exponent(definition.scale))
    return Signal(round(float(value), digits) if digits else int(value), definition.unit or "")


def _exponent(scale: float) -> int:
    """Power of ten of a scale: 0.1 -> -1, 100 -> 2."""
    exponent = 0
    while scale < 1:
        scale, exponent = round(scale * 10, 9), exponent - 1
    return exponent
