"""What the GX sends."""

import numpy as np

from tinybms_gateway.can.database import hex_of
from tinybms_gateway.can.decoder import DecodedBlock
from tinybms_gateway.can.protocol import GX_FRAMES, KEEPALIVE_LOST_S
from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.can.verify.rules.base import (
    SECOND_US,
    VICTRON,
    WHAT_HAPPENS,
    Before,
    FrameRule,
    message_name,
    note,
    seconds,
)

NO_GX = "no GX in the capture: a bench that only listens is legal"
LOST_US = KEEPALIVE_LOST_S * SECOND_US
SHORTEST_US = SECOND_US // 2
LONGEST_US = 2 * SECOND_US
IDENTITY = int.from_bytes(GX_FRAMES[0x307], "little")


class GxGap(Rule):
    """How far apart two frames of the GX are."""

    def __init__(self, id: str, sentence: str, source: str, identifier: int, shortest_us: int, longest_us: int,
                 up_to_us: int | None = None) -> None:  # fmt: skip
        super().__init__(id, sentence, source)
        self.not_applicable = NO_GX
        self._identifier, self._shortest_us, self._longest_us = identifier, shortest_us, longest_us
        self._up_to_us = up_to_us
        self._before = Before()
        self._last_us: int | None = None

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        frames = decoded.frames.get(self._identifier)
        if frames is None:
            return
        there, (before,) = self._before.of(frames.time_us)
        gaps = frames.time_us - before
        bad = there & ((gaps < self._shortest_us) | (gaps > self._longest_us))
        if self._up_to_us is not None:
            bad &= gaps <= self._up_to_us
        self.checked += int(there.sum())
        note(self, decoded, frames, bad, lambda i: f"{seconds(int(gaps[i]))} after the one before")
        self._last_us = int(frames.time_us[-1])

    def finish(self, end_us: int) -> None:
        """It may have stopped; that is told by the rule of the longest gap alone."""
        if self._up_to_us is None and self._last_us is not None and end_us - self._last_us > self._longest_us:
            self.violated(end_us, None, f"none in the last {seconds(end_us - self._last_us)} of the capture")


def rules() -> list[Rule]:
    """All of them."""
    found: list[Rule] = [
        GxGap("gx-keepalive", "0x305 of the GX is never missing for more than 10 s: the gateway would warn.",
              WHAT_HAPPENS, 0x305, 0, LOST_US),
        *(GxGap(f"period-{n:03X}", f"{message_name(n)} comes every second, from one GX (checked: 0.5 to 2 s; "
                                   "gaps over 10 s are another rule's).",
                VICTRON, n, SHORTEST_US, LONGEST_US, LOST_US) for n in (0x305, 0x307)),
        FrameRule("gx-content-305", "0x305 is eight zero bytes.", VICTRON, 0x305,
                  lambda f: f.data != 0, lambda f, i: f"{hex_of(int(f.data[i]))} instead of zeros"),
        FrameRule("gx-content-307", "0x307 is 12 34 56 78 56 49 43 00: Victron's identification.", VICTRON, 0x307,
                  lambda f: f.data != np.uint64(IDENTITY), lambda f, i: hex_of(int(f.data[i]))),
    ]  # fmt: skip
    for rule in found:
        rule.not_applicable = NO_GX
    return found
