"""What the gateway publishes, as an integrator's python-can and cantools see it."""

import statistics
from itertools import pairwise

import pytest

from support.fixtures.rig import Rig, Seen
from tinybms_gateway.can.database import load_database, text_of

pytestmark = pytest.mark.needs("can", "bms")

EVERY_SECOND = (0x351, 0x355, 0x356, 0x35A)
EVERY_TWO_SECONDS = (0x372, 0x373, 0x374, 0x375, 0x376, 0x377, 0x378, 0x379)
EVERY_FIVE_SECONDS = (0x35E, 0x35F, 0x370, 0x371, 0x380, 0x381, 0x382)
PERIODS = {
    **dict.fromkeys(EVERY_SECOND, 1.0),
    **dict.fromkeys(EVERY_TWO_SECONDS, 2.0),
    **dict.fromkeys(EVERY_FIVE_SECONDS, 5.0),
}
ALWAYS = {*EVERY_SECOND, 0x35E, 0x372, 0x373, 0x378, 0x382}
"""The others need something that a TinyBMS may not know: a sensor, a serial number, its capacity."""
LONGEST_S = 3.0
"""A GX stops the system after this time without 0x351."""
Decoded = dict[str, float]


def decode(frame: Seen) -> Decoded:
    """Values by the DBC; a frame that is longer or shorter than it says is an error."""
    definition = load_database().get_message_by_frame_id(frame.id)
    assert len(frame.message.data) == definition.length
    return definition.decode_simple(bytes(frame.message.data), decode_choices=False)


def newest(rig: Rig, *identifiers: int) -> dict[int, Decoded]:
    """The next frame of each identifier; one that is not known yet comes 5 s later."""
    start = len(rig.traffic.frames)
    return {n: decode(rig.wait_for(lambda frame, n=n: frame.id == n, 11.0, start)) for n in identifiers}


def gaps(frames: list[Seen], identifier: int) -> list[float]:
    return [b - a for a, b in pairwise(frame.message.timestamp for frame in frames if frame.id == identifier)]


@pytest.mark.time_scale(3)
def test_each_frame_comes_with_its_period_and_decodes_and_the_log_says_so(rig: Rig) -> None:
    rig.expect("keepalive OK", 15.0)
    rig.wait_for(lambda frame: frame.id == 0x351, 15.0, 0)
    frames = rig.frames_of(11.0)
    for frame in frames:
        message = frame.message
        assert not (message.is_extended_id or message.is_remote_frame or message.is_error_frame), message
        decode(frame)
    seen = {frame.id for frame in frames}
    assert ALWAYS <= seen <= PERIODS.keys()
    for identifier in seen:
        between = [gap * rig.scale for gap in gaps(frames, identifier)]
        assert statistics.median(between) == pytest.approx(PERIODS[identifier], rel=0.05), hex(identifier)
    assert max(gaps(frames, 0x351)) * rig.scale < LONGEST_S
    assert "PGN publication started" in rig.log


@pytest.mark.time_scale(3)
def test_the_frames_agree_with_one_another(rig: Rig) -> None:
    """Holds for every battery, also one that is charged or discharged meanwhile."""
    rig.wait_for(lambda frame: frame.id == 0x351, 15.0, 0)
    limits, charge, measured, modules, extremes = newest(rig, 0x351, 0x355, 0x356, 0x372, 0x373).values()
    assert charge["SOC"] == pytest.approx(charge["SOCHighResolution"], abs=0.51)
    assert 0 < charge["SOH"] <= 100
    assert 0 < extremes["CellVoltageMin"] <= extremes["CellVoltageMax"] < 5000
    assert extremes["CellTemperatureMin"] <= extremes["CellTemperatureMax"]
    cells = measured["Voltage"] * 1000 / extremes["CellVoltageMax"]
    assert 3.5 < cells < 16.5, "a TinyBMS has 4 to 16 cells"
    assert limits["CVL"] > limits["DVL"] > 0
    assert limits["CCL"] >= 0
    assert limits["DCL"] >= 0
    assert modules["ModulesOK"] + modules["ModulesOffline"] == 1


@pytest.mark.needs("simulator")
@pytest.mark.time_scale(3)
def test_the_frames_show_what_the_bms_shows(rig: Rig) -> None:
    """By hand: 16 cells; 280 Ah x 97 % = 271.6; 273.15 + 31.5 = 304.65; 16 x 2.9 V; serial number of 504 to 509."""
    told = {"soc": 63.37, "soh": 97, "current": -12.3, "temp1": 31.5, "temp2": 18, "spread": 24}
    with rig.bms.lock:
        bms = rig.bms.bms
        for name, value in told.items():
            bms.set_value(name, value)
        lowest, highest, volts = bms.registers[40], bms.registers[41], bms.values()["voltage"]
    rig.wait_for(lambda frame: frame.id == 0x356 and decode(frame)["Current"] == pytest.approx(-12.3), 15.0)
    shown = newest(rig, 0x351, 0x355, 0x356, 0x35F, 0x373, 0x379, 0x380, 0x382)
    charge, measured, extremes = shown[0x355], shown[0x356], shown[0x373]
    assert (charge["SOC"], charge["SOH"]) == (63, 97)
    assert charge["SOCHighResolution"] == pytest.approx(63.37, abs=0.03), "it is being discharged"
    assert measured["Voltage"] == pytest.approx(volts, abs=0.011)
    assert measured["Temperature"] == pytest.approx(31.5)
    assert extremes["CellVoltageMin"] == pytest.approx(lowest, abs=1)
    assert extremes["CellVoltageMax"] == pytest.approx(highest, abs=1)
    assert highest - lowest == pytest.approx(24, abs=1)
    assert (extremes["CellTemperatureMin"], extremes["CellTemperatureMax"]) == (291, 305)
    assert shown[0x351]["DVL"] == pytest.approx(46.4)
    assert shown[0x379]["InstalledCapacityAh"] == 280
    assert shown[0x35F]["OnlineCapacity"] == 272
    assert text_of(int(shown[0x380]["SerialNumberPart1"])) == "00434553"
    assert text_of(int(shown[0x382]["FamilyName"])) == "TinyBMS"
