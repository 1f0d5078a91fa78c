"""What holds for charge control and alarms whatever the BMS says and is set to, in whatever order it comes."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipeline import Pipeline, values_of
from pure_library import Pure
from tinybms_gateway.pure import Limit, Reason, Snapshot, State

ONLINE = 2
STALE_MS, SILENT_MS = 3000, 10000
LEAST_MA = 100
STATUSES = (0x91, 0x92, 0x93, 0x96, 0x97, 0x9B)
RANGES = {
    300: (1200, 4500),
    301: (1000, 3500),
    303: (1000, 4500),
    304: (100, 5000),
    306: (10, 65500),
    315: (1200, 4500),
    316: (800, 3500),
    317: (1, 750),
    318: (1, 750),
    319: (20, 90),
}
CHARGE_SETTINGS = {
    "target_mv": (0, 4500),
    "float_mv": (0, 4500),
    "charge_max_ma": (0, 750000),
    "discharge_max_ma": (0, 750000),
    "current_percent": (10, 100),
    "cutoff_margin_mv": (10, 200),
    "charger_offset_mv": (0, 2000),
    "float_below_full_mv": (0, 500),
    "float_lfp_mv": (3200, 3500),
    "absorption_s": (60, 14400),
    "absorption_max_s": (600, 43200),
    "balanced_mv": (2, 100),
    "tail_percent": (1, 20),
    "rebulk_percent": (0, 99),
    "lower_mv_per_s": (20, 1000),
    "lower_s": (5, 60),
    "look_ahead_s": (0, 120),
    "raise_wait_s": (10, 600),
    "raise_mv_per_s": (1, 10),
    "step_s": (10, 60),
    "charge_knee_mv": (10, 300),
    "charge_at_target_percent": (1, 50),
    "discharge_knee_mv": (10, 500),
    "soc_min_percent": (0, 50),
    "soc_knee_percent": (1, 50),
    "cold_knee_dc": (10, 300),
    "hot_knee_dc": (110, 300),
    "hot_stop_dc": (0, 100),
    "hot_discharge_knee_dc": (10, 300),
    "rise_wait_s": (5, 600),
    "rise_ma_per_s": (1000, 100000),
    "ramp_start_percent": (1, 50),
    "ramp_s": (5, 600),
}
FACTORY = {
    "target_mv": 0,
    "float_mv": 0,
    "charge_max_ma": 0,
    "discharge_max_ma": 0,
    "current_percent": 90,
    "cutoff_margin_mv": 20,
    "charger_offset_mv": 400,
    "float_below_full_mv": 75,
    "float_lfp_mv": 3375,
}


def signed(value: int) -> int:
    return value - 0x10000 if value & 0x8000 else value


@dataclass(frozen=True)
class Bms:
    """Registers that fit together: what is told of the cells is what the cells have."""

    cells: int
    settings: dict[int, int]
    cell_100uv: list[int]
    current_ma: int
    soc_micro_percent: int
    soh: int
    sensors_dc: tuple[int, int, int]
    status: int
    event: int

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
        live[40], live[41] = min(self.cell_100uv) // 10, max(self.cell_100uv) // 10
        live[42], live[43], live[48] = (value & 0xFFFF for value in self.sensors_dc)
        live[45] = self.soh
        live[46], live[47] = self.soc_micro_percent & 0xFFFF, self.soc_micro_percent >> 16
        live[50] = self.status
        live[53] = self.cells
        snapshot.fault_event.id = self.event

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
        sensors_dc=draw(st.tuples(temperature, temperature, temperature)),
        status=draw(st.sampled_from(STATUSES)),
        event=draw(st.integers(0, 0x7F)),
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


CHARGE: st.SearchStrategy[dict[str, int]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({}, optional={name: st.integers(*limits) for name, limits in CHARGE_SETTINGS.items()}),
)


@dataclass(frozen=True)
class Voltages:
    """Of a cell, as the specification has them."""

    ceiling: int
    lowest: int
    contradictory: bool


def voltages_of(bms: Bms, charge: dict[str, int]) -> Voltages | None:
    use = FACTORY | charge
    full, empty, under = bms.setting(300), bms.setting(301), bms.setting(316)
    if full is None:
        return None
    cutoff = bms.setting(315) or full + 50
    ceiling = cutoff - use["cutoff_margin_mv"] - -(-use["charger_offset_mv"] // bms.cells)
    target = min(full, ceiling, use["target_mv"] or full)
    wanted = min(full - use["float_below_full_mv"], use["float_mv"] or full)
    if cutoff <= 3800:
        wanted = min(wanted, use["float_lfp_mv"])
    lowest = min(wanted, target)
    return Voltages(
        ceiling,
        lowest,
        contradictory=wanted > ceiling
        or (empty is not None and empty >= lowest)
        or (empty is not None and under is not None and under >= empty),
    )


def cap_of(cutoffs_a: list[int], setting_ma: int, percent: int) -> int:
    caps = [min(cutoffs_a) * 10 * percent] if cutoffs_a else []
    return min([*caps, *([setting_ma] if setting_ma else [])], default=0)


def caps_of(bms: Bms, charge: dict[str, int]) -> tuple[int, int]:
    """Of CCL and DCL, mA."""
    use = FACTORY | charge
    percent = use["current_percent"]
    into, out = bms.setting(318), [bms.setting(317), bms.settings[305] or None]
    return (
        cap_of([into] if into else [], use["charge_max_ma"], percent),
        cap_of([value for value in out if value], use["discharge_max_ma"], percent),
    )


def check_current(limit: Limit, limiters: Any, cap_ma: int) -> None:
    assert limit.known
    assert 0 <= limit.value <= cap_ma
    known = {reason: limiter.value for reason, limiter in enumerate(limiters) if limiter.known}
    assert min(known.values()) >= 0
    least = min(known.values())
    assert limit.value == (least if least >= LEAST_MA else 0)
    assert known[limit.reason] == least


def supported(bms: Bms) -> tuple[set[int], set[int]]:
    """Alarms and warnings that can be known, as docs/pgn_conversions.md has them."""
    sensor = bms.sensors_dc[:2] != (-32768, -32768)
    heat, cold = sensor and bms.setting(319), sensor and -40 <= bms.settings[320] <= 10
    balance = bms.setting(303)
    fields = {
        0: (True, True),
        1: (True, bms.setting(315)),
        2: (True, bms.setting(316)),
        3: (sensor, heat),
        4: (sensor, False),
        5: (heat, heat),
        6: (sensor, cold),
        7: (True, bms.setting(317) or bms.settings[305]),
        8: (True, bms.setting(318)),
        11: (True, True),
        12: (balance, balance),
    }
    return (
        {field for field, (alarm, _) in fields.items() if alarm},
        {field for field, (_, warning) in fields.items() if warning},
    )


def check_alarms(state: State, bms: Bms) -> None:
    for levels, known in zip((state.alarm, state.warning), supported(bms), strict=True):
        assert {field for field, level in enumerate(levels) if level} == known
        assert set(levels) <= {0, 1, 2}
    for general, *others in (state.alarm, state.warning):
        assert general == 1 or 1 not in others, "general is the or of the others"
    assert state.alarm[0] == 2 or 1 in state.alarm[1:] or bms.status == 0x9B


def check(state: State, bms: Bms, charge: dict[str, int]) -> None:
    """What has to hold of everything that is sent."""
    voltages = voltages_of(bms, charge)
    assert voltages is not None, "without a full voltage nothing may be sent"
    charge_cap, discharge_cap = caps_of(bms, charge)
    check_current(state.ccl_ma, state.ccl_limiter_ma, charge_cap)
    check_current(state.dcl_ma, state.dcl_limiter_ma, discharge_cap)
    assert state.cvl_mv.known
    assert bms.cells * voltages.lowest <= state.cvl_mv.value <= bms.cells * voltages.ceiling
    if voltages.contradictory:
        assert state.ccl_ma.value == 0
        if state.status == ONLINE:
            assert state.cvl_mv.value == bms.cells * voltages.lowest
    check_alarms(state, bms)


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


def played(
    pipelines: list[Pipeline], history: tuple[int, list[Step]]
) -> Iterator[tuple[Bms, bool, list[list[tuple[int, ...]]]]]:
    """Feed all pipelines with it; yields the newest registers, whether they are new, and what changed of the alarms."""
    now_ms, steps = history
    snapshot = Snapshot(settings_known=True, events_known=True)
    newest: Bms | None = None
    for step in steps:
        now_ms += step.clock_ms
        if step.bms is not None:
            newest = step.bms
            newest.write(snapshot)
            snapshot.taken_ms = now_ms
            snapshot.sequence += 1
        assert newest is not None
        yield newest, step.bms is not None, [pipeline.step(snapshot, now_ms) for pipeline in pipelines]


RELAXED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@RELAXED
@given(charge=CHARGE, history=histories())
def test_whatever_is_sent_is_within_its_bounds(pure: Pure, charge: dict[str, int], history: Any) -> None:
    pipeline = Pipeline(pure, charge)
    for bms, new, _ in played([pipeline], history):
        state = pipeline.state
        if state.publish:
            check(state, bms, charge)
        if new:
            assert state.publish == (bms.setting(300) is not None)
            assert state.status == (0 if not state.publish else 1 if bms.status == 0x9B else ONLINE)


@RELAXED
@given(charge=CHARGE, history=histories())
def test_the_same_input_gives_the_same_output(pure: Pure, charge: dict[str, int], history: Any) -> None:
    pipelines = [Pipeline(pure, charge), Pipeline(pure, charge)]
    for _, _, changes in played(pipelines, history):
        first, second = (values_of(pipeline.state) for pipeline in pipelines)
        assert first == second
        assert changes[0] == changes[1]


@RELAXED
@given(history=histories())
def test_silence_has_its_stages_wherever_the_clock_was_set(pure: Pure, history: Any) -> None:
    pipeline = Pipeline(pure, {})
    age_ms = 0
    _, steps = history
    for step, (_, new, _) in zip(steps, played([pipeline], history), strict=True):
        published = pipeline.state.publish
        age_ms = 0 if new else age_ms + max(step.clock_ms, 0)
        if age_ms >= STALE_MS:
            assert pipeline.state.status != ONLINE
            assert (pipeline.state.ccl_ma.value, pipeline.state.ccl_ma.reason) == (0, Reason.STALE_DATA)
        if age_ms >= SILENT_MS:
            assert not published


@RELAXED
@given(data=st.data())
@pytest.mark.parametrize("how", ["empty >= float", "float > ceiling", "under-voltage >= empty"])
def test_contradictory_settings_stop_charging_and_say_so(pure: Pure, how: str, data: st.DataObject) -> None:
    cells = data.draw(st.integers(4, 16))
    full = data.draw(st.integers(3400, 3500))
    registers = data.draw(registers_of(cells)) | {300: full, 301: 2900, 315: full + 200, 316: 2800, 318: 50}
    if how == "empty >= float":
        registers[301] = data.draw(st.integers(full - 75, 3500))
    elif how == "float > ceiling":
        registers[315] = data.draw(st.integers(1200, full - 80))
    else:
        registers[316] = data.draw(st.integers(2900, 3500))
    bms = data.draw(measured(cells, registers))
    voltages = voltages_of(bms, {})
    assert voltages is not None
    assume(voltages.contradictory)
    pipeline = Pipeline(pure, {})
    history = (1000, [Step(0, bms)] + [Step(data.draw(st.sampled_from((200, 1000, 31000))), bms) for _ in range(5)])
    for _ in played([pipeline], history):
        state = pipeline.state
        assert state.publish
        assert (state.ccl_ma.value, state.ccl_ma.reason) == (0, Reason.SETTINGS_CONTRADICTORY)
        assert (state.cvl_mv.value, state.cvl_mv.reason) == (cells * voltages.lowest, Reason.CHARGE_INHIBITED)
