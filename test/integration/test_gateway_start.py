"""From power-on to the first frame."""

from pathlib import Path

import pytest

from tinybms_gateway.demo.demo_impl import gateway_stack
from watch import collect, has_id, open_bus, wait_for


def test_nothing_is_sent_before_the_bms_has_answered_and_limits_go_first() -> None:
    with gateway_stack(faults=("silence",)) as stack, open_bus(stack.can_backend) as bus:
        assert collect(bus, 3.5) == []
        assert any("silent" in line for line in stack.gateway.lines)
        stack.bms.faults.set("silence", 0)
        assert wait_for(bus, lambda _: True, 5.0).arbitration_id == 0x351


def test_nothing_is_sent_while_the_bms_refuses_every_request() -> None:
    with gateway_stack(faults=("nack",)) as stack, open_bus(stack.can_backend) as bus:
        assert collect(bus, 3.0) == []


def test_a_sleeping_bms_is_woken_up() -> None:
    with gateway_stack(asleep=True) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 3.0)


@pytest.mark.parametrize("register", [300, 307], ids=["full voltage", "number of cells"])
def test_without_a_charge_voltage_nothing_is_sent(register: int, real_dump: Path) -> None:
    with gateway_stack(dump=real_dump, faults=("silence",)) as stack, open_bus(stack.can_backend) as bus:
        stack.bms.bms.registers[register] = 0
        stack.bms.bms.registers[53] = 0
        stack.bms.faults.set("silence", 0)
        assert collect(bus, 3.0) == []
