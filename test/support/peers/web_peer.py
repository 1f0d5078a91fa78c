"""A web server that answers as a test wants it to."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.fixtures.certificates import Certificate, server_context

PAGE = b"<!doctype html><html><title>TinyBMS</title></html>"
STATUS = b'{"version": "1.2.3", "device": "gw7", "api": 1}'
SETTINGS = b'{"unconfirmed": false, "restricted": false, "settings": {}}'

Answer = Callable[[BaseHTTPRequestHandler], None]


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
def web_server(answers: dict[str, Answer] | None = None, certificate: Certificate | None = None) -> Iterator[str]:
    """Serve on a free port of this machine; yields the address.

    Args:
        answers: by path; others than `GOOD`
        certificate: speak TLS with it
    """
    content = {**GOOD, **(answers or {})}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with contextlib.suppress(OSError):
                content.get(self.path, answer(b"no", "text/plain", 404))(self)

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
