"""What the tests that pytest-embedded drives share: where the program under test runs, and what is needed for it."""

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from pytest_embedded.log import DuplicateStdoutPopen, MessageQueue, _PopenRedirectProcess

from tinybms_gateway.gateway_process import build_dir as native_build_dir

ROOT = Path(__file__).resolve().parents[2]
SERVICES = {"linux": "idf", "esp32": "esp,idf", "qemu": "idf,qemu"}
# As `idf.py qemu` does: time stands still in an emulator whenever its host is busy.
QEMU_WITHOUT_WATCHDOG = "-global driver=timer.esp32.timg,property=wdt_disable,value=true"
LOOK_EVERY_S = 0.002


class PatientRedirect(_PopenRedirectProcess):
    """Passes the output of a program on; pytest-embedded's own asks for more without a pause, on a whole core."""

    @staticmethod
    def _forward_io(msg_queue: MessageQueue, logfile: str) -> None:
        parent = os.getppid()
        with Path(logfile).open("rb") as output, contextlib.suppress(OSError, EOFError):  # the queue has gone
            while os.getppid() == parent:
                said = output.read()
                if said:
                    msg_queue.put(said)
                else:
                    time.sleep(LOOK_EVERY_S)


DuplicateStdoutPopen.REDIRECT_CLS = PatientRedirect


def choose_target(config: pytest.Config) -> str:
    """The target that was asked for, with the tools that pytest-embedded calls on PATH.

    Raises:
        pytest.UsageError: there is no such target.
    """
    target = str(config.option.target or "linux")
    config.option.target = target
    if target not in SERVICES:
        raise pytest.UsageError(f"--target {target}: is none of {', '.join(SERVICES)}")
    # esptool.py, which pytest-embedded calls, is beside this interpreter.
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = f"{beside}{os.pathsep}{os.environ['PATH']}"
    return target


def chip_build_dir(config: pytest.Config) -> Path:
    """Where idf.py builds for the chip."""
    return Path(config.option.build_dir or ROOT / "build")


def built(directory: Path, how: str) -> str:
    """A directory with a program; without one the test fails with how to build it."""
    if not list(directory.glob("*.elf")):
        pytest.fail(f"{directory} holds no program; it is built by: {how}", pytrace=False)
    return str(directory)


@pytest.fixture
def embedded_services(target: str, qemu_prog_path: str | None) -> str:
    program = qemu_prog_path or "qemu-system-xtensa"
    if target == "qemu" and shutil.which(program) is None:
        pytest.fail(f"{program} is not on PATH; Espressif's: idf_tools.py install qemu-xtensa", pytrace=False)
    return SERVICES[target]


@pytest.fixture
def qemu_extra_args(qemu_extra_args: str | None) -> str:
    """What --qemu-extra-args gives comes last: QEMU takes the last value of a property."""
    return f"{QEMU_WITHOUT_WATCHDOG} {qemu_extra_args or ''}"


@pytest.fixture(scope="session")
def session_root_logdir(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


__all__ = [
    "ROOT",
    "built",
    "cache_dir",
    "chip_build_dir",
    "choose_target",
    "embedded_services",
    "native_build_dir",
    "qemu_extra_args",
    "session_root_logdir",
]
