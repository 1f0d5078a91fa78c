"""In which order a TinyBMS lists its events.

The maker's description does not say it. So it is found from the events of a list themselves: their times are those of
one counter, which only goes up.
"""

import enum
from collections.abc import Sequence
from itertools import pairwise

EVENT_TIME_MASK = 0xFFFFFF
"""Events carry 24 bits of the BMS's time: it comes round every 194 days."""
_HALF_ROUND = (EVENT_TIME_MASK + 1) // 2


class EventOrder(enum.Enum):
    """What comes first."""

    OLDEST_FIRST = "oldest-first"
    NEWEST_FIRST = "newest-first"


def order_of(times: Sequence[int]) -> EventOrder | None:
    """Order of a list of events by its times, 24 bits each; None: they do not tell it.

    Most of the steps between neighbours decide. One step alone may look like one back: so does a pause of more than 97
    days, half of the time in which the 24 bits come round.
    """
    steps = [(after - before) & EVENT_TIME_MASK for before, after in pairwise(times)]
    forth = sum(0 < step < _HALF_ROUND for step in steps)
    back = sum(step > _HALF_ROUND for step in steps)
    if forth == back:
        return None
    return EventOrder.OLDEST_FIRST if forth > back else EventOrder.NEWEST_FIRST
