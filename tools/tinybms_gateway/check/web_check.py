"""The gateway's web page and REST status, over HTTP or HTTPS."""

import json
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from tinybms_gateway.check.finding import Finding, failed, good, shortened
from tinybms_gateway.check.services import DEVICE_FIELD, STATUS_PATH, UI_PATH, VERSION_FIELD
from tinybms_gateway.check.source import Told

ANSWER_WITHIN_S = 4.0
"""To connect, and between two pieces of an answer; the caller bounds the total."""
MOST_BYTES = 64 * 1024
PIECE = 4096
MOST_REDIRECTS = 3
UI_NAME = "web page"
REST_NAME = "REST status"
REDIRECTS = (301, 302, 303, 307, 308)


class AnswerError(Exception):
    """An unusable answer, and what to do about it."""

    def __init__(self, seen: str, advice: str) -> None:
        super().__init__(seen)
        self.seen = shortened(seen)
        self.advice = advice


class UnreachableError(AnswerError):
    """Nobody answers there: nothing else need be requested."""


def check_web(url: str, ca: Path | None) -> tuple[list[Finding], Told]:
    """Request both, one after the other; only the page if nobody answers.

    Args:
        url: address of the gateway, without a path's slash at its end
        ca: certificates to trust instead of the system's

    Returns:
        A finding for each, and what the gateway reported about itself.
    """
    with requests.Session() as session:
        session.trust_env = False  # neither a proxy nor a stored password is meant for a gateway on the local network
        session.verify = str(ca) if ca is not None else True
        try:
            page = good(UI_NAME, _page(session, url + UI_PATH))
        except UnreachableError as error:
            return [failed(UI_NAME, error.seen, error.advice)], Told()
        except AnswerError as error:
            page = failed(UI_NAME, error.seen, error.advice)
        try:
            told = _status(session, url + STATUS_PATH)
        except AnswerError as error:
            return [page, failed(REST_NAME, error.seen, error.advice)], Told()
        return [page, good(REST_NAME, f"{url + STATUS_PATH} answers, {told}")], told


def _page(session: requests.Session, url: str) -> str:
    kind, body, _ = _get(session, url)
    start = body[:1024].lstrip().lower()
    if kind != "text/html" or not (start.startswith((b"<!doctype html", b"<html")) or b"<html" in start):
        raise AnswerError(f"not HTML, but {kind or 'something without a type'}", "is this the gateway's address?")
    return f"{url} answers"


def _status(session: requests.Session, url: str) -> Told:
    kind, body, whole = _get(session, url)
    if not whole:
        raise AnswerError(f"more than {MOST_BYTES // 1024} kB", "is this the gateway's address?")
    try:
        status = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise AnswerError(
            f"not JSON, but {kind or 'something without a type'}", "is this the gateway's address?"
        ) from None
    if not isinstance(status, dict):
        raise AnswerError("JSON, but not an object", "is this the gateway's address?")
    return Told.of(status, VERSION_FIELD, DEVICE_FIELD)


def _get(session: requests.Session, url: str) -> tuple[str, bytes, bool]:
    """Get a page; returns its type, its first bytes, and whether these are all."""
    host, secured = urlsplit(url).hostname, url.lower().startswith("https:")
    for _ in range(MOST_REDIRECTS + 1):
        try:
            with session.get(url, timeout=ANSWER_WITHIN_S, stream=True, allow_redirects=False) as response:
                if response.status_code not in REDIRECTS:
                    return _body(response)
                target = urljoin(url, response.headers.get("Location", ""))
        except (requests.ConnectionError, requests.Timeout) as error:
            raise UnreachableError(*_what_failed(error)) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise AnswerError(*_what_failed(error)) from error
        if urlsplit(target).hostname != host:
            raise AnswerError(f"redirects to another host: {target}", "give the gateway's own address")
        if secured and not target.lower().startswith("https:"):
            raise AnswerError(f"redirects from https to {target}", "anyone could answer there: https must stay https")
        url = target
    raise AnswerError("redirects endlessly", "is this the gateway's address?")


def _body(response: requests.Response) -> tuple[str, bytes, bool]:
    if response.status_code in (401, 403):
        raise AnswerError(f"HTTP {response.status_code}: asks for a login", "this page must be readable without one")
    if response.status_code != 200:
        reason = f"HTTP {response.status_code} {response.reason or ''}".rstrip()
        advice = "is this the gateway's address?" if response.status_code < 500 else "check the gateway's log"
        raise AnswerError(reason, advice)
    body = bytearray()
    for piece in response.iter_content(PIECE):
        body += piece
        if len(body) > MOST_BYTES:
            break
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return shortened(kind, 40), bytes(body[:MOST_BYTES]), len(body) <= MOST_BYTES


FAILURES: tuple[tuple[type[Exception], str, str, str], ...] = (
    (
        requests.exceptions.SSLError,
        "CERTIFICATE_VERIFY_FAILED",
        "its certificate is not trusted",
        "give the certificate of the gateway or of its CA with --ca",
    ),
    (requests.exceptions.SSLError, "", "no TLS connection", "does the gateway speak https there? Try http"),
    (
        requests.exceptions.Timeout,
        "",
        f"no answer in {ANSWER_WITHIN_S:.0f} s",
        "is the gateway on this network? Try ping",
    ),
    (
        requests.exceptions.ConnectionError,
        "refused",
        "the connection is refused",
        "is the port right, and is the gateway's web server running?",
    ),
    (
        requests.exceptions.ConnectionError,
        "resolve",
        "unknown host name",
        "give an address such as http://192.168.1.20",
    ),
    (
        requests.exceptions.ConnectionError,
        "",
        "the connection was lost",
        "is it a web server, and is http or https right?",
    ),
)
"""Exception, a part of its text, what was seen, what to do; the first one that fits."""


def _what_failed(error: Exception) -> tuple[str, str]:
    for kind, part, seen, advice in FAILURES:
        if isinstance(error, kind) and part in str(error):
            return seen, advice
    return "the answer is not valid HTTP", "is this the gateway's address?"
