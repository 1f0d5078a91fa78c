"""`idf.py test`: the actions of idf_ext.py, loaded as idf.py loads them; what they call is a process here as well."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from project.chip_suites import CHIP_SUITES

RECORDER = """#!{python}
import json, os, sys
with open({record!r}, "a") as file:
    print(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]), file=file)
print("ESPPORT is", os.environ.get("ESPPORT"))
sys.exit({failing!r} in " ".join(sys.argv))
"""


class Tree:
    """A project tree in which idf.py, and Python of the project, are programs that record how they were called."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self.loader = root / "test/support/peers/idf_py.py"
        self.bin = path / "bin"
        self.build = path / "build"
        self.record = path / "calls.jsonl"
        self.environment = {**os.environ, "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}"}
        self.environment.pop("ESPPORT", None)
        for name in ("idf_ext.py", "test/unit/suites.cmake"):
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, path / name)
        self.install("idf.py", self.bin)
        self.install("python", path / ".venv/bin")

    def install(self, name: str, folder: Path, failing: str = "nothing fails") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        program = folder / name
        program.write_text(RECORDER.format(python=sys.executable, record=str(self.record), failing=failing))
        program.chmod(0o755)

    def idf_py(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, self.loader, *arguments],
            cwd=self.path,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def calls(self, program: str) -> list[list[str]]:
        recorded = [json.loads(line) for line in self.record.read_text().splitlines()] if self.record.exists() else []
        return [call[1:] for call in recorded if call[0] == program]


@pytest.fixture
def tree(tmp_path: Path, root: Path) -> Tree:
    return Tree(tmp_path, root)


def value_after(option: str, call: list[str]) -> str:
    return call[call.index(option) + 1]


def test_a_suite_is_built_and_run_on_this_machine_and_leaves_its_log(root: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, root / "test/support/peers/idf_py.py", "-B", tmp_path, "test", "--suite", "battery_model"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1].split() == [
        "battery_model",
        "passed",
        str(tmp_path / "battery_model/test.log"),
    ]
    log = (tmp_path / "battery_model/test.log").read_text()
    assert "Press ENTER to see the list of tests." in log
    for output in (log, ended.stdout):
        assert re.search(
            r"test_battery_assemble\.c:\d+:measurements of the real pack keep their fixed-point values:PASS", output
        )


def test_each_suite_for_the_chip_is_a_program_of_its_own(tree: Tree) -> None:
    ended = tree.idf_py("test", "--target", "esp32", "--port", "/dev/ttyUSB7")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    builds = tree.calls("idf.py")
    assert {value_after("-B", call) for call in builds} == {str(tree.build / suite) for suite in CHIP_SUITES}
    for call in builds:
        suite = Path(value_after("-B", call)).name
        assert value_after("-C", call) == str(tree.path / "test/chip"), call
        assert f"-DSUITE={suite}" in call, call
        assert call[-1] == "build", call
    runs = tree.calls("python")
    assert [value_after("--suite", call) for call in runs] == [Path(value_after("-B", call)).name for call in builds]
    for call in runs:
        assert call[:2] == ["-m", "pytest"], call
        assert (value_after("--target", call), value_after("--port", call)) == ("esp32", "/dev/ttyUSB7"), call
        assert value_after("--build-dir", call) == str(tree.build), call


@pytest.mark.parametrize(
    ("before", "after", "environment"),
    [
        (["-p", "/dev/ttyUSB7", "-b", "115200"], [], {}),
        ([], ["--port", "/dev/ttyUSB7", "--baud", "115200"], {}),
        ([], [], {"ESPPORT": "/dev/ttyUSB7", "ESPBAUD": "115200"}),
        ([], ["--port", "/dev/ttyUSB7", "--baud", "115200"], {"ESPPORT": "/dev/other", "ESPBAUD": "9600"}),
    ],
    ids=["before the action", "after the action", "in the environment", "over the environment"],
)
def test_port_and_baud_rate_are_given_as_for_flash(
    tree: Tree, before: list[str], after: list[str], environment: dict[str, str]
) -> None:
    ended = tree.idf_py(*before, "test", "--target", "esp32", "--suite", "tinybms", *after, **environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (run,) = tree.calls("python")
    assert (value_after("--port", run), value_after("--esptool-baud", run)) == ("/dev/ttyUSB7", "115200")
    assert "ESPPORT is None" in (tree.build / "tinybms/test.log").read_text(), "pytest-embedded prefers the variable"


def test_the_emulator_needs_no_port(tree: Tree) -> None:
    ended = tree.idf_py("test", "--target", "qemu", "--suite", "event_bus")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (run,) = tree.calls("python")
    assert value_after("--target", run) == "qemu"
    assert "--port" not in run


def test_a_suite_that_fails_or_cannot_be_built_makes_idf_py_fail_after_the_others(tree: Tree) -> None:
    tree.install("idf.py", tree.bin, failing="SUITE=event_bus")
    tree.install("python", tree.path / ".venv/bin", failing="--suite tinybms")
    ended = tree.idf_py("test", "--target", "qemu")
    assert ended.returncode == 1
    summary = dict(
        line.rsplit(maxsplit=1)[0].split(maxsplit=1) for line in ended.stdout.splitlines()[-len(CHIP_SUITES) :]
    )
    assert summary == {
        "tinybms": "FAILED",
        "battery_model": "passed",
        "charge_control": "passed",
        "battery_pipeline": "passed",
        "battery_alarms": "passed",
        "energy_meter": "passed",
        "victron_pgn": "passed",
        "settings": "passed",
        "json_stream": "passed",
        "device_console": "passed",
        "access": "passed",
        "report": "passed",
        "event_bus": "NOT BUILT",
        "work": "passed",
        "flash_gate": "passed",
        "ota": "passed",
        "diagnostics": "passed",
    }
    assert "event_bus" not in [value_after("--suite", call) for call in tree.calls("python")]


def test_the_build_directory_can_be_cleared_for_another_target_afterwards(tree: Tree) -> None:
    assert tree.idf_py("test", "--target", "qemu").returncode == 0
    ended = tree.idf_py("set-target")
    assert ended.returncode == 0, ended.stderr
    assert not (tree.build / "tinybms").exists()


def refused(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    (error,) = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    return error


def test_without_the_python_environment_it_says_how_to_make_it(tree: Tree) -> None:
    shutil.rmtree(tree.path / ".venv")
    error = refused(tree.idf_py("test"))
    assert ".venv" not in error
    assert "make -C" in error
    assert error.endswith("setup")


def test_an_unknown_suite_is_refused_with_the_known_ones(tree: Tree) -> None:
    error = refused(tree.idf_py("test", "--suite", "nosuch"))
    assert all(name in error for name in [*CHIP_SUITES, "uart_bms", "host_nvs"])


def test_a_suite_that_only_linux_can_run_is_refused_for_a_chip(tree: Tree) -> None:
    error = refused(tree.idf_py("test", "--target", "esp32", "--port", "x", "--suite", "host_nvs"))
    assert "host_nvs: for Linux only" in error
    assert all(name in error for name in CHIP_SUITES)
    assert "uart_bms" not in error


@pytest.mark.parametrize(
    ("ports", "said"),
    [([], "no USB serial port was found"), (["/dev/ttyUSB0", "/dev/ttyUSB1"], "/dev/ttyUSB0, /dev/ttyUSB1")],
    ids=["none", "two"],
)
def test_without_a_port_it_asks_for_one_unless_there_is_just_one(tree: Tree, ports: list[str], said: str) -> None:
    error = refused(tree.idf_py("test", "--target", "esp32", PYTHONPATH=machine_with(ports, tree.path)))
    assert said in error
    assert "--port" in error


def test_the_only_port_is_taken(tree: Tree) -> None:
    plugged = machine_with(["/dev/ttyUSB3"], tree.path)
    assert tree.idf_py("test", "--target", "esp32", "--suite", "tinybms", PYTHONPATH=plugged).returncode == 0
    (run,) = tree.calls("python")
    assert value_after("--port", run) == "/dev/ttyUSB3"


def machine_with(ports: list[str], folder: Path) -> str:
    """A pyserial that finds these USB ports, and one that is not USB, as every PC has; returns its PYTHONPATH."""
    tools = folder / "pyserial/serial/tools"
    tools.mkdir(parents=True)
    (tools.parent / "__init__.py").touch()
    (tools / "__init__.py").touch()
    (tools / "list_ports.py").write_text(
        "from types import SimpleNamespace as Port\n"
        f"def comports():\n    usb = [Port(device=name, vid=0x10C4) for name in {ports!r}]\n"
        "    return [Port(device='/dev/ttyS0', vid=None), *reversed(usb)]\n"
    )
    return str(folder / "pyserial")


def test_without_esp_idf_on_the_path_it_says_so(tree: Tree) -> None:
    (tree.bin / "idf.py").unlink()
    assert "idf.py is not on PATH" in refused(tree.idf_py("test", "--target", "qemu"))


def test_it_imports_only_what_esp_idf_has_and_is_written_for_its_oldest_python(root: Path) -> None:
    module = ast.parse((root / "idf_ext.py").read_text(), feature_version=(3, 9))
    imported = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).split(".")[0])
    assert imported - sys.stdlib_module_names == {"click", "serial"}
