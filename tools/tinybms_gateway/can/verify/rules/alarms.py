"""The two-bit fields of 0x35A."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.database import hex_of, load_database
from tinybms_gateway.can.decoder import DecodedBlock, Frames
from tinybms_gateway.can.protocol import ALARMS_ID
from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.can.verify.rules.base import ALARMS, VICTRON, Before, FrameRule, Mask, Sessions, note

BITS = {
    signal.name: 1 << signal.start
    for signal in load_database().get_message_by_frame_id(ALARMS_ID).signals
    if signal.name.startswith(("Alarm", "Warning"))
}
"""Field -> the lower one of its two bits."""
ALL_LOW = np.uint64(sum(BITS.values()))


def bits_of(kind: str, *names: str) -> np.uint64:
    """Lower bits of some fields of a kind, ``Alarm`` or ``Warning``."""
    bits: np.uint64 = np.uint64(sum(BITS[kind + name] for name in names))
    return bits


ALWAYS = bits_of("Alarm", "General", "BmsInternal") | bits_of("Warning", "General", "BmsInternal")
NEVER = bits_of("Alarm", "Contactor", "ShortCircuit") | bits_of(
    "Warning", "LowTemperature", "Contactor", "ShortCircuit"
)
INTERNAL_WARNING = bits_of("Warning", "BmsInternal")
LOW_TEMPERATURE = bits_of("Alarm", "LowTemperature")
SENSOR_CORE = bits_of("Alarm", "HighTemperature", "LowTemperatureCharge")
SENSOR_ALL = (
    SENSOR_CORE | bits_of("Alarm", "HighTemperatureCharge")
    | bits_of("Warning", "HighTemperature", "HighTemperatureCharge", "LowTemperatureCharge")
)  # fmt: skip
ALARM_HALF = np.uint64(0xFFFFFFFF)


def active(data: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Lower bit set of the fields that are 1."""
    found: NDArray[np.uint64] = data & ~(data >> np.uint64(1)) & ALL_LOW
    return found


def supported(data: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Lower bit set of the fields that are 1 or 2."""
    found: NDArray[np.uint64] = (data ^ (data >> np.uint64(1))) & ALL_LOW
    return found


def names_of(bits: int) -> str:
    """The fields of a set of lower bits."""
    return ", ".join(name for name, bit in BITS.items() if bits & bit)


def status(frames: Frames) -> NDArray[np.int64]:
    """System status: 2 = online, 1 = offline, 0 = unknown."""
    return frames.raw("SystemStatus")


def fine(data: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Lower bit set of the fields that are 2."""
    found: NDArray[np.uint64] = ~data & (data >> np.uint64(1)) & ALL_LOW
    return found


class SupportStays(Rule):
    """The fields that a GX was told are supported. An event of the BMS can activate a field that is not."""

    def __init__(self, sessions: Sessions) -> None:
        super().__init__(
            "pairs-stay-supported",
            "No field of 0x35A changes between OK (2) and not supported (0), except the sensor fields, all together, "
            "when sensors come or go, and others with the warning 'BMS internal', when a BMS register is lost or "
            "returns.",
            VICTRON,
        )
        self.not_applicable = "fewer than two 0x35A without a silence between them"
        self._sessions, self._before = sessions, Before()

    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""
        frames = decoded.frames.get(0x35A)
        if frames is None:
            return
        data, session = frames.data, self._sessions.numbers(decoded)[frames.rows]
        there, (data_before, session_before) = self._before.of(data, session)
        there &= session == session_before
        there &= ((active(data) | active(data_before)) & INTERNAL_WARNING) == 0
        now, before = fine(data), fine(data_before)
        changed = (now & ~supported(data_before)) | (before & ~supported(data))
        went = changed & SENSOR_CORE & now
        came_or_went = ((changed & SENSOR_CORE) == SENSOR_CORE) & ((went == 0) | (went == SENSOR_CORE))
        wrong = np.where(came_or_went, changed & ~SENSOR_ALL, changed)
        self.checked += int(there.sum())
        note(self, decoded, frames, there & (wrong != 0),
             lambda i: f"{names_of(int(wrong[i]))}: "
                       f"{'supported' if int(now[i] & wrong[i]) else 'not supported'} all at once")  # fmt: skip


def _pairs_3(frames: Frames) -> NDArray[np.uint64]:
    found: NDArray[np.uint64] = frames.data & (frames.data >> np.uint64(1)) & ALL_LOW
    return found


def _general(kind: str) -> Callable[[Frames], Mask]:
    half = ALARM_HALF if kind == "Alarm" else ~ALARM_HALF
    general = bits_of(kind, "General")

    def bad(frames: Frames) -> Mask:
        found = active(frames.data) & half
        others = (found & ~general) != 0
        wrong = ((found & general) != 0) != others
        if kind == "Alarm":  # a fault whose field is not supported is shown by this one alone
            wrong &= others | (status(frames) != 1)
        known: Mask = wrong & ((supported(frames.data) & general) != 0)
        return known

    return bad


def _no_reason(frames: Frames) -> Mask:
    reasons = bits_of("Alarm", "General") | bits_of("Warning", "BmsInternal")
    found: Mask = (active(frames.data) & reasons) == 0
    return found


def _hex(frames: Frames, i: int) -> str:
    return hex_of(int(frames.data[i]))


def rules(sessions: Sessions) -> list[Rule]:
    """All of them."""
    return [
        SupportStays(sessions),
        FrameRule("pairs-never-3", "No field of 0x35A is 3; an unsupported field is 0.", ALARMS, 0x35A,
                  lambda f: _pairs_3(f) != 0, lambda f, i: f"3: {names_of(int(_pairs_3(f)[i]))}"),
        FrameRule("pairs-always", "The general fields and those of BMS internal are always supported.", ALARMS, 0x35A,
                  lambda f: (~supported(f.data) & ALWAYS) != 0,
                  lambda f, i: f"not supported: {names_of(int(~supported(f.data)[i] & ALWAYS))}"),
        FrameRule("pairs-never", "Contactor, short circuit and the low temperature warning are not supported.",
                  ALARMS, 0x35A, lambda f: (supported(f.data) & NEVER) != 0,
                  lambda f, i: f"supported: {names_of(int(supported(f.data)[i] & NEVER))}"),
        FrameRule("pairs-low-temperature", "The low temperature alarm is never OK: no register says what is too "
                  "cold.", ALARMS, 0x35A, lambda f: (fine(f.data) & LOW_TEMPERATURE) != 0, _hex),
        FrameRule("alarm-general", "The general alarm is active when another alarm is; on its own only in a "
                                   "fault (status offline).", ALARMS, 0x35A, _general("Alarm"),
                  lambda f, i: f"active: {names_of(int(active(f.data)[i] & ALARM_HALF)) or 'no alarm'}"),
        FrameRule("warning-general", "The general warning is active exactly while another warning is.", ALARMS, 0x35A,
                  _general("Warning"),
                  lambda f, i: f"active: {names_of(int(active(f.data)[i] & ~ALARM_HALF)) or 'no warning'}"),
        FrameRule("status-value", "The system status is 2 (online), 1 (offline) or 0 (unknown).", ALARMS, 0x35A,
                  lambda f: status(f) == 3, _hex),
        FrameRule("status-reason", "Status offline has a reason: the general alarm (a fault) or the warning "
                                   "'BMS internal' (no data).", ALARMS, 0x35A, _no_reason, _hex,
                  applies=lambda f: status(f) == 1),
    ]  # fmt: skip
