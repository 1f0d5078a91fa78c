"""The order in which a TinyBMS lists its events.

The manufacturer's description does not state it, so it is inferred from the events of a list: their times come from one
counter, which only goes up.
"""

import enum
from collections.abc import Sequence
from itertools import pairwise

EVENT_TIME_MASK = 0xFFFFFF
"""Events carry 24 bits of the BMS's time, which wrap around every 194 days."""
_HALF_ROUND = (EVENT_TIME_MASK + 1) // 2


class EventOrder(enum.Enum):
    """What comes first."""

    OLDEST_FIRST = "oldest-first"
    NEWEST_FIRST = "newest-first"


def order_of(times: Sequence[int]) -> EventOrder | None:
    """Order of a list of events from its times, 24 bits each; None: they do not show it.

    The majority of the steps between neighbours decides. A single step may look like a step back: a pause of more than
    97 days does, half the time in which the 24 bits wrap around.
    """
    steps = [(after - before) & EVENT_TIME_MASK for before, after in pairwise(times)]
    forth = sum(0 < step < _HALF_ROUND for step in steps)
    back = sum(step > _HALF_ROUND for step in steps)
    if forth == back:
        return None
    return EventOrder.OLDEST_FIRST if forth > back else EventOrder.NEWEST_FIRST
