"""What the GX sends."""

import numpy as np

from tinybms_gateway.can.database import hex_of
from tinybms_gateway.can.protocol import GX_FRAMES, KEEPALIVE_LOST_S
from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.can.verify.rules.base import (
    SECOND_US,
    VICTRON,
    WHAT_HAPPENS,
    FrameRule,
    Gap,
    message_name,
)

NO_GX = "no GX in the capture, which is allowed"
LOST_US = KEEPALIVE_LOST_S * SECOND_US
SHORTEST_US = SECOND_US // 2
LONGEST_US = 2 * SECOND_US
IDENTITY = int.from_bytes(GX_FRAMES[0x307], "little")


def rules() -> list[Rule]:
    """All of them."""
    found: list[Rule] = [
        Gap("gx-keepalive", "0x305 of the GX is never missing for more than 10 s; the gateway would warn.",
            WHAT_HAPPENS, 0x305, 0, LOST_US),
        *(Gap(f"period-{n:03X}", f"{message_name(n)} comes every second, from one GX (checked: 0.5 to 2 s; "
                                 "gaps over 10 s have their own rule).",
              VICTRON, n, SHORTEST_US, LONGEST_US, LOST_US) for n in (0x305, 0x307)),
        FrameRule("gx-content-305", "0x305 is eight zero bytes.", VICTRON, 0x305,
                  lambda f: f.data != 0, lambda f, i: f"{hex_of(int(f.data[i]))} instead of zeros"),
        FrameRule("gx-content-307", "0x307 is 12 34 56 78 56 49 43 00: Victron's identification.", VICTRON, 0x307,
                  lambda f: f.data != np.uint64(IDENTITY), lambda f, i: hex_of(int(f.data[i]))),
    ]  # fmt: skip
    for rule in found:
        rule.not_applicable = NO_GX
    return found
