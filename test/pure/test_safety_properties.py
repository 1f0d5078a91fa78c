"""What no damage may do: registers that flip, sensors that come and go, answers that are lost, two faults at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pure.core import Core
from pure.pure_library import Pure
from pure.world import SYSTEMS, USED, System, World, signed
from tinybms_gateway.bms.event_order import EventOrder
from tinybms_gateway.pure import State
from tinybms_gateway.sim.bms import registers as reg

FAULT = 0x9B
POLL_MS = 1000
SEEN_MS = 20 * POLL_MS
STOPS_CHARGE = frozenset((0x03, 0x06, 0x07, 0x37))
STOPS_DISCHARGE = frozenset((0x02, 0x05, 0x31))
RECOVERED_BY = {0x02: 0x7B, 0x03: 0x79, 0x04: 0x73, 0x05: 0x77, 0x06: 0x76, 0x07: 0x78, 0x0A: 0x75, 0x31: 0x7A,
                0x37: 0x74}  # fmt: skip


@dataclass
class Watch:
    """What has to hold at every moment; called with each state."""

    world: World
    healthy_until_ms: int = 0
    cold_since_ms: int | None = None
    high_since_ms: int | None = None
    fault_since_ms: int | None = None
    cvl_mv: int | None = None
    raised_ms: int = 0
    unheard_ms: int = 0
    """Last time that the newest block was too old to know of a fault."""
    there_since_ms: dict[int, int] = field(default_factory=dict)
    """Of each external sensor that is there now."""
    gone_since_ms: dict[int, int] = field(default_factory=dict)
    """Of each external sensor that was there for long, and is not."""
    loosest: dict[int, int] = field(default_factory=dict)
    """Of 315 and 320: the values that the BMS has had, which it may be meant to have."""

    def see(self, state: State, now_ms: int) -> None:
        self._note(now_ms)
        if not state.publish:
            self.cvl_mv = None
            return
        for since_ms, after_ms, limit in (
            (self.cold_since_ms, 4 * POLL_MS, state.ccl_ma),
            (self.high_since_ms, 4 * POLL_MS, state.ccl_ma),
        ):
            if since_ms is not None and now_ms - since_ms > after_ms:
                assert limit.value == 0
        for since_ms in self.gone_since_ms.values():
            assert now_ms - since_ms < 5 * POLL_MS or state.ccl_ma.value == 0, "a sensor that was there is gone"
        self._check_fault(state, now_ms)
        self._check_cvl(state)
        self._check_alarms(state)

    def _note(self, now_ms: int) -> None:
        r = self.world.bms.registers
        for address, low, high, loosest in ((315, 1200, 4500, max), (320, -40, 10, min)):
            value = signed(r[address])
            if low <= value <= high:
                self.loosest[address] = loosest(value, self.loosest.get(address, value))
        self._note_sensors(now_ms)
        sensors = [signed(self.world.true[address]) for address in (reg.TEMP_EXT_1, reg.TEMP_EXT_2)]
        there = [value for value in sensors if value != -0x8000] or [signed(self.world.true[reg.TEMP_INTERNAL])]
        cold = min(there) <= 10 * self.loosest.get(320, 0)
        undamaged = not any(address in self.world.damaged for address in range(56))
        self.cold_since_ms = (self.cold_since_ms or now_ms) if cold and undamaged else None
        high = self.world.true[reg.CELL_MAX] >= self.loosest.get(315, 0)
        self.high_since_ms = (self.high_since_ms or now_ms) if high and undamaged else None

    def _note_sensors(self, now_ms: int) -> None:
        """Only those that are not damaged; one counts as seen after so many polls that three of them were answered."""
        for address in (reg.TEMP_EXT_1, reg.TEMP_EXT_2):
            if signed(self.world.bms.registers[address]) != -0x8000:
                self.there_since_ms.setdefault(address, now_ms)
                self.gone_since_ms.pop(address, None)
            elif now_ms - self.there_since_ms.pop(address, now_ms) > SEEN_MS:
                self.gone_since_ms[address] = now_ms

    def _check_fault(self, state: State, now_ms: int) -> None:
        """Two seconds after the last change: a second of holding, and polls on both sides. What the gateway refuses
        as impossible tells it nothing, as silence does, which has stages of its own."""
        if now_ms - state.snapshot_ms > 2 * POLL_MS:
            self.unheard_ms = now_ms
        since_ms = max(self.world.fault_changed_ms, self.unheard_ms)
        if not self.world.holding or now_ms - since_ms < 2000 + 2 * POLL_MS:
            return
        if r_status(self.world) == FAULT:
            held = set(self.world.holding)
            assert state.ccl_ma.value == 0 or held <= STOPS_DISCHARGE
            assert state.dcl_ma.value == 0 or held <= STOPS_CHARGE

    def _check_cvl(self, state: State) -> None:
        """By the time of the snapshot: one may have been held for the events of a fault."""
        value, now_ms = state.cvl_mv.value, state.snapshot_ms
        if self.cvl_mv is not None and value > self.cvl_mv:
            assert value - self.cvl_mv <= self.world.system.cells * 20 + 1
            assert now_ms - self.raised_ms >= 20000
            self.raised_ms = now_ms
        elif self.cvl_mv is None:
            self.raised_ms = now_ms
        self.cvl_mv = value

    def _check_alarms(self, state: State) -> None:
        sensor = any(sensor.known for sensor in state.sensor_ddegc)
        for levels in (state.alarm, state.warning):
            assert levels[4] != 2, "no register says what is too cold"
            assert sensor or {levels[3], levels[5], levels[6]} <= {0, 1}


def r_status(world: World) -> int:
    return world.bms.registers[reg.STATUS]


@dataclass
class Happening:
    """What is done to the world, drawn by a test."""

    data: st.DataObject
    world: World
    core: Core
    lost: dict[int, int] = field(default_factory=dict)
    """Command -> so many of its answers do not arrive."""

    def line(self, request: bytes, answer: bytes) -> bytes:
        command = request[1]
        if self.lost.get(command, 0) > 0:
            self.lost[command] -= 1
            return b"" if self.lost[command] % 2 else answer[:-1] + bytes([answer[-1] ^ 0x40])
        return answer

    def fault(self) -> None:
        """One or two events in one second, sometimes with a recovery that belongs to another one."""
        world = self.world
        for event in self.data.draw(st.lists(st.sampled_from((*RECOVERED_BY, 0x0B, 0x0E)), min_size=1, max_size=2)):
            world.bms.log_event(event)
            if event not in world.holding:
                world.holding.append(event)
        world.put(reg.STATUS, FAULT)
        world.fault_changed_ms = self.core.now_ms

    def recovery(self) -> None:
        world = self.world
        if world.holding and world.holding[0] in RECOVERED_BY:
            world.bms.log_event(RECOVERED_BY[world.holding.pop(0)])
            world.fault_changed_ms = self.core.now_ms
        if not world.holding:
            world.put(reg.STATUS, 0x97)

    def cells(self) -> None:
        low, high = self.world.system.floor_mv - 150, self.world.system.settings[315] + 100
        all_mv = self.data.draw(st.integers(low, high))
        lowest = self.data.draw(st.integers(max(low, all_mv - 300), all_mv))
        highest = self.data.draw(st.integers(all_mv, min(high, all_mv + 300)))
        self.world.put_cells(all_mv, lowest, highest)

    def temperature(self) -> None:
        address = self.data.draw(st.sampled_from((reg.TEMP_EXT_1, reg.TEMP_EXT_2, reg.TEMP_INTERNAL)))
        self.world.put(address, self.data.draw(st.sampled_from((-0x8000, -150, -50, 10, 200, 580, 700))))

    def flip(self) -> None:
        address = self.data.draw(st.one_of(st.sampled_from(USED), st.integers(0, 55)))
        self.world.damaged[address] = 1 << self.data.draw(st.integers(0, 15))
        self.world.show()

    def mend(self) -> None:
        self.world.damaged.clear()
        self.world.show()

    def lose(self) -> None:
        command = self.data.draw(st.sampled_from((0x11, 0x12, 0x03)))
        self.lost[command] = self.data.draw(st.integers(1, 12))

    def clear_events(self) -> None:
        """A person does it, and the fault goes on without an explanation."""
        self.world.bms.clear_events()
        self.world.holding.clear()

    def restart_clock(self) -> None:
        self.world.bms.lifetime_s = 5.0

    def restart_gateway(self) -> None:
        self.core.restart()
        self.world.fault_changed_ms = self.core.now_ms

    def current(self) -> None:
        self.world.put_float(reg.PACK_CURRENT, self.data.draw(st.sampled_from((-100.0, -10.0, 0.0, 20.0, 95.0))))

    def wait(self) -> None:
        self.core.run(self.data.draw(st.sampled_from((POLL_MS, POLL_MS, 2000, 5000, 15000, 40000))))

    def anything(self) -> None:
        things = (
            *(self.fault, self.fault, self.recovery, self.cells, self.cells, self.temperature, self.temperature),
            *(self.flip, self.flip, self.mend, self.lose, self.clear_events, self.restart_clock, self.current),
            self.restart_gateway,
        )
        self.data.draw(st.sampled_from(things))()
        self.wait()


def begun(pure: Pure, system: System, order: EventOrder) -> tuple[World, Core]:
    world = World(system, order)
    return world, Core(pure, world.bms, {}, POLL_MS)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data(), order=st.sampled_from(EventOrder))
@pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)
def test_whatever_happens_nothing_is_loosened_and_healthy_inputs_bring_both_limits_back(
    pure: Pure, system: System, data: st.DataObject, order: EventOrder
) -> None:
    world, core = begun(pure, system, order)
    happening = Happening(data, world, core)
    watch = Watch(world)
    core.line = happening.line
    core.seen = watch.see
    core.run(3000)
    for _ in range(data.draw(st.integers(1, 12))):
        happening.anything()
    happening.lost.clear()
    world.heal(current_a=0.2 * system.settings[306] / 100)
    seen = [signed(world.true[address]) != -0x8000 for address in (reg.TEMP_EXT_1, reg.TEMP_EXT_2)]
    for address, there in zip((reg.TEMP_EXT_1, reg.TEMP_EXT_2), seen, strict=True):
        if not there:
            world.put(address, 220)  # it may have been there for a while, and is missed then
    core.run(600_000)
    state = core.state
    assert state.publish
    assert state.status == 2
    assert state.ccl_ma.value > 0, Reasons(state)
    assert state.dcl_ma.value > 0, Reasons(state)


class Reasons:
    """What allows how much, for the message of a test that fails."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __repr__(self) -> str:
        return f"CCL {list(self._of(self._state.ccl_limiter_ma))} DCL {list(self._of(self._state.dcl_limiter_ma))}"

    def _of(self, limiters: Any) -> Iterator[tuple[int, int]]:
        return ((reason, limiter.value) for reason, limiter in enumerate(limiters) if limiter.known)
