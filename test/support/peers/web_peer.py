"""A web server that answers as a test wants it to."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.fixtures.certificates import Certificate, server_context

PAGE = b"<!doctype html><html><title>TinyBMS</title></html>"
STATUS = b'{"version": "1.2.3", "device": "gw7", "api": 1}'
SETTINGS = b'{"unconfirmed": false, "restricted": false, "settings": {}}'

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By names in small letters."""
    body: bytes

    def json(self) -> Any:
        """The body, which is JSON."""
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


def answer(body: bytes, kind: str, status: int = 200, **headers: str) -> Answer:
    """A whole answer."""

    def send(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return send


def redirect(to: str) -> Answer:
    """Lead elsewhere."""
    return answer(b"", "text/plain", 302, Location=to)


def in_turn(*answers: Answer) -> Answer:
    """One after another; the last one again and again."""
    left = list(answers)

    def send(request: BaseHTTPRequestHandler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(request)

    return send


def refuse(
    status: int, error: str, message: str = "No.", headers: Mapping[str, str] | None = None, **more: Any
) -> Answer:
    """An error as a gateway sends it."""
    body = json.dumps({"error": error, "message": message} | more).encode()
    return answer(body, "application/json", status, **(headers or {}))


GOOD = {
    "/": answer(PAGE, "text/html; charset=utf-8"),
    "/api/v1/status": answer(STATUS, "application/json"),
    "/api/v1/settings": answer(SETTINGS, "application/json"),
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves early is what some tests are about."""


@contextmanager
def web_server(
    answers: dict[str, Answer] | None = None, certificate: Certificate | None = None, asked: list[Asked] | None = None
) -> Iterator[str]:
    """Serve on a free port of this machine; yields the address.

    Args:
        answers: by path, for other methods than GET by method and path ("POST /x"); others than `GOOD`
        certificate: speak TLS with it
        asked: gets each request
    """
    content = {**GOOD, **(answers or {})}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer_it(self) -> None:
            with contextlib.suppress(OSError):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if asked is not None:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    asked.append(Asked(self.command, self.path, headers, body))
                key = self.path if self.command == "GET" else f"{self.command} {self.path}"
                content.get(key, answer(b"no", "text/plain", 404))(self)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer_it  # noqa: N815 - as http.server wants them

        def log_message(self, *_arguments: object) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    if certificate is not None:
        server.socket = server_context(certificate).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
