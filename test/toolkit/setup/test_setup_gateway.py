"""``tinybms-gw setup`` with a real gateway: its data, its web server, and its console on a terminal."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.fixtures.access import PASSWORD, log_in
from support.peers.console_peer import console
from tinybms_gateway.cli import main
from tinybms_gateway.gateway_process import OWN_BUS, OWN_WEB, GatewayProcess, arguments


def setup(*words: object) -> Result:
    return CliRunner().invoke(main, ["setup", *map(str, words)], env={"TINYBMS_PASSWORD": ""})


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = {"code": tmp_path / "code", "password": tmp_path / "password"}
    for path in found.values():
        path.write_text(PASSWORD)
        path.chmod(0o600)
    return found


def test_from_the_first_start_to_a_reset(tmp_path: Path, files: dict[str, Path]) -> None:
    data = tmp_path / "data"
    data.mkdir()
    before = setup("--data", data)
    assert before.exit_code == 0
    assert len(before.stdout) == 12
    with GatewayProcess(None, data, http=OWN_WEB) as gateway:
        url = gateway.url()
        assert setup("--data", data, "--json").stdout == json.dumps(
            {"set_up": False, "setup_code": before.stdout.strip()}, indent=2
        ) + "\n"  # fmt: skip
        files["code"].write_text("AAAAA-AAAAA")
        wrong = setup("--url", url, "--code-file", files["code"], "--password-file", files["password"])
        assert (wrong.exit_code, "HTTP 401" in wrong.output) == (1, True)
        files["code"].write_text(before.stdout.lower())
        good = setup("--url", url, "--code-file", files["code"], "--password-file", files["password"])
        assert good.exit_code == 0, good.output
        log_in(url)
        void = setup("--data", data)
        assert (void.exit_code, void.stdout) == (1, "")
        assert "--reset" in void.stderr
        again = setup("--url", url, "--code-file", files["code"], "--password-file", files["password"])
        assert (again.exit_code, "a password is set" in again.output) == (1, True)
        running = setup("--data", data, "--reset", "--yes")
        assert (running.exit_code, "running gateway" in running.output) == (2, True)
    reset = setup("--data", data, "--reset", "--yes")
    assert reset.exit_code == 0, reset.output
    assert len(reset.stdout) == 12 and reset.stdout != before.stdout


@contextmanager
def on_a_cable(data: Path) -> Iterator[str]:
    """A gateway whose console is at the other end of a serial cable; the name of this end."""
    command = [*arguments(None, OWN_BUS, data, "--http", OWN_WEB, "--log-level", "none"), "--console"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None and stdout is not None

        def carry(line: str) -> list[bytes]:
            stdin.write(f"{line}\n".encode())
            stdin.flush()
            return [b"I (12345) battery: online\r\n", stdout.readline()]

        try:
            with console(carry) as (name, _):
                yield name
        finally:
            process.terminate()
            process.wait(20)


def test_the_console(tmp_path: Path, files: dict[str, Path]) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with on_a_cable(data) as port:
        first = setup("--port", port)
        assert (first.exit_code, first.stdout) == (0, setup("--data", data).stdout)
        url = f"http://127.0.0.1:{(data / 'http_port').read_text().strip()}"
        done = setup("--port", port, "--url", url, "--password-file", files["password"])
        assert done.exit_code == 0, done.output
        session = log_in(url)
        assert setup("--port", port).exit_code == 1, "void"
        reset = setup("--port", port, "--reset", "--yes")
        assert reset.exit_code == 0, reset.output
        assert reset.stdout not in ("", first.stdout)
        assert session.change("GET", "/api/v1/tokens").status_code in (401, 403), "its session has ended"
