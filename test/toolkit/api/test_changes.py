"""Changes by the client: who asks is told to the gateway alone, and nothing is done twice."""

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from support.fixtures.certificates import make_certificate
from support.peers.web_peer import Answer, Asked, answer, in_turn, redirect, refuse, web_server
from support.peers.websocket_peer import websocket_server
from tinybms_gateway.api import client as client_module
from tinybms_gateway.api.client import BUSY_TRIES, GatewayClient
from tinybms_gateway.api.error import (
    BusyError,
    ConflictError,
    GatewayError,
    InvalidError,
    NotAGatewayError,
    NotAllowedError,
    NotLoggedInError,
    PausedError,
    Problem,
    RefusedError,
    SlowError,
    UnreachableError,
)

TOKEN = "tbg_" + "0123456789abcdef" * 4
COOKIE = "fedcba9876543210" * 4
CSRF = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
PHRASE = "correct horse battery"
JSON = "application/json"
DONE = answer(b'{"changed": []}', JSON)
LOGIN = answer(
    json.dumps({"right": "full", "csrf": CSRF}).encode(), JSON,
    Set_Cookie=f"session={COOKIE}; Path=/; HttpOnly; SameSite=Strict",
)  # fmt: skip
LOGOUT = answer(b"", JSON, 204, Set_Cookie="session=; Path=/; Max-Age=0")
SESSIONS = {"POST /api/v1/session": LOGIN, "DELETE /api/v1/session": LOGOUT, "/x": answer(b"{}", JSON), "POST /x": DONE}
METHODS = ("POST", "PUT", "PATCH", "DELETE")


@contextlib.contextmanager
def client_of(
    answers: dict[str, Answer], token: str | None = TOKEN, timeout_s: float = 20.0
) -> Iterator[tuple[GatewayClient, list[Asked]]]:
    asked: list[Asked] = []
    with web_server(answers, asked=asked) as url, GatewayClient(url, token=token, timeout_s=timeout_s) as client:
        yield client, asked


def failure_of(given: Answer, **options: Any) -> tuple[GatewayError, list[Asked]]:
    with client_of({"POST /x": given}, **options) as (client, asked), pytest.raises(GatewayError) as failure:
        client.post("/x", {}, within_s=0.0)
    assert failure.value.advice
    return failure.value, asked


@pytest.mark.parametrize("method", METHODS)
def test_a_change(method: str) -> None:
    with client_of({f"{method} /x?dry_run=1": DONE}) as (client, asked):
        done = client.change(method, "/x?dry_run=1", {"id.family": "M\u00fcller"}, revision="5f3a9c01")
    assert done == {"changed": []}
    (one,) = asked
    assert (one.method, one.path, one.json()) == (method, "/x?dry_run=1", {"id.family": "M\u00fcller"})
    assert one.headers["if-match"] == '"5f3a9c01"'
    assert one.headers["authorization"] == f"Bearer {TOKEN}"
    assert "cookie" not in one.headers and "x-csrf-token" not in one.headers


@pytest.mark.parametrize("status", [200, 201, 202])
def test_good_ends(status: int) -> None:
    with client_of({"POST /x": answer(b'{"a": 1}', JSON, status)}) as (client, _):
        assert client.post("/x", {}) == {"a": 1}


def test_an_end_without_content() -> None:
    with client_of({"DELETE /x": answer(b"", JSON, 204)}) as (client, asked):
        assert client.delete("/x") == {}
    assert asked[0].body == b""


def test_a_session_from_login_to_logout() -> None:
    with client_of(SESSIONS) as (client, asked):
        with client.logged_in(PHRASE):
            client.object("/x")
            client.post("/x", {})
        client.object("/x")
    login, read, change, logout, after = asked
    assert login.json() == {"password": PHRASE}
    assert read.headers["cookie"] == change.headers["cookie"] == logout.headers["cookie"] == f"session={COOKIE}"
    assert "x-csrf-token" not in read.headers
    assert change.headers["x-csrf-token"] == logout.headers["x-csrf-token"] == CSRF
    assert all("authorization" not in one.headers for one in (read, change, logout)), "one of both is enough"
    assert (logout.method, logout.path) == ("DELETE", "/api/v1/session")
    assert "cookie" not in after.headers and after.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("error", [GatewayError("", ""), KeyboardInterrupt(), SystemExit(143), ZeroDivisionError()])
def test_it_logs_out_however_it_ends(error: BaseException) -> None:
    with client_of(SESSIONS) as (client, asked), pytest.raises(type(error)), client.logged_in(PHRASE):
        raise error
    assert [one.method for one in asked] == ["POST", "DELETE"]


def test_a_logout_that_fails_hides_nothing() -> None:
    answers = SESSIONS | {"DELETE /api/v1/session": refuse(503, "unavailable")}
    with client_of(answers) as (client, _), client.logged_in(PHRASE):
        pass
    with client_of(answers) as (client, _), pytest.raises(ZeroDivisionError), client.logged_in(PHRASE):
        raise ZeroDivisionError


def test_a_changed_password_starts_another_session() -> None:
    other = "0" * 64
    fresh = answer(b'{"right": "full", "csrf": "' + b"1" * 32 + b'"}', JSON, Set_Cookie=f"session={other}; Path=/")
    with client_of(SESSIONS | {"PUT /api/v1/password": fresh}) as (client, asked), client.logged_in(PHRASE):
        client.change_password(PHRASE, "another horse battery")
    assert asked[1].json() == {"old": PHRASE, "new": "another horse battery"}
    assert asked[2].headers["cookie"] == f"session={other}"


def test_the_first_password() -> None:
    created = answer(b'{"right": "full", "csrf": "' + CSRF.encode() + b'"}', JSON, 201, Set_Cookie=f"session={COOKIE}")
    with client_of(SESSIONS | {"POST /api/v1/setup": created}, token=None) as (client, asked):
        client.set_up("K7M29-QXW4T", PHRASE)
        client.log_out()
        client.log_out()
    assert asked[0].json() == {"code": "K7M29-QXW4T", "password": PHRASE}
    assert [one.method for one in asked] == ["POST", "DELETE"]


@pytest.mark.parametrize(
    "given",
    [
        answer(b'{"csrf": "' + CSRF.encode() + b'"}', JSON),
        answer(b"{}", JSON, Set_Cookie=f"session={COOKIE}"),
        answer(b'{"csrf": "a\\r\\nb"}', JSON, Set_Cookie=f"session={COOKIE}"),
        answer(b'{"csrf": 5}', JSON, Set_Cookie=f"session={COOKIE}"),
        answer(b'{"csrf": "' + CSRF.encode() + b'"}', JSON, Set_Cookie="session=abc"),
        answer(b'{"csrf": "' + CSRF.encode() + b'"}', JSON, Set_Cookie=f"other={COOKIE}"),
        answer(b"[]", JSON, Set_Cookie=f"session={COOKIE}"),
    ],
)
def test_logins_that_are_none(given: Answer) -> None:
    with client_of({"POST /api/v1/session": given}) as (client, asked):
        with pytest.raises(NotAGatewayError):
            client.log_in(PHRASE)
        client.log_out()
    assert len(asked) == 1


def test_no_cookie_is_kept_but_that_of_a_login() -> None:
    tracking = answer(b"{}", JSON, Set_Cookie=f"session={COOKIE}")
    with client_of({"/x": tracking}) as (client, asked):
        client.object("/x")
        client.object("/x")
    assert ["cookie" in one.headers for one in asked] == [False, False]


def test_a_change_is_never_led_elsewhere() -> None:
    led: list[Asked] = []
    with web_server({"POST /x": DONE, "/x": answer(b"{}", JSON)}, asked=led) as other:
        for status in (301, 302, 303, 307, 308):
            failure, asked = failure_of(answer(b"", JSON, status, Location=f"{other}/x"))
            assert "redirects to" in failure.seen
            assert len(asked) == 1
        failure, asked = failure_of(redirect("/y"))
        assert "redirects to" in failure.seen, "nor within the gateway"
        assert len(asked) == 1
    assert led == []


def test_a_token_goes_to_no_other_port() -> None:
    led: list[Asked] = []
    with (
        web_server({"/x": answer(b"{}", JSON)}, asked=led) as other,
        client_of({"/x": redirect(f"{other}/x")}) as (client, _),
    ):
        with pytest.raises(NotAGatewayError, match="--url"):
            client.object("/x")
        assert led == []
        with GatewayClient(client.url) as anybody:
            assert anybody.object("/x") == {}
    assert "authorization" not in led[0].headers


def test_a_token_stays_within_tls(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    led: list[Asked] = []
    with (
        web_server({"/x": DONE}, asked=led) as plain,
        web_server({"/x": redirect(f"{plain}/x"), "POST /x": redirect(f"{plain}/x")}, certificate) as url,
        GatewayClient(url, ca=certificate.path, token=TOKEN) as client,
    ):
        with pytest.raises(NotAGatewayError, match="https"):
            client.object("/x")
        with pytest.raises(RefusedError, match="redirects"):
            client.post("/x", {})
    assert led == []


def test_a_token_goes_on_within_the_gateway() -> None:
    with client_of({"/x": redirect("/y"), "/y": answer(b"{}", JSON)}) as (client, asked):
        client.object("/x")
    assert [one.headers["authorization"] for one in asked] == [f"Bearer {TOKEN}"] * 2


@pytest.mark.parametrize("logged_in", [False, True])
def test_who_listens_says_who_it_is(logged_in: bool) -> None:
    told: list[dict[str, str]] = []

    def gate(_: ServerConnection, request: Request) -> Response | None:
        told.append({name.lower(): value for name, value in request.headers.raw_items()})
        return None

    def talk(connection: ServerConnection) -> None:
        connection.send('{"type": "state"}')

    with websocket_server(talk, gate) as (url, _), client_of(SESSIONS) as (client, _):
        if logged_in:
            client.log_in(PHRASE)
        client.url = url
        with client.listen() as messages:
            assert next(messages) == {"type": "state"}
    expected = {"cookie": f"session={COOKIE}"} if logged_in else {"authorization": f"Bearer {TOKEN}"}
    assert {name: told[0].get(name) for name in ("cookie", "authorization")} == {
        "cookie": None, "authorization": None} | expected  # fmt: skip


def test_a_websocket_that_leads_elsewhere_takes_no_token_there() -> None:
    told: list[dict[str, str]] = []

    def gate(_: ServerConnection, request: Request) -> Response | None:
        told.append({name.lower(): value for name, value in request.headers.raw_items()})
        return None

    with websocket_server(lambda connection: connection.send('{"type": "state"}'), gate) as (other, _):

        def lead(connection: ServerConnection, _: Request) -> Response | None:
            response = connection.respond(302, "")
            response.headers["Location"] = f"ws{other.removeprefix('http')}/ws"
            return response

        with (
            websocket_server(lambda _: None, lead) as (url, _),
            GatewayClient(url, token=TOKEN) as client,
            contextlib.suppress(GatewayError),
            client.listen() as messages,
        ):
            next(messages)
    assert all("authorization" not in one for one in told)


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with client_of(SESSIONS | {"POST /x": refuse(500, "internal_error")}) as (client, _):
        client.object("/x")
        with client.logged_in(PHRASE), pytest.raises(RefusedError):
            client.post("/x", {"password": PHRASE})
    with (
        websocket_server(lambda _: None) as (url, _),
        GatewayClient(url, token=TOKEN) as client,
        pytest.raises(UnreachableError),
        client.listen() as messages,
    ):
        next(messages)
    assert not [secret for secret in (TOKEN, COOKIE, CSRF, PHRASE) if secret in caplog.text]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the client waits, without the wait."""
    waited: list[float] = []
    monkeypatch.setattr(client_module.time, "sleep", waited.append)
    return waited


def busy(retry_after: str = "1") -> Answer:
    return refuse(503, "busy", headers={"Retry_After": retry_after})


def test_a_busy_gateway_is_asked_again(waits: list[float]) -> None:
    with client_of({"POST /x": in_turn(busy("2"), busy("3"), DONE)}) as (client, asked):
        assert client.post("/x", {"a": 1}) == {"changed": []}
    assert [one.json() for one in asked] == [{"a": 1}] * 3
    assert waits == [2, 3]


def test_it_is_read_again_too(waits: list[float]) -> None:
    with client_of({"/x": in_turn(busy(), answer(b"{}", JSON))}) as (client, asked):
        assert client.object("/x") == {}
    assert len(asked) == 2 and waits == [1]


def test_one_that_stays_busy_is_not_asked_for_ever(waits: list[float]) -> None:
    failure, asked = failure_of(busy())
    assert isinstance(failure, BusyError)
    assert (len(asked), len(waits)) == (BUSY_TRIES, BUSY_TRIES - 1)


@pytest.mark.parametrize("retry_after", ["", "0", "-5", "soon", "1e9", "9" * 30, "\u0663", "3600", "Mon, 01 Jan 2029"])
def test_whatever_it_says_how_long(waits: list[float], retry_after: str) -> None:
    with client_of({"POST /x": in_turn(busy(retry_after.encode().decode("latin-1")), DONE)}) as (client, _):
        client.post("/x", {})
    assert 1 <= waits[0] <= 5


def test_a_login_waits_for_a_busy_gateway_too(waits: list[float]) -> None:
    with client_of(SESSIONS | {"POST /api/v1/session": in_turn(busy(), LOGIN)}) as (client, asked):
        client.log_in(PHRASE)
    assert len(asked) == 2 and len(waits) == 1


ERRORS: list[tuple[int, str, type[RefusedError], str]] = [
    (400, "bad_json", RefusedError, "log"),
    (401, "login_required", NotLoggedInError, "access token-create"),
    (401, "wrong_password", NotLoggedInError, "setup --reset"),
    (401, "wrong_code", NotLoggedInError, "setup --port"),
    (403, "not_set_up", NotAllowedError, "tinybms-gw setup"),
    (403, "not_allowed", NotAllowedError, "'full'"),
    (403, "csrf", NotAllowedError, "log in again"),
    (403, "wrong_origin", NotAllowedError, "log"),
    (404, "not_found", RefusedError, "toolkit"),
    (409, "exists", ConflictError, "another name"),
    (409, "too_many", ConflictError, "revoke"),
    (409, "set_up_already", ConflictError, "--reset"),
    (409, "changed_meanwhile", ConflictError, "difference again"),
    (412, "changed_meanwhile", ConflictError, "difference again"),
    (413, "content_too_large", RefusedError, "log"),
    (415, "unsupported_media_type", RefusedError, "log"),
    (421, "wrong_host", NotAllowedError, "web.hosts"),
    (422, "invalid", InvalidError, "nothing was changed"),
    (429, "paused", PausedError, "in 60 s"),
    (500, "internal_error", RefusedError, "log"),
    (502, "bms_refused", RefusedError, "registers again"),
    (503, "not_known", RefusedError, "try again"),
    (503, "unavailable", RefusedError, "try again"),
    (504, "no_answer", RefusedError, "line to the BMS"),
]


@pytest.mark.parametrize(("status", "error", "kind", "advice"), ERRORS, ids=[f"{s} {e}" for s, e, _, _ in ERRORS])
def test_what_a_gateway_refuses_is_tried_once(
    waits: list[float], status: int, error: str, kind: type[RefusedError], advice: str
) -> None:
    given = refuse(status, error, "The \x1b[31mreason.", {"Retry_After": "60"}, written=[1])
    failure, asked = failure_of(given, token=None)
    assert type(failure) is kind
    assert isinstance(failure, RefusedError)
    assert (failure.status, failure.error, failure.told["written"]) == (status, error, [1])
    assert failure.seen == f"HTTP {status}: The [31mreason."
    assert advice in failure.advice
    assert (len(asked), waits) == (1, [])
    if isinstance(failure, PausedError):
        assert failure.retry_after_s == 60


def test_a_token_that_is_refused_is_not_a_missing_one() -> None:
    failure, _ = failure_of(refuse(401, "login_required"))
    assert "revoked" in failure.advice


@pytest.mark.parametrize(
    ("errors", "problems"),
    [
        ([{"path": "/charge.max_a", "message": "1..750"}], [Problem("/charge.max_a", "1..750")]),
        ([{"path": "", "message": "they do not fit"}], [Problem("", "they do not fit")]),
        ([5, {"path": "\x1b[2J"}, {}], [Problem("[2J", ""), Problem("", "")]),
        ("no list", []),
        (None, []),
        ([{"path": "/x", "message": "m"}] * 1000, [Problem("/x", "m")] * 16),
    ],
)
def test_what_is_invalid_is_told_by_path(errors: object, problems: list[Problem]) -> None:
    failure, _ = failure_of(refuse(422, "invalid", errors=errors))
    assert isinstance(failure, InvalidError)
    assert failure.problems == problems


def test_a_problem_reads_well() -> None:
    assert str(Problem("/charge.max_a", "1..750")) == "charge.max_a: 1..750"
    assert str(Problem("", "they do not fit")) == "as a whole: they do not fit"


def vanish(request: BaseHTTPRequestHandler) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)
    request.close_connection = True


def wait(over: threading.Event) -> Answer:
    def hold(request: BaseHTTPRequestHandler) -> None:
        over.wait(20)
        request.close_connection = True

    return hold


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (vanish, UnreachableError),
        (answer(b"[1]", JSON), NotAGatewayError),
        (answer(b'{"a": ', JSON), NotAGatewayError),
        (answer(b'{"a": "' + b"x" * (2 << 20) + b'"}', JSON), NotAGatewayError),
        (answer(b"<html>", "text/html"), NotAGatewayError),
    ],
    ids=["lost", "list", "cut", "huge", "html"],
)
def test_whether_it_was_done_is_not_guessed(given: Answer, kind: type[GatewayError], waits: list[float]) -> None:
    failure, asked = failure_of(given)
    assert isinstance(failure, kind)
    assert "not known whether it was done" in failure.advice
    assert (len(asked), waits) == (1, [])


def test_no_answer_in_time_is_not_a_reason_to_try_again() -> None:
    over = threading.Event()
    try:
        failure, asked = failure_of(wait(over), timeout_s=0.5)
    finally:
        over.set()
    assert isinstance(failure, SlowError)
    assert "not known whether it was done" in failure.advice
    assert len(asked) == 1


def test_nobody_there_has_done_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    with GatewayClient(url) as client, pytest.raises(UnreachableError, match="refused") as failure:
        client.post("/x", {})
    assert "not known" not in failure.value.advice


def test_other_servers_that_refuse() -> None:
    for status, kind in ((401, NotLoggedInError), (403, NotAllowedError), (502, RefusedError), (422, RefusedError)):
        failure, asked = failure_of(answer(b"<html>", "text/html", status))
        assert type(failure) is kind
        assert len(asked) == 1


ALL: list[Callable[[GatewayClient], object]] = [
    lambda client: client.put("/x", {}), lambda client: client.patch("/x", {}), lambda client: client.delete("/x"),
]  # fmt: skip


@pytest.mark.parametrize("call", ALL, ids=["PUT", "PATCH", "DELETE"])
def test_each_method_is_tried_once(call: Callable[[GatewayClient], object]) -> None:
    answers = {f"{method} /x": refuse(500, "internal_error") for method in METHODS}
    with client_of(answers) as (client, asked), pytest.raises(RefusedError):
        call(client)
    assert len(asked) == 1
