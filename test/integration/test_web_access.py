"""Who may ask the web server for what: set-up, logins, tokens, and what a page of somebody else must not get done.

The file is long because nearly all of it is asked of one gateway, whose set-up would cost each part seconds.
"""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from integration.held_thread import held
from support.fixtures.access import PASSWORD, Access, log_in, set_up
from support.instruments.watch import longest_gap, wait_until
from support.instruments.web_attack import (
    GAP_S,
    Answer,
    Target,
    answers,
    closed_target,
    read_all,
    request,
    target,
)
from tinybms_gateway.gateway_data import setup_code

OPEN, READ, FULL, ADMIN = range(4)
ADDRESSES = [
    ("GET", "/", OPEN),
    ("GET", "/recovery", OPEN),
    ("GET", "/api/v1/status", OPEN),
    ("GET", "/api/v1/session", OPEN),
    *(
        ("GET", path, READ)
        for path in (
            *(f"/api/v1/{name}" for name in ("state", "limits", "cells", "alarms", "energy", "statistics", "events")),
            *(f"/api/v1/{name}" for name in ("bms/registers", "settings", "settings/schema", "settings/form", "log")),
            *(f"/api/v1/{name}" for name in ("can", "uart", "diagnostics")),
            "/metrics",
        )
    ),
    ("GET", "/api/v1/audit", FULL),
    ("GET", "/api/v1/tokens", ADMIN),
    ("POST", "/api/v1/tokens", ADMIN),
    ("DELETE", "/api/v1/tokens/nobody", ADMIN),
    ("PUT", "/api/v1/password", ADMIN),
]
"""What a request without a body does no harm to, and the right that it takes."""
CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
FOREIGN = ["http://evil.example", "https://localhost.evil.example", "null", "http://localhost:1", "file://", "x" * 400]
OTHER_HOSTS = [
    "evil.example",
    "gateway",
    "tinybms.evil.example",
    "localhost.evil.example",
    "",
    "127.0.0.1.evil",
    "a" * 300,
]
POLICY_VIOLATION = 1008
TRIES, IDLE_S, REQUEST_S, CLOSE_S = 5, 5.0, 5.0, 5.0
BODY_MAX = 8192
SCALE = 5.0
"""For what waits for the flash again and again."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[Target]:
    """Set up, and nobody may read it without a login."""
    with target(readable=False) as running:
        set_up(running.gateway)
        yield running


@pytest.fixture
def admin(gateway: Target) -> Access:
    """A session of its own: six logins later it has made room for others."""
    return log_in(gateway.gateway.url())


@pytest.fixture(scope="module")
def tokens(gateway: Target) -> dict[str, str]:
    """By right."""
    administrator = log_in(gateway.gateway.url())
    return {right: administrator.token(f"of-tests-{right}", right) for right in ("read", "full")}


@contextmanager
def fresh() -> Iterator[Target]:
    """A gateway of its own that is as it comes out of its box."""
    with target(readable=False) as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def cookie(access: Access) -> dict[str, str]:
    """What a browser sends by itself."""
    return {"Cookie": f"session={access.session}"}


def websocket(gateway: Target, headers: dict[str, str] | None = None, origin: str | None = None) -> ClientConnection:
    host, port = gateway.address
    page = None if origin is None else Origin(origin)
    return connect(f"ws://{host}:{port}/ws", additional_headers=headers, origin=page, open_timeout=30.0)


def handshake(*headers: str, host: str = "localhost") -> bytes:
    """The same by hand."""
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", key)
    return request("/ws", f"Host: {host}", *upgrade, *headers, host=False)


def refusal(gateway: Target, headers: dict[str, str] | None = None, origin: str | None = None) -> tuple[int, str]:
    """Status and word with which a WebSocket is refused, before it is one."""
    with pytest.raises(InvalidStatus) as refused:
        websocket(gateway, headers, origin)
    answer = refused.value.response
    assert answer.body is not None
    return answer.status_code, json.loads(answer.body)["error"]


def close_code(connection: ClientConnection, within_s: float = CLOSE_S) -> int:
    """With which the gateway closes a WebSocket."""
    deadline = time.monotonic() + within_s
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            connection.recv(timeout=max(0.0, deadline - time.monotonic()))
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def error(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["error"]


def session(gateway: Target, headers: dict[str, str] | None = None) -> dict[str, object]:
    found: dict[str, object] = gateway.get("/api/v1/session", headers).json()
    return found


# ---- set-up ----


def test_until_a_password_is_set_nothing_is_told_and_nothing_changes() -> None:
    with fresh() as gateway:
        for method, path, right in ADDRESSES:
            answer = gateway.ask(method, path, headers=bearer("tbg_" + "0" * 64))
            assert answer.status == (200 if right == OPEN else 403), (method, path, answer)
            assert right == OPEN or error(answer) == (403, "not_set_up"), path
        assert refusal(gateway) == (403, "not_set_up")
        assert error(gateway.change("POST", "/api/v1/session", {"password": PASSWORD})) == (403, "not_set_up")
        assert session(gateway) == {
            "set_up": False, "right": "none", "name": None, "by": "nothing", "csrf": None, "read_open": False,
        }  # fmt: skip


def test_the_code_sets_the_first_password_and_no_other() -> None:
    with fresh() as gateway:
        code = setup_code(gateway.gateway.data)
        assert code is not None
        wrong = {"code": "A" * 10 if code[0] != "A" else "B" * 10, "password": PASSWORD}
        assert error(gateway.change("POST", "/api/v1/setup", wrong)) == (401, "wrong_code")
        for weak in ("short", code, "x" * 129):
            answer = gateway.change("POST", "/api/v1/setup", {"code": code, "password": weak})
            assert error(answer) == (422, "weak_password"), weak
        assert session(gateway)["set_up"] is False
        first = gateway.change("POST", "/api/v1/setup", {"code": code.lower(), "password": PASSWORD})
        assert first.status == 201 and first.json().keys() == {"right", "csrf"}
        assert re.fullmatch(r"session=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict", first.headers["Set-Cookie"])
        again = gateway.change("POST", "/api/v1/setup", {"code": code, "password": "another password"})
        assert error(again) == (409, "set_up_already")
        assert setup_code(gateway.gateway.data) is None
        assert log_in(gateway.gateway.url()).session


def test_a_guesser_of_the_code_is_paused() -> None:
    with fresh() as gateway:
        code = setup_code(gateway.gateway.data)
        assert code is not None
        wrong = {"code": "".join("2" if letter != "2" else "3" for letter in code), "password": PASSWORD}
        got = [gateway.change("POST", "/api/v1/setup", wrong, source=f"127.0.1.{i}") for i in range(TRIES + 1)]
        assert [answer.status for answer in got] == [401] * TRIES + [429]
        assert 1 <= int(got[-1].headers["Retry-After"]) <= 60
        right = gateway.change("POST", "/api/v1/setup", {"code": code, "password": PASSWORD})
        assert error(right) == (429, "paused")


# ---- who may what ----


def test_everybody_gets_what_their_right_is_for(gateway: Target, admin: Access, tokens: dict[str, str]) -> None:
    askers = {
        "nobody": ({}, OPEN),
        "a wrong cookie": ({"Cookie": "session=" + "0" * 64}, OPEN),
        "a cut cookie": ({"Cookie": f"session={admin.session[:-1]}"}, OPEN),
        "a wrong token": (bearer("tbg_" + "0" * 64), OPEN),
        "a token with more behind it": (bearer(tokens["full"] + "0"), OPEN),
        "a token by another scheme": ({"Authorization": f"Basic {tokens['full']}"}, OPEN),
        "read": (bearer(tokens["read"]), READ),
        "full": (bearer(tokens["full"]), FULL),
        "administrator": (admin.headers, ADMIN),
    }
    for who, (headers, has) in askers.items():
        for method, path, needs in ADDRESSES:
            answer = gateway.change(method, path, headers=headers)
            told = (who, method, path, answer)
            if needs <= has:
                assert answer.status not in (401, 403), told
            elif has == OPEN:
                assert error(answer) == (401, "login_required"), told
                assert answer.headers["WWW-Authenticate"] == "Bearer"
            else:
                assert error(answer) == (403, "not_allowed"), told
        assert gateway.ask("HEAD", "/api/v1/state", headers=headers).status == (200 if has >= READ else 401), who


def test_what_somebody_is_told_about_themselves(gateway: Target, admin: Access, tokens: dict[str, str]) -> None:
    told = {"set_up": True, "csrf": None, "read_open": False}
    assert session(gateway) == told | {"right": "none", "name": None, "by": "nothing"}
    read = told | {"right": "read", "name": "of-tests-read", "by": "token"}
    assert session(gateway, bearer(tokens["read"])) == read
    mine = told | {"right": "full", "name": "administrator", "by": "session", "csrf": admin.csrf}
    assert session(gateway, cookie(admin)) == mine
    assert session(gateway, cookie(admin) | bearer(tokens["read"])) == read, "a token beats a cookie"


def test_a_change_with_a_cookie_needs_its_csrf_token(gateway: Target, admin: Access) -> None:
    other = log_in(admin.url)
    for method, path in (("POST", "/api/v1/tokens"), ("DELETE", "/api/v1/session"), ("PUT", "/api/v1/password")):
        for csrf in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": other.csrf}, {"X-CSRF-Token": admin.csrf + "0"}):
            answer = gateway.change(method, path, {"name": "by-another-page", "right": "full"}, cookie(admin) | csrf)
            assert error(answer) == (403, "csrf"), (method, path, csrf)
    assert gateway.get("/api/v1/state", cookie(admin)).status == 200


def test_a_token_in_the_address_is_none(gateway: Target, tokens: dict[str, str]) -> None:
    token = tokens["full"]
    for query in (f"token={token}", f"access_token={token}", f"authorization=Bearer%20{token}"):
        assert error(gateway.get(f"/api/v1/state?{query}")) == (401, "login_required")


def test_read_open_lets_anybody_read_and_nothing_else() -> None:
    with target() as gateway:
        assert session(gateway)["right"] == "read"
        for method, path, right in ADDRESSES:
            status = gateway.change(method, path).status
            assert status == (200 if right <= READ else 401), (method, path)
        with websocket(gateway) as connection:
            assert json.loads(connection.recv(timeout=10))["type"] == "state"


# ---- pages of others ----


def test_only_names_of_the_gateway_are_answered(gateway: Target, admin: Access) -> None:
    device = gateway.get("/api/v1/status").json()["device"]
    for host in ("localhost", "LOCALHOST:80", "127.0.0.1:8080", "192.168.1.7", "[::1]:80", device, f"{device}.local."):
        (answer,) = gateway.say(request("/api/v1/status", f"Host: {host}", host=False))
        assert answer.status == 200, host
    for host in OTHER_HOSTS:
        for method, path in (("GET", "/"), ("GET", "/api/v1/status"), ("POST", "/api/v1/session"), ("GET", "/nothing")):
            answer = gateway.ask(method, path, headers={"Host": host} | admin.headers)
            assert error(answer) == (421, "wrong_host"), (host, path)
        (answer,) = gateway.say(handshake(f"Cookie: session={admin.session}", host=host))
        assert error(answer) == (421, "wrong_host"), host


def test_a_name_behind_a_proxy_is_answered_once_it_is_set() -> None:
    with target("--set", "web.hosts=bms.example.org,nas") as gateway:
        for host, status in {"bms.example.org": 200, "NAS:8443": 200, "example.org": 421, "bms": 421}.items():
            assert gateway.get("/api/v1/status", {"Host": host}).status == status, host
        ours = {"Host": "bms.example.org", "Origin": "https://bms.example.org"}
        assert gateway.get("/api/v1/state", ours).status == 200
        with gateway.connect() as connection:
            connection.sendall(handshake("Origin: http://nas", host="nas"))
            assert connection.recv(12) == b"HTTP/1.1 101"


def test_a_request_of_another_page_is_refused_whatever_it_shows(gateway: Target, admin: Access) -> None:
    for origin in FOREIGN:
        for method, path in (("GET", "/"), ("GET", "/api/v1/state"), ("POST", "/api/v1/tokens"), ("GET", "/metrics")):
            answer = gateway.ask(method, path, headers=admin.headers | {"Origin": origin})
            assert error(answer) == (403, "wrong_origin"), (origin, path)
        if len(origin) < 100:
            assert refusal(gateway, cookie(admin), origin=origin) == (403, "wrong_origin")
    host, port = gateway.address
    assert gateway.get("/api/v1/state", admin.headers | {"Origin": f"http://{host}:{port}"}).status == 200


# ---- headers ----


def secured(answer: Answer) -> bool:
    policy = answer.headers.get_all("Content-Security-Policy", [])
    return (
        all(answer.headers.get_all(name) == [value] for name, value in SECURITY.items())
        and len(policy) == 1
        and "default-src 'self'" in policy[0]
        and "unsafe" not in policy[0]
    )


def test_every_answer_has_the_security_headers(gateway: Target, admin: Access) -> None:
    json_body = {"Content-Type": "application/json"}
    host = "Host: localhost"
    upgrade = ("Connection: Upgrade", "Upgrade: websocket")
    sent = {
        200: request(), 401: request("/api/v1/state"), 404: request("/nothing"), 426: request("/ws", *upgrade),
        405: request(method="DELETE"), 411: request("/", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        413: request("/", "Content-Length: 99999") + b"x", 421: request("/", "Host: evil", host=False),
        403: request("/", "Origin: http://evil"), 400: b"GET / HTTP/1.1\r\n" + host.encode() + b"\r\nX\r\n\r\n",
        505: b"GET / HTTP/2.0\r\n" + host.encode() + b"\r\n\r\n",
        414: request("/" + "a" * 600), 431: request("/", "X: " + "y" * 2000),
    }  # fmt: skip
    for status, raw in sent.items():
        got = gateway.say(raw)
        assert len(got) == 1, (status, got)
        (answer,) = got
        expected = 401 if status == 426 else status  # nobody is told what it would take
        assert answer.status == expected and secured(answer), (status, answer)
    for status, method, path, body, headers in (
        (200, "HEAD", "/api/v1/status", None, {}),
        (401, "HEAD", "/api/v1/state", None, {}),
        (404, "HEAD", "/nothing", None, {}),
        (200, "GET", "/recovery", None, {}),
        (200, "HEAD", "/recovery", None, {}),
        (200, "GET", "/api/v1/session", None, {}),
        (415, "POST", "/api/v1/session", b"{}", {"Content-Type": "text/plain"}),
        (400, "POST", "/api/v1/session", b"{", json_body),
        (422, "POST", "/api/v1/session", b"{}", json_body),
        (401, "POST", "/api/v1/session", {"password": "not this one"}, {}),  # pragma: allowlist secret
        (204, "DELETE", "/api/v1/session", None, log_in(admin.url).headers),
        (404, "DELETE", "/api/v1/tokens/nobody", None, admin.headers),
    ):
        answer = gateway.change(method, path, body, headers)
        assert answer.status == status and secured(answer), (method, path, answer)
    (answer,) = gateway.say(request("/ws", *upgrade, "Cookie: session=" + admin.session))
    assert answer.status == 426 and secured(answer)


def test_an_address_says_which_methods_it_has(gateway: Target) -> None:
    for path, method, allowed in (
        ("/api/v1/status", "PUT", "GET, HEAD"),
        ("/api/v1/session", "PATCH", "GET, HEAD, POST, DELETE"),
        ("/api/v1/setup", "GET", "POST"),
        ("/api/v1/tokens", "DELETE", "GET, HEAD, POST"),
        ("/api/v1/tokens/of-tests", "GET", "DELETE"),
        ("/", "POST", "GET, HEAD"),
    ):
        answer = gateway.ask(method, path)
        assert (answer.status, answer.headers["Allow"]) == (405, allowed), path


def test_behind_tls_a_cookie_is_for_tls_only(gateway: Target) -> None:
    body = {"password": PASSWORD}
    for scheme, ends in (("https", "; SameSite=Strict; Secure"), ("http", "; SameSite=Strict")):
        answer = gateway.change("POST", "/api/v1/session", body, {"X-Forwarded-Proto": scheme})
        assert answer.headers["Set-Cookie"].endswith(ends)


# ---- sessions ----


def test_a_login_makes_a_session_of_its_own_whatever_cookie_comes_with_it(gateway: Target, admin: Access) -> None:
    chosen = {"Cookie": "session=" + "ab" * 32}
    answer = gateway.change("POST", "/api/v1/session", {"password": PASSWORD}, chosen)
    assert answer.status == 200 and "ab" * 32 not in answer.headers["Set-Cookie"]
    assert gateway.get("/api/v1/state", chosen).status == 401
    again = gateway.change("POST", "/api/v1/session", {"password": PASSWORD}, cookie(admin))
    assert admin.session not in again.headers["Set-Cookie"]


def test_a_logout_ends_the_session_and_its_websockets_and_no_other(gateway: Target, admin: Access) -> None:
    mine = log_in(admin.url)
    with websocket(gateway, cookie(mine)) as ending, websocket(gateway, cookie(admin)) as staying:
        answer = gateway.change("DELETE", "/api/v1/session", headers=mine.headers)
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers["Set-Cookie"].startswith("session=; ") and "Max-Age=0" in answer.headers["Set-Cookie"]
        assert close_code(ending) == POLICY_VIOLATION
        assert gateway.get("/api/v1/state", cookie(mine)).status == 401
        assert error(gateway.change("DELETE", "/api/v1/session", headers=mine.headers)) == (401, "login_required")
        assert staying.recv(timeout=10) and gateway.get("/api/v1/state", cookie(admin)).status == 200


def test_a_new_password_ends_all_sessions_and_the_old_one() -> None:
    with fresh() as gateway:
        mine = set_up(gateway.gateway)
        other = log_in(mine.url)
        with websocket(gateway, cookie(other)) as connection:
            wrong = mine.change("PUT", "/api/v1/password", {"old": "not this one", "new": "a longer password"})
            assert (wrong.status_code, wrong.json()["error"]) == (401, "wrong_password")
            weak = mine.change("PUT", "/api/v1/password", {"old": PASSWORD, "new": "short"})
            assert (weak.status_code, weak.json()["error"]) == (422, "weak_password")
            assert session(gateway, cookie(other))["by"] == "session"
            good = mine.change("PUT", "/api/v1/password", {"old": PASSWORD, "new": "a longer password"})
            assert good.status_code == 200, good.text
            assert close_code(connection) == POLICY_VIOLATION
        for ended in (mine, other):
            assert session(gateway, cookie(ended))["by"] == "nothing"
        fresh_cookie = {"Cookie": good.headers["Set-Cookie"].partition(";")[0]}
        assert session(gateway, fresh_cookie)["csrf"] == good.json()["csrf"]
        assert error(gateway.change("POST", "/api/v1/session", {"password": PASSWORD})) == (401, "wrong_password")
        assert log_in(mine.url, "a longer password").session


def test_a_guesser_is_paused_and_the_administrator_is_not(gateway: Target, admin: Access) -> None:
    wrong = {"password": "not this one"}  # pragma: allowlist secret
    for source in ("127.0.2.1", "127.0.2.2"):
        got = [gateway.change("POST", "/api/v1/session", wrong, source=source) for _ in range(TRIES + 1)]
        assert [answer.status for answer in got] == [401] * TRIES + [429], source
        assert got[-1].json()["error"] == "paused" and 1 <= int(got[-1].headers["Retry-After"]) <= 60
        right = gateway.change("POST", "/api/v1/session", {"password": PASSWORD}, source=source)
        assert right.status == 429, "the right password is not told from a wrong one"
    assert log_in(admin.url).session and gateway.get("/api/v1/state", cookie(admin)).status == 200


# ---- tokens ----


def test_a_token_is_told_once_listed_without_its_secret_and_taken_back(gateway: Target, admin: Access) -> None:
    made = gateway.change("POST", "/api/v1/tokens", {"name": "logger", "right": "read"}, admin.headers)
    assert made.status == 201
    token = made.json()["token"]
    assert made.json() == {"name": "logger", "right": "read", "token": token}
    assert re.fullmatch(r"tbg_[0-9a-f]{64}", token)
    listed = gateway.get("/api/v1/tokens", cookie(admin))
    assert {"name": "logger", "right": "read"} in listed.json()["tokens"] and token.encode() not in listed.body
    again = gateway.change("POST", "/api/v1/tokens", {"name": "logger", "right": "full"}, admin.headers)
    assert error(again) == (409, "exists")
    with websocket(gateway, bearer(token)) as connection:
        assert connection.recv(timeout=10)
        assert gateway.change("DELETE", "/api/v1/tokens/logger", headers=admin.headers).status == 204
        assert close_code(connection) == POLICY_VIOLATION
    assert gateway.get("/api/v1/state", bearer(token)).status == 401
    assert error(gateway.change("DELETE", "/api/v1/tokens/logger", headers=admin.headers)) == (404, "not_found")


def test_tokens_have_names_and_an_end() -> None:
    with closed_target(time_scale=SCALE) as (gateway, admin):
        for name in ("", "a" * 25, "two words", "../etc", "a/b", "\u00e4", "x\n", "%41"):
            answer = gateway.change("POST", "/api/v1/tokens", {"name": name, "right": "read"}, admin.headers)
            assert error(answer) == (422, "invalid") and answer.json()["errors"][0]["path"] == "/name", name
        answer = gateway.change("POST", "/api/v1/tokens", {"name": "x", "right": "all"}, admin.headers)
        assert error(answer) == (422, "invalid") and answer.json()["errors"][0]["path"] == "/right"
        more = [{"name": f"n{number}", "right": "read"} for number in range(8)]
        got = [gateway.change("POST", "/api/v1/tokens", body, admin.headers) for body in more]
        assert [answer.status for answer in got[:-1]] == [201] * 7, "one more was there before"
        assert error(got[-1]) == (409, "too_many")


# ---- WebSockets ----


def test_a_websocket_takes_the_right_to_read_before_the_handshake(
    gateway: Target, admin: Access, tokens: dict[str, str]
) -> None:
    assert refusal(gateway) == (401, "login_required")
    assert refusal(gateway, {"Cookie": "session=" + "0" * 64}) == (401, "login_required")
    host, port = gateway.address
    for headers, origin in (
        (bearer(tokens["read"]), None),
        (cookie(admin), None),
        (cookie(admin), f"http://{host}:{port}"),
    ):
        with websocket(gateway, headers, origin=origin) as connection:
            assert json.loads(connection.recv(timeout=10))["type"] == "state"


def test_a_client_that_ignores_the_close_is_closed(gateway: Target, admin: Access) -> None:
    mine = log_in(admin.url)
    with gateway.connect(CLOSE_S) as connection:
        connection.sendall(handshake(f"Cookie: session={mine.session}"))
        assert connection.recv(12) == b"HTTP/1.1 101"
        assert gateway.change("DELETE", "/api/v1/session", headers=mine.headers).status == 204
        assert read_all(connection).endswith(b"\x88\x02\x03\xf0"), "a close is the last frame"


# ---- bodies ----


LOGIN = "/api/v1/session"
BAD_BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "no JSON": (b"password=x", 400),
    "cut": (b'{"password": "x', 400),
    "more behind it": (b'{"password": "x"} {}', 400),
    "as many levels as fit": (b"[" * 4096 + b"]" * 4096, 422),
    "as many levels as fit, of objects": (b'{"password":' * 600 + b"1" + b"}" * 600, 422),
    "levels in a cut text": (b'{"a":' * 1600, 422),
    "a NUL": (b'{"password": "x\\u0000y"}', 400),  # pragma: allowlist secret
    "not UTF-8": (b'{"password": "\xff\xfe"}', 400),
    "an array": (b'["password"]', 422),
    "a number": (b"7", 422),
    "null": (b"null", 422),
    "no member": (b"{}", 422),
    "a number in it": (b'{"password": 7}', 422),
    "an object in it": (b'{"password": {"password": "x"}}', 422),
    "twice": (b'{"password": "x", "password": "y"}', 422),
    "one more": (b'{"password": "x", "user": "root"}', 422),
    "as long as it may be": (b'{"password": "' + b"x" * (BODY_MAX - 16) + b'"}', 401),
    "one byte more": (b'{"password": "' + b"x" * (BODY_MAX - 15) + b'"}', 413),
    "1 MB": (b'{"password": "' + b"x" * 1_000_000 + b'"}', 413),
}


def test_bodies_that_are_not_what_they_should_be(gateway: Target) -> None:
    for what, (body, status) in BAD_BODIES.items():
        kind = {"Content-Type": "application/json"}
        with suppress(BrokenPipeError, ConnectionResetError):  # what is still being sent may cut off the answer
            answer = gateway.change("POST", LOGIN, body, kind, source="127.0.3.1")
            assert answer.status == status, (what, answer)


def test_only_json_is_taken_for_a_body(gateway: Target) -> None:
    body = json.dumps({"password": PASSWORD}).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", ""):
        assert error(gateway.change("POST", LOGIN, body, {"Content-Type": kind})) == (415, "unsupported_media_type")
    for kind in ("application/json", "Application/JSON; charset=utf-8"):
        assert gateway.change("POST", LOGIN, body, {"Content-Type": kind}).status == 200


def post(body: bytes, *headers: str, length: int | None = None) -> bytes:
    kind = ("Content-Type: application/json", f"Content-Length: {len(body) if length is None else length}")
    return request(LOGIN, *kind, *headers, method="POST") + body


def test_a_body_that_is_cut_changes_nothing_and_one_that_is_slow_ends_in_time(gateway: Target, admin: Access) -> None:
    body = json.dumps({"password": PASSWORD}).encode()
    before = len(gateway.get("/api/v1/audit", cookie(admin)).json()["entries"])
    assert gateway.say(post(body[:-1], length=len(body))) == []
    with gateway.connect() as connection:
        begin = time.monotonic()
        connection.sendall(post(body[:-1], length=len(body)))
        (answer,) = answers(read_all(connection))
        assert answer.status == 408 and time.monotonic() - begin < REQUEST_S + 2.0
    assert len(gateway.get("/api/v1/audit", cookie(admin)).json()["entries"]) == before


def test_what_follows_a_change_on_its_connection_is_the_next_request(gateway: Target, admin: Access) -> None:
    body = json.dumps({"password": PASSWORD}).encode()
    cookies = f"Cookie: session={admin.session}"
    csrf = f"X-CSRF-Token: {admin.csrf}"
    inside = request("/api/v1/cells", cookies)
    with_body = request("/api/v1/tokens/nobody", cookies, csrf, f"Content-Length: {len(inside)}",
                        "Content-Type: application/json", method="DELETE") + inside  # fmt: skip
    with gateway.connect() as connection:
        for sent, statuses in ((post(body) + request(), [200, 200]), (with_body + request(), [404, 200])):
            connection.sendall(sent)
            received = b""
            while len([a for a in _whole(received) if a.status]) < len(statuses):
                more = connection.recv(65536)
                assert more, received
                received += more
            got = answers(received)
            assert [answer.status for answer in got] == statuses
            assert b'"api"' in got[-1].body, "the request of the status, and not what was in the body"


def _whole(received: bytes) -> list[Answer]:
    """The answers so far."""
    try:
        return answers(received)
    except Exception:  # an answer that is not whole yet fails in many ways
        return []


# ---- one change at a time ----


@contextmanager
def waiting_login(gateway: Target) -> Iterator[list[Answer]]:
    """A login that waits while the context lasts; its answer is there behind it."""
    got: list[Answer] = []

    def ask() -> None:
        got.append(gateway.ask("POST", LOGIN, {"password": PASSWORD}))

    thread = threading.Thread(target=ask)
    wait_until_busy(gateway, False)  # the change before it may not be put away yet
    with held(gateway.gateway.process.pid, "work"):
        thread.start()
        wait_until_busy(gateway)
        yield got
    thread.join()


def wait_until_busy(gateway: Target, busy: bool = True) -> None:
    """A body of another type is refused with 415, or while there is a change in progress with 503."""
    kind = {"Content-Type": "text/plain"}
    wanted = 503 if busy else 415
    wait_until(lambda: gateway.ask("POST", LOGIN, b"x", kind).status == wanted, 10.0, lambda: f"never {wanted}")


def test_a_change_in_progress_holds_back_changes_and_nothing_else(gateway: Target, admin: Access) -> None:
    with waiting_login(gateway) as got:
        answer = gateway.ask("POST", "/api/v1/tokens", {"name": "x", "right": "read"}, admin.headers)
        assert error(answer) == (503, "busy") and answer.headers["Retry-After"] == "1"
        begin = time.monotonic()
        assert gateway.get("/api/v1/state", cookie(admin)).status == 200
        assert time.monotonic() - begin < 1.0
        assert got == []
    assert [answer.status for answer in got] == [200]


def test_a_connection_with_a_change_in_progress_is_not_idle_even_when_all_are_taken(
    gateway: Target, admin: Access
) -> None:
    with ExitStack() as crowd, waiting_login(gateway) as got:
        for _ in range(8):
            crowd.enter_context(gateway.connect())
        time.sleep(IDLE_S + 1.5)
        assert gateway.get("/api/v1/state", cookie(admin)).status == 200
    assert [answer.status for answer in got] == [200]


def test_a_client_that_goes_away_meanwhile_costs_nothing(gateway: Target, tokens: dict[str, str]) -> None:
    def heap() -> int:
        free: int = gateway.get("/api/v1/diagnostics", bearer(tokens["read"])).json()["heap"]["free_bytes"]
        return free

    body = json.dumps({"password": PASSWORD}).encode()
    before = heap()
    for _ in range(10):
        with held(gateway.gateway.process.pid, "work"):
            connection = gateway.connect()
            connection.sendall(post(body))
            wait_until_busy(gateway)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.close()
        assert gateway.change("POST", LOGIN, body, {"Content-Type": "application/json"}).status == 200
    wait_until(lambda: heap() >= before - 4096, 15.0, lambda: f"{heap()}, {before} before")


def test_whatever_was_asked_here_left_the_memory_that_must_stay_free(gateway: Target, tokens: dict[str, str]) -> None:
    heap = gateway.get("/api/v1/diagnostics", bearer(tokens["read"])).json()["heap"]
    assert heap["least_free_bytes"] > 40_960


# ---- audit log ----


def test_the_audit_log_says_who_did_what_and_no_secret() -> None:
    with fresh() as gateway:
        mine = set_up(gateway.gateway)
        token = mine.token("of-a-logger", "full")
        mine.change("POST", "/api/v1/tokens", {"name": "of-a-logger", "right": "read"})
        mine.change("DELETE", "/api/v1/tokens/of-a-logger")
        gateway.change("POST", LOGIN, {"password": "a secret of somebody"})  # pragma: allowlist secret
        answer = gateway.get("/api/v1/audit", cookie(mine))
        entries = answer.json()["entries"]
        assert [entry["number"] for entry in entries] == sorted(entry["number"] for entry in entries)
        told = [(entry["name"], entry["what"], entry["outcome"]) for entry in entries]
        assert ("administrator", "token made: of-a-logger, full", "done") in told
        assert ("administrator", "token made: of-a-logger, read", "exists") in told
        assert ("administrator", "token revoked: of-a-logger", "done") in told
        assert any("first password" in what for _, what, _ in told)
        assert any("wrong password" in what for _, what, _ in told)
        assert {entry["address"] for entry in entries} == {"127.0.0.1"}
        log = gateway.get("/api/v1/log", cookie(mine)).body + "\n".join(gateway.gateway.lines).encode()
        for secret in (PASSWORD, "a secret of somebody", token, mine.session, mine.csrf):
            assert secret.encode() not in answer.body + log


def test_logins_delay_no_frame(gateway: Target) -> None:
    begin = len(gateway.times) - 1
    end = time.monotonic() + 5.0
    count = 0
    while time.monotonic() < end:
        count += gateway.change("POST", LOGIN, {"password": PASSWORD}).status == 200
    times = gateway.times[begin:]
    assert count > 3 and longest_gap(times) < GAP_S
