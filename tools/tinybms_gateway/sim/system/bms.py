"""The TinyBMS of the closed loop: measures, counts charge, protects, balances, by its own settings.

It shows the registers of `tinybms_gateway.sim.bms`, so that the same image feeds the C code and the serial line.

What the manufacturer's description leaves open is assumed: dual port, an open switch stops its direction and lets the
other pass; a protection acts one step (1 s) after the measurement, except over-current on discharge, which waits as
register 330 says; over-voltage recovers 50 mV below 315, under-voltage 50 mV above 316, fully discharged 50 mV above
301, temperatures 2 K inside 319 and 320, over-currents after the seconds in 332. At 320 the charge switch opens and
there is a fault (event 0x37) once something pushes current. "Fully charged" is a cell within 5 mV of 300 with a current
between 0 and 304 for 10 s; it sets SOC to 100 % and holds the charge switch open until SOC is below 321, when bit 2 of
329 says so, else until all cells are 100 mV below 300. Balancing takes 150 mA out of each cell that is more than 308
above the lowest, while the highest is above 303 and the battery is not discharged.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.sim.bms import registers as reg
from tinybms_gateway.sim.system.cells import Floats

BALANCING_A = 0.150
RECOVERY_MV = 50
TEMPERATURE_RECOVERY_K = 2.0
FULL_WITHIN_MV = 5
FULL_RELEASE_MV = 100
FULL_AFTER_S = 10
EMPTY_AFTER_S = 5
LIVE_COUNT = 56
AGE_S = 1000
"""Lifetime of the BMS at second 0."""
RECOVERED_BY = {0x02: 0x7B, 0x03: 0x79, 0x04: 0x73, 0x05: 0x77, 0x06: 0x76, 0x31: 0x7A, 0x37: 0x74}
"""Fault or warning -> the event that ends it."""
STOPS_CHARGE = frozenset({0x03, 0x04, 0x06, 0x37})
STOPS_DISCHARGE = frozenset({0x02, 0x04, 0x05, 0x31})
CHARGING_DONE = 0x63
RESTART_LEVEL_ENABLED = 0b100


class SystemBms:
    """The device; one step a second."""

    def __init__(self, settings: dict[int, int], cells: int, soc_percent: float, pack_gain: float = 1.0) -> None:
        """Make the device.

        Args:
            settings: registers 300 to 343
            cells: in series
            soc_percent: initial state of charge
            pack_gain: register 36 relative to the sum of the cells: the two are measured separately
        """
        self.settings = settings
        self.live: NDArray[np.uint16] = np.zeros(LIVE_COUNT, np.uint16)
        self.events: list[tuple[int, int]] = []
        """Second and id, oldest first."""
        self.faults: dict[int, int] = {}
        """Events that hold now, oldest first, with the second at which they came."""
        self.full = False
        self.soc_percent = soc_percent
        self.bleed_a: Floats | float = 0.0
        self._pack_gain = pack_gain
        self._second = 0
        self._full_s = self._empty_s = self._discharge_over_s = 0
        self._cells = self.live[reg.CELLS[-1] + 1 - cells : reg.CELLS[-1] + 1]
        self._lifetime = self.live[reg.LIFETIME : reg.LIFETIME + 2].view(np.uint32)
        self._voltage = self.live[reg.PACK_VOLTAGE : reg.PACK_VOLTAGE + 2].view(np.float32)
        self._current = self.live[reg.PACK_CURRENT : reg.PACK_CURRENT + 2].view(np.float32)
        self._soc = self.live[reg.SOC : reg.SOC + 2].view(np.uint32)
        self._temperatures = self.live.view(np.int16)
        self.live[reg.SOH] = 50000
        self.live[reg.CELL_COUNT] = cells
        self._capacity_as = settings[306] * 36.0
        self._balance_from_v = settings[303] / 1000
        self._imbalance_v = settings[308] / 1000
        self._full_v = settings[300] / 1000
        self._over_heat_c = _signed(settings[319])
        self._cold_c = _signed(settings[320])

    @property
    def charge_closed(self) -> bool:
        """The battery can be charged."""
        return not self.full and self.faults.keys().isdisjoint(STOPS_CHARGE)

    @property
    def discharge_closed(self) -> bool:
        """The battery can be discharged."""
        return self.faults.keys().isdisjoint(STOPS_DISCHARGE)

    @property
    def fault_event(self) -> int:
        """The newest fault or warning that has not been recovered; 0 = none."""
        return next(reversed(self.faults), 0)

    @property
    def fault_events(self) -> list[int]:
        """All faults and warnings that have not been recovered, oldest first."""
        return list(self.faults)

    def step(self, second: int, cell_v: Floats, current_a: float, temperature_c: float, pushed: bool) -> None:
        """Measure, and let the protections act. To be called every second.

        Args:
            second: of the run, for the events
            cell_v: voltages of the cells
            current_a: positive = charging
            temperature_c: of the cells
            pushed: something would charge the battery if it could
        """
        self._second = second
        highest_v, lowest_v = float(cell_v.max()), float(cell_v.min())
        self.soc_percent = min(max(self.soc_percent + 100.0 * current_a / self._capacity_as, 0.0), 100.0)
        self._protect_voltage(highest_v, lowest_v)
        self._protect_temperature(temperature_c, pushed)
        self._protect_current(current_a)
        self._notice_full(highest_v, current_a)
        self._balance(cell_v, highest_v, lowest_v, current_a)
        self._show(cell_v, highest_v, lowest_v, current_a, temperature_c)

    # ---- protections ----

    def _set(self, event: int, holds: bool, recovered: bool) -> None:
        """Raise an event or end it."""
        if holds and event not in self.faults:
            self.faults[event] = self._second
            self.events.append((self._second, event))
        elif recovered and event in self.faults:
            del self.faults[event]
            self.events.append((self._second, RECOVERED_BY[event]))

    def _protect_voltage(self, highest_v: float, lowest_v: float) -> None:
        s, band = self.settings, RECOVERY_MV
        highest_mv, lowest_mv = highest_v * 1000, lowest_v * 1000
        self._set(0x03, highest_mv >= s[315], highest_mv < s[315] - band)
        self._set(0x02, lowest_mv <= s[316], lowest_mv > s[316] + band)
        self._empty_s = self._empty_s + 1 if lowest_mv <= s[301] else 0
        self._set(0x31, self._empty_s >= EMPTY_AFTER_S, lowest_mv > s[301] + band)

    def _protect_temperature(self, temperature_c: float, pushed: bool) -> None:
        inside = TEMPERATURE_RECOVERY_K
        self._set(0x04, temperature_c >= self._over_heat_c, temperature_c < self._over_heat_c - inside)
        self._set(0x37, pushed and temperature_c <= self._cold_c, temperature_c > self._cold_c + inside)

    def _protect_current(self, current_a: float) -> None:
        s = self.settings
        self._discharge_over_s = self._discharge_over_s + 1 if -current_a > s[317] else 0
        self._set(0x05, self._discharge_over_s > s.get(330, 0) >> 8, self._held_for(0x05) >= s.get(332, 5))
        self._set(0x06, current_a > s[318], self._held_for(0x06) >= s.get(332, 5))

    def _held_for(self, event: int) -> float:
        return self._second - self.faults.get(event, math.inf)

    def _notice_full(self, highest_v: float, current_a: float) -> None:
        s = self.settings
        at_the_end = highest_v * 1000 >= s[300] - FULL_WITHIN_MV and 0.0 <= current_a * 1000 < s[304]
        self._full_s = self._full_s + 1 if at_the_end else 0
        if not self.full and self._full_s >= FULL_AFTER_S:
            self.full = True
            self.soc_percent = 100.0
            self.events.append((self._second, CHARGING_DONE))
        elif self.full and s.get(329, 0) & RESTART_LEVEL_ENABLED:
            self.full = self.soc_percent >= s[321]
        elif self.full:
            self.full = highest_v * 1000 >= s[300] - FULL_RELEASE_MV

    def _balance(self, cell_v: Floats, highest_v: float, lowest_v: float, current_a: float) -> None:
        wanted = highest_v > self._balance_from_v and highest_v - lowest_v > self._imbalance_v and current_a >= 0.0
        self.bleed_a = np.where(cell_v > lowest_v + self._imbalance_v, BALANCING_A, 0.0) if wanted else 0.0

    # ---- registers ----

    def _show(self, cell_v: Floats, highest_v: float, lowest_v: float, current_a: float, temperature_c: float) -> None:
        live, temperature_ddegc = self.live, round(temperature_c * 10)
        self._cells[:] = cell_v * 10000 + 0.5
        self._lifetime[0] = AGE_S + self._second
        self._voltage[0] = cell_v.sum() * self._pack_gain
        self._current[0] = current_a
        self._soc[0] = int(self.soc_percent * 1e6)
        live[reg.CELL_MIN], live[reg.CELL_MAX] = int(lowest_v * 1000), int(highest_v * 1000)
        temperatures = self._temperatures
        temperatures[reg.TEMP_EXT_1] = temperatures[reg.TEMP_EXT_2] = temperature_ddegc
        temperatures[reg.TEMP_INTERNAL] = temperature_ddegc + 50
        live[reg.STATUS] = self._status(current_a)

    def _status(self, current_a: float) -> int:
        if self.faults:
            return reg.STATUS_FAULT
        if self.full:
            return reg.STATUS_FULL
        if abs(current_a) < 0.1:
            return reg.STATUS_IDLE
        return reg.STATUS_CHARGING if current_a > 0 else reg.STATUS_DISCHARGING


def _signed(word: int) -> int:
    return word - 0x10000 if word >= 0x8000 else word
