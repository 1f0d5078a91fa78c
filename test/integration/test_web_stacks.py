"""Stacks of the tasks that serve the web, after everything that a client can ask of a gateway.

Natively: frames of x86-64 are larger than those of the chip, and printf of its C library takes 2 kB, that of the chip a
third. What ends with a restart (a factory reset that is carried out) is not in it.
"""

import time
from typing import Any

from support.fixtures.access import PASSWORD, Access, session_of, set_up
from support.instruments.watch import wait_until
from support.instruments.web_load import TOPICS, Connection, Site, WebSockets, documents
from tinybms_gateway.gateway_process import OWN_WEB
from tinybms_gateway.gateway_stack import gateway_stack

SCALE = 5.0
REPORT_S = 10.0 / SCALE
"""So often a task tells how much of its stack it has never used."""
LEAST_FREE = 512
WEB_TASKS = {"httpd", "web", "work"}
SETTINGS, REGISTERS, PROFILE = "/api/v1/settings", "/api/v1/bms/registers", "/api/v1/bms/profile"
PEM = "-----BEGIN CERTIFICATE-----\n" + "MIIB0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX\n" * 61
OTHER_PASSWORD = "another horse battery"  # pragma: allowlist secret


def ask(who: Access, status: int, method: str, path: str, body: object = None) -> Any:
    answer = who.change(method, path, body)
    assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.text else None


def read_everything(who: Access) -> None:
    site = Site(who.url, who.headers)
    with WebSockets(site, 4, TOPICS), Connection(site) as connection:
        for path in (*documents(), "/api/v1/tokens", "/api/v1/audit", SETTINGS + "/export?secrets=1", "/recovery"):
            assert connection.get(path)[0] == 200, path


def change_settings(who: Access) -> None:
    """All of them, with texts as long as they may be, and with more problems than are told."""
    before = ask(who, 200, "GET", SETTINGS + "/export?secrets=1")
    every: dict[str, Any] = before["settings"]
    ask(who, 422, "PATCH", SETTINGS, {f"no.such/{number}": number for number in range(40)})
    ask(who, 422, "PATCH", SETTINGS, dict.fromkeys(every, 2_000_000_000))
    ask(who, 422, "PATCH", SETTINGS + "?dry_run=1", "x" * 8000)
    ask(who, 200, "PATCH", SETTINGS, {"charge.max_a": 77, "wifi.sta_pass": "x" * 63, "mqtt.ca": PEM})
    numbers = {key: value for key, value in every.items() if isinstance(value, int)}
    ask(who, 200, "PATCH", SETTINGS, numbers | {"web.hosts": ",".join(["gateway.example"] * 3)})
    ask(who, 200, "POST", SETTINGS + "/import", before | {"settings": every | {"mqtt.ca": PEM}})
    ask(who, 422, "POST", SETTINGS + "/import", before | {"version": 2})
    ask(who, 200, "POST", SETTINGS + "/confirm")


def write_registers(who: Access) -> None:
    """All of them planned and, as they are, written; one changed; one refused."""
    values = ask(who, 200, "GET", PROFILE)["registers"]
    ask(who, 200, "POST", REGISTERS + "/plan", {"registers": values})
    ask(who, 422, "POST", REGISTERS + "/plan", {"registers": dict.fromkeys(values, 1e6)})
    same = [{"name": name, "from": value, "to": value} for name, value in values.items()]
    ask(who, 200, "POST", REGISTERS, {"changes": same, "confirm": True})
    lower = {"name": "over_voltage_cutoff", "from": values["over_voltage_cutoff"], "to": 3.6}
    ask(who, 200, "POST", REGISTERS, {"changes": [lower], "confirm": True})
    ask(who, 409, "POST", REGISTERS, {"changes": [lower], "confirm": True})
    too_high = {"name": "fully_charged_voltage", "from": values["fully_charged_voltage"], "to": 3.7}
    ask(who, 422, "POST", REGISTERS, {"changes": [too_high], "confirm": True})


def use_access(who: Access) -> Access:
    """Tokens, wrong passwords, a new password; returns the new session."""
    ask(who, 401, "POST", "/api/v1/session", {"password": "wrong horse battery"})  # pragma: allowlist secret
    ask(who, 401, "PUT", "/api/v1/password", {"old": "wrong horse battery", "new": OTHER_PASSWORD})
    who.token("program", "full")
    ask(who, 409, "POST", "/api/v1/tokens", {"name": "program", "right": "read"})
    ask(who, 204, "DELETE", "/api/v1/tokens/program")
    ask(who, 404, "DELETE", "/api/v1/tokens/" + "%41" * 60)
    ask(who, 409, "POST", "/api/v1/setup", {"code": "ABCD-EFGH", "password": PASSWORD})
    return session_of(who.url, who.change("PUT", "/api/v1/password", {"old": PASSWORD, "new": OTHER_PASSWORD}))


def use_device(who: Access) -> None:
    ask(who, 200, "POST", "/api/v1/battery/forget-sensor", {"sensor": 1})
    ask(who, 422, "POST", "/api/v1/factory-reset", {"confirm": "x" * 8000})
    ask(who, 422, "POST", "/api/v1/restart", {"now": True})


def stacks(who: Access) -> dict[str, int]:
    """Bytes that each task has never used."""
    tasks = ask(who, 200, "GET", "/api/v1/diagnostics")["tasks"]
    return {task["name"]: task["stack_free_bytes"] for task in tasks}


def test_after_everything_that_can_be_asked_for_there_is_stack_left() -> None:
    with gateway_stack(scenario="rest", http=OWN_WEB, time_scale=SCALE) as stack:
        who = set_up(stack.gateway)
        wait_until(lambda: who.ask("GET", PROFILE).status_code == 200, 20.0)
        change_settings(who)
        write_registers(who)
        who = use_access(who)
        use_device(who)
        read_everything(who)
        time.sleep(2 * REPORT_S)
        left = stacks(who)
    print(f"\n{left}")
    assert left.keys() >= WEB_TASKS
    assert {task: free for task, free in left.items() if free < LEAST_FREE} == {}
