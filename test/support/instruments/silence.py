"""A BMS that falls silent, as the GX sees it: when each stage comes."""

import time
from dataclasses import dataclass

import can

from support.instruments.watch import collect, has_id, limits, open_bus, pairs, wait_for
from tinybms_gateway.gateway_stack import GatewayStack, gateway_stack

ACTIVE = 1
BMS_INTERNAL_WARNING = 16 + 11


def be_silent(stack: GatewayStack, silent: bool) -> float:
    """The BMS answers nothing from now on, or answers again; when that was."""
    with stack.bms.lock:
        stack.bms.faults.set("silence", float(silent))
        return time.time()


@dataclass(frozen=True)
class Silence:
    """Frames from the last answer on; times in seconds since then. The answer itself came at most one poll before."""

    limits: list[tuple[float, tuple[int, int, int]]]
    alarms: list[tuple[float, can.Message]]
    stopped_s: float
    """First 0x351 with CCL 0: stage one."""
    warned_s: float
    """First 0x35A with the warning "BMS internal": stage one."""
    last_s: float
    """Last frame: stage two."""
    lines: list[str]
    """Log of the gateway."""


def measure_silence(*options: str) -> Silence:
    """Let the BMS fall silent while the gateway runs in real time."""
    with gateway_stack(scenario="rest", options=options) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        collect(bus, 1.0)
        start = be_silent(stack, True)
        frames = [(m.timestamp - start, m) for m in collect(bus, 12.0)]
        lines = list(stack.gateway.lines)
    limit_frames = [(at, limits(m)) for at, m in frames if m.arbitration_id == 0x351]
    alarm_frames = [(at, m) for at, m in frames if m.arbitration_id == 0x35A]
    return Silence(
        limits=limit_frames,
        alarms=alarm_frames,
        stopped_s=next(at for at, (_, ccl, _) in limit_frames if ccl == 0),
        warned_s=next(at for at, m in alarm_frames if pairs(m)[BMS_INTERNAL_WARNING] == ACTIVE),
        last_s=max(at for at, _ in frames),
        lines=lines,
    )
