"""Reading candump logs: python-can's reader says what every line means; broken lines are named."""

import gzip
from pathlib import Path

import can
import pytest
from can.io import CanutilsLogReader
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fixtures.captures import traffic, write_candump
from tinybms_gateway.can.columns import Flag
from tinybms_gateway.can.reader import Capture, CaptureError
from tinybms_gateway.can.reader.candump import CHUNK_BYTES, LONGEST_LINE

Frame = tuple[int, int, int, bytes, str]
"""Microseconds, identifier, flags, length and data up to eight bytes, channel."""
NO_FLAGS = 0


def read(path: Path, block_frames: int = 1000) -> list[Frame]:
    capture = Capture(path, block_frames)
    frames = []
    for block in capture:
        assert block.first == len(frames)
        for row in range(len(block)):
            data = int(block.data[row]).to_bytes(8, "little")[: block.length[row]]
            channel = capture.channels[block.channel[row]]
            frames.append((int(block.time_us[row]), int(block.id[row]), int(block.flags[row]), data, channel))
    assert capture.frames == len(frames)
    return frames


def read_text(directory: Path, text: str | bytes, block_frames: int = 1000) -> list[Frame]:
    path = directory / "c.log"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, block_frames)


def meant(message: can.Message) -> Frame:
    flags = (
        Flag.EXTENDED * message.is_extended_id
        | Flag.REMOTE * message.is_remote_frame
        | Flag.FD * message.is_fd
        | Flag.SENT * (not message.is_rx)
    )
    data = bytes(message.data)[:8]
    return round(message.timestamp * 1e6), message.arbitration_id, int(flags), data, str(message.channel)


hex_digits = st.sampled_from("0123456789abcdefABCDEF")


def digits_of(count: int) -> st.SearchStrategy[str]:
    return st.text(hex_digits, min_size=count, max_size=count)


identifiers = st.one_of(
    st.integers(0, 0x7FF).map(lambda i: f"{i:03X}"),
    st.integers(0, 0x7FF).map(lambda i: f"{i:x}"),
    st.integers(0, 0x1FFFFFFF).map(lambda i: f"{i:08x}"),
    st.integers(0, 0x1FFFFFFF).map(lambda i: f"{i:08X}"),
    st.integers(0x1000, 0xFFFFFF).map(lambda i: f"{i:X}"),
)
payloads = st.one_of(
    st.integers(0, 8).flatmap(lambda n: digits_of(2 * n)),
    st.sampled_from(["R", "r", "R0", "R8"]),
    st.tuples(st.integers(0, 3), st.sampled_from([0, 8, 12, 64])).flatmap(
        lambda fd: digits_of(2 * fd[1]).map(lambda data: f"#{fd[0]}{data}")
    ),
)
times = st.one_of(
    st.tuples(st.integers(0, 2**31), st.integers(0, 999_999)).map(lambda t: f"{t[0]}.{t[1]:06d}"),
    st.tuples(st.integers(0, 2**31), st.integers(0, 999_999)).map(lambda t: f"{t[0]:010d}.{t[1]:06d}"),
    st.tuples(st.integers(0, 10**6), st.integers(0, 999)).map(lambda t: f"{t[0]}.{t[1]:03d}"),
    st.integers(0, 10**6).map(str),
    st.integers(0, 10**6).map(lambda t: f"{t}.0"),
)
channels = st.sampled_from(["can0", "can1", "vcan0", "0", "slcan-with.a_longer-name", "c\u00e4n#1"])
lines = st.one_of(
    st.builds(
        "({}){}{}{}{}#{}{}{}".format,
        times,
        st.sampled_from([" ", " ", " ", "  "]),
        channels,
        st.sampled_from([" ", " ", "\t"]),
        identifiers,
        payloads,
        st.sampled_from(["", " R", " T", " r", " t"]),
        st.sampled_from(["", "", "\r"]),
    ),
    st.sampled_from(["", "\r", "   "]),
)


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(lines, max_size=40), ended=st.booleans(), block_frames=st.integers(1, 50))
def test_every_line_means_what_python_can_says(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], ended: bool, block_frames: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.log"
    path.write_bytes(("\n".join(texts) + "\n" * ended).encode())
    with path.open(encoding="utf-8", newline="\n") as file:
        expected = [meant(message) for message in CanutilsLogReader(file)]
    found = read(path, block_frames)
    assert [frame[1:] for frame in found] == [frame[1:] for frame in expected]
    assert [frame[0] for frame in found] == pytest.approx([frame[0] for frame in expected], abs=1, rel=0)


@settings(max_examples=150, deadline=None)
@given(content=st.one_of(st.binary(max_size=300), st.lists(st.one_of(lines, st.text()), max_size=9).map("\n".join)))
def test_nothing_makes_it_fail_otherwise_than_with_a_capture_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.log"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    try:
        read(path)
    except CaptureError as error:
        assert str(error).startswith(str(path))
        assert str(error).isprintable()


def test_many_frames_over_several_chunks_come_back(tmp_path: Path) -> None:
    frames = 3 * CHUNK_BYTES // 48
    path = write_candump(tmp_path / "many.log", traffic(frames), direction=" R")
    expected = [row for block in traffic(frames) for row in zip(block.time_us, block.id, block.data, strict=True)]
    found = [row for block in Capture(path, 10_000) for row in zip(block.time_us, block.id, block.data, strict=True)]
    assert found == expected


def test_lines_of_all_forms_in_one_file(tmp_path: Path) -> None:
    text = (
        "(1436509052.249713) can0 351#45024C044C040000\n"
        "(1436509052.249714) can1 12345678#01 T\n"
        "\r\n"
        "(1436509052.249715123) can0 351#R8\n"
        "(1436509052.2) can0 20000004#000C000000000000\n"
        "(1436509052.249717) can0 351##100112233445566778899AABB R\r\n"
        "(1436509053.0000019) vcan0 7#\n"
        "(1436509054.000000) can0 351#1122334455667788_C"
    )
    assert read_text(tmp_path, text) == [
        (1436509052249713, 0x351, NO_FLAGS, bytes.fromhex("45024C044C040000"), "can0"),
        (1436509052249714, 0x12345678, Flag.EXTENDED | Flag.SENT, b"\x01", "can1"),
        (1436509052249715, 0x351, Flag.REMOTE, b"", "can0"),
        (1436509052200000, 4, Flag.ERROR, bytes.fromhex("000C000000000000"), "can0"),
        (1436509052249717, 0x351, Flag.FD, bytes.fromhex("0011223344556677"), "can0"),
        (1436509053000001, 0x007, NO_FLAGS, b"", "vcan0"),
        (1436509054000000, 0x351, NO_FLAGS, bytes.fromhex("1122334455667788"), "can0"),
    ]


def test_a_nanosecond_log_is_cut_to_microseconds(tmp_path: Path) -> None:
    [frame] = read_text(tmp_path, "(1700000000.123456789) can0 351#00\n")
    assert frame[0] == 1700000000123456


def test_lines_of_very_many_shapes_are_read_one_by_one(tmp_path: Path) -> None:
    text = "".join(f"({i}.{i % 10}) interface{i % 200} 351#{i % 256:02X}\n" for i in range(1000))
    frames = read_text(tmp_path, text)
    assert [(frame[0], frame[3], frame[4]) for frame in frames] == [
        (i * 10**6 + i % 10 * 10**5, bytes([i % 256]), f"interface{i % 200}") for i in range(1000)
    ]


GOOD = "(1.0) can0 351#4502\n"


@pytest.mark.parametrize(
    "bad",
    [
        "this is no capture",
        "(1.0) can0 351#ZZ",
        "(1.0) can0 351#450",
        "(1.0) can0 351#112233445566778899",
        "(1.0) can0 351",
        "(1.0) can0 123456789#00",
        "(1.0 can0 351#4502",
        "(1.x) can0 351#4502",
        "(nan) can0 351#4502",
        "(-1.0) can0 351#4502",
        "(9999999999999.0) can0 351#4502",
        "(1.0) can0 351#4502 X",
        "(1.0) can0 35\u0661#4502",
        " can0  351   [2]  45 02",
        "\0",
    ],
)
def test_an_unreadable_line_is_named_and_the_frames_before_it_are_handed_out(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "c.log"
    path.write_text(GOOD * 3 + "\n" + bad + "\n" + GOOD + "also bad\n", newline="")
    frames = []
    with pytest.raises(CaptureError) as caught:
        for block in Capture(path, 2):
            frames += block.id.tolist()
    assert frames == [0x351] * 3
    assert f"{path}: line 5 is not readable" in str(caught.value)
    assert "expected '(seconds.microseconds) interface id#data'" in str(caught.value)
    assert str(caught.value).isprintable()


def test_the_number_of_a_line_counts_on_over_chunks(tmp_path: Path) -> None:
    frames = 2 * CHUNK_BYTES // 48
    path = write_candump(tmp_path / "c.log", traffic(frames))
    with path.open("a") as file:
        file.write("cut (1.0")
    with pytest.raises(CaptureError, match=rf"line {frames + 1} is not readable as a capture: 'cut \(1.0'; exp"):
        read(path)


def test_a_long_line_is_shown_shortened(tmp_path: Path) -> None:
    with pytest.raises(CaptureError) as caught:
        read_text(tmp_path, GOOD + "x" * 3000 + "\n")
    assert "'" + "x" * 60 + "'..." in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("size", [LONGEST_LINE + 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 5])
def test_a_huge_line_without_an_end_is_refused_at_once(tmp_path: Path, size: int) -> None:
    with pytest.raises(CaptureError, match="line 2 is not readable"):
        read_text(tmp_path, GOOD.encode() + b"\xff" * size)


def test_more_channels_than_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="more than 256 channels"):
        read_text(tmp_path, "".join(f"(1.0) can{i} 351#00\n" for i in range(300)))


def test_channels_are_in_the_order_of_their_first_frames(tmp_path: Path) -> None:
    path = tmp_path / "c.log"
    path.write_text(
        "(1.0) z 351#0000\n(1.0) y 351#R\n(1.0) x 351#\n(1.0) longer 351#0000\n(1.0) z 351#00\nbad\n(1.0) a 1#"
    )
    capture = Capture(path)
    with pytest.raises(CaptureError):
        for block in capture:
            assert [capture.channels[number] for number in block.channel] == ["z", "y", "x", "longer", "z"]
    assert capture.channels == ["z", "y", "x", "longer"]


@pytest.mark.parametrize("content", [b"", b"\n\n\r\n"])
def test_an_empty_capture_has_no_frames(tmp_path: Path, content: bytes) -> None:
    assert read_text(tmp_path, content) == []


def test_time_from_the_start_of_the_capture_is_told_from_clock_time(tmp_path: Path) -> None:
    path = tmp_path / "c.log"
    for text, absolute in (("(0.5) can0 351#00\n", False), ("(1700000000.0) can0 351#00\n", True)):
        path.write_text(text)
        capture = Capture(path)
        list(capture)
        assert capture.absolute_time == absolute, text


def test_it_says_how_far_it_has_come(tmp_path: Path) -> None:
    path = write_candump(tmp_path / "c.log", traffic(60_000))
    compressed = tmp_path / "c.log.gz"
    compressed.write_bytes(gzip.compress(path.read_bytes(), 1))
    for each in (path, compressed):
        capture = Capture(each, 5000)
        positions = []
        for _ in capture:
            positions.append(capture.position)
            assert capture.size == each.stat().st_size, each
        assert positions == sorted(positions), each
        assert 0 < positions[0] <= positions[-1] <= capture.size == capture.position, each


def test_a_capture_can_be_read_twice_and_left_in_the_middle(tmp_path: Path) -> None:
    path = write_candump(tmp_path / "c.log", traffic(1000))
    capture = Capture(path, 100)
    next(iter(capture))
    assert sum(len(block) for block in capture) == 1000
    assert sum(len(block) for block in capture) == 1000
    assert capture.channels == ["can0"]
