"""Damaged answers, ASCII lines and slow answers on the serial line."""

from support.instruments.watch import collect, limits, open_bus
from tinybms_gateway.gateway_stack import gateway_stack


def test_values_stay_true_on_a_bad_line() -> None:
    """A damaged answer must never reach the bus: the simulated values stand still, so must the frames; the limits of
    the current rise after the start.
    """
    with (
        gateway_stack(faults=("flip=0.002", "truncate=0.1", "noise=0.3"), seed=7, scenario="rest") as stack,
        open_bus(stack.can_backend) as bus,
    ):
        frames = collect(bus, 10.0)
    contents = {identifier: set() for identifier in (0x355, 0x356, 0x35A, 0x373)}
    for message in frames:
        if message.arbitration_id in contents:
            contents[message.arbitration_id].add(bytes(message.data))
    assert {identifier: len(seen) for identifier, seen in contents.items()} == dict.fromkeys(contents, 1)
    sent = [limits(m) for m in frames if m.arbitration_id == 0x351]
    assert sent == sorted(sent) and {cvl for cvl, _, _ in sent} == {540}


def test_ascii_broadcast_lines_do_no_harm() -> None:
    with gateway_stack(faults=("broadcast=0.1",)) as stack, open_bus(stack.can_backend) as bus:
        times = [m.timestamp for m in collect(bus, 6.0) if m.arbitration_id == 0x351]
        assert stack.bms.answers >= stack.bms.requests - 1
    assert len(times) >= 5


def test_slow_answers_within_the_timeout_are_taken() -> None:
    with gateway_stack(faults=("slow=100",)) as stack, open_bus(stack.can_backend) as bus:
        times = [m.timestamp for m in collect(bus, 5.0) if m.arbitration_id == 0x351]
    assert len(times) >= 3
