"""Faults planted into good captures of scenarios: one for each expectation, which has to notice it.

Bits are set by the layout that Victron's page gives, not by the code under test.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.columns import FrameBlock

LAYOUT = {
    "CVL": (0x351, 0, 16), "CCL": (0x351, 16, 16), "DCL": (0x351, 32, 16),
    "SOC": (0x355, 0, 16), "SOH": (0x355, 16, 16), "Fine": (0x355, 32, 16),
    "Current": (0x356, 16, 16), "Temperature": (0x356, 32, 16),
    "OnlineCapacity": (0x35F, 32, 16),
    "CellMin": (0x373, 0, 16), "Coldest": (0x373, 32, 16),
    "EnergyIn": (0x378, 0, 32), "EnergyOut": (0x378, 32, 32),
    "Status": (0x35A, 58, 2),
}  # fmt: skip
"""Identifier, first bit, bits."""
FIELDS = ("General", "HighVoltage", "LowVoltage", "HighTemperature", "LowTemperature", "HighTemperatureCharge",
          "LowTemperatureCharge", "HighDischargeCurrent", "HighChargeCurrent", "Contactor", "ShortCircuit",
          "BmsInternal", "CellImbalance")  # fmt: skip
LAYOUT |= {f"Alarm{name}": (0x35A, 2 * n, 2) for n, name in enumerate(FIELDS)}
LAYOUT |= {f"Warning{name}": (0x35A, 32 + 2 * n, 2) for n, name in enumerate(FIELDS)}
ACTIVE, OK = 1, 2
OFFLINE, ONLINE = 1, 2
GX = (0x305, 0x307)

Rows = NDArray[np.bool_]
Where = Callable[["Bus"], Rows]
Plant = Callable[["Bus"], FrameBlock]


class Bus:
    """A capture, and what was on the bus at each of its frames, as raw numbers."""

    def __init__(self, block: FrameBlock) -> None:
        self.block = block
        self.s = block.time_us / 1e6

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        """A field as it was sent last; -1 before its first frame."""
        identifier, start, bits = LAYOUT[name]
        raw = (self.block.data >> np.uint64(start)).astype(np.int64) & ((1 << bits) - 1)
        own = np.flatnonzero(self.block.id == identifier)
        place = np.searchsorted(own, np.arange(len(raw)), side="right") - 1
        return np.where(place >= 0, raw[own[np.maximum(place, 0)]], -1)

    def begin_s(self, name: str, value: int, last: bool = False) -> float:
        """When a field became a value, after it had another one, the first or the last time."""
        is_value = self[name] == value
        begins = np.flatnonzero(is_value[1:] & ~is_value[:-1] & (self[name][:-1] >= 0)) + 1
        return float(self.s[begins[-1 if last else 0]])

    def gap_s(self) -> tuple[float, float]:
        """Begin and end of the longest pause of the battery."""
        own = self.s[~np.isin(self.block.id, GX)]
        longest = int(np.diff(own).argmax())
        return float(own[longest]), float(own[longest + 1])

    def put(self, name: str, value: int | Callable[[NDArray[np.int64]], NDArray[np.int64]], where: Rows) -> FrameBlock:
        """Another value of a field in those frames that carry it."""
        identifier, start, bits = LAYOUT[name]
        raw = np.clip(value(self[name]) if callable(value) else np.full(len(self.s), value), 0, (1 << bits) - 1)
        mask = np.uint64(((1 << bits) - 1) << start)
        changed = (self.block.data & ~mask) | (raw.astype(np.uint64) << np.uint64(start))
        own = (self.block.id == identifier) & where
        assert own.any(), f"no frame with {name} to plant a fault in"
        return replace(self.block, data=np.where(own, changed, self.block.data))

    def drop(self, where: Rows) -> FrameBlock:
        """Without some frames."""
        assert where.any()
        return self.block.take(~where)

    def between(self, start_s: float, end_s: float) -> Rows:
        return np.asarray((self.s >= start_s) & (self.s < end_s))


@dataclass(frozen=True)
class Fault:
    """A fault, and the other expectations that cannot help noticing it too."""

    plant: Plant
    also: frozenset[str] = frozenset()


def always(_bus: Bus) -> Rows:
    return np.ones(len(_bus.s), np.bool_)


def one(name: str, where: Where = always, place: float = 0.5) -> Where:
    """One frame that carries a field."""

    def rows(bus: Bus) -> Rows:
        found = np.flatnonzero(where(bus) & (bus.block.id == LAYOUT[name][0]))
        only = np.zeros(len(bus.s), np.bool_)
        only[found[int(place * (len(found) - 1))]] = True
        return only

    return rows


def put(
    name: str,
    value: int | Callable[[NDArray[np.int64]], NDArray[np.int64]],
    where: Where = always,
    also: tuple[str, ...] = (),
) -> Fault:
    return Fault(lambda bus: bus.put(name, value, where(bus)), frozenset(also))


def both(first: Fault, second: Fault) -> Fault:
    return Fault(lambda bus: second.plant(Bus(first.plant(bus))), first.also | second.also)


def during(name: str, value: int, settled_s: float = 0.0) -> Where:
    """While a field has a value, from some time after its first begin on."""

    def rows(bus: Bus) -> Rows:
        return np.asarray((bus[name] == value) & (bus.s >= bus.begin_s(name, value) + settled_s))

    return rows


def since(name: str, value: int, start_s: float, end_s: float = 1e9, last: bool = False) -> Where:
    """So many seconds after a field became a value."""
    return lambda bus: bus.between(*(bus.begin_s(name, value, last) + s for s in (start_s, end_s)))


def drop(where: Where, *ids: int) -> Fault:
    """Without those frames of the battery, or without those of some identifiers."""

    def plant(bus: Bus) -> FrameBlock:
        own = np.isin(bus.block.id, ids) if ids else ~np.isin(bus.block.id, GX)
        return bus.drop(where(bus) & own)

    return Fault(plant)


def last_frames(seconds: float) -> Where:
    return lambda bus: bus.s >= bus.s[-1] - seconds


def before_gap(seconds: float) -> Where:
    """The last seconds before the longest pause of the battery."""
    return lambda bus: bus.between(bus.gap_s()[0] - seconds, bus.gap_s()[0] + 0.001)


def gx_gap(start_s: float, end_s: float) -> Where:
    """Part of the time without a keepalive."""

    def rows(bus: Bus) -> Rows:
        keepalive = bus.s[bus.block.id == 0x305]
        begin = float(keepalive[int(np.diff(keepalive).argmax())])
        return bus.between(begin + start_s, begin + end_s)

    return rows


def current_changes_until_the_warning(bus: Bus) -> FrameBlock:
    warned = bus.begin_s("WarningBmsInternal", ACTIVE)
    return bus.put("Current", lambda raw: raw + 1, one("Current", lambda b: b.between(0, warned), 1.0)(bus))


def ccl_high_when_back(bus: Bus) -> FrameBlock:
    back = bus.gap_s()[1]
    return bus.put("CCL", 500, bus.between(back, back + 0.5))


def dcl_high_when_back(bus: Bus) -> FrameBlock:
    back = bus.gap_s()[1]
    return bus.put("DCL", 1080, bus.between(back, back + 0.5))


def at_most(value: int) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    return lambda raw: np.minimum(raw, value)


def at_least(value: int) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    return lambda raw: np.maximum(raw, value)


def more(digits: int) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    return lambda raw: raw + digits


def warm(low_ddegc: int, high_ddegc: int) -> Where:
    """While the warmest sensor is in a range and the BMS has no fault."""
    return lambda bus: np.asarray(
        (bus["Temperature"] >= low_ddegc) & (bus["Temperature"] < high_ddegc) & (bus["Status"] == ONLINE)
    )


def freezing(bus: Bus) -> Rows:
    """The coldest sensor is below 0 degC, for a second already."""
    cold = (bus["Coldest"] <= 272) & (bus["Coldest"] > 0)
    return np.asarray(cold & (bus.s >= bus.s[np.flatnonzero(cold)[0]] + 1.2))


FAULTS: dict[str, dict[str, Fault]] = {
    "rest": {
        "starts-low": both(put("CCL", 900), put("DCL", 1080)),
        "ccl-ramp": put("CCL", 800, one("CCL", place=0.2)),
        "dcl-ramp": put("DCL", 900, one("DCL", place=0.2)),
        "online": put("WarningGeneral", ACTIVE, one("Status")),
    },
    "day": {
        "both-directions": put("Current", 100),
        "no-alarm": put("AlarmGeneral", ACTIVE, one("Status")),
    },
    "charge": {
        "full": put("Current", 50),
        "no-fault": put("AlarmGeneral", ACTIVE, one("Status", during("SOC", 100))),
        "cvl-not-raised": put("CVL", more(1), one("CVL", during("SOC", 100), 1.0)),
    },
    "discharge": {
        "dcl-zero": both(
            put("CellMin", 2950, during("AlarmLowVoltage", ACTIVE)),
            put("DCL", 100, one("DCL", during("AlarmLowVoltage", ACTIVE, 1.5))),
        ),
        "charging-allowed": put("CCL", 0, one("CCL", during("AlarmLowVoltage", ACTIVE))),
        "floor": put("DCL", 100, last_frames(3)),
    },
    "overvoltage": {
        "alarm": put("Status", ONLINE),
        "ccl-zero": put("CCL", 50, one("CCL", during("AlarmHighVoltage", ACTIVE, 1.5))),
        "cvl-float": put("CVL", more(1), during("AlarmHighVoltage", ACTIVE)),
        "discharge-allowed": put("DCL", 0, one("DCL", during("AlarmHighVoltage", ACTIVE))),
        "ccl-waits": put("CCL", 30, since("AlarmHighVoltage", OK, 5, 7)),
        "ccl-slow": put("CCL", more(200), one("CCL", since("AlarmHighVoltage", OK, 35, 40))),
        "ccl-back": put("CCL", at_most(800), since("AlarmHighVoltage", OK, 1)),
    },
    "undervoltage": {
        "alarm": put("Status", ONLINE),
        "dcl-zero": put("DCL", 50, one("DCL", during("AlarmLowVoltage", ACTIVE, 1.5))),
        "charging-allowed": put("CCL", 0, one("CCL", during("AlarmLowVoltage", ACTIVE))),
        "cvl-stays": put("CVL", more(-1), one("CVL", during("AlarmLowVoltage", ACTIVE))),
        "dcl-waits": put("DCL", 30, since("AlarmLowVoltage", OK, 5, 7)),
        "dcl-slow": put("DCL", more(200), one("DCL", since("AlarmLowVoltage", OK, 84, 90))),
        "dcl-back": put("DCL", at_most(1000), since("AlarmLowVoltage", OK, 1)),
    },
    "overheat": {
        "ccl-falls": put("CCL", 500, warm(540, 570)),
        "dcl-falls": put("DCL", 1000, warm(540, 570)),
        "ccl-zero": put("CCL", 50, warm(590, 620)),
        "warning": put("WarningHighTemperatureCharge", OK),
        "alarm": put("AlarmHighTemperature", OK),
        "both-zero": put("DCL", 50, during("Status", OFFLINE)),
        "dcl-back": put("DCL", at_most(1000), since("Status", ONLINE, 1)),
    },
    "cold": {
        "ccl-half": put("CCL", 500, during("Coldest", 278)),
        "ccl-zero": put("CCL", 30, one("CCL", freezing)),
        "cvl-float": put("CVL", more(1), freezing),
        "discharge-allowed": put("DCL", 0, one("DCL")),
        "warning": put("WarningLowTemperatureCharge", OK),
        "alarm": put("AlarmGeneral", OK),
        "ccl-waits": put("CCL", 30, since("Status", ONLINE, 5, 7)),
    },
    "soc-soh-sweep": {
        "soc-covered": both(put("SOC", at_most(90)), put("Fine", at_most(9000))),
        "soh-covered": put("SOH", at_least(10)),
        "range": put("SOH", 101, one("SOH")),
        "soc-agrees": put("SOC", more(1), one("SOC")),
        "soc-half-up": put("SOC", 12, lambda bus: bus["Fine"] == 1250),
        "soc-below-half": put("SOC", 50, lambda bus: bus["Fine"] == 4949, ("soc-agrees",)),
        "soh-half-up": put("SOH", 97, lambda bus: bus["Fine"] == 1250, ("capacity-by-soh",)),
        "soh-unknown": put("SOH", 97, last_frames(10)),
        "capacity-by-soh": put("OnlineCapacity", 280),
    },
    "energy-counters": {
        "energy": put("EnergyIn", lambda raw: raw // 2),
        "in-never-back": put("EnergyIn", more(-1), one("EnergyIn", place=1.0), ("energy",)),
        "out-never-back": put("EnergyOut", more(-1), one("EnergyOut", place=1.0), ("energy",)),
        "out-rests": put("EnergyOut", more(1), lambda bus: bus.s >= bus.s[0] + 40, ("energy",)),
        "in-rests": put("EnergyIn", more(1), lambda bus: bus.s >= bus.s[0] + 110, ("energy",)),
    },
    "bms-lost": {
        "stage-one": put("WarningGeneral", OK),
        "not-earlier": Fault(current_changes_until_the_warning),
        "charging-stays-off": put("CCL", 30, since("WarningBmsInternal", ACTIVE, 4, 6, last=True)),
        "cvl-held": put("CVL", more(1), since("WarningBmsInternal", ACTIVE, 4, 6, last=True)),
        "dcl-held": put("DCL", more(-100), since("WarningBmsInternal", ACTIVE, 4, 6, last=True)),
        "no-alarm": put("AlarmGeneral", ACTIVE, one("Status")),
        "frames-stop": drop(before_gap(2.5)),
        "from-zero": Fault(ccl_high_when_back, frozenset({"ccl-ramp"})),
        "ccl-ramp": put("CCL", more(200), one("CCL", since("Status", ONLINE, 8, 10))),
        "ccl-back": put("CCL", at_most(800), since("Status", ONLINE, 1, last=True)),
        "limits-first": Fault(dcl_high_when_back),
    },
    "gx-lost": {
        "gx-lost-and-back": drop(gx_gap(5, 1e9), 0x305),
        "frames-go-on": drop(gx_gap(8, 11), 0x355),
        "ccl-stays": put("CCL", more(-50), one("CCL", gx_gap(20, 24))),  # the ramp after the start is over
        "dcl-stays": put("DCL", more(-50), one("DCL", gx_gap(20, 24))),
        "cvl-stays": put("CVL", more(1), one("CVL", gx_gap(5, 24))),
        "no-alarm": put("WarningGeneral", ACTIVE, one("Status", gx_gap(5, 24))),
    },
    "silent": {
        "charging-stops": put("CCL", 30, since("WarningBmsInternal", ACTIVE, 1, 6)),
        "frames-stop": drop(before_gap(2.5)),
    },
    "frozen": {
        "charging-stops": put("CCL", 30, since("WarningBmsInternal", ACTIVE, 1, 4)),
        "frames-stop": drop(before_gap(2.5)),
        "from-a-tenth": Fault(ccl_high_when_back),
    },
    "two-faults": {
        "alarms": put("Status", ONLINE),
        "charging-stops": put("CCL", 50, one("CCL", since("AlarmHighDischargeCurrent", OK, 1.5, 3))),
        "discharging-stops": put("DCL", 100, one("DCL", during("AlarmHighDischargeCurrent", ACTIVE, 1.5))),
    },
    "sensor-lost": {
        "warning": put("Status", OFFLINE, during("WarningBmsInternal", ACTIVE)),
        "charging-stops": put("CCL", 50, one("CCL", during("WarningBmsInternal", ACTIVE, 2))),
        "discharge-allowed": put("DCL", 0, one("DCL")),
        "ccl-waits": put("CCL", 30, since("WarningBmsInternal", OK, 5, 7)),
    },
    "bad-line": {
        "online": put("Status", OFFLINE, one("Status")),
        "frames-go-on": drop(lambda bus: bus.between(bus.s[0] + 10, bus.s[0] + 13), 0x351),
        "values-fresh": put("Current", 100),
    },
}
