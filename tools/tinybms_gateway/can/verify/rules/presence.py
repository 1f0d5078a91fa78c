"""Which frames must occur at all."""

from tinybms_gateway.can.decoder import DecodedBlock
from tinybms_gateway.can.protocol import GX_IDS, REQUIRED
from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.can.verify.rules.base import FRAMES, SECOND_US, VICTRON, message_name, seconds

FOR_SUPPORT = {0x35E: 5, 0x35F: 5}
"""Period in s."""
ALWAYS_OURS = {0x372: 2, 0x373: 2, 0x378: 2, 0x382: 5}
"""Further frames of ours that need nothing that an online BMS could lack."""


class _Seen(Rule):
    """Remembers which frames came."""

    def __init__(self, id: str, sentence: str, source: str, wait_s: int) -> None:
        super().__init__(id, sentence, source)
        self.not_applicable = f"the capture is shorter than {wait_s} s"
        self._wait_us = wait_s * SECOND_US
        self.start_us: int | None = None
        self.seen_us: dict[int, int] = {}

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        if self.start_us is None:
            self.start_us = int(decoded.block.time_us[0])
        for identifier, frames in decoded.frames.items():
            self.seen_us.setdefault(identifier, int(frames.time_us[0]))

    def long_since(self, since_us: int | None, end_us: int) -> bool:
        """Whether something that should have followed had time to."""
        return since_us is not None and end_us - since_us >= self._wait_us


class Present(_Seen):
    """A frame comes at least once."""

    def __init__(self, identifier: int, period_s: int, source: str, why: str, *, required: bool = False) -> None:
        sentence = f"{message_name(identifier)} is sent: {why}"
        super().__init__(f"present-{identifier:03X}", sentence, source, 2 * period_s + 1)
        self._identifier, self._required = identifier, required

    def finish(self, end_us: int) -> None:
        """Check whether it came."""
        battery = [time for identifier, time in self.seen_us.items() if identifier not in GX_IDS]
        since_us = self.start_us if self._required else min(battery, default=None)
        if not self._required and not battery:
            self.not_applicable = "no frame of a battery in the capture"
        if self._identifier in self.seen_us:
            self.checked = 1
        elif self.long_since(since_us, end_us):
            self.checked = 1
            self.violated(end_us, None, f"none in {seconds(end_us - (since_us or 0))}")


class Together(_Seen):
    """Two frames come together or not at all."""

    def __init__(self, id: str, pair: tuple[int, int], source: str, why: str) -> None:
        sentence = f"{message_name(pair[0])} and {message_name(pair[1])} are sent together or not at all: {why}"
        super().__init__(id, sentence, source, 6)
        self.not_applicable = "neither is in the capture, or it ends too soon after the first of them"
        self._pair = pair

    def finish(self, end_us: int) -> None:
        """Check whether both came."""
        there = [identifier for identifier in self._pair if identifier in self.seen_us]
        if len(there) == 2:
            self.checked = 1
        elif len(there) == 1 and self.long_since(self.seen_us[there[0]], end_us):
            self.checked = 1
            missing = next(identifier for identifier in self._pair if identifier not in there)
            self.violated(end_us, None, f"0x{there[0]:03X} came, 0x{missing:03X} never did")


def rules() -> list[Rule]:
    """All of them."""
    return [
        *(Present(n, 1, VICTRON, "without it a GX accepts no battery", required=True) for n in REQUIRED),
        *(Present(n, period, VICTRON, "a battery that wants official support sends it")
          for n, period in FOR_SUPPORT.items()),
        *(Present(n, period, FRAMES, "everything that it needs is always known") for n, period in ALWAYS_OURS.items()),
        Together("parts-name", (0x370, 0x371), VICTRON, "the two halves of the battery name"),
        Together("parts-serial", (0x380, 0x381), VICTRON, "0x381 completes the serial number, all zero if unused"),
    ]  # fmt: skip
