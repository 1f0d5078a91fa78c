"""A battery that is too cold is blocked on the wire within a second, and released when it is warm again."""

import time
from itertools import pairwise

from support.instruments.watch import collect, drain, has_id, limits, open_bus, wait_for
from tinybms_gateway.gateway_stack import gateway_stack

SCALE = 2.0


def test_minus_5_degc_stops_charging_within_1_s_and_warmth_releases_it_slowly() -> None:
    """Register 320 is 0 degC. 16 x 3.375 V while charging is inhibited; CCL stays down for 30 s, then rises 5 A/s."""
    with gateway_stack(scenario="rest", time_scale=SCALE) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        collect(bus, 1.0)
        with stack.bms.lock:
            drain(bus)
            start = time.time()
            for sensor in ("temp1", "temp2"):
                stack.bms.bms.set_value(sensor, -5.0)
        blocked = wait_for(bus, lambda m: m.arbitration_id == 0x351 and limits(m)[1] == 0, 5.0)
        assert (blocked.timestamp - start) * SCALE < 1.0
        cvl, _, dcl = limits(blocked)
        assert cvl == 540 and dcl > 0

        with stack.bms.lock:
            drain(bus)
            start = time.time()
            for sensor in ("temp1", "temp2"):
                stack.bms.bms.set_value(sensor, 15.0)
        released = wait_for(bus, lambda m: m.arbitration_id == 0x351 and limits(m)[1] > 0, 40.0 / SCALE)
        assert 29.0 < (released.timestamp - start) * SCALE < 33.0
        rising = [limits(m)[1] for m in collect(bus, 5.0 / SCALE) if m.arbitration_id == 0x351]
        assert rising == sorted(rising)
        assert all(0 <= later - earlier <= 75 for earlier, later in pairwise(rising)), "5 A/s"
