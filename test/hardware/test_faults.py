"""Something goes wrong: the UART is unplugged, the BMS raises an alarm, the GX falls silent."""

import time

import pytest

from support.fixtures.rig import Rig, Seen
from support.instruments.watch import limits, longest_gap, pairs

pytestmark = pytest.mark.needs("can", "simulator")

ACTIVE, OK = 1, 2
GENERAL, HIGH_VOLTAGE, LOW_VOLTAGE, HIGH_TEMPERATURE = 0, 1, 2, 3
BMS_INTERNAL_WARNING = 16 + 11
STALE_S, SILENT_S = 3.0, 10.0
POLL_S, PERIOD_S = 0.2, 1.0
LATE_S = 1.0
"""Of time measured on a busy machine, whose frames are stamped when they are read."""
WITHIN_S = 1.0
"""From a fault of the BMS to the frames that tell of it."""


def charging_is_stopped(frame: Seen) -> bool:
    return frame.id == 0x351 and limits(frame.message)[1] == 0


def discharging_is_stopped(frame: Seen) -> bool:
    return frame.id == 0x351 and limits(frame.message)[2] == 0


def running(rig: Rig) -> None:
    """Everything is well: charging and discharging are allowed."""
    rig.wait_for(lambda frame: frame.id == 0x351 and min(limits(frame.message)[1:]) > 0, 15.0)


@pytest.mark.time_scale(3)
def test_without_the_bms_charging_stops_after_3_s_and_every_frame_after_10_s_until_it_is_back(rig: Rig) -> None:
    running(rig)
    rig.bms.unplug()
    pulled, seen = time.monotonic(), len(rig.traffic.frames)
    stopped = rig.wait_for(charging_is_stopped, STALE_S + PERIOD_S, seen)
    assert (stopped.at - pulled) * rig.scale > STALE_S - POLL_S - 0.1
    assert (stopped.at - pulled) * rig.scale < STALE_S + PERIOD_S + LATE_S * rig.scale
    rig.wait_for(lambda frame: frame.id == 0x35A and pairs(frame.message)[BMS_INTERNAL_WARNING] == ACTIVE, 2.0, seen)
    rig.expect("PGN publication stopped", SILENT_S + 2.0)
    rig.frames_of(0.5)
    frames = rig.traffic.since(seen)
    last = max(frame.at for frame in frames)
    assert SILENT_S - 2 * PERIOD_S < (last - pulled) * rig.scale < SILENT_S + 0.5 + LATE_S * rig.scale
    assert all(charging_is_stopped(frame) for frame in frames if frame.id == 0x351 and frame.at >= stopped.at)
    assert rig.frames_of(2 * PERIOD_S) == [], "no frame at all"

    seen = len(rig.traffic.frames)
    rig.bms.plug()
    assert rig.wait_for(lambda _: True, 10.0, seen).id == 0x351, "limits go first"
    rig.expect("PGN publication started")
    running(rig)


def test_a_fault_of_the_bms_raises_its_alarm_and_stops_what_it_forbids_within_1_s(rig: Rig) -> None:
    """As the protocol of the TinyBMS numbers them: over-voltage, under-voltage, over-temperature, recovery."""
    running(rig)
    for event, recovery, alarm, stops in (
        (0x03, 0x79, HIGH_VOLTAGE, (True, False)),
        (0x02, 0x7B, LOW_VOLTAGE, (False, True)),
        (0x04, 0x73, HIGH_TEMPERATURE, (True, True)),
    ):
        with rig.bms.lock:
            seen, start = len(rig.traffic.frames), time.monotonic()
            rig.bms.bms.set_fault(event)

        def told(frame: Seen, alarm: int = alarm) -> bool:
            fields = pairs(frame.message)[:13] if frame.id == 0x35A else []
            return bool(fields) and {n for n, pair in enumerate(fields) if pair == ACTIVE} == {GENERAL, alarm}

        within_s = WITHIN_S + (0 if rig.target == "esp32" else LATE_S)
        assert rig.wait_for(told, WITHIN_S, seen).at - start < within_s, f"event 0x{event:02X}"
        for forbidden, stopped in zip(stops, (charging_is_stopped, discharging_is_stopped), strict=True):
            if forbidden:
                assert rig.wait_for(stopped, WITHIN_S, seen).at - start < within_s, f"event 0x{event:02X}"
        with rig.bms.lock:
            rig.bms.bms.log_event(recovery)
            rig.bms.bms.set_fault(None)
        rig.wait_for(lambda frame: frame.id == 0x35A and ACTIVE not in pairs(frame.message)[:13], 3.0)


@pytest.mark.time_scale(6)
def test_after_a_fault_both_limits_rise_again(rig: Rig) -> None:
    """30 s after the last fall, as the factory's settings say."""
    running(rig)
    with rig.bms.lock:
        seen = len(rig.traffic.frames)
        rig.bms.bms.set_fault(0x04)
    rig.wait_for(lambda frame: charging_is_stopped(frame) and discharging_is_stopped(frame), 5.0, seen)
    with rig.bms.lock:
        rig.bms.bms.set_fault(None)
    rig.wait_for(lambda frame: frame.id == 0x351 and min(limits(frame.message)[1:]) > 0, 45.0)


@pytest.mark.time_scale(3)
def test_a_gx_that_falls_silent_is_told_of_in_the_log_and_frames_are_sent_on(rig: Rig) -> None:
    rig.expect("keepalive OK", 15.0)
    running(rig)
    seen = len(rig.traffic.frames)
    rig.keepalive(False)
    rig.expect("no keepalive (0x305)", 12.0)
    rig.keepalive(True)
    rig.expect("keepalive OK", 5.0)
    sent = [frame.message.timestamp for frame in rig.traffic.since(seen) if frame.id == 0x351]
    assert longest_gap(sent) * rig.scale < 3.0
