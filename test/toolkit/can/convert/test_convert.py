"""Captures written in another format: what comes back is what was there, and what a format loses is said."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import can
import pytest
from click.testing import CliRunner, Result

from tinybms_gateway.cli import main

TOOL = Path(sys.executable).with_name("tinybms-gw")
NOON = 1_795_694_400.0
"""2026-11-26 12:00:00 UTC."""


def convert(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["can", "convert", *map(str, arguments)])


def frame(number: int, **options: object) -> can.Message:
    """Lengths 0 to 8, both directions, 11 and 29 bits."""
    extended = number % 5 == 0
    given = {
        "timestamp": NOON + number * 0.123457,
        "arbitration_id": 0x18FF0000 + number if extended else 0x351 + number,
        "is_extended_id": extended,
        "is_rx": number % 3 != 0,
        "data": bytes((number * 7 + i) & 0xFF for i in range(number % 9)),
        "channel": "can0",
    }
    return can.Message(**(given | options))


def written(path: Path, messages: list[can.Message]) -> Path:
    with can.Logger(path) as logger:
        for message in messages:
            logger.on_message_received(message)
    return path


def essence(message: can.Message, *, direction: bool = True, since: float = 0.0) -> tuple[object, ...]:
    time_us = round((message.timestamp - since) * 1e6)
    rx = message.is_rx if direction else None
    return time_us, message.arbitration_id, message.is_extended_id, rx, bytes(message.data)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return written(tmp_path / "source.log", [frame(n) for n in range(60)])


def test_formats_keep_what_they_say(source: Path, tmp_path: Path) -> None:
    """There and back again through every format; times are compared to the microsecond."""
    original = list(can.LogReader(source))
    for suffix in (".log", ".blf", ".trc", ".mf4", ".csv", ".asc", ".log.gz", ".trc.gz", ".csv.gz", ".asc.gz"):
        there = tmp_path / f"there{suffix}"
        result = convert(source, there)
        assert result.exit_code == 0, result.output
        assert result.stdout == f"{there}: 60 frames\n"
        assert result.stderr.startswith(f"{there.name} does not keep: ")
        name = suffix.removesuffix(".gz")
        since = NOON if name == ".asc" else 0.0
        wanted = [essence(m, direction=name != ".csv", since=since) for m in original]
        found = [essence(m, direction=name != ".csv") for m in can.LogReader(there)]
        assert found == wanted, suffix
        if name != ".asc":
            back = convert(there, tmp_path / f"back{suffix}.log")
            assert back.exit_code == 0, back.output
            again = [essence(m, direction=name != ".csv") for m in can.LogReader(tmp_path / f"back{suffix}.log")]
            assert again == wanted, suffix


def test_what_a_format_cannot_hold_is_counted(tmp_path: Path) -> None:
    messages = [
        frame(1),
        frame(2, is_error_frame=True),
        frame(3, is_remote_frame=True, data=None, dlc=4),
        frame(4, is_fd=True, data=bytes(12)),
    ]
    source = written(tmp_path / "x.log", messages)
    trc = json.loads(convert(source, tmp_path / "x.trc", "--json").stdout)
    assert (trc[0]["frames"], trc[0]["left_out"]) == (1, 3)
    mf4 = json.loads(convert(source, tmp_path / "x.mf4", "--json").stdout)
    assert (mf4[0]["frames"], mf4[0]["left_out"]) == (3, 1), "of CAN FD a block holds eight bytes only"
    kinds = sorted((m.is_error_frame, m.is_remote_frame) for m in can.LogReader(tmp_path / "x.mf4"))
    assert kinds == [(False, False), (False, True), (True, False)]


def test_a_frame_that_is_older_than_the_first_is_said_to_have_moved(tmp_path: Path) -> None:
    """As when two recordings were joined: the writers of some formats would give it another time without a word."""
    source = tmp_path / "x.log"
    source.write_text("".join(f"({NOON + s}) can0 351#00\n" for s in (0, -1, 1)))
    for suffix, times in (
        (".blf", [0, 0, 1]),
        (".asc", [0, 0, 1]),
        (".csv", [0, -1, 1]),
        (".mf4", [-1, 0, 1]),
    ):
        target = tmp_path / f"x{suffix}"
        result = convert(source, target)
        assert ("1 out of order and moved to the time of the frame before" in result.output) == (
            suffix in (".blf", ".asc")
        ), suffix
        since = 0.0 if suffix == ".asc" else NOON
        assert [message.timestamp - since for message in can.LogReader(target)] == times, suffix


def test_a_capture_without_a_clock_is_given_one(source: Path, tmp_path: Path) -> None:
    asc, log = tmp_path / "x.asc", tmp_path / "x.log"
    convert(source, asc)
    refused = convert(asc, log)
    assert refused.exit_code == 2
    assert "has no clock times; give its start time with --start" in refused.output
    assert not log.exists()
    assert convert(asc, log, "--start", "2026-11-26T13:00:00+01:00").exit_code == 0
    assert [essence(m) for m in can.LogReader(log)] == [essence(m) for m in can.LogReader(source)]
    for text in ("2026-11-26 12:00", "2026-11-26T12:00:00Z"):
        assert convert(asc, log, "--force", "--start", text).exit_code == 0, text
        assert next(iter(can.LogReader(log))).timestamp == NOON, text


def test_what_is_there_is_not_overwritten_unasked(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.blf"
    target.write_bytes(b"precious")
    refused = convert(source, target)
    assert refused.exit_code == 2
    assert "already exists" in refused.output
    assert target.read_bytes() == b"precious"
    assert convert(source, target, "--force").exit_code == 0
    assert len(list(can.LogReader(target))) == 60


def test_a_capture_is_never_converted_onto_itself(source: Path, tmp_path: Path) -> None:
    before = source.read_bytes()
    (tmp_path / "link.log").symlink_to(source)
    for target in (source, tmp_path / "link.log"):
        result = convert(source, target, "--force")
        assert result.exit_code == 2, target
        assert "is the capture itself" in result.output, target
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["source.log", "x.pdf"], "give a name that ends with .log, .blf"),
        (["source.log", "x.blf.gz"], "give a name that ends with"),
        (["source.log", "no/such/x.blf"], "no such directory"),
        (["source.log", "directory.blf", "--force"], "is a directory"),
        (["missing.log", "x.blf"], "No such file"),
        (["empty.log", "x.blf"], "nothing was written"),
        (["empty.log", "x.parquet"], "no frames; nothing was written"),
        (["cut.log.gz", "x.blf"], "cut.log.gz"),
        (["text.log", "x.mf4"], "text.log"),
        (["source.log", "x.blf", "--start", "noon"], "give a time such as"),
        (["source.log", "x.blf", "--start", "2026-11-26"], "has clock times"),
        (["--parquet", "ds", "--site", "../x", "source.log"], "--site '../x': give at most 63 letters"),
        (["--parquet", "ds", "--site", "", "source.log"], "give at most 63 letters"),
        (["--parquet", "ds", "--site", "a=b", "source.log"], "give at most 63 letters"),
        (["--parquet", "ds", "missing.log"], "No such file"),
        (["--parquet", "ds", "empty.log"], "no frames; nothing was written"),
        (["--parquet", "ds", "strange.log"], "none of its 2 frames belongs to this protocol"),
        (["--parquet", "ds", "old.log"], "not between the years 1970 and 2262"),
        (["old.log", "x.mf4"], "not between the years 1970 and 2262"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_leaves_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    (tmp_path / "directory.blf").mkdir()
    (tmp_path / "empty.log").touch()
    (tmp_path / "text.log").write_text("this is no capture\n")
    (tmp_path / "strange.log").write_text("(1700000001.0) can0 123#00\n(1700000002.0) can0 00000351#00\n")
    (tmp_path / "old.log").write_text("(999999999999.0) can0 305#0000000000000000\n")
    (tmp_path / "cut.log.gz").write_bytes(gzip.compress(source.read_bytes())[:-20])
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    result = convert(*arguments)
    assert result.exit_code == 2
    assert complaint in result.output
    assert len(result.output.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("arguments", [["a.log"], ["a.log", "b.blf", "c.blf"], ["a.log", "b.blf", "--site", "x"]])
def test_arguments_that_do_not_fit_are_a_usage_error(arguments: list[str]) -> None:
    result = convert(*arguments)
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_conversion_leaves_nothing_that_looks_whole(tmp_path: Path, number: signal.Signals) -> None:
    source = tmp_path / "source.log"
    source.write_text("".join(f"({NOON + n / 1000:.6f}) can0 351#{n:016X}\n" for n in range(150_000)))
    command = [TOOL, "can", "convert", source, tmp_path / "x.trc"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".x.trc.*")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "Traceback" not in errors
    left = [path.name for path in tmp_path.iterdir() if path != source]
    assert all(name.startswith(".x.trc.") and name.endswith(".part") for name in left)
    assert left == [] or number == signal.SIGKILL
