"""A week of a 16S LFP battery with feed-in, around the real C code."""

import math

import pytest

from tinybms_gateway.sim.system.record import Figures, figures
from tinybms_gateway.sim.system.scenarios import SCENARIOS
from tinybms_gateway.sim.system.simulator import simulate


@pytest.fixture(scope="module")
def week() -> Figures:
    found = figures(simulate(SCENARIOS["week"], "week"))
    print(found)
    return found


@pytest.mark.timeout(600)
def test_no_cell_reaches_its_over_voltage_cutoff(week: Figures) -> None:
    assert week.days == 7.0
    assert week.highest_cell_v < 3.650
    assert week.over_voltage_trips == 0


@pytest.mark.timeout(600)
def test_every_day_the_battery_is_full_and_in_absorption(week: Figures) -> None:
    assert len(week.soc_reached) == 7
    assert min(week.soc_reached) >= 99.0
    assert min(week.absorption_s) > 0


@pytest.mark.timeout(600)
def test_cvl_never_drains_the_battery_into_the_grid(week: Figures) -> None:
    assert week.grid_discharge_a < 1.0


@pytest.mark.timeout(600)
def test_cvl_changes_at_most_every_20_s_unless_it_is_lowered(week: Figures) -> None:
    assert week.cvl_changes > 0
    assert week.cvl_least_gap_s >= 20.0
    assert math.isfinite(week.cvl_least_gap_s)


@pytest.mark.timeout(600)
def test_the_house_is_never_dark(week: Figures) -> None:
    assert week.dark_s == 0
