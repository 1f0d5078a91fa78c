"""The kinds of things that a scenario can expect: rules that go once through a capture.

Each depends on what is on the bus, never on the time since the capture began, so that it also holds for captures of a
real bench. An expectation whose occasion never came is violated: "not seen".
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.decoder import DecodedBlock
from tinybms_gateway.can.verify.rule import KEPT, Rule
from tinybms_gateway.scenario.condition import (
    QUIET,
    US,
    Booleans,
    Condition,
    Events,
    Floats,
    Trace,
    filled,
    ids_of,
    signal_of,
)

NEVER = Condition(())


@dataclass
class ScenarioRule(Rule):
    """A rule that must have had its occasion, and says in one line what it looks for."""

    def limit(self) -> str:
        """What exactly is looked for, for the tables of the validation plan."""
        raise NotImplementedError

    def finish(self, end_us: int) -> None:
        """An expectation whose occasion never came is violated."""
        if self.checked == 0 and self.count == 0:
            self.violated(end_us, None, f"not seen: {self.limit()}")

    def note(self, events: Events, bad: Booleans, text: Callable[[int], str]) -> None:
        """Note a violation at each of these events."""
        places = np.flatnonzero(bad)
        for i in places[:KEPT].tolist():
            self.violated(int(events.time_us[i]), int(events.frame[i]), text(i))
        self.count += max(len(places) - KEPT, 0)


def _shown(condition: Condition, events: Events, i: int) -> str:
    """What the signals of a condition are at an event."""
    return ", ".join(f"{key} {events.values[key][i]:g}" for key in condition.keys)


class Phase:
    """Since when a condition holds; across the blocks."""

    def __init__(self, condition: Condition | None) -> None:
        self._condition = condition
        self._state = -1.0
        """1: holds; 0: does not; -1: not known yet."""
        self._since_us = math.nan

    def take(self, events: Events) -> tuple[Booleans, Booleans, Floats]:
        """Where it holds, where it begins to (after it did not), and since when it holds (microseconds)."""
        count = len(events)
        if self._condition is None:
            return np.ones(count, np.bool_), np.zeros(count, np.bool_), np.full(count, -math.inf)
        holds, fails = self._condition.evaluate(events)
        state = filled(np.where(holds, 1.0, np.where(fails, 0.0, np.nan)), self._state)
        before = np.concatenate([[self._state], state[:-1]])[:count]
        holding = state == 1.0
        starts = holding & (before != 1.0)
        since = filled(np.where(starts, events.time_us.astype(np.float64), np.nan), self._since_us)
        if count:
            self._state, self._since_us = float(state[-1]), float(since[-1])
        return holding, starts & (before == 0.0), since


def _keys(*conditions: Condition | None) -> tuple[str, ...]:
    return tuple(key for condition in conditions if condition is not None for key in condition.keys)


@dataclass
class AlwaysRule(ScenarioRule):
    """A condition holds, all the time or as long as another one does."""

    during: Condition | None = None
    then: Condition = NEVER
    grace_s: float = 0.0

    def __post_init__(self) -> None:
        self._trace = Trace(_keys(self.during, self.then))
        self._phase = Phase(self.during)

    def limit(self) -> str:
        """What exactly is looked for."""
        grace = f", after {self.grace_s:g} s" if self.grace_s else ""
        return f"while {self.during.text}{grace}: {self.then.text}" if self.during else f"always {self.then.text}"

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        events = self._trace.take(decoded)
        holding, _, since = self._phase.take(events)
        ripe = holding & (events.time_us - since >= self.grace_s * US)
        good, bad = self.then.evaluate(events)
        self.checked += int((ripe & good).sum())
        self.note(events, ripe & bad, lambda i: f"{_shown(self.then, events, i)}; expected {self.limit()}")


@dataclass
class AfterRule(ScenarioRule):
    """Each time a condition begins to hold, another one follows within a time."""

    after: Condition = NEVER
    then: Condition = NEVER
    window_s: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        self._trace = Trace(_keys(self.after, self.then))
        self._phase = Phase(self.after)
        self._waiting_us: float | None = None

    def limit(self) -> str:
        """What exactly is looked for."""
        low_s, high_s = self.window_s
        when = f"within {high_s:g} s" if low_s == 0 else f"after {low_s:g} to {high_s:g} s"
        return f"{self.after.text} -> {when}: {self.then.text}"

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        events = self._trace.take(decoded)
        _, begins, _ = self._phase.take(events)
        holds, _ = self.then.evaluate(events)
        times = events.time_us
        position = 0
        while position < len(events):
            if self._waiting_us is None:
                position = _next(begins, position)
                if position == len(events):
                    return
                self._waiting_us = float(times[position])
            deadline_us = self._waiting_us + self.window_s[1] * US
            found = _next(holds, position)
            late = _next(times > deadline_us, position)
            if found < late:
                self._found(events, found)
                position = found + 1
            elif late < len(events):
                self._late(int(deadline_us))
                position = late
            else:
                return
            self._waiting_us = None

    def finish(self, end_us: int) -> None:
        """The capture ends; what is not yet due is not judged."""
        if self._waiting_us is not None and end_us > self._waiting_us + self.window_s[1] * US:
            self._late(int(self._waiting_us + self.window_s[1] * US))
        super().finish(end_us)

    def _found(self, events: Events, i: int) -> None:
        self.checked += 1
        assert self._waiting_us is not None
        after_s = (events.time_us[i] - self._waiting_us) / US
        if after_s < self.window_s[0]:
            text = f"{_shown(self.then, events, i)} already after {after_s:.2f} s; expected {self.limit()}"
            self.violated(int(events.time_us[i]), int(events.frame[i]), text)

    def _late(self, time_us: int) -> None:
        self.checked += 1
        self.violated(time_us, None, f"did not come in time; expected {self.limit()}")


def _next(where: Booleans, position: int) -> int:
    """First true place at or after a position; the length if there is none."""
    offset = int(where[position:].argmax()) if position < len(where) else 0
    return position + offset if position < len(where) and where[position + offset] else len(where)


@dataclass
class OrderRule(ScenarioRule):
    """Conditions hold one after another, at least once."""

    conditions: list[Condition] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._trace = Trace(_keys(*self.conditions))
        self._reached = 0

    def limit(self) -> str:
        """What exactly is looked for."""
        return ", then ".join(condition.text for condition in self.conditions)

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        events = self._trace.take(decoded)
        position = 0
        while self._reached < len(self.conditions):
            holds, _ = self.conditions[self._reached].evaluate(events)
            position = _next(holds, position)
            if position == len(events):
                return
            self._reached += 1
        self.checked = self._reached

    def finish(self, end_us: int) -> None:
        """Say at which of them it ended."""
        if self._reached < len(self.conditions):
            missing = self.conditions[self._reached].text
            after = f" after {self.conditions[self._reached - 1].text}" if self._reached else ""
            self.violated(end_us, None, f"not seen{after}: {missing}; expected {self.limit()}")


@dataclass
class CourseRule(ScenarioRule):
    """A signal rises or falls no faster than a bound; 0: not at all; None: no bound."""

    signal: str = ""
    during: Condition | None = None
    rise_per_s: float | None = None
    fall_per_s: float | None = None
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        identifier, signal = signal_of(self.signal)
        self._identifier = identifier
        self._unit = f" {signal.unit}" if signal.unit else ""
        self._slack = self.tolerance + float(signal.scale) / 2
        self._age = f"age 0x{identifier:03X}"
        self._trace = Trace((self.signal, self._age, *_keys(self.during)))
        self._phase = Phase(self.during)
        self._held, self._value = False, math.nan

    def limit(self) -> str:
        """What exactly is looked for."""
        if self.rise_per_s == self.fall_per_s == 0:
            what = "does not change"
        else:
            bounds = (("rise", self.rise_per_s), ("fall", self.fall_per_s))
            what = " and ".join(self._bound(verb, bound) for verb, bound in bounds if bound is not None)
        slack = f" (tolerance {self.tolerance:g}{self._unit})" if self.tolerance else ""
        return f"{f'while {self.during.text}: ' if self.during else ''}{self.signal} {what}{slack}"

    def _bound(self, verb: str, bound: float) -> str:
        return f"{verb}s by at most {bound:g}{self._unit}/s" if bound else f"does not {verb}"

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        events = self._trace.take(decoded)
        if not len(events):
            return
        values = events.values[self.signal]
        holding, _, _ = self._phase.take(events)
        before = np.concatenate([[self._value], values[:-1]])
        held = holding & np.concatenate([[self._held], holding[:-1]]) & (events.id == self._identifier)
        change = np.where(held, values - before, np.nan)
        seconds = events.values[self._age]
        self._held, self._value = bool(holding[-1]), float(values[-1])
        self.checked += int((held & ~np.isnan(change)).sum())
        bad = np.zeros(len(events), np.bool_)
        if self.rise_per_s is not None:
            bad |= change > self.rise_per_s * seconds + self._slack
        if self.fall_per_s is not None:
            bad |= -change > self.fall_per_s * seconds + self._slack
        self.note(
            events,
            bad,
            lambda i: (
                f"{self.signal} {before[i]:g} -> {values[i]:g}{self._unit} in {seconds[i]:.2f} s; "
                f"expected {self.limit()}"
            ),
        )


@dataclass
class AgreeRule(ScenarioRule):
    """Two signals of one frame differ by no more than a bound."""

    signals: tuple[str, str] = ("", "")
    at_most: float = 0.0

    def __post_init__(self) -> None:
        first, second = (signal_of(name) for name in self.signals)
        if first[0] != second[0]:
            raise ValueError(f"signals: {' and '.join(self.signals)} are not in the same frame")
        self._trace = Trace(self.signals)
        self._digit = min(float(first[1].scale), float(second[1].scale))
        self._unit = first[1].unit or ""

    def limit(self) -> str:
        """What exactly is looked for."""
        return f"{self.signals[0]} and {self.signals[1]} differ by at most {self.at_most:g} {self._unit}"

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        events = self._trace.take(decoded)
        first, second = (events.values[name] for name in self.signals)
        difference = np.abs(first - second)
        self.checked += int((~np.isnan(difference)).sum())
        bad = difference > self.at_most + self._digit / 1000
        self.note(events, bad, lambda i: f"{self.signals[0]} {first[i]:g}, {self.signals[1]} {second[i]:g}; "
                                         f"expected {self.limit()}")  # fmt: skip


@dataclass
class PauseRule(ScenarioRule):
    """All frames of the battery stop within a time after a condition began to hold, and never otherwise."""

    after: Condition = NEVER
    window_s: tuple[float, float] = (0.0, 0.0)
    least_s: float = 0.0

    def __post_init__(self) -> None:
        self._trace = Trace((QUIET, *_keys(self.after)))
        self._phase = Phase(self.after)
        self._since_us = math.nan
        self._last_us = math.nan

    def limit(self) -> str:
        """What exactly is looked for."""
        return (
            f"{self.after.text} -> last frame {self.window_s[0]:g} to {self.window_s[1]:g} s later, then none for "
            f"at least {self.least_s:g} s"
        )

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        events = self._trace.take(decoded)
        _, begins, _ = self._phase.take(events)
        times = events.time_us.astype(np.float64)
        since = filled(np.where(begins, times, np.nan), self._since_us)
        before = np.concatenate([[self._since_us], since[:-1]])[: len(since)]
        quiet = events.values[QUIET]
        for i in np.flatnonzero(quiet >= self.least_s).tolist():
            self._pause(times[i] - quiet[i] * US, before[i], int(events.frame[i]))
        battery = ~np.isnan(quiet)
        if len(events):
            self._since_us = float(since[-1])
            self._last_us = float(times[battery][-1]) if battery.any() else self._last_us

    def finish(self, end_us: int) -> None:
        """The capture may end in a pause, if the GX is in it too."""
        if end_us - self._last_us >= self.least_s * US:
            self._pause(self._last_us, self._since_us, None)
        super().finish(end_us)

    def _pause(self, last_us: float, since_us: float, frame: int | None) -> None:
        self.checked += 1
        delay_s = (last_us - since_us) / US
        if math.isnan(delay_s):
            self.violated(int(last_us), frame, f"all frames stop without {self.after.text} before")
        elif not self.window_s[0] <= delay_s <= self.window_s[1]:
            self.violated(int(last_us), frame, f"last frame {delay_s:.2f} s later; expected {self.limit()}")


@dataclass
class EnergyRule(ScenarioRule):
    """0x378 grows by what 0x356 says, within a digit of each end and a tolerance."""

    least_wh: float = 0.0
    tolerance: float = 0.0

    DIGIT_WH = 100.0
    LONGEST_GAP_S = 5.0
    SIGNALS = ("EnergyIn", "EnergyOut")

    def __post_init__(self) -> None:
        self._trace = Trace(("Voltage", "Current", *self.SIGNALS))
        (self._measured_id,) = ids_of("Voltage")
        self._last_us, self._last_w = math.nan, math.nan
        self._integral = np.zeros(2)
        self._start: NDArray[np.float64] | None = None
        self._grown = np.zeros(2)

    def limit(self) -> str:
        """What exactly is looked for."""
        return (
            f"growth of EnergyIn and of EnergyOut = voltage x current x time, +-{self.DIGIT_WH:g} Wh and "
            f"{self.tolerance:.0%}; each grows by at least {self.least_wh:g} Wh"
        )

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        events = self._trace.take(decoded)
        watts = events.values["Voltage"] * events.values["Current"]
        counters = np.stack([events.values[name] for name in self.SIGNALS], axis=1)
        energy = self._integrate(events, watts)
        shown = np.flatnonzero((events.id != self._measured_id) & ~np.isnan(counters[:, 0]) & ~np.isnan(watts))
        if not len(shown):
            return
        if self._start is None:
            self._start = np.concatenate([counters[shown[0]], energy[shown[0]]])
        rolls_over = self.DIGIT_WH * 2**32
        grown = (counters[shown] - self._start[:2]) % rolls_over
        expected = energy[shown] - self._start[2:]
        self._grown = np.maximum(self._grown, np.where(grown < rolls_over / 2, grown, 0).max(axis=0))
        self.checked += len(shown)
        bad = np.zeros(len(events), np.bool_)
        bad[shown] = (np.abs(grown - expected) > self.DIGIT_WH + self.tolerance * expected).any(axis=1)
        text = {
            i: f"grew by {counted[0]:g} Wh in and {counted[1]:g} Wh out; by 0x356: {due[0]:.0f} and {due[1]:.0f} Wh"
            for i, counted, due in zip(shown.tolist(), grown.tolist(), expected.tolist(), strict=True)
            if bad[i]
        }
        self.note(events, bad, lambda i: text[i])

    def finish(self, end_us: int) -> None:
        """Both directions must have been there."""
        for name, grown in zip(self.SIGNALS, self._grown.tolist(), strict=True):
            if grown < self.least_wh:
                self.violated(end_us, None, f"{name} grows by only {grown:g} Wh; expected {self.limit()}")

    def _integrate(self, events: Events, watts: Floats) -> Floats:
        """Energy in and out until each event, Wh: by trapezoids between the measurements."""
        energy = np.zeros((len(events), 2))
        own = np.flatnonzero((events.id == self._measured_id) & ~np.isnan(watts))
        times = np.concatenate([[self._last_us], events.time_us[own].astype(np.float64)])
        power = np.concatenate([[self._last_w], watts[own]])
        hours = np.diff(times) / US / 3600
        hours[~((hours > 0) & (hours <= self.LONGEST_GAP_S / 3600))] = 0.0
        both = (power[1:] + power[:-1]) / 2
        mean = np.where(np.isnan(both), 0.0, both)
        pieces = np.stack([np.maximum(mean, 0), np.maximum(-mean, 0)], axis=1) * hours[:, None]
        total = np.concatenate([self._integral[None, :], self._integral + np.cumsum(pieces, axis=0)])
        energy = total[np.searchsorted(own, np.arange(len(events)), side="right")]
        self._integral, self._last_us, self._last_w = total[-1], float(times[-1]), float(power[-1])
        return energy
