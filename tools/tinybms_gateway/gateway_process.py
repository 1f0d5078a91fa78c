"""The native build of the gateway as a child process."""

import contextlib
import logging
import os
import subprocess
import threading
import time
from collections import deque
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
BUILD_DIR_VARIABLE = "TINYBMS_BUILD_DIR"
PROGRAM = "tinybms-web-gateway.elf"
STOP_WITHIN_S = 5.0
START_WITHIN_S = 20.0
LINES_KEPT = 5000
OWN_BUS = "socketcand:0"
"""A bus on a free port of this machine."""
OWN_WEB = "127.0.0.1:0"
"""A web server on a free port of this machine, for programs on it."""
WILDCARDS = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
"""Every address of this machine -> one that leads to it."""


def build_dir() -> Path:
    """Where the native build is: `TINYBMS_BUILD_DIR`, or ``build-linux`` in the source tree."""
    return Path(os.environ.get(BUILD_DIR_VARIABLE) or ROOT / "build-linux").resolve()


def ensure_built() -> Path:
    """Build the gateway if it is missing; returns the program.

    Raises:
        FileNotFoundError: there is no source tree to build from.
        ValueError: the build failed.
    """
    program = build_dir() / PROGRAM
    if program.is_file():
        return program
    script = ROOT / "tools/dev/build.sh"
    if not script.is_file():
        raise FileNotFoundError(f"{program}: not found, and no source tree to build it from (pip install -e .)")
    log.info("building the gateway in %s", build_dir())
    if subprocess.run([script, build_dir()], check=False).returncode != 0:
        raise ValueError("the gateway could not be built; 'make build' shows why")
    return program


def arguments(uart: str | None, can: str | None, data: Path | None, *extra: str) -> list[str]:
    """Command line of the program."""
    command = [str(ensure_built())]
    for option, value in (("--uart", uart), ("--can", can), ("--data", data)):
        if value is not None:
            command += [option, str(value)]
    return [*command, *extra]


class GatewayProcess:
    """The gateway as a child; runs between `__enter__` and `__exit__`."""

    def __init__(self, uart: Path | None, data: Path, *extra: str, can: str = OWN_BUS, http: str | None = None) -> None:
        """Make it.

        Args:
            uart: serial device; None: none
            data: its directory
            *extra: further options of the program
            can: its CAN bus
            http: HOST:PORT of its web server; None: none
        """
        self.data = data
        self._can = can
        self._http = http
        extra = (*extra, "--http", http) if http is not None else extra
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        """Its newest log lines."""
        self._command = arguments(str(uart) if uart else None, can, data, *extra)
        self._started_by = 0.0
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> "GatewayProcess":
        for name in ("can_port", "http_port"):
            (self.data / name).unlink(missing_ok=True)
        self._started_by = time.monotonic() + START_WITHIN_S
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, name="gateway log", daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status = self.stop()
        if kind is None and status != 0:
            raise ConnectionError(f"the gateway ended with status {status}: " + " | ".join(list(self.lines)[-5:]))

    @property
    def process(self) -> "subprocess.Popen[str]":
        """The child.

        Raises:
            RuntimeError: it was not started.
        """
        if self._process is None:
            raise RuntimeError("the gateway is not running")
        return self._process

    def can_backend(self) -> str:
        """Its bus, as `open_bus` takes it; if the gateway makes the bus, waits until it exists.

        Raises:
            ValueError: the gateway ended, or was not ready in time; with its last log lines.
        """
        if self._can != OWN_BUS:
            return self._can
        return f"socketcand:{self._wait_for('can_port')}"

    def url(self) -> str:
        """Address of its web server; waits until that answers.

        Raises:
            ValueError: the gateway ended, or was not ready in time; with its last log lines.
            RuntimeError: it was started without one.
        """
        if self._http is None:
            raise RuntimeError("the gateway has no web server")
        address = self._address(self._wait_for("http_port"))
        while not _answers(address):
            self._check_starting()
        return address

    def url_if_ready(self) -> str | None:
        """Address of its web server; None: there is none, or it does not listen yet."""
        ready = self._http is not None and (self.data / "http_port").is_file()
        return self._address((self.data / "http_port").read_text().strip()) if ready else None

    def stop(self) -> int:
        """End it in order; returns its exit status."""
        process = self.process
        if process.poll() is None:
            process.terminate()
        try:
            status = process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        if self._reader is not None:
            self._reader.join()
        return status

    def _wait_for(self, name: str) -> str:
        """Content of a file that the program writes when that part of it is ready."""
        while not (self.data / name).is_file():
            self._check_starting()
        return (self.data / name).read_text().strip()

    def _check_starting(self) -> None:
        """Wait a moment for what a start still lacks."""
        if self.process.poll() is not None or time.monotonic() > self._started_by:
            raise ValueError("the gateway did not start: " + " | ".join(list(self.lines)[-5:]))
        time.sleep(0.01)

    def _address(self, port: str) -> str:
        host = (self._http or "").rpartition(":")[0]
        return f"http://{WILDCARDS.get(host, host)}:{port}"

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            for line in stdout:
                self.lines.append(line.rstrip("\n"))
                log.debug("%s", line.rstrip("\n"))


def _answers(address: str) -> bool:
    """Whether a web server serves its interface: it listens a moment earlier."""
    parts = urlsplit(address)
    with contextlib.closing(HTTPConnection(parts.hostname or "", parts.port, timeout=1.0)) as connection:
        try:
            connection.request("GET", "/api/v1/status")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
