"""What the simulated GX accepts and complains about; frames by hand, from Victron's page and from other batteries."""

import can
import pytest

from tinybms_gateway.sim.gx.model import GxModel

HEALTHY = {
    0x351: "45 02 C8 00 58 02 A4 01",
    0x355: "54 00 64 00 A3 20 00 00",
    0x356: "CA 15 00 00 61 00 00 00",
    0x35A: "AA AA AA AA AA AA AA AA",
    0x35E: "54 69 6E 79 42 4D 53 00",
}


def message(identifier: int, data: str, extended: bool = False) -> can.Message:
    return can.Message(arbitration_id=identifier, data=bytes.fromhex(data), is_extended_id=extended)


def gx_after(frames: dict[int, str], *others: can.Message, seconds: int = 8) -> GxModel:
    """A GX that heard the frames once a second, and the others once."""
    gx = GxModel(0.0)
    for second in range(seconds):
        for i, (identifier, data) in enumerate(frames.items()):
            gx.on_message(message(identifier, data), second + i * 0.05)
        gx.tick(second + 0.9)
    for other in others:
        gx.on_message(other, seconds - 0.05)
    return gx


def complaints(gx: GxModel) -> str:
    return " | ".join(gx.complaints)


def test_a_healthy_battery_is_recognised_without_complaint() -> None:
    gx = gx_after(HEALTHY)
    assert gx.recognised
    assert gx.allowed(7.5)
    assert gx.name == "TinyBMS"
    assert gx.signals["CVL"] == 58.1
    assert gx.signals["Voltage"] == 55.78
    assert complaints(gx) == ""


def test_values_of_a_byd_lvs_and_of_victrons_page() -> None:
    gx = gx_after(
        {
            0x351: "48 02 00 05 00 05 AE 01",
            0x355: "59 00 64 00",
            0x356: "31 16 CE 00 3E 01",
            0x35A: "AA AA AA AA AA AA AA AA",
            0x373: "EA 0C 01 0D 1F 01 22 01",
            0x378: "40 08 00 00 2B 07 00 00",
            0x382: "50 52 45 4D 49 55 4D 00",
        }
    )
    assert complaints(gx) == ""
    s = gx.signals
    assert (s["CVL"], s["CCL"], s["DCL"], s["SOC"]) == (58.4, 128.0, 128.0, 89)
    assert (s["Voltage"], s["Current"], s["Temperature"]) == (56.81, 20.6, 31.8)
    assert (s["CellVoltageMin"], s["CellVoltageMax"], s["CellTemperatureMin"]) == (3306, 3329, 287)
    assert (s["EnergyIn"], s["EnergyOut"], s["FamilyName"]) == (211200, 183500, "PREMIUM")
    assert s["SystemStatus"] == "online"


def test_without_limits_for_three_seconds_everything_stops() -> None:
    gx = gx_after(HEALTHY, seconds=8)
    assert gx.allowed(9.99)
    assert not gx.allowed(10.0)
    gx.tick(10.1)
    assert gx.limit_losses == 1


def test_the_end_of_all_frames_is_a_loss_of_limits_and_nothing_else() -> None:
    gx = gx_after(HEALTHY, seconds=8)
    for tenth in range(300):
        gx.tick(8.0 + tenth / 10)
    assert complaints(gx) == "0x351 missing for 3 s: charging and discharging stopped"
    assert gx.longest_gap_s > 30


def test_a_battery_that_comes_late_or_comes_back_is_not_blamed_for_the_time_before() -> None:
    gx = GxModel(0.0)
    for second in [*range(20, 28), *range(60, 68)]:
        gx.tick(second - 0.05)
        for i, (identifier, data) in enumerate(HEALTHY.items()):
            gx.on_message(message(identifier, data), second + i * 0.05)
            gx.tick(second + i * 0.05)
    assert set(gx.complaints) <= {"0x351 missing for 3 s: charging and discharging stopped"}
    assert gx.limit_losses == 1


def test_victrons_own_example_without_high_resolution_is_accepted() -> None:
    assert complaints(gx_after({**HEALTHY, 0x355: "59 00 64 00 00 00 00 00"})) == ""


@pytest.mark.parametrize("missing", [0x351, 0x355, 0x356, 0x35A])
def test_a_required_frame_that_never_comes_is_missed(missing: int) -> None:
    gx = gx_after({k: v for k, v in HEALTHY.items() if k != missing})
    assert not gx.recognised
    assert f"0x{missing:03X}" in complaints(gx)
    assert "is missing" in complaints(gx)


def test_29_bit_identifiers_are_ignored() -> None:
    gx = gx_after({}, message(0x351, HEALTHY[0x351], extended=True))
    assert not gx.seen_s
    assert "29-bit" in complaints(gx)


def test_alarms_of_inverted_gateways_are_found_out() -> None:
    """Some send 0 for OK and 2 for an alarm, which a GX reads as OK."""
    gx = gx_after({**HEALTHY, 0x35A: "A2 AA AA AA AA AA AA AA"}, message(0x35A, "AA AA AA AA AA AA AA AA"))
    assert "AlarmHighVoltage: sometimes supported and sometimes not" in complaints(gx)


def test_an_alarm_value_of_3_is_no_value() -> None:
    gx = gx_after(HEALTHY, message(0x35A, "AE AA AA AA AA AA AA AA"))
    assert "AlarmHighVoltage: value 3" in complaints(gx)


def test_active_alarms_and_warnings_are_named() -> None:
    gx = gx_after({**HEALTHY, 0x35A: "A6 AA AA AA AA AA AA A9"})
    assert gx.alarms() == ["AlarmHighVoltage", "WarningCellImbalance"]


@pytest.mark.parametrize(
    ("identifier", "data", "complaint"),
    [
        (0x351, "00 00 C8 00 58 02 A4 01", "CVL is 0"),
        (0x351, "45 02 38 FF 58 02 A4 01", "negative"),
        (0x351, "45 02 C8 00", "4 bytes, not 8"),
        (0x355, "65 00 64 00 74 27 00 00", "above 100"),
        (0x355, "54 00 64 00 6C 20 00 00", "do not agree"),
        (0x373, "96 0F 8C 0F FF FF FF FF", "lowest cell is above the highest"),
        (0x35E, "54 69 6E 79 E9 4D 53 00", "7-bit ASCII"),
        (0x305, "00 00 00 00 00 00 00 00", "belongs to the GX"),
        (0x400, "00", "not a frame of this protocol"),
    ],
)
def test_frames_that_break_the_protocol(identifier: int, data: str, complaint: str) -> None:
    assert complaint in complaints(gx_after(HEALTHY, message(identifier, data)))


def test_a_name_must_begin_with_the_manufacturer() -> None:
    long_name = {0x370: "54 69 6E 79 42 4D 53 20", 0x371: "31 34 53 00 00 00 00 00"}
    gx = gx_after(HEALTHY | long_name)
    assert gx.name == "TinyBMS 14S"
    assert complaints(gx) == ""
    assert "does not match" in complaints(gx_after(HEALTHY | {**long_name, 0x370: "4F 74 68 65 72 20 20 20"}))


def test_flooding_is_seen() -> None:
    gx = GxModel(0.0)
    for i in range(100):
        gx.on_message(message(0x351, HEALTHY[0x351]), i * 0.005)
    assert "more than 60 frames a second" in complaints(gx)
    assert "0x351 comes repeatedly" in complaints(gx)


def test_remote_and_error_frames_are_told_apart() -> None:
    gx = gx_after(HEALTHY, can.Message(arbitration_id=0x351, is_remote_frame=True, is_extended_id=False))
    assert "remote frame" in complaints(gx)
