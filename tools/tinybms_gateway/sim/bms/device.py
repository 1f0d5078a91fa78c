"""A TinyBMS without its line: registers, events and settings that can be read, written and set by name."""

import re
from collections.abc import Callable
from typing import NamedTuple

from tinybms_gateway.bms.event_order import EventOrder, order_of
from tinybms_gateway.sim.bms import registers as reg
from tinybms_gateway.sim.bms.faults import Faults
from tinybms_gateway.sim.bms.overwritten import check_settable
from tinybms_gateway.sim.bms.pack import CellPack
from tinybms_gateway.sim.bms.registers import Registers

EVENTS_KEPT = 49
EVENTS_NEWEST = 8
SYSTEM_STARTED = 0x61
RESET_TAKES_S = 1.5
NO_EXTREMES = (127, -128)
LIFETIME_ROUND_S = 1 << 32
REGISTER_NAME = re.compile(r"(reg|force|free)\.(\d{1,5})")
REGISTER_NAMES = ("reg.N", "force.N", "free.N")

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


class TinyBms:
    """The device. Not thread-safe: the owner of the line serialises."""

    def __init__(
        self, values: dict[int, int] | None = None, *, event_order: EventOrder = EventOrder.OLDEST_FIRST
    ) -> None:
        """Make a device.

        Args:
            values: registers of a dump; missing ones read 0. None: a healthy pack of 16 LFP cells.
            event_order: the order in which commands 0x11 and 0x12 and registers 200 to 297 list the events. The
                description does not state it; the registers of the one real device that was read are oldest first
        """
        self.registers = Registers()
        self.faults = Faults()
        """Of the line that it is on: `frozen` and `tell_once` belong to the device."""
        self.event_order = event_order
        self.events: list[Event] = []
        """Oldest first."""
        self._told: list[Event] = []
        self._in_fault = False
        self._status_before_fault = reg.STATUS_IDLE
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

    def newest_events(self) -> list[Event]:
        """What command 0x11 reports, oldest first; it counts as reported, whatever happens to the answer."""
        once = bool(self.faults.tell_once)
        newest = [event for event in self.events if not (once and _is_in(event, self._told))][-EVENTS_NEWEST:]
        self._told = [event for event in self.events if _is_in(event, self._told + newest)]
        return newest

    def listed(self, events: list[Event]) -> list[Event]:
        """Events, given oldest first, in the order in which this device lists them."""
        return list(events) if self.event_order is EventOrder.OLDEST_FIRST else list(reversed(events))

    def clear_events(self) -> None:
        """Forget all events."""
        self.events.clear()
        self._show_events()

    def clear_statistics(self) -> None:
        """Set the statistics to zero and record when."""
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
        """Append an event with the current BMS time."""
        _check("event", event_id, 1, 255)
        self.events.append(Event(int(self.lifetime_s) & 0xFFFFFF, event_id))
        del self.events[:-EVENTS_KEPT]
        self._show_events()

    # ---- what the world does ----

    def advance(self, seconds: float) -> None:
        """Let time pass: the lifetime counter, and of a pack its charge and the measurements that follow from it.

        Nothing passes while the fault `frozen` holds.
        """
        if self.faults.frozen:
            return
        self.lifetime_s = (self.lifetime_s + seconds) % LIFETIME_ROUND_S
        self._show_lifetime()
        if self.pack is not None:
            self.pack.soc += self.pack.current_a * seconds / 36.0 / self.pack.capacity_ah
            self.pack.soc = min(max(self.pack.soc, 0.0), 100.0)
        self.refresh()

    def refresh(self) -> None:
        """Write the pack's state to the live registers; frozen ones stay as they are until they are released."""
        pack = self.pack
        if pack is None or self.faults.frozen:
            return
        cells = [min(max(round(pack.cell_mv(i) * 10), 1), 0xFFFF) for i in range(pack.cells)]
        for address in reg.CELLS:
            self.registers[address] = 0
        for i, tenth_mv in enumerate(cells):
            self.registers[16 - pack.cells + i] = tenth_mv
        r = self.registers
        self._show_lifetime()
        r.set_f32(reg.PACK_VOLTAGE, sum(cells) / 10000)
        r.set_f32(reg.PACK_CURRENT, pack.current_a)
        r[reg.CELL_MIN], r[reg.CELL_MAX] = min(cells) // 10, max(cells) // 10
        for address, celsius in ((reg.TEMP_EXT_1, pack.temp_ext_1_c), (reg.TEMP_EXT_2, pack.temp_ext_2_c)):
            r.set_i16(address, -0x8000 if celsius is None else round(celsius * 10))
        r.set_i16(reg.TEMP_INTERNAL, round(pack.temp_internal_c * 10))
        r[reg.SOH] = round(pack.soh * 500)
        r.set_u32(reg.SOC, round(pack.soc * 1e6))
        r[reg.CELL_COUNT] = pack.cells
        self._enter(reg.STATUS_FAULT if self._in_fault else self._status(pack))
        self._keep_extremes(pack, max(cells) - min(cells))

    def set_fault(self, event_id: int | None) -> None:
        """Enter the fault state with an event, counted in the statistics; None leaves it."""
        if event_id is None:
            self._leave_fault()
        else:
            self.log_event(event_id)
            self._enter_fault()
            if event_id in reg.PROTECTION_COUNTS:
                self._count(reg.PROTECTION_COUNTS[event_id])

    def set_status_fault(self) -> None:
        """Enter the fault state without an event."""
        self._enter_fault()

    def set_lifetime(self, seconds: float) -> None:
        """Set the lifetime counter."""
        self.lifetime_s = seconds
        if not self.faults.frozen:
            self._show_lifetime()

    def set_soc(self, percent: float) -> None:
        """Set the state of charge."""
        _check("soc", percent, 0, 100)
        if self.pack is not None:
            self.pack.soc = percent
            self.refresh()
        else:
            self.registers.set_u32(reg.SOC, round(percent * 1e6))

    def set_soh(self, percent: float) -> None:
        """Set the state of health; 0 = not estimated."""
        _check("soh", percent, 0, 100)
        if self.pack is not None:
            self.pack.soh = percent
            self.refresh()
        else:
            self.registers[reg.SOH] = round(percent * 500)

    def set_value(self, name: str, value: float) -> None:
        """Set something by its name, see `SETTABLE`.

        Raises:
            ValueError: unknown name, a value that the register cannot hold, or one that would have no effect; says what
                to do.
        """
        if match := REGISTER_NAME.fullmatch(name):
            OF_A_REGISTER[match[1]](self, int(match[2]), _integer(name, value))
        elif name in SETTABLE:
            self._check_thawed(name)
            SETTABLE[name](self, value)
        else:
            raise ValueError(f"'{name}': not known; choose from {', '.join((*SETTABLE, *REGISTER_NAMES))}")

    def values(self) -> dict[str, float]:
        """Current measurements under the names that `set_value` takes."""
        r = self.registers
        return {
            "soc": r.u32(reg.SOC) / 1e6,
            "soh": r[reg.SOH] / 500,
            "voltage": r.f32(reg.PACK_VOLTAGE),
            "current": r.f32(reg.PACK_CURRENT),
            "status": r[reg.STATUS],
        }

    # ---- inner parts ----

    def _check_thawed(self, name: str) -> None:
        """A pack continues while its BMS is frozen, and shows it later; the values of a dump are only its registers."""
        if self.faults.frozen and self.pack is None and name != "event":
            raise ValueError(f"{name}: the measurements are frozen; end it with --fault frozen=0, or set force.N")

    def _show_lifetime(self) -> None:
        self.registers.set_u32(reg.LIFETIME, int(self.lifetime_s))

    def _count(self, address: int) -> None:
        self.registers[address] = (self.registers.own(address) + 1) & 0xFFFF

    def _enter(self, status: int) -> None:
        if status != self.registers.own(reg.STATUS) and status in reg.STATUS_COUNTS:
            self._count(reg.STATUS_COUNTS[status])
        self.registers[reg.STATUS] = status

    def _enter_fault(self) -> None:
        """Enter the fault state; a dump remembers which one it had."""
        if not self._in_fault:
            self._status_before_fault = self.registers.own(reg.STATUS)
        self._in_fault = True
        if self.pack is None:
            self.registers[reg.STATUS] = reg.STATUS_FAULT
        self.refresh()

    def _leave_fault(self) -> None:
        before = self._status_before_fault
        if self.pack is None and self.registers.own(reg.STATUS) == reg.STATUS_FAULT:
            self.registers[reg.STATUS] = before if before != reg.STATUS_FAULT else reg.STATUS_IDLE
        self._in_fault = False
        self.refresh()

    def _keep_extremes(self, pack: CellPack, difference_100uv: int) -> None:
        """Highest currents (0.1 A), cell difference (0.1 mV) and temperatures (degC) since the last clear."""
        r = self.registers
        address = reg.CHARGE_CURRENT_MAX if pack.current_a > 0 else reg.DISCHARGE_CURRENT_MAX
        r[address] = max(r.own(address), round(abs(pack.current_a) * 10))
        r[reg.CELL_DIFFERENCE_MAX] = max(r.own(reg.CELL_DIFFERENCE_MAX), difference_100uv)
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
        listed = self.listed(self.events)
        for i in range(len(reg.EVENTS) // 2):
            event = listed[i] if i < len(listed) else Event(0, 0)
            self.registers[reg.EVENTS[0] + 2 * i] = event.time_s & 0xFFFF
            self.registers[reg.EVENTS[0] + 2 * i + 1] = event.id << 8 | event.time_s >> 16

    def _take_events_from_registers(self) -> None:
        """Take over the log of a dump, which may come from a device with the other order."""
        for address in reg.EVENTS[::2]:
            low, high = self.read(address, 2)
            if high >> 8:
                self.events.append(Event(low | (high & 0xFF) << 16, high >> 8))
        order = order_of([event.time_s for event in self.events]) or self.event_order
        if order is EventOrder.NEWEST_FIRST:
            self.events.reverse()
        if order is not self.event_order:
            self._show_events()


def _is_in(event: Event, events: list[Event]) -> bool:
    """It is this very entry: two of one kind in one second are equal, but still two."""
    return any(event is other for other in events)


def _check(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} {value:g}: must be {least:g}..{most:g}")


def _integer(name: str, value: float) -> int:
    if value != int(value):
        raise ValueError(f"{name} {value:g}: must be a whole number")
    return int(value)


# ---- what can be set by a name ----


def _set_temperature(name: str, attribute: str, address: int) -> Callable[[TinyBms, float], None]:
    def setter(bms: TinyBms, celsius: float) -> None:
        _check(name, celsius, -3276.8, 3276.7)
        tenths = round(celsius * 10)
        if bms.pack is None:
            bms.registers.set_i16(address, tenths)
        else:
            setattr(bms.pack, attribute, None if tenths == -0x8000 else celsius)
            bms.refresh()

    return setter


def _set_internal(bms: TinyBms, celsius: float) -> None:
    """The sensor of the BMS itself: it is always connected."""
    _check("internal", celsius, -273, 1000)
    if bms.pack is None:
        bms.registers.set_i16(reg.TEMP_INTERNAL, round(celsius * 10))
    else:
        bms.pack.temp_internal_c = celsius
        bms.refresh()


def _set_current(bms: TinyBms, amperes: float) -> None:
    _check("current", amperes, -1000, 1000)
    if bms.pack is None:
        bms.registers.set_f32(reg.PACK_CURRENT, amperes)
    else:
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
            "voltage: follows from the cells; set soc, current or spread (a dump has a voltage of its own), "
            "or force.36 and force.37"
        )
    _check("voltage", volts, 0, 100)
    bms.registers.set_f32(reg.PACK_VOLTAGE, volts)


def _set_status(bms: TinyBms, value: float) -> None:
    status = _integer("status", value)
    _check("status", status, 0, 0xFFFF)
    if bms.pack is None:
        bms.registers[reg.STATUS] = status
    elif status == reg.STATUS_FAULT:
        bms.set_status_fault()
    else:
        raise ValueError(
            "status: follows from current and soc, so set those; 0x9B stays until fault=0; or set force.50"
        )


def _set_lifetime(bms: TinyBms, seconds: float) -> None:
    _check("lifetime", seconds, 0, LIFETIME_ROUND_S - 1)
    bms.set_lifetime(seconds)


SETTABLE: dict[str, Callable[[TinyBms, float], None]] = {
    "soc": TinyBms.set_soc,
    "soh": TinyBms.set_soh,
    "current": _set_current,
    "voltage": _set_voltage,
    "spread": _set_spread,
    "temp1": _set_temperature("temp1", "temp_ext_1_c", reg.TEMP_EXT_1),
    "temp2": _set_temperature("temp2", "temp_ext_2_c", reg.TEMP_EXT_2),
    "internal": _set_internal,
    "status": _set_status,
    "lifetime": _set_lifetime,
    "fault": lambda bms, value: bms.set_fault(_integer("fault", value) or None),
    "event": lambda bms, value: bms.log_event(_integer("event", value)),
}
"""Names that can be set while the simulator runs, in the units of the protocol's tables (%, A, V, mV, degC, s)."""


# ---- single registers ----


def _set_register(bms: TinyBms, address: int, value: int) -> None:
    check_settable(bms.registers, address, value, modelled=bms.pack is not None)
    if bms.faults.frozen and address in reg.LIVE:
        raise ValueError(f"reg.{address}: is frozen; end it with --fault frozen=0, or set force.{address}")
    bms.registers[address] = value


def _free_register(bms: TinyBms, address: int, value: int) -> None:
    _check(f"free.{address}", value, 1, 1)
    bms.registers.free(address)


OF_A_REGISTER: dict[str, Callable[[TinyBms, int, int], None]] = {
    "reg": _set_register,
    "force": lambda bms, address, value: bms.registers.force(address, value),
    "free": _free_register,
}
"""What can be done to a register N: ``reg.N=VALUE`` writes it; ``force.N=VALUE`` makes it read VALUE, whatever the
device writes there, until ``free.N=1``."""
