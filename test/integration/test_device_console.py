"""The console (UART0, natively standard input): commands of whoever has the device in hand, and what else comes in."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.fixtures.access import PASSWORD, Access, change, session_of
from support.instruments.watch import wait_until
from tinybms_gateway.gateway_data import setup_code
from tinybms_gateway.gateway_process import arguments

ANSWER_S = 5.0


@dataclass
class Console:
    """A gateway with its console."""

    data: Path
    process: "subprocess.Popen[bytes]"
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.decode("ascii").rstrip("\n"))

    def send(self, raw: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(raw)
        self.process.stdin.flush()

    def said(self) -> list[str]:
        return [line for line in list(self.lines) if line.startswith("console: ")]

    def ask(self, line: str) -> str:
        """The one answer to a line."""
        before = len(self.said())
        self.send(line.encode() + b"\n")
        wait_until(lambda: len(self.said()) > before, ANSWER_S, lambda: f"no answer to {line}")
        return self.said()[before].removeprefix("console: ")

    def url(self) -> str:
        wait_until((self.data / "http_port").exists, 20.0)
        return f"http://127.0.0.1:{(self.data / 'http_port').read_text().strip()}"

    def set_up(self) -> Access:
        body = {"code": setup_code(self.data), "password": PASSWORD}
        return session_of(self.url(), change(self.url(), "POST", "/api/v1/setup", body))


@contextmanager
def gateway(data: Path, *options: str, stdin: int = subprocess.PIPE) -> Iterator[Console]:
    process = subprocess.Popen(
        arguments(None, None, data, "--http", "127.0.0.1:0", *options), stdin=stdin, stdout=subprocess.PIPE
    )
    console = Console(data, process)
    reader = threading.Thread(target=console.read, name="log")
    reader.start()
    try:
        wait_until(lambda: any("start complete" in line for line in console.lines), 20.0)
        yield console
    finally:
        process.terminate()
        status = process.wait(10)
        reader.join()
        if process.stdin is not None:
            process.stdin.close()
        assert status == 0


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with gateway(tmp_path, "--console") as running:
        yield running


def test_the_console_tells_the_set_up_code_and_the_log_does_not(console: Console) -> None:
    code = setup_code(console.data)
    assert code is not None
    assert console.ask("setup-code") == f"the set-up code is {code}"
    assert "setup-code" in console.ask("help")
    access = console.set_up()
    log = access.ask("GET", "/api/v1/log").text
    assert "start complete" in log
    assert code not in log and "console" not in log
    assert "void" in console.ask("setup-code")
    entries = access.ask("GET", "/api/v1/audit").json()["entries"]
    assert [(entry["name"], entry["address"]) for entry in entries if entry["what"] == "set-up code shown"] == [
        ("console", None)
    ]
    assert code not in str(entries)


def test_the_console_takes_the_password_back_when_it_is_asked_twice(console: Console) -> None:
    access = console.set_up()
    token = {"Authorization": f"Bearer {access.token('program', 'full')}"}
    assert "first" in console.ask("reset-password yes")
    assert "reset-password yes" in console.ask("reset-password")
    assert "unknown" in console.ask("what?")
    assert "first" in console.ask("reset-password yes"), "something else came between"
    assert access.ask("GET", "/api/v1/settings").status_code == 200
    console.ask("reset-password")
    assert "taken back" in console.ask("reset-password yes")
    assert access.ask("GET", "/api/v1/settings").status_code == 403
    assert change(access.url, "GET", "/api/v1/settings", headers=token).status_code == 403
    code = console.ask("setup-code").rpartition(" ")[2]
    assert code == setup_code(console.data)
    again = session_of(access.url, change(access.url, "POST", "/api/v1/setup", {"code": code, "password": PASSWORD}))
    assert again.ask("GET", "/api/v1/tokens").json() == {"tokens": []}
    entries = again.ask("GET", "/api/v1/audit").json()["entries"]
    assert [entry["name"] for entry in entries if entry["what"] == "password and tokens taken back"] == ["console"]


def test_who_has_begun_a_change_when_the_password_is_taken_back_makes_none(console: Console) -> None:
    access = console.set_up()
    body = b'{"name": "left-behind", "right": "full"}'
    headers = {**access.headers, "Host": "localhost", "Content-Type": "application/json", "Content-Length": len(body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    console.ask("reset-password")
    with socket.create_connection(("127.0.0.1", int(access.url.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(f"POST /api/v1/tokens HTTP/1.1\r\n{head}\r\n".encode() + body[:1])
        time.sleep(0.5)  # who asks has been looked at, and the body is waited for
        assert "taken back" in console.ask("reset-password yes")
        connection.sendall(body[1:])
        assert connection.recv(64).startswith(b"HTTP/1.1 401 ")
    code = console.ask("setup-code").rpartition(" ")[2]
    again = session_of(access.url, change(access.url, "POST", "/api/v1/setup", {"code": code, "password": PASSWORD}))
    assert again.ask("GET", "/api/v1/tokens").json() == {"tokens": []}


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_line_may_end_as_terminals_end_it_and_be_corrected(console: Console, end: bytes) -> None:
    console.send(b"helq\x08p" + end + b"helq\x7fp" + end)
    wait_until(lambda: len(console.said()) == 2, ANSWER_S)
    assert all("commands" in line for line in console.said())


def test_noise_gets_no_answer_and_the_next_line_does(console: Console) -> None:
    console.send(bytes(range(256)) * 4 + b"\n" + b"x" * 5000 + b"\n\x00help\n\xffhelp\n")
    assert "commands" in console.ask("help")
    assert len(console.said()) <= 1 + 2, "of all bytes in their order two lines are text"
    assert console.process.poll() is None


def test_a_flood_is_answered_a_few_lines_a_second_and_stops_nothing(console: Console) -> None:
    access = console.set_up()
    os.set_blocking(console.process.stdin.fileno(), False)  # type: ignore[union-attr]
    end = time.monotonic() + 3.0
    while time.monotonic() < end:
        try:
            os.write(console.process.stdin.fileno(), b"setup-code\nx\n" * 100)  # type: ignore[union-attr]
        except BlockingIOError:
            time.sleep(0.01)
        assert change(access.url, "GET", "/api/v1/status").status_code == 200
    assert 1 <= len(console.said()) < 100
    assert access.token("made-meanwhile")


def test_the_end_of_the_input_ends_the_console_alone(console: Console) -> None:
    assert console.ask("help")
    assert console.process.stdin is not None
    console.process.stdin.close()
    console.process.stdin = None
    assert console.set_up().ask("GET", "/api/v1/settings").status_code == 200
    assert console.process.poll() is None


def test_without_the_option_standard_input_is_not_read(tmp_path: Path) -> None:
    with gateway(tmp_path) as running:
        running.send(b"setup-code\n")
        assert running.set_up().ask("GET", "/api/v1/settings").status_code == 200
        assert running.said() == []


def test_a_closed_standard_input_is_no_console_and_no_reason_to_stop(tmp_path: Path) -> None:
    with gateway(tmp_path, "--console", stdin=subprocess.DEVNULL) as running:
        assert running.set_up().ask("GET", "/api/v1/settings").status_code == 200
