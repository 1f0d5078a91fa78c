"""Which events of the BMS still hold, however its lists come: in either order, whole or in part, told once or again."""

import ctypes as c
import itertools
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from pure.pure_library import Pure
from tinybms_gateway.pure import Event, EventsOver

RECOVERS = {0x73: 0x04, 0x74: 0x37, 0x75: 0x0A, 0x76: 0x06, 0x77: 0x05, 0x78: 0x07, 0x79: 0x03, 0x7A: 0x31, 0x7B: 0x02}
UNTIL_RESTART = frozenset(range(0x0B, 0x10))
STARTED = 0x61
IDS = st.sampled_from((*RECOVERS, *RECOVERS.values(), *UNTIL_RESTART, STARTED, 0x38, 0x64, 0x7C, 0x08))
NEWEST = 8
KEPT = 49
SURE = 3
"""Steps that show which way a list runs, although one stamp may be wrong."""


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
        self.pure.lib.tinybms_event_log_end_all.restype = Event

    def take(self, events: list[tuple[int, int]], *, everything: bool) -> int:
        array = (Event * 64)(*(Event(time, event) for time, event in events))
        taken: int = self.pure.lib.tinybms_event_log_take(self.log, array, c.c_size_t(len(events)), int(everything))
        return taken

    def end_all(self) -> Event:
        ended: Event = self.pure.lib.tinybms_event_log_end_all(self.log)
        return ended

    def end_until(self, event: Event, calm_s: int, now_s: int) -> None:
        over = EventsOver(event, calm_s)
        self.pure.lib.tinybms_event_log_end_until(self.log, c.byref(over), c.c_uint32(now_s))

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


@given(
    before=st.lists(IDS, max_size=30),
    later=st.lists(IDS, max_size=30),
    newest_first=st.booleans(),
    restarted=st.booleans(),
)
def test_what_was_listed_before_a_calm_is_over_and_what_comes_after_it_is_not_whether_the_gateway_restarts_or_not(
    pure: Pure, before: list[int], later: list[int], newest_first: bool, restarted: bool
) -> None:
    """A gateway that starts anew has where the list was over, and the list of today, which may have lost its oldest."""
    log = Log(pure)
    happened = [(100 + 7 * place, event) for place, event in enumerate(before)]
    log.take(happened[::-1] if newest_first else happened, everything=True)
    over = log.end_all()
    assert log.unrecovered() == set()
    happened += [(5000 + place, event) for place, event in enumerate(later)]
    today = happened[-KEPT:]
    log = Log(pure) if restarted else log
    log.take(today[::-1] if newest_first else today, everything=True)
    if restarted:
        log.end_until(over, 4000, 5100)
    if restarted and (len(today) <= SURE or (over.id and (over.time_s, over.id) not in today)):
        assert log.unrecovered() >= holding(later)
    elif len(happened) > 1:
        assert log.unrecovered() == holding(later)


@given(
    before=st.lists(IDS, max_size=12),
    later=st.lists(IDS, min_size=1, max_size=12),
    newest_first=st.booleans(),
    wrong=st.tuples(st.integers(0, 23), st.one_of(st.integers(0, 2**24 - 1), st.integers(0, 6000))),
)
def test_where_a_list_was_over_ends_no_fault_of_today_although_one_stamp_is_wrong(
    pure: Pure, before: list[int], later: list[int], newest_first: bool, wrong: tuple[int, int]
) -> None:
    log = Log(pure)
    happened = [(100 + 7 * place, event) for place, event in enumerate(before)]
    log.take(list(happened), everything=True)
    over = log.end_all()
    today = happened + [(5000 + place, event) for place, event in enumerate(later)]
    place = wrong[0] % len(today)
    today[place] = (wrong[1], today[place][1])
    started = Log(pure)
    started.take(today[::-1] if newest_first else today, everything=True)
    without = started.unrecovered()
    started.end_until(over, 4000, 5100)
    assert (without - started.unrecovered()).isdisjoint(holding(later))
