"""Whether frames agree with one another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.database import text_of
from tinybms_gateway.can.decoder import DecodedBlock, Frames
from tinybms_gateway.can.protocol import SENSOR_TEXT_IDS
from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.can.verify.rules.base import (
    CVL,
    FRAMES,
    OF_THE_CHECK,
    SECOND_US,
    VICTRON,
    Before,
    FrameRule,
    Latest,
    Mask,
    Sessions,
    message_name,
    note,
    rows_and,
)
from tinybms_gateway.can.verify.rules.values import has_temperatures

ENERGY_TOP = 1 << 32
ENERGY_NEAR_END = 1 << 24
"""A counter that falls from its last part into its first one has rolled over."""
SPREAD_MV = 50
"""With less, the lowest and the highest cell may change places between 0x374 and 0x375."""
TEMPERATURE_TOLERANCE_DDEGC = 10
"""Half a kelvin of rounding, and half of one between the frames."""
FRESH_US = 3 * SECOND_US
KELVIN_DDEGC = 2731.5
CVL_OF_VOLTAGE_PERCENT = (80, 200)
"""From a full battery with CVL at float to an empty one with CVL at its target."""

Read = Callable[[Frames], NDArray[Any]]


@dataclass(frozen=True)
class Side:
    """One of two frames that must agree."""

    identifier: int
    read: Read
    """What is compared."""


class Agree(Rule):
    """Each frame of one kind agrees with the newest one of another kind that is not older than `FRESH_US`."""

    def __init__(
        self,
        id: str,
        sentence: str,
        source: str,
        side: Side,
        other: Side,
        wrong: Callable[[NDArray[Any], NDArray[Any]], Mask],
        tell: Callable[[Any, Any], str],
        sessions: Sessions,
        *,
        twice: bool = False,
        fresh_us: int | None = FRESH_US,
        applies: Callable[[NDArray[Any], NDArray[Any]], Mask] | None = None,
    ) -> None:
        """`twice`: only when it is wrong two times in a row; between two frames the battery may have changed once."""
        super().__init__(id, sentence, source)
        self.not_applicable = f"no 0x{side.identifier:03X} after a 0x{other.identifier:03X} to which it applies"
        self._side, self._other, self._wrong, self._tell = side, other, wrong, tell
        self._sessions, self._twice, self._fresh_us, self._applies = sessions, twice, fresh_us, applies
        self._latest, self._before = Latest(), Before()

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        frames, other = decoded.frames.get(self._side.identifier), decoded.frames.get(self._other.identifier)
        rows, mine = rows_and(frames, self._side.read)
        source_rows, columns = rows_and(other, self._other.read, lambda f: f.time_us)
        there, (value, time_us) = self._latest.at(rows, source_rows, columns)
        if frames is None:
            return
        bad = np.zeros(len(rows), np.bool_)
        if there.any():
            there &= self._fresh_us is None or frames.time_us - time_us <= self._fresh_us
            if self._applies:
                there &= self._applies(mine[0], value)
            self.checked += int(there.sum())
            bad = there & self._wrong(mine[0], value)
        if self._twice:
            session = self._sessions.numbers(decoded)[rows]
            had, (bad_before, session_before) = self._before.of(bad, session)
            bad = bad & had & bad_before & (session == session_before)
        note(self, decoded, frames, bad, lambda i: self._tell(mine[0][i], value[i]))


class EnergyForward(Rule):
    """The energy counters."""

    def __init__(self) -> None:
        super().__init__(
            "energy-forward",
            "The energy counters of 0x378 never go back; at 2^32 they roll over to 0.",
            "docs/architecture.md, Energy counters",
        )
        self.not_applicable = "fewer than two 0x378 in the capture"
        self._before = Before()

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        frames = decoded.frames.get(0x378)
        if frames is None:
            return
        counters = frames.raw("EnergyIn"), frames.raw("EnergyOut")
        there, before = self._before.of(*counters)
        back = [_went_back(old, new) for old, new in zip(before, counters, strict=True)]
        self.checked += int(there.sum())

        def tell(i: int) -> str:
            what = [
                f"{name} from {100 * int(old[i])} to {100 * int(new[i])} Wh"
                for name, old, new, bad in zip(("in", "out"), before, counters, back, strict=True)
                if bad[i]
            ]
            return ", ".join(what) + "; a power cut accounts for at most 10 minutes of charging"

        note(self, decoded, frames, there & (back[0] | back[1]), tell)


def _went_back(old: NDArray[np.int64], new: NDArray[np.int64]) -> Mask:
    rolled_over = (old >= ENERGY_TOP - ENERGY_NEAR_END) & (new < ENERGY_NEAR_END)
    found: Mask = (new < old) & ~rolled_over
    return found


def _data(frames: Frames) -> NDArray[Any]:
    return frames.data


def _raw(name: str) -> Read:
    return lambda frames: frames.raw(name)


def _begins_with(name: NDArray[np.uint64], manufacturer: NDArray[np.uint64]) -> Mask:
    """Whether a name begins with another one, both eight characters with zeros behind their end."""
    shift = np.zeros(len(manufacturer), np.uint64)
    for octet in range(8):
        shift += np.where((manufacturer >> np.uint64(8 * octet)) != 0, np.uint64(8), np.uint64(0))
    whole = shift == 64
    mask = np.where(whole, ~np.uint64(0), (np.uint64(1) << np.where(whole, np.uint64(0), shift)) - np.uint64(1))
    found: Mask = (name & mask) == manufacturer
    return found


def _sensor_kelvin(frames: Frames) -> NDArray[np.int64]:
    """Hottest sensor; 0 without one."""
    return np.where(has_temperatures(frames), frames.raw("CellTemperatureMax"), 0)


def _spread(frames: Frames) -> NDArray[np.int64]:
    return frames.raw("CellVoltageMax") - frames.raw("CellVoltageMin")


class CellIds(Rule):
    """The lowest and the highest cell are two cells."""

    def __init__(self) -> None:
        super().__init__(
            "cell-ids-differ",
            f"0x374 and 0x375 name two cells while 0x373 shows at least {SPREAD_MV} mV difference (twice in a row).",
            FRAMES,
        )
        self.not_applicable = f"no 0x375 with a 0x374 and {SPREAD_MV} mV between the cells"
        self._lowest, self._extremes, self._before = Latest(), Latest(), Before()

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        frames = decoded.frames.get(0x375)
        rows, mine = rows_and(frames, _data)
        there, (lowest,) = self._lowest.at(rows, *rows_and(decoded.frames.get(0x374), _data))
        known, (spread,) = self._extremes.at(rows, *rows_and(decoded.frames.get(0x373), _spread))
        if frames is None:
            return
        there &= known & (spread >= SPREAD_MV)
        self.checked += int(there.sum())
        same = there & (mine[0] == lowest)
        had, (same_before,) = self._before.of(same)
        note(self, decoded, frames, same & had & same_before,
             lambda i: f"both are '{text_of(int(mine[0][i]))}', {spread[i]} mV apart")  # fmt: skip


def _modules(sessions: Sessions) -> list[Rule]:
    def blocks(what: str, flag: str, limit: str) -> Rule:
        return Agree(
            f"modules-{what}", f"The module blocks {what} in 0x372 exactly while {limit} is 0 (twice in a row).",
            FRAMES, Side(0x372, _raw(flag)), Side(0x351, _raw(limit)),
            lambda flags, limits: (flags != 0) != (limits <= 0),
            lambda flags, limits: f"{flag} {flags}, {limit} {limits / 10:.1f} A", sessions, twice=True,
        )  # fmt: skip

    return [
        blocks("charge", "ModulesBlockingCharge", "CCL"),
        blocks("discharge", "ModulesBlockingDischarge", "DCL"),
        Agree("modules-offline", "The module is offline in 0x372 exactly while 0x35A says so (twice in a row).", FRAMES,
              Side(0x372, _raw("ModulesOffline")), Side(0x35A, _raw("SystemStatus")),
              lambda offline, status: (offline != 0) != (status == 1),
              lambda offline, status: f"ModulesOffline {offline}, system status {status}", sessions, twice=True,
              applies=lambda _, status: (status == 1) | (status == 2)),
    ]  # fmt: skip


def _dvl_below(limits: Frames) -> Mask:
    found: Mask = (limits.raw("DVL") >= limits.raw("CVL")) & (limits.raw("CVL") > 0)
    return found


def rules(sessions: Sessions) -> list[Rule]:
    """All of them."""
    low, high = CVL_OF_VOLTAGE_PERCENT
    return [
        Agree("name-match", f"The battery name ({message_name(0x370)}) begins with the manufacturer name of 0x35E.",
              VICTRON, Side(0x370, _data), Side(0x35E, _data), lambda name, maker: ~_begins_with(name, maker),
              lambda name, maker: f"'{text_of(int(name))}' does not begin with '{text_of(int(maker))}'", sessions,
              fresh_us=None),
        FrameRule("name-short", "A name of up to eight characters is sent in 0x35E alone: 0x371 is not empty.", VICTRON,
                  0x371, lambda f: f.data == 0, lambda _f, _i: "0x371 is empty"),
        Agree("capacity", "The online capacity (0x35F) is not above the installed one (0x379).", VICTRON,
              Side(0x379, _raw("InstalledCapacityAh")), Side(0x35F, _raw("OnlineCapacity")),
              lambda installed, online: online > installed,
              lambda installed, online: f"{online} Ah online, {installed} Ah installed", sessions, fresh_us=None),
        Agree("temperature-sensor", "The temperature of 0x356 is that of the hottest sensor in 0x373, within 1 K "
                                    "(twice in a row).",
              FRAMES, Side(0x373, _sensor_kelvin), Side(0x356, _raw("Temperature")),
              lambda kelvin, ddegc: np.abs(kelvin * 10 - KELVIN_DDEGC - ddegc) > TEMPERATURE_TOLERANCE_DDEGC,
              lambda kelvin, ddegc: f"0x356 {ddegc / 10:.1f} degC, 0x373 {kelvin} K", sessions, twice=True,
              applies=lambda kelvin, _: kelvin != 0),
        *(Agree(f"sensor-{n:03X}", f"{message_name(n)} is sent only with a temperature in 0x373 (twice in a row).",
                FRAMES, Side(n, _data), Side(0x373, _sensor_kelvin), lambda _, kelvin: kelvin == 0,
                lambda _n, _k: "0x373 has no temperature", sessions, twice=True) for n in SENSOR_TEXT_IDS),
        CellIds(),
        EnergyForward(),
        *_modules(sessions),
        Agree("dvl-below-cvl", "DVL is below CVL, unless the BMS settings contradict one another "
                               "(WarningBmsInternal).", CVL,
              Side(0x351, _dvl_below), Side(0x35A, _raw("WarningBmsInternal")), lambda bad, _: bad,
              lambda _b, _w: "DVL is at or above CVL", sessions, applies=lambda _, warning: warning != 1),
        Agree("cvl-plausible", f"CVL is between {low} and {high} % of the battery voltage.", OF_THE_CHECK,
              Side(0x351, _raw("CVL")), Side(0x356, _raw("Voltage")),
              lambda cvl, voltage: (cvl * 1000 < voltage * low) | (cvl * 1000 > voltage * high),
              lambda cvl, voltage: f"CVL {cvl / 10:.1f} V at {voltage / 100:.2f} V", sessions,
              applies=lambda cvl, voltage: (cvl > 0) & (voltage > 0)),
    ]  # fmt: skip
