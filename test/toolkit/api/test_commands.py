"""The commands: what people see, what programs get, and what hostile answers do."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.sync.server import ServerConnection

from support.peers.broker import PASSWORD, USER
from support.peers.web_peer import Answer, answer, web_server
from support.peers.websocket_peer import websocket_server
from tinybms_gateway.api import view
from tinybms_gateway.cli import main
from toolkit.api.answers import ANSWERS, MESSAGES

TOOL = Path(sys.executable).with_name("tinybms-gw")
PATHS = {
    "alarms": "/api/v1/alarms", "can": "/api/v1/can", "cells": "/api/v1/cells", "diagnostics": "/api/v1/diagnostics",
    "energy": "/api/v1/energy", "events": "/api/v1/events", "limits": "/api/v1/limits",
    "registers": "/api/v1/bms/registers", "settings": "/api/v1/settings", "state": "/api/v1/state",
    "statistics": "/api/v1/statistics", "status": "/api/v1/status", "uart": "/api/v1/uart",
}  # fmt: skip
TEXTS = {"log": "/api/v1/log", "metrics": "/metrics"}


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, ["api", *map(str, arguments)], env=environment)


@contextmanager
def gateway(answers: dict[str, Answer] | None = None) -> Iterator[str]:
    good = {path: answer(json.dumps(value).encode(), "application/json") for path, value in ANSWERS.items()}
    with web_server(good | (answers or {})) as url:
        yield url


def shown(*arguments: str) -> dict[str, str]:
    """First words of each line -> the rest of it."""
    with gateway() as url:
        result = run(*arguments, "--url", url)
    assert result.exit_code == 0, result.output
    lines = [line.strip() for line in result.stdout.splitlines() if line.strip()]
    return {line.split("  ")[0]: " ".join(line.partition("  ")[2].split()) for line in lines}


def test_the_battery_at_a_glance() -> None:
    rows = shown("state")
    assert rows["status"] == "online"
    assert rows["publishing"] == "yes"
    assert rows["pack voltage"] == "13.402 V"
    assert rows["pack current"] == "-12.500 A"
    assert rows["state of charge"] == "64.2 %"
    assert rows["state of health"] == "unknown"
    assert rows["CVL"] == "14.000 V: bulk"
    assert rows["CCL"] == "0.000 A: no temperature"
    assert rows["DCL"] == "90.000 A: BMS setting"
    assert rows["alarms"] == "none"
    assert rows["warnings"] == "low temperature charge"
    assert rows["faults"] == "under-voltage cutoff"
    assert rows["sensor 1"] == "-2.1 degC"
    assert rows["energy in"] == "1234.567 kWh"
    assert rows["cycles"] == "83.120"
    assert rows["time to empty"] == "904 min"
    assert rows["usable capacity"] == "294.000 Ah"


def test_which_limiter_holds() -> None:
    with gateway() as url:
        result = run("limits", "--url", url)
    ccl, dcl = result.stdout.partition("LIMITERS OF CCL")[2].split("LIMITERS OF DCL")
    assert [line.split() for line in ccl.splitlines() if "<-" in line] == [
        ["no", "temperature", "0.000", "A", "<-", "holds"]
    ]
    assert [line.split() for line in dcl.splitlines() if "<-" in line] == [
        ["bms", "setting", "90.000", "A", "<-", "holds"]
    ]
    assert ccl.count("does not limit") == dcl.count("does not limit") == 16


def test_what_holds_when_settings_are_lost() -> None:
    """The limiter of the user's cap, which is then given another reason."""
    limits = json.loads(json.dumps(ANSWERS["/api/v1/limits"]))
    limits["dcl_ma"] |= {"reason": "settings_lost", "value": 9000}
    limits["dcl_ma"]["limiters"][1]["allows_ma"] = 9000
    with gateway({"/api/v1/limits": answer(json.dumps(limits).encode(), "application/json")}) as url:
        result = run("limits", "--url", url)
    dcl = result.stdout.partition("LIMITERS OF DCL")[2]
    assert [line.split()[:2] for line in dcl.splitlines() if "<-" in line] == [["user", "cap"]]


@pytest.mark.parametrize(
    ("arguments", "row", "text"),
    [
        (["status"], "device", "tinybms-a1b2c3"),
        (["cells"], "difference", "0.002 V"),
        (["cells"], "3", "3.3495 V yes no"),
        (["alarms"], "low temperature charge", "ok active"),
        (["energy"], "since full", "77 min"),
        (["statistics"], "101", "voltage_min 40.02 V"),
        (["events"], "61.000 s", "7200 s 3 over-voltage cutoff"),
        (["registers"], "315", "over_voltage_cutoff 3.6 V 1.2 4.5 4.2 yes over-voltage cutoff"),
        (["registers"], "38", "pack_current -12.5 A - - - no pack current"),
        (["settings"], "uart.poll_ms", "200 500 200"),
        (["settings"], "id.battery_name", "Boathouse Boathouse TinyBMS"),
        (["settings"], "wifi.sta_pass", "(secret)"),
        (["settings"], "wifi.ap_pass", "(not set)"),
        (["settings"], "mqtt.ca", "1234 characters"),
        (["settings"], "mqtt.key", "(none)"),
        (["can"], "state", "error_active"),
        (["can"], "GX last seen age", "0.812 s"),
        (["uart"], "CRC errors", "17"),
        (["diagnostics"], "heap least free", "83000 bytes"),
        (["diagnostics"], "flash erases", "nvs 3"),
        (["diagnostics"], "battery", "1636 bytes no"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_row(arguments: list[str], row: str, text: str) -> None:
    assert shown(*arguments)[row] == text


def test_every_command_is_tested_here() -> None:
    below = main.get_command(None, "api")  # type: ignore[arg-type]
    assert {*PATHS, *TEXTS, "watch"} == set(below.paths)  # type: ignore[union-attr]


@pytest.mark.parametrize("command", PATHS)
def test_programs_get_the_answer_as_it_is(command: str) -> None:
    with gateway() as url:
        result = run(command, "--json", TINYBMS_URL=url)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == ANSWERS[PATHS[command]]


@pytest.mark.parametrize(("option", "path"), [("--schema", "schema"), ("--form", "form")])
def test_schema_and_form_of_the_settings(option: str, path: str) -> None:
    with gateway() as url:
        result = run("settings", option, "--url", url)
        both = run("settings", "--schema", "--form", "--url", url)
    assert json.loads(result.stdout) == ANSWERS[f"/api/v1/settings/{path}"]
    assert both.exit_code == 2


@pytest.mark.parametrize("command", TEXTS)
def test_texts(command: str) -> None:
    body = "I (12) main: \u00fc\n\x1b[31mE (13) wifi: red\x00\n".encode()
    with gateway({TEXTS[command]: answer(body, "text/plain; charset=utf-8")}) as url:
        result = run(command, "--url", url)
    assert result.exit_code == 0
    assert result.stdout == "I (12) main: \u00fc\n?[31mE (13) wifi: red?\n"


STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just("\x1b[2J"),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("command", PATHS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_whatever_an_answer_holds_it_is_shown_or_refused_in_one_line(command: str, data: st.DataObject) -> None:
    good = ANSWERS[PATHS[command]]
    spoiled: dict[str, Any] = {name: data.draw(st.just(value) | STRANGE) for name, value in good.items()}
    if data.draw(st.booleans()):
        spoiled.pop(data.draw(st.sampled_from(sorted(spoiled))))
    with web_server({PATHS[command]: answer(json.dumps(spoiled).encode(), "application/json")}) as url:
        result = run(command, "--url", url)
    assert result.exit_code in (0, 1), result.output
    assert len(result.stderr.splitlines()) == result.exit_code
    assert all(line.isprintable() for line in result.output.splitlines())


@given(name=st.sampled_from(["a_mv", "a_ppm", "a_ms", "a", "", "_mv"]), value=STRANGE)
def test_any_value_is_one_printable_line(name: str, value: object) -> None:
    assert view.text(name, value).isprintable()
    assert view.label(name).isprintable()


@pytest.mark.parametrize("command", [*PATHS, *TEXTS, "watch"])
def test_nobody_there_is_one_line(command: str) -> None:
    result = run(command, "--url", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert result.output.startswith("Error: http://127.0.0.1:1: the connection is refused; ")
    assert len(result.output.splitlines()) == 1


def test_what_a_gateway_refuses_is_one_line() -> None:
    body = b'{"error": "unavailable", "message": "Too many clients."}'
    with gateway({"/api/v1/state": answer(body, "application/json", 503)}) as url:
        result = run("state", "--url", url)
    assert (result.exit_code, result.output) == (1, f"Error: {url}: HTTP 503: Too many clients.; try again\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "TINYBMS_URL"),
        (["--url", "192.168.1.20"], "http://HOST"),
        (["--url", f"http://{USER}:{PASSWORD}@host"], "no password"),
        (["--url", "http://host", "--timeout", "0"], "--timeout"),
        (["--url", "https://host", "--ca", "nowhere.pem"], "'nowhere.pem' does not exist"),
        (["--url", "https://host", "--ca", "/dev/null"], "holds no certificates"),
    ],
)
def test_options_that_make_no_sense(arguments: list[str], complaint: str) -> None:
    for command in ("state", "log", "watch"):
        result = run(command, *arguments)
        assert result.exit_code == 2, result.output
        assert complaint in result.output
        assert PASSWORD not in result.output


def talk(connection: ServerConnection) -> None:
    for message in MESSAGES:
        connection.send(json.dumps(message))
    connection.recv()


def test_live() -> None:
    with websocket_server(talk) as (url, paths):
        result = run("watch", "--url", url, "--can", "--uart", "--seconds", "2")
    assert result.exit_code == 0, result.output
    state, *frames = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert paths == ["/ws?subscribe=can,uart"]
    assert state.startswith("61.250 online pack voltage 13.402 V pack current -12.500 A state of charge 64.2 %")
    assert state.endswith("CCL 0.000 A: no temperature DCL 90.000 A: BMS setting "
                          "WARNINGS: low temperature charge FAULTS: under-voltage cutoff")  # fmt: skip
    assert frames == [
        "61.300 can sent 351 [8] 30 02 84 03 84 03 30 02",
        "61.310 can got 1FFFFFF0 [0] R",
        "61.320 uart sent [6] AA 09 38 00 1A 21",
        "61.325 uart got [120] " + " ".join(["5A"] * 120),
        "61.400 can got 305 [1] 00",
    ]
    assert result.stderr == "lost: 3 CAN frames so far\n"


def test_live_for_programs() -> None:
    with websocket_server(talk) as (url, paths):
        result = run("watch", "--url", url, "--json", "--seconds", "2")
    assert paths == ["/ws"]
    assert [json.loads(line) for line in result.stdout.splitlines()] == MESSAGES


def test_ctrl_c_is_how_it_normally_ends() -> None:
    with websocket_server(talk) as (url, _):
        arguments = [TOOL, "api", "watch", "--url", url, "--json"]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={"PYTHONUNBUFFERED": "1"}) as process:  # fmt: skip
            assert process.stdout is not None
            for message in MESSAGES:
                assert json.loads(process.stdout.readline()) == message
            process.send_signal(signal.SIGINT)
            rest, said = process.communicate(timeout=30)
    assert (process.returncode, rest, said) == (0, "", "lost: 3 CAN frames so far\n")


def test_a_gateway_that_goes_away_while_one_watches() -> None:
    def leave(connection: ServerConnection) -> None:
        connection.send(json.dumps(MESSAGES[0]))

    with websocket_server(leave) as (url, _):
        result = run("watch", "--url", url)
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    assert "closed the connection" in result.stderr


@settings(max_examples=30, deadline=None)
@given(message=STRANGE, kind=st.sampled_from(["state", "can", "uart", "new"]))
def test_whatever_a_message_holds(message: object, kind: str) -> None:
    def say(connection: ServerConnection) -> None:
        for one in (
            {"type": kind, "lost": message, "state": message, "frames": message},
            {"type": kind, "frames": [{"data": message, "id": message, "time_ms": message}], "state": {}},
        ):
            connection.send(json.dumps(one))  # fmt: skip

    with websocket_server(say) as (url, _):
        result = run("watch", "--url", url)
    assert result.exit_code == 1, "at the latest when it is closed"
    assert all(line.isprintable() for line in result.output.splitlines())
