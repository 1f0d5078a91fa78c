"""A house with solar power and a battery, led by a GX with DVCC: which current flows at the battery.

Everything is on one DC bus, and the battery's current is the root of one quadratic equation (power = voltage times
current, voltage = EMF + R x current), not of an iteration. Inverter and chargers are free of losses.

- The solar charger gives what the sun gives, up to its own current, until the bus is at CVL, with feed-in at CVL +
  0.4 V; there it gives less. It cannot take current, so it does not stop the battery from being above.
- With feed-in CCL is ignored. Without it the charger lowers its power until the battery takes no more than CCL: the
  loads are still served from the sun.
- The inverter serves the loads. With feed-in it exports as well, in proportion to how far the bus is above CVL, its
  full power at + 0.4 V, wherever the power comes from: a CVL below the voltage of the battery drains
  the battery into the grid.
- With a grid DCL bounds what the inverter takes from the battery, and the grid serves the rest. Without one the current
  cannot be limited; where the sun is not enough for the loads, DCL = 0 or an open discharge switch of the BMS switches
  the inverter off, and what sun there is charges the battery.
- Without limits (no frame 0x351) no current flows at the battery.
"""

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

FEED_IN_OFFSET_V = 0.4


class Stopped(IntEnum):
    """What holds back a current that sun or load ask for."""

    NOBODY = 0
    CONTROL_CHARGE = 1
    """CCL or CVL: the sun could charge, the battery gets nothing."""
    BMS_CHARGE = 2
    """The charge switch of the BMS is open and the charger pushes."""
    CONTROL_DISCHARGE = 3
    """DCL is 0."""
    BMS_DISCHARGE = 4
    """The discharge switch of the BMS is open."""


class Limits(NamedTuple):
    """What the GX has been told."""

    cvl_v: float
    ccl_a: float
    dcl_a: float


class Flow(NamedTuple):
    """What flows for one step."""

    current_a: float
    """Of the battery, positive = charging."""
    grid_discharge_a: float
    """Part of the battery's discharge that the house does not need: it goes into the grid."""
    pushed: bool
    """A charger would charge the battery if its charge switch were closed."""
    stopped: Stopped
    lit: bool
    """The loads are served."""


@dataclass(frozen=True)
class Site:
    """What is installed."""

    feed_in: bool = True
    grid: bool = True
    inverter_w: float = 5000.0
    charger_max_a: float = 85.0
    """Of all solar chargers; with feed-in, nothing else keeps it below the BMS's own cutoff (318)."""

    def flow(
        self,
        emf_v: float,
        resistance_ohm: float,
        limits: Limits | None,
        sun_w: float,
        load_w: float,
        charge_closed: bool,
        discharge_closed: bool,
    ) -> Flow:
        """Solve one step.

        Args:
            emf_v: of the whole battery
            resistance_ohm: likewise
            limits: as received; None: there are none
            sun_w: what the solar panels could give
            load_w: of the house
            charge_closed: the BMS lets the battery be charged
            discharge_closed: the BMS lets it be discharged
        """
        house_w = min(load_w, self.inverter_w) if self.grid else load_w
        sun_w = min(sun_w, self.charger_max_a * emf_v)
        if limits is None:
            return Flow(0.0, 0.0, False, Stopped.NOBODY, self.grid or sun_w >= house_w)
        offset_v = FEED_IN_OFFSET_V if self.feed_in else 0.0
        export_w = self.inverter_w - house_w if self.feed_in else 0.0
        dark_a = _into_battery_a(emf_v, resistance_ohm, -house_w, limits.cvl_v, export_w, self.inverter_w)
        free_a = _into_battery_a(emf_v, resistance_ohm, sun_w - house_w, limits.cvl_v, export_w, self.inverter_w)
        asked_a = max(min(free_a, (limits.cvl_v + offset_v - emf_v) / resistance_ohm), dark_a)
        current_a = asked_a if self.feed_in else min(asked_a, limits.ccl_a)
        stopped = Stopped.NOBODY
        pushed = current_a > 0.0
        if not pushed and sun_w > house_w:
            stopped = Stopped.CONTROL_CHARGE
        if pushed and not charge_closed:
            current_a, stopped = 0.0, Stopped.BMS_CHARGE
        if current_a < 0.0 and not self.grid and house_w > 0.0 and (limits.dcl_a == 0.0 or not discharge_closed):
            why = Stopped.CONTROL_DISCHARGE if discharge_closed else Stopped.BMS_DISCHARGE
            idle = self.flow(emf_v, resistance_ohm, limits, sun_w, 0.0, charge_closed, discharge_closed)
            return idle._replace(stopped=why, lit=False)
        allowed_a = limits.dcl_a if self.grid or limits.dcl_a == 0.0 else math.inf
        if current_a < 0.0 and not discharge_closed:
            current_a, stopped = 0.0, Stopped.BMS_DISCHARGE
        elif current_a < -allowed_a:
            current_a, stopped = -allowed_a, Stopped.CONTROL_DISCHARGE if allowed_a == 0.0 else stopped
        from_battery_w = -current_a * (emf_v + resistance_ohm * current_a)
        needed_w = max(0.0, house_w - sun_w)
        spare_w = max(0.0, from_battery_w - needed_w) if self.feed_in else 0.0
        lit = self.grid or max(0.0, from_battery_w) >= needed_w - 1e-6
        return Flow(current_a, spare_w / emf_v, pushed, stopped, lit)


def _into_battery_a(
    emf_v: float, resistance_ohm: float, surplus_w: float, cvl_v: float, export_w: float, inverter_w: float
) -> float:
    """Current into the battery when sun and house leave a surplus and the inverter exports above CVL.

    Args:
        emf_v: of the battery
        resistance_ohm: likewise
        surplus_w: sun less house
        cvl_v: where export begins
        export_w: the most it can be
        inverter_w: it grows to this over the offset of feed-in
    """
    kept_a = _root(emf_v, resistance_ohm, surplus_w)
    if export_w <= 0.0 or emf_v + resistance_ohm * kept_a <= cvl_v:
        return kept_a
    # (E + R I) I = surplus - k (E + R I - CVL): its part that is linear in I joins E
    k = inverter_w / FEED_IN_OFFSET_V
    drooping_a = _root(emf_v + k * resistance_ohm, resistance_ohm, surplus_w - k * (emf_v - cvl_v))
    return max(drooping_a, _root(emf_v, resistance_ohm, surplus_w - export_w))


def _root(emf_v: float, resistance_ohm: float, power_w: float) -> float:
    """The current I with (E + R I) I = P that is closest to 0; the most there is if the battery cannot give P."""
    under = emf_v * emf_v + 4.0 * resistance_ohm * power_w
    return (math.sqrt(max(under, 0.0)) - emf_v) / (2.0 * resistance_ohm)
