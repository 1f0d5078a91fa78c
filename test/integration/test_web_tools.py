"""The tools read the native gateway over its web interface: demo, check, api."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from support.fixtures.access import PASSWORD, readable_stack, set_up
from support.fixtures.web_files import make_web_files
from support.instruments.watch import open_bus, wait_until
from tinybms_gateway.api.client import GatewayClient
from tinybms_gateway.cli import main
from tinybms_gateway.gateway_process import OWN_WEB, PROGRAM, GatewayProcess
from tinybms_gateway.gateway_stack import GatewayStack
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.gx.simulator import send_keepalive

TOOL = Path(sys.executable).with_name("tinybms-gw")
COMMANDS = (
    "alarms", "can", "cells", "diagnostics", "energy", "events", "limits", "log", "metrics", "registers", "settings",
    "state", "statistics", "status", "uart",
)  # fmt: skip


@pytest.fixture(scope="module")
def running() -> Iterator[GatewayStack]:
    with readable_stack(scenario="rest") as stack:
        yield stack


def metric(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, name
    return float(found[1])


def test_the_demo_says_where_its_live_values_are() -> None:
    """The battery of this scenario does not change, so that values of different moments can be compared."""
    with subprocess.Popen([TOOL, "demo", "--scenario", "rest", "--json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as demo:  # fmt: skip
        assert demo.stderr is not None
        said = re.fullmatch(r"web interface: (http://127\.0\.0\.1:\d+)\n", demo.stderr.readline())
        code = re.fullmatch(r"set-up code: ([A-Z0-9]{10})\n", demo.stderr.readline())
        assert said and code
        with GatewayClient(said[1]) as client:
            client.set_up(code[1], PASSWORD)
            wait_until(lambda: client.object("/api/v1/state")["publishing"], 20.0)
            state, cells = client.object("/api/v1/state"), client.object("/api/v1/cells")
            later = client.object("/api/v1/state")
            metrics = client.text("/metrics")
        demo.send_signal(signal.SIGINT)
        output, _ = demo.communicate(timeout=30)
    told = json.loads(output)
    bms = told["bms"]
    assert told["url"] == said[1]
    assert state["pack_voltage_mv"] == pytest.approx(bms["voltage"] * 1000, abs=1)
    assert state["pack_current_ma"] == pytest.approx(bms["current"] * 1000, abs=1)
    assert state["soc_ppm"] == pytest.approx(bms["soc"] * 10000, abs=10)
    assert sum(cell["voltage_100uv"] for cell in cells["cells"]) == pytest.approx(bms["voltage"] * 10000, abs=200)
    assert later["uptime_ms"] >= state["uptime_ms"]
    assert metric(metrics, "tinybms_pack_voltage_volts") == pytest.approx(bms["voltage"], abs=0.001)
    assert metric(metrics, "tinybms_pack_current_amperes") == pytest.approx(bms["current"], abs=0.001)
    assert metric(metrics, "tinybms_state_of_charge_ratio") == pytest.approx(bms["soc"] / 100, abs=1e-5)


def test_the_demo_without_a_web_interface() -> None:
    ended = subprocess.run([TOOL, "demo", "--scenario", "rest", "--json", "--seconds", "3", "--no-http"],
                           capture_output=True, text=True, check=False, timeout=60)  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["url"] is None
    assert ended.stderr == ""


def test_the_demo_shows_the_address_on_a_terminal_of_people() -> None:
    ended = subprocess.run([TOOL, "demo", "--scenario", "rest", "--seconds", "4"],
                           capture_output=True, text=True, check=False, timeout=60)  # fmt: skip
    assert re.search(r"web interface: http://127\.0\.0\.1:\d+ +set-up code: [A-Z0-9]{10}", ended.stdout)


def test_the_gateway_serves_where_it_is_told_to(tmp_path: Path) -> None:
    web = make_web_files(tmp_path / "web")
    arguments = [TOOL, "gateway", "--uart", "/dev/null", "--can", "socketcand:0", "--data", tmp_path / "data",
                 "--http", "127.0.0.1:0", "--web", web]  # fmt: skip
    (tmp_path / "data").mkdir()
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as gateway:
        port = tmp_path / "data/http_port"
        wait_until(port.is_file, 20.0)
        url = f"http://127.0.0.1:{int(port.read_text())}/"
        wait_until(lambda: requests.get(url, timeout=10).status_code == 200, 20.0)
        assert "of this test" in requests.get(url, timeout=10).text
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(20) == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "nowhere.invalid:80", "127.0.0.1:http", "127.0.0.1:99999", ":80", ""])
def test_an_address_that_makes_no_sense_is_one_line(address: str) -> None:
    arguments = [TOOL, "gateway", "--uart", "/dev/null", "--can", "socketcand:0", "--http", address]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "--http" in ended.stderr


def test_a_check_of_the_gateway_is_green(running: GatewayStack, root: Path) -> None:
    version = (root / "version.txt").read_text().strip()
    result = CliRunner().invoke(main, ["check", "--can", running.can_backend, "--url", running.gateway.url(),
                                       "--keepalive", "--expect-version", version, "--json"])  # fmt: skip
    rows = {row["check"]: row for row in json.loads(result.stdout)["checks"]}
    for check in ("web page", "REST status", "settings", "firmware version"):
        assert rows[check]["result"] == "good", rows[check]


def test_a_check_of_a_gateway_whose_settings_were_lost(tmp_path: Path, native_build: Path) -> None:
    data = tmp_path / "data"
    subprocess.run([native_build / PROGRAM, "--data", data, "--set", "charge.max_a=20", "--settings"],
                   check=True, capture_output=True, timeout=20)  # fmt: skip
    for record in (data / "nvs/settings").glob("record?"):
        record.write_bytes(record.read_bytes()[:-1])
    (data / "flash/limits.bin").write_bytes(b"\0" * 8192)
    with BmsLine(tmp_path / "bms") as line, GatewayProcess(line.link, data, http=OWN_WEB) as gateway:
        token = set_up(gateway).token("check")
        arguments = ["check", "--can", gateway.can_backend(), "--url", gateway.url(), "--seconds", "1", "--json"]
        result = CliRunner().invoke(main, arguments, env={"TINYBMS_TOKEN": token})
    (row,) = [row for row in json.loads(result.stdout)["checks"] if row["check"] == "settings"]
    assert row["result"] == "failed"
    assert "not confirmed" in row["seen"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_something_of_the_gateway(running: GatewayStack, command: str) -> None:
    result = CliRunner().invoke(main, ["api", command], env={"TINYBMS_URL": running.gateway.url()})
    assert result.exit_code == 0, result.output
    assert result.stdout.strip()


def test_frames_as_they_come(running: GatewayStack) -> None:
    arguments = [TOOL, "api", "watch", "--can", "--uart"]
    kinds: set[str] = set()
    with (
        open_bus(running.can_backend) as bus,
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env=os.environ | {"TINYBMS_URL": running.gateway.url(), "PYTHONUNBUFFERED": "1"}) as watch,
    ):  # fmt: skip
        assert watch.stdout is not None
        while not {"online", "can sent 351", "can got 305", "uart sent", "uart got"} <= kinds:
            words = watch.stdout.readline().split()
            assert words, "it goes on until it is stopped"
            if words[1] == "online":
                send_keepalive(bus)
            kinds |= {" ".join(words[1:2]), " ".join(words[1:3]), " ".join(words[1:4])}
        watch.send_signal(signal.SIGINT)
        _, said = watch.communicate(timeout=30)
    assert watch.returncode == 0
    assert all(line.startswith("lost: ") for line in said.splitlines()), "which a busy machine may do"
