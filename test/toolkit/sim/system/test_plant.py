"""GX, solar charger, inverter and grid of the closed loop: power balance and rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybms_gateway.sim.system.plant import Limits, Site, Stopped

E_V, R_OHM = 53.0, 0.0064
WIDE = Limits(56.8, 90.0, 108.0)
volts = st.floats(48.0, 58.0)
watts = st.floats(0.0, 6000.0)


def flow(site: Site, limits: Limits | None = WIDE, *, emf_v: float = E_V, sun_w: float = 0.0, house_w: float = 0.0,
         charge: bool = True, discharge: bool = True):  # fmt: skip
    return site.flow(emf_v, R_OHM, limits, sun_w, house_w, charge, discharge)


def power_w(current_a: float, emf_v: float = E_V) -> float:
    return current_a * (emf_v + R_OHM * current_a)


def test_what_the_house_leaves_of_the_sun_goes_into_the_battery() -> None:
    assert power_w(flow(Site(), sun_w=3000.0, house_w=500.0).current_a) == pytest.approx(2500.0)


def test_at_night_the_battery_serves_the_house() -> None:
    found = flow(Site(), house_w=1400.0)
    assert power_w(found.current_a) == pytest.approx(-1400.0)
    assert found.grid_discharge_a == pytest.approx(0.0, abs=1e-9)
    assert found.lit


def test_with_feed_in_the_charger_goes_to_0_4_v_above_cvl_whatever_ccl_is() -> None:
    found = flow(Site(inverter_w=1000.0), Limits(53.0, 0.0, 108.0), sun_w=4500.0)
    assert E_V + R_OHM * found.current_a == pytest.approx(53.4)
    assert found.pushed


def test_without_feed_in_the_charger_stops_at_cvl_and_obeys_ccl() -> None:
    site = Site(feed_in=False)
    assert E_V + R_OHM * flow(site, Limits(53.1, 90.0, 108.0), sun_w=4500.0).current_a == pytest.approx(53.1)
    assert flow(site, Limits(56.8, 12.3, 108.0), sun_w=4500.0, house_w=800.0).current_a == pytest.approx(12.3)


def test_without_feed_in_ccl_0_leaves_the_sun_to_the_house() -> None:
    found = flow(Site(feed_in=False), Limits(54.0, 0.0, 108.0), sun_w=3000.0, house_w=800.0)
    assert found.current_a == 0.0
    assert found.stopped == Stopped.CONTROL_CHARGE
    assert found.lit


@given(volts, st.floats(50.0, 57.0), watts, watts)
def test_with_feed_in_the_bus_is_in_balance(emf_v: float, cvl_v: float, sun_w: float, house_w: float) -> None:
    """Sun = house + battery + export; export is 12.5 kW for each V above CVL, at most what the inverter has left."""
    site = Site(charger_max_a=1000.0)
    found = flow(site, Limits(cvl_v, 90.0, 1000.0), emf_v=emf_v, sun_w=sun_w, house_w=house_w)
    bus_v = emf_v + R_OHM * found.current_a
    house_w = min(house_w, 5000.0)
    export_w = min(max(0.0, (bus_v - cvl_v) * 12500.0), 5000.0 - house_w)
    used_w = house_w + export_w + power_w(found.current_a, emf_v)
    if bus_v < cvl_v + 0.4 - 1e-6:
        assert used_w == pytest.approx(sun_w, abs=0.01)
    elif bus_v < cvl_v + 0.4 + 1e-6:
        assert -0.01 <= used_w <= sun_w + 0.01
    else:
        assert used_w == pytest.approx(0.0, abs=0.01)


@given(volts, st.floats(50.0, 57.0), watts, watts)
def test_without_feed_in_nothing_is_exported(emf_v: float, cvl_v: float, sun_w: float, house_w: float) -> None:
    found = flow(Site(feed_in=False), Limits(cvl_v, 90.0, 108.0), emf_v=emf_v, sun_w=sun_w, house_w=house_w)
    assert found.grid_discharge_a == 0.0
    assert power_w(found.current_a, emf_v) >= -house_w - 0.01
    assert power_w(found.current_a, emf_v) <= max(0.0, sun_w - house_w) + 0.01


def test_a_cvl_below_the_battery_drains_it_into_the_grid() -> None:
    """0.1 V: 12.5 kW/V against 6.4 mOhm leave 0.1 V / (6.4 mOhm + 53 V / 12.5 kW/V) = 9.4 A."""
    found = flow(Site(), Limits(52.9, 90.0, 108.0))
    assert found.current_a == pytest.approx(-0.1 / (R_OHM + 53.0 / 12500.0), rel=0.01)
    assert found.grid_discharge_a == pytest.approx(-found.current_a, rel=0.01)


def test_the_part_of_the_discharge_that_the_house_needs_is_not_counted_as_the_grids() -> None:
    found = flow(Site(), Limits(52.9, 90.0, 108.0), house_w=200.0)
    assert found.grid_discharge_a == pytest.approx((-power_w(found.current_a) - 200.0) / E_V, rel=0.001)


def test_with_a_grid_dcl_bounds_the_discharge_and_the_house_stays_lit() -> None:
    found = flow(Site(), Limits(56.8, 90.0, 10.0), house_w=3000.0)
    assert found.current_a == -10.0
    assert found.lit
    nothing = flow(Site(), Limits(56.8, 90.0, 0.0), house_w=3000.0)
    assert (nothing.current_a, nothing.stopped, nothing.lit) == (0.0, Stopped.CONTROL_DISCHARGE, True)


def test_off_grid_only_a_dcl_of_0_is_obeyed_and_then_the_house_is_dark() -> None:
    site = Site(feed_in=False, grid=False)
    assert power_w(flow(site, Limits(56.8, 90.0, 10.0), house_w=3000.0).current_a) == pytest.approx(-3000.0)
    found = flow(site, Limits(56.8, 90.0, 0.0), house_w=3000.0)
    assert (found.current_a, found.lit) == (0.0, False)


def test_off_grid_the_house_is_lit_while_the_sun_serves_it_and_charges() -> None:
    found = flow(Site(feed_in=False, grid=False), sun_w=2000.0, house_w=1440.0)
    assert power_w(found.current_a) == pytest.approx(560.0)
    assert found.lit


@pytest.mark.parametrize(
    ("dcl_a", "discharge", "why"),
    [(0.0, True, Stopped.CONTROL_DISCHARGE), (50.0, False, Stopped.BMS_DISCHARGE)],
    ids=["DCL 0", "open switch"],
)
def test_off_grid_a_battery_that_may_not_serve_the_house_gets_what_sun_there_is(
    dcl_a: float, discharge: bool, why: Stopped
) -> None:
    site = Site(feed_in=False, grid=False)
    found = flow(site, Limits(56.8, 90.0, dcl_a), sun_w=240.0, house_w=1440.0, discharge=discharge)
    assert power_w(found.current_a) == pytest.approx(240.0)
    assert (found.stopped, found.lit, found.pushed) == (why, False, True)
    bright = flow(site, Limits(56.8, 90.0, dcl_a), sun_w=2000.0, house_w=1440.0, discharge=discharge)
    assert power_w(bright.current_a) == pytest.approx(560.0), "the sun alone serves the house"
    assert bright.lit


def test_off_grid_with_the_inverter_off_the_sun_obeys_ccl_and_the_charge_switch() -> None:
    site = Site(feed_in=False, grid=False)
    assert flow(site, Limits(56.8, 2.0, 0.0), sun_w=240.0, house_w=1440.0).current_a == 2.0
    found = flow(site, Limits(56.8, 90.0, 0.0), sun_w=240.0, house_w=1440.0, charge=False)
    assert (found.current_a, found.pushed, found.lit) == (0.0, True, False)


def test_an_open_charge_switch_stops_charging_alone() -> None:
    pushed = flow(Site(), sun_w=3000.0, charge=False)
    assert (pushed.current_a, pushed.pushed, pushed.stopped) == (0.0, True, Stopped.BMS_CHARGE)
    assert flow(Site(), house_w=1000.0, charge=False).current_a < 0


def test_an_open_discharge_switch_stops_discharging_alone() -> None:
    drawn = flow(Site(), house_w=1000.0, discharge=False)
    assert (drawn.current_a, drawn.stopped) == (0.0, Stopped.BMS_DISCHARGE)
    assert flow(Site(), sun_w=3000.0, discharge=False).current_a > 0


def test_the_charger_gives_no_more_than_its_own_current() -> None:
    assert power_w(flow(Site(charger_max_a=20.0), sun_w=6000.0).current_a) == pytest.approx(20.0 * E_V)


def test_without_limits_nothing_flows() -> None:
    assert flow(Site(), None, sun_w=3000.0, house_w=500.0).current_a == 0.0
