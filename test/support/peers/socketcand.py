"""A CAN bus for tests: a socketcand server that sends what a test gives it, as fast as the test wants."""

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress


class SocketcandServer:
    """One client at a time is served in raw mode."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._client: socket.socket | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def backend(self) -> str:
        return f"socketcand:{self._listener.getsockname()[1]}"

    def wait_for_client(self) -> socket.socket:
        assert self._ready.wait(20), "nobody came"
        assert self._client is not None
        return self._client

    def send(self, frames: Iterable[tuple[int, bytes]], time_s: float | None = None) -> None:
        """Send frames to the client, which is waited for."""
        client = self.wait_for_client()
        now = time.time() if time_s is None else time_s
        text = "".join(
            f"< frame {n:03X} {now + i * 1e-4:.6f} {data.hex().upper()} >" for i, (n, data) in enumerate(frames)
        )
        client.sendall(text.encode("ascii"))

    def send_at(self, frames_per_s: int, count: int) -> None:
        """Send numbered frames 0x123 at a steady pace."""
        began, sent = time.monotonic(), 0
        while sent < count:
            due = min(count, int((time.monotonic() - began) * frames_per_s) + 1)
            self.send((0x123, n.to_bytes(8, "big")) for n in range(sent, due))
            sent = due
            time.sleep(0.005)

    def hang_up(self) -> None:
        """The bus is gone."""
        self.wait_for_client().close()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        if self._client is not None:
            self._client.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with suppress(OSError):
                    self._shake_hands(client)

    def _shake_hands(self, client: socket.socket) -> None:
        client.sendall(b"< hi >")
        for _ in range(2):  # open, rawmode
            if not client.recv(64):  # the first connection only looks whether somebody is there
                client.close()
                return
            client.sendall(b"< ok >")
        time.sleep(0.05)  # python-can takes a frame right behind the "ok" for a broken handshake
        self._client = client
        self._ready.set()


@contextmanager
def socketcand_server() -> Iterator[SocketcandServer]:
    server = SocketcandServer()
    try:
        yield server
    finally:
        server.close()
