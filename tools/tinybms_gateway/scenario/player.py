"""Plays a scenario on a simulated TinyBMS, and says what its GX does."""

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from tinybms_gateway.scenario.model import Scenario, Step
from tinybms_gateway.sim.bms.device import TinyBms
from tinybms_gateway.sim.bms.faults import Faults


@dataclass(frozen=True, order=True)
class Action:
    """Something that happens to the simulated battery."""

    at: float
    """Seconds since the start of the scenario, or of its repetition."""
    step: int
    """Index of its step: of several at one time, the later step comes last."""
    values: tuple[tuple[str, float], ...]


def play(scenario: Scenario, bms: TinyBms, faults: Faults) -> Iterator[float]:
    """Change the battery and the faults of its line as the scenario says.

    Yields:
        Seconds to wait until it continues.
    """
    now = 0.0
    for start in _starts(scenario):
        for action in actions(scenario):
            if start + action.at > now:
                yield start + action.at - now
                now = start + action.at
            perform(action, scenario.steps[action.step], bms, faults)
    yield math.inf


def actions(scenario: Scenario) -> Iterator[Action]:
    """What happens, without repetitions, in the order of time."""
    courses = []
    for index, step in enumerate(scenario.steps):
        starts = ((name, ramp.start) for name, ramp in step.ramp.items())
        courses.append(iter([Action(step.at, index, (*step.set.items(), *starts))]))
        courses += [_ramp(index, step, name) for name in step.ramp]
    return heapq.merge(*courses)


def perform(action: Action, step: Step, bms: TinyBms, faults: Faults) -> None:
    """Change the battery and its line."""
    for name, value in action.values:
        bms.set_value(name, value)
    if action.at > step.at:
        return  # a ramp continues
    for name, value in step.line.items():
        faults.set(name, value)
    if step.event is not None:
        bms.log_event(step.event)
    if step.recover is not None:
        bms.log_event(step.recover)
        bms.set_fault(None)
    if step.fault is not None:
        bms.set_fault(step.fault)


def keepalive_at(scenario: Scenario, now_s: float) -> bool:
    """Whether the GX of the scenario sends its keepalive at a time."""
    if scenario.repeat_after_s is not None:
        now_s %= scenario.repeat_after_s
    return next((step.keepalive for step in reversed(scenario.gx) if step.at <= now_s), True)


def _starts(scenario: Scenario) -> Iterator[float]:
    period = scenario.repeat_after_s
    return iter([0.0]) if period is None else (period * n for n in itertools.count())


def _ramp(index: int, step: Step, name: str) -> Iterator[Action]:
    ramp = step.ramp[name]
    count = math.ceil(ramp.for_s / ramp.every_s)
    for n in range(1, count + 1):
        share = min(n * ramp.every_s / ramp.for_s, 1.0)
        value = ramp.start + (ramp.to - ramp.start) * share
        yield Action(step.at + ramp.for_s * share, index, ((name, value),))
