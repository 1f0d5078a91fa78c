"""What tests call of the pure components, beyond what the package does."""

import ctypes as c
from pathlib import Path

from tinybms_gateway.pure import PureLibrary

FRAME_MAX = 260

u8p = c.POINTER(c.c_uint8)


class Answer(c.Structure):
    """tinybms_answer_t."""

    _fields_ = (
        ("command", c.c_int),
        ("request", c.c_uint8),
        ("error", c.c_uint8),
        ("payload", u8p),
        ("payload_length", c.c_uint8),
    )


class Message(c.Structure):
    """victron_message_t."""

    _fields_ = (("id", c.c_uint16), ("period_ms", c.c_uint16), ("phase_ms", c.c_uint16), ("encode", c.c_void_p))


class Pure(PureLibrary):
    """The library with what only tests call."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.lib.victron_message_at.restype = c.POINTER(Message)
        self.lib.tinybms_parser_feed.restype = c.c_size_t
        self.lib.tinybms_answer_encode.restype = c.c_size_t
        for function in ("tinybms_parser_next", "tinybms_parser_flush", "tinybms_answer_decode"):
            getattr(self.lib, function).restype = c.c_bool
        self.parser_size = self.size_of("parser")

    def messages(self) -> list[Message]:
        """The table of frames that the gateway sends."""
        found = []
        while message := self.lib.victron_message_at(c.c_size_t(len(found))):
            found.append(message.contents)
        return found

    def parser(self) -> "Parser":
        """A new parser."""
        return Parser(self)


class Parser:
    """tinybms_parser_t with what it yields as Python values."""

    def __init__(self, pure: Pure) -> None:
        self._lib = pure.lib
        self._state = c.create_string_buffer(pure.parser_size)

    def feed(self, data: bytes) -> list[tuple[int, int, int, bytes]]:
        """Feed bytes; returns the answers as (command, request, error, payload)."""
        answers = []
        while data:
            chunk = (c.c_uint8 * len(data)).from_buffer_copy(data)
            taken = self._lib.tinybms_parser_feed(self._state, chunk, c.c_size_t(len(data)))
            data = data[taken:]
            answers += self._take("tinybms_parser_next")
        return answers

    def flush(self) -> list[tuple[int, int, int, bytes]]:
        """Give up what is incomplete; returns the good answers behind it."""
        return self._take("tinybms_parser_flush")

    def _take(self, function: str) -> list[tuple[int, int, int, bytes]]:
        answer = Answer()
        found = []
        while getattr(self._lib, function)(self._state, c.byref(answer)):
            payload = bytes(answer.payload[: answer.payload_length]) if answer.payload else b""
            found.append((answer.command, answer.request, answer.error, payload))
        return found


def encode_answer(pure: Pure, command: int, request: int, error: int, payload: bytes) -> bytes:
    """tinybms_answer_encode(); empty: it cannot be."""
    data = (c.c_uint8 * max(len(payload), 1)).from_buffer_copy(payload or b"\0")
    answer = Answer(command, request, error, c.cast(data, u8p), len(payload))
    out = (c.c_uint8 * FRAME_MAX)()
    length = pure.lib.tinybms_answer_encode(c.byref(answer), out, c.c_size_t(FRAME_MAX))
    return bytes(out[:length])
