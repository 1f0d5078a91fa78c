"""What holds for charge control and alarms whatever the BMS says and is set to, in whatever order it comes."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pure.control import (
    CHARGE_KEYS,
    FACTORY,
    ONLINE,
    RELAXED,
    SILENT_MS,
    STALE_MS,
    Raises,
    Step,
    Strictest,
    check,
    check_faults,
    histories,
    measured,
    played,
    registers_of,
    settings_drawn,
    voltages_of,
)
from pure.pipeline import Pipeline, values_of
from pure.pure_library import Pure
from pure.setting_rows import number_ranges
from tinybms_gateway.pure import Reason


@pytest.fixture(scope="session")
def ranges(native_build: Path) -> dict[str, tuple[int, int]]:
    """Of the numbers that the control goes by, from the table of settings; 0 is left to `sometimes_zero`."""
    return {key: row for key, row in number_ranges(native_build).items() if CHARGE_KEYS.match(key)}


@RELAXED
@given(data=st.data(), history=histories())
def test_whatever_is_sent_is_within_its_bounds(
    pure: Pure, ranges: dict[str, tuple[int, int]], data: st.DataObject, history: Any
) -> None:
    chosen = settings_drawn(data, pure, ranges)
    use = FACTORY | chosen
    pipeline = Pipeline(pure, chosen)
    strictest, raises = Strictest(), Raises(use)
    for moment in played([pipeline], history):
        state, bms = pipeline.state, moment.bms
        strictest.see(bms)
        voltages = voltages_of(bms, use, strictest)
        if state.publish:
            check(state, bms, use, strictest)
            check_faults(state, bms)
        raises.see(state, bms, voltages.lowest if voltages else 0, moment.now_ms)
        if moment.new:
            assert state.publish == (bms.setting(300) is not None)
            assert state.status == (0 if not state.publish else 1 if bms.status == 0x9B else ONLINE)


@RELAXED
@given(history=histories())
def test_the_same_input_gives_the_same_output(pure: Pure, history: Any) -> None:
    pipelines = [Pipeline(pure, {}), Pipeline(pure, {})]
    for moment in played(pipelines, history):
        first, second = (values_of(pipeline.state) for pipeline in pipelines)
        assert first == second
        assert moment.changes[0] == moment.changes[1]


@RELAXED
@given(history=histories())
def test_silence_has_its_stages_wherever_the_clock_was_set(pure: Pure, history: Any) -> None:
    pipeline = Pipeline(pure, {})
    age_ms = 0
    _, steps = history
    for step, moment in zip(steps, played([pipeline], history), strict=True):
        published = pipeline.state.publish
        age_ms = 0 if moment.new else age_ms + max(step.clock_ms, 0)
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
    voltages = voltages_of(bms, FACTORY, Strictest())
    assert voltages is not None
    assume(voltages.contradictory and not voltages.unprotected)
    pipeline = Pipeline(pure, {})
    history = (1000, [Step(0, bms)] + [Step(data.draw(st.sampled_from((200, 1000, 31000))), bms) for _ in range(5)])
    for _ in played([pipeline], history):
        state = pipeline.state
        assert state.publish
        assert state.ccl_ma.value == 0
        assert state.ccl_limiter_ma[Reason.SETTINGS_CONTRADICTORY].known
        assert (state.cvl_mv.value, state.cvl_mv.reason) == (cells * voltages.lowest, Reason.CHARGE_INHIBITED)
