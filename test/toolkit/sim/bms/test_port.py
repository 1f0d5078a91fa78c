"""The simulated TinyBMS on a serial port, as behind a USB-TTL adapter; two pseudo terminals play the wire."""

import os
import subprocess
import sys
import time
import tty
from pathlib import Path

import pytest
import serial
from click.testing import CliRunner, Result

from support.peers.serial_pair import serial_pair
from tinybms_gateway.cli import main
from tinybms_gateway.sim.bms import protocol
from tinybms_gateway.sim.bms.ends import SerialEnd
from tinybms_gateway.sim.bms.line import BmsLine

TOOL = Path(sys.executable).with_name("tinybms-gw")
TEMPERATURES = protocol.frame(0x1B)
LIVE = protocol.frame(0x03, b"\0\0\0\x38")
LIVE_LENGTH = 5 + 2 * 56


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["sim", "bms", *map(str, arguments)])


def complaint(result: Result) -> str:
    """The one line that says what is wrong."""
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    return line


def start(port: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([TOOL, "sim", "bms", "--port", port], stderr=subprocess.PIPE, text=True)


def ask(port: serial.Serial, request: bytes, length: int) -> bytes:
    port.write(request)
    return bytes(port.read(length))


def test_requests_over_a_wire_are_answered_until_it_is_pulled_out() -> None:
    with serial_pair() as (ours, theirs), serial.Serial(theirs, 115200, timeout=0.3) as gateway:
        line = BmsLine(SerialEnd(Path(ours)))
        with line:
            assert line.link == Path(ours)
            assert ask(gateway, LIVE, LIVE_LENGTH)[:3] == b"\xaa\x03\x70"
            line.unplug()
            assert ask(gateway, TEMPERATURES, 11) == b""
            line.plug()
            gateway.timeout = 1.0
            time.sleep(
                0.2
            )  # what arrived meanwhile is still in the wire of pseudo terminals: no request stops that long
            gateway.reset_input_buffer()
            assert len(ask(gateway, TEMPERATURES, 11)) == 11
        assert Path(ours).exists(), "a device is left where it is"


def test_as_a_program_it_serves_a_port_and_ends_in_order() -> None:
    with (
        serial_pair() as (ours, theirs),
        serial.Serial(theirs, 115200, timeout=0.1) as gateway,
        start(ours) as simulator,
    ):
        deadline = time.monotonic() + 10.0
        while not ask(gateway, TEMPERATURES, 11):
            assert time.monotonic() < deadline
        simulator.terminate()
        assert simulator.wait(5.0) == 0


def test_an_adapter_that_is_pulled_out_ends_it_with_one_line() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    os.close(slave)
    with start(name) as simulator:
        assert simulator.stderr is not None
        assert name in simulator.stderr.readline(), "it says where it is"
        os.close(master)
        assert simulator.wait(5.0) == 2
        assert simulator.stderr.read().splitlines() == [
            f"Error: {name}: the serial port has disappeared; is the adapter plugged in?"
        ]


def test_a_port_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    assert "no such port" in complaint(run("--port", tmp_path / "ttyUSB9"))
    plain = tmp_path / "plain"
    plain.write_text("precious")
    assert "cannot be used as a serial port" in complaint(run("--port", plain))
    assert plain.read_text() == "precious"


def test_a_port_that_another_program_has_is_left_to_it() -> None:
    with serial_pair() as (ours, _), serial.Serial(ours, exclusive=True):
        assert "in use by another program" in complaint(run("--port", ours))


@pytest.mark.parametrize("both", [True, False])
def test_one_end_has_to_be_chosen(tmp_path: Path, both: bool) -> None:
    ends = ("--pty", tmp_path / "bms", "--port", "/dev/null") if both else ()
    assert "give either" in complaint(run(*ends))
    assert not (tmp_path / "bms").is_symlink()
