"""Cells in series: capacity, charge, voltage and heat. Physics only, no BMS.

Assumptions: the open circuit voltage follows from the charge alone (no hysteresis); a resistance and one RC pair
(polarisation), neither depending on temperature or charge; no self-discharge, every ampere-second that goes in comes
out; all cells have one temperature, and the heat of the current (I2R) leaves through one conductance to the air.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GRID_PERCENT = 0.05
"""Step of the table that the curves are resampled to: a lookup is then an index."""


@dataclass(frozen=True)
class Chemistry:
    """One kind of cell. Spreads are between the lowest and the highest cell, uniform."""

    name: str
    cells: int
    capacity_ah: float
    resistance_ohm: float
    polarisation_ohm: float
    polarisation_s: float
    heat_j_per_k: float
    """Of one cell."""
    curve: tuple[tuple[float, float], ...]
    """State of charge in %, open circuit voltage in V; beyond its ends the last slope continues."""
    capacity_spread: float = 0.03
    charge_spread: float = 0.03
    resistance_spread: float = 0.10

    def uniform(self) -> "Chemistry":
        """The same with identical cells."""
        return replace(self, capacity_spread=0.0, charge_spread=0.0, resistance_spread=0.0)

    def open_circuit_v(self, percent: Floats | float) -> Floats:
        """Voltage of a cell at rest."""
        x, y = (np.array(column) for column in zip(*self.curve, strict=True))
        p = np.asarray(percent, dtype=float)
        v = np.interp(p, x, y)
        v += np.minimum(p - x[0], 0.0) * (y[1] - y[0]) / (x[1] - x[0])
        v += np.maximum(p - x[-1], 0.0) * (y[-1] - y[-2]) / (x[-1] - x[-2])
        return np.asarray(v)


LFP = Chemistry(
    name="LFP",
    cells=16,
    capacity_ah=280.0,
    resistance_ohm=0.0004,
    polarisation_ohm=0.0003,
    polarisation_s=60.0,
    heat_j_per_k=5400.0,
    curve=(
        (-2.0, 1.80), (-1.0, 2.20), (0.0, 2.60), (1.0, 2.82), (2.0, 2.93), (4.0, 3.04), (6.0, 3.12), (10.0, 3.20),
        (15.0, 3.225), (20.0, 3.245), (30.0, 3.270), (40.0, 3.283), (50.0, 3.291), (60.0, 3.300), (65.0, 3.312),
        (70.0, 3.322), (80.0, 3.328), (90.0, 3.333), (95.0, 3.336), (97.0, 3.340), (98.5, 3.360), (99.5, 3.400),
        (100.0, 3.450), (100.5, 3.600), (101.0, 3.750), (101.5, 3.950),
    ),
)  # fmt: skip
"""A prismatic 280 Ah cell, 16 in series: 14.3 kWh."""

NMC = Chemistry(
    name="NMC",
    cells=14,
    capacity_ah=66.0,
    resistance_ohm=0.0010,
    polarisation_ohm=0.0006,
    polarisation_s=40.0,
    heat_j_per_k=1500.0,
    curve=(
        (-2.0, 2.40), (0.0, 3.00), (1.0, 3.15), (2.0, 3.25), (5.0, 3.38), (10.0, 3.47), (20.0, 3.55), (30.0, 3.60),
        (40.0, 3.65), (50.0, 3.71), (60.0, 3.80), (70.0, 3.90), (80.0, 4.00), (90.0, 4.09), (95.0, 4.13),
        (98.0, 4.16), (100.0, 4.185), (102.0, 4.215), (105.0, 4.27), (110.0, 4.40),
    ),
)  # fmt: skip
"""66 Ah, 14 in series, as the pack of the real register dump: 3.5 kWh."""

CHEMISTRIES = {chemistry.name.lower(): chemistry for chemistry in (LFP, NMC)}


class CellPack:
    """The cells; arrays have one entry a cell."""

    def __init__(self, chemistry: Chemistry, start_percent: float, random: np.random.Generator) -> None:
        """Make cells at rest, with capacities, charges and resistances that differ by chance."""
        n = chemistry.cells
        self.chemistry = chemistry
        self.capacity_ah = chemistry.capacity_ah * (1 + chemistry.capacity_spread * random.uniform(-0.5, 0.5, n))
        self.resistance_ohm = chemistry.resistance_ohm * (
            1 + chemistry.resistance_spread * random.uniform(-0.5, 0.5, n)
        )
        offset = 100 * chemistry.charge_spread * random.uniform(0.0, 1.0, n)
        self.percent = start_percent + offset - offset.mean()
        """State of charge of each cell, of its own capacity; above 100 is overcharged."""
        self.polarisation_v: Floats = np.zeros(n)
        self.temperature_c = 25.0
        self.conductance_w_per_k = 5.0
        self._first = chemistry.curve[0][0] - 10.0
        grid = np.arange(self._first, chemistry.curve[-1][0] + 20.0, GRID_PERCENT)
        self._table = chemistry.open_circuit_v(grid)
        self._slope = np.append(np.diff(self._table), 0.0)

    @property
    def total_resistance_ohm(self) -> float:
        """Of all cells in series."""
        return float(self.resistance_ohm.sum())

    def emf_v(self) -> Floats:
        """Voltage of each cell behind its resistance: open circuit and polarisation."""
        x = (self.percent - self._first) / GRID_PERCENT
        index = np.clip(x.astype(np.intp), 0, len(self._table) - 1)
        volts: Floats = self._table[index] + self._slope[index] * (x - index)
        return volts + self.polarisation_v

    def advance(self, current_a: float, bleed_a: Floats | float, ambient_c: float, seconds: float) -> None:
        """Let a current flow.

        Args:
            current_a: through all cells, positive = charging
            bleed_a: what balancing takes out of each cell, >= 0
            ambient_c: temperature of the air
            seconds: how long
        """
        chemistry = self.chemistry
        self.percent += (current_a - bleed_a) * (seconds / 36.0) / self.capacity_ah
        keep = 1.0 - seconds / chemistry.polarisation_s
        self.polarisation_v *= keep
        self.polarisation_v += current_a * chemistry.polarisation_ohm * (1.0 - keep)
        loss_w = current_a**2 * chemistry.cells * (chemistry.resistance_ohm + chemistry.polarisation_ohm)
        lost_w = self.conductance_w_per_k * (self.temperature_c - ambient_c)
        self.temperature_c += (loss_w - lost_w) * seconds / (chemistry.cells * chemistry.heat_j_per_k)
