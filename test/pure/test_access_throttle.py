"""How often somebody may guess, whoever else does: the promises of access_throttle.h, against a count of their own."""

import ctypes as c
import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pure.pure_library import Pure

SECOND = 1000
MINUTE = 60 * SECOND
KNOWN = 4
OWNERS = range(1, 8)
STRANGERS = range(100, 200)


@dataclass
class Throttle:
    """access_throttle_t."""

    pure: Pure
    state: "c.Array[c.c_char]" = field(init=False)

    def __post_init__(self) -> None:
        self.state = c.create_string_buffer(self.pure.size_of("access_throttle"))
        self.pure.lib.access_throttle_wait_ms.restype = c.c_int64
        self.pure.lib.access_throttle_good.restype = c.c_bool

    def wait_ms(self, address: int, now_ms: int) -> int:
        wait: int = self.pure.lib.access_throttle_wait_ms(self.state, c.c_uint64(address), c.c_int64(now_ms))
        return wait

    def guess(self, address: int, now_ms: int) -> bool:
        """A wrong password, if one is allowed."""
        if self.wait_ms(address, now_ms):
            return False
        self.pure.lib.access_throttle_wrong(self.state, c.c_uint64(address), c.c_int64(now_ms))
        return True

    def good(self, address: int) -> None:
        self.pure.lib.access_throttle_good(self.state, c.c_uint64(address))


def keep_to_the_limit(times: list[int], at_once: int, back_ms: int) -> bool:
    """Whether any window of time has at most the guesses at once, and one for each time that one needs to come back."""
    return all(
        later - earlier + 1 <= at_once + (times[later] - times[earlier]) // back_ms
        for earlier in range(len(times))
        for later in range(earlier, len(times))
    )


PAUSES = st.sampled_from((0, 0, 0, 1, 500, 5 * SECOND, 10 * SECOND, 61 * SECOND, 10 * MINUTE))
TRIES = st.lists(st.tuples(PAUSES, st.sampled_from(STRANGERS)), max_size=150)


@given(tries=TRIES)
def test_strangers_never_guess_more_than_they_may_in_any_window(pure: Pure, tries: list[tuple[int, int]]) -> None:
    throttle = Throttle(pure)
    now_ms = 0
    times: dict[int, list[int]] = {}
    for pause, address in tries:
        now_ms += pause
        if throttle.guess(address, now_ms):
            times.setdefault(address, []).append(now_ms)
    assert keep_to_the_limit(sorted(itertools.chain(*times.values())), 20, 10 * SECOND)
    assert all(keep_to_the_limit(of_one, 5, MINUTE) for of_one in times.values())


@given(tries=TRIES, count=st.integers(1, KNOWN))
def test_who_is_known_may_try_again_within_a_minute_whatever_strangers_do(
    pure: Pure, tries: list[tuple[int, int]], count: int
) -> None:
    throttle = Throttle(pure)
    now_ms = 0
    for owner in OWNERS[:count]:
        throttle.good(owner)
    for pause, address in tries:
        now_ms += pause
        throttle.guess(address, now_ms)
        assert all(throttle.wait_ms(owner, now_ms) == 0 for owner in OWNERS[:count])
    for owner in OWNERS[:count]:
        while throttle.guess(owner, now_ms):
            pass
        assert throttle.wait_ms(owner, now_ms) <= MINUTE


ACTS = st.lists(st.tuples(PAUSES, st.booleans(), st.sampled_from([*OWNERS, 100, 101, 102])), max_size=150)


@given(acts=ACTS)
def test_logins_in_between_give_no_address_more_guesses(pure: Pure, acts: list[tuple[int, bool, int]]) -> None:
    throttle = Throttle(pure)
    now_ms = 0
    times: dict[int, list[int]] = {}
    for pause, succeeds, address in acts:
        now_ms += pause
        if succeeds and address in OWNERS and not throttle.wait_ms(address, now_ms):
            throttle.good(address)
        elif throttle.guess(address, now_ms):
            times.setdefault(address, []).append(now_ms)
    assert all(keep_to_the_limit(of_one, 5, MINUTE) for of_one in times.values())


@given(acts=ACTS)
def test_nobody_waits_for_ever(pure: Pure, acts: list[tuple[int, bool, int]]) -> None:
    throttle = Throttle(pure)
    now_ms = 0
    for pause, _, address in acts:
        now_ms += pause
        throttle.guess(address, now_ms)
        assert 0 <= throttle.wait_ms(address, now_ms) <= MINUTE
        assert throttle.wait_ms(address, now_ms + MINUTE) == 0


@pytest.mark.parametrize("now_ms", [0, 2**32 - 1, 2**32, 2**53])
def test_the_limits_are_the_same_however_long_the_gateway_runs(pure: Pure, now_ms: int) -> None:
    throttle = Throttle(pure)
    assert [throttle.guess(100, now_ms) for _ in range(6)] == [True] * 5 + [False]
    assert throttle.wait_ms(100, now_ms) == MINUTE
