"""Requests that a stranger makes up: what is wrong with them is answered, or nothing is; the limits go out in time."""

import gzip
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.instruments.web_attack import Target, answers, read_all, request, target

HOST = b"Host: localhost\r\n"
STATUS = b"GET /api/v1/status HTTP/1.1\r\n"
SMUGGLED = b"GET /api/v1/cells HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""What must never be answered; its answer has `difference_mv`, which no other has."""
IN_A_CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
LENGTH = b"Content-Length: %d\r\n" % len(SMUGGLED)
REFUSALS = {400, 404, 405, 408, 411, 413, 414, 421, 431, 501, 505}
METHODS = [
    *("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "COPY", "LOCK", "MKCOL", "MOVE", "PROPFIND"),
    *("PROPPATCH", "SEARCH", "UNLOCK", "BIND", "REBIND", "UNBIND", "ACL", "REPORT", "MKACTIVITY", "CHECKOUT", "MERGE"),
    *("M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "PURGE", "MKCALENDAR", "LINK", "UNLINK", "SOURCE", "DEBUG"),
]
SECRET = b"nobody may read this"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One for all tests here, with a page, and with files that are none of its pages."""
    root = tmp_path_factory.mktemp("files")
    web = root / "web"
    web.mkdir()
    for path, text in {
        web / "index.html.gz": b"<!doctype html>the page",
        web / ".hidden.gz": SECRET,
        root / "secret.gz": SECRET,
        root / "web.gz": SECRET,
    }.items():
        path.write_bytes(gzip.compress(text))
    (web / "link.gz").symlink_to(Path("/etc/passwd"))
    with target("--web", str(web)) as running, running.unharmed():
        yield running


@pytest.fixture(autouse=True)
def still_answering(gateway: Target) -> Iterator[None]:
    yield
    assert gateway.get().json()["status"] == "online"


def refused(gateway: Target, sent: bytes) -> int | None:
    """Status of the one refusal; None: no answer at all."""
    got = gateway.say(sent)
    assert len(got) <= 1, (sent[:200], got)
    if not got:
        return None
    (answer,) = got
    assert answer.status in REFUSALS, (sent[:200], answer)
    assert answer.json().keys() == {"error", "message"} and answer.headers["Content-Type"] == "application/json"
    return answer.status


PATHS = [
    "/../secret",
    "/..%2fsecret",
    "/%2e%2e/secret",
    "/%2e%2e%2fsecret",
    "/%252e%252e%252fsecret",
    "/%c0%ae%c0%ae/secret",
    "/..%00/secret",
    "/secret%00.html",
    "/index.html%00",
    "/..\\secret",
    "/..%5csecret",
    "\\..\\secret",
    "/.../secret",
    "/./../secret",
    "//secret",
    "///etc/passwd",
    "//etc/passwd",
    "/..;/secret",
    "/.hidden",
    "/%2ehidden",
    "/index.html/../../secret",
    "/index.html/",
    "/index.html.gz",
    "/link",
    "/api/v1/../../secret",
    "/api/v1/status/",
    "/api/v1/status/../cells",
    "/api/v1/status%00",
    "/api//v1/status",
    "/API/V1/STATUS",
    "/~root/.ssh/id_rsa",
    "/web_0/index.html",
    "/" + "../" * 150 + "etc/passwd",
    "/" + "a" * 500,
    "/" + "a/" * 240,
    "http://gateway/../secret",
    "http://gateway:80/%2e%2e/secret",
    "file:///etc/passwd",
    "gopher://gateway/secret",
    "*",
    "secret",
    "?../secret",
    "/\x7f",
    "/\xe2\x80\xae",
]


def test_no_path_leads_elsewhere(gateway: Target) -> None:
    (page,) = gateway.say(request("/"))
    assert page.status == 200 and gzip.decompress(page.body) == b"<!doctype html>the page"
    for path in PATHS:
        status = refused(gateway, request(path))
        assert status in (None, 400, 404, 414), path
        if status == 404:
            assert [head.status for head in gateway.say(request(path, method="HEAD"), "HEAD")] == [404], path
    for raw in (b"/a\0b", b"/\0", b"/..\0/secret", b"/a b", b"/a\tb", b"/a\x0bb"):
        assert refused(gateway, b"GET " + raw + b" HTTP/1.1\r\n" + HOST + b"\r\n") in (400, 404), raw


MALFORMED = {
    "nothing but line ends": b"\r\n" * 4000,
    "a line feed": b"\n",
    "no version": b"GET /api/v1/status\r\n" + HOST + b"\r\n",
    "HTTP/0.9": b"GET /api/v1/status\r\n",
    "HTTP/1.2": b"GET /api/v1/status HTTP/1.2\r\n" + HOST + b"\r\n",
    "HTTP/2.0": b"GET /api/v1/status HTTP/2.0\r\n" + HOST + b"\r\n",
    "HTTP/11.1": b"GET /api/v1/status HTTP/11.1\r\n" + HOST + b"\r\n",
    "HTTP/99999999999999999999.1": b"GET /api/v1/status HTTP/99999999999999999999.1\r\n" + HOST + b"\r\n",
    "HTTP/-1.1": b"GET /api/v1/status HTTP/-1.1\r\n" + HOST + b"\r\n",
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "ICY": b"GET /api/v1/status ICY/1.1\r\n" + HOST + b"\r\n",
    "lower-case version": b"GET /api/v1/status http/1.1\r\n" + HOST + b"\r\n",
    "lower-case method": b"get /api/v1/status HTTP/1.1\r\n" + HOST + b"\r\n",
    "method that is none": b"GETS /api/v1/status HTTP/1.1\r\n" + HOST + b"\r\n",
    "method of bytes": b"\xff\xfe /api/v1/status HTTP/1.1\r\n" + HOST + b"\r\n",
    "only a method": b"GET\r\n\r\n",
    "no address": b"GET  HTTP/1.1\r\n" + HOST + b"\r\n",
    "three words too many": b"GET /api/v1/status now please HTTP/1.1\r\n" + HOST + b"\r\n",
    "an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no header at all": STATUS + b"\r\n",
    "no Host": STATUS + b"X: y\r\n\r\n",
    "header without a colon": STATUS + HOST + b"X\r\n\r\n",
    "header without a name": STATUS + HOST + b": y\r\n\r\n",
    "space before the colon": STATUS + HOST + b"X : y\r\n\r\n",
    "space before the first header": STATUS + b" X: y\r\n" + HOST + b"\r\n",
    "NUL in a name": STATUS + HOST + b"X\0Y: z\r\n\r\n",
    "NUL in a value": STATUS + HOST + b"X: y\0z\r\n\r\n",
    "NUL in front": b"\0" + STATUS + HOST + b"\r\n",
    "carriage return in a value": STATUS + HOST + b"X: y\rSet-Cookie: z\r\n\r\n",
    "bytes above 127 in a name": STATUS + HOST + b"\xc3\xa4: y\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "SOCKS": b"\x05\x01\x00",
    "SIP": b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\n\r\n",
    "MQTT": b"\x10\x12\x00\x04MQTT\x04\x02\x00\x3c\x00\x06client",
    "zeros": bytes(4096),
    "Content-Length -1": STATUS + HOST + b"Content-Length: -1\r\n\r\n",
    "Content-Length +5": STATUS + HOST + b"Content-Length: +5\r\n\r\n12345",
    "Content-Length 0x5": STATUS + HOST + b"Content-Length: 0x5\r\n\r\n12345",
    "Content-Length 5,5": STATUS + HOST + b"Content-Length: 5,5\r\n\r\n12345",
    "Content-Length 8193": STATUS + HOST + b"Content-Length: 8193\r\n\r\n" + bytes(8193),
    "Content-Length 10^30": STATUS + HOST + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n12345",
    "Content-Length 2^31": STATUS + HOST + b"Content-Length: 2147483648\r\n\r\n12345",
    "Content-Length 2^32 - 1": STATUS + HOST + b"Content-Length: 4294967295\r\n\r\n12345",
    "Content-Length 2^64 + 5": STATUS + HOST + b"Content-Length: 18446744073709551621\r\n\r\n12345",
    "unfinished request line": b"GET /api/v1/sta",
    "unfinished header": STATUS + b"Host: gate",
    "unfinished head": STATUS + HOST,
    "address of 512 bytes": request("/" + "a" * 520),
    "header of 2 kB": request("/api/v1/status", "X: " + "y" * 2048),
    "200 headers": request("/api/v1/status", *(f"X{n}: y" for n in range(200))),
    "name of 2 kB": request("/api/v1/status", "X" * 2048 + ": y"),
    "upgrade to something else": request("/api/v1/status", "Connection: Upgrade", "Upgrade: h2c"),
}


def test_malformed_requests_are_refused_or_left_without_an_answer(gateway: Target) -> None:
    seen = {name: refused(gateway, sent) for name, sent in MALFORMED.items()}
    assert seen["no version"] == 505 or seen["no version"] == 400
    assert seen["HTTP/2.0"] == seen["HTTP/1.2"] == 505
    assert seen["TLS"] == seen["no Host"] == seen["no header at all"] == seen["header without a colon"] == 400
    assert seen["address of 512 bytes"] == 414
    assert seen["header of 2 kB"] == seen["200 headers"] == seen["name of 2 kB"] == 431
    assert seen["Content-Length 8193"] == seen["Content-Length 2^31"] == 413
    assert {name for name, status in seen.items() if status is None} <= {
        "a line feed", "HTTP/0.9", "unfinished request line", "unfinished header", "unfinished head", "SOCKS",
    }  # fmt: skip


def test_what_others_forgive_is_forgiven(gateway: Target) -> None:
    for sent in (
        b"\r\n" + STATUS + HOST + b"\r\n",
        STATUS.replace(b"\r\n", b"\n") + HOST.replace(b"\r\n", b"\n") + b"\n",
        b"GET /api/v1/status HTTP/1.0\r\n" + HOST + b"\r\n",
        STATUS + b"host:localhost\r\n\r\n",
        b"GET http://localhost/api/v1/status HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /api/v1/status?x=%00&y=../..&z#fragment HTTP/1.1\r\n" + HOST + b"\r\n",
        request("/api/v1/status", "X: " + "y" * 900),
    ):
        (answer,) = gateway.say(sent)
        assert answer.status == 200 and answer.json().keys() == {"version", "device", "api"}, sent


def test_huge_requests_are_cut_off(gateway: Target) -> None:
    noise = random.Random(1).randbytes(1 << 20)
    for sent in (
        noise,
        b"GET /" + b"a" * (1 << 20),
        request("/api/v1/status", *(f"X{n}: y" for n in range(10_000))),
        request("/api/v1/status", "X: " + "y" * (1 << 20)),
        request("/api/v1/status", "Content-Length: 1048576", method="POST") + noise,
        request("/api/v1/status", "Content-Length: 1048576") + noise,
        request("/api/v1/status", "Transfer-Encoding: chunked", method="PUT")
        + b"100000\r\n"
        + noise
        + b"\r\n0\r\n\r\n",
        b"\r\n" * (1 << 19),
    ):
        assert refused(gateway, sent) in (None, 400, 405, 411, 413, 414, 431)


SMUGGLING = {
    "chunked": STATUS + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "in a chunk": STATUS + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + IN_A_CHUNK,
    "coding that is none": STATUS + HOST + b"Transfer-Encoding: xchunked\r\n\r\n" + SMUGGLED,
    "identity": STATUS + HOST + b"Transfer-Encoding: identity\r\n\r\n" + SMUGGLED,
    "gzip, chunked": STATUS + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "coding after a tab": STATUS + HOST + b"Transfer-Encoding:\tchunked\r\n\r\n" + IN_A_CHUNK,
    "empty coding, then chunked": STATUS + HOST + b"Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n"
    + IN_A_CHUNK,
    "identity, then chunked": STATUS + HOST + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n"
    + IN_A_CHUNK,
    "folded coding": STATUS + HOST + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + IN_A_CHUNK,
    "length and coding": STATUS + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "coding and length": STATUS + HOST + b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n0\r\n\r\n" + SMUGGLED,
    "length of 2^32 + 5": STATUS + HOST + b"Content-Length: 4294967301\r\n\r\n12345" + SMUGGLED,
    "length of 2^64": STATUS + HOST + b"Content-Length: 18446744073709551616\r\n\r\n" + SMUGGLED,
    "length of 2^32 - 1": STATUS + HOST + b"Content-Length: 4294967295\r\n\r\n" + SMUGGLED,
    "negative length": STATUS + HOST + b"Content-Length: -1\r\n\r\n" + SMUGGLED,
    "two lengths": STATUS + HOST + b"Content-Length: 0\r\n" + LENGTH + b"\r\n" + SMUGGLED,
    "two lengths, the other way": STATUS + HOST + LENGTH + b"Content-Length: 0\r\n\r\n" + SMUGGLED,
    "empty length, then one": STATUS + HOST + b"Content-Length:\r\nContent-Length: 5\r\n\r\n12345" + SMUGGLED,
    "empty length, then 2^32": STATUS + HOST + b"Content-Length:\r\nContent-Length: 4294967296\r\n\r\n" + SMUGGLED,
    "space in the length": STATUS + HOST + b"Content-Length: 0 5\r\n\r\n12345" + SMUGGLED,
    "list of lengths": STATUS + HOST + b"Content-Length: 0, 0\r\n\r\n" + SMUGGLED,
    "space before the colon": STATUS + HOST + b"Content-Length : %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
    "folded length": STATUS + HOST + b"Content-Length:\r\n %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
    "request in a fold": STATUS + HOST + b"X: a\r\n b\r\n c\r\n d\r\n " + SMUGGLED,
    "request in many folds": STATUS + HOST + b"X: a" + b"\r\n\ta" * 60 + b"\r\n\t" + SMUGGLED,
    "request behind a carriage return": STATUS + HOST + b"X: y\r" + SMUGGLED,
    "request behind NUL": STATUS + HOST + b"X: y\0\r\n\r\n" + SMUGGLED,
    "a body of a request": STATUS + HOST + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
    "a body of POST": request("/api/v1/status", "Content-Length: 0", method="POST") + SMUGGLED,
    "POST without a length": request("/api/v1/status", method="POST") + SMUGGLED,
    "HEAD with a body": request("/api/v1/status", f"Content-Length: {len(SMUGGLED)}", method="HEAD") + SMUGGLED,
    "behind an upgrade": request("/api/v1/status", "Connection: Upgrade", "Upgrade: h2c") + SMUGGLED,
    "behind CONNECT": request("gateway:80", method="CONNECT") + SMUGGLED,
    "behind no Host": STATUS + b"\r\n" + SMUGGLED,
    "behind a refusal": request("/nothing") + SMUGGLED,
    "behind Connection: close": request("/api/v1/status", "Connection: close") + SMUGGLED,
}  # fmt: skip


def test_no_bytes_of_one_request_are_answered_as_another(gateway: Target) -> None:
    for name, sent in SMUGGLING.items():
        method = "HEAD" if sent.startswith(b"HEAD") else "GET"
        got = gateway.say(sent, method)
        assert len(got) <= 2 and all(b"difference_mv" not in answer.body for answer in got), (name, got)
        assert len(got) < 2 or [answer.status for answer in got] == [200, 400], (name, got)


def test_a_body_that_comes_with_its_length_is_read_and_the_next_request_answered(gateway: Target) -> None:
    for length in (1, 127, 128, 129, 5000, 8192):
        body = (SMUGGLED * (length // len(SMUGGLED) + 1))[:length]
        first = request("/api/v1/status", f"Content-Length: {length}") + body
        got = gateway.say(first + request("/api/v1/limits", "Connection: close"))
        assert [answer.status for answer in got] == [200, 200] and "too_cold_to_charge" in got[1].json(), length


def test_pipelined_requests_are_answered_in_their_order(gateway: Target) -> None:
    paths = {"/api/v1/status": "api", "/api/v1/cells": "difference_mv", "/api/v1/can": "tx_ok", "/nothing": "error"}
    order = ["/api/v1/status", "/api/v1/cells", "/api/v1/can"] * 15 + ["/nothing"]
    sent = b"".join(request(path) for path in order)
    got = gateway.say(sent + request())
    assert [paths[path] in answer.json() for path, answer in zip(order, got, strict=True)] == [True] * len(order), (
        "and what follows a refusal is not answered"
    )
    with gateway.connect() as connection:
        for begin in range(0, len(sent), 7):
            connection.sendall(sent[begin : begin + 7])
        assert len(answers(read_all(connection))) == len(order)


def test_a_client_that_waits_in_vain_for_100_continue_is_answered_when_it_goes_on(gateway: Target) -> None:
    with gateway.connect() as connection:
        connection.sendall(request("/api/v1/status", "Content-Length: 5", "Expect: 100-continue"))
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(4096)
        connection.settimeout(10.0)
        connection.sendall(b"12345" + request("/api/v1/limits", "Connection: close"))
        assert [answer.status for answer in answers(read_all(connection))] == [200, 200]


def test_only_get_and_head_are_answered(gateway: Target) -> None:
    for path in ("/api/v1/status", "/", "/ws", "/metrics", "/nothing"):
        for method in METHODS:
            status = refused(gateway, request(path, "Cookie: secret", method=method))
            assert status in (400, 405), (path, method)
    (answer,) = gateway.say(request(method="DELETE"))
    assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD"
    (traced,) = gateway.say(request("/", "Cookie: secret", method="TRACE"))
    assert b"secret" not in traced.body


def test_head_is_what_get_says_without_a_body(gateway: Target) -> None:
    for path in ("/", "/api/v1/state", "/metrics", "/recovery"):
        (head,) = gateway.say(request(path, method="HEAD"), "HEAD")
        (get,) = gateway.say(request(path))
        assert (head.status, head.headers["Content-Type"]) == (get.status, get.headers["Content-Type"])


def test_any_change_of_a_good_request_is_answered_in_http_or_not_at_all(gateway: Target) -> None:
    chance = random.Random(20260101)
    good = request("/api/v1/status?a=b", "Content-Length: 0", "Connection: keep-alive", 'If-None-Match: "x"')
    pieces = [
        b"\r\n",
        b"\n",
        b"\0",
        b" ",
        b":",
        b"GET ",
        b"HTTP/1.1",
        b"\xff",
        b"Transfer-Encoding: chunked\r\n",
        b"%00",
        b"\t",
    ]
    for _ in range(400):
        sent = bytearray(good * chance.randint(1, 2))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(sent))
            match chance.randrange(4):
                case 0:
                    sent[at] = chance.randrange(256)
                case 1:
                    sent[at:at] = chance.choice(pieces)
                case 2:
                    del sent[at : at + chance.randint(1, 12)]
                case _:
                    sent[at:at] = sent[at : at + chance.randint(1, 40)]
        for answer in gateway.say(bytes(sent)):
            assert answer.status in REFUSALS | {200}, bytes(sent)


def test_a_request_in_single_bytes_is_answered(gateway: Target) -> None:
    with gateway.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request("/api/v1/status", "Connection: close"):
            connection.sendall(bytes([byte]))
            time.sleep(0.002)
        assert b'"api":1' in read_all(connection)
