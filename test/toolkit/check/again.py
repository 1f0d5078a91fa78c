"""Something that goes on beside a test."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def again_and_again(every_s: float, action: Callable[[], object]) -> Iterator[None]:
    """Do it every so often in a thread of its own, until the context ends."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(every_s):
            action()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
