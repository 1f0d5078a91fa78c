"""One frame as values with names and units, from our DBC; `tinybms_gateway.can.decoder` decodes whole captures."""

from dataclasses import dataclass, field
from typing import Any

import can
import cantools.database

from tinybms_gateway.can.database import BmsDatabase, load_database, text_of
from tinybms_gateway.can.protocol import NOT_SUPPORTED, TEXT_IDS, allowed_lengths, id_text

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
        return {"time_s": self.time_s} | self.content_as_json()

    def content_as_json(self) -> dict[str, Any]:
        """All but the time."""
        return {
            "id": id_text(self.id, extended=self.extended),
            "extended": self.extended,
            "data": self.data.hex(" ").upper(),
            "name": self.name,
            "signals": {name: {"value": signal.value, "unit": signal.unit} for name, signal in self.signals.items()},
            "problem": self.problem,
        }

    def __str__(self) -> str:
        return f"{self.time_s:.3f} {self.content()}"

    def content(self) -> str:
        """All but the time, for people."""
        identifier = id_text(self.id, extended=self.extended).removeprefix("0x")
        meaning = self.problem or f"{self.name}: {self.values()}"
        return f"{identifier} [{len(self.data)}] {self.data.hex(' ').upper():23} {meaning}"

    def values(self) -> str:
        """Its values, for people, without the fields that the battery cannot know."""
        return ", ".join(f"{n} {signal}" for n, signal in self.signals.items() if signal.value != NOT_SUPPORTED)


def decode_frame(message: can.Message, database: BmsDatabase | None = None) -> DecodedFrame:
    """Decode one frame with our DBC or another one; never fails: `problem` says what is wrong."""
    plain = DecodedFrame(message.timestamp, message.arbitration_id, message.is_extended_id, bytes(message.data))
    if unsuitable := _unsuitable(message):
        return _with_problem(plain, unsuitable)
    try:
        definition = (database or load_database()).get_message_by_frame_id(message.arbitration_id)
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


def _unsuitable(message: can.Message) -> str:
    """Why it cannot be a frame of this protocol, whatever its identifier; empty: it can."""
    if message.is_error_frame:
        return "error frame"
    if message.is_remote_frame:
        return "remote frame"
    if message.is_fd:
        return f"CAN FD frame of {message.dlc} bytes"
    return "29-bit identifier: a GX ignores it" if message.is_extended_id else ""


def _with_problem(frame: DecodedFrame, problem: str) -> DecodedFrame:
    return DecodedFrame(frame.time_s, frame.id, frame.extended, frame.data, problem=problem)


def _signal(frame_id: int, definition: cantools.database.can.Signal, value: Any) -> Signal:
    if frame_id in TEXT_IDS and definition.length == 64:
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
