"""The other end of a serial cable: a console that says what a test wants it to, between log lines."""

import os
import select
import threading
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

Reply = Callable[[str], Sequence[bytes]]


@contextmanager
def console(reply: Reply, first: bytes = b"") -> Iterator[tuple[str, list[str]]]:
    """Serve on a pseudo terminal.

    Args:
        reply: pieces to send for a line that came
        first: sent at once

    Yields:
        The name of the terminal, and the lines that came.
    """
    master, slave = os.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    os.close(slave)  # so that nobody has it open; a log that nobody reads is lost, as on a cable
    stop_reader, stop_writer = os.pipe()
    came: list[str] = []

    def serve() -> None:
        rest, greeted = b"", not first
        while True:
            ready, _, _ = select.select([stop_reader], [], [], 0.01)
            if ready:
                return
            with suppress(OSError):  # nobody has it open
                if not greeted and select.select([], [master], [], 0)[1]:
                    os.write(master, first)
                    greeted = True
                if not select.select([master], [], [], 0.01)[0]:
                    continue
                rest += os.read(master, 4096)
                *lines, rest = rest.split(b"\n")
                for line in filter(None, (line.decode("latin-1").strip() for line in lines)):
                    came.append(line)
                    for piece in reply(line):
                        os.write(master, piece)

    thread = threading.Thread(target=serve, name="console")
    thread.start()
    try:
        yield name, came
    finally:
        os.write(stop_writer, b"x")
        thread.join()
        for fd in (master, stop_reader, stop_writer):
            os.close(fd)
