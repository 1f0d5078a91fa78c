"""Each answer that docs/openapi.yaml describes for an operation is met, and is as it says."""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from support.fixtures.access import PASSWORD, Access, log_in, session_of, set_up
from support.instruments.openapi import changes, description, faults
from support.instruments.watch import wait_until
from tinybms_gateway.gateway_data import setup_code
from tinybms_gateway.gateway_process import OWN_WEB
from tinybms_gateway.gateway_stack import GatewayStack, gateway_stack

OF_THE_SERVER = {"400", "404", "405", "408", "411", "413", "414", "431", "500", "501", "503", "505"}
"""What any request may get; test_web_requests.py and test_web_connections.py see to it."""
NAMES = {"{name}": "nobody", "{file}": "nothing"}
EVIL = {"Host": "evil.example"}, {"Origin": "http://evil.example"}
PATCH, WRITE, PLAN = "/api/v1/settings", "/api/v1/bms/registers", "/api/v1/bms/registers/plan"
LONGEST_S = 40.0
SCALE = 5.0
"""Of the long part: most changes wait for the flash."""


@dataclass
class Tour:
    """Requests to one gateway after the other, and what was seen of each operation."""

    url: str = ""
    seen: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def ask(
        self,
        method: str,
        path: str,
        status: int,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        word: str | None = None,
        name: str | None = None,
        query: str = "",
        source: str = "127.0.0.1",
    ) -> Any:
        """One request; its answer is as described, and of this status.

        Args:
            method: GET, POST, ...
            path: as in the description
            status: what is expected
            body: bytes as they are, or what is sent as JSON; None: nothing
            headers: of the request
            word: of the error that is expected
            name: what stands for a part of the path
            query: behind the path
            source: address of the client

        Returns:
            The document of the answer, if it is one.
        """
        target = path
        for part, usual in NAMES.items():
            target = target.replace(part, name or usual)
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = {} if raw is None else {"Content-Type": "application/json"}
        parts = urlsplit(self.url)
        busy = True
        while busy:
            with closing(
                HTTPConnection(str(parts.hostname), parts.port, LONGEST_S, source_address=(source, 0))
            ) as client:
                client.request(method, target + query, raw, kind | {"Connection": "close"} | (headers or {}))
                answer = client.getresponse()
                content = answer.read()
            told = CaseInsensitiveDict(answer.getheaders())
            assert faults(method, path, answer.status, told, content) == [], (method, path, answer.status)
            busy = answer.status == 503 and json.loads(content)["error"] == "busy"
        assert answer.status == status, (method, path, answer.status, content[:500])
        self.seen[method.lower(), path].add(str(status))
        is_json = content and told.get("Content-Type", "").partition(";")[0].endswith("json")
        found = json.loads(content) if is_json else None
        assert word is None or found["error"] == word, (method, path, found)
        return found

    def missed(self) -> list[tuple[str, str, set[str]]]:
        """What was described, and not seen."""
        return [
            (method, path, missing)
            for path, item in description()["paths"].items()
            if path != "/ws"
            for method, operation in item.items()
            if method != "head" and (missing := set(operation["responses"]) - OF_THE_SERVER - self.seen[method, path])
        ]


@contextmanager
def visit(tour: Tour, **options: Any) -> Iterator[GatewayStack]:
    """The next gateway of the tour."""
    with gateway_stack(http=OWN_WEB, **options) as stack:
        tour.url = stack.gateway.url()
        yield stack


def operations() -> list[tuple[str, str, bool]]:
    """Method, path, and whether anybody may."""
    whole = description()
    return [
        (method.upper(), path, operation.get("security", whole["security"]) == [])
        for path, item in whole["paths"].items()
        if path != "/ws"
        for method, operation in item.items()
    ]


def refusals_of_all(tour: Tour, admin: Access) -> None:
    """What each operation refuses before it looks at what is wanted."""
    wrong_host, wrong_origin = EVIL
    for method, path, for_all in operations():
        tour.ask(method, path, 421, None, admin.headers | wrong_host)
        tour.ask(method, path, 403, None, admin.headers | wrong_origin)
        if not for_all:
            tour.ask(method, path, 401)
    for change in changes():
        path = change.path.replace("/nobody", "/{name}")
        if path == "/api/v1/setup":
            continue  # there is a password already
        if change.body is not None or path in ("/api/v1/restart", "/api/v1/settings/confirm"):
            tour.ask(change.method, path, 415, b"{}", admin.headers | {"Content-Type": "text/plain"})
            tour.ask(change.method, path, 400, b"{", admin.headers)
            tour.ask(change.method, path, 422, {"no such member": 1}, admin.headers)


def everything_that_is_read(tour: Tour, admin: Access) -> None:
    cookie = {"Cookie": admin.headers["Cookie"]}
    for method, path, _ in operations():
        if method in ("GET", "HEAD") and path != "/{file}":
            tour.ask(method, path, 200, None, cookie)


def logins_and_tokens(tour: Tour, admin: Access) -> None:
    tour.ask("POST", "/api/v1/session", 200, {"password": PASSWORD})
    tour.ask("POST", "/api/v1/session", 401, {"password": "x"}, word="wrong_password")
    for _ in range(4):
        tour.ask("POST", "/api/v1/session", 401, {"password": "x"}, source="127.0.0.9")
    tour.ask("POST", "/api/v1/session", 401, {"password": "x"}, source="127.0.0.9")
    tour.ask("POST", "/api/v1/session", 429, {"password": "x"}, word="paused", source="127.0.0.9")
    tour.ask("PUT", "/api/v1/password", 429, {"old": "x", "new": PASSWORD}, admin.headers, source="127.0.0.9")
    tour.ask("PUT", "/api/v1/password", 401, {"old": "x", "new": PASSWORD}, admin.headers, word="wrong_password")
    weak = {"old": PASSWORD, "new": "short"}
    tour.ask("PUT", "/api/v1/password", 422, weak, admin.headers, word="weak_password")
    for number in range(8):
        tour.ask("POST", "/api/v1/tokens", 201, {"name": f"token{number}", "right": "read"}, admin.headers)
    tour.ask("POST", "/api/v1/tokens", 409, {"name": "token1", "right": "read"}, admin.headers, word="exists")
    tour.ask("POST", "/api/v1/tokens", 409, {"name": "more", "right": "read"}, admin.headers, word="too_many")
    tour.ask("POST", "/api/v1/tokens", 422, {"name": "a b", "right": "read"}, admin.headers)
    tour.ask("DELETE", "/api/v1/tokens/{name}", 204, None, admin.headers, name="token1")
    tour.ask("DELETE", "/api/v1/tokens/{name}", 404, None, admin.headers, name="token1")
    tour.ask("GET", "/api/v1/tokens", 200, None, admin.headers)
    tour.ask("GET", "/api/v1/audit", 200, None, admin.headers)


def settings(tour: Tour, admin: Access) -> None:
    revision = tour.ask("GET", PATCH, 200, None, admin.headers)["revision"]
    wanted = {"charge.max_a": 80}
    same = {"If-Match": f'"{revision}"'}
    dry = tour.ask("PATCH", PATCH, 200, wanted, admin.headers | same, query="?dry_run=1")
    assert dry["changed"] == ["charge.max_a"]
    assert tour.ask("GET", PATCH, 200, None, admin.headers)["revision"] == revision
    done = tour.ask("PATCH", PATCH, 200, wanted, admin.headers | same)
    assert done["changed"] == dry["changed"] and done["revision"] != revision
    tour.ask("PATCH", PATCH, 412, wanted, admin.headers | same, word="changed_meanwhile")
    wrong = tour.ask("PATCH", PATCH, 422, {"charge.max_a": -1, "no.such": 1, "disch.max_a": 50}, admin.headers)
    assert {one["path"] for one in wrong["errors"]} == {"/charge.max_a", "/no.such"}
    export = tour.ask("GET", "/api/v1/settings/export", 200, None, admin.headers)
    assert export["settings"]["charge.max_a"] == 80
    with_secrets = tour.ask("GET", "/api/v1/settings/export", 200, None, admin.headers, query="?secrets=1")
    assert with_secrets["settings"].keys() > export["settings"].keys()
    export["settings"] = {"charge.max_a": 70}
    done = tour.ask("POST", "/api/v1/settings/import", 200, export, admin.headers)
    assert done["changed"] == ["charge.max_a"]
    export["settings"] = {"charge.max_a": "much"}
    wrong = tour.ask("POST", "/api/v1/settings/import", 422, export, admin.headers)
    assert [one["path"] for one in wrong["errors"]] == ["/settings/charge.max_a"]
    tour.ask("POST", "/api/v1/settings/import", 422, export | {"version": 2}, admin.headers)
    tour.ask("POST", "/api/v1/settings/confirm", 200, None, admin.headers)
    tour.ask("POST", "/api/v1/battery/forget-sensor", 200, {"sensor": 2}, admin.headers)


def registers(tour: Tour, admin: Access, stack: GatewayStack) -> None:
    now = tour.ask("GET", "/api/v1/bms/profile", 200, None, admin.headers)["registers"]["over_voltage_cutoff"]

    def plan(value: float) -> list[dict[str, Any]]:
        planned = tour.ask("POST", PLAN, 200, {"registers": {"over_voltage_cutoff": value}}, admin.headers)
        steps: list[dict[str, Any]] = [
            {name: step[name] for name in ("name", "from", "to")} for step in planned["changes"]
        ]
        return steps

    def write(status: int, steps: list[dict[str, Any]], word: str | None = None, confirm: bool = False) -> Any:
        body = {"changes": steps, "confirm": confirm}
        return tour.ask("POST", WRITE, status, body, admin.headers, word=word)

    assert plan(now) == []
    tighter, looser = plan(round(now - 0.02, 3)), plan(round(now + 0.02, 3))
    write(409, looser, "needs_confirmation")
    written = write(200, tighter)["written"]
    assert [(one["to"], one["read_back"]) for one in written] == [(one["to"], one["to"]) for one in tighter]
    write(409, tighter, "changed_meanwhile")
    write(422, [{"name": "over_voltage_cutoff", "from": now, "to": 99}], "invalid")
    write(422, [{"name": "no_such_register", "from": 1, "to": 2}], "invalid")
    wrong = tour.ask("POST", PLAN, 422, {"registers": {"over_voltage_cutoff": 99}}, admin.headers)
    assert [one["path"] for one in wrong["errors"]] == ["/registers/over_voltage_cutoff"]

    def known() -> float:
        profile = tour.ask("GET", "/api/v1/bms/profile", 200, None, admin.headers)
        return float(profile["registers"]["over_voltage_cutoff"])

    lowered = round(now - 0.02, 3)
    wait_until(lambda: known() == lowered, 10.0)
    still_tighter = plan(round(now - 0.04, 3))
    with stack.bms.lock:
        stack.bms.faults.set("forget_writes", 1)
    assert write(502, still_tighter, "not_verified")["written"] == []
    with stack.bms.lock:
        stack.bms.faults.set("forget_writes", 0)
        stack.bms.faults.set("silence", 1)
    write(504, still_tighter, "no_answer")
    with stack.bms.lock:
        stack.bms.faults.set("silence", 0)


def back_again(tour: Tour) -> None:
    """Wait for a gateway that restarts."""

    def answers() -> bool:
        try:
            return requests.get(f"{tour.url}/api/v1/status", timeout=2).ok
        except requests.RequestException:
            return False

    wait_until(lambda: not answers(), 20.0)
    wait_until(answers, 20.0)


def test_every_answer_that_is_described_for_an_operation_is_met() -> None:
    tour = Tour()
    with visit(tour):
        for method, path, for_all in operations():
            if not for_all:
                tour.ask(method, path, 403, word=None if method == "HEAD" else "not_set_up")
        tour.ask("POST", "/api/v1/session", 403, {"password": PASSWORD}, word="not_set_up")
        for _ in range(5):
            tour.ask("POST", "/api/v1/setup", 401, {"code": "A" * 10, "password": PASSWORD}, word="wrong_code")
        tour.ask("POST", "/api/v1/setup", 429, {"code": "A" * 10, "password": PASSWORD}, word="paused")
    with visit(tour, faults=("silence",)) as stack:
        admin = set_up(stack.gateway)
        tour.ask("GET", "/api/v1/bms/profile", 503, None, admin.headers, word="not_known")
        tour.ask("POST", PLAN, 503, {"registers": {}}, admin.headers, word="not_known")
        changing = {"changes": [{"name": "over_voltage_cutoff", "from": 3.7, "to": 3.6}], "confirm": False}
        tour.ask("POST", WRITE, 503, changing, admin.headers, word="not_known")
    with visit(tour, scenario="rest", time_scale=SCALE) as stack:
        code = setup_code(stack.gateway.data)
        tour.ask("POST", "/api/v1/setup", 415, b"{}", {"Content-Type": "text/plain"})
        tour.ask("POST", "/api/v1/setup", 400, b"{")
        tour.ask("POST", "/api/v1/setup", 422, {"code": code, "password": PASSWORD[:9]}, word="weak_password")
        tour.ask("POST", "/api/v1/setup", 201, {"code": code, "password": PASSWORD})
        tour.ask("POST", "/api/v1/setup", 409, {"code": code, "password": PASSWORD}, word="set_up_already")
        admin = log_in(tour.url)

        def complete() -> bool:
            answer = requests.get(f"{tour.url}/api/v1/bms/registers", headers=admin.headers, timeout=10)
            return bool(answer.json()["settings_known"])

        wait_until(complete, 20.0)
        refusals_of_all(tour, admin)
        everything_that_is_read(tour, admin)
        tour.ask("GET", "/", 200)
        logins_and_tokens(tour, admin)
        settings(tour, admin)
        registers(tour, admin, stack)
        other = log_in(tour.url)
        tour.ask("DELETE", "/api/v1/session", 204, None, other.headers)
        changed = requests.put(
            f"{tour.url}/api/v1/password",
            json={"old": PASSWORD, "new": PASSWORD + "!"},
            headers=admin.headers,
            timeout=30,
        )
        tour.seen["put", "/api/v1/password"].add(str(changed.status_code))
        admin = session_of(tour.url, changed)
        tour.ask("POST", "/api/v1/restart", 202, None, admin.headers)
        back_again(tour)
        admin = log_in(tour.url, PASSWORD + "!")
        tour.ask("POST", "/api/v1/factory-reset", 422, {"confirm": "yes"}, admin.headers)
        tour.ask("POST", "/api/v1/factory-reset", 202, {"confirm": "factory reset"}, admin.headers)
        back_again(tour)
        assert tour.ask("GET", "/api/v1/session", 200)["set_up"] is False
    assert [one for one in tour.missed() if one[1] not in ("/", "/{file}")] == []
