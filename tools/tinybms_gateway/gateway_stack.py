"""Simulated TinyBMS, gateway and simulated GX, wired together on this machine."""

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import can

from tinybms_gateway.bms.event_order import EventOrder
from tinybms_gateway.can.bus import open_bus
from tinybms_gateway.can.recording import check_capture_path
from tinybms_gateway.demo_story import Story, reasons
from tinybms_gateway.gateway_process import OWN_BUS, GatewayProcess
from tinybms_gateway.scenario.find import load_scenario
from tinybms_gateway.scenario.player import keepalive_at
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.bms.simulator import make_line
from tinybms_gateway.sim.gx import simulator
from tinybms_gateway.sim.gx.model import GxModel

CHANNEL = "can0"


@dataclass(frozen=True)
class GatewayStack:
    """The running parts."""

    bms: BmsLine
    gateway: GatewayProcess
    can_backend: str


@contextmanager
def gateway_stack(
    *,
    dump: Path | None = None,
    scenario: str | None = None,
    faults: tuple[str, ...] = (),
    seed: int | None = None,
    options: tuple[str, ...] = (),
    asleep: bool = False,
    time_scale: float = 1.0,
    can_backend: str = OWN_BUS,
    http: str | None = None,
    event_order: EventOrder = EventOrder.OLDEST_FIRST,
) -> Iterator[GatewayStack]:
    """Start a simulated TinyBMS and a gateway on its line, in a temporary directory, and end both with the context.

    Args:
        dump: register dump that the TinyBMS shows
        scenario: what happens to the battery: name, or path of a file
        faults: what goes wrong on the line
        seed: makes the faults repeatable
        options: further options of the gateway program
        asleep: the TinyBMS sleeps at first
        time_scale: speed of both, relative to real time
        can_backend: the gateway's CAN bus
        http: HOST:PORT of the gateway's web server, such as `OWN_WEB`; None: none
        event_order: the order in which the TinyBMS lists its events

    Raises:
        ValueError: an option is invalid, or the gateway did not start.
    """
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tinybms-")))
        line = make_line(
            directory / "bms",
            dump=dump,
            scenario=scenario,
            faults=faults,
            seed=seed,
            asleep=asleep,
            time_scale=time_scale,
            event_order=event_order,
        )
        stack.enter_context(line)
        options = (*options, "--time-scale", str(time_scale))
        gateway = stack.enter_context(
            GatewayProcess(line.link, directory / "data", *options, can=can_backend, http=http)
        )
        yield GatewayStack(line, gateway, gateway.can_backend())


def run(
    *,
    seconds: float | None,
    capture: Path | None,
    dump: Path | None,
    scenario: str | None,
    faults: tuple[str, ...],
    http: str | None = None,
    options: tuple[str, ...] = (),
    on_step: Callable[[GatewayStack, GxModel, Story], None],
) -> dict[str, Any]:
    """Run everything for a time; returns the GX's summary.

    Raises:
        ValueError: an option is invalid, or something did not start.
        ConnectionError: the gateway ended unexpectedly.
    """
    if capture is not None:
        check_capture_path(capture)
    with ExitStack() as stack:
        running = stack.enter_context(
            gateway_stack(dump=dump, scenario=scenario, faults=faults, http=http, options=options)
        )
        record = stack.enter_context(_recorder(capture)) if capture is not None else None
        bus = stack.enter_context(open_bus(running.can_backend))
        gx = GxModel(time.monotonic())
        story = Story()
        course = load_scenario(scenario) if scenario is not None else None

        def step(model: GxModel) -> None:
            story.watch(model, time.monotonic())
            on_step(running, model, story)

        simulator.run(
            bus,
            gx,
            seconds,
            step,
            lambda message, _: record.received(message) if record else None,
            lambda message: record.sent(message) if record else None,
            keepalive=lambda: course is None or keepalive_at(course, running.bms.now()),
        )
        summary = gx.summary(time.monotonic())
        with running.bms.lock:
            summary["bms"] = running.bms.bms.values()
        summary |= {"reasons": reasons(running.gateway.lines), "events": [asdict(event) for event in story.events]}
        return summary | {"capture": str(capture) if capture else None, "url": running.gateway.url_if_ready()}


@dataclass
class BothDirections:
    """Puts sent and received frames into one order of time.

    A frame that arrived before one of ours was sent may be read only after that.
    """

    write: Callable[[can.Message], None]
    _waiting: list[can.Message] = field(default_factory=list)

    def sent(self, message: can.Message) -> None:
        """Keep a frame of ours until a later one was received; at most for a second of silence."""
        self._write_until(message.timestamp - 1.0)
        self._waiting.append(message)

    def received(self, message: can.Message) -> None:
        """Write a frame, after those of ours that were earlier."""
        self._write_until(message.timestamp)
        self.write(message)

    def end(self) -> None:
        """Write what still waits."""
        self._write_until(math.inf)

    def _write_until(self, time_s: float) -> None:
        while self._waiting and self._waiting[0].timestamp <= time_s:
            self.write(self._waiting.pop(0))


@contextmanager
def _recorder(path: Path) -> Iterator[BothDirections]:
    """Record to a file, as one channel: frames received over socketcand have none."""
    with can.Logger(path) as logger:

        def write(message: can.Message) -> None:
            message.channel = CHANNEL
            logger.on_message_received(message)

        both = BothDirections(write)
        try:
            yield both
        finally:
            both.end()
