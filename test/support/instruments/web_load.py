"""Clients of a gateway's web server, many and at the same time: requests at a rate, WebSockets, and a hostile crowd."""

import asyncio
import http.client
import json
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import yaml
from websockets.asyncio.client import connect

from support import ROOT

TIMEOUT_S = 10.0
TOPICS = ("can", "uart")
Message = dict[str, Any]
OnMessage = Callable[[int, float, Message], None]
"""Number of the client, time of arrival (`time.monotonic`), message."""


@dataclass(frozen=True)
class Site:
    """A web server, and what shows it who asks."""

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)


def documents() -> list[str]:
    """Paths of all that a client may read whose right is to read, as the description of the interface lists them."""
    paths = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text(encoding="utf-8"))["paths"]
    return [
        path
        for path, item in paths.items()
        if path != "/ws" and "{" not in path and item.get("get", {"security": None}).get("security", []) == []
    ]


class Connection:
    """One connection for requests; a new one when the server has closed it."""

    def __init__(self, site: Site) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=TIMEOUT_S)
        self._headers = site.headers
        self.closed_by_server = 0

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of the answer.

        Raises:
            OSError, http.client.HTTPException: there is none, on a new connection either.
        """
        was_open = self._connection.sock is not None
        try:
            return self._get(path)
        except (OSError, http.client.HTTPException):
            if not was_open:
                raise
            self.closed_by_server += 1
            return self._get(path)

    def json(self, path: str) -> Any:
        """The document at a path."""
        status, body = self.get(path)
        assert status == 200, f"{path}: {status}"
        return json.loads(body)

    def _get(self, path: str) -> tuple[int, bytes]:
        try:
            self._connection.request("GET", path, headers=self._headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise


class Requests:
    """Requests at a rate, over all documents in turn, on one connection, while the context lasts."""

    def __init__(self, site: Site, rate_hz: float) -> None:
        self.statuses: Counter[int] = Counter()
        self.problems: list[str] = []
        """Requests without an answer."""
        self.longest_s = 0.0
        self._site = site
        self._period_s = 1 / rate_hz
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="requests", daemon=True)

    def __enter__(self) -> "Requests":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    @property
    def refused(self) -> int:
        """Answers other than 200."""
        return sum(count for status, count in self.statuses.items() if status != 200)

    def _run(self) -> None:
        due = time.monotonic()
        with Connection(self._site) as connection:
            for path in cycle(documents()):
                due += self._period_s
                if self._end.wait(max(0.0, due - time.monotonic())):
                    return
                start = time.monotonic()
                try:
                    self.statuses[connection.get(path)[0]] += 1
                except (OSError, http.client.HTTPException) as error:
                    self.problems.append(f"{path}: {error!r}")
                self.longest_s = max(self.longest_s, time.monotonic() - start)


class WebSockets:
    """WebSockets that read everything at once, in one thread, while the context lasts."""

    def __init__(
        self, site: Site, count: int, topics: tuple[str, ...] = TOPICS, on_message: OnMessage = lambda *_: None
    ) -> None:
        self.messages: list[Counter[str]] = [Counter() for _ in range(count)]
        """For each client: of each type."""
        self.lost: list[dict[str, int]] = [{} for _ in range(count)]
        """For each client: as the last message of each type says."""
        self.losses: list[tuple[float, int, str, int]] = []
        """Each time that one of them grew: when (`time.monotonic`), client, type, by how much."""
        topic_list = f"?subscribe={','.join(topics)}" if topics else ""
        self._address = f"ws{site.url.removeprefix('http')}/ws{topic_list}"
        self._headers = site.headers
        self._on_message = on_message
        self._waiting = count
        self._open = threading.Event()
        self._problem: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(count)), name="WebSockets", daemon=True)

    def __enter__(self) -> "WebSockets":
        self._thread.start()
        self._open.wait()
        if self._problem is not None:
            self._thread.join()
            raise AssertionError(f"a WebSocket was not opened: {self._problem!r}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(RuntimeError):  # the loop has ended by itself
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        if kind is None and self._problem is not None:
            raise AssertionError(f"a WebSocket was closed: {self._problem!r}")

    @property
    def all_lost(self) -> int:
        """What all clients have lost, of all types."""
        return sum(sum(lost.values()) for lost in self.lost)

    async def _run(self, count: int) -> None:
        self._loop = asyncio.get_running_loop()
        clients = [asyncio.create_task(self._listen(number)) for number in range(count)]
        end = asyncio.create_task(self._end.wait())
        await asyncio.wait([*clients, end], return_when=asyncio.FIRST_COMPLETED)
        for task in (*clients, end):
            task.cancel()
        results = await asyncio.gather(*clients, return_exceptions=True)
        self._problem = next((result for result in results if isinstance(result, Exception)), None)
        self._open.set()

    def _count(self, number: int, at: float, kind: str, lost: int) -> None:
        more = lost - self.lost[number].get(kind, 0)
        if more:
            self.losses.append((at, number, kind, more))
        self.messages[number][kind] += 1
        self.lost[number][kind] = lost

    async def _listen(self, number: int) -> None:
        async with connect(
            self._address, additional_headers=self._headers, compression=None, proxy=None, open_timeout=TIMEOUT_S
        ) as client:
            self._waiting -= 1
            if self._waiting == 0:
                self._open.set()
            while True:
                text = await client.recv()
                at = time.monotonic()
                message = json.loads(text)
                self._count(number, at, message["type"], message["lost"])
                self._on_message(number, at, message)


class _Stranger:
    """A connection that says nothing, or a request that never ends, a byte at a time."""

    REQUEST = b"GET /api/v1/state HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"s" * 4096

    def __init__(self, address: tuple[str, int], silent: bool) -> None:
        self._address = address
        self._silent = silent
        self.again()

    def again(self) -> None:
        """Connect; it may be long before the server takes it."""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(self._address)
        self._sent = 0

    def step(self) -> bool:
        """Go on; False: the other side has ended it, and it is closed."""
        try:
            if not self._silent:
                self._sent += self.socket.send(self.REQUEST[self._sent : self._sent + 1])
            if self.socket.recv(4096) != b"":
                return True
        except BlockingIOError:
            return True
        except OSError:
            pass
        self.socket.close()
        return False


EVERY_S = 0.5
"""A byte of each slow request."""


@contextmanager
def hostile_crowd(site: Site, strangers: int = 200) -> Iterator[Counter[str]]:
    """Connections that are opened again whenever they are closed: every other one silent, the others slow-loris.

    They have no real-time priority. Counts what they saw: "closed".
    """
    parts = urlsplit(site.url)
    address = (str(parts.hostname), parts.port or 80)
    seen: Counter[str] = Counter()
    end = threading.Event()

    def run() -> None:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        crowd = [_Stranger(address, number % 2 == 0) for number in range(strangers)]
        while not end.wait(EVERY_S):
            for stranger in crowd:
                if not stranger.step():
                    seen["closed"] += 1
                    stranger.again()
        for stranger in crowd:
            stranger.socket.close()

    thread = threading.Thread(target=run, name="crowd", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        end.set()
        thread.join()
