"""What a frame is: identifier, kind, length, reserved bits, texts."""

from collections.abc import Callable

import numpy as np
from typing_extensions import override

from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.database import hex_of, load_database
from tinybms_gateway.can.decoder import DecodedBlock, Frames
from tinybms_gateway.can.protocol import RESERVED_ALARM_BITS, SENSOR_TEXT_IDS, TEXT_IDS, id_text
from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.can.verify.rules.base import (
    FRAMES,
    LAYOUT,
    VICTRON,
    FrameRule,
    Index,
    Mask,
    note_rows,
)

HIGH_BITS = np.uint64(0x8080808080808080)
RESERVED_END = np.uint64(0xFFFF000000000000)
CELL_IDS = (0x374, 0x375)
CELL_ID_FORM = (b"R", b"0123456789", b"0123456789", b" ", b"C", b"0123456789", b"0123456789", b"\0")
TEXTS = tuple(sorted(TEXT_IDS))


class Kind(Rule):
    """No frame is of a kind that does not belong on this bus."""

    def __init__(
        self, id: str, sentence: str, source: str, problem: str, which: Callable[[FrameBlock], Mask] | None = None
    ) -> None:
        """`problem`: of `DecodedBlock.problems`; `which`: of its frames, None: all."""
        super().__init__(id, sentence, source)
        self._problem, self._which = problem, which

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        self.checked += len(decoded.block)
        rows = self._rows(decoded)
        note_rows(self, decoded, rows, lambda i: self._tell(decoded, int(rows[i])))

    def _rows(self, decoded: DecodedBlock) -> Index:
        rows = np.sort(decoded.problems.get(self._problem, np.zeros(0, np.intp)))
        return rows if self._which is None or not len(rows) else rows[self._which(decoded.block.take(rows))]

    def _tell(self, decoded: DecodedBlock, row: int) -> str:
        block = decoded.block
        identifier = id_text(int(block.id[row]), extended=bool(block.flags[row] & Flag.EXTENDED))
        return f"{identifier} with {block.length[row]} bytes"


class Known(Kind):
    """No frame is of another protocol; another rule covers our frames with 29 bits."""

    def __init__(self) -> None:
        super().__init__("id-known", "Only frames of the protocol are on the bus; no other identifiers of 11 or 29 "
                         "bits.", FRAMES, "29-bit identifier", lambda block: ~_of_the_protocol(block))  # fmt: skip

    @override
    def _rows(self, decoded: DecodedBlock) -> Index:
        unknown = decoded.problems.get("unknown identifier", np.zeros(0, np.intp))
        return np.sort(np.concatenate([unknown, super()._rows(decoded)]))


def _of_the_protocol(block: FrameBlock) -> Mask:
    return np.isin(block.id, [message.frame_id for message in load_database().messages])


def _with(flag: Flag) -> Callable[[FrameBlock], Mask]:
    return lambda block: (block.flags & flag) != 0


def _text(frames: Frames, i: int) -> str:
    return f"0x{frames.message.frame_id:03X}: {hex_of(int(frames.data[i]))}"


def _bytes(frames: Frames) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return frames.data.astype("<u8").view(np.uint8).reshape(-1, 8)


def _not_padded(frames: Frames) -> Mask:
    """A byte that is not 0 follows one that is: then the lowest zero byte is not followed by zeros alone."""
    zero = _bytes(frames) == 0
    bad: Mask = (zero[:, :-1] & ~zero[:, 1:]).any(axis=1)
    return bad


def _not_printable(frames: Frames) -> Mask:
    octets = _bytes(frames)
    bad: Mask = (((octets < 0x20) & (octets != 0)) | (octets == 0x7F)).any(axis=1)
    return bad


def _no_cell_id(frames: Frames) -> Mask:
    octets = _bytes(frames)
    good = np.ones(len(octets), np.bool_)
    for place, allowed in enumerate(CELL_ID_FORM):
        good &= np.isin(octets[:, place], np.frombuffer(allowed, np.uint8))
    return ~good


def _no_sensor_id(frames: Frames) -> Mask:
    names = [np.uint64(int.from_bytes(name, "little")) for name in (b"EXT 1", b"EXT 2")]
    return ~np.isin(frames.data, names)


def _ends_in_zeros(identifier: int) -> FrameRule:
    return FrameRule(
        f"reserved-{identifier:03X}", f"Bytes 6 and 7 of 0x{identifier:03X} are 0.", LAYOUT, identifier,
        lambda f: (f.data & RESERVED_END) != 0,
        lambda f, i: f"bytes 6 and 7 are {(int(f.data[i]) >> 48).to_bytes(2, 'little').hex(' ').upper()}",
    )  # fmt: skip


def _texts(id: str, sentence: str, source: str, bad: Callable[[Frames], Mask],
           identifiers: tuple[int, ...] = TEXTS) -> FrameRule:  # fmt: skip
    return FrameRule(id, sentence, source, identifiers, bad, _text)


def rules() -> list[Rule]:
    """All of them."""
    return [
        Kind("id-11-bit", "The identifiers of the protocol have 11 bits; a GX ignores 29-bit ones.", VICTRON,
             "29-bit identifier", _of_the_protocol),
        Kind("no-remote-frames", "There are no remote frames: the battery sends unprompted.", VICTRON,
             "no classic data frame", _with(Flag.REMOTE)),
        Kind("no-error-frames", "There are no error frames: wiring and termination are good.", VICTRON,
             "no classic data frame", _with(Flag.ERROR)),
        Kind("no-fd-frames", "There are no CAN FD frames: the protocol is CAN 2.0A.", VICTRON,
             "no classic data frame", _with(Flag.FD)),
        Known(),
        Kind("length", "Each frame has a length that the protocol allows.", VICTRON, "wrong length"),
        FrameRule("length-whole", "The gateway sends each frame at its full length: 8 bytes, 0x379 with 2.", FRAMES,
                  (0x355, 0x356, 0x35F, 0x373, 0x379), lambda f: f.length != f.message.length,
                  lambda f, i: f"0x{f.message.frame_id:03X} with {f.length[i]} bytes, not {f.message.length}"),
        *(_ends_in_zeros(n) for n in (0x355, 0x356, 0x35F)),
        FrameRule("reserved-35A", "The reserved bits of 0x35A are 0: byte 3 bits 2 to 7, byte 7 bits 4 to 7.", VICTRON,
                  0x35A, lambda f: (f.data & np.uint64(RESERVED_ALARM_BITS)) != 0,
                  lambda f, i: f"bytes 3 and 7 are {int(f.data[i]) >> 24 & 255:02X} and {int(f.data[i]) >> 56:02X}"),
        _texts("text-7-bit", "Texts are 7-bit ASCII.", VICTRON, lambda f: (f.data & HIGH_BITS) != 0),
        _texts("text-padded", "Unused characters of a text are 0, up to its end.", VICTRON, _not_padded),
        _texts("text-printable", "Texts hold no control characters.", FRAMES, _not_printable),
        _texts("cell-id-form", "Cell ids are written 'Rnn Cnn'.", FRAMES, _no_cell_id, CELL_IDS),
        _texts("sensor-id-form", "Sensor ids are 'EXT 1' or 'EXT 2'.", FRAMES, _no_sensor_id, SENSOR_TEXT_IDS),
    ]  # fmt: skip
