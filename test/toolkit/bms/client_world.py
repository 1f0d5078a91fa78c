"""The world of the serial client's tests: the command, a tap on the line, and a BMS of their own making."""

import json
import os
import select
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner, Result

from tinybms_gateway.cli import main

TOOL = Path(sys.executable).with_name("tinybms-gw")
QUICK = ("--timeout", "0.1")
LENGTHS = {0x02: 5, 0x03: 8, 0x11: 4, 0x12: 4}
"""Bytes of the requests that have no length byte."""
Chunk = Callable[[bytes], bytes]


def bms(command: str, port: object, *arguments: object) -> Result:
    """Run `tinybms-gw bms COMMAND` in this process."""
    return CliRunner().invoke(main, ["bms", command, "--port", str(port), *map(str, arguments)])


def bms_json(command: str, port: object, *arguments: object) -> object:
    """The JSON that a command prints; it has to end well."""
    result = bms(command, port, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def complaint(result: Result, exit_code: int) -> str:
    """The one line that a command fails with."""
    assert result.exit_code == exit_code, result.output
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.strip().splitlines()) == 1, result.output
    return result.stderr


def start(command: str, port: object, *arguments: object, **options: object) -> "subprocess.Popen[str]":
    """Run `tinybms-gw bms COMMAND` as a process of its own."""
    return subprocess.Popen(  # type: ignore[call-overload]
        [TOOL, "bms", command, "--port", str(port), *map(str, arguments)],
        **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options,
    )


class Tap:
    """What a client has sent over a line; once it has ended, a mark that is sent after it shows that this is all."""

    MARK = b"\xff" * 8

    def __init__(self, port: str, raw: bytearray) -> None:
        self.port = port
        self._raw = raw

    @property
    def sent(self) -> bytes:
        """All bytes that the client sent."""
        fd = os.open(self.port, os.O_RDWR | os.O_NOCTTY)
        try:
            os.write(fd, self.MARK)
            deadline = time.monotonic() + 20
            while not self._raw.endswith(self.MARK):
                assert time.monotonic() < deadline
                time.sleep(0.005)
        finally:
            os.close(fd)
        del self._raw[-len(self.MARK) :]
        return bytes(self._raw)

    @property
    def requests(self) -> list[bytes]:
        """The frames of it, by the lengths that the protocol gives them."""
        rest, found = self.sent, []
        while rest:
            length = 9 + rest[6] if rest[1] == 0x10 else LENGTHS[rest[1]]
            found.append(rest[:length])
            rest = rest[length:]
        return found

    def commands(self) -> list[int]:
        """Their command bytes."""
        return [request[1] for request in self.requests]

    def clear(self) -> None:
        """Forget what was sent."""
        del self._raw[: len(self.sent)]


@contextmanager
def _pseudo_terminal(serve: Callable[[int, int], None]) -> Iterator[str]:
    """A terminal whose other end is served by a thread; it gets that end, and a pipe that is readable at the end."""
    master, slave = os.openpty()
    tty.setraw(slave)
    stop_reader, stop_writer = os.pipe()
    thread = threading.Thread(target=serve, args=(master, stop_reader))
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.write(stop_writer, b"x")
        thread.join()
        for fd in (master, slave, stop_reader, stop_writer):
            os.close(fd)


@contextmanager
def tapped(link: Path, request: Chunk = bytes, answer: Chunk = bytes) -> Iterator[Tap]:
    """A line into a BMS on a pseudo terminal that notes what is sent, and may change or drop it on its way."""
    far = os.open(link, os.O_RDWR | os.O_NOCTTY)
    raw = bytearray()

    def carry(near: int, stop: int) -> None:
        while stop not in (ready := select.select([near, far, stop], [], [])[0]):
            if near in ready:
                received = os.read(near, 4096)
                raw.extend(received)
                os.write(far, request(received))
            if far in ready:
                os.write(near, answer(os.read(far, 4096)))

    try:
        with _pseudo_terminal(carry) as port:
            yield Tap(port, raw)
    finally:
        os.close(far)


@contextmanager
def answering(answer: Chunk) -> Iterator[Tap]:
    """A BMS that answers each request with what a function says."""
    raw = bytearray()

    def serve(near: int, stop: int) -> None:
        while stop not in select.select([near, stop], [], [])[0]:
            received = os.read(near, 4096)
            raw.extend(received)
            if not raw.endswith(Tap.MARK):
                os.write(near, answer(received))

    with _pseudo_terminal(serve) as port:
        yield Tap(port, raw)
