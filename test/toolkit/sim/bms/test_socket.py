"""The simulated TinyBMS on a serial line that another program serves on TCP, as an emulator does with a UART."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.fixtures.ports import free_ports
from tinybms_gateway.cli import main
from tinybms_gateway.sim.bms import protocol
from tinybms_gateway.sim.bms.ends import SocketEnd
from tinybms_gateway.sim.bms.line import BmsLine

TOOL = Path(sys.executable).with_name("tinybms-gw")
TEMPERATURES, ANSWER_BYTES = protocol.frame(0x1B), 11
COMES_WITHIN_S = 10.0


@contextmanager
def emulator(port: int) -> Iterator[socket.socket]:
    """Listens, as an emulator that is running."""
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(COMES_WITHIN_S)
        yield server


def uart(server: socket.socket) -> socket.socket:
    """The chip's side of the line, once the simulator is there."""
    connection, _ = server.accept()
    connection.settimeout(COMES_WITHIN_S)
    return connection


def answers(chip: socket.socket) -> bool:
    chip.sendall(TEMPERATURES)
    received = b""
    while len(received) < ANSWER_BYTES and (piece := chip.recv(64)):
        received += piece
    return received[:2] == TEMPERATURES[:2] and len(received) == ANSWER_BYTES


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def line(port: int) -> Iterator[BmsLine]:
    """Is there before anybody listens."""
    with BmsLine(SocketEnd(f"socket://127.0.0.1:{port}")) as running:
        assert not running.connected
        yield running


def test_an_emulator_that_starts_later_is_served(line: BmsLine, port: int) -> None:
    with emulator(port) as server, uart(server) as chip:
        assert answers(chip)
        assert line.connected


def test_an_emulator_that_ends_and_starts_again_is_served_again(line: BmsLine, port: int) -> None:
    for _ in range(2):
        with emulator(port) as server, uart(server) as chip:
            assert answers(chip)
    assert line.alive


def test_a_chip_that_hangs_up_is_joined_again(line: BmsLine, port: int) -> None:
    with emulator(port) as server:
        for _ in range(2):
            with uart(server) as chip:
                assert answers(chip)
    assert line.alive


def test_an_unplugged_line_is_hung_up_and_joined_again_when_it_is_put_in(line: BmsLine, port: int) -> None:
    with emulator(port) as server:
        with uart(server) as chip:
            assert answers(chip)
            line.unplug()
            assert chip.recv(1) == b"", "hung up"
        server.settimeout(0.3)
        with pytest.raises(TimeoutError):
            server.accept()
        server.settimeout(COMES_WITHIN_S)
        line.plug()
        with uart(server) as chip:
            assert answers(chip)


def test_bytes_come_at_the_pace_of_the_line(line: BmsLine, port: int) -> None:
    """117 bytes of ten bits take 10.2 ms at 115200 baud."""
    live, length = protocol.frame(0x03, b"\0\0\0\x38"), 5 + 2 * 56
    with emulator(port) as server, uart(server) as chip:
        asked, received = time.monotonic(), 0
        chip.sendall(live)
        while received < length:
            received += len(chip.recv(length))
        took_s = time.monotonic() - asked
    assert line.answers == 1
    assert took_s > 0.0102


def test_as_a_program_it_waits_for_the_emulator_and_says_so(port: int) -> None:
    command = [TOOL, "sim", "bms", "--port", f"socket://127.0.0.1:{port}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as simulator:
        assert simulator.stderr is not None
        said = [simulator.stderr.readline() for _ in range(2)]
        assert "no connection (Connection refused); waiting" in said[1]
        with emulator(port) as server, uart(server) as chip:
            assert answers(chip)
        simulator.terminate()
        assert simulator.wait(COMES_WITHIN_S) == 0


@pytest.mark.parametrize("url", ["socket://", "socket://host", "socket://host:many", "socket://:5556", "tcp://host:1"])
def test_an_address_that_makes_no_sense_is_said_in_one_line(url: str) -> None:
    ended = CliRunner().invoke(main, ["sim", "bms", "--port", url])
    assert ended.exit_code == 2
    assert ended.stderr == f"Error: {url}: is not a serial line on TCP; give socket://HOST:PORT\n"
