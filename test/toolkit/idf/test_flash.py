"""tinybms-gw idf flash and erase: the port, what idf.py is called with, consent."""

import os
import pty
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from tinybms_gateway.idf import ports
from toolkit.idf.idf_world import World


@pytest.fixture
def port() -> Iterator[str]:
    """A serial device that nobody has open: only our end of a pseudo terminal is."""
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)
    os.close(theirs)
    yield name
    os.close(ours)


def board(
    device: str, vendor: int | None = 0x10C4, product: str = "CP2102N USB to UART Bridge Controller"
) -> ListPortInfo:
    info = ListPortInfo(device)
    info.vid, info.product = vendor, product
    return info


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> list[ListPortInfo]:
    """What pyserial finds."""
    found: list[ListPortInfo] = []
    monkeypatch.setattr(list_ports, "comports", lambda: found)
    return found


def test_the_port_that_is_given_is_taken(world: World, port: str) -> None:
    result = world.run("flash", "--port", port)
    assert result.exit_code == 0, result.output
    assert world.argv() == ["-p", port, "flash"]
    assert f"port {port}, as given" in result.stderr


@pytest.mark.parametrize("given", [("-p", "{}"), ("--port={}",)])
def test_the_port_may_be_given_as_to_idf_py(world: World, port: str, given: tuple[str, ...]) -> None:
    assert world.run("flash", *(word.format(port) for word in given), "-b", "921600").exit_code == 0
    assert world.argv() == ["-p", port, "flash"]


def test_the_baud_rate_goes_by_the_environment_so_that_a_monitor_does_not_take_it(world: World, port: str) -> None:
    world.run("flash", "--port", port, "--baud", "460800")
    assert world.only_call()["environment"]["ESPBAUD"] == "460800"
    assert "460800" not in world.argv()


def test_port_and_baud_rate_of_the_environment(world: World, port: str) -> None:
    assert world.run("flash", ESPPORT=port, ESPBAUD="115200").exit_code == 0
    assert world.argv() == ["-p", port, "flash"]
    assert world.only_call()["environment"]["ESPBAUD"] == "115200"
    assert "ESPPORT" not in world.only_call()["environment"]


def test_the_only_board_is_found_and_named(world: World, port: str, plugged: list[ListPortInfo]) -> None:
    plugged += [board("/dev/ttyS0", None), board("/dev/ttyACM9", 0x1D50, "canable"), board(port)]
    result = world.run("flash")
    assert result.exit_code == 0, result.output
    assert f"port {port}, the only one: CP210x, CP2102N USB to UART Bridge Controller" in result.stderr
    assert world.argv() == ["-p", port, "flash"]


@pytest.mark.parametrize("vendor", [0x10C4, 0x1A86, 0x0403, 0x303A])
def test_boards_have_adapters_of_four_vendors(plugged: list[ListPortInfo], vendor: int) -> None:
    plugged.append(board("/dev/ttyUSB7", vendor))
    assert [found.device for found in ports.candidates()] == ["/dev/ttyUSB7"]


def test_idf_py_test_takes_the_same_boards(root: Path) -> None:
    (vendors,) = re.findall(r"^VENDORS = \((.*)\)$", (root / "idf_ext.py").read_text(), re.MULTILINE)
    assert {int(vendor, 16) for vendor in vendors.split(", ")} == set(ports.VENDORS)


def refused(world: World, *command: str) -> str:
    result = world.run(*command)
    assert result.exit_code == 2, result.output
    assert len(result.stderr.strip().splitlines()) == 1
    assert world.calls() == []
    return result.stderr


@pytest.mark.parametrize("command", [("flash",), ("monitor",)])
def test_no_board_is_one_line(world: World, plugged: list[ListPortInfo], command: tuple[str, ...]) -> None:
    plugged.append(board("/dev/ttyS0", None))
    assert "no serial port with a USB adapter of an ESP32 board was found" in refused(world, *command)


def test_several_boards_are_listed(world: World, plugged: list[ListPortInfo]) -> None:
    plugged += [board("/dev/ttyUSB1", 0x1A86, "USB Serial"), board("/dev/ttyUSB0")]
    said = refused(world, "flash")
    assert "/dev/ttyUSB0 (CP210x, CP2102N USB to UART Bridge Controller), /dev/ttyUSB1 (CH34x, USB Serial)" in said
    assert "--port" in said


def test_a_port_that_is_not_there(world: World, plugged: list[ListPortInfo]) -> None:
    assert "there is no /dev/ttyUSB5; is the board connected?" in refused(world, "flash", "--port", "/dev/ttyUSB5")
    plugged.append(board("/dev/ttyUSB0"))
    assert "there is /dev/ttyUSB0" in refused(world, "flash", "--port", "/dev/ttyUSB5")


def test_a_file_is_no_port(world: World) -> None:
    assert "is not a serial port" in refused(world, "flash", "--port", str(world.project / "version.txt"))


def test_a_port_in_use_is_named_with_its_user(world: World, port: str) -> None:
    user = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        assert f"{port} is in use by process {os.getpid()} (" in refused(world, "flash", "--port", port)
    finally:
        os.close(user)


def test_no_permission_for_the_port_names_its_group(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)  # root may do everything
    with pytest.raises(ValueError, match=r"^no permission for .*: sudo usermod -aG \w+ \$USER, then log in again"):
        ports.check(port)


def test_addresses_are_left_to_those_who_open_them(world: World) -> None:
    assert world.run("flash", "--port", "rfc2217://host:4000").exit_code == 0
    assert world.argv() == ["-p", "rfc2217://host:4000", "flash"]


def test_options_of_the_action_stand_behind_it_and_those_of_idf_py_before(world: World, port: str) -> None:
    world.run("flash", "--port", port, "--force", "-v", "--extra-args=--verify")
    assert world.argv() == ["-p", port, "-v", "flash", "--force", "--extra-args=--verify"]


def test_flashing_that_fails_ends_with_1_and_is_in_the_log(world: World, port: str) -> None:
    world.configured()
    result = world.run("flash", "--port", port, do="print('A fatal error occurred'); sys.exit(2)")
    assert result.exit_code == 1
    assert "flashing failed (exit status 2)" in result.stderr
    assert "A fatal error occurred" in (world.build / "build.log").read_text()


@pytest.mark.parametrize("option", [("--log", "x.log"), ("--seconds", "3")])
def test_options_of_the_monitor_need_the_monitor(world: World, option: tuple[str, ...]) -> None:
    assert "need --monitor" in refused(world, "flash", *option)


def test_erasing_needs_consent(world: World, port: str) -> None:
    assert "no terminal to ask on; nothing was erased" in refused(world, "erase", "--port", port)


def test_erasing_with_consent_beforehand_says_what_goes(world: World, port: str) -> None:
    result = world.run("erase", "--yes", "-p", port, "-b", "115200")
    assert result.exit_code == 0, result.output
    assert world.argv() == ["-p", port, "erase-flash"]
    assert world.only_call()["environment"]["ESPBAUD"] == "115200"
    assert "all settings" in result.stderr and "energy counters" in result.stderr


def test_erasing_without_a_question_needs_the_name_of_the_board(
    world: World, port: str, plugged: list[ListPortInfo]
) -> None:
    plugged.append(board(port))
    assert "nothing was erased: give --port too" in refused(world, "erase", "--yes")


@pytest.mark.parametrize("command", [("erase", "--yes"), ("flash",), ("monitor",)])
def test_the_port_that_is_given_counts_and_not_that_of_the_environment(
    world: World, port: str, command: tuple[str, ...]
) -> None:
    result = world.run(*command, "--port", port, ESPPORT="/dev/ttyUSB7", ESPBAUD="9600")
    assert result.exit_code == 0, result.output
    assert world.argv()[:2] == ["-p", port]
    assert "ESPPORT" not in world.only_call()["environment"]


@pytest.mark.parametrize(("answer", "status", "erased"), [("y", 0, 1), ("n", 1, 0), ("", 1, 0)])
def test_erasing_asks_on_a_terminal(world: World, port: str, answer: str, status: int, erased: int) -> None:
    first, *rest = world.command("erase", "--port", port)
    terminal = pexpect.spawn(first, rest, cwd=str(world.project), env=world.environment, timeout=60)
    terminal.expect_exact(f"erase everything on {port}?")
    terminal.sendline(answer)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == status
    assert len(world.calls()) == erased


def test_device_files_are_told_from_others(tmp_path: Path) -> None:
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(ValueError, match="is not a serial port"):
        ports.check(str(tmp_path))
