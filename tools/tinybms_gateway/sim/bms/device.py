"""A TinyBMS without its line: registers, events and settings that can be read, written and set by name."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from tinybms_gateway.sim.bms import registers as reg
from tinybms_gateway.sim.bms.registers import Registers

EVENTS_KEPT = 49
EVENTS_NEWEST = 8
SYSTEM_STARTED = 0x61
RESET_TAKES_S = 1.5
NO_EXTREMES = (127, -128)

DEFAULT_SETTINGS = {
    300: 3550, 301: 2900, 303: 3300, 304: 5000, 305: 150, 306: 28000, 307: 16, 308: 20, 310: 5, 311: 0,
    312: 1, 314: 2, 315: 3650, 316: 2800, 317: 120, 318: 100, 319: 60, 320: 0, 321: 90, 322: 6000,
    323: reg.ACCEPTED, 328: reg.ACCEPTED, 329: 0b100, 330: 0x0501, 332: 5, 333: 1, 335: 1, 338: 3,
}  # fmt: skip
VERSION = {500: 0x0102, 501: 0x0301, 502: 0x00F2, 503: 0x0418}
SERIAL = {504: 0x0043, 505: 0x4553, 506: 0x5016, 507: 0x2036, 508: 0x3934, 509: 0x0007}


class Event(NamedTuple):
    """One entry of the event log."""

    time_s: int
    """BMS time, 24 bits."""
    id: int


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


class TinyBms:
    """The device. Not thread safe: the owner of the line serialises."""

    def __init__(self, values: dict[int, int] | None = None) -> None:
        """Make a device.

        Args:
            values: registers of a dump; what is not in it reads 0. None: a healthy pack of 16 LFP cells.
        """
        self.registers = Registers()
        self.events: list[Event] = []
        self.pack: CellPack | None = None if values is not None else CellPack()
        self.resetting_until = 0.0
        self._temperatures = NO_EXTREMES
        for address, value in (values if values is not None else DEFAULT_SETTINGS | VERSION | SERIAL).items():
            self.registers[address] = value
        self.lifetime_s = float(self.registers.u32(reg.LIFETIME)) if values is not None else 3_600_000.0
        if values is None:
            self.refresh()
            self.log_event(SYSTEM_STARTED)
        else:
            self._take_events_from_registers()

    # ---- what the line asks ----

    def read(self, address: int, count: int) -> list[int]:
        """Values of `count` registers; addresses wrap at the end of the address space."""
        return [self.registers[(address + i) % reg.ADDRESS_SPACE] for i in range(count)]

    def write(self, address: int, value: int) -> None:
        """Write a setting; 323 and 328 set the estimates and then read 0xFFFF."""
        if address == reg.SETTING_SOH:
            self.set_soh(value * 0.002)
            value = reg.ACCEPTED
        elif address == reg.SETTING_SOC:
            self.set_soc(value * 0.002)
            value = reg.ACCEPTED
        self.registers[address] = value

    def clear_events(self) -> None:
        """Forget all events."""
        self.events.clear()
        self._show_events()

    def clear_statistics(self) -> None:
        """Set the statistics to zero and note when."""
        for address in reg.STATISTICS:
            self.registers[address] = 0
        self._temperatures = NO_EXTREMES
        self.registers.set_u32(reg.CLEARED_AT, int(self.lifetime_s))

    def reset(self, now_s: float) -> None:
        """Restart: silent for a while, then an event."""
        self.resetting_until = now_s + RESET_TAKES_S
        self.registers[reg.RESET_CAUSES] = 3
        self.log_event(SYSTEM_STARTED)

    def log_event(self, event_id: int) -> None:
        """Append an event with the present BMS time."""
        _check("event", event_id, 1, 255)
        self.events.append(Event(int(self.lifetime_s) & 0xFFFFFF, event_id))
        del self.events[:-EVENTS_KEPT]
        self._show_events()

    # ---- what the world does ----

    def advance(self, seconds: float) -> None:
        """Let time pass: lifetime, charge, and the measurements that follow from them. A dump stands still."""
        if self.pack is None:
            return
        self.lifetime_s += seconds
        self.pack.soc += self.pack.current_a * seconds / 36.0 / self.pack.capacity_ah
        self.pack.soc = min(max(self.pack.soc, 0.0), 100.0)
        self.refresh()

    def refresh(self) -> None:
        """Write the pack's state to the live registers."""
        pack = self.pack
        if pack is None:
            return
        cells = [min(max(round(pack.cell_mv(i) * 10), 1), 0xFFFF) for i in range(pack.cells)]
        for address in reg.CELLS:
            self.registers[address] = 0
        for i, tenth_mv in enumerate(cells):
            self.registers[16 - pack.cells + i] = tenth_mv
        r = self.registers
        r.set_u32(reg.LIFETIME, int(self.lifetime_s))
        r.set_f32(reg.PACK_VOLTAGE, sum(cells) / 10000)
        r.set_f32(reg.PACK_CURRENT, pack.current_a)
        r[reg.CELL_MIN], r[reg.CELL_MAX] = min(cells) // 10, max(cells) // 10
        for address, celsius in ((reg.TEMP_EXT_1, pack.temp_ext_1_c), (reg.TEMP_EXT_2, pack.temp_ext_2_c)):
            r.set_i16(address, -0x8000 if celsius is None else round(celsius * 10))
        r.set_i16(reg.TEMP_INTERNAL, round(pack.temp_internal_c * 10))
        r[reg.SOH] = round(pack.soh * 500)
        r.set_u32(reg.SOC, round(pack.soc * 1e6))
        r[reg.CELL_COUNT] = pack.cells
        if r[reg.STATUS] != reg.STATUS_FAULT:
            self._enter(self._status(pack))
        self._keep_extremes(pack, max(cells) - min(cells))

    def set_fault(self, event_id: int | None) -> None:
        """Enter the fault state with an event, counted in the statistics; None leaves it."""
        if event_id is None:
            self.registers[reg.STATUS] = reg.STATUS_IDLE
            self.refresh()
        else:
            self.log_event(event_id)
            self.registers[reg.STATUS] = reg.STATUS_FAULT
            if event_id in reg.PROTECTION_COUNTS:
                self._count(reg.PROTECTION_COUNTS[event_id])

    def set_soc(self, percent: float) -> None:
        """Set the state of charge."""
        _check("soc", percent, 0, 100)
        if self.pack is not None:
            self.pack.soc = percent
            self.refresh()
        self.registers.set_u32(reg.SOC, round(percent * 1e6))

    def set_soh(self, percent: float) -> None:
        """Set the state of health; 0 = not estimated."""
        _check("soh", percent, 0, 100)
        if self.pack is not None:
            self.pack.soh = percent
        self.registers[reg.SOH] = round(percent * 500)

    def set_value(self, name: str, value: float) -> None:
        """Set something by its name, see `SETTABLE`.

        Raises:
            ValueError: unknown name, or a value that the register cannot hold; the text says what is allowed.
        """
        if match := re.fullmatch(r"reg\.(\d+)", name):
            self.registers[int(match[1])] = _integer(name, value)
            return
        if name not in SETTABLE:
            raise ValueError(f"'{name}': not known; there are {', '.join(SETTABLE)} and reg.N")
        SETTABLE[name](self, value)

    def values(self) -> dict[str, float]:
        """Present measurements under the names that `set_value` takes."""
        r = self.registers
        return {
            "soc": r.u32(reg.SOC) / 1e6,
            "soh": r[reg.SOH] / 500,
            "voltage": r.f32(reg.PACK_VOLTAGE),
            "current": r.f32(reg.PACK_CURRENT),
            "status": r[reg.STATUS],
        }

    # ---- inner parts ----

    def _count(self, address: int) -> None:
        self.registers[address] = (self.registers[address] + 1) & 0xFFFF

    def _enter(self, status: int) -> None:
        if status != self.registers[reg.STATUS] and status in reg.STATUS_COUNTS:
            self._count(reg.STATUS_COUNTS[status])
        self.registers[reg.STATUS] = status

    def _keep_extremes(self, pack: CellPack, difference_100uv: int) -> None:
        """Highest currents (0.1 A), cell difference (0.1 mV) and temperatures (degC) since the last clear."""
        r = self.registers
        address = reg.CHARGE_CURRENT_MAX if pack.current_a > 0 else reg.DISCHARGE_CURRENT_MAX
        r[address] = max(r[address], round(abs(pack.current_a) * 10))
        r[reg.CELL_DIFFERENCE_MAX] = max(r[reg.CELL_DIFFERENCE_MAX], difference_100uv)
        celsius = [round(t) for t in (pack.temp_ext_1_c, pack.temp_ext_2_c) if t is not None]
        if celsius:
            self._temperatures = (min(self._temperatures[0], *celsius), max(self._temperatures[1], *celsius))
            low, high = (min(max(t, -128), 127) & 0xFF for t in self._temperatures)
            r[reg.TEMPERATURE_EXTREMES] = low | high << 8

    def _status(self, pack: CellPack) -> int:
        if pack.soc >= 100.0:
            return reg.STATUS_FULL
        if abs(pack.current_a) < 0.1:
            return reg.STATUS_IDLE
        return reg.STATUS_CHARGING if pack.current_a > 0 else reg.STATUS_DISCHARGING

    def _show_events(self) -> None:
        newest_first = list(reversed(self.events))
        for i in range(len(reg.EVENTS) // 2):
            event = newest_first[i] if i < len(newest_first) else Event(0, 0)
            self.registers[reg.EVENTS[0] + 2 * i] = event.time_s & 0xFFFF
            self.registers[reg.EVENTS[0] + 2 * i + 1] = event.id << 8 | event.time_s >> 16

    def _take_events_from_registers(self) -> None:
        for address in reversed(reg.EVENTS[::2]):
            low, high = self.read(address, 2)
            if high >> 8:
                self.events.append(Event(low | (high & 0xFF) << 16, high >> 8))


def _set_temperature(attribute: str, address: int) -> Callable[[TinyBms, float], None]:
    def setter(bms: TinyBms, celsius: float) -> None:
        bms.registers.set_i16(address, round(celsius * 10))
        if bms.pack is not None:
            setattr(bms.pack, attribute, None if bms.registers[address] == reg.NOT_CONNECTED else celsius)

    return setter


def _check(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} {value:g}: must be {least:g}..{most:g}")


def _integer(name: str, value: float) -> int:
    if value != int(value):
        raise ValueError(f"{name} {value:g}: must be a whole number")
    return int(value)


def _set_current(bms: TinyBms, amperes: float) -> None:
    _check("current", amperes, -1000, 1000)
    bms.registers.set_f32(reg.PACK_CURRENT, amperes)
    if bms.pack is not None:
        bms.pack.current_a = amperes
        bms.refresh()


def _set_spread(bms: TinyBms, millivolts: float) -> None:
    if bms.pack is None:
        raise ValueError("spread: a dump has no model of its cells; set reg.0 to reg.15, reg.40 and reg.41")
    _check("spread", millivolts, 0, 1000)
    bms.pack.spread_mv = millivolts
    bms.refresh()


def _set_voltage(bms: TinyBms, volts: float) -> None:
    if bms.pack is not None:
        raise ValueError(
            "voltage: follows from the cells; set soc, current or spread (a dump has a voltage of its own)"
        )
    _check("voltage", volts, 0, 100)
    bms.registers.set_f32(reg.PACK_VOLTAGE, volts)


SETTABLE: dict[str, Callable[[TinyBms, float], None]] = {
    "soc": TinyBms.set_soc,
    "soh": TinyBms.set_soh,
    "current": _set_current,
    "voltage": _set_voltage,
    "spread": _set_spread,
    "temp1": _set_temperature("temp_ext_1_c", reg.TEMP_EXT_1),
    "temp2": _set_temperature("temp_ext_2_c", reg.TEMP_EXT_2),
    "internal": _set_temperature("temp_internal_c", reg.TEMP_INTERNAL),
    "status": lambda bms, value: bms.registers.__setitem__(reg.STATUS, _integer("status", value)),
    "fault": lambda bms, value: bms.set_fault(_integer("fault", value) or None),
    "event": lambda bms, value: bms.log_event(_integer("event", value)),
}
"""Names that can be set while the simulator runs, in the units of the protocol's tables (%, A, V, mV, degC)."""
