"""Which events of the BMS still hold, however its lists come: in either order, whole or in part, told once or again."""

import ctypes as c
import itertools
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from pure_library import Pure

RECOVERS = {0x73: 0x04, 0x74: 0x37, 0x75: 0x0A, 0x76: 0x06, 0x77: 0x05, 0x78: 0x07, 0x79: 0x03, 0x7A: 0x31, 0x7B: 0x02}
UNTIL_RESTART = frozenset(range(0x0B, 0x10))
STARTED = 0x61
IDS = st.sampled_from((*RECOVERS, *RECOVERS.values(), *UNTIL_RESTART, STARTED, 0x38, 0x64, 0x7C, 0x08))
NEWEST = 8
KEPT = 49


class Event(c.Structure):
    """tinybms_event_t."""

    _fields_ = (("time_s", c.c_uint32), ("id", c.c_uint8))


def forbids(event: int) -> bool:
    return event < 0x60 and event not in (0x38, 0x39)


def holding(ids: list[int]) -> set[int]:
    """By the order in which they came."""
    found = set()
    for place, event in enumerate(ids):
        later = ids[place + 1 :]
        ended = STARTED in later if event in UNTIL_RESTART else any(RECOVERS.get(other) == event for other in later)
        if forbids(event) and not ended:
            found.add(event)
    return found


@dataclass
class Log:
    """tinybms_event_log_t."""

    pure: Pure
    log: "c.Array[c.c_char]" = field(init=False)

    def __post_init__(self) -> None:
        self.log = c.create_string_buffer(self.pure.size_of("event_log"))
        for function in ("take", "unrecovered"):
            getattr(self.pure.lib, f"tinybms_event_log_{function}").restype = c.c_size_t

    def take(self, events: list[tuple[int, int]], *, everything: bool) -> int:
        array = (Event * 64)(*(Event(time, event) for time, event in events))
        taken: int = self.pure.lib.tinybms_event_log_take(self.log, array, c.c_size_t(len(events)), int(everything))
        return taken

    def unrecovered(self) -> set[int]:
        ids = (c.c_uint8 * 16)()
        count = self.pure.lib.tinybms_event_log_unrecovered(self.log, ids, c.c_size_t(16))
        return set(ids[:count])


STEPS = st.sampled_from((0, 0, 1, 1, 5, 3600, 86400, -1))
"""Seconds from one event to the next; a stamp may also be a second early."""


@given(
    ids=st.lists(IDS, min_size=1, max_size=40),
    data=st.data(),
    start=st.sampled_from((0, 5000, 2**24 - 10)),
    newest_first=st.booleans(),
)
def test_no_fault_that_holds_is_ever_lost(
    pure: Pure, ids: list[int], data: st.DataObject, start: int, newest_first: bool
) -> None:
    """The answers to 0x11 and 0x12 in any turn; after a whole list whose order shows, exactly what holds is left.

    It begins with some history, as every BMS has: it shows which way the lists run.
    """
    log, stamp = Log(pure), (start + 60) % 2**24
    happened = [((start + 10 * place) % 2**24, 0x64) for place in range(7)]
    log.take(happened[::-1] if newest_first else happened, everything=True)
    for event in ids:
        stamp = (stamp + data.draw(STEPS)) % 2**24
        happened.append((stamp, event))
        everything = data.draw(st.booleans())
        told = happened[-KEPT:] if everything else happened[-data.draw(st.integers(1, NEWEST)) :]
        log.take(told[::-1] if newest_first else told, everything=everything)
        expected = holding([event for _, event in happened])
        if len(set(happened)) == len(happened):  # equal stamps of one event cannot be told apart
            assert log.unrecovered() >= expected
        steps = [(b - a) % 2**24 for (a, _), (b, _) in itertools.pairwise(told)]
        forward = sum(0 < step < 2**23 for step in steps) - sum(step > 2**23 for step in steps)
        if everything and (forward > 0 or len(told) == 1):
            assert log.unrecovered() == expected


@given(ids=st.lists(IDS, min_size=1, max_size=30), newest_first=st.booleans(), data=st.data())
def test_each_event_is_told_as_new_once(pure: Pure, ids: list[int], newest_first: bool, data: st.DataObject) -> None:
    log = Log(pure)
    happened = [(100 + 7 * place, event) for place, event in enumerate(ids)]
    fresh = 0
    for end in range(1, len(happened) + 1):
        told = happened[max(0, end - NEWEST) : end]
        fresh += log.take(told[::-1] if newest_first else told, everything=data.draw(st.booleans()) and end <= NEWEST)
    assert fresh == len(happened)


@given(ids=st.lists(IDS, min_size=1, max_size=12), later=st.lists(IDS, max_size=5), newest_first=st.booleans())
def test_what_was_listed_before_a_calm_is_over_and_what_comes_after_it_is_not(
    pure: Pure, ids: list[int], later: list[int], newest_first: bool
) -> None:
    log = Log(pure)
    happened = [(100 + 7 * place, event) for place, event in enumerate(ids)]
    log.take(happened[::-1] if newest_first else happened, everything=True)
    pure.lib.tinybms_event_log_end_all(log.log)
    assert log.unrecovered() == set()
    happened += [(5000 + place, event) for place, event in enumerate(later)]
    log.take(happened[::-1] if newest_first else happened, everything=True)
    assert log.unrecovered() == (holding(later) if len(happened) > 1 else set())
