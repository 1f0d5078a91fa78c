"""Adds ``idf.py test``: builds the Unity suites and runs them on this machine, on a chip or in an emulator of one.

It runs in ESP-IDF's own Python (3.9 or newer), which knows nothing of this project: only the standard library and what
idf.py itself needs (click, pyserial) is imported, and everything of the project is called as a process.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, TextIO

import click

ROOT = Path(__file__).resolve().parent
TARGETS = ("linux", "esp32", "qemu")
VENDORS = (0x10C4, 0x1A86, 0x0403, 0x303A)
"""USB vendors of what ESP32 boards have, as in tinybms_gateway/idf/ports.py: a CAN adapter is not to be flashed."""

HELP = """Build the Unity suites and run them.

The output of each suite is left in build/SUITE/test.log.

\b
Examples:
  idf.py test                                  all suites on this machine
  idf.py test --suite tinybms --suite host_nvs only these
  idf.py test --target esp32 --port /dev/ttyUSB0
                                               flash a chip with each suite that can run there, and run it
  idf.py test --target qemu                    the same in Espressif's emulator, qemu-system-xtensa
"""


class Refused(click.ClickException):
    """What was asked for cannot be done; the message says what to do."""

    exit_code = 2


def suites_of(target: str) -> list[str]:
    """Names of the suites in test/unit/suites.cmake that run on a target."""
    text = (ROOT / "test/unit/suites.cmake").read_text(encoding="utf-8")
    found = re.findall(r"^unit_suite\((\w+)( LINUX_ONLY)?$", text, re.MULTILINE)
    return [name for name, linux_only in found if target == "linux" or not linux_only]


def only_port() -> str:
    """The one serial port with an adapter of an ESP32 board."""
    from serial.tools import list_ports  # noqa: PLC0415 (not needed, and then perhaps not there, for the other targets)

    ports = sorted(port.device for port in list_ports.comports() if port.vid in VENDORS)
    if len(ports) != 1:
        found = f"there are {', '.join(ports)}" if ports else "no USB serial port was found"
        raise Refused(f"which chip? {found}; give one with --port")
    return ports[0]


def run(command: list[str], log: TextIO) -> bool:
    """Run a command, its output to the terminal and to the log; true when it went well."""
    # pytest-embedded prefers these two to the options it is given.
    environment = {name: value for name, value in os.environ.items() if name not in ("ESPPORT", "ESPBAUD")}
    log.write(f"$ {shlex.join(command)}\n")
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment
        )
    except FileNotFoundError:
        raise Refused(f"{command[0]} is not on PATH") from None
    with process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            log.write(line)
    return process.returncode == 0


def build_command(suite: str, target: str, build: Path) -> list[str]:
    """Builds all suites for Linux, one program of one suite for the chip."""
    if target == "linux":
        return ["make", "-C", str(ROOT), "build"]
    settings = ["-DIDF_TARGET=esp32", f"-DSUITE={suite}", f"-DSDKCONFIG={build / suite / 'sdkconfig'}"]
    return ["idf.py", "-C", str(ROOT / "test/chip"), "-B", str(build / suite), *settings, "build"]


def pytest_command(python: Path, suite: str, target: str, build: Path, args: Any) -> list[str]:
    """Runs one suite through its menu."""
    tests = ROOT / "test"
    command = [str(python), "-m", "pytest", "-s", "-c", f"{tests}/embedded.ini", f"{tests}/unit"]
    command += ["--suite", suite, "--target", target]
    if target != "linux":
        command += ["--build-dir", str(build)]
    if target == "esp32":
        command += ["--port", args.port, "--esptool-baud", str(args.baud)]
    return command


def test(_action: str, _context: click.Context, args: Any, suite: tuple[str, ...], target: str) -> None:
    """Build and run the suites one after the other; ends idf.py with an error when one of them failed."""
    python = ROOT / ".venv/bin/python"
    if not python.exists():
        raise Refused(f"the Python environment of the project is missing; make it with: make -C {ROOT} setup")
    suites = suites_of(target)
    elsewhere = [name for name in suite if name not in suites]
    if elsewhere:
        raise Refused(f"{', '.join(elsewhere)}: for Linux only; target {target} has {', '.join(suites)}")
    if target == "esp32" and args.port is None:
        args.port = only_port()

    build = Path(args.build_dir)
    results = {}
    for name in dict.fromkeys(suite or suites):
        log_file = build / name / "test.log"
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("w", encoding="utf-8") as log:
            if not run(build_command(name, target, build), log):
                results[name] = "NOT BUILT"
            else:
                passed = run(pytest_command(python, name, target, build, args), log)
                results[name] = "passed" if passed else "FAILED"
    for name, result in results.items():
        print(f"{name:20}{result:12}{build / name / 'test.log'}")
    if set(results.values()) != {"passed"}:
        sys.exit(1)


def action_extensions(_base_actions: dict[str, Any], _project_path: str) -> dict[str, Any]:
    """What idf.py calls to learn the actions of a project."""
    options = [
        {
            "names": ["--suite"],
            "multiple": True,
            "type": click.Choice(suites_of("linux")),
            "help": "Suite to run; repeatable. Default: all that can run on the target.",
        },
        {
            "names": ["--target"],
            "type": click.Choice(TARGETS),
            "default": "linux",
            "help": "Where to run: this machine (the default), a chip, or the emulator.",
        },
        # As those of `idf.py flash`: being global, they may stand before `test` as well, and their values are in args.
        {
            "names": ["-p", "--port"],
            "scope": "global",
            "envvar": "ESPPORT",
            "type": click.Path(),
            "default": None,
            "help": "Serial port of the chip.",
        },
        {
            "names": ["-b", "--baud"],
            "scope": "global",
            "envvar": "ESPBAUD",
            "default": 460800,
            "help": "Baud rate for flashing.",
        },
    ]
    return {
        "actions": {
            "test": {
                "callback": test,
                "short_help": "Build the Unity suites and run them.",
                "help": HELP,
                "options": options,
                # The logs go into build/. Were that directory made by us, without ESP-IDF's CMakeCache.txt in it,
                # `idf.py set-target` and `fullclean` would refuse to clear it ever after.
                "dependencies": ["reconfigure"],
            }
        },
    }
