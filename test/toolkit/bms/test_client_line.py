"""The serial client on lines that are asleep, garbled, silent, gone, taken or hostile."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import serial
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tinybms_gateway.bms import frames
from tinybms_gateway.gateway_process import GatewayProcess
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.bms.simulator import make_line
from toolkit.bms.client_world import QUICK, TOOL, answering, bms, bms_json, complaint, start, tapped

HOSTILE = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
SHOWING = [
    ("info",), ("info", "--json"), ("read", "0-599"), ("read", "0-599", "--json"), ("monitor", "--count", "1"),
    ("read", "--all"),
]  # fmt: skip
ADVICE = ("TX and RX", "GND", "awake", "no other program")


def test_a_sleeping_bms_is_asked_again_at_once(tmp_path: Path, real_dump: Path) -> None:
    with make_line(tmp_path / "bms", dump=real_dump, asleep=True) as line, tapped(line.link) as tap:
        assert "4.150 V" in bms("read", tap.port, "--timeout", "1", "300").stdout
        assert len(tap.requests) == 2
        assert tap.requests[0] == tap.requests[1]


def test_ascii_lines_between_the_answers_are_skipped(tmp_path: Path) -> None:
    with BmsLine(tmp_path / "bms") as line:
        line.bms.registers[342], line.bms.registers[343] = 1, 1  # every 0.1 s
        result = bms("monitor", line.link, "--count", "15", "--interval", "0.1")
        assert result.exit_code == 0, result.output
        assert len(result.stdout.splitlines()) == 15


def test_a_bad_line_gives_the_right_values_or_none(tmp_path: Path, real_dump: Path) -> None:
    faults = ("corrupt=0.6", "noise=0.3", "broadcast=0.3")
    with make_line(tmp_path / "bms", dump=real_dump, faults=faults, seed=11) as line:
        readings: Any = bms_json("read", line.link, *QUICK, "--retries", "40", "0-55", "300-343", "500-503")
    by_name = {r["name"]: r["value"] for r in readings}
    assert by_name["state_of_charge"] == 83.554824
    assert by_name["fully_charged_voltage"] == 4.15
    assert by_name["firmware_internal"] == 242


def test_an_answer_that_comes_too_late_is_not_taken_for_that_of_the_next_request(
    tmp_path: Path, real_dump: Path
) -> None:
    """Both requests are for two registers: the answers to them look the same."""
    with make_line(tmp_path / "bms", dump=real_dump, faults=("slow=450",)) as line:
        readings: Any = bms_json("read", line.link, "--timeout", "0.3", "36", "100")
    assert [r["value"] for r in readings] == [55.78, 0.0]


def test_damaged_requests_are_sent_again(tmp_path: Path, real_dump: Path) -> None:
    spoilt: list[bytes] = []

    def spoil(request: bytes) -> bytes:
        if len(spoilt) < 3:
            spoilt.append(request)
            return request[:-1] + bytes([request[-1] ^ 1])
        return request

    with make_line(tmp_path / "bms", dump=real_dump) as line, tapped(line.link, request=spoil) as tap:
        assert "4.150 V" in bms("read", tap.port, "--timeout", "1", "300").stdout
        assert len(tap.requests) == 4


@pytest.mark.parametrize(
    "command", ["info", "read 300", "events", "monitor", "write --yes 300 4", "reset --yes events"]
)
def test_silence_is_one_line_that_says_what_to_check(tmp_path: Path, command: str) -> None:
    name, *arguments = command.split()
    with make_line(tmp_path / "bms", faults=("silence",)) as line, tapped(line.link) as tap:
        message = complaint(bms(name, tap.port, *QUICK, "--retries", "2", *arguments), 1)
        assert "does not answer (3 tries of 0.1 s)" in message
        assert all(advice in message for advice in ADVICE)
        assert len(tap.requests) == 3


def test_a_line_that_only_chatters_is_told_from_a_silent_one() -> None:
    with answering(lambda _request: b"login: ") as tap:
        message = complaint(bms("info", tap.port, *QUICK, "--retries", "1"), 1)
        assert re.search(r": \d+ bytes received, but no answer from a TinyBMS \(2 tries of 0.1 s\)", message)
        assert all(advice in message for advice in ADVICE)


def test_a_tx_that_is_wired_to_its_own_rx_answers_nothing() -> None:
    with answering(bytes) as tap:
        assert "no answer from a TinyBMS" in complaint(bms("read", tap.port, *QUICK, "--retries", "0", "300"), 1)


def test_a_bms_that_refuses_everything(tmp_path: Path) -> None:
    with make_line(tmp_path / "bms", faults=("nack",)) as line:
        assert "refuses to read registers 300..300" in complaint(bms("read", line.link, "300"), 1)
        assert "refuses to list its events" in complaint(bms("events", line.link), 1)


@pytest.mark.parametrize("pulled", [True, False], ids=["unplugged", "gone silent"])
def test_a_bms_that_goes_away_ends_the_monitor_with_one_line(tmp_path: Path, pulled: bool) -> None:
    path = tmp_path / "night.csv"
    with BmsLine(tmp_path / "bms") as line:
        process = start("monitor", line.link, *QUICK, "--retries", "2", "--interval", "0.1", "--csv", path)
        deadline = time.monotonic() + 20
        while not path.exists() or len(path.read_text().splitlines()) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        if pulled:
            line.unplug()
        else:
            line.faults.set("silence", 1)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert ("the port has disappeared" if pulled else "does not answer") in errors
    assert len(errors.strip().splitlines()) == 1
    assert path.read_text().endswith("\n")


def test_a_port_that_is_not_there_is_one_line() -> None:
    message = complaint(bms("info", "/dev/no-such-port"), 2)
    assert "/dev/no-such-port: no such port; serial ports on this machine:" in message


@pytest.mark.parametrize("kind", ["file", "directory", "fifo", "null"])
def test_what_is_no_serial_port_is_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "file":
        path.write_text("precious")
    elif kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        subprocess.run(["mkfifo", path], check=True)
    else:
        path = Path("/dev/null")
    assert f"{path}: cannot be used as a serial port" in complaint(bms("info", path), 2)
    if kind == "file":
        assert path.read_text() == "precious"


def test_a_port_in_use_is_one_line_and_its_user_is_not_disturbed(tmp_path: Path) -> None:
    with BmsLine(tmp_path / "bms") as line, serial.Serial(str(line.link), 115200, exclusive=True, timeout=1) as port:
        for command in (["info"], ["read", "300"], ["monitor"], ["write", "300", "4.1", "--yes"]):
            assert "in use by another program" in complaint(bms(command[0], line.link, *command[1:]), 2), command
        port.write(frames.frame(0x1B))
        assert len(port.read(11)) == 11
        assert line.requests == 1


def test_the_gateway_and_the_client_never_share_a_line(tmp_path: Path) -> None:
    with BmsLine(tmp_path / "bms") as line, GatewayProcess(line.link, tmp_path / "data") as gateway:
        gateway.can_backend()
        deadline = time.monotonic() + 20
        while line.requests == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert "in use by another program" in complaint(bms("info", line.link), 2)


@HOSTILE
@given(data=st.binary(max_size=400), command=st.sampled_from([("info",), ("read", "0-55", "300"), ("events", "--all")]))
@example(data=b"\xaa" * 400, command=("info",))
def test_whatever_bytes_come_it_ends_with_one_line(data: bytes, command: tuple[str, ...]) -> None:
    with answering(lambda _request: data) as tap:
        result = bms(command[0], tap.port, "--timeout", "0.02", "--retries", "0", *command[1:])
        complaint(result, 1)


@HOSTILE
@given(memory=st.binary(min_size=1200, max_size=1200), command=st.sampled_from(SHOWING))
@example(memory=bytes(1200), command=("info",))
@example(memory=b"\xff" * 1200, command=("info", "--json"))
@example(memory=b"\x7f\xc0" * 600, command=("read", "0-599", "--json"))
def test_whatever_the_registers_hold_it_is_shown(memory: bytes, command: tuple[str, ...]) -> None:
    def answer(request: bytes) -> bytes:
        first, count = int.from_bytes(request[2:4], "big"), request[5]
        return frames.frame(0x03, 2 * count, memory[2 * first : 2 * (first + count)])

    with answering(answer) as tap:
        result = bms(command[0], tap.port, *command[1:])
        assert result.exit_code == 0, result.output
        if "--json" in command or "--all" in command:
            json.loads(result.stdout, parse_constant=pytest.fail)  # NaN and Infinity are no JSON


@HOSTILE
@given(payload=st.binary(max_size=255), all_of_them=st.booleans())
def test_whatever_the_event_log_holds_it_is_shown_or_refused(payload: bytes, all_of_them: bool) -> None:
    with answering(lambda request: frames.frame(request[1], len(payload), payload)) as tap:
        result = bms("events", tap.port, *(["--all"] if all_of_them else []))
        if payload and len(payload) % 4 == 0:
            assert result.exit_code == 0
            assert len(result.stdout.splitlines()) == max(1, len(payload) // 4 - 1)
        else:
            complaint(result, 1)


@pytest.mark.parametrize("command", ["", "info", "read", "write", "reset", "events", "monitor", "registers"])
def test_every_command_explains_itself_in_lines_that_fit(command: str) -> None:
    shown = subprocess.run([TOOL, "bms", *command.split(), "--help"], capture_output=True, text=True, check=True,
                           env={"COLUMNS": "100"}).stdout  # fmt: skip
    assert max(map(len, shown.splitlines())) <= 100
    if command not in ("", "registers"):
        assert f"  tinybms-gw bms {command} --port /dev/ttyUSB0" in shown


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    with BmsLine(tmp_path / "bms") as line:
        process = start("monitor", line.link, "--interval", "0.1")
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.wait(20)
        assert process.stderr is not None
        assert process.stderr.read() == ""
        process.stderr.close()
