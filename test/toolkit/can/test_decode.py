"""``tinybms-gw can decode``; the frames are from Victron's page."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import can
import pytest
from click.testing import CliRunner, Result

from support.fixtures.captures import traffic, write_candump
from tinybms_gateway.can.frame import decode_frame
from tinybms_gateway.cli import main

TINYBMS_GW = Path(sys.executable).with_name("tinybms-gw")
FRAMES = [
    (0x351, "45 02 4C 04 4C 04 00 00"),
    (0x355, "59 00 64 00 00 00 00 00"),
    (0x356, "31 16 CE 00 3E 01 00 00"),
    (0x305, "00 00 00 00 00 00 00 00"),
]


def messages() -> list[can.Message]:
    return [
        can.Message(
            timestamp=1.7e9 + i, arbitration_id=n, data=bytearray.fromhex(data), is_extended_id=False, channel="0"
        )
        for i, (n, data) in enumerate(FRAMES)
    ]


def written(path: Path) -> Path:
    with can.Logger(path) as logger:
        for message in messages():
            logger.on_message_received(message)
    return path


def decode(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["can", "decode", *map(str, arguments)])


@pytest.mark.parametrize("name", ["x.log", "x.blf", "x.trc", "x.asc", "x.csv", "x.mf4", "x.log.gz"])
def test_a_line_a_frame_of_every_format(tmp_path: Path, name: str) -> None:
    result = decode(written(tmp_path / name))
    assert result.exit_code == 0
    first_s = 0 if name == "x.asc" else 1_700_000_000
    assert result.stdout.splitlines() == [
        f"{first_s}.000 351 [8] 45 02 4C 04 4C 04 00 00 BatteryLimits: CVL 58.1 V, CCL 110 A, DCL 110 A, DVL 0 V",
        f"{first_s + 1}.000 355 [8] 59 00 64 00 00 00 00 00 BatteryCharge: SOC 89 %, SOH 100 %, SOCHighResolution 0 %",
        f"{first_s + 2}.000 356 [8] 31 16 CE 00 3E 01 00 00 BatteryMeasurements: "
        "Voltage 56.81 V, Current 20.6 A, Temperature 31.8 degC",
        f"{first_s + 3}.000 305 [8] 00 00 00 00 00 00 00 00 GxKeepalive: KeepaliveData 0",
    ]


def test_json_has_an_object_a_line(tmp_path: Path) -> None:
    result = decode(written(tmp_path / "x.log"), "--json")
    assert result.exit_code == 0
    objects = [json.loads(line) for line in result.stdout.splitlines()]
    assert objects[1] == {
        "time_s": 1700000001.0,
        "id": "0x355",
        "extended": False,
        "data": "59 00 64 00 00 00 00 00",
        "name": "BatteryCharge",
        "signals": {
            "SOC": {"value": 89, "unit": "%"},
            "SOH": {"value": 100, "unit": "%"},
            "SOCHighResolution": {"value": 0.0, "unit": "%"},
        },
        "problem": "",
    }
    assert len(objects) == len(FRAMES)


def test_it_can_be_asked_for_identifiers(tmp_path: Path) -> None:
    result = decode(written(tmp_path / "x.log"), "--id", "355", "--id", "0x356")
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["355", "356"]


def test_it_can_be_asked_for_signals(tmp_path: Path) -> None:
    result = decode(written(tmp_path / "x.log"), "--signal", "soc", "--signal", "Current")
    assert [line.split(maxsplit=11)[-1] for line in result.stdout.splitlines()] == [
        "BatteryCharge: SOC 89 %",
        "BatteryMeasurements: Current 20.6 A",
    ]


def test_a_frame_that_is_too_short_for_the_signal_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("(1.0) can0 355#59006400\n(2.0) can0 355#590064000A000000\n")
    result = decode(tmp_path / "x.log", "--signal", "SOCHighResolution")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "2.000 355 [8] 59 00 64 00 0A 00 00 00 BatteryCharge: SOCHighResolution 0.1 %"
    ]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--id", "xyz", "--id xyz: give identifiers in hexadecimal"),
        ("--signal", "SOCK", "did you mean SOC"),
        ("--signal", "zzzzzzzz", "no such signal; the DBC lists them all"),
    ],
)
def test_what_does_not_exist_cannot_be_asked_for(tmp_path: Path, option: str, value: str, said: str) -> None:
    result = decode(written(tmp_path / "x.log"), option, value)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_nothing_of_what_was_asked_for_is_said(tmp_path: Path) -> None:
    result = decode(written(tmp_path / "x.log"), "--id", "382")
    assert result.exit_code == 0
    assert result.stderr == "none of the 4 frames matches the selection\n"


def test_frames_that_are_not_of_this_protocol_fail_the_command(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(
        "(1000.0) can0 123#00\n(1000.1) can0 351#0102\n(1000.2) can0 00000351#4502C8005802A401\n"
        "(1000.3) can0 351#R\n(1000.4) can0 20000080#\n(1000.5) can0 351##0" + "00" * 12 + "\n"
    )
    result = decode(path)
    assert result.exit_code == 1
    for line, complaint in zip(
        result.stdout.splitlines(),
        (
            "123 [1] 00 not a frame of this protocol",
            "351 [2] 01 02 BatteryLimits: 2 bytes, not 8",
            "00000351 [8] 45 02 C8 00 58 02 A4 01 29-bit identifier",
            "351 [0] remote frame",
            "080 [0] error frame",
            "351 [8] 00 00 00 00 00 00 00 00 CAN FD frame of 12 bytes",
        ),
        strict=True,
    ):
        assert complaint in " ".join(line.split())
    assert "6 frames could not be decoded" in result.stderr


def test_frames_before_an_unreadable_line_are_shown(tmp_path: Path) -> None:
    path = written(tmp_path / "x.log")
    with path.open("a") as file:
        file.write("(1004.0) can0 351#ZZ\n")
    result = decode(path)
    assert result.exit_code == 2
    assert len(result.stdout.splitlines()) == len(FRAMES)
    assert result.stderr.startswith(f"Error: {path}: line 5 is not readable as a capture: '(1004.0) can0 351#ZZ'")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("x.log", None, "No such file"),
        ("x.log", b"this is no capture\n", "line 1 is not readable as a capture"),
        ("x.log", b"", "no frames in it"),
        ("x.blf", b"LOGG but cut", "is cut off"),
        ("x.log.gz", b"no gzip", "not readable as a capture"),
        ("x.asc", b"", "no frames in it"),
        ("x.pdf", b"%PDF", "its name must end with .log"),
    ],
)
def test_a_file_that_is_no_capture_is_one_line(
    tmp_path: Path, name: str, content: bytes | None, complaint: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    result = decode(path)
    assert result.exit_code == 2
    assert complaint in result.output
    assert str(path) in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_signals_that_are_short_or_long_never_raise() -> None:
    for identifier in range(0x351, 0x390):
        for length in range(9):
            frame = decode_frame(can.Message(arbitration_id=identifier, data=bytes(length), is_extended_id=False))
            assert frame.problem or frame.signals, (identifier, length)


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    path = write_candump(tmp_path / "x.log", traffic(50_000))
    with subprocess.Popen(
        [TINYBMS_GW, "can", "decode", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith("1700000000.000 351 [8] 38 02 C2 01")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 141


def test_a_terminal_sees_how_far_it_is_while_the_result_goes_to_a_file(tmp_path: Path) -> None:
    path = write_candump(tmp_path / "x.log", traffic(50_000))
    control, terminal = pty.openpty()
    with (tmp_path / "out.txt").open("w") as out:
        environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
        process = subprocess.Popen([TINYBMS_GW, "can", "decode", path], stdout=out, stderr=terminal, env=environment)
        os.close(terminal)
        seen = b""
        while chunk := _read(control):
            seen += chunk
        os.close(control)
        assert process.wait(30) == 0
    assert b"decoding" in seen
    assert len((tmp_path / "out.txt").read_text().splitlines()) == 50_000


def _read(control: int) -> bytes:
    try:
        return os.read(control, 4096)
    except OSError:  # the other side has closed the terminal
        return b""


def dbc(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


OTHER_DBC = """VERSION ""
BU_: HEATER
BO_ 291 Heater: 2 HEATER
 SG_ Power : 0|16@1+ (10,0) [0|655350] "W" HEATER
BO_ 849 Texts: 8 HEATER
 SG_ Motor : 7|16@0- (0.5,-40) [-40|100] "degC" HEATER
"""


def test_another_dbc_names_the_frames_of_another_bus(tmp_path: Path) -> None:
    capture = tmp_path / "x.log"
    capture.write_text("(1000.0) can0 123#0A01\n(1000.1) can0 351#00C8000000000000\n(1000.2) can0 355#00\n")
    result = decode(capture, "--dbc", dbc(tmp_path / "other.dbc", OTHER_DBC))
    assert [line.partition(" ")[2] for line in result.stdout.splitlines()] == [
        "123 [2] 0A 01                   Heater: Power 2660 W",
        "351 [8] 00 C8 00 00 00 00 00 00 Texts: Motor 60 degC",
        "355 [1] 00                      not a frame of this protocol",
    ]
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "No such file"),
        ("", "not readable as a DBC"),
        ('VERSION ""\nBU_: HEATER\n', "defines no frame"),
        ("this is no DBC", "not readable as a DBC"),
        (
            'VERSION ""\nBO_ 291 Heater: 1 Vector__XXX\n SG_ Power : 0|16@1+ (1,0) [0|0] "W" Vector__XXX\n',
            "not readable",
        ),
        ("\0\xff\x80" * 100, "not readable as a DBC"),
    ],
    ids=["missing", "empty", "no frames", "text", "signal beyond its frame", "binary"],
)
def test_a_wrong_dbc_is_one_line(tmp_path: Path, content: str | None, complaint: str) -> None:
    path = tmp_path / "wrong.dbc"
    if content is not None:
        dbc(path, content)
    result = decode(written(tmp_path / "x.log"), "--dbc", path)
    assert result.exit_code == 2
    assert result.stdout == ""
    [line] = result.stderr.strip().splitlines()
    assert complaint in line
    assert str(path) in line


def test_signals_of_another_dbc_are_chosen_by_its_names(tmp_path: Path) -> None:
    capture = tmp_path / "x.log"
    capture.write_text("(1000.0) can0 123#0A01\n")
    other = dbc(tmp_path / "other.dbc", OTHER_DBC)
    assert "Power 2660 W" in decode(capture, "--dbc", other, "--signal", "power").stdout
    assert decode(capture, "--dbc", other, "--signal", "SOC").exit_code == 2
