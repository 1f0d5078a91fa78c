"""What the frames on the bus say: presence, period, length, plausible values, alarms, and who else is there.

Presence, length, period and ranges are judged by the rules of `tinybms-gw can verify`, and so by Victron's CAN-bus BMS
protocol (2021-04-17); where that has none, a constant here says why.
"""

from collections.abc import Callable
from dataclasses import replace

from tinybms_gateway.can.frame import DecodedFrame
from tinybms_gateway.can.protocol import KEEPALIVE_ID, LIMITS_LOST_S, REQUIRED, RESERVED_ALARM_BITS
from tinybms_gateway.can.verify.rules import layout, presence
from tinybms_gateway.can.verify.rules.base import VICTRON, Gap
from tinybms_gateway.can.verify.rules.timing import LIMITS_LOST_US, REQUIRED_PERIOD_US, longest_gap_us
from tinybms_gateway.can.verify.rules.values import CURRENT_DA, PACK_CV, TEMPERATURE_DDEGC
from tinybms_gateway.check.bus_listener import TEXTS, Heard, Traffic
from tinybms_gateway.check.finding import Finding, Result, failed, good, warning
from tinybms_gateway.foreign_text import shortened

LATE_AFTER_US = longest_gap_us(REQUIRED_PERIOD_US)
FORMS = ("length", "no-fd-frames")
"""Rules of `can verify` for what a frame is; one that breaks them has no values to look at."""
TOO_OFTEN_HZ = 1.5
STEADY = (0x355, 0x356)
"""Sent every second and at no other time; 0x351 and 0x35A also when something changes."""
IDENTITIES = (0x35E, 0x35F, 0x370, 0x371, 0x380, 0x381, 0x382)
"""Frames whose content never changes while one battery sends them (0x35F: without its capacity)."""
VOLTAGE_OF_CVL = (0.55, 1.15)
"""Battery voltage as a share of CVL: an empty lithium cell has 0.64 (LTO) to 0.71 (LFP) of its full voltage, and a
solar charger that feeds in goes 0.4 V above CVL. A CVL for one cell, or in another unit, is far outside."""
PACK_V = (PACK_CV[0] / 100, PACK_CV[1] / 100)
MOST_CURRENT_A = CURRENT_DA / 10
TEMPERATURE_C = (TEMPERATURE_DDEGC[0] / 10, TEMPERATURE_DDEGC[1] / 10)
MANY_ALARMS = 8
"""More alarms than a battery can have at once (high and low voltage, high and low temperature, ...)."""
FEW_ALARMS = 3
"""Of so few fields all may well be active."""
SEVERITY = (Result.GOOD, Result.WARNING, Result.FAILED)
GX_NAME = "GX, 0x305"
ALONE_NAME = "one battery"
IDENTITY_NAME = "identity, 0x35E 0x35F"

ValueCheck = Callable[[DecodedFrame, Traffic], list[Finding]]


def name_of(identifier: int) -> str:
    """Name of the check of a required frame."""
    return f"{REQUIRED[identifier]}, 0x{identifier:03X}"


def bus_findings(traffic: Traffic) -> list[Finding]:
    """Judge what was heard."""
    overview = f"{traffic.frames} frames in {traffic.seconds:.1f} s"
    if traffic.lost:
        bus = failed("CAN bus", f"{overview}, then {traffic.lost}", "look at the adapter and its cable, try again")
    elif not traffic.frames:
        bus = failed("CAN bus", overview, "wiring, termination (60 ohm between CAN-H and CAN-L), 500 kbit/s, power")
    else:
        bus = good("CAN bus", overview)
    frames = [_worst(_frame_findings(identifier, traffic)) for identifier in REQUIRED]
    return [bus, *frames, _identity(traffic), _gx(traffic), _alone(traffic)]


def unreachable_bus(reason: str) -> list[Finding]:
    """The bus could not be opened: nothing on it could be checked."""
    return [failed("CAN bus", shortened(reason), "look at --can, the adapter and its cable; is another program on it?")]


def _worst(findings: list[Finding]) -> Finding:
    """All that was seen in one row, with the worst result; there is at least one finding."""
    worst = SEVERITY[_severity(findings)]
    seen = "; ".join(finding.seen for finding in findings if finding.result is worst or finding.result is Result.GOOD)
    advice = "; ".join(dict.fromkeys(finding.advice for finding in findings if finding.result is worst))
    return Finding(findings[0].check, worst, seen, advice)


def _severity(findings: list[Finding]) -> int:
    return max(SEVERITY.index(finding.result) for finding in findings)


def _frame_findings(identifier: int, traffic: Traffic) -> list[Finding]:
    name = name_of(identifier)
    forms = [rule for rule in layout.rules() if rule.id in FORMS]
    present = next(rule for rule in presence.rules() if rule.id == f"present-{identifier:03X}")
    traffic.judge(identifier, present, *forms)
    for rule in forms:
        if rule.count:
            seen = f"{rule.count} of {rule.checked} frames: {rule.violations[-1].text}"
            return [failed(name, seen, f"{rule.sentence} Record it with 'tinybms-gw can capture'")]
    heard = traffic.of(identifier)
    if heard is None or present.count or not present.checked:  # the rule may not know yet: that is no success either
        if identifier in traffic.extended:
            return [failed(name, "with a 29-bit identifier only: a GX ignores it", "send it with 11 bits")]
        return [failed(name, "not there", "is the gateway on this bus, and does its BMS answer? See its log")]
    return [*_values(identifier, heard, traffic), _period(identifier, heard, traffic)]


def _values(identifier: int, heard: Heard, traffic: Traffic) -> list[Finding]:
    """Of the worst frame, of several the newest: an alarm that has gone again is one to know of."""
    newest, *earlier = (VALUE_CHECKS[identifier](frame, traffic) for frame in reversed(heard.frames))
    worst = max([newest, *earlier], key=_severity)
    if worst is newest:
        return newest
    return [replace(finding, seen=f"{finding.seen} (not in the newest frame)") for finding in worst]


def _is_missing(identifier: int, longest_us: int, traffic: Traffic) -> bool:
    """Whether a frame was missing for longer than this, up to the end of listening.

    The rules for periods excuse the silence of a whole battery, and end with its last frame; here that counts.
    """
    gap = Gap("gap", "It is not missing for longer.", VICTRON, identifier, 0, longest_us)
    traffic.judge(identifier, gap)
    return gap.count > 0


def _period(identifier: int, heard: Heard, traffic: Traffic) -> Finding:
    name = name_of(identifier)
    if heard.period_s is None:
        return failed(
            name, f"once in {traffic.seconds:.1f} s", "it must come every second; listen longer with --seconds"
        )
    gap_s = heard.longest_gap_s(traffic.ended_s)
    seen = f"every {heard.period_s:.1f} s"
    if _is_missing(identifier, LIMITS_LOST_US, traffic):
        return failed(
            name, f"{seen}, then missing for {gap_s:.1f} s", "a GX stops the system after 3 s: gateway, BMS line"
        )
    if _is_missing(identifier, LATE_AFTER_US, traffic):
        return warning(
            name, f"{seen}, longest gap {gap_s:.1f} s", "it should come every second; is the bus overloaded?"
        )
    return good(name, seen)


def _number(frame: DecodedFrame, signal: str) -> float:
    return float(frame.signals[signal].value)


def _newest(traffic: Traffic, identifier: int) -> DecodedFrame | None:
    heard = traffic.of(identifier)
    return heard.newest if heard is not None and not heard.newest.problem else None


def _limits(frame: DecodedFrame, traffic: Traffic) -> list[Finding]:
    name = name_of(0x351)
    cvl, ccl, dcl = (_number(frame, signal) for signal in ("CVL", "CCL", "DCL"))
    seen = f"CVL {cvl:.1f} V, CCL {ccl:.1f} A, DCL {dcl:.1f} A"
    measured = _newest(traffic, 0x356)
    volts = _number(measured, "Voltage") if measured is not None else None
    if cvl <= 0:
        return [failed(name, seen, "CVL 0 would drain the battery: look at the settings of the BMS and the gateway")]
    if volts is not None and not VOLTAGE_OF_CVL[0] <= volts / cvl <= VOLTAGE_OF_CVL[1]:
        return [failed(name, f"{seen} with a battery of {volts:.2f} V", "CVL must be that of the whole pack, in volts")]
    for limit in (ccl, dcl):
        if not 0 <= limit <= MOST_CURRENT_A:
            return [failed(name, seen, f"both currents are sent positive, in 0.1 A, {MOST_CURRENT_A:.0f} A at most")]
    stopped = [what for what, limit in (("charging", ccl), ("discharging", dcl)) if limit == 0]
    if stopped:
        return [warning(name, seen, f"no {' and no '.join(stopped)}: the gateway's log says why")]
    return [good(name, seen)]


def _charge(frame: DecodedFrame, _traffic: Traffic) -> list[Finding]:
    name = name_of(0x355)
    soc = _number(frame, "SOC")
    soh = _number(frame, "SOH") if "SOH" in frame.signals else None
    fine = _number(frame, "SOCHighResolution") if "SOCHighResolution" in frame.signals else None
    seen = f"SOC {soc:.0f} %" + (f" ({fine:.2f} %)" if fine is not None else "")
    seen += f", SOH {soh:.0f} %" if soh is not None else ""
    if any(value is not None and value > 100 for value in (soc, soh, fine)):
        return [failed(name, seen, "0..100 %; is it another unit, or another battery?")]
    if fine and abs(fine - soc) > 0.51:
        return [failed(name, seen, "both must say the same, rounded")]
    return [good(name, seen)]


def _measurements(frame: DecodedFrame, _traffic: Traffic) -> list[Finding]:
    name = name_of(0x356)
    volts, amperes, degrees = (_number(frame, signal) for signal in ("Voltage", "Current", "Temperature"))
    seen = f"{volts:.2f} V, {amperes:+.1f} A, {degrees:.1f} degC"
    if not PACK_V[0] <= volts <= PACK_V[1]:
        return [failed(name, seen, f"{PACK_V[0]:.0f} to {PACK_V[1]:.0f} V, that of the whole pack and not of a cell")]
    if abs(amperes) > MOST_CURRENT_A:
        return [failed(name, seen, f"{MOST_CURRENT_A:.0f} A at most")]
    if not TEMPERATURE_C[0] <= degrees <= TEMPERATURE_C[1]:
        return [failed(name, seen, "look at the temperature sensors; is it another unit?")]
    return [good(name, seen)]


def _alarms(frame: DecodedFrame, _traffic: Traffic) -> list[Finding]:
    name = name_of(0x35A)
    bits = int.from_bytes(frame.data, "little")
    fields = {signal: str(found.value) for signal, found in frame.signals.items() if signal != "SystemStatus"}
    threes = [n for n in (*range(13), *range(16, 29)) if bits >> 2 * n & 3 == 3]
    if threes:
        return [failed(name, f"value 3 in {len(threes)} of 26 fields", "a field is 1 (active), 2 (OK) or 0; never 3")]
    if bits & RESERVED_ALARM_BITS:
        return [failed(name, f"reserved bits are set: {frame.data.hex(' ').upper()}", "they must be 0")]
    supported = [value for value in fields.values() if value in ("active", "OK")]
    if not supported:
        return [failed(name, "no alarm is supported: all fields are 0", "1 means active, 2 means OK, 0 not supported")]
    findings = [good(name, f"{len(supported)} fields in use")]
    for kind, tell, advice in (
        ("Alarm", failed, "put right what it names before hand-over"),
        ("Warning", warning, "look at what it names"),
    ):
        of_kind = {signal[len(kind) :]: value for signal, value in fields.items() if signal.startswith(kind)}
        active = [signal for signal, value in of_kind.items() if value == "active"]
        all_of_them = len(active) > FEW_ALARMS and "OK" not in of_kind.values()
        if len(active) >= MANY_ALARMS or all_of_them:
            seen = f"{len(active)} {kind.lower()}s at once: {', '.join(active)}"
            findings.append(failed(name, seen, "are the values swapped? 1 means active, 2 means OK"))
        elif active:
            findings.append(tell(name, f"{kind.lower()}: {', '.join(active)}", advice))
    findings.append(_status(name, bits >> 58 & 3))
    return findings


def _status(name: str, value: int) -> Finding:
    if value == 2:
        return good(name, "status online")
    if value == 1:
        return failed(
            name, "status offline", "the gateway has no fresh data of the BMS, or the BMS has a fault: its log"
        )
    return warning(name, "status unknown", "our gateway sends online or offline: is it another device?")


VALUE_CHECKS: dict[int, ValueCheck] = {0x351: _limits, 0x355: _charge, 0x356: _measurements, 0x35A: _alarms}


def _identity(traffic: Traffic) -> Finding:
    maker, model = (_newest(traffic, identifier) for identifier in TEXTS)
    parts = []
    if maker is not None:
        parts.append(shortened(str(maker.signals["ManufacturerName"].value)))
    if model is not None:
        major, minor = (int(_number(model, signal)) for signal in ("FirmwareMajor", "FirmwareMinor"))
        parts.append(f"model {_number(model, 'Model'):.0f}, firmware of the BMS {major}.{minor}")
    if len(parts) == len(TEXTS):
        return good(IDENTITY_NAME, ", ".join(parts))
    seen = ", ".join(parts) or "not there"
    return warning(IDENTITY_NAME, seen, "both come every 5 s; listen longer with --seconds")


def _gx(traffic: Traffic) -> Finding:
    heard = traffic.of(KEEPALIVE_ID)
    if heard is not None:
        period = f"every {heard.period_s:.1f} s" if heard.period_s is not None else "once"
        if heard.longest_gap_s(traffic.ended_s) > LIMITS_LOST_S or heard.period_s is None:
            return warning(GX_NAME, f"{period}, with gaps", "it should come every second: look at the GX and its cable")
        return good(GX_NAME, period)
    if traffic.keepalive_sent:
        return warning(GX_NAME, "no GX was heard; this check sent 0x305 itself", "check again with the GX connected")
    return failed(
        GX_NAME, "no GX was heard", "connect the GX, CAN profile 'CAN-bus BMS (500 kbit/s)'; without: --keepalive"
    )


def _alone(traffic: Traffic) -> Finding:
    changing = [identifier for identifier in IDENTITIES if len(_contents(traffic, identifier)) > 1]
    if changing:
        seen = f"0x{changing[0]:03X} changes between {' and '.join(sorted(_contents(traffic, changing[0]))[:2])}"
        return failed(ALONE_NAME, seen, "another battery sends the same identifiers: take it off this bus")
    rates = [heard.rate_hz for identifier in STEADY if (heard := traffic.of(identifier)) is not None]
    if rates and min(rates) > TOO_OFTEN_HZ:
        seen = f"frames of every second come {max(rates):.1f} times a second"
        return failed(ALONE_NAME, seen, "another battery sends the same identifiers: take it off this bus")
    if not rates:
        return failed(ALONE_NAME, "no battery was heard", "see above")
    return good(ALONE_NAME, "one sender")


def _contents(traffic: Traffic, identifier: int) -> set[str]:
    heard = traffic.of(identifier)
    if heard is None:
        return set()
    fixed = 4 if identifier == 0x35F else 8
    return {frame.data[:fixed].hex(" ").upper() for frame in heard.frames}
