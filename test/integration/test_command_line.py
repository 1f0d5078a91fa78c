"""The tools as their user runs them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.instruments.watch import wait_until
from tinybms_gateway.gateway_stack import GatewayStack, gateway_stack

TOOL = [sys.executable, "-m", "tinybms_gateway"]


def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def test_the_demo_runs_captures_and_decodes(tmp_path: Path) -> None:
    capture = tmp_path / "x.log"
    ended = run("demo", "--seconds", "15", "--capture", capture, "--json")
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    assert result["recognised"] and result["allowed"]
    assert result["complaints"] == []
    assert result["signals"]["SOCHighResolution"] == pytest.approx(result["bms"]["soc"], abs=0.2)
    decoded = run("can", "decode", capture, "--json")
    assert decoded.returncode == 0, decoded.stderr
    frames = [json.loads(line) for line in decoded.stdout.splitlines()]
    assert len(frames) >= 0.9 * result["frames"]
    assert {"0x351", "0x355", "0x356", "0x35A", "0x35E", "0x35F"} <= {frame["id"] for frame in frames}


def test_the_demo_draws_on_a_terminal() -> None:
    ended = run("demo", "--seconds", "4", "--scenario", "rest")
    assert ended.returncode == 0, ended.stderr
    for word in ("charge voltage CVL", "54.0 V", "state of charge", "84.55 %", "Alarms: none"):
        assert word in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--scenario", "earthquake"], "give one of bad-line"),
        (["--capture", "x.asc"], "give a name that ends with"),
        (["--capture", "/no/such/dir/x.log"], "no such directory"),
        (["--dump", "/no/such.json"], "No such file"),
        (["--fault", "gremlins"], "choose from flip"),
        (["--fault", "flip=much"], "not a number"),
        (["--fault", "flip=2"], "0..1"),
    ],
)
def test_demo_options_that_make_no_sense_are_one_line(arguments: list[str], complaint: str) -> None:
    ended = run("demo", "--seconds", "1", *arguments)
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_simulator_gateway_and_gx_work_as_programs_of_their_own(tmp_path: Path) -> None:
    link, control, data = tmp_path / "bms", tmp_path / "control", tmp_path / "data"
    bms = subprocess.Popen([*TOOL, "sim", "bms", "--pty", str(link), "--control", str(control)], stderr=subprocess.PIPE)
    gateway = subprocess.Popen(
        [*TOOL, "gateway", "--uart", str(link), "--can", "socketcand:0", "--data", str(data)], stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while not ((data / "can_port").exists() and control.exists()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        port = (data / "can_port").read_text().strip()
        values = run("sim", "set", "--control", control, "soc=42", "current=-15.5", "--json")
        assert json.loads(values.stdout)["soc"] == pytest.approx(42, abs=0.01)
        seen = run("sim", "gx", "--can", f"socketcand:{port}", "--seconds", "7", "--json")
        assert seen.returncode == 0, seen.stdout
        signals = json.loads(seen.stdout)["signals"]
        assert signals["SOC"] == 42
        assert signals["Current"] == -15.5
        wrong = run("sim", "set", "--control", control, "soc=142")
        assert wrong.returncode == 2
        assert "0..100" in wrong.stderr
        shown = run("can", "capture", "--can", f"socketcand:{port}", "-o", tmp_path / "c.blf", "--count", "5")
        assert shown.returncode == 0, shown.stderr
        assert "5 frames" in shown.stdout
    finally:
        for process in (gateway, bms):
            process.terminate()
        assert gateway.wait(5) == 0
        bms.communicate(timeout=5)
        assert bms.returncode == 0
    assert not link.is_symlink()


@pytest.mark.parametrize(
    ("options", "expected"), [([], [0x65, 0x64, 0x62, 0x65]), (["--events", "newest-first"], [0x65, 0x62, 0x64, 0x65])]
)
def test_the_simulated_bms_lists_its_events_in_the_order_that_is_asked_for(
    tmp_path: Path, real_dump: Path, options: list[str], expected: list[int]
) -> None:
    link = tmp_path / "bms"
    bms = subprocess.Popen([*TOOL, "sim", "bms", "--pty", str(link), "--dump", str(real_dump), *options])
    try:
        wait_until(link.is_symlink, 20.0)
        shown = json.loads(run("bms", "read", "--port", link, "200-207", "--json").stdout)
        assert [reading["raw"] >> 8 for reading in shown[1::2]] == expected
        told = json.loads(run("bms", "events", "--port", link, "--json").stdout)
        assert [event["id"] for event in told] == [0x65, 0x64, 0x62, 0x65], "the client shows the newest last"
    finally:
        bms.terminate()
        assert bms.wait(5) == 0


def test_a_bus_that_is_not_there_is_one_line() -> None:
    ended = run("sim", "gx", "--can", "socketcand:1", "--seconds", "1")
    assert ended.returncode == 2
    assert "socketcand:1" in ended.stderr
    assert "refused" in ended.stderr


@pytest.mark.parametrize("backend", ["slcan:nowhere", "carrier-pigeon:1"])
def test_a_bus_that_the_gateway_cannot_have_is_one_line(backend: str) -> None:
    ended = run("gateway", "--uart", "/dev/null", "--can", backend)
    assert ended.returncode == 2
    assert backend in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def recorded(_: GatewayStack, file: Path) -> bool:
    return file.is_file() and len(file.read_text().splitlines()) > 10


def heard(stack: GatewayStack, _: Path) -> bool:
    return any("a GX is on the bus" in line for line in list(stack.gateway.lines))


@pytest.mark.parametrize("tool", [["can", "capture", "-o", "x.log"], ["sim", "gx", "--json"]], ids=["capture", "gx"])
def test_a_bus_that_goes_away_ends_the_tool_with_one_line(tmp_path: Path, tool: list[str]) -> None:
    with gateway_stack() as stack:
        watcher = subprocess.Popen(
            [*TOOL, *tool, "--can", stack.can_backend], stderr=subprocess.PIPE, text=True, cwd=tmp_path
        )
        at_work = recorded if "capture" in tool else heard
        wait_until(lambda: at_work(stack, tmp_path / "x.log"), 20.0)
        assert stack.gateway.stop() == 0
        _, errors = watcher.communicate(timeout=10)
    assert watcher.returncode == 2
    assert "the CAN bus has disappeared" in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_demo_that_is_ended_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    demo = subprocess.Popen([*TOOL, "demo", "--json"], stdout=subprocess.PIPE, env=environment)
    deadline = time.monotonic() + 20
    while not list(tmp_path.glob("tinybms-*/data/can_port")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
    time.sleep(1.0)
    demo.send_signal(number)
    demo.communicate(timeout=10)
    assert list(tmp_path.iterdir()) == []
    assert len(children) == 1
    assert not Path(f"/proc/{children[0]}").exists()
