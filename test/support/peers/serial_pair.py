"""A null-modem cable: two pseudo terminals whose bytes a thread carries across."""

import os
import select
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def serial_pair() -> Iterator[tuple[str, str]]:
    """Names of the two ends."""
    ends = [os.openpty() for _ in range(2)]
    for _, slave in ends:
        tty.setraw(slave)
    masters = [master for master, _ in ends]
    stop_reader, stop_writer = os.pipe()

    def carry() -> None:
        while True:
            ready, _, _ = select.select([*masters, stop_reader], [], [])
            if stop_reader in ready:
                return
            for master in ready:
                os.write(masters[1 - masters.index(master)], os.read(master, 4096))

    thread = threading.Thread(target=carry, name="null modem")
    thread.start()
    try:
        yield os.ttyname(ends[0][1]), os.ttyname(ends[1][1])
    finally:
        os.write(stop_writer, b"x")
        thread.join()
        for fd in (stop_reader, stop_writer, *(fd for end in ends for fd in end)):
            os.close(fd)
