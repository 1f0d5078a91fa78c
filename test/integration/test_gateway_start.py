"""From power-on to the first frame."""

import re
from pathlib import Path

import pytest

from support.instruments.watch import collect, has_id, open_bus, wait_for
from tinybms_gateway.gateway_stack import gateway_stack


def test_nothing_is_sent_before_the_bms_has_answered_and_limits_go_first() -> None:
    with gateway_stack(faults=("silence",)) as stack, open_bus(stack.can_backend) as bus:
        assert collect(bus, 3.5) == []
        assert any("has not answered" in line for line in stack.gateway.lines)
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


def test_each_step_up_to_the_first_frame_tells_its_share_in_the_debug_log() -> None:
    with gateway_stack(options=("--log-level", "debug")) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 3.0)
        lines = [line for line in stack.gateway.lines if ": start: " in line]
    shares = [re.fullmatch(r"D \(\d+\) (\w+): start: (.+?),? (?:took|after) (\d+) (us|ms)", line) for line in lines]
    assert [share and (share[1], share[2], share[4]) for share in shares] == [
        ("main", "the system after the boot loader", "us"),
        ("main", "settings", "us"),
        ("main", "event bus and diagnostics", "us"),
        ("main", "CAN", "us"),
        ("main", "battery and its counters", "us"),
        ("main", "serial line", "us"),
        ("uart_bms", "first live block", "ms"),
        ("uart_bms", "first live block with settings", "ms"),
    ]
