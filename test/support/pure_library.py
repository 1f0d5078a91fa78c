"""The pure components as Python sees them: libtinybms_pure.so through ctypes."""

import ctypes as c
from pathlib import Path

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


class Quantity(c.Structure):
    """battery_quantity_t."""

    _fields_ = (("known", c.c_bool), ("value", c.c_int32))


class Energy(c.Structure):
    """battery_energy_t."""

    _fields_ = (("known", c.c_bool), ("value", c.c_int64))


class Limit(c.Structure):
    """battery_limit_t."""

    _fields_ = (("known", c.c_bool), ("value", c.c_int32), ("reason", c.c_int))


class State(c.Structure):
    """battery_state_t; `Pure` checks its size against the library's."""

    _fields_ = (
        ("snapshot_ms", c.c_int64),
        ("sequence", c.c_uint32),
        ("status", c.c_int),
        ("publish", c.c_bool),
        ("pack_voltage_mv", Quantity),
        ("pack_current_ma", Quantity),
        ("soc_ppm", Quantity),
        ("soh_ppm", Quantity),
        ("cell_count", c.c_uint8),
        ("cell_100uv", c.c_uint16 * 16),
        ("cell_min_mv", Quantity),
        ("cell_max_mv", Quantity),
        ("cell_min_register", Quantity),
        ("cell_max_register", Quantity),
        ("sensor_dc", Quantity * 2),
        ("bms_temperature_dc", Quantity),
        ("cvl_mv", Limit),
        ("ccl_ma", Limit),
        ("dcl_ma", Limit),
        ("dvl_mv", Limit),
        ("alarm", c.c_int * 13),
        ("warning", c.c_int * 13),
        ("installed_capacity_mah", Quantity),
        ("usable_capacity_mah", Quantity),
        ("energy_in_wh", Energy),
        ("energy_out_wh", Energy),
        ("model", Quantity),
        ("firmware_major", Quantity),
        ("firmware_minor", Quantity),
        ("serial_known", c.c_bool),
        ("serial", c.c_char * 25),
    )


class Identity(c.Structure):
    """victron_identity_t."""

    _fields_ = (("manufacturer", c.c_char * 9), ("battery_name", c.c_char * 17), ("family", c.c_char * 9))


class Frame(c.Structure):
    """victron_frame_t."""

    _fields_ = (("id", c.c_uint16), ("dlc", c.c_uint8), ("data", c.c_uint8 * 8))


class Message(c.Structure):
    """victron_message_t."""

    _fields_ = (("id", c.c_uint16), ("period_ms", c.c_uint16), ("phase_ms", c.c_uint16), ("encode", c.c_void_p))


class Pure:
    """The library."""

    def __init__(self, path: Path) -> None:
        self.lib = c.CDLL(str(path))
        self.lib.victron_message_at.restype = c.POINTER(Message)
        self.lib.tinybms_parser_feed.restype = c.c_size_t
        self.lib.tinybms_answer_encode.restype = c.c_size_t
        for function in ("tinybms_parser_next", "tinybms_parser_flush", "tinybms_answer_decode"):
            getattr(self.lib, function).restype = c.c_bool
        self.parser_size = c.c_size_t.in_dll(self.lib, "tinybms_pure_size_of_parser").value
        state_size = c.c_size_t.in_dll(self.lib, "tinybms_pure_size_of_state").value
        if state_size != c.sizeof(State):
            raise RuntimeError(f"battery_state_t has {state_size} bytes, the mirror of it {c.sizeof(State)}")

    def encode(self, function: str, state: State, identity: Identity) -> bytes | None:
        """Call an encoder of victron_pgn.h; None: it says that the frame must not be sent."""
        encoder = getattr(self.lib, function)
        encoder.restype = c.c_bool
        frame = Frame()
        if not encoder(c.byref(state), c.byref(identity), c.byref(frame)):
            return None
        return bytes(frame.data[: frame.dlc])

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
