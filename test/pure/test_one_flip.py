"""One flipped bit, wherever it is: of a live block it changes no limit, of the settings it loosens none."""

import ctypes as c
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pure.pipeline import Pipeline
from pure.pure_library import Pure
from pure.world import SYSTEMS, USED, System, World
from tinybms_gateway.bms.event_order import EventOrder
from tinybms_gateway.pure import Snapshot, State
from tinybms_gateway.sim.bms import registers as reg

POLL_MS = 200
FAULT = 0x9B
SETTLED_S = 300


@dataclass
class Settled:
    """A pipeline whose limits rise no more, with the snapshot that it is fed with."""

    pipeline: Pipeline
    snapshot: Snapshot
    now_ms: int

    def feed(self, count: int) -> None:
        for _ in range(count):
            self.now_ms += POLL_MS
            self.snapshot.taken_ms = self.now_ms
            self.snapshot.sequence += 1
            self.pipeline.step(self.snapshot, self.now_ms)

    def limits(self) -> tuple[int, int, int]:
        state = self.pipeline.state
        assert state.publish
        return state.cvl_mv.value, state.ccl_ma.value, state.dcl_ma.value

    def copies(self) -> Iterator["Settled"]:
        """Itself, again and again as it is now."""
        kept = (self.pipeline.saved(), bytes(self.snapshot), self.now_ms)
        while True:
            pipeline, snapshot, self.now_ms = kept
            self.pipeline.restore(pipeline)
            c.memmove(c.byref(self.snapshot), snapshot, len(snapshot))
            yield self


@pytest.fixture(params=SYSTEMS.values(), ids=list(SYSTEMS))
def system(request: pytest.FixtureRequest) -> System:
    found: System = request.param
    return found


@pytest.fixture
def settled(pure: Pure, system: System) -> Settled:
    """At the charge target's side of bulk, while 10 A charge."""
    registers = World(system, EventOrder.OLDEST_FIRST)
    registers.heal(current_a=10.0)
    snapshot = Snapshot(settings_known=True, settings_alike=2, events_known=True)
    snapshot.live[:] = registers.bms.read(0, 56)
    snapshot.settings[:] = registers.bms.read(300, 44)
    found = Settled(Pipeline(pure, {}), snapshot, 1000)
    found.feed(SETTLED_S * 1000 // POLL_MS)
    return found


FLOAT_MV = {16: 16 * 3375, 14: 14 * 4075}
"""Of the two systems: the LFP pack goes by `float.lfp_mv`, the other by `float.below_mv`."""


def alarms(state: State) -> list[int]:
    return [number for levels in (state.alarm, state.warning) for number, level in enumerate(levels) if level == 1]


def test_of_a_live_block_it_changes_no_limit_and_raises_no_alarm(pure: Pure, settled: Settled) -> None:
    pure.lib.tinybms_live_plausible.restype = c.c_bool
    limits = settled.limits()
    assert min(limits) > 0
    copies = settled.copies()
    for address in range(56):
        for bit in range(16):
            one = next(copies)
            good = one.snapshot.live[address]
            one.snapshot.live[address] = good ^ 1 << bit
            plausible = pure.lib.tinybms_live_plausible(one.snapshot.live)
            if one.snapshot.live[reg.STATUS] == FAULT or not plausible:
                continue  # the BMS's own fault state counts at once; what cannot be is refused by the session
            one.feed(1)
            assert (address, bit, one.limits(), alarms(one.pipeline.state)) == (address, bit, limits, [])
            one.snapshot.live[address] = good
            for _ in range(10):
                one.feed(1)
                assert (address, bit, one.limits(), alarms(one.pipeline.state)) == (address, bit, limits, [])


def test_of_the_settings_it_loosens_nothing_when_it_is_read_once(settled: Settled, system: System) -> None:
    limits = settled.limits()
    copies = settled.copies()
    for address in USED:
        for bit in range(16):
            one = next(copies)
            good = one.snapshot.settings[address - 300]
            one.snapshot.settings[address - 300] = good ^ 1 << bit
            one.snapshot.settings_alike = 1
            for _ in range(4):  # the second reading comes within a second
                one.feed(1)
                assert all(now <= before for now, before in zip(one.limits(), limits, strict=True)), (address, bit)
                assert one.limits()[0] >= FLOAT_MV[system.cells], "a wrong reading pulls no battery into the grid"
            one.snapshot.settings[address - 300] = good
            one.feed(1)
            one.snapshot.settings_alike = 2
            one.feed(1)
            assert all(now <= before for now, before in zip(one.limits(), limits, strict=True)), (address, bit)
            assert one.limits()[0] >= FLOAT_MV[system.cells]


@pytest.mark.parametrize("value", [0, 0xFFFF, 0x7FFF, 15, 1000])
def test_a_limit_register_that_stays_unusable_loosens_nothing(settled: Settled, value: int) -> None:
    """It has been read twice. Left out are values that a register may have: 320 = 0xFFFF is -1 degC."""
    limits = settled.limits()
    copies = settled.copies()
    for address in (301, 315, 316, 317, 318, 319, 320):
        usable = {0: (320,), 0xFFFF: (320,), 15: (317, 318), 1000: (301, 316)}.get(value, ())
        if address in usable:
            continue
        one = next(copies)
        one.snapshot.settings[address - 300] = value
        one.feed(60)
        assert all(now <= before for now, before in zip(one.limits(), limits, strict=True)), address
        assert one.pipeline.state.warning[11] == 1, "BMS internal tells that a limiter is lost"


def test_the_cold_cutoff_that_flips_lets_nothing_be_charged_in_the_cold(settled: Settled) -> None:
    """At -10 degC, for all sixteen bits of register 320, also when they are read twice and stay."""
    copies = settled.copies()
    for bit in range(16):
        one = next(copies)
        for address in (reg.TEMP_EXT_1, reg.TEMP_EXT_2, reg.TEMP_INTERNAL):
            one.snapshot.live[address] = -100 & 0xFFFF
        one.feed(20)
        assert one.limits()[1] == 0, f"bit {bit}"
        one.snapshot.settings[20] ^= 1 << bit
        flipped = one.snapshot.settings[20]
        one.snapshot.settings_alike = 1
        one.feed(4)
        assert one.limits()[1] == 0, f"bit {bit}"
        one.snapshot.settings_alike = 2
        one.feed(300)
        meant = flipped - 0x10000 if flipped & 0x8000 else flipped
        assert one.limits()[1] == 0 or -40 <= meant < -10, "a cutoff below -10 degC may be meant"


def test_without_315_a_high_full_voltage_is_not_charged_to(pure: Pure) -> None:
    """315 = 0 and 300 = 4400 from the start: LFP cells must not see more than the float of LFP."""
    lfp = SYSTEMS["LFP with two sensors"]
    registers = World(lfp, EventOrder.OLDEST_FIRST)
    snapshot = Snapshot(settings_known=True, settings_alike=2, events_known=True)
    snapshot.live[:] = registers.bms.read(0, 56)
    snapshot.settings[:] = registers.bms.read(300, 44)
    snapshot.settings[0], snapshot.settings[15] = 4400, 0
    one = Settled(Pipeline(pure, {}), snapshot, 1000)
    for _ in range(1000):
        one.feed(1)
        cvl, ccl, _ = one.limits()
        assert (cvl, ccl) == (16 * 3375, 0)
