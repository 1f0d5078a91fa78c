"""Watching the gateway from its CAN bus."""

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import can

from tinybms_gateway.can.bus import open_bus, receive_until

Predicate = Callable[[can.Message], bool]


def collect(bus: can.BusABC, seconds: float) -> list[can.Message]:
    """All frames of the next seconds."""
    return list(receive_until(bus, time.monotonic() + seconds))


def wait_for(bus: can.BusABC, wanted: Predicate, within_s: float) -> can.Message:
    """The first frame that is wanted; fails when none comes in time."""
    for message in receive_until(bus, time.monotonic() + within_s):
        if wanted(message):
            return message
    raise AssertionError(f"no such frame within {within_s} s")


def wait_until(holds: Callable[[], bool], within_s: float, otherwise: Callable[[], str] = lambda: "") -> None:
    """Until something holds that makes no frame; fails, with what `otherwise` says, when it does not in time."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.02)


def has_id(*identifiers: int) -> Predicate:
    return lambda message: message.arbitration_id in identifiers


def longest_gap(times: Iterable[float]) -> float:
    """Largest difference of neighbouring times."""
    return max(b - a for a, b in pairwise(times))


def limits(message: can.Message) -> tuple[int, int, int]:
    """CVL, CCL and DCL of a frame 0x351, in tenths, by the protocol."""
    data = bytes(message.data)
    return (
        int.from_bytes(data[0:2], "little"),
        int.from_bytes(data[2:4], "little", signed=True),
        int.from_bytes(data[4:6], "little", signed=True),
    )


def pairs(message: can.Message) -> list[int]:
    """The two-bit fields of a frame 0x35A: 0 to 12 alarms, 16 to 28 warnings, 29 the status."""
    return [message.data[n // 4] >> 2 * (n % 4) & 3 for n in range(32)]


def drain(bus: can.BusABC) -> None:
    """Forget what waits in the receive buffer."""
    while bus.recv(0.0) is not None:
        pass


@contextmanager
def raw_client(backend: str) -> Iterator[socket.socket]:
    """A bare connection to the socketcand server, past its greeting."""
    port = int(backend.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        assert connection.recv(64) == b"< hi >"
        yield connection


def command(connection: socket.socket, text: str) -> bytes:
    """Send one socketcand command and return the answer."""
    connection.sendall(text.encode("ascii"))
    return connection.recv(256)


__all__ = [
    "collect",
    "command",
    "drain",
    "has_id",
    "limits",
    "longest_gap",
    "open_bus",
    "pairs",
    "raw_client",
    "wait_for",
    "wait_until",
]
