"""What happens to the simulated battery over time."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tinybms_gateway.sim.bms.device import TinyBms
from tinybms_gateway.sim.bms.faults import Faults

RECOVERY_S = 120.0
"""After a fault: the limits rise again slowly, which takes the gateway a minute and more."""


@dataclass(frozen=True)
class Scenario:
    """A course of events.

    `play` is a generator: it changes the device and the faults, and yields how many seconds to wait until it goes on.
    """

    about: str
    play: Callable[[TinyBms, Faults], Iterator[float]]


def _current(bms: TinyBms, amperes: float) -> None:
    bms.set_value("current", amperes)


def _rest(bms: TinyBms, _faults: Faults) -> Iterator[float]:
    _current(bms, 0.0)
    yield math.inf


def _day(bms: TinyBms, _faults: Faults) -> Iterator[float]:
    second = 0.0
    while True:
        _current(bms, round(12.0 + 30.0 * math.sin(second / 8.0), 1))
        yield 0.5
        second += 0.5


def _charge(bms: TinyBms, _faults: Faults) -> Iterator[float]:
    bms.set_soc(98.6)
    for amperes in range(60, 0, -2):
        _current(bms, float(amperes))
        yield 1.0
    bms.set_soc(100.0)
    bms.log_event(0x63)
    _current(bms, 0.0)
    yield math.inf


def _discharge(bms: TinyBms, _faults: Faults) -> Iterator[float]:
    bms.set_soc(14.0)
    _current(bms, -70.0)
    while bms.values()["soc"] > 2.0:
        bms.set_soc(bms.values()["soc"] - 0.5)
        yield 1.0
    _current(bms, 0.0)
    yield from _fault(bms, 0x31, 6.0, 0x7A)
    yield math.inf


def _fault(bms: TinyBms, event: int, seconds: float, recovery: int) -> Iterator[float]:
    bms.set_fault(event)
    yield seconds
    bms.log_event(recovery)
    bms.set_fault(None)


def _faulty(
    event: int, recovery: int, cause: dict[str, float], normal: dict[str, float]
) -> Callable[[TinyBms, Faults], Iterator[float]]:
    def play(bms: TinyBms, _faults: Faults) -> Iterator[float]:
        pause_s = 5.0
        while True:
            for name, value in normal.items():
                bms.set_value(name, value)
            yield pause_s
            for name, value in cause.items():
                bms.set_value(name, value)
            yield from _fault(bms, event, 6.0, recovery)
            pause_s = RECOVERY_S

    return play


def _silent(bms: TinyBms, faults: Faults) -> Iterator[float]:
    while True:
        _current(bms, 20.0)
        faults.silence = 0.0
        yield 8.0
        faults.silence = 1.0
        yield 16.0


def _bad_line(bms: TinyBms, faults: Faults) -> Iterator[float]:
    faults.corrupt = 0.5
    faults.noise = 0.2
    faults.broadcast = 0.5
    yield from _day(bms, faults)


SCENARIOS = {
    "day": Scenario("charging and discharging in turns", _day),
    "rest": Scenario("no current", _rest),
    "charge": Scenario("nearly full, charged until full", _charge),
    "discharge": Scenario("nearly empty, discharged until the BMS cuts off", _discharge),
    "overvoltage": Scenario(
        "a cell above its cutoff: fault 0x03 for 6 s, then two minutes of recovery, again and again",
        _faulty(0x03, 0x79, {"soc": 99.9, "spread": 320, "current": -15}, {"soc": 89, "spread": 8, "current": 20}),
    ),
    "undervoltage": Scenario(
        "a cell below its cutoff: fault 0x02 for 6 s, then two minutes of recovery, again and again",
        _faulty(0x02, 0x7B, {"soc": 1.0, "current": 0}, {"soc": 12, "current": -20}),
    ),
    "overheat": Scenario(
        "too hot: fault 0x04 for 6 s, then two minutes of recovery, again and again",
        _faulty(0x04, 0x73, {"temp1": 61, "current": 0}, {"temp1": 55, "current": 60}),
    ),
    "cold": Scenario(
        "too cold to charge: 0x37 for 6 s, then two minutes of recovery, again and again",
        _faulty(0x37, 0x74, {"temp1": -3, "current": 0}, {"temp1": 2, "current": 5}),
    ),
    "silent": Scenario("answers for 8 s, then not for 16 s, again and again", _silent),
    "bad-line": Scenario("half of the answers damaged, noise, ASCII lines", _bad_line),
}
