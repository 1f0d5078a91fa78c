"""A WebSocket server that says what a test wants it to."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from support.fixtures.certificates import Certificate, server_context

Gate = Callable[[ServerConnection, Request], Response | None]


@contextmanager
def websocket_server(
    talk: Callable[[ServerConnection], None], gate: Gate | None = None, certificate: Certificate | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Serve on a free port of this machine.

    Args:
        talk: what to do with a client; the connection is closed when it returns
        gate: answers instead, if it returns an answer
        certificate: speak TLS with it

    Yields:
        The address of the server over HTTP, and the paths that clients ask for, as they come.
    """
    paths: list[str] = []
    quiet = logging.getLogger("websocket peer")
    quiet.setLevel(logging.CRITICAL)

    def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        paths.append(connection.request.path)
        with suppress(ConnectionClosed):
            talk(connection)

    context = server_context(certificate) if certificate is not None else None
    with serve(handle, "127.0.0.1", 0, ssl=context, process_request=gate, compression=None, logger=quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http{'s' if context else ''}://127.0.0.1:{server.socket.getsockname()[1]}", paths
        finally:
            server.shutdown()
            thread.join()
