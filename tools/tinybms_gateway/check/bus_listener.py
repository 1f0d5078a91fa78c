"""Listening on the bus until everything that a check needs is known."""

import statistics
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise

import can

from tinybms_gateway.can.bus import open_bus, receive_until
from tinybms_gateway.can.frame import DecodedFrame, decode_frame
from tinybms_gateway.can.protocol import KEEPALIVE_ID, REQUIRED
from tinybms_gateway.sim.gx.simulator import KEEPALIVE_EVERY_S, send_keepalive

TEXTS = (0x35E, 0x35F)
"""Every 5 s: who the battery is."""
ENOUGH = 4
"""Frames of a required identifier, and so three periods."""
ENOUGH_KEEPALIVES = 3
SETTLE_S = 0.05
"""What an adapter kept from before we came arrives at once; it says nothing of now."""
STEP_S = 0.2
MOST_KEPT = 20_000
"""Frames of one identifier; a bus of 500 kbit/s has fewer in 5 s, and one is looked at for a minute at most."""


@dataclass
class Heard:
    """The frames of one identifier."""

    times_s: list[float] = field(default_factory=list)
    """When each came, on the clock of `time.monotonic`."""
    frames: list[DecodedFrame] = field(default_factory=list)

    @property
    def newest(self) -> DecodedFrame:
        """The last frame; there is one."""
        return self.frames[-1]

    @property
    def period_s(self) -> float | None:
        """Middle period; None: fewer than two frames."""
        gaps = [b - a for a, b in pairwise(self.times_s)]
        return statistics.median(gaps) if gaps else None

    @property
    def rate_hz(self) -> float:
        """Frames a second, from the first to the last; 0: fewer than two frames."""
        span = self.times_s[-1] - self.times_s[0] if len(self.times_s) > 1 else 0.0
        return (len(self.times_s) - 1) / span if span > 0 else 0.0

    def longest_gap_s(self, until_s: float) -> float:
        """Longest time without a frame, from the first frame until then."""
        times = [*self.times_s, until_s]
        return max(b - a for a, b in pairwise(times))


@dataclass
class Traffic:
    """What was heard on the bus."""

    started_s: float
    ended_s: float
    keepalive_sent: bool = False
    """We played the GX."""
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
        """How long was listened."""
        return self.ended_s - self.started_s

    def _count(self, identifier: int) -> int:
        return len(self.heard[identifier].frames) if identifier in self.heard else 0

    @property
    def complete(self) -> bool:
        """Nothing that a longer time would tell is missing."""
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
            heard.times_s.append(now_s)
            heard.frames.append(decode_frame(message))


def listen(backend: str, seconds: float, keepalive: bool, stop: threading.Event) -> Traffic:
    """Listen until everything is known, the time is over, or `stop` is set.

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
