"""Which writes the firmware and the serial client let pass, and in which order: alike, and as plain rules say."""

import ctypes as c
import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pure.pure_library import Pure
from tinybms_gateway.bms import table, write_gate
from tinybms_gateway.bms.table import Register
from tinybms_gateway.bms.write_gate import Change, Refused, Why

FIRST, COUNT = 300, 44
ALLOWED = 0
STATUS = {5: Why.CONTRADICTS, 6: Why.CELL_COUNT, 7: Why.NEEDS_CONFIRMATION, 8: Why.REPEATED, 9: Why.NO_ORDER}
"""tinybms_write_status_t."""
TABLE = list(table.registers())
SETTINGS = [r for r in TABLE if r.access == "read/write"]
BY_NAME = {r.name: r for r in SETTINGS}
FULL, EMPTY, PEAK, CELLS, OVER, UNDER, DISCHARGE, CHARGE, COLD = (
    next(r for r in SETTINGS if r.address == address) for address in (300, 301, 305, 307, 315, 316, 317, 318, 320)
)
RELATED = [FULL, EMPTY, PEAK, OVER, UNDER, DISCHARGE, CHARGE]

Held = dict[int, int]
"""Register -> what it holds, of 300 to 343."""


def c_order(pure: Pure, held: Held, cells: int, changes: Sequence[Change], confirmed: bool) -> "Why | list[str] | int":
    """What the firmware says: why not, or the names in the order of writing; a number: another status."""
    words = (c.c_uint16 * COUNT)(*(held[FIRST + i] for i in range(COUNT)))
    entries = (c.c_size_t * len(changes))(*(TABLE.index(change.register) for change in changes))
    raws = (c.c_int64 * len(changes))(*(change.raw for change in changes))
    order = (c.c_size_t * len(changes))()
    status = pure.lib.tinybms_pure_gate_order(
        words, c.c_uint8(cells), entries, raws, c.c_size_t(len(changes)), c.c_bool(confirmed), order
    )
    return [TABLE[index].name for index in order] if status == ALLOWED else STATUS.get(status, status)


def python_order(held: Held, cells: int, changes: Sequence[Change], confirmed: bool) -> "Why | list[str]":
    """What the client says."""
    words = held | {address: int(address < cells) for address in range(16)}
    try:
        return [c.register.name for c in write_gate.in_order(changes, words, confirmed=confirmed)]
    except Refused as refused:
        return refused.why


def raws(register: Register) -> st.SearchStrategy[int]:
    """Values that may be written; those of related settings close to each other, so that they meet."""
    if register in (DISCHARGE, CHARGE):
        return st.integers(1, 5)
    if register is PEAK:
        return st.integers(0, 5)
    if register in RELATED:
        return st.integers(2000, 2006)
    if register is COLD:
        return st.integers(-24, -17)
    low, high = (0, 0xFFFF) if register.minimum is None else (register.minimum, register.maximum)
    return st.integers(low, high)


@st.composite
def holdings(draw: st.DrawFn) -> Held:
    """Settings that a BMS may hold: good ones, and anything."""
    held = {FIRST + i: 0 for i in range(COUNT)}
    for register in SETTINGS:
        raw = draw(raws(register) if register in (*RELATED, COLD) else st.integers(0, 3))
        words = [held[register.address + i] for i in range(register.words)]
        held.update(enumerate(table.merged(register, words, raw), register.address))
    if draw(st.booleans()):
        held |= draw(st.dictionaries(st.sampled_from(sorted(held)), st.integers(0, 0xFFFF), max_size=3))
    return held


@st.composite
def profiles(draw: st.DrawFn) -> list[Change]:
    """Some changes, mostly of settings that are related; rarely one of them twice."""
    related = st.lists(st.sampled_from([*RELATED, COLD]), unique=True, max_size=8)
    others = st.lists(st.sampled_from(SETTINGS), max_size=2)
    registers = draw(st.permutations(draw(related) + draw(others)))
    return [Change(register, draw(raws(register))) for register in registers]


def after(held: Held, changes: Sequence[Change]) -> Held:
    """The registers once these are written."""
    then = dict(held)
    for change in changes:
        words = [then[address] for address in change.addresses]
        then.update(zip(change.addresses, table.merged(change.register, words, change.raw), strict=True))
    return then


def chain_holds(held: Held, address: int) -> bool:
    """What the maker's ranges and plain sense say of the voltage at this address and its neighbours in the chain."""
    under, empty, full, over = held[316], held[301], held[300], held[315]
    return {
        316: under < empty,
        301: under < empty < full,
        300: empty < full <= over,
        315: full <= over,
    }.get(address, True)


@given(holdings(), st.sampled_from([0, 4, 14, 16]), profiles(), st.booleans())
def test_firmware_and_client_say_the_same(
    pure: Pure, held: Held, cells: int, changes: list[Change], confirmed: bool
) -> None:
    assert c_order(pure, held, cells, changes, confirmed) == python_order(held, cells, changes, confirmed)


def test_they_ask_for_the_same_confirmations_of_every_setting(pure: Pure) -> None:
    asked = 0
    for register in SETTINGS:
        low, high = (0, 0xFFFF) if register.minimum is None or register.maximum is None else (
            register.minimum, register.maximum)  # fmt: skip
        values = {low, low + 1, high - 1, high, *range(-22, -17)} & set(range(low, high + 1))
        for before, now in itertools.product(values, values):
            held = after({FIRST + i: 0 for i in range(COUNT)}, [Change(register, before)])
            said = c_order(pure, held, 14, [Change(register, now)], False)
            assert said == python_order(held, 14, [Change(register, now)], False), (register.name, before, now)
            asked += said is Why.NEEDS_CONFIRMATION
    assert asked > 100


@given(holdings(), profiles())
def test_no_step_of_what_is_allowed_contradicts(pure: Pure, held: Held, changes: list[Change]) -> None:
    order = c_order(pure, held, 14, changes, True)
    if not isinstance(order, list):
        return
    assert sorted(order) == sorted(change.register.name for change in changes)
    of_name = {change.register.name: change for change in changes}
    for name in order:
        now, held = held, after(held, [of_name[name]])
        assert held == now or chain_holds(held, BY_NAME[name].address), name
    assert held == after(held, changes)


@given(holdings(), profiles())
def test_what_is_refused_has_no_order_at_all(pure: Pure, held: Held, changes: list[Change]) -> None:
    """By trying every order: the firmware finds one exactly when there is one."""
    voltages = [change for change in changes if change.register in (FULL, EMPTY, OVER, UNDER)]
    if len({change.register for change in voltages}) < len(voltages):
        return
    any_order = any(steps_hold(held, order) for order in itertools.permutations(voltages))
    assert isinstance(c_order(pure, held, 14, voltages, True), list) == any_order


def steps_hold(held: Held, order: Sequence[Change]) -> bool:
    for change in order:
        now, held = held, after(held, [change])
        if held != now and not chain_holds(held, change.register.address):
            return False
    return True


@given(
    st.lists(st.integers(1200, 3500), unique=True, min_size=3, max_size=4).map(sorted),
    st.lists(st.integers(1200, 3500), unique=True, min_size=3, max_size=4).map(sorted),
    st.permutations([UNDER, EMPTY, FULL, OVER]),
)
def test_from_any_chemistry_to_any_other_there_is_an_order(
    pure: Pure, start: list[int], end: list[int], given_order: list[Register]
) -> None:
    """Three voltages: full is the cutoff itself."""
    start, end = ([*volts, volts[-1]][:4] for volts in (start, end))
    held = {FIRST + i: 0 for i in range(COUNT)} | {
        r.address: v for r, v in zip((UNDER, EMPTY, FULL, OVER), start, strict=True)
    }
    aims = dict(zip((UNDER, EMPTY, FULL, OVER), end, strict=True))
    changes = [Change(register, aims[register]) for register in given_order]
    assert isinstance(c_order(pure, held, 14, changes, True), list)


LOOSER = {
    FULL: 1, EMPTY: -1, PEAK: 1, OVER: 1, UNDER: -1, DISCHARGE: 1, CHARGE: 1, COLD: -1, BY_NAME["over_heat_cutoff"]: 1,
}  # fmt: skip


@given(holdings(), profiles())
def test_what_is_allowed_unconfirmed_never_loosens_a_cutoff(pure: Pure, held: Held, changes: list[Change]) -> None:
    if not isinstance(c_order(pure, held, 14, changes, False), list):
        return
    for change in changes:
        if change.register in LOOSER:
            before, now = (
                int(table.raw_value(change.register, [words[change.register.address]]))
                for words in (held, after(held, [change]))
            )
            if change.register is PEAK:  # 0 is none
                before, now = before or 1 << 32, now or 1 << 32
            assert (now - before) * LOOSER[change.register] <= 0, change
            assert change.register is not COLD or now >= -20 or now == before


@given(holdings(), st.integers(0, 16), st.integers(4, 16))
def test_the_number_of_cells_is_what_is_measured(pure: Pure, held: Held, measured: int, wanted: int) -> None:
    allowed = wanted in (measured, held[307])
    said = c_order(pure, held, measured, [Change(CELLS, wanted)], True)
    assert said == ([CELLS.name] if allowed else Why.CELL_COUNT)


def c_plan(pure: Pure, held: Held, cells: int, changes: Sequence[Change]) -> tuple[str, list[str], str]:
    """What the firmware shows a person: the verdict, the names in the order of writing, and why."""
    words = (c.c_uint16 * COUNT)(*(held[FIRST + i] for i in range(COUNT)))
    entries = (c.c_size_t * len(changes))(*(TABLE.index(change.register) for change in changes))
    raws = (c.c_int64 * len(changes))(*(change.raw for change in changes))
    order = (c.c_size_t * len(changes))()
    count, why = c.c_size_t(len(changes)), c.create_string_buffer(4096)
    verdict = pure.lib.tinybms_pure_plan(
        words, c.c_uint8(cells), entries, raws, c.byref(count), order, why, c.c_size_t(len(why))
    )
    names = [TABLE[order[i]].name for i in range(count.value)]
    return ("may write", "needs confirmation", "refused")[verdict], names, why.value.decode()


@given(holdings(), st.sampled_from([0, 4, 14, 16]), profiles())
def test_a_plan_says_what_the_client_says_of_the_same_changes(
    pure: Pure, held: Held, cells: int, changes: list[Change]
) -> None:
    verdict, names, why = c_plan(pure, held, cells, changes)
    differ = [change for change in changes if held != after(held, [change])]
    assert sorted(names) == sorted(change.register.name for change in differ)
    confirmed = python_order(held, cells, differ, True)
    if verdict == "refused":
        assert isinstance(confirmed, Why)
    else:
        assert names == confirmed, "what is shown is the order of the write that follows"
        asked = write_gate.confirmations(differ, held | {address: int(address < cells) for address in range(16)})
        assert (verdict == "needs confirmation") == bool(asked)
        assert not [name for name in names if (name in why) > any(name in text for text in asked)], why
    assert (why == "") == (verdict == "may write")


@given(holdings(), profiles())
def test_a_plan_that_was_written_leaves_nothing_to_do(pure: Pure, held: Held, changes: list[Change]) -> None:
    assert c_plan(pure, after(held, changes), 14, changes[-1:]) == ("may write", [], "")
