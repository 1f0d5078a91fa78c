"""Periods of 0x351, as figures: how well the gateway keeps its first duty while something else is asked of it."""

from collections.abc import Iterable
from itertools import pairwise

import can

from support.instruments.figures import Figures, percentile


def stamps_of_limits(frames: Iterable[can.Message]) -> list[float]:
    """Time stamps of the bus."""
    return [frame.timestamp for frame in frames if frame.arbitration_id == 0x351]


def add_periods(figures: Figures, name: str, title: str, stamps: list[float]) -> None:
    """1000 +- 20 ms from the first to the last percent, and never the 1.5 s that the design promises."""
    periods = [(b - a) * 1000 for a, b in pairwise(stamps)]
    figures.add(f"{name}_p01", f"0x351, period {title}, p1", percentile(periods, 1), "ms", at_least=980)
    figures.add(f"{name}_p99", f"0x351, period {title}, p99", percentile(periods, 99), "ms", at_most=1020)
    figures.add(f"{name}_max", f"0x351, period {title}, longest", max(periods), "ms", at_most=1500)
    figures.add(f"{name}_periods", f"0x351, periods {title}", len(periods), "", detail=True)
