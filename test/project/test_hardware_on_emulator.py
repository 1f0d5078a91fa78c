"""The bench tests on an emulator with UART and CAN on TCP: `emulator.py` stands in for Espressif's QEMU."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from project.bench_suite import suite
from support import ROOT
from support.fixtures import rig
from support.fixtures.access import set_up_before
from support.fixtures.bench_options import BenchOptions
from support.fixtures.embedded import QEMU_WITHOUT_WATCHDOG
from support.fixtures.ports import free_ports
from support.peers.socketcand import socketcand_server
from tinybms_gateway.can.columns import Flag
from tinybms_gateway.can.reader import Capture
from tinybms_gateway.sim.bms.ends import SocketEnd
from tinybms_gateway.sim.bms.line import BmsLine

SHORTER_WAIT = ("--set", "limit.wait_s=5")
"""For the test in which both limits rise again: with the factory's 30 s it would last half a minute."""
SHARES = {
    "wire": "without_the_bms or boot_log",
    "restart": "falls_silent or restarted or the_bms_shows",
    "limits": "rise_again or agree",
    "web": "test_web and not half_a_minute",
    "use": "half_a_minute",
    "access": "test_access",
}
"""Runs of about the same length beside one another, as they wait on real time."""
LEFT_OUT = {
    "test_each_frame_comes_with_its_period_and_decodes_and_the_log_says_so",
    "test_a_fault_of_the_bms_raises_its_alarm_and_stops_what_it_forbids_within_1_s",
}
"""They measure time more closely than a machine that is busy with other tests keeps it."""


def script(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def chip_build(directory: Path) -> Path:
    """What pytest-embedded reads of a build for the chip."""
    (directory / "config").mkdir(parents=True)
    (directory / "config/sdkconfig.json").write_text(json.dumps({"IDF_TARGET": "esp32"}))
    image = {"flash_files": {"0x20000": "app.bin"}, "flash_settings": {"flash_size": "4MB"}}
    (directory / "flasher_args.json").write_text(json.dumps(image))
    (directory / "flash_args").write_text("0x20000 app.bin\n")
    for name in ("app.bin", "app.elf"):
        (directory / name).write_bytes(b"made by idf.py build")
    return directory


def on_emulator(folder: Path, *arguments: object, program: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The bench suite on an emulator; what it leaves is in `folder`."""
    build, bench = chip_build(folder / "build"), folder / "bench"
    where = ("--qemu-prog-path", program) if program else ()
    return suite("--target", "qemu", "--build-dir", build, "--bench-dir", bench, *where, *arguments,
                 PATH=f"{folder / 'bin'}:/usr/bin:/bin")  # fmt: skip


def with_bus(folder: Path, gateway: Path, chosen: str) -> subprocess.CompletedProcess[str]:
    """With a simulated TinyBMS, a CAN adapter and a web interface, which come when the emulator is there."""
    uart, bus, web = free_ports(3)
    folder.mkdir()
    options = (*SHORTER_WAIT, "--http", f"127.0.0.1:{web}")
    stand_in = [sys.executable, ROOT / "test/support/peers/emulator.py", folder / "flash", gateway, *options]
    script(folder / "bin/qemu-system-xtensa", f'exec {shlex.join(map(str, stand_in))} -- "$@"')
    chip = (
        f"-serial mon:stdio -serial null -serial tcp:127.0.0.1:{uart},server=on,wait=off "
        f"-object can-host-tcp,id=host0,canbus=canbus0,port={bus}"
    )
    return on_emulator(folder, "-k", chosen, "--skip-regenerate-image=y", f"--qemu-extra-args={chip}",
                       "--bms-port", f"socket://127.0.0.1:{uart}", "--can", f"socketcand:127.0.0.1:{bus}",
                       "--url", f"http://127.0.0.1:{web}", *known_by(folder, chosen))  # fmt: skip


def known_by(folder: Path, chosen: str) -> tuple[object, ...]:
    """A gateway that is set up already, and has a token for the tests; or nothing where the console sets it up."""
    if chosen == SHARES["access"]:
        return ()
    token = folder / "token"
    token.touch(0o600)
    token.write_text(set_up_before(folder / "flash.image"))
    return ("--token-file", token)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emulator")


@pytest.fixture(scope="module")
def shares(folder: Path, native_build: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    gateway = native_build / "tinybms-web-gateway.elf"
    with ThreadPoolExecutor() as pool:
        runs = {name: pool.submit(with_bus, folder / name, gateway, chosen) for name, chosen in SHARES.items()}
    return {name: run.result() for name, run in runs.items()}


def test_the_bench_tests_pass_on_an_emulator_with_uart_and_can_on_tcp(
    root: Path, folder: Path, shares: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    for ended in shares.values():
        assert ended.returncode == 0, ended.stdout + ended.stderr
    passed = {
        case.get("name")
        for name in shares
        for case in ElementTree.parse(folder / name / "bench/junit.xml").iter("testcase")
    }
    files = (root / "test/hardware").glob("test_*.py")
    assert passed | LEFT_OUT == {
        name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }


def test_log_and_capture_go_on_through_a_restart_of_the_emulated_chip(
    folder: Path, shares: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    assert shares["restart"].returncode == 0
    (kept,) = (folder / "restart/bench").glob("test_a_restarted*")
    assert (kept / "dut.log").read_text().count("PGN publication started") == 2
    (block,) = Capture(kept / "capture.log")
    sent = block.flags & Flag.SENT != 0
    assert set(block.id[sent]) == {0x305, 0x307}
    assert {0x351, 0x355, 0x356, 0x35A} <= set(block.id[~sent])


def test_on_an_emulator_with_nothing_attached_the_boot_log_is_looked_at(folder: Path, native_build: Path) -> None:
    here = folder / "alone"
    stand_in = [sys.executable, ROOT / "test/support/peers/emulator.py", here / "flash"]
    command = shlex.join(map(str, [*stand_in, native_build / "tinybms-web-gateway.elf"]))
    ended = on_emulator(here, program=script(here / "emulator", f'exec {command} -- "$@"'))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("not run: ") == 8 + 9
    assert ended.stdout.count("needs a CAN adapter (--can)") == 8
    assert ended.stdout.count("needs the web interface of the gateway (--url)") == 9


def test_what_is_given_to_the_emulator_comes_after_the_watchdog_and_its_last_words_are_shown(folder: Path) -> None:
    here = folder / "refuses"
    given = "-global driver=timer.esp32.timg,property=wdt_disable,value=false -canbuss 1"
    program = script(
        here / "emulator",
        '[ "$1" = --version ] && exec echo "QEMU emulator version 9.2.2"',
        f'echo "$@" > {here}/arguments',
        'echo "emulator: -canbuss: invalid option" >&2',
        "exit 1",
    )
    ended = on_emulator(here, "-k", "boot_log", f"--qemu-extra-args={given}", program=program)
    assert ended.returncode == 1
    assert "the gateway is gone: it ended by itself with status 1; its last words: " in ended.stdout
    assert "emulator: -canbuss: invalid option" in ended.stdout
    assert f"{QEMU_WITHOUT_WATCHDOG} {given} -drive" in (here / "arguments").read_text()


def test_an_emulator_that_is_not_installed_is_said(folder: Path) -> None:
    ended = on_emulator(folder / "nowhere", "-k", "boot_log", program=Path("qemu-of-nobody"))
    assert ended.returncode == 1
    assert "qemu-of-nobody is not on PATH; Espressif's: idf_tools.py install qemu-xtensa" in ended.stdout


# ---- the rig around an emulator that runs, and says nothing ----


@contextmanager
def around_an_emulator(tmp_path: Path, can: str, bms: BmsLine | None = None) -> Iterator[rig.Rig]:
    options = BenchOptions("qemu", can, "simulator" if bms else "none", None, tmp_path, None)
    (tmp_path / "dut.log").touch()
    with subprocess.Popen(["sleep", "60"]) as emulator:
        dut: Any = SimpleNamespace(logfile=tmp_path / "dut.log", qemu=emulator)
        try:
            yield rig.Rig(options, dut, bms, 1.0, tmp_path)
        finally:
            emulator.kill()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig, "JOIN_WITHIN_S", 0.2)
    monkeypatch.setattr(rig, "BUSY_S", 0.0)


@pytest.mark.usefixtures("impatient")
def test_a_bus_that_does_not_come_is_said_with_what_to_look_at(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with around_an_emulator(tmp_path, f"socketcand:{port}") as bench, pytest.raises(pytest.fail.Exception) as failed:
        bench.connect()
    assert f"CAN bus 'socketcand:{port}': Connection refused" in str(failed.value)
    assert "--qemu-extra-args" in str(failed.value)


@pytest.mark.usefixtures("impatient")
def test_a_uart_that_nobody_serves_is_said_with_what_to_look_at(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    line = BmsLine(SocketEnd(f"socket://127.0.0.1:{port}"))
    with line, around_an_emulator(tmp_path, "none", line) as bench, pytest.raises(pytest.fail.Exception) as failed:
        bench.connect()
    assert f"nobody serves socket://127.0.0.1:{port}" in str(failed.value)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of the GX, which sends on
def test_a_bus_that_hangs_up_fails_the_test_at_once(tmp_path: Path) -> None:
    with socketcand_server() as server, around_an_emulator(tmp_path, server.backend) as bench:
        bench.connect()
        server.hang_up()
        with pytest.raises(pytest.fail.Exception, match="the CAN adapter is gone"):
            bench.frames_of(20.0)
        bench.close(False)
