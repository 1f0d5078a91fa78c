"""Scenario "dusk": what battery and house do, whoever switches DCL; and how its switchings are counted."""

import struct

import numpy as np
import pytest

from tinybms_gateway.sim.system.plant import Limits
from tinybms_gateway.sim.system.record import ROW, Record, figures
from tinybms_gateway.sim.system.scenarios import SCENARIOS
from tinybms_gateway.sim.system.simulator import System

OPEN, CLOSED = Limits(56.8, 90.0, 20.0), Limits(56.8, 90.0, 0.0)


def dusk(pack_gain: float = 1.0) -> System:
    return System(SCENARIOS["dusk"], 0.25, 1, pack_gain)


def test_while_dcl_is_open_the_load_takes_30_a_of_which_the_sun_gives_5() -> None:
    system = dusk()
    flows = [system.step(second, OPEN) for second in range(60)]
    assert [flow.current_a for flow in flows] == pytest.approx([-25.0] * 60, abs=0.5)
    assert all(flow.lit for flow in flows)


def test_while_dcl_is_0_the_house_is_dark_and_the_sun_charges_with_5_a() -> None:
    system = dusk()
    flows = [system.step(second, CLOSED) for second in range(60)]
    assert [flow.current_a for flow in flows] == pytest.approx([5.0] * 60, abs=0.2)
    assert not any(flow.lit for flow in flows)


def test_the_battery_is_nearly_empty_within_ten_minutes_and_rises_at_once_without_the_load() -> None:
    """25 A x 600 s = 4.2 Ah, 1.5 % of 280 Ah: the lowest cell is then on the steep end of its curve."""
    system = dusk()
    low = next(second for second in range(600) if system.step(second, OPEN) and system.cell_v.min() < 2.92)
    loaded_v = system.cell_v.min()
    assert loaded_v > 2.91
    system.step(low + 1, CLOSED)
    assert system.cell_v.min() - loaded_v == pytest.approx(30.0 * 0.0004, rel=0.15), "the drop of 30 A at 0.4 mOhm"


def test_where_nobody_closes_dcl_the_bms_opens_its_switch_and_the_sun_charges() -> None:
    system = dusk()
    for second in range(900):
        flow = system.step(second, OPEN)
    assert system.bms.events[0][1] == 0x31
    assert (flow.current_a, flow.lit) == (pytest.approx(5.0, abs=0.2), False)


def test_sun_and_load_are_the_same_all_the_time() -> None:
    system = dusk()
    assert set(system.sun_w) == {240.0}
    assert set(system.house_w) == {1440.0}
    assert system.count == 6 * 3600


def test_the_gain_of_the_pack_voltage_reaches_the_registers() -> None:
    system = dusk(pack_gain=0.99)
    shown_v = struct.unpack("<f", struct.pack("<2H", *system.bms.live[36:38]))[0]
    assert shown_v == pytest.approx(0.99 * system.cell_v.sum(), abs=0.001)


def record(dcl_a: list[float], unsent: tuple[int, ...] = ()) -> Record:
    rows = np.zeros(len(dcl_a), ROW)
    rows["dcl_a"] = dcl_a
    rows["sent"] = True
    rows["sent"][list(unsent)] = False
    cells = np.full((len(dcl_a), 16), 33000, np.uint16)
    return Record("made up", "LFP", False, 3550, 0, rows, cells, [], [])


@pytest.mark.parametrize(
    ("dcl_a", "switchings"),
    [
        ([0, 0, 0], 0),
        ([5, 9, 3], 0),
        ([5, 0, 0, 4], 2),
        ([0, 0.1, 0, 0.1], 3),
    ],
)
def test_a_switching_is_a_step_of_dcl_from_0_or_to_0(dcl_a: list[float], switchings: int) -> None:
    assert figures(record(dcl_a)).dcl_switchings == switchings


def test_a_pause_of_the_frames_is_no_switching() -> None:
    assert figures(record([5, 0, 0, 5], unsent=(1, 2))).dcl_switchings == 0


def test_switchings_are_told_by_the_hour() -> None:
    assert figures(record([1.0, 0.0] * 900)).dcl_switchings_per_h == pytest.approx(1799 * 2)
