"""A BMS that says anything, in any order, and what has to hold of the limits and alarms that are made of it."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from pure.pipeline import Pipeline
from pure.pure_library import Pure
from tinybms_gateway.bms.table import registers
from tinybms_gateway.pure import Limit, Reason, Snapshot, State

ONLINE = 2
OK = 2
STALE_MS, SILENT_MS = 3000, 10000
LEAST_MA = 100
STATUSES = (0x91, 0x92, 0x93, 0x96, 0x97, 0x9B)
USED = frozenset((300, 301, 303, 304, 306, 315, 316, 317, 318, 319))
RANGES = {row.address: (row.minimum, row.maximum) for row in registers() if row.address in USED}
CHARGE_KEYS = re.compile(r"(charge|disch|limit|ramp|cvl|absorb|float|temp)\.")
FACTORY = {
    "charge.cell_mv": 0,
    "float.cell_mv": 0,
    "charge.max_a": 0,
    "disch.max_a": 0,
    "disch.cell_mv": 0,
    "limit.bms_pct": 90,
    "cvl.margin_mv": 20,
    "cvl.charger_mv": 400,
    "cvl.raise_mv_s": 1,
    "cvl.step_s": 20,
    "cvl.lower_mv_s": 200,
    "float.below_mv": 75,
    "float.lfp_mv": 3375,
    "limit.wait_s": 30,
    "limit.a_per_s": 5,
    "ramp.time_s": 30,
    "data.stale_ms": STALE_MS,
    "data.silent_ms": SILENT_MS,
}
STOPS_CHARGE = frozenset((0x03, 0x06, 0x07, 0x37))
STOPS_DISCHARGE = frozenset((0x02, 0x05, 0x31))
ALARMS = {0x02: 2, 0x31: 2, 0x03: 1, 0x04: 3, 0x05: 7, 0x06: 8, 0x07: 8, 0x0A: 4, 0x37: 6}
BMS_INTERNAL = 11


def signed(value: int) -> int:
    return value - 0x10000 if value & 0x8000 else value


@dataclass(frozen=True)
class Bms:
    """Registers: mostly what is told of the cells is what the cells have."""

    cells: int
    settings: dict[int, int]
    cell_100uv: list[int]
    current_ma: int
    soc_micro_percent: int
    soh: int
    sensors_ddegc: tuple[int, int, int]
    status: int
    events: tuple[int, ...]
    told_mv: tuple[int, int] | None = None
    """Registers 40 and 41 when they differ from the cells."""

    def write(self, snapshot: Snapshot) -> None:
        for address, value in self.settings.items():
            snapshot.settings[address - 300] = value & 0xFFFF
        live = snapshot.live
        for i in range(16):
            live[i] = 0
        for i, value in enumerate(self.cell_100uv):
            live[16 - self.cells + i] = value
        live[36], live[37] = struct.unpack("<HH", struct.pack("<f", sum(self.cell_100uv) / 10000))
        live[38], live[39] = struct.unpack("<HH", struct.pack("<f", self.current_ma / 1000))
        live[40], live[41] = self.told_mv or (min(self.cell_100uv) // 10, max(self.cell_100uv) // 10)
        live[42], live[43], live[48] = (value & 0xFFFF for value in self.sensors_ddegc)
        live[45] = self.soh
        live[46], live[47] = self.soc_micro_percent & 0xFFFF, self.soc_micro_percent >> 16
        live[50] = self.status
        live[53] = self.cells
        snapshot.fault_count = len(self.events)
        snapshot.faults[: len(self.events)] = self.events

    def discharge_cutoff_a(self) -> int | None:
        """Registers 317 and 305."""
        return min((value for value in (self.setting(317), self.settings[305]) if value), default=None)

    def setting(self, address: int) -> int | None:
        """None: not set."""
        low, high = RANGES[address]
        value = self.settings[address]
        return value if value and low <= value <= high else None


def one_in_range_or_not(address: int) -> st.SearchStrategy[int]:
    low, high = RANGES[address]
    return st.one_of(st.integers(low, high), st.integers(low, high), st.sampled_from((0, low - 1, high + 1, 0xFFFF)))


@st.composite
def measured(draw: st.DrawFn, cells: int, registers: dict[int, int]) -> Bms:
    lowest = draw(st.integers(8000, 45000))
    temperature = st.one_of(st.just(-32768), st.integers(-400, 1000))
    return Bms(
        cells=cells,
        settings=registers,
        cell_100uv=draw(st.lists(st.integers(lowest, min(lowest + 3000, 46000)), min_size=cells, max_size=cells)),
        current_ma=draw(st.integers(-750000, 750000)),
        soc_micro_percent=draw(st.integers(0, 100_000_000)),
        soh=draw(st.integers(0, 50000)),
        sensors_ddegc=draw(st.tuples(temperature, temperature, temperature)),
        status=draw(st.sampled_from(STATUSES)),
        events=tuple(draw(st.lists(st.integers(1, 0x7F), max_size=3, unique=True))),
        told_mv=draw(st.one_of(st.none(), st.none(), st.tuples(st.integers(0, 4600), st.integers(0, 4600)))),
    )


@st.composite
def registers_of(draw: st.DrawFn, cells: int) -> dict[int, int]:
    """Settings: mostly such as somebody would make, now and then anything."""
    full = draw(st.integers(3300, 4300))
    sensible = {
        300: full,
        301: full - draw(st.integers(400, 1300)),
        315: full + draw(st.integers(20, 200)),
        316: full - draw(st.integers(1301, 1800)),
    }
    anything = {address: draw(one_in_range_or_not(address)) for address in RANGES}
    registers = anything | (sensible if draw(st.integers(0, 3)) else {})
    registers[305] = draw(st.integers(0, 1000))
    registers[307] = cells
    registers[320] = draw(st.integers(-50, 20))
    registers[321] = draw(st.integers(0, 100))
    registers[329] = draw(st.integers(0, 7))
    return registers


@dataclass
class Strictest:
    """Of the limit registers, since the start: what a register that is lost must not loosen."""

    values: dict[int, int] = field(default_factory=dict)

    def see(self, bms: Bms) -> None:
        told = {address: bms.setting(address) for address in (301, 315, 318)}
        told[317] = bms.discharge_cutoff_a()
        for address, value in told.items():
            if value is not None:
                worse = max if address == 301 else min
                self.values[address] = worse(value, self.values.get(address, value))


@dataclass(frozen=True)
class Voltages:
    """Of a cell, as the specification has them."""

    ceiling: int
    lowest: int
    floor: int
    contradictory: bool
    unprotected: bool


def voltages_of(bms: Bms, use: dict[str, int], strictest: Strictest) -> Voltages | None:
    full, empty, under, over = (bms.setting(address) for address in (300, 301, 316, 315))
    if full is None:
        return None
    highest = use["charge.cell_mv"] or full
    cutoff = over or strictest.values.get(315) or min(full, highest) + 50
    unprotected = over is None and not use["charge.cell_mv"]
    ceiling = cutoff - use["cvl.margin_mv"] - -(-use["cvl.charger_mv"] // bms.cells)
    target = min(full, ceiling, highest)
    wanted = min(full - use["float.below_mv"], use["float.cell_mv"] or full)
    if cutoff <= 3800 or (unprotected and 315 not in strictest.values):
        wanted = min(wanted, use["float.lfp_mv"])
    lowest = min(wanted, target)
    floor = empty or (max(under, strictest.values.get(301, 0)) if under else 0)
    floor = max(floor, use["disch.cell_mv"])
    return Voltages(
        min(ceiling, use["charge.cell_mv"] or ceiling),
        lowest,
        floor,
        contradictory=wanted > ceiling
        or floor >= lowest
        or (empty is not None and under is not None and under >= empty),
        unprotected=unprotected,
    )


def cap_of(cutoff_a: int | None, strictest_a: int | None, setting_a: int, percent: int) -> int:
    """mA. A register that is lost bounds what a setting allows; without a setting nothing flows."""
    use_a = strictest_a if cutoff_a is None and setting_a else cutoff_a
    caps = [use_a * 10 * percent] if use_a else []
    return min([*caps, *([setting_a * 1000] if setting_a else [])], default=0)


def caps_of(bms: Bms, use: dict[str, int], strictest: Strictest) -> tuple[int, int]:
    """Of CCL and DCL, mA."""
    percent, was = use["limit.bms_pct"], strictest.values
    return (
        cap_of(bms.setting(318), was.get(318), use["charge.max_a"], percent),
        cap_of(bms.discharge_cutoff_a(), was.get(317), use["disch.max_a"], percent),
    )


def check_current(limit: Limit, limiters: Any, cap_ma: int) -> None:
    assert limit.known
    assert 0 <= limit.value <= cap_ma
    known = {reason: limiter.value for reason, limiter in enumerate(limiters) if limiter.known}
    assert min(known.values()) >= 0
    least = min(known.values())
    assert limit.value == (least if least >= LEAST_MA else 0)
    reason = Reason.USER_CAP if limit.reason == Reason.SETTINGS_LOST else limit.reason
    assert known[reason] == least


def supported(bms: Bms, state: State) -> tuple[set[int], set[int]]:
    """Alarms and warnings whose value and threshold are known, as docs/pgn_conversions.md has them."""
    sensor = any(sensor.known for sensor in state.sensor_ddegc)
    sensor = sensor and not state.ccl_limiter_ma[Reason.SENSOR_LOST].known  # of what is lost nobody knows
    heat = bool(sensor and bms.setting(319))
    cold = sensor and -40 <= bms.settings[320] <= 10
    known = {
        0: True,
        1: bms.setting(315),
        2: bms.setting(316),
        3: heat,
        5: heat,
        6: cold,
        7: bms.discharge_cutoff_a(),
        8: bms.setting(318),
        BMS_INTERNAL: True,
        12: bms.setting(303),
    }
    fields = {number for number, is_known in known.items() if is_known}
    return fields, fields


def check_alarms(state: State, bms: Bms) -> None:
    raised = {ALARMS.get(event, BMS_INTERNAL) for event in bms.events} if bms.status == 0x9B else set()
    for levels, known in zip((state.alarm, state.warning), supported(bms, state), strict=True):
        assert {number for number, level in enumerate(levels) if level == OK} <= known
        assert known <= {number for number, level in enumerate(levels) if level}
        assert set(levels) <= {0, 1, 2}
    assert raised <= {number for number, level in enumerate(state.alarm) if level == 1}
    for general, *others in (state.alarm, state.warning):
        assert general == 1 or 1 not in others, "general is the or of the others"
    assert state.alarm[0] == OK or 1 in state.alarm[1:] or bms.status == 0x9B


def check_faults(state: State, bms: Bms) -> None:
    """The union of what all events that hold forbid; without one the cells may tell that it is one direction only."""
    if bms.status != 0x9B:
        return
    events = set(bms.events)
    if not events:
        assert 0 in (state.ccl_ma.value, state.dcl_ma.value)
        assert 1 in state.alarm[1:]
        return
    assert state.ccl_ma.value == 0 or events <= STOPS_DISCHARGE
    assert state.dcl_ma.value == 0 or events <= STOPS_CHARGE


def check(state: State, bms: Bms, use: dict[str, int], strictest: Strictest) -> None:
    """What has to hold of everything that is sent."""
    voltages = voltages_of(bms, use, strictest)
    assert voltages is not None, "without a full voltage nothing may be sent"
    charge_cap, discharge_cap = caps_of(bms, use, strictest)
    check_current(state.ccl_ma, state.ccl_limiter_ma, charge_cap)
    check_current(state.dcl_ma, state.dcl_limiter_ma, discharge_cap)
    assert state.cvl_mv.known
    assert state.cvl_mv.value <= bms.cells * voltages.ceiling
    if voltages.contradictory or voltages.unprotected:
        assert state.ccl_ma.value == 0
        assert state.status != ONLINE or state.cvl_mv.value <= bms.cells * voltages.lowest
    if not voltages.floor:
        assert state.dcl_ma.value == 0
    check_alarms(state, bms)


@dataclass
class Raises:
    """CVL rises by a step at most, and steps are apart; CVL is never below float but where float has risen."""

    use: dict[str, int]
    cvl_mv: int | None = None
    at_ms: int = 0

    def see(self, state: State, bms: Bms, lowest_mv: int, now_ms: int) -> None:
        """`now_ms` never goes back."""
        if not state.publish:
            self.cvl_mv = None
            return
        value = state.cvl_mv.value
        if self.cvl_mv is not None:
            assert value >= min(self.cvl_mv, bms.cells * lowest_mv)
            if value > self.cvl_mv:
                step_s = self.use["cvl.step_s"]
                assert value - self.cvl_mv <= bms.cells * self.use["cvl.raise_mv_s"] * step_s + 1
                assert now_ms - self.at_ms >= step_s * 1000
                self.at_ms = now_ms
        else:
            self.at_ms = now_ms
        self.cvl_mv = value


@dataclass(frozen=True)
class Step:
    """So much later on the clock, and so much later on no clock that was set: a snapshot or none."""

    clock_ms: int
    bms: Bms | None


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[Step]]:
    """A start of the clock and what comes then: data, silence, and a clock that is set back."""
    cells = draw(st.integers(4, 16))
    registers = draw(registers_of(cells))
    bms = draw(measured(cells, registers))
    steps = [Step(0, bms)]
    for _ in range(draw(st.integers(1, 25))):
        after = draw(
            st.sampled_from((100, 200, 200, 200, 1000, 2999, 3000, 9999, 10000, 40000, 4000000, -200, -3600000))
        )
        kind = draw(st.integers(0, 9))
        if kind == 0:
            registers = draw(registers_of(cells))
        if kind < 6:
            bms = draw(measured(cells, registers))
        steps.append(Step(after, bms if kind < 8 else None))
    start = draw(st.sampled_from((0, 1000, 2**31 - 5000, 2**32 - 5000, 2**40)))
    return start, steps


@dataclass(frozen=True)
class Moment:
    """What the pipelines have been given."""

    bms: Bms
    """The newest registers."""
    new: bool
    changes: list[list[tuple[int, ...]]]
    """Of the alarms, for each pipeline."""
    now_ms: int
    """On a clock that is not set."""


def played(pipelines: list[Pipeline], history: tuple[int, list[Step]]) -> Iterator[Moment]:
    """Feed all pipelines with it."""
    clock_ms, steps = history
    snapshot = Snapshot(settings_known=True, settings_alike=2, events_known=True)
    newest: Bms | None = None
    now_ms = 0
    for step in steps:
        clock_ms += step.clock_ms
        now_ms += max(step.clock_ms, 0)
        if step.bms is not None:
            newest = step.bms
            newest.write(snapshot)
            snapshot.taken_ms = clock_ms
            snapshot.sequence += 1
        assert newest is not None
        changes = [pipeline.step(snapshot, clock_ms) for pipeline in pipelines]
        yield Moment(newest, step.bms is not None, changes, now_ms)


RELAXED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def settings_drawn(data: st.DataObject, pure: Pure, ranges: dict[str, tuple[int, int]]) -> dict[str, int]:
    """None, or some that are each in their range and fit together."""
    if data.draw(st.booleans()):
        return {}
    chosen = data.draw(
        st.fixed_dictionaries({}, optional={key: st.integers(low, high) for key, (low, high) in ranges.items()})
    )
    values = pure.settings()
    for key, number in chosen.items():
        values.set(key, number)
    try:
        values.config()
    except ValueError:
        return {}
    return chosen
