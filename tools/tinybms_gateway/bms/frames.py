"""Frames of the TinyBMS's serial protocol: what a client and the simulator of the device share."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from crccheck.crc import CrcModbus

START = 0xAA
NACK, ACK = 0x00, 0x01
COMMAND_ERROR, CRC_ERROR = 0x00, 0x01
RESET, READ, WRITE, NEWEST_EVENTS, ALL_EVENTS, SETTINGS_VALUES = 0x02, 0x03, 0x10, 0x11, 0x12, 0x1D

_CRC_BYTES = 2


def crc(data: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first."""
    return int(CrcModbus.calc(data)).to_bytes(2, "little")


def frame(*parts: int | bytes) -> bytes:
    """Start byte, parts and CRC."""
    body = bytes([START]) + b"".join(bytes([part]) if isinstance(part, int) else part for part in parts)
    return body + crc(body)


@dataclass(frozen=True)
class Request:
    """A request, and what its positive answer looks like."""

    frame: bytes
    head: bytes
    """The answer's first bytes: all that is known in advance, so that little else is mistaken for it."""
    payload_bytes: int | None
    """Length of what follows the head; None: a length byte gives it."""

    @property
    def command(self) -> int:
        """Command byte."""
        return self.frame[1]


@dataclass(frozen=True)
class Answer:
    """The BMS's answer to a request."""

    payload: bytes = b""
    error: int | None = None
    """COMMAND_ERROR or CRC_ERROR; None: carried out."""


def read_request(address: int, count: int) -> Request:
    """Read consecutive registers, most significant byte first."""
    data = struct.pack(">HBB", address, 0, count)
    return Request(frame(READ, data), bytes([START, READ, 2 * count]), 2 * count)


def write_request(address: int, words: Sequence[int]) -> Request:
    """Write consecutive registers in one frame."""
    where = struct.pack(">HBB", address, 0, len(words))
    data = struct.pack(f">B{len(words)}H", 2 * len(words), *words)
    return Request(frame(WRITE, where, data), bytes([START, WRITE]) + where, 0)


def reset_request(option: int) -> Request:
    """Clear events (1), clear statistics (2), restart the BMS (5)."""
    return Request(frame(RESET, option), bytes([START, ACK, RESET]), 0)


def events_request(*, all_of_them: bool) -> Request:
    """The newest events, or all."""
    command = ALL_EVENTS if all_of_them else NEWEST_EVENTS
    return Request(frame(command), bytes([START, command]), None)


def settings_request(option: int, count: int) -> Request:
    """Least (1), greatest (2), default (3) or present (4) values of the settings, from register 300 on."""
    return Request(frame(SETTINGS_VALUES, option, 0, count), bytes([START, SETTINGS_VALUES, 2 * count]), 2 * count)


def take_answer(buffer: bytearray, request: Request, *, time_is_over: bool = False) -> Answer | None:
    """Take the first complete answer to a request out of the received bytes.

    Anything else (noise, ASCII lines, answers to something else, damaged frames) is skipped: the search continues after
    each false start byte.

    Args:
        buffer: bytes received so far; those that were used are removed
        request: what was asked
        time_is_over: nothing more will come, so an incomplete frame does not count

    Returns:
        The answer; None: more bytes are needed.
    """
    while (start := buffer.find(START)) >= 0:
        del buffer[:start]
        length = _length(buffer, request)
        if length is None or len(buffer) < length:
            if not time_is_over:
                return None
        elif length and crc(bytes(buffer[: length - _CRC_BYTES])) == buffer[length - _CRC_BYTES : length]:
            answer = _answer(bytes(buffer[: length - _CRC_BYTES]), request)
            del buffer[:length]
            return answer
        del buffer[0]
    buffer.clear()
    return None


def _length(buffer: bytearray, request: Request) -> int | None:
    """Length of the answer that the buffer begins with; 0: it does not begin with one; None: not known yet."""
    refusal = bytes([START, NACK, request.command])
    if buffer[: len(refusal)] == refusal[: len(buffer)]:
        return len(refusal) + 1 + _CRC_BYTES
    head = request.head
    if buffer[: len(head)] != head[: len(buffer)]:
        return 0
    if request.payload_bytes is not None:
        return len(head) + request.payload_bytes + _CRC_BYTES
    return len(head) + 1 + buffer[len(head)] + _CRC_BYTES if len(buffer) > len(head) else None


def _answer(body: bytes, request: Request) -> Answer:
    if body[1] == NACK:
        return Answer(error=body[3])
    return Answer(payload=body[len(request.head) + (request.payload_bytes is None) :])
