"""The native program: options, environment, signals."""

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tinybms_gateway.gateway_process import PROGRAM, GatewayProcess


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
