"""Setting values of a running simulator from another program: JSON lines over a Unix socket."""

import json
import logging
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tinybms_gateway.sim.bms.line import BmsLine

log = logging.getLogger(__name__)

LONGEST_LINE = 64 * 1024


Number = Annotated[float, Field(allow_inf_nan=False)]


class Command(BaseModel):
    """One line from a client; both parts are optional, the answer always holds the current values."""

    model_config = ConfigDict(extra="forbid")

    set: dict[str, Number] = {}
    fault: dict[str, Number] = {}


def perform(line: BmsLine, text: bytes) -> dict[str, Any]:
    """Carry out one command; the answer is ``{"ok": true, "values": {...}}`` or ``{"ok": false, "error": "..."}``."""
    try:
        command = Command.model_validate_json(text)
        with line.lock:
            for name, value in command.set.items():
                line.bms.set_value(name, value)
            for name, value in command.fault.items():
                line.faults.set(name, value)
            return {"ok": True, "values": line.bms.values()}
    except ValidationError as error:
        first = error.errors()[0]
        return {"ok": False, "error": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}
    except (ValueError, OverflowError) as error:
        return {"ok": False, "error": str(error)}


@contextmanager
def control_socket(line: BmsLine, path: Path) -> Iterator[None]:
    """Serve commands on a Unix socket while the context lasts."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while text := self.rfile.readline(LONGEST_LINE):
                self.wfile.write(json.dumps(perform(line, text)).encode() + b"\n")

    if path.exists() and not path.is_socket():
        raise FileExistsError(f"{path}: a file exists there; give another name for the socket")
    path.unlink(missing_ok=True)
    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, name="control", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            path.unlink(missing_ok=True)


def send_command(path: Path, values: dict[str, float], faults: dict[str, float]) -> dict[str, Any]:
    """Send one command to a running simulator and return its answer.

    Raises:
        OSError: nothing listens there.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5.0)
        connection.connect(str(path))
        connection.sendall(json.dumps({"set": values, "fault": faults}).encode() + b"\n")
        answer = connection.makefile("rb").readline()
    return dict(json.loads(answer))
