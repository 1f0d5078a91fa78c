"""Web page and REST status, of good servers and of others."""

import contextlib
import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from support.fixtures.certificates import make_certificate
from support.peers.web_peer import PAGE, STATUS, Answer, Asked, answer, redirect, refuse, web_server
from tinybms_gateway.check.finding import Finding, Result
from tinybms_gateway.check.source import Told
from tinybms_gateway.check.web_check import check_web

REST = "/api/v1/status"
HTML, JSON = "text/html", "application/json"


PATIENT_S = 20.0


def look(url: str, ca: Path | None = None) -> tuple[list[Finding], Told]:
    """Patiently: a busy machine may be slow."""
    return check_web(url, ca, PATIENT_S)


def checked(answers: dict[str, Answer]) -> tuple[Finding, Finding, Told]:
    with web_server(answers) as url:
        (page, rest, *_), told = look(url)
    return page, rest, told


def test_a_gateway() -> None:
    page, rest, told = checked({})
    assert (page.result, rest.result) == (Result.GOOD, Result.GOOD)
    assert told == Told("1.2.3", "gw7")
    assert "version 1.2.3, device gw7" in rest.seen


def test_a_page_that_is_compressed() -> None:
    page, _, _ = checked({"/": answer(gzip.compress(PAGE), HTML, Content_Encoding="gzip")})
    assert page.result is Result.GOOD


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Type", JSON)
    request.end_headers()
    while True:
        request.wfile.write(b" " * 65536)


def bomb() -> bytes:
    return gzip.compress(b" " * (8 << 20))


def dead(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (answer(b"oops", JSON, 500), "HTTP 500"),
        (answer(b"", JSON, 503), "HTTP 503"),
        (answer(b"", JSON, 404), "HTTP 404"),
        (answer(b"", JSON, 401), "asks for a login"),
        (answer(b"", JSON, 204), "HTTP 204"),
        (answer(PAGE, HTML), "not JSON, but text/html"),
        (answer(b"", JSON), "not JSON"),
        (answer(b'{"version": "1.2', JSON), "not JSON"),
        (answer(b'{"version": "\xff\xfe"}', JSON), "not JSON"),
        (answer(b"[" * 50_000, JSON), "not JSON"),
        (answer(b'{"n": ' + b"9" * 50_000 + b"}", JSON), "not JSON"),
        (answer(b"[1, 2]", JSON), "not an object"),
        (answer(bomb(), JSON, Content_Encoding="gzip"), "more than 1024 kB"),
        (answer(b"not gzip", JSON, Content_Encoding="gzip"), "not valid HTTP"),
        (endless, "more than 1024 kB"),
        (dead, "connection was lost"),
        (redirect(REST), "redirects endlessly"),
        (redirect("http://192.0.2.1/"), "another host"),
        (redirect("ftp://127.0.0.1/"), "not valid HTTP"),
        (redirect("http://[oops/"), "not valid HTTP"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rest_answers_that_are_none(given: Answer, seen: str) -> None:
    page, rest, told = checked({REST: given})
    assert page.result is Result.GOOD
    assert rest.result is Result.FAILED
    assert seen in rest.seen
    assert rest.advice
    assert told == Told()


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (answer(b"oops", HTML, 500), "HTTP 500"),
        (answer(STATUS, JSON), "not HTML, but application/json"),
        (answer(b"plain", HTML), "not HTML"),
        (answer(b"", HTML), "not HTML"),
        (answer(PAGE, "\x1b[31m"), "not HTML"),
    ],
)
def test_pages_that_are_none(given: Answer, seen: str) -> None:
    page, rest, _ = checked({"/": given})
    assert (page.result, rest.result) == (Result.FAILED, Result.GOOD)
    assert seen in page.seen
    assert page.seen.isprintable()


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (b"{}", Told()),
        (b'{"version": 1.2, "device": ["gw7"]}', Told()),
        (b'{"version": "1.2.3; rm", "device": "../gw7"}', Told()),
        (b'{"version": "1.2.3-rc.1", "device": "gw-7.lan"}', Told("1.2.3-rc.1", "gw-7.lan")),
    ],
)
def test_what_is_told_is_taken_in_its_form_only(status: bytes, told: Told) -> None:
    assert checked({REST: answer(status, JSON)})[2] == told


@pytest.mark.parametrize(
    ("settings", "result", "seen"),
    [
        (b'{"unconfirmed": false, "restricted": false}', Result.GOOD, "none are lost"),
        (b'{"unconfirmed": true, "restricted": true}', Result.FAILED, "not confirmed"),
        (b'{"unconfirmed": true, "restricted": false}', Result.FAILED, "not confirmed"),
        (b'{"unconfirmed": false, "restricted": true}', Result.FAILED, "still held down"),
        (b'{"unconfirmed": "no", "restricted": false}', Result.FAILED, "does not say"),
        (b"{}", Result.FAILED, "does not say"),
        (b"[]", Result.FAILED, "not an object"),
    ],
)
def test_settings_that_are_lost(settings: bytes, result: Result, seen: str) -> None:
    with web_server({"/api/v1/settings": answer(settings, JSON)}) as url:
        (*_, found), _ = look(url)
    assert (found.check, found.result) == ("settings", result)
    assert seen in found.seen
    assert found.advice or result is Result.GOOD


TOKEN = "tbg_" + "0" * 64


@pytest.mark.parametrize(
    ("given", "token", "result", "seen", "advice"),
    [
        (refuse(401, "login_required"), None, Result.NOT_ASKED_FOR, "wants a login", "--token-file"),
        (refuse(401, "login_required"), TOKEN, Result.FAILED, "HTTP 401", "revoked"),
        (refuse(403, "not_set_up"), None, Result.FAILED, "not set up: it has no password yet", "tinybms-gw setup"),
        (refuse(403, "not_set_up"), TOKEN, Result.FAILED, "not set up", "tinybms-gw setup"),
        (refuse(421, "wrong_host"), None, Result.FAILED, "HTTP 421", "web.hosts"),
        (answer(b"", JSON, 401), None, Result.FAILED, "asks for a login", "address"),
        (refuse(503, "unavailable"), TOKEN, Result.FAILED, "HTTP 503", "try again"),
    ],
)
def test_settings_that_not_everybody_may_read(
    given: Answer, token: str | None, result: Result, seen: str, advice: str
) -> None:
    with web_server({"/api/v1/settings": given}) as url:
        (page, rest, found), told = check_web(url, None, PATIENT_S, token)
    assert (page.result, rest.result, found.result) == (Result.GOOD, Result.GOOD, result)
    assert seen in found.seen and advice in found.advice
    assert told == Told("1.2.3", "gw7"), "everybody may read the status"


def test_a_token_shows_who_asks() -> None:
    asked: list[Asked] = []
    with web_server(asked=asked) as url:
        (*_, found), _ = check_web(url, None, PATIENT_S, TOKEN)
    assert found.result is Result.GOOD
    assert asked[-1].headers["authorization"] == f"Bearer {TOKEN}"


def test_it_is_led_on_within_the_host() -> None:
    page, _, _ = checked({"/": redirect("/ui/"), "/ui/": answer(PAGE, HTML)})
    assert page.result is Result.GOOD


@contextmanager
def raw_server(say: bytes) -> Iterator[str]:
    """Takes a request, says this, and ends."""
    over = threading.Event()

    def accept(server: socket.socket) -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                connection = server.accept()[0]
                with connection:
                    connection.settimeout(5)
                    connection.recv(1000)
                    connection.sendall(say)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        thread = threading.Thread(target=accept, args=(server,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    "say", [b"220 smtp ready\r\n", b"\x00" * 4000, b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 999999 x\r\n\r\n"]
)
def test_a_server_that_speaks_something_else(say: bytes) -> None:
    with raw_server(say) as url:
        findings, _ = look(url)
    assert {finding.result for finding in findings} == {Result.FAILED}


def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        (finding,), _ = check_web(f"http://127.0.0.1:{server.getsockname()[1]}", None, 0.6)
    assert finding.result is Result.FAILED
    assert "no answer in" in finding.seen


def test_nobody_there_is_one_finding() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    findings, _ = look(f"http://127.0.0.1:{port}")
    assert [(finding.check, finding.result) for finding in findings] == [("web page", Result.FAILED)]
    assert "refused" in findings[0].seen


def test_a_name_that_is_not_known() -> None:
    findings, _ = look("http://gateway.invalid")
    assert [finding.seen for finding in findings] == ["unknown host name"]


def test_a_proxy_of_the_environment_is_not_for_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert checked({})[0].result is Result.GOOD


def test_a_certificate_must_be_trusted(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with web_server(certificate=certificate) as url:
        (page,), _ = look(url)
        assert page.result is Result.FAILED
        assert "not trusted" in page.seen
        assert "--ca" in page.advice
        findings, told = look(url, certificate.path)
        assert {finding.result for finding in findings} == {Result.GOOD}
        assert told.version == "1.2.3"


def test_a_certificate_must_be_of_this_host(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "DNS:other.lan")
    with web_server(certificate=certificate) as url:
        (page,), _ = look(url, certificate.path)
    assert page.result is Result.FAILED
    assert "not trusted" in page.seen


def test_https_must_stay_https(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with web_server() as plain, web_server({"/": redirect(f"{plain}/")}, certificate) as url:
        (page, rest, *_), _ = look(url, certificate.path)
    assert (page.result, rest.result) == (Result.FAILED, Result.GOOD)
    assert "from https to http" in page.seen


def test_https_where_http_is_spoken() -> None:
    with web_server() as url:
        (page,), _ = look(url.replace("http:", "https:"))
    assert (page.result, page.seen) == (Result.FAILED, "no TLS connection")


def test_a_file_that_holds_no_certificates(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with web_server() as url:
        findings, _ = look(url.replace("http:", "https:"), tmp_path / "ca.pem")
    assert {finding.result for finding in findings} == {Result.FAILED}
