"""Each fault on the bus is found, and nothing else with it."""

import can
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinybms_gateway.check.bus_check import bus_findings
from tinybms_gateway.check.bus_listener import Traffic
from tinybms_gateway.check.finding import Finding, Result
from toolkit.check.bus_traffic import HEALTHY, frame, heard

FAILED, WARNING = Result.FAILED, Result.WARNING
LIMITS, CHARGE, VALUES, ALARMS = (
    "limits, 0x351",
    "state of charge, 0x355",
    "measurements, 0x356",
    "alarms, 0x35A",
)
GX, ALONE, IDENTITY = "GX, 0x305", "one battery", "identity, 0x35E 0x35F"


def not_good(traffic: Traffic) -> list[Finding]:
    return [finding for finding in bus_findings(traffic) if finding.result is not Result.GOOD]


def the_one(traffic: Traffic) -> Finding:
    found = not_good(traffic)
    assert len(found) == 1, found
    assert found[0].advice
    return found[0]


def test_a_healthy_battery() -> None:
    findings = {finding.check: finding for finding in bus_findings(heard())}
    assert {finding.result for finding in findings.values()} == {Result.GOOD}
    assert findings[LIMITS].seen == "CVL 56.0 V, CCL 100.0 A, DCL 150.0 A; every 1.0 s"
    assert findings[CHARGE].seen == "SOC 80 % (79.99 %), SOH 99 %; every 1.0 s"
    assert findings[VALUES].seen == "53.28 V, -10.0 A, 21.5 degC; every 1.0 s"
    assert findings[ALARMS].seen == "26 fields in use; status online; every 1.0 s"
    assert findings[IDENTITY].seen == "TinyBMS, model 258, firmware of the BMS 3.7"
    assert heard().complete


@pytest.mark.parametrize(
    ("identifier", "data", "check", "result", "seen"),
    [
        (0x351, "22 00 E8 03 DC 05 00 00", LIMITS, FAILED, "CVL 3.4 V"),  # of one cell
        (0x351, "E0 15 E8 03 DC 05 00 00", LIMITS, FAILED, "CVL 560.0 V"),  # in 0.01 V
        (0x351, "00 00 E8 03 DC 05 00 00", LIMITS, FAILED, "CVL 0.0 V"),
        (0x351, "30 02 18 FC DC 05 00 00", LIMITS, FAILED, "CCL -100.0 A"),
        (0x351, "30 02 E8 03 98 3A 00 00", LIMITS, FAILED, "DCL 1500.0 A"),
        (0x351, "30 02 00 00 DC 05 00 00", LIMITS, WARNING, "CCL 0.0 A"),
        (0x351, "30 02 00 00 00 00 00 00", LIMITS, WARNING, "DCL 0.0 A"),
        (0x351, "30 02 E8 03 DC 05", LIMITS, FAILED, "6 bytes"),
        (0x351, "", LIMITS, FAILED, "0 bytes"),
        (0x355, "65 00 63 00 74 27 00 00", CHARGE, FAILED, "SOC 101 %"),
        (0x355, "50 00 78 00 40 1F 00 00", CHARGE, FAILED, "SOH 120 %"),
        (0x355, "50 00 63 00 A0 0F 00 00", CHARGE, FAILED, "(40.00 %)"),
        (0x355, "50 00 63", CHARGE, FAILED, "3 bytes"),
        (0x356, "D0 14 98 3A D7 00 00 00", VALUES, FAILED, "+1500.0 A"),
        (0x356, "D0 14 9C FF D0 07 00 00", VALUES, FAILED, "200.0 degC"),
        (0x356, "D0 14 9C FF", VALUES, FAILED, "4 bytes"),
        (0x35A, "55 55 55 01 55 55 55 09", ALARMS, FAILED, "13 alarms at once"),  # 1 and 2 swapped
        (0x35A, "AA AA AA 02 55 55 55 09", ALARMS, FAILED, "13 warnings at once"),
        (0x35A, "AA AA AA 02 55 00 40 08", ALARMS, FAILED, "5 warnings at once"),  # all that there are
        (0x35A, "AA AA AA 02 96 AA AA 0A", ALARMS, WARNING, "warning: HighVoltage, LowVoltage"),
        (0x35A, "00 00 00 00 00 00 00 08", ALARMS, FAILED, "no alarm is supported"),  # 0 for OK
        (0x35A, "AE AA AA 02 AA AA AA 0A", ALARMS, FAILED, "value 3 in 1 of 26 fields"),
        (0x35A, "AA AA AA 02 AA AA AA 0B", ALARMS, FAILED, "value 3 in 1 of 26 fields"),
        (0x35A, "AA AA AA 06 AA AA AA 0A", ALARMS, FAILED, "reserved bits"),
        (0x35A, "AA AA AA 02 AA AA AA 1A", ALARMS, FAILED, "reserved bits"),
        (0x35A, "A6 AA AA 02 AA AA AA 0A", ALARMS, FAILED, "alarm: HighVoltage"),
        (0x35A, "AA AA AA 02 9A AA AA 0A", ALARMS, WARNING, "warning: LowVoltage"),
        (0x35A, "AA AA AA 02 AA AA AA 06", ALARMS, FAILED, "status offline"),
        (0x35A, "AA AA AA 02 AA AA AA 02", ALARMS, WARNING, "status unknown"),
        (0x35A, "AA AA AA 02", ALARMS, FAILED, "4 bytes"),
    ],
)
def test_a_value_that_cannot_be(identifier: int, data: str, check: str, result: Result, seen: str) -> None:
    found = the_one(heard({identifier: data}))
    assert (found.check, found.result) == (check, result)
    assert seen in found.seen


def test_no_voltage_is_a_fault_of_the_measurement_and_no_limit_fits_it() -> None:
    assert [finding.check for finding in not_good(heard({0x356: "00 00 9C FF D7 00 00 00"}))] == [LIMITS, VALUES]


def test_voltage_and_limit_of_one_cell() -> None:
    frames = {0x351: "22 00 E8 03 DC 05 00 00", 0x356: "4D 01 9C FF D7 00 00 00"}  # 3.4 V, 3.33 V
    assert the_one(heard(frames)).check == VALUES


def test_an_alarm_that_has_gone_again() -> None:
    found = the_one(heard(extra=((2.5, frame(0x35A, "A6 AA AA 02 AA AA AA 0A")),)))
    assert (found.check, found.result) == (ALARMS, FAILED)
    assert "alarm: HighVoltage (not in the newest frame)" in found.seen


@pytest.mark.parametrize("data", ["50 00 63 00", "50 00 63 00 3F 1F"])
def test_shorter_frames_that_the_protocol_allows(data: str) -> None:
    assert not not_good(heard({0x355: data, 0x356: "D0 14 9C FF D7 00"}))


@pytest.mark.parametrize(("identifier", "check"), [(0x351, LIMITS), (0x355, CHARGE), (0x356, VALUES), (0x35A, ALARMS)])
def test_a_frame_that_is_missing(identifier: int, check: str) -> None:
    found = the_one(heard(without=(identifier,)))
    assert (found.check, found.result, found.seen) == (check, FAILED, "not there")


def test_a_29_bit_identifier_is_none() -> None:
    extra = tuple((float(n), frame(0x351, HEALTHY[0x351], extended=True)) for n in range(6))
    found = the_one(heard(without=(0x351,), extra=extra))
    assert (found.check, found.result) == (LIMITS, FAILED)
    assert "29-bit" in found.seen


def test_remote_and_error_frames_are_none() -> None:
    extra = (
        (0.5, can.Message(arbitration_id=0x351, is_remote_frame=True, is_extended_id=False)),
        (0.6, can.Message(is_error_frame=True, is_extended_id=False)),
    )
    assert the_one(heard(without=(0x351,), extra=extra)).check == LIMITS


@pytest.mark.parametrize(
    ("times", "result", "seen"),
    [
        ((0.0, 1.0, 2.0), FAILED, "missing for 4.0 s"),
        ((0.0, 1.0, 3.0, 4.0, 5.0), WARNING, "longest gap 2.0 s"),
        ((3.0,), FAILED, "once"),
        ((1.0, 4.5, 5.5), FAILED, "missing for 3.5 s"),
    ],
)
def test_limits_that_come_too_late(times: tuple[float, ...], result: Result, seen: str) -> None:
    extra = tuple((at, frame(0x351, HEALTHY[0x351])) for at in times)
    found = the_one(heard(without=(0x351,), extra=extra))
    assert (found.check, found.result) == (LIMITS, result)
    assert seen in found.seen


def test_frames_that_are_urgent_are_no_second_battery() -> None:
    extra = tuple((0.1 * n, frame(i, HEALTHY[i])) for n in range(60) for i in (0x351, 0x35A))
    assert not not_good(heard(extra=extra))


def test_a_second_battery_of_the_same_content() -> None:
    extra = tuple((n + 0.4, frame(i, HEALTHY[i])) for n in range(6) for i in (0x351, 0x355, 0x356, 0x35A))
    found = the_one(heard(extra=extra))
    assert (found.check, found.result) == (ALONE, FAILED)
    assert "times a second" in found.seen


@pytest.mark.parametrize(
    ("identifier", "data"),
    [(0x35E, "4F 54 48 45 52 00 00 00"), (0x35F, "02 02 03 07 64 00 00 00"), (0x380, "39 31 32 33 34 35 36 37")],
)
def test_a_second_battery_of_another_name(identifier: int, data: str) -> None:
    found = the_one(heard(extra=((2.5, frame(identifier, data)),)))
    assert (found.check, found.result) == (ALONE, FAILED)
    assert f"0x{identifier:03X}" in found.seen


def test_capacity_may_change() -> None:
    assert not not_good(heard(extra=((2.5, frame(0x35F, "02 01 03 07 63 00 00 00")),)))


def test_nobody_says_who_the_battery_is() -> None:
    found = the_one(heard(without=(0x35E, 0x35F)))
    assert (found.check, found.result, found.seen) == (IDENTITY, WARNING, "not there")


def test_no_gx() -> None:
    found = the_one(heard(without=(0x305,)))
    assert (found.check, found.result) == (GX, FAILED)
    assert "--keepalive" in found.advice


def test_the_check_itself_plays_the_gx() -> None:
    found = the_one(heard(without=(0x305,), keepalive_sent=True))
    assert (found.check, found.result) == (GX, WARNING)
    assert "sent 0x305 itself" in found.seen


def test_a_gx_that_stops() -> None:
    extra = tuple((at, frame(0x305, HEALTHY[0x305])) for at in (0.0, 1.0, 2.0))
    assert the_one(heard(without=(0x305,), extra=extra)).result is WARNING


def test_a_silent_bus() -> None:
    findings = bus_findings(Traffic(0.0, 15.0))
    assert {finding.result for finding in findings} == {FAILED, WARNING}
    assert findings[0].seen == "0 frames in 15.0 s"
    assert "termination" in findings[0].advice


def test_a_bus_that_goes_away() -> None:
    traffic = heard()
    traffic.lost = "the CAN bus has disappeared"
    found = the_one(traffic)
    assert (found.check, found.result) == ("CAN bus", FAILED)
    assert "disappeared" in found.seen


def test_text_of_a_stranger_is_one_printable_line() -> None:
    findings = bus_findings(heard({0x35E: "1B 5B 33 31 6D 0A 0D 07"}))
    assert all(finding.seen.isprintable() for finding in findings)


identifiers = st.sampled_from(sorted(HEALTHY)) | st.integers(0, 0x7FF)
messages = st.builds(
    lambda identifier, data, extended, remote: can.Message(
        arbitration_id=identifier, data=b"" if remote else data, is_extended_id=extended, is_remote_frame=remote
    ),
    identifiers,
    st.binary(max_size=8),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 30), messages), max_size=25))
def test_whatever_is_on_the_bus_is_judged(frames: list[tuple[float, can.Message]]) -> None:
    traffic = Traffic(0.0, 0.0)
    for at, message in sorted(frames, key=lambda one: one[0]):
        traffic.take(message, at)
    for finding in bus_findings(traffic):
        assert finding.seen.isprintable()
        assert finding.advice or finding.result is Result.GOOD
