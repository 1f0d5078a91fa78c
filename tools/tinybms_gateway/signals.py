"""How a command that runs until it is told to stop is told to stop."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def until_interrupted() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP end the block, wherever it is, as a good end."""
    with _handled_by(signal.default_int_handler), contextlib.suppress(KeyboardInterrupt):
        yield


@contextlib.contextmanager
def stop_event() -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM and SIGHUP set, for work that may not be interrupted just anywhere."""
    event = threading.Event()
    with _handled_by(lambda _number, _frame: event.set()):
        yield event


@contextlib.contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in NUMBERS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
