"""Restart, factory reset and a sensor that was removed, over HTTP: what ends with them, and what must go on."""

import time
from collections.abc import Iterator
from pathlib import Path

import can
import pytest

from support.fixtures.access import PASSWORD, Access, change, log_in, session_of, set_up
from support.instruments.watch import limits, open_bus, wait_for, wait_until
from tinybms_gateway.gateway_data import setup_code
from tinybms_gateway.gateway_process import OWN_WEB, GatewayProcess
from tinybms_gateway.gateway_stack import GatewayStack, gateway_stack
from tinybms_gateway.sim.bms.simulator import make_line

FULL = (540, 900, 1080)
"""CVL at float, 90 % of 100 A and of 120 A."""
SCALE = 10.0


def is_limits(message: can.Message) -> bool:
    return message.arbitration_id == 0x351


def has_gone_through(gateway: GatewayProcess, restart: Access, path: str, body: object) -> None:
    """Ask for something that restarts the gateway; returns when it answers again, at the same address."""
    for name in ("can_port", "http_port"):
        (gateway.data / name).unlink()
    begin = time.monotonic()
    answer = restart.change("POST", path, body)
    assert (answer.status_code, answer.json()) == (202, {"restarts": True})
    wait_until((gateway.data / "http_port").exists, 15.0)
    assert gateway.url() == restart.url
    assert time.monotonic() - begin < 10.0


@pytest.fixture
def stack() -> Iterator[GatewayStack]:
    with gateway_stack(scenario="rest", http=OWN_WEB, options=("--set", "charge.max_a=77")) as running:
        yield running


def test_a_restart_keeps_the_limits_and_the_address_and_ends_all_sessions(tmp_path: Path) -> None:
    with (
        make_line(tmp_path / "bms") as line,
        GatewayProcess(line.link, tmp_path / "data", "--set", "ramp.time_s=5", http=OWN_WEB) as gateway,
    ):
        access = set_up(gateway)
        token = {"Authorization": f"Bearer {access.token('program', 'full')}"}
        with open_bus(gateway.can_backend()) as bus:
            wait_for(bus, lambda m: is_limits(m) and limits(m) == FULL, 15.0)
        has_gone_through(gateway, access, "/api/v1/restart", {})
        with open_bus(gateway.can_backend()) as bus:
            assert limits(wait_for(bus, is_limits, 5.0)) == FULL
        assert access.ask("GET", "/api/v1/settings").status_code == 401
        assert change(access.url, "GET", "/api/v1/settings", headers=token).status_code == 200
        entries = change(access.url, "GET", "/api/v1/audit", headers=token).json()["entries"]
        (entry,) = (entry for entry in entries if entry["what"] == "restart")
        assert (entry["name"], entry["start"], entry["outcome"]) == ("administrator", 1, "done")
        assert log_in(access.url).ask("GET", "/api/v1/audit").json()["entries"][-1]["start"] == 2


def test_what_was_changed_is_not_undone_by_an_option_of_the_first_start(stack: GatewayStack) -> None:
    access = set_up(stack.gateway)
    changed = access.change("PATCH", "/api/v1/settings", {"charge.max_a": 66})
    assert changed.status_code == 200, changed.text
    has_gone_through(stack.gateway, access, "/api/v1/restart", None)
    shown = log_in(access.url).ask("GET", "/api/v1/settings").json()
    assert shown["settings"]["charge.max_a"]["value"] == 66


def test_a_gateway_that_was_restarted_over_http_still_stops_in_order(stack: GatewayStack) -> None:
    """The task that restarts it blocks the signals that end it."""
    access = set_up(stack.gateway)
    has_gone_through(stack.gateway, access, "/api/v1/restart", {})
    assert stack.gateway.stop() == 0


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/api/v1/restart", {"now": True}, ""),
        ("/api/v1/restart", [], ""),
        ("/api/v1/factory-reset", {"confirm": "yes"}, "/confirm"),
        ("/api/v1/factory-reset", {}, "/confirm"),
        ("/api/v1/battery/forget-sensor", {"sensor": 0}, "/sensor"),
        ("/api/v1/battery/forget-sensor", {"sensor": 3}, "/sensor"),
        ("/api/v1/battery/forget-sensor", {"sensor": 1.5}, "/sensor"),
        ("/api/v1/battery/forget-sensor", {"sensor": "1"}, "/sensor"),
        ("/api/v1/battery/forget-sensor", {}, "/sensor"),
        ("/api/v1/battery/forget-sensor", {"sensor": 1, "x": 2}, ""),
        ("/api/v1/battery/forget-sensor", [1], ""),
    ],
)
def test_what_is_not_asked_for_in_the_right_words_does_nothing(
    served: Access, path: str, body: object, where: str
) -> None:
    entries = served.ask("GET", "/api/v1/audit").json()
    answer = served.change("POST", path, body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"] == "invalid"
    assert [one["path"] for one in answer.json()["errors"]] == [where]
    assert served.ask("GET", "/api/v1/audit").json() == entries


def test_a_token_may_restart_and_not_reset(served: Access) -> None:
    token = {"Authorization": f"Bearer {served.token('full', 'full')}"}
    reader = {"Authorization": f"Bearer {served.token('reader')}"}
    body = {"confirm": "factory reset"}
    assert change(served.url, "POST", "/api/v1/factory-reset", body, token).status_code == 403
    for path, words in (("/api/v1/factory-reset", body), ("/api/v1/restart", {})):
        assert change(served.url, "POST", path, words, reader).status_code == 403
        assert change(served.url, "POST", path, words).status_code == 401


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    with GatewayProcess(None, tmp_path_factory.mktemp("data"), http=OWN_WEB) as gateway:
        yield set_up(gateway)


def test_after_a_factory_reset_it_is_as_new_and_the_audit_log_says_so(stack: GatewayStack) -> None:
    gateway = stack.gateway
    first_code = setup_code(gateway.data)
    access = set_up(gateway)
    token = {"Authorization": f"Bearer {access.token('program', 'full')}"}
    has_gone_through(gateway, access, "/api/v1/factory-reset", {"confirm": "factory reset"})
    assert change(access.url, "GET", "/api/v1/settings", headers=token).status_code == 403
    assert change(access.url, "POST", "/api/v1/session", {"password": PASSWORD}).status_code == 403
    code = setup_code(gateway.data)
    assert code is not None and code != first_code
    again = session_of(access.url, change(access.url, "POST", "/api/v1/setup", {"code": code, "password": PASSWORD}))
    assert again.ask("GET", "/api/v1/tokens").json() == {"tokens": []}
    assert again.ask("GET", "/api/v1/settings").json()["settings"]["charge.max_a"]["saved"] != 77
    entries = again.ask("GET", "/api/v1/audit").json()["entries"]
    assert [entry["outcome"] for entry in entries if entry["what"] == "factory reset"] == ["done"]


def test_a_sensor_that_was_removed_is_forgotten_while_the_gateway_runs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    scale = ("--time-scale", str(SCALE))
    with (
        make_line(tmp_path / "bms", time_scale=SCALE) as line,
        GatewayProcess(line.link, data, *scale, http=OWN_WEB) as gateway,
        open_bus(gateway.can_backend()) as bus,
    ):
        access = set_up(gateway)
        wait_for(bus, lambda m: is_limits(m) and limits(m) == FULL, 40 / SCALE + 5)
        with line.lock:
            line.bms.set_value("temp1", -3276.8)  # reads -32768: not connected
        wait_for(bus, lambda m: is_limits(m) and limits(m)[1] == 0, 10.0)
        other = access.change("POST", "/api/v1/battery/forget-sensor", {"sensor": 2})
        assert (other.status_code, other.json()) == (200, {"sensor": 2})
        answer = access.change("POST", "/api/v1/battery/forget-sensor", {"sensor": 1})
        assert (answer.status_code, answer.json()) == (200, {"sensor": 1})
        wait_for(bus, lambda m: is_limits(m) and limits(m) == FULL, 40 / SCALE + 5)
        entry = access.ask("GET", "/api/v1/audit").json()["entries"][-1]
        assert (entry["what"], entry["outcome"]) == ("battery: forget temperature sensor 1", "done")
