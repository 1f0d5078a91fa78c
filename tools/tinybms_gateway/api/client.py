"""The client of a gateway's REST interface and WebSocket (`docs/openapi.yaml`): the only one in this package."""

import concurrent.futures
import contextlib
import json
import logging
import math
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

from tinybms_gateway.api.error import (
    WRONG_ADDRESS,
    BusyError,
    GatewayError,
    NotAGatewayError,
    RefusedError,
    SlowError,
    UnreachableError,
)
from tinybms_gateway.api.refusal import parse, refusal
from tinybms_gateway.foreign_text import shortened

Result = TypeVar("Result")

QUIET = logging.getLogger(f"{__name__}.websocket")
QUIET.setLevel(logging.WARNING)
"""It would log each header, and so the token."""

TIMEOUT_S = 10.0
MOST_BYTES = 1024 * 1024
"""Of an answer, uncompressed: many times what a gateway sends."""
PIECE = 4096
MOST_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
STATUS_PATH = "/api/v1/status"
API_VERSION = 1
CLOSE_WITHIN_S = 2.0
CHANGE_WITHIN_S = 60.0
"""For an answer to a change, at least: hashing a password and writing registers take their time."""
LOGOUT_WITHIN_S = 5.0
BUSY_TRIES = 10
BUSY_WAIT_MOST_S = 5
DONE = (200, 201, 202, 204)
LOST = "the connection was lost"
NOT_KNOWN = "it is not known whether it was done: look before you repeat it"
PORTS = {"http": 80, "https": 443}
SESSION_COOKIE = re.compile(r"(?:^|, )session=([0-9a-f]{64})(?=;|,|$)")
SESSION_PATH = "/api/v1/session"


@dataclass(frozen=True)
class Answer:
    """A good answer."""

    kind: str
    """Media type, without parameters."""
    body: bytes
    whole: bool = True
    """False: more was sent than was asked for."""
    status: int = 200
    cookie: str = field(default="", repr=False)
    """Value of the session that it starts; empty: none."""


@dataclass(frozen=True)
class Status:
    """What a gateway says of itself."""

    version: str
    device: str


@dataclass(frozen=True)
class _Login:
    """A session of the administrator."""

    cookie: str = field(repr=False)
    csrf: str = field(repr=False)


class GatewayClient:
    """One gateway. A call takes at most `timeout_s`, whatever the other side does. Use it as a context, in one thread.

    Certificates are always verified. Neither a proxy nor a password that is stored on this machine is used: they are
    not meant for a gateway on the local network. Token and session go to the address that was given and to no other.
    """

    def __init__(
        self, url: str, *, ca: Path | None = None, timeout_s: float = TIMEOUT_S, token: str | None = None
    ) -> None:
        """Make it; nothing is sent.

        Args:
            url: address without a slash at its end, see `parse_url`
            ca: certificates to trust instead of the usual ones
            timeout_s: longest time for a call
            token: shows who asks, as long as nobody has logged in
        """
        self.url = url
        self._ca = ca
        self._timeout_s = timeout_s
        self._token = token
        self._login: _Login | None = None
        self._session = self._new_session()

    def __enter__(self) -> "GatewayClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def get(self, path: str, most_bytes: int = MOST_BYTES) -> Answer:
        """Get what is at a path, following redirects within the host.

        Args:
            path: with a slash in front
            most_bytes: no more is read

        Raises:
            GatewayError: there is no answer, or not a good one.
        """

        def once() -> Answer:
            session = self._session
            return self._bounded(self._timeout_s, lambda: self._get(session, self.url + path, most_bytes))

        return _unless_busy(once)

    def change(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        revision: str | None = None,
        within_s: float = CHANGE_WITHIN_S,
    ) -> dict[str, Any]:
        """Ask for a change, once: only while the gateway is busy, and so has done nothing, it is asked again.

        Args:
            method: POST, PUT, PATCH or DELETE
            path: with a slash in front
            body: JSON; None: nothing
            revision: the change is for the settings of this revision only
            within_s: longest time for the answer, if that is more than the usual one

        Returns:
            The answer; empty if it has no content.

        Raises:
            GatewayError: it was refused, or it is not known whether it was done; the advice says so then.
        """
        return _object(self._changed(method, path, body, revision, max(within_s, self._timeout_s)))

    def post(self, path: str, body: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """`change` by POST."""
        return self.change("POST", path, body, **options)

    def put(self, path: str, body: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """`change` by PUT."""
        return self.change("PUT", path, body, **options)

    def patch(self, path: str, body: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """`change` by PATCH."""
        return self.change("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> dict[str, Any]:
        """`change` by DELETE."""
        return self.change("DELETE", path, **options)

    def log_in(self, password: str) -> None:
        """Start a session of the administrator; it is used from now on, instead of the token.

        Raises:
            GatewayError: it was refused, or there is no good answer.
        """
        self._start(self._changed("POST", SESSION_PATH, {"password": password}))

    def set_up(self, code: str, password: str) -> None:
        """Set the first password, and start a session.

        Raises:
            GatewayError: it was refused, or there is no good answer.
        """
        self._start(self._changed("POST", "/api/v1/setup", {"code": code, "password": password}))

    def change_password(self, old: str, fresh: str) -> None:
        """Change the password; other sessions end, this one goes on.

        Raises:
            GatewayError: it was refused, or there is no good answer.
        """
        self._start(self._changed("PUT", "/api/v1/password", {"old": old, "new": fresh}))

    def log_out(self) -> None:
        """End the session, if there is one.

        Raises:
            GatewayError: there is no good answer; this program has forgotten the session all the same.
        """
        if self._login is not None:
            try:
                self._changed("DELETE", SESSION_PATH, None, None, min(LOGOUT_WITHIN_S, self._timeout_s))
            finally:
                self._login = None

    @contextmanager
    def logged_in(self, password: str) -> Iterator[None]:
        """Log in, and out at the end, however it ends.

        Raises:
            GatewayError: it was refused, or there is no good answer.
        """
        self.log_in(password)
        try:
            yield
        finally:
            with contextlib.suppress(GatewayError):  # a session that is left ends by itself
                self.log_out()

    def json(self, path: str) -> Any:
        """Get a JSON document.

        Raises:
            GatewayError: there is no answer, or not a good one.
        """
        answer = self._whole(path)
        value = parse(answer.body)
        if value is None:
            raise NotAGatewayError(f"not JSON, but {answer.kind or 'something without a type'}", WRONG_ADDRESS)
        return value

    def object(self, path: str) -> dict[str, Any]:
        """Get a JSON object.

        Raises:
            GatewayError: there is no answer, or not a good one.
        """
        value = self.json(path)
        if not isinstance(value, dict):
            raise NotAGatewayError("JSON, but not an object", WRONG_ADDRESS)
        return value

    def text(self, path: str) -> str:
        """Get a text.

        Raises:
            GatewayError: there is no answer, or not a good one.
        """
        answer = self._whole(path)
        if answer.kind != "text/plain":
            raise NotAGatewayError(f"not text, but {answer.kind or 'something without a type'}", WRONG_ADDRESS)
        return answer.body.decode("utf-8", "replace")

    def status(self) -> Status:
        """Make sure that it is a gateway with an interface that this program knows.

        Raises:
            GatewayError: there is no answer, or not one of such a gateway.
        """
        told = self.object(STATUS_PATH)
        version, device = told.get("version"), told.get("device")
        if not isinstance(version, str) or not isinstance(device, str):
            raise NotAGatewayError("no version and device", WRONG_ADDRESS)
        if told.get("api") != API_VERSION:
            raise NotAGatewayError(
                f"version {told.get('api')} of the interface, not {API_VERSION}",
                "use the toolkit of the gateway's release",
            )
        return Status(shortened(version), shortened(device))

    @contextmanager
    def listen(self, topics: Sequence[str] = (), seconds: float | None = None) -> Iterator[Iterator[dict[str, Any]]]:
        """Open the WebSocket; the context is an iterator of its messages: `StateMessage` and those of the topics.

        Args:
            topics: any of ``can`` and ``uart``
            seconds: when it ends; None: never

        Raises:
            GatewayError: it cannot be opened; in the iterator: it was closed, or a message is not one.
        """
        address = "ws" + self.url.removeprefix("http") + "/ws" + (f"?subscribe={','.join(topics)}" if topics else "")
        with self._connect(address) as connection:
            yield _messages(connection, math.inf if seconds is None else time.monotonic() + seconds)

    def _whole(self, path: str) -> Answer:
        answer = self.get(path)
        if not answer.whole:
            raise NotAGatewayError(f"more than {MOST_BYTES // 1024} kB", WRONG_ADDRESS)
        return answer

    def _changed(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        revision: str | None = None,
        within_s: float = CHANGE_WITHIN_S,
    ) -> Answer:
        headers = {"If-Match": f'"{revision}"'} if revision is not None else {}

        def once() -> Answer:
            session = self._session
            return self._bounded(within_s, lambda: self._send(session, method, self.url + path, body, headers))

        try:
            return _unless_busy(once)
        except (SlowError, NotAGatewayError) as error:
            raise type(error)(error.seen, NOT_KNOWN) from error
        except UnreachableError as error:
            raise UnreachableError(error.seen, NOT_KNOWN if error.seen == LOST else error.advice) from error

    def _start(self, answer: Answer) -> None:
        csrf = _object(answer).get("csrf")
        if not answer.cookie or not isinstance(csrf, str) or not re.fullmatch("[0-9a-f]{32}", csrf):
            raise NotAGatewayError("a login without a session", WRONG_ADDRESS)
        self._login = _Login(answer.cookie, csrf)

    def _credentials(self, *, changes: bool) -> dict[str, str]:
        """Headers that say who asks."""
        if self._login is not None:
            csrf = {"X-CSRF-Token": self._login.csrf} if changes else {}
            return {"Cookie": f"session={self._login.cookie}"} | csrf
        return {"Authorization": f"Bearer {self._token}"} if self._token is not None else {}

    def _bounded(self, within_s: float, work: Callable[[], Answer]) -> Answer:
        try:
            return _within(within_s, work)
        except concurrent.futures.TimeoutError as error:
            self._session = self._new_session()  # the thread may still use the old one
            raise SlowError(f"no answer in {within_s:g} s", "is the gateway on this network? Try ping") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise _what_failed(error, within_s) from error

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # it would send them to other ports too
        session.verify = str(self._ca) if self._ca is not None else True
        return session

    def _get(self, session: requests.Session, url: str, most_bytes: int) -> Answer:
        headers, first = self._credentials(changes=False), url
        for _ in range(MOST_REDIRECTS + 1):
            with session.get(
                url, headers=headers, timeout=self._timeout_s, stream=True, allow_redirects=False
            ) as response:
                if response.status_code not in REDIRECTS:
                    return _answer(response, most_bytes, (200,), known=bool(headers))
                target = urljoin(url, response.headers.get("Location", ""))
            _check_redirect(first, target, known=bool(headers))
            url = target
        raise NotAGatewayError("redirects endlessly", WRONG_ADDRESS)

    def _send(
        self,
        session: requests.Session,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        known = self._credentials(changes=True)
        data = None
        if body is not None:
            headers = {**headers, "Content-Type": "application/json"}
            data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        with session.request(
            method, url, data=data, headers={**known, **headers}, timeout=CHANGE_WITHIN_S, stream=True,
            allow_redirects=False,
        ) as response:  # fmt: skip
            if response.status_code in REDIRECTS:
                target = urljoin(url, response.headers.get("Location", ""))
                raise RefusedError(response.status_code, {}, f"redirects to {target}", "give that address with --url")
            return _answer(response, MOST_BYTES, DONE, known=bool(known))

    def _connect(self, address: str) -> ClientConnection:
        secured, known = address.startswith("wss:"), self._credentials(changes=False)
        try:
            return connect(
                address,
                ssl=ssl.create_default_context(cafile=self._ca or DEFAULT_CA_BUNDLE_PATH) if secured else None,
                open_timeout=self._timeout_s,
                close_timeout=CLOSE_WITHIN_S,
                max_size=MOST_BYTES,
                compression=None,
                proxy=None,
                additional_headers=known,
                logger=QUIET,
            )
        except InvalidStatus as error:
            told = error.response
            body, headers = bytes(told.body or b""), dict(told.headers.raw_items())
            raise refusal(told.status_code, told.reason_phrase, body, headers, known=bool(known)) from error
        except TimeoutError as error:
            raise SlowError(
                f"no answer in {self._timeout_s:g} s", "is the gateway on this network? Try ping"
            ) from error
        except ssl.SSLError as error:
            raise _what_failed(requests.exceptions.SSLError(str(error)), self._timeout_s) from error
        except (InvalidHandshake, InvalidURI, ConnectionClosed, EOFError, ValueError) as error:
            raise NotAGatewayError("the answer is not that of a WebSocket", WRONG_ADDRESS) from error
        except OSError as error:
            raise _what_failed(requests.exceptions.ConnectionError(str(error)), self._timeout_s) from error


def _unless_busy(once: Callable[[], Answer]) -> Answer:
    """Ask, and ask again a few times while the gateway is busy: it has done nothing then."""
    for _ in range(BUSY_TRIES - 1):
        try:
            return once()
        except BusyError as error:
            time.sleep(min(error.retry_after_s, BUSY_WAIT_MOST_S))
    return once()


def _within(seconds: float, work: Callable[[], Result]) -> Result:
    """Work in a thread: each receive of a slow answer may be quick, and the whole never ends."""
    future: concurrent.futures.Future[Result] = concurrent.futures.Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="request", daemon=True).start()
    return future.result(seconds)


def _answer(response: requests.Response, most_bytes: int, good: Sequence[int], *, known: bool) -> Answer:
    body = bytearray()
    for piece in response.iter_content(PIECE):
        body += piece
        if len(body) > most_bytes:
            break
    if response.status_code not in good:
        raise refusal(response.status_code, response.reason, bytes(body), response.headers, known=known)
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    cookie = SESSION_COOKIE.search(response.headers.get("Set-Cookie", ""))
    return Answer(
        shortened(kind, 40), bytes(body[:most_bytes]), len(body) <= most_bytes, response.status_code,
        cookie[1] if cookie else "",
    )  # fmt: skip


def _object(answer: Answer) -> dict[str, Any]:
    """What the answer to a change holds."""
    if answer.status == 204:
        return {}
    value = parse(answer.body) if answer.whole else None
    if not isinstance(value, dict):
        raise NotAGatewayError(f"not a JSON object, but {answer.kind or 'something without a type'}", NOT_KNOWN)
    return value


def _check_redirect(url: str, target: str, *, known: bool) -> None:
    """Refuse to be led elsewhere.

    Raises:
        NotAGatewayError: to another host, from https to http, or with a token or session to any other address.
    """
    if urlsplit(target).hostname != urlsplit(url).hostname:
        raise NotAGatewayError(f"redirects to another host: {target}", "give the gateway's own address")
    if url.lower().startswith("https:") and not target.lower().startswith("https:"):
        advice = "anyone could answer there: https must stay https"
        raise NotAGatewayError(f"redirects from https to {target}", advice)
    if known and _origin(target) != _origin(url):
        advice = "nobody is told there who asks; give that address with --url"
        raise NotAGatewayError(f"redirects to {target}", advice)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)


def _messages(connection: ClientConnection, deadline: float) -> Iterator[dict[str, Any]]:
    while (left := deadline - time.monotonic()) > 0:
        try:
            message = connection.recv(timeout=left if left < math.inf else None)
        except TimeoutError:
            return
        except ConnectionClosedOK as error:
            raise UnreachableError("it has closed the connection", "it may be restarting; try again") from error
        except ConnectionClosed as error:
            raise UnreachableError("the connection was lost", "is the gateway still running?") from error
        value = parse(message) if isinstance(message, str) else None
        if not isinstance(value, dict) or not isinstance(value.get("type"), str):
            raise NotAGatewayError("a message that is not one of a gateway", WRONG_ADDRESS)
        yield value


FAILURES: tuple[tuple[type[Exception], str, str, str], ...] = (
    (
        requests.exceptions.SSLError,
        "CERTIFICATE_VERIFY_FAILED",
        "its certificate is not trusted",
        "give the certificate of the gateway or of its CA with --ca",
    ),
    (requests.exceptions.SSLError, "", "no TLS connection", "does the gateway speak https there? Try http"),
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
    (requests.exceptions.ConnectionError, "not known", "unknown host name", "give an address, http://192.168.1.20"),
    (
        requests.exceptions.ConnectionError,
        "",
        LOST,
        "is it a web server, and is http or https right?",
    ),
)
"""Exception, a part of its text, what was seen, what to do; the first one that fits."""


def _what_failed(error: Exception, timeout_s: float) -> GatewayError:
    if isinstance(error, requests.exceptions.Timeout):
        return SlowError(f"no answer in {timeout_s:g} s", "is the gateway on this network? Try ping")
    for kind, part, seen, advice in FAILURES:
        if isinstance(error, kind) and part in str(error):
            return UnreachableError(seen, advice)
    return NotAGatewayError("the answer is not valid HTTP", WRONG_ADDRESS)
