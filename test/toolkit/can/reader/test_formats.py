"""Every format comes back as python-can's writers have written it; files of another kind are refused in one line."""

import gzip
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import can
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fixtures.captures import traffic, write_candump
from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.reader import FORMATS, Capture, CaptureError, mf4, mf4_process

START_S = 1_700_000_000.0
NAMES = ("x.log", "x.blf", "x.trc", "x.asc", "x.csv", "x.mf4")
STANDARD, EXTENDED, ERROR, REMOTE, FD, SENT = range(6)


def messages() -> list[can.Message]:
    """One of each kind, 100 ms apart."""
    kinds = [
        can.Message(arbitration_id=0x351, data=bytes.fromhex("45024C044C040000"), is_extended_id=False),
        can.Message(arbitration_id=0x12345678, data=b"\x01\x02\x03", is_extended_id=True),
        can.Message(is_error_frame=True),
        can.Message(arbitration_id=0x355, is_remote_frame=True, dlc=8, is_extended_id=False),
        can.Message(arbitration_id=0x356, data=bytes(range(1, 65)), is_fd=True, is_extended_id=False),
        can.Message(arbitration_id=0x305, data=bytes(8), is_extended_id=False, is_rx=False),
    ]
    for number, message in enumerate(kinds):
        message.timestamp = START_S + number / 10
        message.channel = number % 2
    return kinds


def data_frames() -> list[can.Message]:
    """Those that every format keeps."""
    return [messages()[kind] for kind in (STANDARD, EXTENDED, SENT)]


def written(path: Path, sent: list[can.Message]) -> Path:
    """Write with python-can; compressed by Python's gzip, as python-can does not compress all of them."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    with can.Logger(plain) as logger:
        for message in sent:
            logger.on_message_received(message)
    if plain != path:
        path.write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    return path


def expected_kinds(name: str) -> list[int]:
    """Which of the messages a format keeps at all."""
    kinds = [STANDARD, EXTENDED, ERROR, REMOTE, FD, SENT]
    if name.startswith("x.csv"):
        kinds.remove(FD)  # python-can cannot read what it writes of it
    if name.startswith("x.trc"):
        kinds = [STANDARD, EXTENDED, SENT]  # python-can writes no others
    return kinds


@pytest.mark.parametrize("name", [*NAMES, *(f"{name}.gz" for name in NAMES), "x.LOG", "x.y.blf"])
def test_each_kind_of_frame_comes_back(tmp_path: Path, name: str) -> None:
    kinds = expected_kinds(name)
    sent = messages()
    read = Capture(written(tmp_path / name, [sent[kind] for kind in kinds]))
    [block] = list(read)
    assert len(block) == len(kinds) == read.frames
    keeps_direction = not name.startswith("x.csv")
    flags = {EXTENDED: Flag.EXTENDED, ERROR: Flag.ERROR, REMOTE: Flag.REMOTE, FD: Flag.FD}
    if keeps_direction:
        flags[SENT] = Flag.SENT
    assert block.flags.tolist() == [flags.get(kind, 0) for kind in kinds]
    plain = [row for row, kind in enumerate(kinds) if kind != ERROR]
    assert block.id[plain].tolist() == [sent[kinds[row]].arbitration_id for row in plain]
    assert block.length.tolist() == [len(sent[kind].data) for kind in kinds]
    assert [block.bytes_of(row) for row in range(len(block))] == [bytes(sent[kind].data[:8]) for kind in kinds]


@pytest.mark.parametrize("name", NAMES)
def test_times_come_back(tmp_path: Path, name: str) -> None:
    sent = data_frames()
    read = Capture(written(tmp_path / name, sent))
    [block] = list(read)
    assert read.absolute_time == (name != "x.asc")
    start_us = 0 if name == "x.asc" else START_S * 1e6
    offsets = [round((message.timestamp - START_S) * 1e6) for message in sent]
    assert (block.time_us - start_us).tolist() == pytest.approx(offsets, abs=100 if name == "x.trc" else 1)


@pytest.mark.parametrize("name", ["x.log", "x.blf", "x.trc", "x.asc"])
def test_channels_come_back_as_numbers(tmp_path: Path, name: str) -> None:
    sent = data_frames()
    read = Capture(written(tmp_path / name, sent))
    [block] = list(read)
    of_message = [read.channels[number] for number in block.channel]
    two = {"x.log": ("can0", "can1"), "x.trc": ("1", "2")}.get(name, ("0", "1"))
    assert of_message == [two[0], two[1], two[1]]


@pytest.mark.parametrize("name", ["x.log", "x.blf", "x.asc", "x.mf4"])
def test_channels_are_in_the_order_of_their_first_frames(tmp_path: Path, name: str) -> None:
    sent = messages()
    for number, message in enumerate(sent):
        message.channel = 5 - number
    read = Capture(written(tmp_path / name, [message for message in sent if not message.is_error_frame]))
    list(read)
    assert [channel.removeprefix("can") for channel in read.channels] == ["5", "4", "2", "1", "0"]


@pytest.mark.parametrize("name", ["x.log.gz", "x.blf", "x.trc", "x.asc", "x.csv"])
def test_blocks_are_of_the_size_that_was_asked_for(tmp_path: Path, name: str) -> None:
    sent = [messages()[0] for _ in range(25)]
    for number, message in enumerate(sent):
        message.timestamp += number
        message.channel = "0"
    blocks = list(Capture(written(tmp_path / name, sent), 10))
    assert [(block.first, len(block)) for block in blocks] == [(0, 10), (10, 10), (20, 5)]


def test_frames_of_all_groups_of_an_mf4_file_are_in_the_order_of_time(tmp_path: Path) -> None:
    sent = []
    for number in range(60):
        message = messages()[[STANDARD, REMOTE, ERROR][number % 3 if number < 40 else 0]]
        message.timestamp = START_S + number
        sent.append(message)
    [block] = list(Capture(written(tmp_path / "x.mf4", sent)))
    assert (block.time_us - START_S * 1e6).tolist() == pytest.approx([i * 1e6 for i in range(60)], abs=1)
    assert block.flags[:3].tolist() == [0, Flag.REMOTE, Flag.ERROR]


@given(st.lists(st.lists(st.integers(0, 30)).map(sorted), max_size=4), st.integers(1, 5))
def test_groups_are_merged_by_time_whatever_their_blocks(times: list[list[int]], size: int) -> None:
    [frame] = list(traffic(1))

    def stream(group: list[int]) -> Iterator[FrameBlock]:
        for start in range(0, len(group), size):
            rows = np.zeros(len(group[start : start + size]), np.intp)
            yield replace(frame.take(rows), time_us=np.array(group[start : start + size], np.int64))

    found = [time_us for block in mf4_process.merged([stream(group) for group in times]) for time_us in block.time_us]
    assert found == sorted(time_us for group in times for time_us in group)


def test_an_mf4_file_that_its_library_does_not_survive_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "x.mf4", data_frames())
    crashing = tmp_path / "python"
    crashing.write_text("#!/bin/sh\nprintf 123\nkill -SEGV $$\n")
    crashing.chmod(0o755)
    monkeypatch.setattr(mf4.sys, "executable", str(crashing))
    assert "damaged: asammdf crashes while reading it" in failure(path)


def test_an_mf4_file_whose_blocks_form_a_circle_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.mf4", data_frames())
    content = bytearray(path.read_bytes())
    history = int.from_bytes(content[64 + 24 + 8 : 64 + 24 + 16], "little")  # second link of the header block
    assert content[history : history + 4] == b"##FH"
    content[history + 24 : history + 32] = history.to_bytes(8, "little")  # it is its own successor
    path.write_bytes(content)
    assert "its blocks refer to one another in a circle" in failure(path)


def test_without_asammdf_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.mf4"
    path.write_bytes(b"MDF     4.10")
    monkeypatch.setattr(mf4.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CaptureError, match=r"MF4 needs asammdf: pip install 'tinybms-gateway\[mf4\]'"):
        list(Capture(path))


def failure(path: Path) -> str:
    with pytest.raises(CaptureError) as caught:
        list(Capture(path))
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.isprintable()
    assert len(text) < 500
    return text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("end", ["", ".gz"])
def test_garbage_is_refused(tmp_path: Path, name: str, end: str) -> None:
    path = tmp_path / (name + end)
    garbage = bytes(range(255, -1, -1)) * 400
    path.write_bytes(gzip.compress(garbage) if end else garbage)
    if name == "x.asc":
        assert list(Capture(path)) == []  # whatever is no frame is a comment there
    else:
        assert "not readable" in failure(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_not_there_and_a_directory(tmp_path: Path, name: str) -> None:
    assert "No such file" in failure(tmp_path / name)
    (tmp_path / name).mkdir()
    assert "it is a directory" in failure(tmp_path / name)


def test_pipes_and_devices_are_refused_without_waiting_for_them(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.log")
    assert "it is not a file" in failure(tmp_path / "x.log")
    (tmp_path / "y.log").symlink_to("/dev/zero")
    assert "it is not a file" in failure(tmp_path / "y.log")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("x.blf", "a BLF file"), ("x.mf4", "an MF4 file"), ("x.trc", "a TRC file"), ("x.asc", "an ASC file"),
        ("x.csv", "a CSV file"), ("x.log.gz", "compressed"),
    ],
)  # fmt: skip
def test_the_format_of_a_file_with_another_name_is_told(tmp_path: Path, kind: str, said: str) -> None:
    path = tmp_path / "y.log"
    shutil.copy(written(tmp_path / kind, [messages()[0]]), path)
    assert said in failure(path)


def test_a_candump_log_with_another_name_is_refused(tmp_path: Path) -> None:
    text = written(tmp_path / "x.log", [messages()[0]]).read_bytes()
    for name, said in (("y.blf", "not begin like a .blf"), ("y.mf4", "does not begin"), ("y.csv", "does not begin"),
                       ("y.trc", "does not begin"), ("y.log.gz", "Not a gzipped file")):  # fmt: skip
        (tmp_path / name).write_bytes(text)
        assert said in failure(tmp_path / name), name


@pytest.mark.parametrize("name", ["x.pdf", "x", "x.gz", "x.db", "log"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert "its name must end with .log, .blf, .trc, .asc, .csv, .mf4" in failure(tmp_path / name)


@pytest.mark.parametrize("name", [*NAMES[:-1], "x.log.gz", "x.blf.gz"])
def test_an_empty_file_has_no_frames(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")
    if name.startswith("x.blf"):
        assert "is cut off" in failure(tmp_path / name)
    else:
        assert list(Capture(tmp_path / name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_capture_without_frames_is_readable(tmp_path: Path, name: str) -> None:
    assert list(Capture(written(tmp_path / name, []))) == []


def many(count: int) -> list[can.Message]:
    sent = []
    for number in range(count):
        frame = messages()[0]
        frame.timestamp, frame.data = START_S + number, bytearray(number.to_bytes(8, "little"))
        sent.append(frame)
    return sent


def test_a_gzip_that_is_cut_off_hands_out_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.log.gz"
    content = gzip.compress(write_candump(tmp_path / "x.log", traffic(40_000)).read_bytes(), 1)
    path.write_bytes(content[: len(content) * 2 // 3])
    frames = 0
    with pytest.raises(CaptureError, match="the compressed file is cut off") as caught:
        for block in Capture(path, 100):
            frames += len(block)
    assert 10_000 < frames < 40_000
    assert str(path) in str(caught.value)


def test_a_gzip_with_a_wrong_sum_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.log.gz", many(10))
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)
    assert "damaged" in failure(path)


@pytest.mark.parametrize(
    ("name", "part"), [("x.blf", 0.1), ("x.blf", 0.5), ("x.blf", 0.99), ("x.blf.gz", 0.5), ("x.mf4", 0.5)]
)
def test_a_binary_file_that_is_cut_off_is_refused(tmp_path: Path, name: str, part: float) -> None:
    path = written(tmp_path / name, many(300))
    content = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    content = content[: int(len(content) * part)]
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert "not readable" in failure(path)


@pytest.mark.parametrize("size", [0, 8, 0xFFFFFFFF])
def test_a_length_in_a_blf_file_that_makes_no_sense_is_refused(tmp_path: Path, size: int) -> None:
    path = written(tmp_path / "x.blf", many(10))
    content = bytearray(path.read_bytes())
    content[144 + 8 : 144 + 12] = size.to_bytes(4, "little")  # object size of the first container
    path.write_bytes(content)
    assert "it holds an invalid length" in failure(path)


@pytest.mark.parametrize(
    ("name", "line", "number"),
    [
        ("x.csv", "1.0,0x351,0,0,0,8", 3),
        ("x.csv", "nan,0x351,0,0,0,1,AA==", 3),
        ("x.csv", "1e300,0x351,0,0,0,1,AA==", 3),
        ("x.csv", "1.0,0xFFFFFFFFFF,0,0,0,1,AA==", 3),
        ("x.csv", f"1.0,0x351,0,0,0,9,{'AAAA' * 100}", 3),
        ("x.csv", "x" * 100_000, 3),
    ],
)
def test_the_broken_line_of_a_text_format_is_named(tmp_path: Path, name: str, line: str, number: int) -> None:
    path = written(tmp_path / name, [messages()[0]])
    with path.open("a") as file:
        file.write(line + "\n" + line + "\n")
    frames = 0
    with pytest.raises(CaptureError, match=f"line {number} is not readable as a capture"):
        for block in Capture(path):
            frames += len(block)
    assert frames == 1


@pytest.mark.parametrize("name", ["x.trc", "x.asc"])
def test_a_broken_data_byte_is_named_with_its_line(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, [messages()[0], messages()[0]])
    path.write_text(path.read_text().replace("45 02", "45 ZZ"))
    assert "line " in failure(path)


def test_a_huge_line_without_an_end_does_not_grow(tmp_path: Path) -> None:
    for name, beginning in (("x.csv", b"timestamp,"), ("x.trc", b";"), ("x.asc", b""), ("x.log", b"(")):
        path = tmp_path / name
        with path.open("wb") as file:
            file.write(beginning)
            file.seek(1 << 32)  # a file with a hole: four gigabytes of zeros
            file.write(b"\n")
        assert "line 1 is not readable" in failure(path), name


def test_all_formats_are_tested() -> None:
    assert set(FORMATS) == {Path(name).suffix for name in NAMES}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    directory = tmp_path_factory.mktemp("whole")
    return {
        name: written(directory / name, [messages()[kind] for kind in expected_kinds(name)] * 5).read_bytes()
        for name in NAMES
        if name != "x.mf4"  # read by another process, which takes a second
    }


edits = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(["put", "cut", "replace"]),
        st.one_of(
            st.binary(max_size=4), st.sampled_from([b"\xff\xff\xff\xff", b"nan", b"-", b"e99", b"\n", b"9" * 20])
        ),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from([name for name in NAMES if name != "x.mf4"]), changes=edits)
def test_a_damaged_file_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory,
    whole: dict[str, bytes],
    name: str,
    changes: list[tuple[float, str, bytes]],
) -> None:
    content = bytearray(whole[name])
    for part, how, new in changes:
        place = int(part * len(content))
        content[place : place + {"put": 0, "cut": 7, "replace": len(new)}[how]] = b"" if how == "cut" else new
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    try:
        assert sum(len(block) for block in Capture(path)) < 1000
    except CaptureError as error:
        assert str(error).startswith(f"{path}: ")
        assert str(error).isprintable()
        assert len(str(error)) < 500


@pytest.mark.parametrize("kinds", [(STANDARD,), (STANDARD, EXTENDED, ERROR, REMOTE, FD, SENT)])
def test_a_blf_file_is_read_as_python_can_reads_it(tmp_path: Path, kinds: tuple[int, ...]) -> None:
    """Several containers, with objects that go from one into the next; runs of objects that are alike."""
    chosen = random.Random(1)
    path, number = tmp_path / "x.blf", 0
    with can.BLFWriter(path) as writer:
        while number < 7000:
            kind = chosen.choice(kinds)
            for _ in range(chosen.choice((1, 2, 30))):
                message = messages()[kind]
                message.timestamp = START_S + number / 1000
                if message.data and kind != FD:
                    message.data[:2] = number.to_bytes(2, "little")
                writer.on_message_received(message)
                number += 1
    with can.BLFReader(path) as reader:
        theirs = [
            (
                round(m.timestamp * 1e6),
                m.arbitration_id,
                bytes(m.data[:8]),
                m.is_error_frame,
                m.is_remote_frame,
                m.is_fd,
            )
            for m in reader
        ]
    ours = []
    for block in Capture(path, 1500):
        for row in range(len(block)):
            bits = (Flag.ERROR, Flag.REMOTE, Flag.FD)
            flags = (bool(block.flags[row] & bit) for bit in bits)
            ours.append((int(block.time_us[row]), int(block.id[row]), block.bytes_of(row), *flags))
    assert len(ours) == number
    assert ours == theirs


def test_an_object_of_no_size_in_a_blf_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.blf"
    with can.BLFWriter(path, compression_level=0) as writer:
        for message in many(10):
            writer.on_message_received(message)
    content = bytearray(path.read_bytes())
    inner = content.index(b"LOBJ", content.index(b"LOBJ") + 4)
    content[inner + 8 : inner + 12] = bytes(4)
    path.write_bytes(content)
    assert "it holds an invalid length" in failure(path)
