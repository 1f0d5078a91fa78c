"""The battery of the simulated TinyBMS: what the scenarios move."""

from dataclasses import dataclass


@dataclass
class CellPack:
    """What the scenarios move: a pack of equal cells in series."""

    cells: int = 16
    capacity_ah: float = 280.0
    soc: float = 84.55
    """State of charge, %."""
    soh: float = 98.4
    current_a: float = 0.0
    """Positive = charging."""
    temp_ext_1_c: float | None = 22.5
    temp_ext_2_c: float | None = 21.0
    temp_internal_c: float = 27.5
    spread_mv: float = 8.0
    """Highest minus lowest cell."""
    resistance_mohm: float = 0.5

    def cell_mv(self, index: int) -> float:
        """Voltage of a cell, mV: a flat LFP curve with its two ends, plus the drop of the current."""
        soc = min(max(self.soc, 0.0), 100.0)
        ocv = 3200.0 + 1.3 * soc
        if soc > 95.0:
            ocv += (soc - 95.0) ** 2 * 8.0
        if soc < 10.0:
            ocv -= (10.0 - soc) ** 2 * 5.0
        offset = self.spread_mv * (index / max(self.cells - 1, 1) - 0.5)
        return ocv + offset + self.current_a * self.resistance_mohm
