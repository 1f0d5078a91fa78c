"""The order of a list of events, found from its times alone."""

import pytest

from tinybms_gateway.bms.client import Event, in_order
from tinybms_gateway.bms.event_order import EventOrder, order_of

ROUND = 1 << 24
REAL = [4646, 12144171, 12144172, 12144194]
"""As a real device lists them. The first two are 140 days apart: by itself that looks like a step back."""


@pytest.mark.parametrize(
    "oldest_first",
    [
        [1, 2],
        [10, 10, 11, 11, 11],  # several in one second
        [ROUND - 2, ROUND - 1, 0, 3],  # the counter comes round
        [ROUND - 1, 0],
        REAL,
    ],
    ids=str,
)
def test_most_steps_decide(oldest_first: list[int]) -> None:
    assert order_of(oldest_first) is EventOrder.OLDEST_FIRST
    assert order_of(oldest_first[::-1]) is EventOrder.NEWEST_FIRST


@pytest.mark.parametrize(
    "times",
    [
        [],
        [7],
        [7, 7, 7],  # all in the same second
        [5, 6, 5],  # as many forth as back
        [0, ROUND // 2],  # half of a round is as far back as forth
    ],
    ids=str,
)
def test_times_that_do_not_tell_it(times: list[int]) -> None:
    assert order_of(times) is None


@pytest.mark.parametrize("answered", [REAL, REAL[::-1]], ids=["oldest first", "newest first"])
def test_an_answer_of_either_order_becomes_oldest_first(answered: list[int]) -> None:
    found = in_order(16683981, [Event(time_s, 0x65) for time_s in answered])
    assert [event.time_s for event in found.events] == REAL
    assert found.order_known


def test_events_of_one_second_keep_their_order_where_the_others_tell_it() -> None:
    newest_first = [Event(9, 0x79), Event(9, 0x03), Event(9, 0x64), Event(4, 0x61)]
    assert [event.id for event in in_order(20, newest_first).events] == [0x61, 0x64, 0x03, 0x79]


def test_an_event_of_more_than_194_days_ago_stays_where_its_neighbours_are() -> None:
    """By its 24 bits alone the first one would be the youngest."""
    found = in_order(ROUND + 500, [Event(490, 0x61), Event(600, 0x64), Event(700, 0x65)])
    assert [event.id for event in found.events] == [0x61, 0x64, 0x65]


def test_an_order_that_cannot_be_told_is_said_and_a_single_event_has_one() -> None:
    same_second = in_order(20, [Event(9, 0x03), Event(9, 0x79)])
    assert ([event.id for event in same_second.events], same_second.order_known) == ([0x03, 0x79], False)
    assert in_order(20, [Event(9, 0x03)]).order_known
    assert in_order(20, []).order_known
    contradicting = in_order(20, [Event(5, 0x03), Event(6, 0x79), Event(5, 0x64)])
    assert [event.time_s for event in contradicting.events] == [5, 5, 6]
