"""``tinybms-gw idf doctor``: examines what a build needs."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click
from rich.table import Table
from rich.text import Text

from tinybms_gateway.command_line import print_json, usage_errors
from tinybms_gateway.idf import ports
from tinybms_gateway.idf.build_log import COMPILER, first_line
from tinybms_gateway.idf.environment import NotReadyError, base_environment, environment, idf_tools, python_of
from tinybms_gateway.idf.installation import GET_IT, TAG, WANTED, Installation, find
from tinybms_gateway.idf.options import project_options
from tinybms_gateway.idf.project import find_project, place_of_build
from tinybms_gateway.progress import progress_bar
from tinybms_gateway.terminal import make_console

State = Literal["ok", "warning", "missing", "unknown"]
TARGET = "esp32"
OLDEST_CMAKE = (3, 16)
"""What the project's CMakeLists.txt asks for."""


@dataclass(frozen=True)
class Check:
    """One line: what, how it is, what was found, what to do."""

    name: str
    state: State
    found: str
    remedy: str = ""


def examine(idf_path: Path | None, project_dir: Path | None, build_dir: Path | None) -> list[Check]:
    """Check everything; whatever is missing, the rest is still checked.

    Raises:
        ValueError: something given on the command line does not exist.
    """
    project = find_project(project_dir)
    try:
        installation = find(idf_path)
    except ValueError:
        if idf_path is not None:
            raise
        named = os.environ.get("IDF_PATH")
        found = f"IDF_PATH is {named}, which holds no ESP-IDF" if named else "not found"
        rest = [
            Check(name, "unknown", "comes with ESP-IDF", "~/esp/esp-idf/install.sh esp32")
            for name in ("Python of ESP-IDF", "tool chain")
        ]
        variables = dict(os.environ)
        checks = [Check("ESP-IDF", "missing", found, GET_IT), *rest]
    else:
        checks, variables = _of_esp_idf(installation)
    return [*checks, *_programs(variables), _target(project, place_of_build(project, build_dir)), _port()]


def _of_esp_idf(installation: Installation) -> tuple[list[Check], dict[str, str]]:
    """Checks of the tree, its Python and its tools, and the environment as far as it can be determined."""
    checks = [
        Check("ESP-IDF", "ok", f"{installation.path} ({installation.found_by})"),
        _version(installation),
        *_submodules(installation),
    ]
    python = python_of(installation)
    variables = base_environment(installation, python)
    remedy = installation.install_command
    checks.append(_python(installation, python, variables))
    if python is None or checks[-1].state != "ok":
        return [*checks, Check("tool chain", "unknown", "needs ESP-IDF's Python")], variables
    checks.append(_packages(installation, python, variables))
    try:
        variables = environment(installation, python)
    except NotReadyError as error:
        return [*checks, Check("tool chain", "missing", "; ".join(error.missing), remedy)], variables
    compiler = first_line([COMPILER, "--version"], variables)
    if not compiler:
        return [*checks, Check("tool chain", "missing", f"{COMPILER} is missing", remedy)], variables
    return [*checks, Check("tool chain", "ok", compiler)], variables


def _version(installation: Installation) -> Check:
    described = installation.described()
    if installation.is_wanted:
        return Check("version", "ok", described)
    wanted = "{}.{}".format(*WANTED)
    return Check("version", "warning", f"{described}; the project is made for {wanted}",
                 GET_IT.replace("~/esp/esp-idf", f"~/esp/{TAG}/esp-idf"))  # fmt: skip


def _submodules(installation: Installation) -> Iterator[Check]:
    """A clone without its submodules builds nothing; a release archive has no list of them."""
    try:
        text = (installation.path / ".gitmodules").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    paths = [installation.path / path.strip() for path in re.findall(r"^\s*path\s*=\s*(.+)$", text, re.MULTILINE)]
    empty = [path for path in paths if not path.is_dir() or not any(path.iterdir())]
    if empty:
        found = f"{len(empty)} of {len(paths)} are empty, such as {empty[0].relative_to(installation.path)}"
        yield Check("submodules", "missing", found, f"git -C {installation.path} submodule update --init --recursive")
    else:
        yield Check("submodules", "ok", f"{len(paths)}")


def _python(installation: Installation, python: Path | None, variables: dict[str, str]) -> Check:
    name, remedy = "Python of ESP-IDF", installation.install_command
    if python is None:
        found = f"no environment for {installation.version_text} in {installation.tools_path / 'python_env'}"
        return Check(name, "missing", found, remedy)
    version = first_line([str(python), "--version"], variables)
    if not version:
        return Check(name, "missing", f"{python} does not run", remedy)
    return Check(name, "ok", f"{version} in {python.parent.parent}")


def _packages(installation: Installation, python: Path, variables: dict[str, str]) -> Check:
    """ESP-IDF's own check, which idf.py also makes on every call."""
    said = idf_tools(installation, python, variables, "check-python-dependencies")
    if said.returncode == 0:
        return Check("its packages", "ok", "complete")
    output = said.stdout + said.stderr
    names = re.findall(r"checking requirement '([^']+)'", output)
    errors = [line.partition("ERROR: ")[2] for line in output.splitlines() if "ERROR: " in line]
    found = ", ".join(names) or " ".join(errors) or "ESP-IDF's check of them fails"
    return Check("its packages", "missing", found, installation.install_command)


def _programs(variables: dict[str, str]) -> Iterator[Check]:
    """Programs that ESP-IDF takes from the system on Linux."""
    for program, package in (("cmake", "cmake"), ("ninja", "ninja-build"), ("git", "git")):
        found = first_line([program, "--version"], variables)
        version = tuple(int(number) for number in re.findall(r"\d+", found)[:2])
        install = f"sudo apt-get install {package}"
        if shutil.which(program, path=variables.get("PATH")) is None:
            yield Check(program, "missing", "not on PATH", install)
        elif program == "cmake" and version < OLDEST_CMAKE:
            yield Check(program, "missing", f"{found or 'does not run'}, 3.16 is needed", install)
        else:
            yield Check(program, "ok", re.sub(r"^(cmake|git) version ", "", found) or "there")


def _target(project: Path, build_dir: Path) -> Check:
    """The chip that the project is set to. Without an sdkconfig, idf.py takes the esp32."""
    try:
        text = (project / "sdkconfig").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Check("project", "ok", f"{project}, not configured yet")
    match = re.search(r'^CONFIG_IDF_TARGET="(\w+)"', text, re.MULTILINE)
    target = match[1] if match else "no target"
    if target != TARGET:
        remedy = f"rm -r {build_dir} {project / 'sdkconfig'}"
        return Check("project", "warning", f"{project}: sdkconfig is for {target}, the gateway is an {TARGET}", remedy)
    return Check("project", "ok", f"{project}, set to {TARGET}")


def _port() -> Check:
    """A board is only needed for flashing."""
    found = ports.candidates()
    if not found:
        return Check("serial port", "ok", "no ESP32 board is connected")
    try:
        for port in found:
            ports.check(port.device)
    except ValueError as error:
        problem, _, remedy = str(error).partition(": ")
        return Check("serial port", "warning", problem, remedy)
    return Check("serial port", "ok", ", ".join(map(str, found)))


def show(checks: list[Check]) -> None:
    """Print a table, and the remedies below it so that they can be copied."""
    colours = {"ok": "green", "warning": "yellow", "missing": "red", "unknown": "dim"}
    table = Table(box=None, pad_edge=False)
    for title in ("", "state", "found"):
        table.add_column(title, overflow="fold")
    for check in checks:
        table.add_row(check.name, Text(check.state, style=colours[check.state]), Text(check.found))
    console = make_console()
    console.print(table)
    remedies = list(dict.fromkeys(check.remedy for check in checks if check.remedy))
    if remedies:
        console.print("\nto fix it:")
        for remedy in remedies:
            console.print(Text(f"  {remedy}"), soft_wrap=True)


@click.command("doctor")
@project_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON: what was checked, state, what was found, remedy.")
def doctor_command(idf_path: Path | None, project_dir: Path | None, build_dir: Path | None, as_json: bool) -> None:
    """Check what is needed to build and flash, and show how to get what is missing.

    Exit status 1 if something that a build needs is missing.

    \b
    Examples:
      tinybms-gw idf doctor
      tinybms-gw idf doctor --idf-path ~/esp/esp-idf
      tinybms-gw idf doctor --json | jq -r '.checks[] | select(.state == "missing").remedy'
    """
    with usage_errors(), progress_bar("checking ESP-IDF and its tools"):
        checks = examine(idf_path, project_dir, build_dir)
    good = all(check.state != "missing" for check in checks)
    if as_json:
        print_json({"good": good, "checks": [asdict(check) for check in checks]})
    else:
        show(checks)
    if not good:
        raise SystemExit(1)
