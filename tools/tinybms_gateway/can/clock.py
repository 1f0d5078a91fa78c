"""Plausible times of frames."""

from pathlib import Path

from tinybms_gateway.can.columns import FrameBlock

LAST_US = 2**63 // 1000
"""In the year 2262, where nanoseconds since 1970 have 64 bits: what BLF, MF4 and pandas count in."""


def check_clock(path: Path, block: FrameBlock) -> None:
    """Check that the times of a block can be those of a clock.

    Raises:
        ValueError: they cannot; names the capture.
    """
    if len(block) and not (int(block.time_us.min()) >= 0 and int(block.time_us.max()) < LAST_US):
        raise ValueError(f"{path}: a frame's time is not between the years 1970 and 2262; the clock was not set")
