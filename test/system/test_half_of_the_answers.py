"""Five minutes on a line on which half of the answers are damaged, cut off or lost."""

import re

import pytest

from support.instruments.watch import collect, longest_gap, open_bus
from tinybms_gateway.gateway_stack import gateway_stack

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
