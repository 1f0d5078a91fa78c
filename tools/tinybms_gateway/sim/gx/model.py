"""What a GX makes of the frames on its bus, by Victron's published rules. Every call is given the time."""

import math
from collections import deque
from dataclasses import dataclass, field

import can

from tinybms_gateway.can.frame import DecodedFrame, Value, decode_frame
from tinybms_gateway.can.protocol import ALARMS_ID, GX_IDS, LIMITS_LOST_S, REQUIRED, id_text

REQUIRED_WITHIN_S = 5.0
MOST_FRAMES_PER_S = 60
LEAST_GAP_S = 0.05
"""Frames of one id closer together than this are a flood; ours are 100 ms apart at least."""
SAME_ID_FLOOD = 5
"""This many of them in a row: a single late frame does not count."""
TEXT_PARTS = {0x370: 0, 0x371: 8}
IN_USE = ("active", "OK")


@dataclass
class Complaint:
    """Something that a real GX would refuse, or that breaks the protocol."""

    text: str
    first_s: float
    count: int = 1


@dataclass
class GxModel:
    """The state of the battery as the GX knows it, and what is wrong with what it hears."""

    started_s: float
    signals: dict[str, Value] = field(default_factory=dict)
    """Newest value of every signal, under its name in the DBC."""
    seen_s: dict[int, float] = field(default_factory=dict)
    """When an identifier was last heard."""
    complaints: dict[str, Complaint] = field(default_factory=dict)
    frames: int = 0
    limit_losses: int = 0
    longest_gap_s: float = 0.0
    """Between two frames 0x351."""
    _heard_since_s: float = -math.inf
    """First frame of the battery after a pause."""
    _last_s: float = -math.inf
    _recent: deque[float] = field(default_factory=deque)
    _allowed: bool = False
    _close: dict[int, int] = field(default_factory=dict)
    _name: list[str] = field(default_factory=lambda: ["", ""])

    def on_message(self, message: can.Message, now_s: float) -> DecodedFrame:
        """Take one frame."""
        frame = decode_frame(message)
        self.frames += 1
        self._watch_rate(frame, now_s)
        if frame.id in GX_IDS and not frame.extended:
            self._complain(f"0x{frame.id:03X} is sent by another device, but belongs to the GX", now_s)
        elif frame.problem:
            self._complain(f"{id_text(frame.id, extended=frame.extended)}: {frame.problem}", now_s)
        else:
            self._take(frame, now_s)
        return frame

    def tick(self, now_s: float) -> None:
        """Let time pass: apply the 3 s rule and look for missing frames."""
        allowed = self._limits_fresh(now_s)
        if self._allowed and not allowed:
            self.limit_losses += 1
            self._complain("0x351 missing for 3 s: charging and discharging stopped", now_s)
        self._allowed = allowed
        if 0x351 in self.seen_s:
            self.longest_gap_s = max(self.longest_gap_s, now_s - self.seen_s[0x351])
        if not self._hears_battery(now_s):
            return
        for identifier, what in REQUIRED.items():
            if now_s - max(self.seen_s.get(identifier, -math.inf), self._heard_since_s) > REQUIRED_WITHIN_S:
                self._complain(f"0x{identifier:03X} ({what}) is missing", now_s)

    @property
    def recognised(self) -> bool:
        """A battery is accepted: all required frames were there."""
        return REQUIRED.keys() <= self.seen_s.keys()

    def allowed(self, now_s: float) -> bool:
        """The system may charge and discharge: the limits are fresh."""
        return self.recognised and self._limits_fresh(now_s)

    def alarms(self) -> list[str]:
        """Names of the active alarms and warnings."""
        return [
            name for name, value in self.signals.items() if value == "active" and name.startswith(("Alarm", "Warning"))
        ]

    @property
    def name(self) -> str:
        """The name that a GX shows."""
        return "".join(self._name) or str(self.signals.get("ManufacturerName", ""))

    def summary(self, now_s: float) -> dict[str, object]:
        """Everything as plain values for JSON."""
        return {
            "recognised": self.recognised,
            "allowed": self.allowed(now_s),
            "name": self.name,
            "frames": self.frames,
            "limit_losses": self.limit_losses,
            "longest_0x351_gap_s": round(self.longest_gap_s, 3),
            "alarms": self.alarms(),
            "signals": dict(sorted(self.signals.items())),
            "complaints": [
                {"text": c.text, "first_s": round(c.first_s - self.started_s, 3), "count": c.count}
                for c in self.complaints.values()
            ],
        }

    # ---- inner parts ----

    def _take(self, frame: DecodedFrame, now_s: float) -> None:
        if now_s - self._last_s > LIMITS_LOST_S:
            self._heard_since_s = now_s
        self._last_s = now_s
        if frame.id == 0x351 and frame.id in self.seen_s:
            self.longest_gap_s = max(self.longest_gap_s, now_s - self.seen_s[frame.id])
        values = {name: signal.value for name, signal in frame.signals.items()}
        if frame.id == ALARMS_ID:
            self._check_alarm_fields(frame, values, now_s)
        if frame.id in TEXT_PARTS:
            self._name[frame.id - 0x370] = str(next(iter(values.values())))
        if any(isinstance(value, str) and "?" in value for value in values.values()):
            self._complain(f"0x{frame.id:03X}: the text is not 7-bit ASCII", now_s)
        self.signals.update(values)
        self.seen_s[frame.id] = now_s
        self._check_values(frame, now_s)

    def _check_alarm_fields(self, frame: DecodedFrame, values: dict[str, Value], now_s: float) -> None:
        bits = int.from_bytes(frame.data, "little")
        for index, (name, value) in enumerate(values.items()):
            before = self.signals.get(name)
            if before is not None and (before in IN_USE) != (value in IN_USE):
                self._complain(f"0x35A {name}: sometimes supported and sometimes not (values 0 or 3)", now_s)
            position = 2 * index if index < 13 else 32 + 2 * (index - 13)
            if bits >> position & 3 == 3:
                self._complain(f"0x35A {name}: value 3", now_s)
        if not any(value in IN_USE for name, value in values.items() if name.startswith("Alarm")):
            self._complain("0x35A: no alarm is supported", now_s)

    def _check_values(self, frame: DecodedFrame, now_s: float) -> None:
        s = self.signals
        if frame.id == 0x351 and float(s["CVL"]) <= 0:
            self._complain("0x351: CVL is 0", now_s)
        if frame.id == 0x351 and (float(s["CCL"]) < 0 or float(s["DCL"]) < 0):
            self._complain("0x351: a current limit is negative; both are sent positive", now_s)
        if frame.id == 0x355 and float(s["SOC"]) > 100:
            self._complain("0x355: SOC above 100 %", now_s)
        fine = frame.signals.get("SOCHighResolution")
        if fine is not None and float(fine.value) > 0 and abs(float(fine.value) - float(s["SOC"])) > 0.51:
            self._complain("0x355: SOC and its high resolution do not agree", now_s)
        if frame.id == 0x373 and float(s["CellVoltageMin"]) > float(s["CellVoltageMax"]):
            self._complain("0x373: the lowest cell is above the highest", now_s)
        manufacturer = str(s.get("ManufacturerName", ""))
        if (
            frame.id in (0x35E, 0x370, 0x371)
            and manufacturer
            and self._name[0]
            and not self.name.startswith(manufacturer)
        ):
            self._complain(f"name '{self.name}' (0x370) does not match manufacturer '{manufacturer}' (0x35E)", now_s)

    def _watch_rate(self, frame: DecodedFrame, now_s: float) -> None:
        self._recent.append(now_s)
        while self._recent[0] < now_s - 1.0:
            self._recent.popleft()
        if len(self._recent) > MOST_FRAMES_PER_S:
            self._complain(f"more than {MOST_FRAMES_PER_S} frames a second", now_s)
        close = now_s - self.seen_s.get(frame.id, -1e9) < LEAST_GAP_S
        self._close[frame.id] = self._close.get(frame.id, 0) + 1 if close else 0
        if self._close[frame.id] >= SAME_ID_FLOOD:
            self._complain(f"0x{frame.id:03X} comes repeatedly within {LEAST_GAP_S * 1000:.0f} ms", now_s)

    def _limits_fresh(self, now_s: float) -> bool:
        return 0x351 in self.seen_s and now_s - self.seen_s[0x351] < LIMITS_LOST_S

    def _hears_battery(self, now_s: float) -> bool:
        return now_s - self._last_s < LIMITS_LOST_S

    def _complain(self, text: str, now_s: float) -> None:
        if text in self.complaints:
            self.complaints[text].count += 1
        else:
            self.complaints[text] = Complaint(text, now_s)
