"""Silence must be safe, on the wire: the BMS, the gateway or the GX falls silent, and what the GX is told then.

The simulated pack's own registers give the limits: 318 = 100 A and 317 = 120 A, of which 90 % are used:
90.0 and 108.0 A.
All times are those of the gateway; `SCALE` makes them pass faster than those of the test.
"""

import can

from support.instruments.silence import ACTIVE, be_silent, measure_silence
from support.instruments.watch import collect, drain, has_id, limits, longest_gap, open_bus, pairs, wait_for
from tinybms_gateway.gateway_process import GatewayProcess
from tinybms_gateway.gateway_stack import gateway_stack

SCALE = 5.0
CCL, DCL = 900, 1080
RAMP_S = 30.0
ONLINE, OFFLINE = 2, 1


def status(message: can.Message) -> int:
    return pairs(message)[29]


def active(frames: list[can.Message]) -> set[int]:
    """Alarm and warning fields that were active in any of the frames."""
    return {n for m in frames if m.arbitration_id == 0x35A for n, pair in enumerate(pairs(m)[:29]) if pair == ACTIVE}


def ramp(full: int, percent: int, seconds: float) -> float:
    """A ramp from a percentage to all in 30 s."""
    done = min(max(seconds / RAMP_S, 0.0), 1.0)
    return full * (percent / 100 + (1 - percent / 100) * done)


def assert_ramp(frames: list[can.Message], start: float, field: int, full: int, percent: int) -> None:
    """A limit of 0x351 follows the ramp from a start on; a frame carries what was read at most 1 s before."""
    seen = [((m.timestamp - start) * SCALE, limits(m)[field]) for m in frames if m.arbitration_id == 0x351]
    assert len(seen) >= 25
    for at, value in seen:
        if at > 0:
            assert ramp(full, percent, at - 1.0) - 2 <= value <= ramp(full, percent, at + 0.5) + 1, (at, value)
    assert seen[-1][1] == full


def back(frames: list[can.Message], answering_again: float) -> float:
    """When the GX heard of the first answer after a silence: the BMS is asked at least once a second."""
    online = next(m.timestamp for m in frames if m.arbitration_id == 0x35A and status(m) == ONLINE)
    assert (online - answering_again) * SCALE < 3.0
    return online


def running_at_full_limits(bus: can.BusABC, scale: float = SCALE) -> None:
    wait_for(bus, lambda m: m.arbitration_id == 0x351 and limits(m)[1:] == (CCL, DCL), RAMP_S / scale + 10.0)


def test_the_two_stages_of_silence_come_within_300_ms_of_their_time() -> None:
    seen = measure_silence()
    print(f"stage one: CCL 0 after {seen.stopped_s:.3f} s, warning after {seen.warned_s:.3f} s; "
          f"stage two: last frame at {seen.last_s:.3f} s")  # fmt: skip
    assert 2.7 <= seen.stopped_s <= 3.3
    assert 2.7 <= seen.warned_s <= 3.3
    held = [sent for at, sent in seen.limits if at < seen.stopped_s][-1]
    silent = [sent for at, sent in seen.limits if at >= seen.stopped_s]
    assert {(cvl, ccl) for cvl, ccl, _ in silent} == {(held[0], 0)}
    (dcl,) = {dcl for _, _, dcl in silent}
    assert abs(dcl - held[2]) <= 35, "DCL is held; between two frames its start-up ramp goes 3.3 A"
    for at, message in seen.alarms:
        if at >= seen.warned_s:
            assert (status(message), active([message])) == (OFFLINE, {16, 16 + 11}), (
                "general and BMS internal, warnings"
            )
        else:
            assert (status(message), active([message])) == (ONLINE, set())
    assert 8.7 <= seen.last_s <= 10.3, "0x351 goes every second: the last frame is at most 1 s before 10 s"
    assert any("nothing is sent" in line for line in seen.lines)


def test_after_stage_one_charging_alone_ramps_from_zero() -> None:
    with gateway_stack(scenario="rest", time_scale=SCALE) as stack, open_bus(stack.can_backend) as bus:
        running_at_full_limits(bus)
        be_silent(stack, True)
        cvl = limits(wait_for(bus, lambda m: m.arbitration_id == 0x351 and limits(m)[1] == 0, 5.0))[0]
        collect(bus, 2.0 / SCALE)
        drain(bus)
        answering_again = be_silent(stack, False)
        frames = collect(bus, (RAMP_S + 5.0) / SCALE)
    assert_ramp(frames, back(frames, answering_again), 1, CCL, 0)
    held = [limits(m) for m in frames if m.arbitration_id == 0x351]
    assert {dcl for _, _, dcl in held} == {DCL}
    assert held[0][0] == cvl and [c for c, _, _ in held] == sorted(c for c, _, _ in held), "CVL goes on rising slowly"


def test_after_stage_two_both_directions_ramp_from_a_tenth_and_0x351_comes_first() -> None:
    with gateway_stack(scenario="rest", time_scale=SCALE) as stack, open_bus(stack.can_backend) as bus:
        running_at_full_limits(bus)
        be_silent(stack, True)
        collect(bus, 12.0 / SCALE)
        drain(bus)
        assert collect(bus, 6.0 / SCALE) == [], "no frame at all"
        with stack.bms.lock:
            stack.bms.bms.set_value("soc", 33.0)
        answering_again = be_silent(stack, False)
        frames = collect(bus, (RAMP_S + 5.0) / SCALE)
    assert frames[0].arbitration_id == 0x351
    start = back(frames, answering_again)
    assert_ramp(frames, start, 1, CCL, 10)
    assert_ramp(frames, start, 2, DCL, 10)
    assert next(m for m in frames if m.arbitration_id == 0x355).data[0] == 33, "nothing of before the silence is sent"
    assert active(frames) == set()


def test_a_reset_of_the_bms_changes_nothing() -> None:
    scale = 3.0  # it takes 1.5 s, half of the way to stage one: a busy machine needs the rest
    with gateway_stack(scenario="rest", time_scale=scale) as stack, open_bus(stack.can_backend) as bus:
        running_at_full_limits(bus, scale)
        with stack.bms.lock:
            stack.bms.bms.reset(stack.bms.now())
        frames = collect(bus, 10.0 / scale)
    assert {limits(m)[1:] for m in frames if m.arbitration_id == 0x351} == {(CCL, DCL)}
    assert active(frames) == set()
    assert {status(m) for m in frames if m.arbitration_id == 0x35A} == {ONLINE}


def test_a_restarted_gateway_ramps_from_a_tenth_and_gives_no_false_alarm() -> None:
    with gateway_stack(scenario="rest", time_scale=SCALE) as stack:
        with open_bus(stack.can_backend) as bus:
            running_at_full_limits(bus)
        assert stack.gateway.stop() == 0
        again = GatewayProcess(stack.bms.link, stack.gateway.data, "--time-scale", str(SCALE))
        with again, open_bus(again.can_backend()) as bus:
            first = wait_for(bus, has_id(0x351), 5.0)
            frames = [first, *collect(bus, (RAMP_S + 3.0) / SCALE)]
    assert_ramp(frames, first.timestamp, 1, CCL, 10)
    assert_ramp(frames, first.timestamp, 2, DCL, 10)
    assert active(frames) == set()


def test_a_gx_that_reboots_for_9_minutes_is_warned_of_in_the_log_and_nothing_else_changes() -> None:
    """The BMS may be silent for longer than usual here: 3 s are too short for a busy machine at this scale."""
    scale = 10.0
    patient = ("--set", "data.stale_ms=8000", "--set", "data.silent_ms=60000")
    keepalive = can.Message(arbitration_id=0x305, data=bytes(8), is_extended_id=False)
    with (
        gateway_stack(scenario="rest", time_scale=scale, options=patient) as stack,
        open_bus(stack.can_backend) as bus,
    ):
        bus.send(keepalive)
        running_at_full_limits(bus, scale)
        frames = collect(bus, 9 * 60 / scale)
        assert sum("no keepalive" in line for line in stack.gateway.lines) == 1
        bus.send(keepalive)
        frames += collect(bus, 5.0 / scale)
    assert sum("keepalive OK" in line for line in stack.gateway.lines) >= 1
    assert {limits(m)[1:] for m in frames if m.arbitration_id == 0x351} == {(CCL, DCL)}
    assert active(frames) == set()
    assert longest_gap([m.timestamp * scale for m in frames if m.arbitration_id == 0x351]) < 3.0
