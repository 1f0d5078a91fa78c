"""The client, with gateways and with servers that are none."""

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from support.fixtures.certificates import make_certificate
from support.instruments.openapi import problems, schema_of
from support.peers.web_peer import Answer, answer, redirect, web_server
from support.peers.websocket_peer import websocket_server
from tinybms_gateway.api.client import GatewayClient, Status
from tinybms_gateway.api.error import GatewayError, NotAGatewayError, RefusedError, SlowError, UnreachableError
from toolkit.api.answers import ANSWERS, MESSAGES, STATE

PATIENT_S = 20.0
IMPATIENT_S = 0.6
JSON = "application/json"


@contextlib.contextmanager
def client_of(given: Answer, timeout_s: float = PATIENT_S) -> Iterator[GatewayClient]:
    with web_server({"/x": given}) as url, GatewayClient(url, timeout_s=timeout_s) as client:
        yield client


def failure_of(given: Answer, timeout_s: float = PATIENT_S) -> GatewayError:
    with client_of(given, timeout_s) as client, pytest.raises(GatewayError) as failure:
        client.object("/x")
    assert failure.value.advice
    return failure.value


def head(request: BaseHTTPRequestHandler, **headers: str) -> None:
    request.send_response(200)
    request.send_header("Content-Type", JSON)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()


def silent(request: BaseHTTPRequestHandler) -> None:
    with contextlib.suppress(OSError):
        request.connection.settimeout(PATIENT_S)
        request.connection.recv(1)  # until the client leaves
    request.close_connection = True


def dripping_header(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.flush_headers()
    drip(request)


def dripping_body(request: BaseHTTPRequestHandler) -> None:
    head(request, Content_Length="1000000")
    drip(request)


def drip(request: BaseHTTPRequestHandler) -> None:
    """Each byte comes in time, the whole never does."""
    end = time.monotonic() + PATIENT_S
    while time.monotonic() < end:
        request.wfile.write(b"X")
        time.sleep(0.05)


def endless(request: BaseHTTPRequestHandler) -> None:
    head(request)
    while True:
        request.wfile.write(b" " * 65536)


def cut(request: BaseHTTPRequestHandler) -> None:
    head(request, Content_Length="1000")
    request.wfile.write(b'{"version": "0.9')
    request.close_connection = True


def cut_chunk(request: BaseHTTPRequestHandler) -> None:
    head(request, Transfer_Encoding="chunked")
    request.wfile.write(b'400\r\n{"version": "0.9')
    request.close_connection = True


def dead(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


def test_the_answers_of_these_tests_are_those_of_a_gateway() -> None:
    for path, value in ANSWERS.items():
        assert problems(schema_of(path), value) == [], path
    for message in MESSAGES:
        assert problems("WebSocketMessage", message) == []


def test_a_good_answer() -> None:
    body = json.dumps(STATE).encode()
    with client_of(answer(body, "application/json; charset=utf-8")) as client:
        assert client.object("/x") == STATE
    with client_of(answer(gzip.compress(body), JSON, Content_Encoding="gzip")) as client:
        assert client.object("/x") == STATE


def test_a_text() -> None:
    with client_of(answer("gr\u00fcn\n".encode() + b"\xff\n", "text/plain; charset=utf-8")) as client:
        assert client.text("/x") == "gr\u00fcn\n\ufffd\n"
    with client_of(answer(b"{}", JSON)) as client, pytest.raises(NotAGatewayError, match="not text"):
        client.text("/x")


@pytest.mark.parametrize("given", [silent, dripping_header, dripping_body])
def test_a_slow_answer_ends_after_the_time_for_the_whole(given: Answer) -> None:
    began = time.monotonic()
    failure = failure_of(given, IMPATIENT_S)
    assert isinstance(failure, SlowError)
    assert failure.seen == "no answer in 0.6 s"
    assert time.monotonic() - began < PATIENT_S / 2


def test_a_client_can_still_be_used_after_a_slow_answer() -> None:
    good = answer(b'{"a": 1}', JSON)
    with web_server({"/x": dripping_body, "/y": good}) as url, GatewayClient(url, timeout_s=2.0) as client:
        with pytest.raises(SlowError):
            client.object("/x")
        assert client.object("/y") == {"a": 1}


def test_one_connection_serves_all_calls() -> None:
    clients = set()

    def note(request: BaseHTTPRequestHandler) -> None:
        clients.add(request.client_address)
        answer(b"{}", JSON)(request)

    with client_of(note) as client:
        for _ in range(5):
            client.object("/x")
    assert len(clients) == 1


@pytest.mark.parametrize(
    ("given", "kind", "seen"),
    [
        (endless, NotAGatewayError, "more than 1024 kB"),
        (answer(gzip.compress(b" " * (64 << 20)), JSON, Content_Encoding="gzip"), NotAGatewayError, "1024 kB"),
        (cut, GatewayError, "not valid HTTP"),
        (cut_chunk, GatewayError, "not valid HTTP"),
        (dead, UnreachableError, "the connection was lost"),
        (answer(b'{"version": "0.9', JSON), NotAGatewayError, "not JSON, but application/json"),
        (answer(b"\xff\xfe", JSON), NotAGatewayError, "not JSON"),
        (answer(b"[" * 100_000, JSON), NotAGatewayError, "not JSON"),
        (answer(b"9" * 100_000, JSON), NotAGatewayError, "not JSON"),
        (answer(b"null", JSON), NotAGatewayError, "not JSON"),
        (answer(b"[1]", JSON), NotAGatewayError, "not an object"),
        (answer(b"<html>", "text/html"), NotAGatewayError, "not JSON, but text/html"),
        (redirect("/x"), NotAGatewayError, "redirects endlessly"),
        (redirect("http://192.0.2.1/"), NotAGatewayError, "another host"),
        (answer(b"", JSON, 204), RefusedError, "HTTP 204"),
        (answer(b"<html>oops</html>", "text/html", 500), RefusedError, "HTTP 500 Internal Server Error"),
        (answer(b'{"error": 5, "message": []}', JSON, 500), RefusedError, "HTTP 500 Internal Server Error"),
        (answer(b"", JSON, 401), RefusedError, "asks for a login"),
    ],
)
def test_answers_that_are_none(given: Answer, kind: type[GatewayError], seen: str) -> None:
    failure = failure_of(given)
    assert isinstance(failure, kind)
    assert seen in failure.seen


def test_an_error_is_told_in_the_words_of_the_gateway() -> None:
    body = b'{"error": "unavailable", "message": "Too many \\u001b[31mclients."}'
    failure = failure_of(answer(body, JSON, 503))
    assert isinstance(failure, RefusedError)
    assert (failure.status, failure.error) == (503, "unavailable")
    assert failure.seen == "HTTP 503: Too many [31mclients."
    assert failure.advice == "try again"


def test_which_gateway_it_is() -> None:
    with web_server() as url, GatewayClient(url) as client:
        assert client.status() == Status("1.2.3", "gw7")


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        (b"{}", "no version and device"),
        (b'{"version": 1, "device": "gw7", "api": 1}', "no version and device"),
        (b'{"version": "1.2.3", "device": "gw7"}', "version None of the interface"),
        (b'{"version": "1.2.3", "device": "gw7", "api": 2}', "version 2 of the interface, not 1"),
    ],
)
def test_one_that_this_program_does_not_know(status: bytes, seen: str) -> None:
    answers = {"/api/v1/status": answer(status, JSON)}
    with web_server(answers) as url, GatewayClient(url) as client, pytest.raises(NotAGatewayError) as failure:
        client.status()
    assert seen in failure.value.seen


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    with GatewayClient(url) as client:
        with pytest.raises(UnreachableError, match="refused"):
            client.json("/x")
        with pytest.raises(UnreachableError, match="refused"), client.listen():
            pass


def test_a_certificate_must_be_trusted(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with web_server(certificate=certificate) as url:
        with GatewayClient(url, timeout_s=PATIENT_S) as client:
            with pytest.raises(UnreachableError, match="not trusted"):
                client.status()
            with pytest.raises(UnreachableError, match="not trusted"), client.listen():
                pass
        with GatewayClient(url, ca=certificate.path, timeout_s=PATIENT_S) as client:
            assert client.status().device == "gw7"


def test_a_websocket_over_tls(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)

    def talk(connection: ServerConnection) -> None:
        connection.send(json.dumps(MESSAGES[0]))
        connection.recv()

    with (
        websocket_server(talk, certificate=certificate) as (url, _),
        GatewayClient(url, ca=certificate.path) as client,
        client.listen() as messages,
    ):
        assert url.startswith("https:")
        assert next(messages) == MESSAGES[0]


def test_a_gateway_behind_a_path_of_a_reverse_proxy() -> None:
    answers = {"/gw7/api/v1/status": answer(b'{"version": "1.2.3", "device": "gw7", "api": 1}', JSON)}
    with web_server(answers) as url, GatewayClient(f"{url}/gw7") as client:
        assert client.status() == Status("1.2.3", "gw7")
    with (
        say(json.dumps(MESSAGES[0])) as (url, paths),
        GatewayClient(f"{url}/gw7") as client,
        client.listen() as messages,
    ):
        assert next(messages) == MESSAGES[0]
    assert paths == ["/gw7/ws"]


def test_neither_a_proxy_nor_a_stored_password_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ops password secret\n")
    asked = []

    def note(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.headers.get("Authorization"))
        answer(b"{}", JSON)(request)

    with client_of(note) as client:
        client.object("/x")
    assert asked == [None]


def say(*messages: str | bytes) -> "contextlib.AbstractContextManager[tuple[str, list[str]]]":
    """A gateway that says this to whoever opens its WebSocket, and then waits for the end."""

    def talk(connection: ServerConnection) -> None:
        for message in messages:
            connection.send(message)
        connection.recv()

    return websocket_server(talk)


def test_messages() -> None:
    with (
        say(*map(json.dumps, MESSAGES)) as (url, paths),
        GatewayClient(url) as client,
        client.listen(["can", "uart"]) as messages,
    ):
        assert [next(messages) for _ in MESSAGES] == MESSAGES
    assert paths == ["/ws?subscribe=can,uart"]


def test_messages_for_a_time() -> None:
    with say(json.dumps(MESSAGES[0])) as (url, paths), GatewayClient(url) as client, client.listen((), 1.0) as messages:
        assert list(messages) == MESSAGES[:1]
    assert paths == ["/ws"]


def heard_from(url: str, kind: type[GatewayError], timeout_s: float = PATIENT_S) -> str:
    """How the WebSocket of a server disappoints."""
    with (
        GatewayClient(url, timeout_s=timeout_s) as client,
        pytest.raises(kind) as failure,
        client.listen() as messages,
    ):
        next(messages)
    return str(failure.value)


@pytest.mark.parametrize("message", ["", "{", "[]", '"state"', "{}", '{"type": 1}', "[" * 100_000, b"\x00\x01"])
def test_messages_that_are_none(message: str | bytes) -> None:
    with say(message) as (url, _):
        assert "not one of a gateway" in heard_from(url, NotAGatewayError)


def test_a_message_that_is_too_large() -> None:
    with say("x" * (2 << 20)) as (url, _):
        assert "lost" in heard_from(url, UnreachableError)


def test_a_gateway_that_closes() -> None:
    with websocket_server(lambda _: None) as (url, _):
        assert "closed the connection" in heard_from(url, UnreachableError)


def test_a_gateway_that_is_gone() -> None:
    def vanish(connection: ServerConnection) -> None:
        connection.socket.shutdown(socket.SHUT_RDWR)

    with websocket_server(vanish) as (url, _):
        assert "lost" in heard_from(url, UnreachableError)


def test_a_websocket_that_is_refused() -> None:
    def refuse(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(503, '{"error": "unavailable", "message": "Four clients are connected."}')

    with websocket_server(lambda _: None, refuse) as (url, _):
        assert "HTTP 503: Four clients are connected.; try again" in heard_from(url, RefusedError)


def test_a_server_without_websocket() -> None:
    with web_server({"/ws": answer(b"{}", JSON)}) as url:
        assert "HTTP 200" in heard_from(url, GatewayError)


def test_a_server_that_says_nothing_when_asked_for_a_websocket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert "no answer" in heard_from(f"http://127.0.0.1:{server.getsockname()[1]}", SlowError, IMPATIENT_S)


def test_a_server_that_speaks_something_else_when_asked_for_a_websocket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(2000)
                connection.sendall(b"220 smtp ready\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        assert "not that of a WebSocket" in heard_from(f"http://127.0.0.1:{server.getsockname()[1]}", NotAGatewayError)
        thread.join()
