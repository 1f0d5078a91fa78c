"""Recording a bus: nothing is lost at full load, files are whole whatever ends the recording."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import can
import pytest
import serial
from click.testing import CliRunner, Result

from support.peers.socketcand import SocketcandServer, socketcand_server
from tinybms_gateway.cli import main

TOOL = Path(sys.executable).with_name("tinybms-gw")
FULL_LOAD = 4000
"""Frames of eight bytes that 500 kbit/s carry in a second, about: 111 to 135 bits each."""


@pytest.fixture
def bus() -> Iterator[SocketcandServer]:
    with socketcand_server() as server:
        yield server


@contextlib.contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join(30)


def capture(bus: SocketcandServer, path: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["can", "capture", "--can", bus.backend, "-o", str(path), *options])


def started(bus: SocketcandServer, path: Path) -> "subprocess.Popen[str]":
    command = [TOOL, "can", "capture", "--can", bus.backend, "-o", path]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def numbers(path: Path) -> list[int]:
    return [int.from_bytes(message.data, "big") for message in can.LogReader(path)]


def test_the_table_on_a_terminal_costs_no_frame(bus: SocketcandServer, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    command = [TOOL, "can", "capture", "--can", bus.backend, "-o", tmp_path / "x.log"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120", "LINES": "30"}
    drawn = bytearray()

    def look() -> None:
        with contextlib.suppress(OSError):
            while chunk := os.read(master, 65536):
                drawn.extend(chunk)

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave, text=True, env=environment) as process:
        os.close(slave)
        with meanwhile(look):
            bus.send_at(FULL_LOAD, FULL_LOAD)
            time.sleep(0.7)
            process.terminate()
            output, _ = process.communicate(timeout=20)
    os.close(master)
    assert process.returncode == 0
    assert "4000 frames in" in output
    assert numbers(tmp_path / "x.log") == list(range(FULL_LOAD))
    text = drawn.decode()
    assert "0x123" in text and "unknown" in text and "bus load about" in text


@pytest.mark.parametrize(("name", "number"), [("x.log", signal.SIGINT), ("x.blf", signal.SIGTERM)])
def test_a_full_bus_is_recorded_without_loss_until_a_signal(
    bus: SocketcandServer, tmp_path: Path, name: str, number: signal.Signals
) -> None:
    with started(bus, tmp_path / name) as process:
        bus.send_at(FULL_LOAD, FULL_LOAD)
        time.sleep(0.3)
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == "", "nothing live where there is no terminal"
    assert re.fullmatch(rf"{tmp_path}/{name}: 4000 frames in \d\.\d s, 1 identifiers, 1 unknown\n", output)
    assert numbers(tmp_path / name) == list(range(FULL_LOAD))


def test_a_kill_costs_the_last_second_at_most(tmp_path: Path) -> None:
    """At 1000 frames a second for 2.5 s: what came 1.2 s before the kill is there, and what is there is readable."""
    names = ("x.log", "x.blf", "x.trc", "x.log.gz", "x.trc.gz")
    with contextlib.ExitStack() as stack:
        buses = [stack.enter_context(socketcand_server()) for _ in names]
        runs = [stack.enter_context(started(bus, tmp_path / name)) for bus, name in zip(buses, names, strict=True)]
        senders = [threading.Thread(target=bus.send_at, args=(1000, 2500)) for bus in buses]
        for bus in buses:
            bus.wait_for_client()
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        for run in runs:
            run.kill()
            run.communicate(timeout=10)
    for name in names:
        found = numbers(tmp_path / name)
        assert found == list(range(len(found))), name
        assert len(found) >= 2500 - 1200, name


def test_files_of_a_size_follow_one_another_without_a_gap(bus: SocketcandServer, tmp_path: Path) -> None:
    with meanwhile(lambda: bus.send_at(4000, 3000)):
        result = capture(bus, tmp_path / "x.log", "--count", "3000", "--rotate-size", "0.03", "--json")
    assert result.exit_code == 0, result.output
    recorded = json.loads(result.stdout)
    files = sorted(tmp_path.iterdir())
    assert [str(path) for path in files] == recorded["files"]
    assert len(files) > 3
    assert all(re.fullmatch(r"x_\d{8}T\d{6}Z(_\d{3})?\.log", path.name) for path in files)
    assert [n for path in files for n in numbers(path)] == list(range(3000))
    assert all(path.stat().st_size < 45_000 for path in files)
    assert recorded["ids"] == {"0x123": 3000}


@pytest.mark.parametrize("name", ["x.log.gz", "x.blf", "x.trc"])
def test_a_new_file_begins_when_it_is_time_and_old_ones_go(bus: SocketcandServer, tmp_path: Path, name: str) -> None:
    stem, suffix = name.split(".", 1)
    older = tmp_path / f"{stem}_20200101T000000Z.{suffix}"
    others = [tmp_path / f"{stem}_notes.{suffix}", tmp_path / f"y_20200101T000000Z.{suffix}"]
    for path in (older, *others):
        path.touch()
    with meanwhile(lambda: bus.send_at(1000, 1000)):
        result = capture(bus, tmp_path / name, "--count", "1000", "--rotate-every", "0.2", "--keep", "2", "--json")
    assert result.exit_code == 0, result.output
    assert not older.exists(), "files of an earlier recording count"
    assert all(path.exists() for path in others), "what is not of this recording stays"
    files = [Path(path) for path in json.loads(result.stdout)["files"]]
    assert len(files) == 2
    assert sorted(tmp_path.iterdir()) == sorted([*files, *others])
    kept = [n for path in files for n in numbers(path)]
    assert kept == list(range(kept[0], 1000))
    assert 0 < kept[0] < 900


def test_a_bus_that_goes_leaves_what_came(bus: SocketcandServer, tmp_path: Path) -> None:
    def send_and_go() -> None:
        bus.send((0x351, bytes(8)) for _ in range(20))
        time.sleep(0.3)
        bus.hang_up()

    with meanwhile(send_and_go):
        result = capture(bus, tmp_path / "x.log")
    assert result.exit_code == 2
    assert result.output == f"Error: {tmp_path}/x.log: the CAN bus has disappeared; 20 frames were recorded before\n"
    assert len(numbers(tmp_path / "x.log")) == 20


def test_a_full_disk_is_one_line(bus: SocketcandServer, tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.symlink_to("/dev/full")
    with meanwhile(lambda: bus.send_at(1000, 300)):
        result = capture(bus, path, "--force", "--seconds", "20")
    assert result.exit_code == 2
    assert re.fullmatch(rf"Error: {path}: No space left on device; \d+ frames were recorded before\n", result.output)


def test_a_file_that_is_there_is_kept_unless_forced(bus: SocketcandServer, tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("precious\n")
    result = capture(bus, path, "--seconds", "0.2")
    assert result.exit_code == 2
    assert "already exists" in result.output
    assert path.read_text() == "precious\n"
    assert capture(bus, path, "--seconds", "0.2", "--force").exit_code == 0
    assert path.read_text() == ""


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("x.asc", "it loses the time of day"),
        ("x.csv", "it loses direction and channel"),
        ("x.mf4", "a power cut would lose all of it"),
        ("x.db", "give a name that ends with .log, .blf, .trc, .log.gz, .trc.gz"),
        ("x.blf.gz", "give a name that ends with"),
        (".log", "give a name that ends with"),
        ("x", "give a name that ends with"),
        ("no/such/x.log", "no such directory"),
    ],
)
def test_files_that_would_lose_something_or_cannot_be_are_refused(tmp_path: Path, name: str, complaint: str) -> None:
    result = CliRunner().invoke(main, ["can", "capture", "--can", "virtual:refused", "-o", str(tmp_path / name)])
    assert result.exit_code == 2
    assert complaint in result.output
    assert len(result.output.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "backend", ["slcan:/dev/nowhere", "socketcand:1", "pcan:PCAN_USBBUS1", "kvaser:0", "neovi:0", "pigeon:1", "can0"]
)
def test_a_bus_that_is_not_there_is_one_line_and_leaves_no_file(tmp_path: Path, backend: str) -> None:
    result = CliRunner().invoke(main, ["can", "capture", "--can", backend, "-o", str(tmp_path / "x.log")])
    assert result.exit_code == 2
    assert f"CAN bus '{backend}'" in result.output
    assert len(result.output.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("backend", "advice"),
    [
        ("socketcan:can7", "sudo ip link set can7 up type can bitrate 500000"),
        ("slcan:/dev/nowhere", "no such port; is the adapter connected"),
        ("socketcand:1", "is the gateway running?"),
    ],
)
def test_a_bus_that_is_not_there_comes_with_what_to_look_at(tmp_path: Path, backend: str, advice: str) -> None:
    result = CliRunner().invoke(main, ["can", "capture", "--can", backend, "-o", str(tmp_path / "x.log")])
    assert result.exit_code == 2
    assert advice in result.output and "Errno" not in result.output


def test_an_adapter_that_another_program_reads_is_refused(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    try:
        with serial.Serial(os.ttyname(slave), exclusive=True):
            backend = f"slcan:{os.ttyname(slave)}"
            result = CliRunner().invoke(main, ["can", "capture", "--can", backend, "-o", str(tmp_path / "x.log")])
    finally:
        os.close(slave)
        os.close(master)
    assert result.exit_code == 2
    assert result.output == f"Error: CAN bus '{backend}': in use by another program\n"


def test_error_frames_that_trc_cannot_hold_are_counted(tmp_path: Path) -> None:
    with can.Bus(interface="virtual", channel="errors") as sender:

        def send() -> None:
            time.sleep(0.5)
            for error in (True, False, True):
                sender.send(
                    can.Message(arbitration_id=0x351, is_extended_id=False, is_error_frame=error, data=bytes(8))
                )

        with meanwhile(send):
            command = ["can", "capture", "--can", "virtual:errors", "-o", str(tmp_path / "x.trc"), "--count", "3"]
            result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert result.output.endswith("1 frames in " + result.output.split("1 frames in ")[1])
    assert "2 more that .trc cannot hold" in result.output


def test_keep_without_rotation_makes_no_sense(tmp_path: Path) -> None:
    command = ["can", "capture", "--can", "virtual:k", "-o", str(tmp_path / "x.log"), "--keep", "3"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert "--rotate-every or --rotate-size" in result.output
