"""Milliseconds overflow 31 bits after 24.9 days and 32 bits after 49.7 days; nothing on the wire may change then."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import can
import pytest

from support.instruments.watch import collect, command, has_id, limits, longest_gap, open_bus, raw_client, wait_for
from tinybms_gateway.gateway_stack import GatewayStack, gateway_stack

SCALE = 4.0
POLL_S, PERIOD_S, SILENT_S = 0.2, 1.0, 10.0
"""The newest snapshot may be a poll old when the BMS falls silent, and the last 0x351 up to a period before the end."""
OVERFLOWS = pytest.mark.parametrize("overflow_ms", [2**31, 2**32], ids=["2^31 ms", "2^32 ms"])


@contextmanager
def running(overflow_ms: int, seconds_before: float) -> Iterator[tuple[GatewayStack, can.BusABC]]:
    """A gateway whose clock overflows so many seconds after its start."""
    options = ("--start-uptime-ms", str(overflow_ms - int(seconds_before * 1000)))
    with gateway_stack(options=options, time_scale=SCALE) as stack, open_bus(stack.can_backend) as bus:
        yield stack, bus


@OVERFLOWS
def test_frames_keep_their_period(overflow_ms: int) -> None:
    with running(overflow_ms, 10.0) as (_, bus):
        times = [m.timestamp * SCALE for m in collect(bus, 20.0 / SCALE) if m.arbitration_id == 0x351]
    assert len(times) >= 17
    assert longest_gap(times) < 1.5


@OVERFLOWS
def test_silence_has_its_two_stages_and_an_end(overflow_ms: int) -> None:
    with running(overflow_ms, 7.0) as (stack, bus):
        wait_for(bus, has_id(0x351), 5.0)
        stack.bms.faults.set("silence", 1)
        start = time.time()
        frames = [m for m in collect(bus, 16.0 / SCALE) if m.arbitration_id == 0x351]
        silent_s = [(m.timestamp - start) * SCALE for m in frames]
        stopped = next(at for at, m in zip(silent_s, frames, strict=True) if limits(m)[1] == 0)
        assert 2.5 < stopped < 4.5
        assert SILENT_S - POLL_S - PERIOD_S < silent_s[-1] < SILENT_S + 1.0
        stack.bms.faults.set("silence", 0)
        assert limits(wait_for(bus, has_id(0x351), 4.0 / SCALE + 2.0))[1] > 0


@OVERFLOWS
def test_a_gx_that_leaves_is_missed_after_10_s(overflow_ms: int) -> None:
    with running(overflow_ms, 6.0) as (stack, bus):
        wait_for(bus, has_id(0x351), 5.0)
        bus.send(can.Message(arbitration_id=0x305, data=bytes(8), is_extended_id=False))
        deadline = time.monotonic() + 20.0 / SCALE + 5.0
        while not any("no keepalive" in line for line in stack.gateway.lines):
            assert time.monotonic() < deadline
            collect(bus, 0.1)
        assert any("keepalive OK" in line for line in stack.gateway.lines)
        assert longest_gap([m.timestamp * SCALE for m in collect(bus, 1.0) if m.arbitration_id == 0x351]) < 1.5


@OVERFLOWS
def test_a_bus_off_ends(overflow_ms: int) -> None:
    with running(overflow_ms, 4.0) as (stack, bus):
        wait_for(bus, has_id(0x351), 5.0)
        with raw_client(stack.can_backend) as client:
            assert command(client, "< fault busoff >") == b"< ok >"
        assert len([m for m in collect(bus, 8.0 / SCALE) if m.arbitration_id == 0x351]) >= 5
        assert any("recovered from bus-off" in line for line in stack.gateway.lines)
