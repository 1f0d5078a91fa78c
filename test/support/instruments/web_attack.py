"""Strangers at the gateway's web server: raw bytes, what comes back, and what must hold meanwhile."""

import http.client
import io
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, TypeVar
from urllib.parse import urlsplit

import can
import pytest

from support.fixtures.access import Access, readable_stack, set_up
from support.instruments.watch import longest_gap, open_bus, wait_for, wait_until
from tinybms_gateway.gateway_process import OWN_WEB, GatewayProcess
from tinybms_gateway.gateway_stack import gateway_stack
from tinybms_gateway.sim.bms.line import BmsLine

GAP_S = 1.5
"""The longest silence between two 0x351 that is promised."""
HEAP_KEPT = 40_960
"""What must be left of the heap at the worst moment."""
HEAP_TAKEN = 4096
"""What a gateway takes for itself in its first seconds; hundreds of attacks that kept something would take more."""
PLAIN_HEAP = "GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0"
"""Variable and value: what the C library keeps of freed blocks for each thread would count as used."""
PATIENT_S = 45.0
"""Of a good client: slow ones before it in the queue may hold the server."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Answer:
    """An answer in HTTP."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class _Stream(io.BytesIO):
    """Bytes of a connection for `http.client`, which closes its file behind each answer."""

    def close(self) -> None:
        """Go on."""

    def makefile(self, _mode: str) -> "_Stream":
        return self


def answers(received: bytes, method: str = "GET") -> list[Answer]:
    """All answers of a connection, one behind the other; fails when the bytes are anything else.

    Args:
        received: all that came
        method: of the requests; an answer to HEAD has no body
    """
    stream = _Stream(received)
    found = []
    while stream.tell() < len(received):
        response = http.client.HTTPResponse(stream, method=method)  # type: ignore[arg-type]
        response.begin()
        found.append(Answer(response.status, response.msg, response.read()))
    return found


def request(path: str = "/api/v1/status", *headers: str, method: str = "GET", host: bool = True) -> bytes:
    """A good request, or nearly."""
    lines = [f"{method} {path} HTTP/1.1", *(["Host: localhost"] if host else []), *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def at_once(work: Sequence[T], do: Callable[[T], R], workers: int | None = None) -> list[R]:
    """Do something to all of them at the same time; results in their order."""
    with ThreadPoolExecutor(max_workers=workers or len(work)) as pool:
        return list(pool.map(do, work))


def read_all(connection: socket.socket) -> bytes:
    """Until the gateway closes; a reset is an end as well."""
    received = b""
    with suppress(ConnectionError):
        while block := connection.recv(65536):
            received += block
    return received


def ask(connection: socket.socket, path: str = "/api/v1/status") -> Answer:
    """A request for a document, on a connection that stays open."""
    connection.sendall(request(path))
    received = b""
    while not received.endswith(b"\r\n0\r\n\r\n"):
        block = connection.recv(65536)
        assert block, f"closed behind {received!r}"
        received += block
    (answer,) = answers(received)
    return answer


def wait_closed(connection: socket.socket, within_s: float) -> float:
    """Seconds until the gateway closes; fails when it does not in time."""
    begin = time.monotonic()
    connection.settimeout(within_s)
    read_all(connection)
    return time.monotonic() - begin


def reset(connection: socket.socket) -> None:
    """Leave without a word: RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@dataclass
class Target:
    """A gateway under attack, with somebody who listens to its CAN bus."""

    address: tuple[str, int]
    bus: can.BusABC
    gateway: GatewayProcess
    bms: BmsLine
    times: list[float] = field(default_factory=list)
    """When 0x351 was on the bus, by the gateway."""
    who: dict[str, str] = field(default_factory=dict)
    """Headers that show a good client to be one who may read."""
    _end: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        while not self._end.is_set():
            message = self.bus.recv(0.1)
            if message is not None and message.arbitration_id == 0x351:
                self.times.append(message.timestamp)

    def end(self) -> None:
        self._end.set()

    def connect(self, within_s: float = PATIENT_S, receive_buffer: int | None = None) -> socket.socket:
        """A connection that waits at most that long, for connecting and for each block."""
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(within_s)
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect(self.address)
        return connection

    def say(self, sent: bytes, method: str = "GET") -> list[Answer]:
        """Send bytes and nothing more; returns what was answered, which is never an error of the gateway's own.

        It closes on what it does not like, also while more is coming: then an answer may be lost on its way.
        """
        with self.connect() as connection:
            with suppress(OSError):
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
            try:
                got = answers(read_all(connection), method)
            except http.client.IncompleteRead:
                assert len(sent) > 4096, "only what is still being sent may cut off the answer"
                got = []
        assert all(answer.status < 500 or answer.status in (501, 503, 505) for answer in got), got
        return got

    @property
    def url(self) -> str:
        """Its address."""
        return "http://{}:{}".format(*self.address)

    def get(self, path: str = "/api/v1/state", headers: dict[str, str] | None = None) -> Answer:
        """What a good client does."""
        return self.ask("GET", path, headers=self.who if headers is None else headers)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        source: str = "127.0.0.1",
    ) -> Answer:
        """One request on a connection of its own.

        Args:
            method: GET, POST, ...
            path: with a slash in front
            body: bytes as they are, or what is sent as JSON; None: nothing
            headers: besides those of every request
            source: address that it comes from, 127.x.x.x
        """
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = {} if raw is None else {"Content-Type": "application/json"}
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENT_S, source_address=(source, 0))
        try:
            connection.request(method, path, raw, {"Connection": "close"} | kind | (headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.msg, response.read())
        finally:
            connection.close()

    def change(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        source: str = "127.0.0.1",
    ) -> Answer:
        """As `ask`, and again while another change is being made."""
        deadline = time.monotonic() + PATIENT_S
        while (answer := self.ask(method, path, body, headers, source)).status == 503:
            assert time.monotonic() < deadline, answer
            time.sleep(0.02)
        return answer

    def heap(self) -> dict[str, int]:
        heap: dict[str, int] = self.diagnostics()["heap"]
        return heap

    def diagnostics(self) -> dict[str, Any]:
        known: dict[str, Any] = self.get("/api/v1/diagnostics").json()
        return known

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """Whatever happens inside: limits are sent in time, good clients are answered, and the memory comes back."""
        before = self.heap()["free_bytes"]
        begin = len(self.times) - 1
        yield
        answer = self.get()
        assert answer.status == 200 and answer.json()["status"] == "online", answer
        assert self.heap()["least_free_bytes"] > HEAP_KEPT
        kept = before - HEAP_TAKEN
        wait_until(lambda: self.heap()["free_bytes"] >= kept, 15.0, lambda: f"{self.heap()}, {before} before")
        told = len(self.times)
        wait_until(lambda: len(self.times) > told + 1, 5.0, lambda: "0x351 has stopped")
        gap = longest_gap(self.times[begin:])
        print(f"\nlongest gap of 0x351 {gap:.3f} s, least heap {self.heap()['least_free_bytes']} bytes")
        assert gap < GAP_S


@contextmanager
def closed_target(*options: str, **others: Any) -> Iterator[tuple[Target, Access]]:
    """A gateway of its own that asks for a login, and the session of its administrator; unharmed in the end."""
    with target(*options, readable=False, **others) as running:
        access = set_up(running.gateway)
        running.who = {"Authorization": f"Bearer {access.token('watcher')}"}
        wait_until(lambda: running.heap()["free_bytes"] is not None, 30.0)
        with running.unharmed():
            yield running, access


@contextmanager
def target(*options: str, readable: bool = True, **others: Any) -> Iterator[Target]:
    """A gateway of its own, with a battery and a GX; anybody may read it, or it is not set up yet."""
    with (
        pytest.MonkeyPatch.context() as patch,
        ExitStack() as running,
    ):
        patch.setenv(*PLAIN_HEAP)
        make = readable_stack if readable else gateway_stack
        stack = running.enter_context(make(scenario="rest", http=OWN_WEB, options=options, **others))
        bus = running.enter_context(open_bus(stack.can_backend))
        parts = urlsplit(stack.gateway.url())
        assert parts.hostname is not None and parts.port is not None
        first = wait_for(bus, lambda message: message.arbitration_id == 0x351, 10.0)
        attacked = Target((parts.hostname, parts.port), bus, stack.gateway, stack.bms, [first.timestamp])
        listener = threading.Thread(target=attacked.listen, name="0x351")
        listener.start()
        try:
            if readable:
                wait_until(lambda: attacked.heap()["free_bytes"] is not None, 30.0)
            yield attacked
        finally:
            attacked.end()
            listener.join()


@contextmanager
def held(connections: list[socket.socket]) -> Iterator[list[socket.socket]]:
    """Close them in the end."""
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()
