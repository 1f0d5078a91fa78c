"""The closed loop: cells, BMS, gateway and GX, a second a step."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from tinybms_gateway.gateway_process import ensure_built
from tinybms_gateway.pure import LIBRARY
from tinybms_gateway.sim.bms import registers as reg
from tinybms_gateway.sim.system.bms import SystemBms
from tinybms_gateway.sim.system.cells import CellPack
from tinybms_gateway.sim.system.control import Alarm, Control
from tinybms_gateway.sim.system.plant import Flow, Limits
from tinybms_gateway.sim.system.profiles import DAY_S, clouds, course, house_w, sun_w
from tinybms_gateway.sim.system.record import ROW, Record
from tinybms_gateway.sim.system.scenarios import Scenario
from tinybms_gateway.sim.system.wire import Wire

NOISE_V = 0.0003
"""Standard deviation of the BMS's measurement of a cell."""
NOISE_ROWS = 4096
CSV_EVERY_S = 10


Progress = Callable[[int, int], None]
"""Called with the number of steps done, and of all steps."""


class Gateway(Protocol):
    """What tells the GX its limits."""

    @property
    def alarms(self) -> list[Alarm]:
        """Changes of alarms so far."""

    @property
    def reasons(self) -> tuple[int, int, int]:
        """Of CVL, CCL and DCL; 0 = not known."""

    def step(self, second: int) -> Limits | None:
        """The BMS has measured; returns the limits that the GX now has."""


class System:
    """Cells, BMS and house of a scenario, initially at rest; the control comes from elsewhere."""

    def __init__(self, scenario: Scenario, days: float, seed: int, pack_gain: float = 1.0) -> None:
        random = np.random.default_rng(seed)
        self.scenario = scenario
        self.count = round(days * DAY_S)
        self.start_s = round(scenario.start_hour * 3600)
        self.pack = CellPack(scenario.chemistry, scenario.start_percent, random)
        self.pack.temperature_c = scenario.start_temperature_c
        self.pack.conductance_w_per_k = scenario.conductance_w_per_k
        scenario.prepare(self.pack)
        start_percent = float(self.pack.percent.mean())
        self.bms = SystemBms(scenario.bms_settings(), scenario.chemistry.cells, start_percent, pack_gain)
        seconds = self.start_s + np.arange(self.count, dtype=float)
        shade = clouds(self.count, random) if scenario.cloudy else 1.0
        hours = seconds / 3600
        sun = sun_w(seconds, scenario.sun_peak_w) if scenario.sun_w is None else course(scenario.sun_w, hours)
        self.sun_w = (sun * shade).tolist()
        self.house_w = (house_w(seconds, scenario.house_scale) + course(scenario.extra_load_w, hours)).tolist()
        self.ambient_c = course(scenario.ambient_c, hours % 24).tolist()
        self.glitches = {round(hour * 3600) - self.start_s: glitch for hour, glitch in scenario.glitches.items()}
        self.cell_v = self.pack.emf_v()
        self._noise_v = random.normal(0.0, NOISE_V, (NOISE_ROWS, scenario.chemistry.cells))
        self.bms.step(-1, self.cell_v, 0.0, self.pack.temperature_c, False)

    def step(self, second: int, limits: Limits | None) -> Flow:
        """One second under these limits; then the BMS has measured it."""
        pack, bms = self.pack, self.bms
        emf_v = pack.emf_v()
        flow = self.scenario.site.flow(
            float(emf_v.sum()),
            pack.total_resistance_ohm,
            limits,
            self.sun_w[second],
            self.house_w[second],
            bms.charge_closed,
            bms.discharge_closed,
        )
        self.cell_v = emf_v + flow.current_a * pack.resistance_ohm
        pack.advance(flow.current_a, bms.bleed_a, self.ambient_c[second], 1.0)
        measured_v = self.cell_v + self._noise_v[second % NOISE_ROWS]
        bms.step(second, measured_v, flow.current_a, pack.temperature_c, flow.pushed)
        if second in self.glitches:
            self.glitches[second](bms.live)
        return flow


def library() -> Path:
    """The pure components of the native build; built if they are missing."""
    return ensure_built().parent / LIBRARY


def simulate(
    scenario: Scenario,
    name: str,
    *,
    days: float | None = None,
    seed: int = 1,
    settings: tuple[str, ...] = (),
    time_scale: float | None = None,
    pack_gain: float = 1.0,
    on_progress: Progress = lambda _done, _of: None,
) -> Record:
    """Run a scenario with the real C code, or the whole gateway.

    Args:
        scenario: what to simulate
        name: its name, for the record
        days: how long; None: as the scenario says
        seed: of everything that is left to chance
        settings: of the gateway, each as ``KEY=VALUE``
        time_scale: None: the C code alone, as fast as possible; else the native gateway on its lines, at this speed
            relative to real time
        pack_gain: pack voltage of the BMS relative to the sum of its cells
        on_progress: called now and then with the number of steps done, and of all steps

    Raises:
        OSError: the native build has no library.
        ConnectionError: the gateway ended unexpectedly.
        ValueError: it does not match this package, or a number is invalid.
    """
    system = System(scenario, scenario.days if days is None else days, seed, pack_gain)
    if time_scale is None:
        return _run(system, Control(library(), system.bms, settings), name, on_progress)
    with Wire(system.bms, time_scale, settings) as wire:
        return _run(system, wire, name, on_progress)


def _run(system: System, gateway: Gateway, name: str, on_progress: Progress) -> Record:
    scenario = system.scenario
    rows = np.zeros(system.count, ROW)
    cells = np.zeros((system.count, scenario.chemistry.cells), np.uint16)
    bms, limits = system.bms, gateway.step(-1)
    for second in range(system.count):
        flow = system.step(second, limits)
        limits = gateway.step(second)
        cells[second] = system.cell_v * 10000
        rows[second] = (
            flow.current_a, system.cell_v.sum(), bms.soc_percent, system.pack.temperature_c,
            system.sun_w[second], system.house_w[second], flow.grid_discharge_a,
            limits is not None, *(limits or (0.0, 0.0, 0.0)),
            *gateway.reasons, flow.stopped, flow.lit, bms.live[reg.STATUS], bms.fault_event,
        )  # fmt: skip
        if second % 3600 == 0 or isinstance(gateway, Wire):
            on_progress(second, system.count)
    return Record(
        scenario=name,
        chemistry=scenario.chemistry.name,
        feed_in=scenario.site.feed_in,
        full_mv=system.bms.settings[300],
        start_s=system.start_s,
        rows=rows,
        cell_100uv=cells,
        events=bms.events,
        alarms=gateway.alarms,
    )


def write_csv(record: Record, path: Path, text_of: Callable[[int], str]) -> None:
    """Write every tenth row with its cells as CSV."""
    names = [name for name in ROW.names or ()]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["second", *names, *(f"cell_{i + 1}_v" for i in range(record.cell_100uv.shape[1]))])
        for second in range(0, len(record.rows), CSV_EVERY_S):
            row = dict(zip(names, record.rows[second].item(), strict=True))
            for reason in ("cvl_reason", "ccl_reason", "dcl_reason"):
                row[reason] = text_of(row[reason])
            cells = (record.cell_100uv[second] / 1e4).tolist()
            writer.writerow(
                [record.start_s + second, *(f"{v:.3f}" if isinstance(v, float) else v for v in row.values()), *cells]
            )
