"""Faults of the BMS reach the GX at once."""

import time

import can
import pytest

from support.instruments.watch import collect, drain, has_id, limits, open_bus, pairs, wait_for
from tinybms_gateway.bms.event_order import EventOrder
from tinybms_gateway.gateway_stack import gateway_stack

GENERAL = 0


def active_alarms(message: can.Message) -> set[int]:
    """Numbers of the alarm fields of a frame 0x35A that are active, as the protocol numbers them."""
    return {n for n, pair in enumerate(pairs(message)[:13]) if pair == 1}


def online(message: can.Message) -> bool:
    return pairs(message)[29] == 2


def stopped(message: can.Message) -> tuple[int, bool, bool]:
    """CVL of a frame 0x351, and whether charging and discharging are forbidden."""
    cvl, ccl, dcl = limits(message)
    return cvl, ccl == 0, dcl == 0


@pytest.mark.parametrize("order", EventOrder, ids=lambda order: order.value)
@pytest.mark.parametrize(
    ("event", "ccl_stops", "dcl_stops", "alarm"),
    [
        (0x03, True, False, 1),  # over-voltage: high voltage
        (0x02, False, True, 2),  # under-voltage: low voltage
        (0x04, True, True, 3),  # over-temperature: high temperature
        (0x05, False, True, 7),  # discharge over-current
        (0x06, True, False, 8),  # charge over-current
        (0x0B, True, True, 11),  # charger switch error: BMS internal
    ],
)
def test_a_fault_stops_the_direction_it_forbids_and_raises_its_alarm_and_nothing_else(
    event: int, ccl_stops: bool, dcl_stops: bool, alarm: int, order: EventOrder
) -> None:
    """CVL is 16 x 3.375 V: where it begins, and where it is while charging is forbidden."""
    expected = (540, ccl_stops, dcl_stops)
    with gateway_stack(event_order=order) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        collect(bus, 1.0)
        with stack.bms.lock:
            drain(bus)
            start = time.time()
            stack.bms.bms.set_fault(event)
        frames = collect(bus, 2.5)
        first = next(m for m in frames if m.arbitration_id == 0x351 and stopped(m) == expected)
        assert first.timestamp - start < 0.9
        for message in frames:
            if message.arbitration_id == 0x351:
                assert stopped(message) == (expected if message.timestamp >= first.timestamp else (540, False, False))
            if message.arbitration_id == 0x35A:
                assert active_alarms(message) in (set(), {GENERAL, alarm}), "never a wrong alarm, not even for a moment"
        last = [m for m in frames if m.arbitration_id == 0x35A][-1]
        assert active_alarms(last) == {GENERAL, alarm}
        assert not online(last)
        with stack.bms.lock:
            stack.bms.bms.set_fault(None)
        wait_for(bus, lambda m: m.arbitration_id == 0x35A and online(m) and not active_alarms(m), 3.0)


@pytest.mark.parametrize("order", EventOrder, ids=lambda order: order.value)
@pytest.mark.parametrize(
    ("earlier", "later", "stops", "alarm"),
    [
        (0x02, 0x03, 1, 1),  # under-voltage, then over-voltage: CCL, high voltage
        (0x03, 0x02, 2, 2),  # the other way round: DCL, low voltage
    ],
    ids=["over-voltage last", "under-voltage last"],
)
def test_the_later_of_two_faults_in_one_second_stops_what_it_forbids(
    earlier: int, later: int, stops: int, alarm: int, order: EventOrder
) -> None:
    """Their times are equal: only the order in which the BMS lists them tells which came later."""
    with gateway_stack(event_order=order) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        collect(bus, 1.0)
        with stack.bms.lock:
            drain(bus)
            stack.bms.bms.set_fault(earlier)
            stack.bms.bms.set_fault(later)
        frames = collect(bus, 2.5)
        limit_frames, alarm_frames = ([m for m in frames if m.arbitration_id == i] for i in (0x351, 0x35A))
        assert limits(limit_frames[-1])[stops] == 0
        assert alarm in active_alarms(alarm_frames[-1])


def test_a_limit_that_falls_in_the_settings_is_told_after_the_next_reading() -> None:
    """The settings are read again every 60 s. 40 A x 90 %; CVL goes down to 16 x 3.37 V."""
    with gateway_stack(time_scale=8.0) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, lambda m: m.arbitration_id == 0x351 and limits(m) == (540, 900, 1080), 40 / 8.0 + 5.0)
        with stack.bms.lock:
            stack.bms.bms.registers[318] = 40
            stack.bms.bms.registers[300] = 3370
        wait_for(bus, lambda m: m.arbitration_id == 0x351 and limits(m) == (539, 360, 1080), 80 / 8.0 + 2)
