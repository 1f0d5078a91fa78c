"""The closed loop around the whole native gateway, on a serial line and a CAN bus."""

from dataclasses import replace

import pytest

from tinybms_gateway.sim.system.scenarios import SCENARIOS
from tinybms_gateway.sim.system.simulator import simulate

SCALE = 4.0
"""Little: a machine that is busy for a second must not look like a BMS that is silent for three."""
SECONDS = 80


def test_over_the_wire_a_cold_battery_is_not_charged_and_serves_the_house() -> None:
    """In the morning, -5 degC, no feed-in: sun in plenty, CCL 0, CVL 16 x 3.375 V; after the ramp DCL is open."""
    scenario = replace(
        SCENARIOS["cold"].with_options(None, False, False),
        start_hour=8.2,
        start_temperature_c=-5.0,
        ambient_c=((0, -5), (24, -5)),
    )
    record = simulate(scenario, "cold", days=SECONDS / 86400, time_scale=SCALE)
    rows = record.rows[5:]
    assert rows["sent"].all()
    assert (rows["ccl_a"] == 0).all()
    assert rows["cvl_v"] == pytest.approx(54.0, abs=0.01)
    assert rows["dcl_a"][-1] == pytest.approx(108.0, abs=0.1)
    assert rows["current_a"].max() <= 0.0
    assert rows["current_a"].min() < -1.0


def test_over_the_wire_the_sun_charges_the_battery_within_ccl() -> None:
    scenario = replace(SCENARIOS["week"].with_options(None, False, False), start_hour=11.0)
    record = simulate(scenario, "noon", days=SECONDS / 86400, time_scale=SCALE)
    rows = record.rows[5:]
    assert rows["sent"].all()
    assert rows["ccl_a"][-1] == pytest.approx(90.0, abs=0.1)
    assert rows["cvl_v"][0] == pytest.approx(54.0, abs=0.01)
    assert (rows["cvl_v"][1:] >= rows["cvl_v"][:-1]).all() and rows["cvl_v"][-1] > 54.2, "from float on, slowly"
    assert rows["current_a"][-1] > 70.0
    assert (rows["current_a"][1:] <= rows["ccl_a"][:-1] + 0.05).all()
