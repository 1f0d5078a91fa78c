"""The bench of the serial client's tests: the command, a tap on the line, and a BMS of their own making."""

import json
import os
import select
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner, Result

from tinybms_gateway.cli import main

TOOL = Path(sys.executable).with_name("tinybms-gw")
QUICK = ("--timeout", "0.1")
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
    """What went over a line."""

    def __init__(self, port: str) -> None:
        self.port = port
        self.requests: list[bytes] = []

    def commands(self) -> list[int]:
        """Command bytes of the requests; they come one at a time."""
        return [request[1] for request in self.requests]

    @property
    def sent(self) -> bytes:
        """All bytes that the client sent."""
        return b"".join(self.requests)


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
    requests: list[bytes] = []

    def carry(near: int, stop: int) -> None:
        while stop not in (ready := select.select([near, far, stop], [], [])[0]):
            if near in ready:
                requests.append(os.read(near, 4096))
                os.write(far, request(requests[-1]))
            if far in ready:
                os.write(near, answer(os.read(far, 4096)))

    try:
        with _pseudo_terminal(carry) as port:
            tap = Tap(port)
            tap.requests = requests
            yield tap
    finally:
        os.close(far)


@contextmanager
def answering(answer: Chunk) -> Iterator[Tap]:
    """A BMS that answers each request with what a function says."""
    requests: list[bytes] = []

    def serve(near: int, stop: int) -> None:
        while stop not in select.select([near, stop], [], [])[0]:
            requests.append(os.read(near, 4096))
            os.write(near, answer(requests[-1]))

    with _pseudo_terminal(serve) as port:
        tap = Tap(port)
        tap.requests = requests
        yield tap
