"""Silence must be safe: what the GX is told when the BMS does not answer any more."""

import time

from tinybms_gateway.demo.demo_impl import gateway_stack
from watch import collect, drain, has_id, limits, open_bus, wait_for

SCALE = 4.0


def test_charging_stops_after_3_s_of_silence_and_every_frame_after_10_s() -> None:
    with gateway_stack(time_scale=SCALE) as stack, open_bus(stack.can_backend) as bus:
        before = limits(wait_for(bus, has_id(0x351), 5.0))
        collect(bus, 2.0)
        stack.bms.faults.set("silence", 1)
        start = time.time()
        frames = collect(bus, 16.0 / SCALE)
        silent_s = {id(m): (m.timestamp - start) * SCALE for m in frames}

        sent = [(silent_s[id(m)], limits(m)) for m in frames if m.arbitration_id == 0x351]
        stopped = next(at for at, (_, ccl, _) in sent if ccl == 0)
        assert 2.5 < stopped < 4.5
        for at, (cvl, ccl, dcl) in sent:
            assert (cvl, dcl) == (before[0], before[2]), "CVL and DCL are held"
            assert ccl == (before[1] if at < stopped else 0)
        status = [(silent_s[id(m)], m.data[7] >> 2 & 3, m.data[6] >> 6) for m in frames if m.arbitration_id == 0x35A]
        for at, online, warning in status:
            if at > stopped + 0.5:
                assert (online, warning) == (1, 1), "offline, warning 'BMS internal' active"
        last = max(silent_s.values())
        assert 9.0 < last < 11.0, "no frame is sent once the data is 10 s old"
        assert any("nothing is sent" in line for line in stack.gateway.lines)


def test_the_first_answer_after_a_silence_counts_at_once() -> None:
    with gateway_stack(time_scale=SCALE) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        stack.bms.faults.set("silence", 1)
        collect(bus, 14.0 / SCALE)
        drain(bus)
        with stack.bms.lock:
            stack.bms.bms.set_value("soc", 33.0)
        stack.bms.faults.set("silence", 0)
        first = wait_for(bus, lambda _: True, 4.0 / SCALE + 2.0)
        assert first.arbitration_id == 0x351
        assert limits(first)[1] > 0
        charge = wait_for(bus, has_id(0x355), 2.0)
        assert charge.data[0] == 33
