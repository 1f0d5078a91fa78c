"""The record of a run: one row per second, and the figures made from it."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.sim.system.cells import Floats
from tinybms_gateway.sim.system.control import Alarm
from tinybms_gateway.sim.system.plant import Stopped
from tinybms_gateway.sim.system.profiles import DAY_S

ROW = np.dtype(
    [
        ("current_a", "f4"), ("pack_v", "f4"), ("soc_percent", "f4"), ("temperature_c", "f4"),
        ("sun_w", "f4"), ("house_w", "f4"), ("grid_discharge_a", "f4"),
        ("sent", "?"), ("cvl_v", "f4"), ("ccl_a", "f4"), ("dcl_a", "f4"),
        ("cvl_reason", "u1"), ("ccl_reason", "u1"), ("dcl_reason", "u1"),
        ("stopped", "u1"), ("lit", "?"), ("status", "u2"), ("fault", "u1"),
    ]
)  # fmt: skip
"""Limits are those that follow from the measurements of the same row; they act from the next row on. A limit without a
frame is 0."""

AT_FULL_MV = 10
OVER_VOLTAGE, UNDER_VOLTAGE = 0x03, 0x02


@dataclass(frozen=True)
class Record:
    """Rows and cells of a run."""

    scenario: str
    chemistry: str
    feed_in: bool
    full_mv: int
    """Of a cell: register 300."""
    start_s: int
    """Second of the day at which it began."""
    rows: NDArray[Any]
    """Of `ROW`."""
    cell_100uv: NDArray[np.uint16]
    """Voltages of the cells as they are, not as the BMS shows them."""
    events: list[tuple[int, int]]
    """Of the BMS: second and id."""
    alarms: list[Alarm]

    def day_of(self) -> NDArray[np.int64]:
        """Day of each row, counted from 0."""
        return (np.arange(len(self.rows)) + self.start_s) // DAY_S

    def hours(self) -> Floats:
        """Hours since midnight of the first day."""
        return (np.arange(len(self.rows)) + self.start_s) / 3600.0


@dataclass(frozen=True)
class Figures:
    """The figures of a run."""

    scenario: str
    chemistry: str
    feed_in: bool
    days: float
    highest_cell_v: float
    lowest_cell_v: float
    over_voltage_trips: int
    under_voltage_trips: int
    soc_reached: list[float]
    """Highest SOC of the BMS, each day, %."""
    absorption_s: list[int]
    """Time that the battery was charged with its highest cell at the full voltage (300; 10 mV less counts), by day."""
    grid_discharge_a: float
    """Highest discharge of the battery into the grid."""
    grid_discharge_ah: float
    cvl_changes: int
    """As seen on the bus."""
    cvl_least_gap_s: float
    """Shortest time between a rise of CVL and the change before it; inf: there was none."""
    stopped_s: dict[str, int]
    """How long a current was held back, and by what."""
    dark_s: int
    """How long the house had no power."""
    dcl_switchings: int
    """How often DCL went from 0 to more or from more to 0, as seen on the bus."""
    alarms: list[Alarm] = field(default_factory=list)

    @property
    def dcl_switchings_per_h(self) -> float:
        """Each one switches an inverter on or off where there is no grid."""
        return self.dcl_switchings / (self.days * 24)

    def as_json(self) -> dict[str, Any]:
        """For a document; an infinite gap is null."""
        values = asdict(self) | {"alarms": [alarm._asdict() for alarm in self.alarms]}
        gap = self.cvl_least_gap_s
        return values | {"cvl_least_gap_s": gap if np.isfinite(gap) else None}


def figures(record: Record) -> Figures:
    """Calculate the figures."""
    rows, day = record.rows, record.day_of()
    days = range(int(day[-1]) + 1)
    absorbing = (record.cell_100uv.max(axis=1) >= 10 * (record.full_mv - AT_FULL_MV)) & (rows["current_a"] > 0)
    ids = [event for _, event in record.events]
    changes, gap_s = _cvl_changes(rows)
    stopped = np.bincount(rows["stopped"], minlength=len(Stopped))
    return Figures(
        scenario=record.scenario,
        chemistry=record.chemistry,
        feed_in=record.feed_in,
        days=len(rows) / DAY_S,
        highest_cell_v=float(record.cell_100uv.max()) / 1e4,
        lowest_cell_v=float(record.cell_100uv.min()) / 1e4,
        over_voltage_trips=ids.count(OVER_VOLTAGE),
        under_voltage_trips=ids.count(UNDER_VOLTAGE),
        soc_reached=[round(float(rows["soc_percent"][day == d].max()), 2) for d in days],
        absorption_s=[int(absorbing[day == d].sum()) for d in days],
        grid_discharge_a=float(rows["grid_discharge_a"].max()),
        grid_discharge_ah=float(rows["grid_discharge_a"].sum()) / 3600,
        cvl_changes=changes,
        cvl_least_gap_s=gap_s,
        stopped_s={who.name.lower(): int(stopped[who]) for who in Stopped if who != Stopped.NOBODY},
        dark_s=int((~rows["lit"]).sum()),
        dcl_switchings=_dcl_switchings(rows),
        alarms=record.alarms,
    )


def _cvl_changes(rows: NDArray[Any]) -> tuple[int, float]:
    """How often CVL changes, and the shortest time before a rise."""
    cvl = np.rint(rows["cvl_v"] * 10).astype(int)
    step = np.diff(cvl) * (rows["sent"][1:] & rows["sent"][:-1])
    at = np.flatnonzero(step)
    gaps = np.diff(at)[step[at[1:]] > 0]
    return len(at), float(gaps.min()) if len(gaps) else float("inf")


def _dcl_switchings(rows: NDArray[Any]) -> int:
    """Changes of DCL between 0 and more than 0, of frames that follow one another."""
    open_ = rows["dcl_a"] > 0.0
    return int(((open_[1:] != open_[:-1]) & rows["sent"][1:] & rows["sent"][:-1]).sum())
