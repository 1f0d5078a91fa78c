"""The client of a gateway's REST interface and WebSocket (`docs/openapi.yaml`): the only one in this package."""

import concurrent.futures
import json
import math
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
    GatewayError,
    NotAGatewayError,
    RefusedError,
    SlowError,
    UnreachableError,
)
from tinybms_gateway.foreign_text import shortened

Result = TypeVar("Result")

TIMEOUT_S = 10.0
MOST_BYTES = 1024 * 1024
"""Of an answer, uncompressed: many times what a gateway sends."""
PIECE = 4096
MOST_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
STATUS_PATH = "/api/v1/status"
API_VERSION = 1
CLOSE_WITHIN_S = 2.0


@dataclass(frozen=True)
class Answer:
    """A good answer."""

    kind: str
    """Media type, without parameters."""
    body: bytes
    whole: bool = True
    """False: more was sent than was asked for."""


@dataclass(frozen=True)
class Status:
    """What a gateway says of itself."""

    version: str
    device: str


class GatewayClient:
    """One gateway. A call takes at most `timeout_s`, whatever the other side does. Use it as a context, in one thread.

    Certificates are always verified. Neither a proxy nor a password that is stored on this machine is used: they are
    not meant for a gateway on the local network.
    """

    def __init__(self, url: str, *, ca: Path | None = None, timeout_s: float = TIMEOUT_S) -> None:
        """Make it; nothing is sent.

        Args:
            url: address without a slash at its end, see `parse_url`
            ca: certificates to trust instead of the usual ones
            timeout_s: longest time for a call
        """
        self.url = url
        self._ca = ca
        self._timeout_s = timeout_s
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
        session = self._session
        try:
            return _within(self._timeout_s, lambda: self._get(session, self.url + path, most_bytes))
        except concurrent.futures.TimeoutError as error:
            self._session = self._new_session()  # the thread may still use the old one
            raise SlowError(
                f"no answer in {self._timeout_s:g} s", "is the gateway on this network? Try ping"
            ) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise _what_failed(error, self._timeout_s) from error

    def json(self, path: str) -> Any:
        """Get a JSON document.

        Raises:
            GatewayError: there is no answer, or not a good one.
        """
        answer = self._whole(path)
        value = _parse(answer.body)
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

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self._ca) if self._ca is not None else True
        return session

    def _get(self, session: requests.Session, url: str, most_bytes: int) -> Answer:
        host, secured = urlsplit(url).hostname, url.lower().startswith("https:")
        for _ in range(MOST_REDIRECTS + 1):
            with session.get(url, timeout=self._timeout_s, stream=True, allow_redirects=False) as response:
                if response.status_code not in REDIRECTS:
                    return _answer(response, most_bytes)
                target = urljoin(url, response.headers.get("Location", ""))
            if urlsplit(target).hostname != host:
                raise NotAGatewayError(f"redirects to another host: {target}", "give the gateway's own address")
            if secured and not target.lower().startswith("https:"):
                advice = "anyone could answer there: https must stay https"
                raise NotAGatewayError(f"redirects from https to {target}", advice)
            url = target
        raise NotAGatewayError("redirects endlessly", WRONG_ADDRESS)

    def _connect(self, address: str) -> ClientConnection:
        secured = address.startswith("wss:")
        try:
            return connect(
                address,
                ssl=ssl.create_default_context(cafile=self._ca or DEFAULT_CA_BUNDLE_PATH) if secured else None,
                open_timeout=self._timeout_s,
                close_timeout=CLOSE_WITHIN_S,
                max_size=MOST_BYTES,
                compression=None,
                proxy=None,
            )
        except InvalidStatus as error:
            body = bytes(error.response.body or b"")
            raise _refused(error.response.status_code, error.response.reason_phrase, body) from error
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


def _answer(response: requests.Response, most_bytes: int) -> Answer:
    body = bytearray()
    for piece in response.iter_content(PIECE):
        body += piece
        if len(body) > most_bytes:
            break
    if response.status_code != 200:
        raise _refused(response.status_code, response.reason, bytes(body))
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Answer(shortened(kind, 40), bytes(body[:most_bytes]), len(body) <= most_bytes)


def _refused(status: int, reason: str | None, body: bytes) -> RefusedError:
    if status in (401, 403):
        return RefusedError(status, "", f"HTTP {status}: asks for a login", "this must be readable without one")
    told = _parse(body)
    if isinstance(told, dict) and isinstance(told.get("error"), str) and isinstance(told.get("message"), str):
        advice = "try again" if status == 503 else "the gateway's log may say more"
        return RefusedError(status, shortened(told["error"]), f"HTTP {status}: {told['message']}", advice)
    advice = WRONG_ADDRESS if status < 500 else "check the gateway's log"
    return RefusedError(status, "", f"HTTP {status} {reason or ''}".rstrip(), advice)


def _parse(body: bytes | str) -> Any:
    """The value of a JSON document; None: it is not one."""
    try:
        return json.loads(body.decode("utf-8") if isinstance(body, bytes) else body)
    except (ValueError, RecursionError):
        return None


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
        value = _parse(message) if isinstance(message, str) else None
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
        "the connection was lost",
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
