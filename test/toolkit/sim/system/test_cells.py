"""The cells of the closed loop, against physics."""

import math

import numpy as np
import pytest

from tinybms_gateway.sim.system.cells import LFP, NMC, CellPack, Chemistry


def pack(chemistry: Chemistry = LFP, percent: float = 50.0, seed: int = 1) -> CellPack:
    return CellPack(chemistry, percent, np.random.default_rng(seed))


def run(cells: CellPack, current_a: float, seconds: int, bleed_a: float = 0.0) -> None:
    for _ in range(seconds):
        cells.advance(current_a, bleed_a, 25.0, 1.0)


@pytest.mark.parametrize(
    ("percent", "volts"), [(97, 3.34), (98.5, 3.36), (99.5, 3.40), (100, 3.45), (100.5, 3.60), (101, 3.75)]
)
def test_an_lfp_cell_at_rest_has_the_voltages_of_the_curve(percent: float, volts: float) -> None:
    assert pack(LFP.uniform(), percent).emf_v() == pytest.approx(volts, abs=1e-6)


def test_between_two_points_the_voltage_is_between_theirs_in_proportion() -> None:
    assert pack(LFP.uniform(), 99.75).emf_v() == pytest.approx(3.425, abs=1e-6)


@pytest.mark.parametrize(
    ("chemistry", "percent", "volts"), [(LFP, 102.5, 4.35), (LFP, -2.5, 1.60), (NMC, 112.0, 4.452)]
)
def test_beyond_its_ends_the_last_slope_goes_on(chemistry: Chemistry, percent: float, volts: float) -> None:
    assert pack(chemistry.uniform(), percent).emf_v() == pytest.approx(volts, abs=1e-6)


@pytest.mark.parametrize("chemistry", [LFP, NMC], ids=lambda c: c.name)
def test_more_charge_never_means_less_voltage(chemistry: Chemistry) -> None:
    assert (np.diff(chemistry.open_circuit_v(np.arange(-5.0, 115.0, 0.1))) > 0).all()


def test_an_ampere_hour_that_goes_in_is_an_ampere_hour_in_every_cell() -> None:
    cells = pack()
    before = cells.percent * cells.capacity_ah / 100
    run(cells, 10.0, 3600)
    assert cells.percent * cells.capacity_ah / 100 - before == pytest.approx(10.0)
    run(cells, -10.0, 3600)
    assert cells.percent * cells.capacity_ah / 100 == pytest.approx(before)


def test_balancing_takes_its_charge_out_of_the_cells_it_is_on() -> None:
    cells = pack()
    before = cells.percent * cells.capacity_ah / 100
    for _ in range(3600):
        cells.advance(0.0, np.where(np.arange(16) == 3, 0.15, 0.0), 25.0, 1.0)
    lost = before - cells.percent * cells.capacity_ah / 100
    assert lost[3] == pytest.approx(0.15)
    assert np.delete(lost, 3) == pytest.approx(0.0)


def test_the_polarisation_settles_with_its_time_constant() -> None:
    cells = pack(LFP.uniform())
    run(cells, 100.0, round(LFP.polarisation_s))
    settled = 100.0 * LFP.polarisation_ohm
    assert cells.polarisation_v == pytest.approx(settled * (1 - math.exp(-1)), rel=0.01)
    run(cells, 100.0, 3600)
    assert cells.polarisation_v == pytest.approx(settled, rel=1e-6)


def test_the_heat_of_the_current_warms_the_cells_and_leaves_into_the_air() -> None:
    cells = pack(LFP.uniform())
    loss_w = 100.0**2 * 16 * (LFP.resistance_ohm + LFP.polarisation_ohm)
    cells.conductance_w_per_k = 0.0
    run(cells, 100.0, 600)
    assert (cells.temperature_c - 25.0) * 16 * LFP.heat_j_per_k == pytest.approx(loss_w * 600)
    cells.conductance_w_per_k = 50.0
    for i in range(20000):
        cells.advance(100.0 if i % 2 else -100.0, 0.0, 25.0, 1.0)
    assert cells.temperature_c == pytest.approx(25.0 + loss_w / 50.0, abs=0.05)


def test_spreads_are_what_is_stated_and_the_mean_charge_is_the_start() -> None:
    cells = [pack(seed=seed) for seed in range(50)]
    capacities = np.concatenate([c.capacity_ah for c in cells]) / LFP.capacity_ah
    assert 0.985 <= capacities.min() < 0.987
    assert 1.013 < capacities.max() <= 1.015
    offsets = [np.ptp(c.percent) for c in cells]
    assert 2.9 < max(offsets) <= 3.0
    assert all(c.percent.mean() == pytest.approx(50.0) for c in cells)


def test_the_same_seed_makes_the_same_cells() -> None:
    assert (pack(seed=7).capacity_ah == pack(seed=7).capacity_ah).all()
    assert (pack(seed=7).capacity_ah != pack(seed=8).capacity_ah).all()
