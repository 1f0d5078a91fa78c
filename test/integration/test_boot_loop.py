"""A gateway that crashes again and again starts with control alone, and tries the rest later."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integration.held_thread import held
from support.instruments.watch import has_id, open_bus, wait_for, wait_until
from tinybms_gateway.gateway_process import GatewayProcess, ensure_built
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.bms.simulator import make_line

SCALE = 10.0
WITHIN_S = 10.0
FAULTS = signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL
BY_SANITIZER = 1, 66
"""A program with sanitizers reports a fault itself, and ends with one of these."""
FIRST_WAIT_MS = 15 * 60_000
STARTED = "main: start complete"
REDUCED = "boot_guard: repeated crashes: only control is started"
TRIED = "boot_guard: trying a full start"


@pytest.fixture
def line(tmp_path: Path) -> Iterator[BmsLine]:
    with make_line(tmp_path / "bms", time_scale=SCALE) as running:
        yield running


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def said(gateway: GatewayProcess, text: str) -> bool:
    return any(text in line for line in list(gateway.lines))


def sends(gateway: GatewayProcess) -> None:
    with open_bus(gateway.can_backend()) as bus:
        wait_for(bus, has_id(0x351), WITHIN_S)


def runs_whole(gateway: GatewayProcess) -> None:
    wait_until(lambda: said(gateway, STARTED), WITHIN_S, lambda: "not everything is started")
    assert not said(gateway, REDUCED)


@contextmanager
def ended_by(number: int, line: BmsLine, data: Path, *options: str) -> Iterator[GatewayProcess]:
    """A gateway that the signal ends, sent when the context has seen what it wanted to see, or in it."""
    gateway = GatewayProcess(line.link, data, "--time-scale", str(SCALE), *options).__enter__()
    try:
        yield gateway
        gateway.process.send_signal(number)
        assert gateway.process.wait(WITHIN_S) in (-number, *(BY_SANITIZER if number in FAULTS else ()))
    finally:
        gateway.stop()


def crash(line: BmsLine, data: Path, *numbers: int) -> None:
    for number in numbers:
        with ended_by(number, line, data) as gateway:
            runs_whole(gateway)


def started(line: BmsLine, data: Path, *options: str) -> GatewayProcess:
    """One that will end in order."""
    return GatewayProcess(line.link, data, "--time-scale", str(SCALE), *options)


def test_behind_five_crashes_control_runs_alone_then_all_is_tried_and_when_that_crashes_it_is_an_hour_more(
    line: BmsLine, data: Path
) -> None:
    crash(line, data, signal.SIGABRT, *FAULTS)
    with ended_by(signal.SIGABRT, line, data) as gateway:
        sends(gateway)
        assert said(gateway, REDUCED)
        assert said(gateway, "next full start in 15 min")
        (data / "can_port").unlink()
        gateway.lines.clear()
        gateway.process.send_signal(signal.SIGUSR1)
        sends(gateway)
        assert said(gateway, "boot reason: restart by software")
        assert said(gateway, REDUCED)
        assert not said(gateway, STARTED)
    later = ("--start-uptime-ms", str(FIRST_WAIT_MS))
    with ended_by(signal.SIGABRT, line, data, *later) as gateway:
        wait_until(lambda: said(gateway, STARTED), WITHIN_S, lambda: "nothing is tried")
        assert said(gateway, TRIED)
        sends(gateway)
    with started(line, data, *later) as gateway:
        sends(gateway)
        assert said(gateway, "next full start in 60 min")
        assert not said(gateway, STARTED)
    with started(line, data) as gateway:  # it was ended in order, which is as a power cut
        runs_whole(gateway)


def test_that_control_alone_runs_is_said_with_every_summary(line: BmsLine, data: Path) -> None:
    crash(line, data, *[signal.SIGABRT] * 5)
    with started(line, data) as gateway:
        told = "diagnostics: boot loop: only control runs; next full start in 1"
        wait_until(lambda: said(gateway, told), 90 / SCALE, lambda: "the summary does not say it")


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM], ids=["a power cut, or the kernel", "an orderly end"]
)
def test_what_is_no_crash_begins_the_count_anew(line: BmsLine, data: Path, number: int) -> None:
    crash(line, data, *[signal.SIGABRT] * 4)
    gateway = started(line, data).__enter__()
    runs_whole(gateway)
    assert said(gateway, "boot_guard: crash 4 since power-on")
    gateway.process.send_signal(number)
    gateway.process.wait(WITHIN_S)
    gateway.stop()
    crash(line, data, *[signal.SIGABRT] * 2)
    with started(line, data) as last:
        runs_whole(last)
        assert said(last, "boot_guard: crash 2 since power-on")


def test_a_task_that_hangs_is_a_crash_that_the_next_start_knows_as_one_of_the_watchdog(
    line: BmsLine, data: Path
) -> None:
    with ended_by(signal.SIGABRT, line, data) as gateway:
        sends(gateway)
        with held(gateway.process.pid, "battery") as thread:
            wait_until(thread.has_ended, 30.0, lambda: "battery hangs for ever")
    with started(line, data) as gateway:
        runs_whole(gateway)
        assert said(gateway, "boot reason: task watchdog")
        assert said(gateway, "crash 1 since power-on")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20])


def of_another_boot(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[16:52] = b"0" * 36
    file.write_bytes(content)


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, of_another_boot, empty])
def test_what_a_crash_left_counts_only_whole_and_until_the_machine_is_started_anew(
    line: BmsLine, data: Path, damage: Callable[[Path], None]
) -> None:
    crash(line, data, signal.SIGABRT)
    damage(data / "crash.bin")
    with started(line, data) as gateway:
        runs_whole(gateway)
        assert said(gateway, "boot reason: power on")
    assert not (data / "crash.bin").exists()


def test_a_call_that_only_prints_is_no_start(line: BmsLine, data: Path) -> None:
    crash(line, data, signal.SIGABRT)
    subprocess.run([ensure_built(), "--data", data, "--settings"], check=True, capture_output=True)
    with started(line, data) as gateway:
        runs_whole(gateway)
        assert said(gateway, "crash 1 since power-on")
