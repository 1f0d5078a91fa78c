"""The TinyBMS of the closed loop: registers, switches, balancing, by the maker's description."""

import struct

import numpy as np
import pytest

from tinybms_gateway.sim.bms.device import DEFAULT_SETTINGS
from tinybms_gateway.sim.system.bms import SystemBms

REST = [3.300] * 16


class Device:
    """A device that is fed seconds."""

    def __init__(self, **settings: int) -> None:
        self.bms = SystemBms(DEFAULT_SETTINGS | {int(k[1:]): v for k, v in settings.items()}, 16, 50.0)
        self.second = 0

    def feed(self, cells: list[float] = REST, current: float = 0.0, celsius: float = 25.0, *, pushed: bool = False,
             seconds: int = 1) -> SystemBms:  # fmt: skip
        for _ in range(seconds):
            self.bms.step(self.second, np.array(cells), current, celsius, pushed)
            self.second += 1
        return self.bms

    @property
    def switches(self) -> tuple[bool, bool]:
        """Charge, discharge: closed."""
        return self.bms.charge_closed, self.bms.discharge_closed

    @property
    def events(self) -> list[int]:
        return [event for _, event in self.bms.events]


def with_cell(volts: float) -> list[float]:
    return [*REST[:5], volts, *REST[6:]]


def test_registers_carry_the_measurements_as_the_protocol_says() -> None:
    live = Device().feed(with_cell(3.34567), -12.5, -3.2).live
    words = struct.pack("<56H", *live)
    assert live[5] == 33457
    assert (live[40], live[41], live[53]) == (3300, 3345, 16)
    assert struct.unpack_from("<f", words, 72)[0] == pytest.approx(15 * 3.3 + 3.34567, abs=1e-4)
    assert struct.unpack_from("<f", words, 76)[0] == -12.5
    assert struct.unpack_from("<hh", words, 84) == (-32, -32)
    assert live[50] == 0x93


def test_with_fewer_cells_the_last_registers_are_used() -> None:
    bms = SystemBms(DEFAULT_SETTINGS, 14, 50.0)
    bms.step(0, np.full(14, 3.7), 0.0, 25.0, False)
    assert bms.live[:3].tolist() == [0, 0, 37000]


def test_the_lifetime_counter_goes_on_by_a_second_each_step() -> None:
    device = Device()
    ages = [struct.unpack("<I", struct.pack("<2H", *device.feed().live[32:34]))[0] for _ in range(70_000)]
    assert ages == list(range(1000, 71_000)), "also where its low word comes round"


def test_register_36_is_the_sum_of_the_cells_times_its_gain() -> None:
    bms = SystemBms(DEFAULT_SETTINGS, 16, 50.0, pack_gain=1.01)
    bms.step(0, np.full(16, 3.3), 0.0, 25.0, False)
    assert struct.unpack("<f", struct.pack("<2H", *bms.live[36:38]))[0] == pytest.approx(52.8 * 1.01, abs=1e-4)
    assert (bms.live[40], bms.live[0]) == (3300, 33000), "the cells are as they are"


def test_events_that_hold_are_told_oldest_first_and_the_newest_alone() -> None:
    device = Device()
    device.feed(with_cell(2.79), celsius=61.0)
    device.feed([*with_cell(2.79)[:15], 3.66], celsius=61.0)
    assert (device.bms.fault_events, device.bms.fault_event) == ([0x02, 0x04, 0x03], 0x03)
    device.feed(with_cell(2.79))
    assert (device.bms.fault_events, device.bms.fault_event) == ([0x02], 0x02)
    device.feed()
    assert (device.bms.fault_events, device.bms.fault_event) == ([], 0)


def test_charge_is_counted_against_the_capacity_of_register_306() -> None:
    bms = Device().feed(current=28.0, seconds=3600)
    assert bms.soc_percent == pytest.approx(60.0)
    assert struct.unpack_from("<I", struct.pack("<2H", *bms.live[46:48]))[0] == pytest.approx(60e6, abs=100)


def test_over_voltage_opens_the_charge_switch_alone_and_recovers_50_mv_below() -> None:
    device = Device()
    assert device.feed(with_cell(3.6499)).charge_closed
    device.feed(with_cell(3.6501))
    assert (device.switches, device.bms.fault_event, device.bms.live[50]) == ((False, True), 0x03, 0x9B)
    device.feed(with_cell(3.6001))
    assert not device.bms.charge_closed
    device.feed(with_cell(3.5999))
    assert (device.switches, device.events, device.bms.fault_event) == ((True, True), [0x03, 0x79], 0)


def test_under_voltage_opens_the_discharge_switch_alone() -> None:
    device = Device()
    device.feed(with_cell(2.7999))
    assert (device.switches, device.bms.fault_event) == ((True, False), 0x02)
    device.feed(with_cell(2.9501))
    assert (device.switches, device.events) == ((True, True), [0x02, 0x7B])


def test_fully_discharged_opens_the_discharge_switch_after_5_s() -> None:
    device = Device()
    assert device.feed(with_cell(2.8999), seconds=4).discharge_closed
    assert not device.feed(with_cell(2.8999)).discharge_closed
    device.feed(with_cell(2.9501))
    assert device.events == [0x31, 0x7A]


def test_heat_opens_both_switches() -> None:
    device = Device()
    device.feed(celsius=60.0)
    assert device.switches == (False, False)
    device.feed(celsius=57.9)
    assert (device.switches, device.events) == ((True, True), [0x04, 0x73])


def test_cold_opens_the_charge_switch_and_is_a_fault_when_something_pushes() -> None:
    device = Device()
    device.feed(celsius=-5.0)
    device.feed(celsius=0.1, pushed=True)
    assert (device.switches, device.events) == ((True, True), [])
    device.feed(celsius=0.0, pushed=True)
    assert (device.switches, device.events, device.bms.live[50]) == ((False, True), [0x37], 0x9B)
    device.feed(celsius=2.1)
    assert (device.switches, device.events) == ((True, True), [0x37, 0x74])


def test_over_currents_open_their_switch_for_the_seconds_of_register_332() -> None:
    device = Device(r317=100, r318=80, r330=0x0200, r332=3)
    device.feed(current=81.0)
    assert device.switches == (False, True)
    assert device.feed(seconds=3).charge_closed
    assert device.feed(current=-101.0, seconds=2).discharge_closed
    assert not device.feed(current=-101.0).discharge_closed
    assert device.feed(seconds=3).discharge_closed
    assert device.events == [0x06, 0x76, 0x05, 0x77]


def test_full_is_a_cell_at_register_300_with_little_current_for_10_s() -> None:
    device = Device()
    device.feed(with_cell(3.55), 5.1, seconds=20)
    device.feed(with_cell(3.544), 4.9, seconds=20)
    device.feed(with_cell(3.55), -0.1, seconds=20)
    device.feed(with_cell(3.55), 4.9, seconds=9)
    assert not device.bms.full
    device.feed(with_cell(3.55), 4.9)
    assert (device.switches, device.events, device.bms.soc_percent) == ((False, True), [0x63], 100.0)
    device.feed(with_cell(3.50))
    assert device.bms.live[50] == 0x92


def test_when_full_the_charge_switch_waits_for_the_restart_level() -> None:
    device = Device(r321=90)
    device.feed(with_cell(3.55), 1.0, seconds=10)
    device.feed(current=-28.0, seconds=3500)
    assert not device.bms.charge_closed
    device.feed(current=-28.0, seconds=110)
    assert device.bms.charge_closed


def test_without_the_restart_level_the_voltage_decides() -> None:
    device = Device(r329=0)
    device.feed(with_cell(3.55), 1.0, seconds=10)
    device.feed(with_cell(3.451))
    assert not device.bms.charge_closed
    device.feed(with_cell(3.449))
    assert device.bms.charge_closed


def test_balancing_drains_the_cells_that_are_further_above_the_lowest_than_allowed() -> None:
    device = Device(r303=3400, r308=20)
    device.feed([3.40] * 14 + [3.419, 3.421])
    assert np.asarray(device.bms.bleed_a).tolist() == [0.0] * 15 + [0.15]
    device.feed([3.30] * 14 + [3.30, 3.399])
    assert not np.any(device.bms.bleed_a), "below register 303"
    device.feed([3.40] * 15 + [3.45], current=-5.0)
    assert not np.any(device.bms.bleed_a), "discharging"
