"""A line on which half of the answers are damaged, cut off or lost."""

import re

import pytest

from tinybms_gateway.demo.demo_impl import gateway_stack
from watch import collect, limits, longest_gap, open_bus

SCALE = 4.0
SECONDS = 300.0


@pytest.mark.timeout(300)
def test_with_half_of_the_answers_bad_limits_never_pause_and_are_hardly_ever_a_second_old() -> None:
    with (
        gateway_stack(
            faults=("corrupt=0.5", "noise=0.1", "broadcast=0.7"),
            seed=2026,
            time_scale=SCALE,
            options=("--log-level", "debug"),
        ) as stack,
        open_bus(stack.can_backend) as bus,
    ):
        frames = collect(bus, SECONDS / SCALE)
        answers, requests = stack.bms.answers, stack.bms.requests
        lines = list(stack.gateway.lines)
    times = [m.timestamp * SCALE for m in frames if m.arbitration_id == 0x351]
    ages = sorted(int(found[1]) for line in lines if (found := re.search(r"0x351 sent, .* is (\d+) ms old", line)))
    assert requests > 1500
    assert answers < 0.9 * requests
    assert times[-1] - times[0] > 0.95 * SECONDS
    assert longest_gap(times) < 3.0
    assert len(ages) >= 0.95 * SECONDS
    assert ages[len(ages) * 99 // 100] < 1000


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
    assert sent == sorted(sent) and {cvl for cvl, _, _ in sent} == {568}


def test_ascii_broadcast_lines_do_no_harm() -> None:
    with gateway_stack(faults=("broadcast=0.1",)) as stack, open_bus(stack.can_backend) as bus:
        times = [m.timestamp for m in collect(bus, 6.0) if m.arbitration_id == 0x351]
        assert stack.bms.answers >= stack.bms.requests - 1
    assert len(times) >= 5


def test_slow_answers_within_the_timeout_are_taken() -> None:
    with gateway_stack(faults=("slow=100",)) as stack, open_bus(stack.can_backend) as bus:
        times = [m.timestamp for m in collect(bus, 5.0) if m.arbitration_id == 0x351]
    assert len(times) >= 3
