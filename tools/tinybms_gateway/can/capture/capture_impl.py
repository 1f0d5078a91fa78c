"""Recording a bus to a file."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import can

from tinybms_gateway.can.bus import open_bus, receive_until

FORMATS = (".log", ".blf", ".trc", ".log.gz", ".trc.gz")


def check_capture_path(path: Path) -> None:
    """Refuse file formats that lose something.

    Raises:
        ValueError: with the formats that do not.
    """
    if not path.name.endswith(FORMATS):
        raise ValueError(
            f"{path}: give a name that ends with {', '.join(FORMATS)}; others lose time, direction or frames"
        )
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent}: no such directory")


def capture(
    backend: str,
    path: Path,
    seconds: float | None,
    count: int | None,
    on_frame: Callable[[int], None] = lambda _: None,
) -> int:
    """Record until the time is over, the count is reached, or the process is interrupted.

    Args:
        backend: the bus, see `tinybms_gateway.can.bus.open_bus`
        path: the file; its format follows from its name
        seconds: longest time
        count: most frames
        on_frame: told after each frame how many there are

    Returns:
        Frames recorded.

    Raises:
        ValueError: the bus or the file cannot be opened.
        ConnectionError: the bus has gone; what came before is in the file.
    """
    check_capture_path(path)
    frames = 0
    deadline = time.monotonic() + (math.inf if seconds is None else seconds)
    with open_bus(backend) as bus, can.Logger(path) as logger:
        try:
            for message in receive_until(bus, deadline):
                logger.on_message_received(message)
                frames += 1
                on_frame(frames)
                if frames == count:
                    break
        except KeyboardInterrupt:
            pass
    return frames
