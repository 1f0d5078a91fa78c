"""Runs the simulated TinyBMS until it is told to stop."""

import contextlib
import functools
import logging
import math
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tinybms_gateway.bms.dump import load_dump
from tinybms_gateway.bms.event_order import EventOrder
from tinybms_gateway.scenario.find import load_scenario
from tinybms_gateway.scenario.player import play
from tinybms_gateway.sim.bms.control import control_socket
from tinybms_gateway.sim.bms.device import TinyBms
from tinybms_gateway.sim.bms.ends import LineEnd, port_end
from tinybms_gateway.sim.bms.faults import Faults
from tinybms_gateway.sim.bms.line import BmsLine

log = logging.getLogger(__name__)


def make_line(
    end: LineEnd | Path,
    *,
    dump: Path | None = None,
    scenario: str | None = None,
    faults: tuple[str, ...] = (),
    seed: int | None = None,
    asleep: bool = False,
    time_scale: float = 1.0,
    event_order: EventOrder = EventOrder.OLDEST_FIRST,
) -> BmsLine:
    """Make a line from options; what `end` is: see `BmsLine`; `scenario` is a name or the path of a file.

    Raises:
        ValueError: an option is invalid; one line that says what and where.
    """
    if dump is not None and scenario is not None:
        raise ValueError("--dump and --scenario: a dump has no pack that a scenario could change; choose one of them")
    line_faults = Faults()
    for text in faults:
        line_faults.parse(text)
    bms = TinyBms(load_dump(dump) if dump is not None else None, event_order=event_order)
    course = functools.partial(play, load_scenario(scenario)) if scenario is not None else None
    return BmsLine(end, bms, faults=line_faults, scenario=course, seed=seed, asleep=asleep, time_scale=time_scale)


def line_end(link: Path | None, port: str | None) -> LineEnd | Path:
    """What ``--pty`` or ``--port`` names.

    Raises:
        ValueError: not exactly one of them was given, or the URL is invalid.
    """
    if port is not None and link is None:
        return port_end(port)
    if link is not None and port is None:
        return link
    raise ValueError("give either --pty LINK for a program on this machine, or --port DEVICE for a wire")


def run(line: BmsLine, control: Path | None = None, seconds: float | None = None) -> None:
    """Serve until SIGTERM, SIGINT or the end of the time."""
    with (
        line,
        control_socket(line, control) if control else contextlib.nullcontext(),
        _stop_signals() as stopped,
    ):
        log.info("TinyBMS on %s", line.name)
        end = time.monotonic() + (math.inf if seconds is None else seconds)
        while line.alive and (left := end - time.monotonic()) > 0 and not stopped.wait(min(left, 0.5)):
            pass
    if not line.alive:
        raise ValueError(line.problem or "the simulator has stopped; the reason is above")
    log.info("%d requests, %d answers", line.requests, line.answers)


@contextlib.contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
