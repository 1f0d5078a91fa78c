"""Faults of the BMS reach the GX at once."""

import pytest

from tinybms_gateway.demo.demo_impl import gateway_stack
from watch import collect, drain, has_id, limits, open_bus, wait_for

STATUS = 0x9B


@pytest.mark.parametrize(
    ("event", "ccl_stops", "dcl_stops", "byte", "bits"),
    [
        (0x03, True, False, 0, 0b01 << 2),  # over-voltage: alarm high voltage
        (0x02, False, True, 0, 0b01 << 4),  # under-voltage: alarm low voltage
        (0x04, True, True, 0, 0b01 << 6),  # over-temperature: alarm high temperature
        (0x05, False, True, 1, 0b01 << 6),  # discharge over-current
        (0x06, True, False, 2, 0b01 << 0),  # charge over-current
        (0x0B, True, True, 2, 0b01 << 6),  # charger switch error: BMS internal
    ],
)
def test_a_fault_stops_the_direction_it_forbids_and_raises_its_alarm(
    event: int, ccl_stops: bool, dcl_stops: bool, byte: int, bits: int
) -> None:
    with gateway_stack() as stack, open_bus(stack.can_backend) as bus:
        healthy = limits(wait_for(bus, has_id(0x351), 5.0))
        collect(bus, 1.0)
        drain(bus)
        with stack.bms.lock:
            stack.bms.bms.set_fault(event)
        wait_for(bus, lambda m: m.arbitration_id == 0x351 and 0 in limits(m), 0.9)
        collect(bus, 1.5)
        _, ccl, dcl = limits(wait_for(bus, has_id(0x351), 2.0))
        alarms = wait_for(bus, has_id(0x35A), 2.0)
        assert (ccl == 0, dcl == 0) == (ccl_stops, dcl_stops)
        assert alarms.data[byte] >> (bits.bit_length() - 1) & 3 == 1
        assert alarms.data[0] & 3 == 1, "general alarm"
        assert alarms.data[7] >> 2 & 3 == 1, "offline"
        with stack.bms.lock:
            stack.bms.bms.set_fault(None)
        wait_for(bus, lambda m: m.arbitration_id == 0x351 and limits(m) == healthy, 3.0)
        wait_for(bus, lambda m: m.arbitration_id == 0x35A and m.data[7] >> 2 & 3 == 2, 3.0)


def test_a_limit_that_falls_in_the_settings_is_told_after_the_next_reading() -> None:
    with gateway_stack(time_scale=8.0) as stack, open_bus(stack.can_backend) as bus:
        assert limits(wait_for(bus, has_id(0x351), 5.0)) == (568, 1000, 1200)
        with stack.bms.lock:
            stack.bms.bms.registers[318] = 40
            stack.bms.bms.registers[300] = 3450
        wait_for(bus, lambda m: m.arbitration_id == 0x351 and limits(m) == (552, 400, 1200), 70 / 8.0 + 2)
