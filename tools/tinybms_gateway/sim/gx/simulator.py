"""Runs the simulated GX on a bus."""

import contextlib
import math
import time
from collections.abc import Callable

import can

from tinybms_gateway.can.bus import receive_until
from tinybms_gateway.can.frame import DecodedFrame
from tinybms_gateway.can.protocol import GX_FRAMES
from tinybms_gateway.sim.gx.model import GxModel

KEEPALIVE_EVERY_S = 1.0
STEP_S = 0.1


def run(
    bus: can.BusABC,
    gx: GxModel,
    seconds: float | None,
    on_step: Callable[[GxModel], None] = lambda _: None,
    on_frame: Callable[[can.Message, DecodedFrame], None] = lambda _m, _f: None,
    on_sent: Callable[[can.Message], None] = lambda _: None,
    *,
    keepalive: Callable[[], bool] = lambda: True,
) -> None:
    """Send 0x305 and 0x307 every second and receive frames, until the time is up or Ctrl-C.

    Args:
        bus: the bus
        gx: takes the frames; times are those of `time.monotonic`
        seconds: how long; None: until interrupted
        on_step: called ten times a second
        on_frame: called for each frame
        on_sent: called for each frame that the GX sent, with its time
        keepalive: returns whether the GX sends its keepalive; False: it only listens

    Raises:
        ConnectionError: the bus has disappeared.
    """
    end = time.monotonic() + (math.inf if seconds is None else seconds)
    next_keepalive = 0.0
    with contextlib.suppress(KeyboardInterrupt):
        while (now := time.monotonic()) < end:
            if now >= next_keepalive and keepalive():
                next_keepalive = now + KEEPALIVE_EVERY_S
                send_keepalive(bus, on_sent)
            for message in receive_until(bus, min(now + STEP_S, end)):
                on_frame(message, gx.on_message(message, time.monotonic()))
            gx.tick(time.monotonic())
            on_step(gx)


def keepalive_frames() -> list[can.Message]:
    """What a GX sends every second."""
    return [
        can.Message(arbitration_id=identifier, data=data, is_extended_id=False, is_rx=False)
        for identifier, data in GX_FRAMES.items()
    ]


def send_keepalive(bus: can.BusABC, on_sent: Callable[[can.Message], None] = lambda _: None) -> None:
    """Send a GX's keepalive and identity once.

    Args:
        bus: the bus
        on_sent: called with what was sent, and when

    Raises:
        ConnectionError: the bus has disappeared.
    """
    try:
        for message in keepalive_frames():
            message.timestamp = time.time()
            bus.send(message)
            on_sent(message)
    except (can.CanError, OSError) as error:
        raise ConnectionError("the CAN bus has disappeared") from error
