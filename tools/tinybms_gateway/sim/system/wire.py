"""The native gateway in the loop, over a pseudo terminal and a CAN bus, in real time times a scale."""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tinybms_gateway.can.bus import open_bus, receive_until
from tinybms_gateway.gateway_process import GatewayProcess
from tinybms_gateway.sim.bms import registers as reg
from tinybms_gateway.sim.bms.device import SERIAL, VERSION, TinyBms
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.gx.simulator import send_keepalive
from tinybms_gateway.sim.system.bms import AGE_S, SystemBms
from tinybms_gateway.sim.system.control import Alarm, decode_limits
from tinybms_gateway.sim.system.plant import Limits

FIRST_LIMITS_WITHIN_S = 20.0
GX_TIMEOUT_S = 3
"""A GX forgets limits that are older."""
OWN_REGISTERS = (reg.LIFETIME, reg.LIFETIME + 1)
"""The device on the line counts its lifetime with its own clock: it runs while the gateway starts, and never goes
back."""


class Wire:
    """A gateway process with its lines; runs between `__enter__` and `__exit__`."""

    def __init__(self, bms: SystemBms, time_scale: float, settings: tuple[str, ...] = ()) -> None:
        """Make it; `bms` is whose registers the line shows, `settings` are the gateway's, each as ``KEY=VALUE``."""
        self._options = tuple(word for assignment in settings for word in ("--set", assignment))
        self.alarms: list[Alarm] = []
        self.reasons = (0, 0, 0)
        """Frames carry none."""
        self._bms = bms
        self._scale = time_scale
        self._device = TinyBms(bms.settings | VERSION | SERIAL | {reg.LIFETIME: AGE_S})
        self._events_shown = 0
        self._limits: Limits | None = None
        self._received = 0
        self._stack = ExitStack()

    def __enter__(self) -> "Wire":
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tinybms-")))
            self._line = BmsLine(directory / "bms", self._device, time_scale=self._scale)
            self._show()
            stack.enter_context(self._line)
            scale = ("--time-scale", str(self._scale))
            gateway = stack.enter_context(GatewayProcess(self._line.link, directory / "data", *scale, *self._options))
            self._bus = stack.enter_context(open_bus(gateway.can_backend()))
            self._wait_for_first()
            self._start = time.monotonic()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def step(self, second: int) -> Limits | None:
        """Show what the BMS measured, wait until the second is over, and return the limits that came last.

        Raises:
            ConnectionError: the bus has disappeared.
        """
        self._show()
        send_keepalive(self._bus)
        self._receive(self._start + (second + 2) / self._scale, second)
        return self._limits if second - self._received <= GX_TIMEOUT_S else None

    def _wait_for_first(self) -> None:
        deadline = time.monotonic() + FIRST_LIMITS_WITHIN_S
        while self._limits is None:
            if time.monotonic() > deadline:
                raise ValueError(f"the gateway sent no limits within {FIRST_LIMITS_WITHIN_S:.0f} s")
            self._receive(time.monotonic() + 0.05, -1)

    def _receive(self, deadline: float, second: int) -> None:
        for message in receive_until(self._bus, deadline):
            if message.arbitration_id == 0x351:
                self._limits, self._received = decode_limits(bytes(message.data)), second

    def _show(self) -> None:
        device, bms = self._device, self._bms
        with self._line.lock:
            for address, value in enumerate(bms.live.tolist()):
                if address not in OWN_REGISTERS:
                    device.registers[address] = value
            for _, event in bms.events[self._events_shown :]:
                device.log_event(event)
            self._events_shown = len(bms.events)
