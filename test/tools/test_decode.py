"""Reading captures; the frames are from Victron's page."""

from pathlib import Path

import can
import pytest
from click.testing import CliRunner

from tinybms_gateway.can.frame import decode_frame, read_capture
from tinybms_gateway.cli import main

FRAMES = [
    (0x351, "45 02 4C 04 4C 04 00 00"),
    (0x355, "59 00 64 00 00 00 00 00"),
    (0x356, "31 16 CE 00 3E 01 00 00"),
    (0x305, "00 00 00 00 00 00 00 00"),
]


def messages() -> list[can.Message]:
    return [
        can.Message(
            timestamp=1000.0 + i, arbitration_id=n, data=bytes.fromhex(data), is_extended_id=False, channel="can0"
        )
        for i, (n, data) in enumerate(FRAMES)
    ]


def written(path: Path) -> Path:
    with can.Logger(path) as logger:
        for message in messages():
            logger.on_message_received(message)
    return path


@pytest.mark.parametrize("name", ["x.log", "x.blf", "x.trc", "x.log.gz"])
def test_a_capture_comes_back_whole_in_every_format(tmp_path: Path, name: str) -> None:
    frames = list(read_capture(written(tmp_path / name)))
    assert [(frame.id, frame.data.hex(" ").upper()) for frame in frames] == FRAMES
    assert {n: str(s) for n, s in frames[0].signals.items()} == {
        "CVL": "58.1 V",
        "CCL": "110 A",
        "DCL": "110 A",
        "DVL": "0 V",
    }
    assert [str(s) for s in frames[2].signals.values()] == ["56.81 V", "20.6 A", "31.8 degC"]


def test_decode_prints_a_line_a_frame(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["can", "decode", str(written(tmp_path / "x.log"))])
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert len(lines) == len(FRAMES)
    assert "351 [8] 45 02 4C 04 4C 04 00 00 BatteryLimits: CVL 58.1 V, CCL 110 A" in lines[0]


def test_decode_can_be_asked_for_one_id(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["can", "decode", str(written(tmp_path / "x.log")), "--id", "355"])
    assert len(result.output.splitlines()) == 1
    assert "SOC 89 %" in result.output


def test_frames_that_are_not_of_this_protocol_fail_the_command(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("(1000.0) can0 123#00\n(1000.1) can0 351#0102\n(1000.2) can0 00000351#4502C8005802A401\n")
    result = CliRunner().invoke(main, ["can", "decode", str(path)])
    assert result.exit_code == 1
    for complaint in ("not a frame of this protocol", "2 bytes, not 8", "29-bit identifier", "3 frames could not"):
        assert complaint in result.output


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("x.log", None, "No such file"),
        ("x.log", b"this is no capture\n", "not readable as a capture"),
        ("x.log", b"(1000.0) can0 351#ZZ\n", "not readable as a capture"),
        ("x.blf", b"LOGG but cut", "not readable as a capture"),
        ("x.log.gz", b"no gzip", "not readable as a capture"),
        ("x.asc", b"", "lose time"),
        ("x.pdf", b"%PDF", "not readable as a capture"),
    ],
)
def test_a_file_that_is_no_capture_is_one_line(
    tmp_path: Path, name: str, content: bytes | None, complaint: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    result = CliRunner().invoke(main, ["can", "decode", str(path)])
    assert result.exit_code == 2
    assert complaint in result.output
    assert str(path) in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_signals_that_are_short_or_long_never_raise() -> None:
    for identifier in range(0x351, 0x390):
        for length in range(9):
            frame = decode_frame(can.Message(arbitration_id=identifier, data=bytes(length), is_extended_id=False))
            assert frame.problem or frame.signals
