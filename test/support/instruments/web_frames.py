"""WebSockets by hand: frames that no library would send, and what comes back."""

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from support.instruments.web_attack import Target

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPTED = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""For that key, by RFC 6455."""
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = b"\x12\x34\x56\x78"


def handshake(path: str = "/ws", **changed: str | None) -> bytes:
    """A request for a WebSocket; None leaves a header out."""
    headers = {
        "Host": "localhost",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": KEY,
    } | changed
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value is not None]
    return ("\r\n".join([f"GET {path} HTTP/1.1", *lines]) + "\r\n\r\n").encode("latin-1")


def frame(
    payload: bytes = b"",
    opcode: int = TEXT,
    *,
    first: int | None = None,
    length: bytes | None = None,
    masked: bool = True,
) -> bytes:
    """A frame of a client.

    Args:
        payload: its bytes
        opcode: what it is
        first: its first byte, when it is not that of a frame that is alone
        length: the bytes of the length as they stand, without the bit of the mask, when they are not the true ones
        masked: as a client has to
    """
    if length is None:
        size = len(payload)
        length = bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size)
    head = bytes([0x80 | opcode if first is None else first, length[0] | (0x80 if masked else 0)]) + length[1:]
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))


@dataclass
class WebSocket:
    """An open one."""

    connection: socket.socket
    _received: bytes = b""

    def send(self, sent: bytes) -> None:
        """Also while the gateway closes it, or a test does."""
        with suppress(OSError):
            self.connection.sendall(sent)

    def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            block = self.connection.recv(65536)
            if not block:
                raise ConnectionError("closed")
            self._received += block
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def receive(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame; fails when it is none that a server may send.

        Raises:
            ConnectionError: the connection was closed.
            TimeoutError: nothing came in time.
        """
        first, second = self._take(2)
        assert first & 0xF0 == 0x80, f"whole, and without reserved bits: {first:#x}"
        assert second < 0x7F, "not masked, and with the shortest length"
        (size,) = struct.unpack(">H", self._take(2)) if second == 126 else (second,)
        return first & 0x0F, self._take(size)

    def messages(self) -> Iterator[Any]:
        """All messages, as they come."""
        while True:
            opcode, payload = self.receive()
            if opcode == TEXT:
                yield json.loads(payload)

    def message(self) -> Any:
        """The next state."""
        return next(message for message in self.messages() if message["type"] == "state")

    def closed(self, within_s: float) -> bool:
        """Whether the gateway closes it in time, whatever it sends before."""
        deadline = time.monotonic() + within_s
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.connection.settimeout(left)
                self.receive()
        except ConnectionError:
            return True
        except TimeoutError:
            pass
        return False

    def close(self) -> None:
        self.connection.close()


def open_websocket(
    gateway: Target, path: str = "/ws", receive_buffer: int | None = None, headers: dict[str, str] | None = None
) -> WebSocket:
    """Shake hands."""
    connection = gateway.connect(receive_buffer=receive_buffer)
    connection.sendall(handshake(path, **(headers or {})))
    received = b""
    while b"\r\n\r\n" not in received:
        block = connection.recv(4096)
        assert block, received
        received += block
    head, _, rest = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    assert f"Sec-WebSocket-Accept: {ACCEPTED}".encode() in head
    return WebSocket(connection, rest)
