"""Settings that change while the gateway runs: at any moment, to anything, and back."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pure.control import (
    FACTORY,
    LEAST_MA,
    ONLINE,
    RELAXED,
    Bms,
    Moment,
    Raises,
    Step,
    Strictest,
    caps_of,
    check,
    check_faults,
    histories,
    measured,
    played,
    registers_of,
    voltages_of,
)
from pure.pipeline import Pipeline, values_of
from pure.pure_library import Pure
from pure.setting_rows import Row, number_rows
from tinybms_gateway.pure import Limit, Reason, State

OF_SERVICES = ("uart.", "can.", "energy.")
BMS_INTERNAL = 11
LONGEST_STEP_MS = 10_000
"""What counts of a longer time between two snapshots."""
DIGIT_MV = 100

Use = dict[str, int]


@pytest.fixture(scope="session")
def rows(native_build: Path) -> dict[str, Row]:
    """Of all numbers that the pipeline goes by."""
    return {key: row for key, row in number_rows(native_build).items() if not key.startswith(OF_SERVICES)}


def one_of(row: Row) -> st.SearchStrategy[int]:
    inside = st.integers(row.low, row.high) | st.sampled_from((row.low, row.high))
    return st.one_of(inside, st.just(0)) if row.zero else inside


def fits(pure: Pure, chosen: Use) -> bool:
    values = pure.settings()
    for key, number in chosen.items():
        values.set(key, number)
    try:
        values.config()
    except ValueError:
        return False
    return True


def drawn(data: st.DataObject, pure: Pure, rows: dict[str, Row]) -> Use:
    """A few settings, or any number of them; factory values where they do not fit together."""
    few = st.lists(st.sampled_from(sorted(rows)), min_size=1, max_size=3, unique=True)
    keys = data.draw(st.one_of(few, few, st.lists(st.sampled_from(sorted(rows)), unique=True)))
    chosen = {key: data.draw(one_of(rows[key])) for key in keys}
    return chosen if fits(pure, chosen) else {}


def often(data: st.DataObject, pure: Pure, rows: dict[str, Row]) -> list[Use]:
    """Settings to flip between; the first ones are those of the start."""
    return [drawn(data, pure, rows) for _ in range(data.draw(st.integers(2, 3)))]


@st.composite
def steady(draw: st.DrawFn) -> tuple[int, list[Step]]:
    """A battery in which little happens, poll by poll: what moves then is moved by the settings."""
    cells = draw(st.integers(4, 16))
    full = draw(st.integers(3400, 4200))
    registers = draw(registers_of(cells)) | {
        300: full, 301: full - 650, 303: full - 250, 304: 5000, 305: 150, 306: 28000, 307: cells, 315: full + 100,
        316: full - 750, 317: 120, 318: draw(st.integers(20, 400)), 319: 60, 320: 0, 321: 90, 329: 4,
    }  # fmt: skip
    bms = replace(
        draw(measured(cells, registers)),
        cell_100uv=[10 * (full - draw(st.integers(5, 400)))] * cells,
        current_ma=draw(st.sampled_from((0, 20_000, 90_000, -30_000))),
        sensors_ddegc=(250, 240, 300),
        status=0x97,
        events=(),
        told_mv=None,
    )
    steps = [Step(0, bms)]
    for _ in range(draw(st.integers(5, 60))):
        after = draw(st.sampled_from((200, 1000, 1000, 5000, 10000)))
        kind = draw(st.integers(0, 11))
        if kind == 0:  # no answer for a while
            steps += [Step(1000, None)] * draw(st.integers(1, 12))
        if kind == 1:
            bms = replace(bms, status=0x9B if bms.status == 0x97 else 0x97, events=(0x02,))
        if kind == 2:
            bms = replace(bms, cell_100uv=[10 * (full - draw(st.integers(-90, 700)))] * cells)
        steps.append(Step(after, bms))
    return draw(st.sampled_from((0, 2**32 - 5000))), steps


@dataclass
class Flipped:
    """A pipeline whose settings change while it is played, and what it goes by."""

    pipeline: Pipeline
    uses: list[Use]
    data: st.DataObject
    now: Use = field(init=False)
    """In effect."""
    believed: Use = field(init=False)
    """In effect when the newest snapshot came."""

    def __post_init__(self) -> None:
        self.now = self.believed = FACTORY | self.uses[0]

    def play(self, history: tuple[int, list[Step]]) -> Iterator[Moment]:
        """Nothing, one change or several before each step."""
        start, steps = history
        player = played([self.pipeline], (start, steps))
        for step in steps:
            for index in self.data.draw(st.lists(st.integers(0, len(self.uses) - 1), max_size=2)):
                self.pipeline.configure(self.uses[index])
                self.now = FACTORY | self.uses[index]
            if step.bms is not None:
                self.believed = self.now
            yield next(player)


@dataclass
class Current:
    """How CCL or DCL may move from one snapshot to the next."""

    value_ma: int = 0
    at_ms: int = 0
    fell_ms: int = 0
    ramp_ms: int = 0
    """How long the ramp takes."""
    ramp_since_ms: int = 0
    ramp_cap_ma: int = 0
    """Lowest since it began."""

    def begin(self, use: Use, now_ms: int) -> None:
        """A ramp begins with the snapshot that comes now."""
        self.ramp_ms, self.ramp_since_ms, self.ramp_cap_ma = use["ramp.time_s"] * 1000, now_ms, 2**31
        self.fell_ms = now_ms

    def see(self, limit: Limit, limiters: Any, cap_ma: int, use: Use, now_ms: int, anew: bool) -> None:
        """A new snapshot; `anew`: nothing was sent before."""
        value, before = limit.value, self.value_ma
        elapsed_ms = now_ms - self.at_ms
        ramps = now_ms - elapsed_ms - self.ramp_since_ms < self.ramp_ms
        self.ramp_cap_ma = min(self.ramp_cap_ma, cap_ma)
        self.value_ma, self.at_ms = value, now_ms
        if anew:
            return
        if value > before:
            self._check_rise(value - before, elapsed_ms, ramps, use, now_ms)
        elif value < before:
            self.fell_ms = now_ms
            slow = (Reason.RAMP, Reason.RISING)
            allowed = min(one.value for reason, one in enumerate(limiters) if one.known and reason not in slow)
            assert ramps or value >= (allowed if allowed >= LEAST_MA else 0), "below what the new settings allow"

    def _check_rise(self, rise_ma: int, elapsed_ms: int, ramps: bool, use: Use, now_ms: int) -> None:
        allowed_ma = 0
        if ramps:
            allowed_ma = self.ramp_cap_ma * elapsed_ms // self.ramp_ms + self.ramp_cap_ma // 500 + 1
        if now_ms - self.fell_ms >= use["limit.wait_s"] * 1000:
            allowed_ma = max(allowed_ma, use["limit.a_per_s"] * min(elapsed_ms, LONGEST_STEP_MS))
        assert rise_ma <= allowed_ma + LEAST_MA


@dataclass
class Cvl:
    """CVL comes down slowly, but at once to a ceiling, and while charging is inhibited."""

    value_mv: int | None = None
    at_ms: int = 0

    def see(self, state: State, bms: Bms, ceiling_mv: int, use: Use, now_ms: int) -> None:
        """A new snapshot."""
        value, before = state.cvl_mv.value, self.value_mv
        if before is not None and state.ccl_ma.value > 0:
            elapsed_ms = min(now_ms - self.at_ms, LONGEST_STEP_MS)
            fastest = max(use["cvl.lower_mv_s"], use["cvl.raise_mv_s"] * bms.cells)
            fallen = before - fastest * elapsed_ms // 1000 - DIGIT_MV - bms.cells
            assert value >= min(fallen, bms.cells * ceiling_mv - bms.cells)
        self.value_mv, self.at_ms = value, now_ms


@dataclass
class Watch:
    """All that has to hold of what is sent."""

    flipped: Flipped
    strictest: Strictest = field(default_factory=Strictest)
    raises: Raises = field(default_factory=lambda: Raises(FACTORY))
    ccl: Current = field(default_factory=Current)
    dcl: Current = field(default_factory=Current)
    cvl: Cvl = field(default_factory=Cvl)
    published: bool = False
    stale: bool = False

    def see(self, moment: Moment) -> None:
        state, bms, use = self.flipped.pipeline.state, moment.bms, self.flipped.believed
        self.strictest.see(bms)
        voltages = voltages_of(bms, use, self.strictest)
        if moment.new:
            self._begin(use, moment.now_ms)
        if state.publish:
            check(state, bms, use, self.strictest)
            check_faults(state, bms)
        if state.publish and moment.new:
            assert voltages is not None
            anew = not self.published
            for current, limit, limiters, cap_ma in zip(
                (self.ccl, self.dcl),
                (state.ccl_ma, state.dcl_ma),
                (state.ccl_limiter_ma, state.dcl_limiter_ma),
                caps_of(bms, use, self.strictest),
                strict=True,
            ):
                current.see(limit, limiters, cap_ma, use, moment.now_ms, anew)
            if anew:
                self.cvl.value_mv = None
            self.cvl.see(state, bms, voltages.ceiling, use, moment.now_ms)
        self.raises.use = use
        self.raises.see(state, bms, voltages.lowest if voltages else 0, moment.now_ms)
        self.published = state.publish
        self.stale = state.ccl_ma.reason == Reason.STALE_DATA
        if self.stale:
            self.ccl.value_ma = 0

    def _begin(self, use: Use, now_ms: int) -> None:
        if not self.published or self.stale:
            self.ccl.begin(use, now_ms)
        if not self.published:
            self.dcl.begin(use, now_ms)


@RELAXED
@given(data=st.data(), history=st.one_of(histories(), steady(), steady()))
def test_whatever_the_settings_become_and_when_limits_are_within_them_and_do_not_jump(
    pure: Pure, rows: dict[str, Row], data: st.DataObject, history: Any
) -> None:
    uses = often(data, pure, rows)
    flipped = Flipped(Pipeline(pure, uses[0]), uses, data)
    watch = Watch(flipped)
    for moment in flipped.play(history):
        watch.see(moment)


@RELAXED
@given(data=st.data(), history=st.one_of(histories(), steady()))
def test_settings_that_are_changed_and_changed_back_between_two_steps_change_nothing(
    pure: Pure, rows: dict[str, Row], data: st.DataObject, history: Any
) -> None:
    uses = often(data, pure, rows)
    left_alone, touched = Pipeline(pure, uses[0]), Pipeline(pure, uses[0])
    player = played([left_alone, touched], history)
    for _ in history[1]:
        for use in data.draw(st.lists(st.sampled_from(uses), max_size=3)):
            touched.configure(use)
        touched.configure(uses[0])
        moment = next(player)
        assert values_of(left_alone.state) == values_of(touched.state)
        assert moment.changes[0] == moment.changes[1]


@RELAXED
@given(data=st.data(), history=st.one_of(histories(), steady()))
def test_the_stages_of_silence_follow_the_settings_at_once_and_end_with_data_alone(
    pure: Pure, rows: dict[str, Row], data: st.DataObject, history: Any
) -> None:
    ages = {key: row for key, row in rows.items() if key.startswith("data.")}
    uses = often(data, pure, ages)
    flipped = Flipped(Pipeline(pure, uses[0]), uses, data)
    age_ms, stale, silent = 0, False, False
    for step, moment in zip(history[1], flipped.play(history), strict=True):
        state = flipped.pipeline.state
        age_ms = 0 if moment.new else age_ms + max(step.clock_ms, 0)
        stale = not moment.new and (stale or age_ms >= flipped.now["data.stale_ms"])
        silent = not moment.new and (silent or age_ms >= flipped.now["data.silent_ms"])
        assert stale == (state.ccl_ma.reason == Reason.STALE_DATA) or not state.ccl_ma.known
        assert not stale or state.ccl_ma.value == 0
        assert not silent or not state.publish
        if state.publish and state.status != ONLINE:
            assert state.alarm[0] == 1 or state.warning[BMS_INTERNAL] == 1, "offline has a reason"


@RELAXED
@given(data=st.data(), history=steady())
def test_once_the_settings_stay_the_currents_come_to_what_they_would_always_have_been(
    pure: Pure, rows: dict[str, Row], data: st.DataObject, history: Any
) -> None:
    uses = often(data, pure, rows)
    flipped = Flipped(Pipeline(pure, uses[0]), uses, data)
    for _ in flipped.play(history):
        pass
    bms = next(step.bms for step in reversed(history[1]) if step.bms is not None)
    full = [10 * bms.settings[300]] * bms.cells  # so that no cell keeps DCL at 0 for what it was before
    charging = replace(bms, cell_100uv=full, current_ma=200_000, status=0x91, events=())
    always = Pipeline(pure, uses[-1])
    flipped.pipeline.configure(uses[-1])
    clock_ms = history[0] + sum(step.clock_ms for step in history[1])
    for _ in played([flipped.pipeline, always], (clock_ms + 1000, [Step(10_000, charging)] * 400)):
        pass
    for limit in ("ccl_ma", "dcl_ma"):
        assert getattr(flipped.pipeline.state, limit).value == getattr(always.state, limit).value, limit


@RELAXED
@given(data=st.data(), history=st.one_of(histories(), steady()))
def test_settings_that_were_lost_and_are_confirmed_let_the_limits_rise_as_slowly_as_ever(
    pure: Pure, rows: dict[str, Row], data: st.DataObject, history: Any
) -> None:
    uses = [drawn(data, pure, rows)] * 2
    flipped = Flipped(Pipeline(pure, uses[0]), uses, data)
    flipped.pipeline.configure(uses[0], lost=True)
    confirmed_at = data.draw(st.integers(0, len(history[1])))
    watch = Watch(flipped)
    player = played([flipped.pipeline], history)
    for place, _ in enumerate(history[1]):
        if place >= confirmed_at:
            flipped.pipeline.configure(uses[0])
        watch.see(next(player))
