"""The demo as a user starts it: the address that it prints leads to the values that its simulator shows."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from support.fixtures.access import PASSWORD

SAYS = re.compile(r"^web interface: (http://127\.0\.0\.1:\d+)$")
CODE = re.compile(r"^set-up code: ([A-Z0-9]{10})$")
TIMEOUT_S = 10.0
State = dict[str, Any]


@contextmanager
def demo(*options: str) -> Iterator[tuple[requests.Session, str, "subprocess.Popen[str]"]]:
    """Run it, and set its password with the code that it prints; a browser that is logged in, address, program."""
    command = [sys.executable, "-m", "tinybms_gateway", "demo", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            assert program.stderr is not None
            said = program.stderr.readline().rstrip("\n")
            match = SAYS.match(said)
            assert match, said + program.stderr.read()
            code = CODE.match(program.stderr.readline().rstrip("\n"))
            assert code
            with requests.Session() as browser:
                setting_up = {"code": code[1], "password": PASSWORD}
                assert requests.get(f"{match[1]}/api/v1/state", timeout=TIMEOUT_S).status_code == 403
                assert browser.post(f"{match[1]}/api/v1/setup", json=setting_up, timeout=TIMEOUT_S).status_code == 201
                assert requests.get(f"{match[1]}/api/v1/state", timeout=TIMEOUT_S).status_code == 401
                yield browser, match[1], program
        finally:
            program.terminate()


def metrics_of(browser: requests.Session, url: str) -> dict[str, float]:
    answer = browser.get(f"{url}/metrics", timeout=TIMEOUT_S)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in samples}


def state_of(browser: requests.Session, url: str) -> State:
    return browser.get(f"{url}/api/v1/state", timeout=TIMEOUT_S).json()


def online(browser: requests.Session, url: str) -> State:
    deadline = time.monotonic() + 20.0
    while (state := state_of(browser, url))["status"] != "online":
        assert time.monotonic() < deadline, state
        time.sleep(0.05)
    return state


def signed(low: int, high: int) -> int:
    return int.from_bytes((high << 16 | low).to_bytes(4, "little"), "little", signed=True)


def test_state_and_metrics_are_the_registers_of_the_simulated_device(real_dump: Path) -> None:
    """Those of a real 14-cell device, which stand still: 2 to 15 = cells, 36-37 = 55.78 V, no sensor."""
    registers = {int(n): word for n, word in json.loads(real_dump.read_text())["registers"].items()}
    with demo("--dump", str(real_dump), "--seconds", "30") as (browser, url, _):
        state, metrics = online(browser, url), metrics_of(browser, url)
        time.sleep(0.5)
        later = state_of(browser, url)
    cells = [registers[n] for n in range(2, 16)]
    assert later["sequence"] > state["sequence"], "live"
    assert later["uptime_ms"] >= state["uptime_ms"] + 500
    assert (state["cell_count"], [cell for cell in state["cell_100uv"] if cell]) == (14, cells)
    assert (state["cell_min_mv"], state["cell_max_mv"]) == (registers[40], registers[41])
    assert state["pack_voltage_mv"] == pytest.approx(55_780, abs=5)
    assert state["pack_current_ma"] == 0
    assert state["soc_ppm"] == signed(registers[46], registers[47]) // 100
    assert state["bms_temperature_ddegc"] == registers[48]
    assert (state["sensor_1_ddegc"], state["sensor_2_ddegc"]) == (None, None)
    assert state["installed_capacity_mah"] == registers[306] * 10

    volts = [value for name, value in metrics.items() if name.startswith("tinybms_cell_voltage_volts{")]
    assert volts == pytest.approx([cell / 10_000 for cell in cells])
    assert metrics["tinybms_pack_voltage_volts"] == pytest.approx(55.78, abs=0.005)
    assert metrics["tinybms_pack_current_amperes"] == 0
    assert metrics["tinybms_state_of_charge_ratio"] == pytest.approx(state["soc_ppm"] / 1e6)
    assert metrics['tinybms_temperature_celsius{sensor="bms"}'] == pytest.approx(registers[48] / 10)
    assert 'tinybms_temperature_celsius{sensor="1"}' not in metrics
    assert metrics['tinybms_status{status="online"}'] == 1


def test_what_is_read_last_is_what_the_simulated_battery_shows_at_the_end() -> None:
    """A day's charging: values move between two answers, and the last one is half a second old at most."""
    states: list[State] = []
    with demo("--json", "--seconds", "8") as (browser, url, program):
        online(browser, url)
        while program.poll() is None:
            try:
                states.append(state_of(browser, url))
            except requests.RequestException:
                break  # it has ended
            time.sleep(0.1)
        said, _ = program.communicate(timeout=TIMEOUT_S)
    summary = json.loads(said)
    assert summary["url"] == url
    last, bms = states[-1], summary["bms"]
    assert len({state["sequence"] for state in states}) >= 10
    assert last["age_ms"] < 1000
    for name, value, unit in (
        ("soc_ppm", bms["soc"] * 10_000, 1),
        ("soh_ppm", bms["soh"] * 10_000, 1),
        ("pack_voltage_mv", bms["voltage"] * 1000, 1),
        ("pack_current_ma", bms["current"] * 1000, 1),
    ):
        moved = max(state[name] for state in states[-10:]) - min(state[name] for state in states[-10:])
        assert last[name] == pytest.approx(value, abs=moved + unit), name
