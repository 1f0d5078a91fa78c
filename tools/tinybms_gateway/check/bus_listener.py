"""Listening on the bus until everything that a check needs is known."""

import statistics
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise

import can

from tinybms_gateway.can.bus import open_bus, receive_until
from tinybms_gateway.can.decoder import Decoder
from tinybms_gateway.can.frame import DecodedFrame, decode_frame
from tinybms_gateway.can.protocol import KEEPALIVE_ID, REQUIRED
from tinybms_gateway.can.reader.messages import block_of
from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.sim.gx.simulator import KEEPALIVE_EVERY_S, send_keepalive

TEXTS = (0x35E, 0x35F)
"""Sent every 5 s: the identity of the battery."""
ENOUGH = 4
"""Frames of a required identifier, and so three periods."""
ENOUGH_KEEPALIVES = 3
SETTLE_S = 0.05
"""What an adapter kept from before arrives at once; it says nothing about now."""
STEP_S = 0.2
MOST_KEPT = 20_000
"""Frames of one identifier; a bus of 500 kbit/s has fewer in 5 s, and a check listens for at most a minute."""


@dataclass
class Heard:
    """The frames of one identifier."""

    messages: list[can.Message] = field(default_factory=list)
    """With the time at which each came, on the clock of `time.monotonic`."""
    frames: list[DecodedFrame] = field(default_factory=list)

    @property
    def newest(self) -> DecodedFrame:
        """The last frame; there is one."""
        return self.frames[-1]

    @property
    def period_s(self) -> float | None:
        """Middle period; None: fewer than two frames."""
        gaps = [b.timestamp - a.timestamp for a, b in pairwise(self.messages)]
        return statistics.median(gaps) if gaps else None

    @property
    def rate_hz(self) -> float:
        """Frames a second, from the first to the last; 0: fewer than two frames."""
        span = self.messages[-1].timestamp - self.messages[0].timestamp
        return (len(self.messages) - 1) / span if span > 0 else 0.0

    def longest_gap_s(self, until_s: float) -> float:
        """Longest time without a frame, whatever its length, from the first frame until then."""
        times = [*(message.timestamp for message in self.messages), until_s]
        return max(b - a for a, b in pairwise(times))


@dataclass
class Traffic:
    """What was heard on the bus."""

    started_s: float
    ended_s: float
    keepalive_sent: bool = False
    """This check played the GX."""
    heard: dict[int, Heard] = field(default_factory=dict)
    """By 11-bit identifier; error and remote frames are left out."""
    extended: set[int] = field(default_factory=set)
    """29-bit identifiers that were heard."""
    frames: int = 0
    lost: str = ""
    """Why listening ended before its time; empty: it did not."""

    def of(self, identifier: int) -> Heard | None:
        """Frames of an identifier; None: none."""
        return self.heard.get(identifier)

    @property
    def seconds(self) -> float:
        """How long the check listened."""
        return self.ended_s - self.started_s

    def judge(self, identifier: int, *rules: Rule) -> None:
        """Take rules of `can verify` through the frames of an identifier, and up to the end of listening."""
        heard = self.of(identifier)
        decoded = Decoder().decode(block_of(heard.messages)) if heard is not None else None
        for rule in rules:
            if decoded is not None:
                rule.take(decoded)
            rule.finish(round(self.ended_s * 1e6))

    def _count(self, identifier: int) -> int:
        return len(self.heard[identifier].frames) if identifier in self.heard else 0

    @property
    def complete(self) -> bool:
        """Nothing is missing that a longer time would show."""
        return (
            all(self._count(identifier) >= ENOUGH for identifier in REQUIRED)
            and all(self._count(identifier) for identifier in TEXTS)
            and (self.keepalive_sent or self._count(KEEPALIVE_ID) >= ENOUGH_KEEPALIVES)
        )

    def take(self, message: can.Message, now_s: float) -> None:
        """Add one frame."""
        self.frames += 1
        self.ended_s = now_s
        if message.is_error_frame or message.is_remote_frame:
            return
        if message.is_extended_id:
            self.extended.add(message.arbitration_id)
            return
        heard = self.heard.setdefault(message.arbitration_id, Heard())
        if len(heard.frames) < MOST_KEPT:
            message.timestamp = now_s
            heard.messages.append(message)
            heard.frames.append(decode_frame(message))


def listen(backend: str, seconds: float, keepalive: bool, stop: threading.Event) -> Traffic:
    """Listen until everything is known, the time is up, or `stop` is set.

    Args:
        backend: the bus, see `tinybms_gateway.can.bus.open_bus`
        seconds: longest time
        keepalive: send 0x305 and 0x307 every second, as a GX does
        stop: ends it early

    Raises:
        ValueError: the bus cannot be opened.
    """
    with open_bus(backend) as bus:
        started = time.monotonic()
        traffic = Traffic(started, started, keepalive)
        next_keepalive = started
        try:
            for _ in receive_until(bus, started + SETTLE_S):
                pass
            while not stop.is_set() and not traffic.complete and (now := time.monotonic()) < started + seconds:
                if keepalive and now >= next_keepalive:
                    next_keepalive = now + KEEPALIVE_EVERY_S
                    send_keepalive(bus)
                for message in receive_until(bus, min(now + STEP_S, started + seconds)):
                    traffic.take(message, time.monotonic())
                    if traffic.complete:
                        break
        except ConnectionError as error:
            traffic.lost = str(error)
        traffic.ended_s = time.monotonic()
        return traffic
