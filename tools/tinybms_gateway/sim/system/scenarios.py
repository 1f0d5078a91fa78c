"""What is simulated: the battery, the site, and what happens to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.sim.bms import registers as reg
from tinybms_gateway.sim.bms.device import DEFAULT_SETTINGS
from tinybms_gateway.sim.system.cells import LFP, NMC, CellPack, Chemistry
from tinybms_gateway.sim.system.plant import Site
from tinybms_gateway.sim.system.profiles import Points

SETTINGS: Mapping[str, Mapping[int, int]] = MappingProxyType(
    {
        LFP.name: DEFAULT_SETTINGS,
        NMC.name: {
            300: 4150, 301: 3000, 303: 3200, 304: 1000, 306: 6600, 307: 14, 308: 15, 315: 4200, 316: 2900, 317: 60,
            318: 20, 319: 60, 320: 1,
        },
    }
)  # fmt: skip
"""Of the BMS: the simulator's 16S pack, and the real 14S device of which there is a dump."""

EMPTY_V = 48.0
"""Of 16 LFP cells at rest, 3 % of their charge left: what turns amperes of sun and load into power."""

Glitch = Callable[[NDArray[np.uint16]], None]


@dataclass(frozen=True)
class Scenario:
    """A battery, a site and a course of events; it begins at `start_hour` of the first day."""

    about: str
    days: float = 1.0
    chemistry: Chemistry = LFP
    settings: Mapping[int, int] = field(default_factory=dict)
    """Registers of the BMS that differ from those of the chemistry."""
    site: Site = field(default_factory=Site)
    start_percent: float = 50.0
    start_hour: float = 0.0
    start_temperature_c: float = 25.0
    ambient_c: Points = ((0, 25),)
    conductance_w_per_k: float = 5.0
    sun_peak_w: float = 6000.0
    sun_w: Points | None = None
    """Hour and power; None: a day's sun with its peak."""
    cloudy: bool = False
    house_scale: float = 1.0
    extra_load_w: Points = ((0, 0),)
    prepare: Callable[[CellPack], None] = lambda _pack: None
    glitches: Mapping[float, Glitch] = field(default_factory=dict)
    """Hour -> what the registers of one snapshot show instead of what is."""

    def bms_settings(self) -> dict[int, int]:
        """Registers 300 to 343."""
        return dict(SETTINGS[self.chemistry.name]) | dict(self.settings)

    def with_options(self, chemistry: Chemistry | None, feed_in: bool | None, cloudy: bool) -> "Scenario":
        """The same with another battery, with or without feed-in, or with clouds."""
        changes: dict[str, Any] = {"cloudy": cloudy or self.cloudy}
        if chemistry is not None and chemistry != self.chemistry:
            small = chemistry.capacity_ah / self.chemistry.capacity_ah
            changes |= {"chemistry": chemistry, "house_scale": self.house_scale * small}
        site = self.site if feed_in is None else replace(self.site, feed_in=feed_in)
        return replace(self, site=site, **changes)


def _small_cell(pack: CellPack) -> None:
    """One cell has lost 30 % of its capacity; it was as full as the rest when the battery was last balanced."""
    missing_ah = 0.3 * pack.capacity_ah[5]
    used_ah = (100.0 - pack.percent[5]) / 100 * pack.capacity_ah[5]
    pack.capacity_ah[5] -= missing_ah
    pack.percent[5] = 100.0 - 100 * used_ah / pack.capacity_ah[5]


def _overcharged_cell(pack: CellPack) -> None:
    """One cell is above its cutoff, the rest are full."""
    pack.percent[:] = np.linspace(97.0, 99.0, len(pack.percent))
    pack.percent[5] = 100.9


def _wrong_cell(live: NDArray[np.uint16]) -> None:
    live[5] = 45000
    live[reg.CELL_MAX] = 4500


def _wrong_temperature(live: NDArray[np.uint16]) -> None:
    live[reg.TEMP_EXT_1] = 1200


SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        "week": Scenario("seven sunny days, 16S LFP, feed-in", days=7),
        "nmc": Scenario(
            "a sunny day with a 14S NMC battery and 18 A chargers",
            chemistry=NMC,
            site=Site(charger_max_a=18.0, inverter_w=3000.0),
            sun_peak_w=3000.0,
            house_scale=0.2,
        ),
        "cold": Scenario(
            "a cold morning: the battery is at -5 degC at sunrise, and thaws by noon",
            start_temperature_c=4.0,
            ambient_c=((0, -6), (8.5, -6), (9.5, 18), (24, 18)),
            conductance_w_per_k=20.0,
        ),
        "hot": Scenario(
            "the battery warms from 45 to 58 degC in the sun",
            start_percent=20.0,
            start_hour=8.0,
            days=8 / 24,
            start_temperature_c=45.0,
            ambient_c=((8, 45), (9, 59.3), (14, 59.3), (14.5, 40), (24, 25)),
            conductance_w_per_k=20.0,
            site=Site(feed_in=False),
        ),
        "load-step": Scenario(
            "150 A from a nearly empty battery",
            days=4 / 24,
            start_percent=14.0,
            start_hour=20.0,
            settings={305: 250, 317: 200},
            site=Site(inverter_w=10000.0),
            extra_load_w=((20.1, 0), (20.1003, 7400), (24, 7400)),
            house_scale=0.3,
        ),
        "runaway": Scenario(
            "one cell has lost 30 % of its capacity",
            prepare=_small_cell,
            site=Site(feed_in=False),
        ),
        "jump": Scenario(
            "one snapshot shows a wrong cell, another one a wrong temperature",
            start_hour=9.0,
            days=0.25,
            glitches={9.5: _wrong_cell, 10.0: _wrong_temperature},
        ),
        "overvoltage": Scenario(
            "off grid, a cell is above its cutoff: the house must discharge the battery",
            start_hour=18.0,
            days=0.5,
            prepare=_overcharged_cell,
            site=Site(feed_in=False, grid=False),
        ),
        "dusk": Scenario(
            "off grid, an empty battery: 5 A of weak sun and a load of 30 A for six hours",
            start_percent=4.0,
            days=6 / 24,
            site=Site(feed_in=False, grid=False),
            sun_w=((0, 5 * EMPTY_V),),
            extra_load_w=((0, 30 * EMPTY_V),),
            house_scale=0.0,
        ),
    }
)
