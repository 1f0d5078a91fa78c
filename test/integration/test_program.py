"""The native program: options, environment, signals."""

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tinybms_gateway.gateway_process import OWN_WEB, PROGRAM, GatewayProcess


def run(program: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [program, *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=os.environ | environment,
    )


@pytest.fixture
def program(native_build: Path) -> Path:
    return native_build / PROGRAM


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--can", "carrier-pigeon:1"], "socketcand:PORT"),
        (["--can", "socketcand:70000"], "1..65535"),
        (["--can", "socketcand:-1"], "1..65535"),
        (["--can", "socketcan:"], "socketcan:can0"),
        (["--can", "socketcan:../can0"], "socketcan:can0"),
        (["--can", "socketcan:interface-with-a-long-name"], "socketcan:can0"),
        (["--can", "slcan:"], "slcan:HOST:PORT"),
        (["--can", "slcan:ttyACM0"], "slcan:HOST:PORT"),
        (["--can", "slcan::3333"], "slcan:HOST:PORT"),
        (["--can", "slcan:localhost:0"], "1..65535"),
        (["--can", "slcan:localhost:65536"], "1..65535"),
        (["--can", "slcan:localhost:33x"], "1..65535"),
        (["--can", "slcan:" + "x" * 300 + ":3333"], "slcan:HOST:PORT"),
        (["--http", "8080"], "HOST:PORT"),
        (["--http", ":8080"], "HOST:PORT"),
        (["--http", "127.0.0.1:"], "HOST:PORT"),
        (["--http", "127.0.0.1:http"], "HOST:PORT"),
        (["--http", "127.0.0.1:65536"], "HOST:PORT"),
        (["--http", "127.0.0.1:80x"], "HOST:PORT"),
        (["--http", "::1:8080"], "HOST:PORT"),
        (["--http", "[::1]8080"], "HOST:PORT"),
        (["--http", "x" * 300 + ":8080"], "HOST:PORT"),
        (["--http", "no such host:8080"], "not known"),
        (["--http", "192.0.2.1:8080"], "Cannot assign"),
        (["--web", "/proc/nowhere"], "No such file"),
        (["--web", "/proc/version"], "not a directory"),
        (["--time-scale", "0"], "0.01..1000"),
        (["--time-scale", "fast"], "0.01..1000"),
        (["--start-uptime-ms", "-1"], "0..1e+13"),
        (["--log-level", "loud"], "none, error, warn"),
        (["--data", "/proc/nowhere"], "No such file"),
        (["--data", "/proc/version"], "not a directory"),
        (["--setup"], "needs --data"),
        (["--reset-password"], "needs --data"),
        (["--volume", "11"], "unrecognized option"),
        (["--uart"], "requires an argument"),
        (["stray"], "unexpected"),
    ],
)
def test_options_that_make_no_sense_end_it_with_one_line(program: Path, arguments: list[str], complaint: str) -> None:
    ended = run(program, *arguments)
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_environment_variables_are_options(program: Path) -> None:
    ended = run(program, TINYBMS_CAN="nonsense")
    assert ended.returncode == 2
    assert "nonsense" in ended.stderr


def test_help_names_every_option(program: Path) -> None:
    text = run(program, "--help").stdout
    for option in ("--uart", "--can", "--data", "--time-scale", "--start-uptime-ms", "--log-level"):
        assert option in text


def test_a_port_that_is_taken_is_named(program: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run(program, "--can", f"socketcand:{taken.getsockname()[1]}")
    assert ended.returncode == 2
    assert "Address already in use" in ended.stderr


def kernel_has_socketcan() -> bool:
    try:
        socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW).close()
    except OSError:
        return False
    return True


def test_a_can_interface_needs_a_kernel_with_socketcan_and_is_waited_for(tmp_path: Path) -> None:
    gateway = GatewayProcess(None, tmp_path / "data", can="socketcan:nosuch0")
    with suppress(ConnectionError), gateway:
        with suppress(subprocess.TimeoutExpired):
            gateway.process.wait(3.0)
        status = gateway.stop()
    if kernel_has_socketcan():
        assert status == 0
        assert any("nosuch0: No such device; retrying" in line for line in gateway.lines)
    else:
        assert status == 2
        assert [line for line in gateway.lines if "this kernel has no SocketCAN" in line] == list(gateway.lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    with GatewayProcess(None, tmp_path / "data") as gateway:
        gateway.can_backend()
        gateway.process.send_signal(number)
        assert gateway.process.wait(5) == 0


def test_it_lives_without_line_and_without_bus(program: Path) -> None:
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
        process.terminate()
        output, _ = process.communicate(timeout=5)
    assert process.returncode == 0
    assert "no serial device: the line" in output
    assert "no CAN bus: no frame" in output


def test_without_a_data_directory_it_says_that_nobody_can_log_in(program: Path) -> None:
    with subprocess.Popen([program, "--http", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "start complete" in line:
                process.terminate()
    output = "".join(lines)
    assert "--http without --data: no password can be saved" in output
    assert "nobody can set a password" in output
    assert "damaged" not in output, "there is nothing to be damaged"


def code_of(program: Path, data: Path, *more: str) -> str:
    """The set-up code: 10 characters that nobody mistakes for others, alone on standard output."""
    ended = run(program, "--data", str(data), "--setup", *more)
    assert (ended.returncode, ended.stderr) == (0, "")
    code = ended.stdout.removesuffix("\n")
    assert len(code) == 10
    assert code.isalnum()
    return code


def test_the_set_up_code_is_made_once_and_stands_alone_on_standard_output(program: Path, tmp_path: Path) -> None:
    first = code_of(program, tmp_path / "a", "--log-level", "verbose")
    assert code_of(program, tmp_path / "a") == first
    assert code_of(program, tmp_path / "b") != first, "each device has its own"


def test_the_set_up_code_is_told_beside_a_running_gateway_that_goes_on(program: Path, tmp_path: Path) -> None:
    with GatewayProcess(None, tmp_path, "--log-level", "verbose") as gateway:
        code = code_of(program, tmp_path)  # the gateway has only just been started
        gateway.can_backend()
        files = {path: path.stat().st_mtime_ns for path in (tmp_path / "nvs").rglob("*")}
        assert code_of(program, tmp_path) == code
        assert {path: path.stat().st_mtime_ns for path in (tmp_path / "nvs").rglob("*")} == files
        refused = run(program, "--data", str(tmp_path), "--reset-password")
        assert refused.returncode == 2
        assert "in use by a running gateway" in refused.stderr
        assert code_of(program, tmp_path) == code
    assert code not in "\n".join(gateway.lines)


def test_a_password_that_is_taken_back_leaves_another_set_up_code(program: Path, tmp_path: Path) -> None:
    before = code_of(program, tmp_path)
    ended = run(program, "--data", str(tmp_path), "--reset-password")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "taken back" in ended.stdout
    assert before not in ended.stdout
    after = code_of(program, tmp_path)
    assert after != before
    assert after not in ended.stdout


def test_a_free_port_stays_the_same_one_over_a_restart(tmp_path: Path) -> None:
    with GatewayProcess(None, tmp_path, http=OWN_WEB) as gateway:
        before = gateway.url()
        (tmp_path / "http_port").unlink()
        gateway.process.send_signal(signal.SIGUSR1)
        assert gateway.url() == before
