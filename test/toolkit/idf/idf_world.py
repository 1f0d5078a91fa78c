"""A home with a fake ESP-IDF in it (support/peers/fake_idf), and a project. The commands run there; calls are noted."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from support import ROOT
from tinybms_gateway.cli import main

FAKE_IDF = ROOT / "test/support/peers/fake_idf"
PROGRAM = Path(sys.executable).with_name("tinybms-gw")
PROJECT = """cmake_minimum_required(VERSION 3.16)
include($ENV{IDF_PATH}/tools/cmake/project.cmake)
project(tinybms-web-gateway)
"""


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


class World:
    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.esp_idf = self.home / "esp/esp-idf"
        self.project = folder / "project"
        self.build = self.project / "build"
        self.record = folder / "calls.jsonl"
        self.project.mkdir(parents=True)
        (self.project / "CMakeLists.txt").write_text(PROJECT)
        (self.project / "version.txt").write_text("1.2.3\n")
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("IDF_", "ESP", "TINYBMS"))
        }
        self.environment |= {"HOME": str(self.home), "FAKE_IDF_RECORD": str(self.record)}

    def install(self, where: Path | None = None, version: str = "5.5.5", *, tools: Path | None = None) -> Path:
        """A tree, its Python and its compiler."""
        tree = where or self.esp_idf
        shutil.copytree(FAKE_IDF, tree)
        self.set_version(tree, version)
        tools = tools or self.home / ".espressif"
        self.install_python(version, tools)
        compiler = tools / "tools/xtensa-esp-elf/bin/xtensa-esp32-elf-gcc"
        script(compiler, "#!/bin/sh\necho 'xtensa-esp-elf-gcc (crosstool-NG esp-14.2.0_20260121) 14.2.0'\n")
        return tree

    def set_version(self, tree: Path, version: str) -> None:
        major, minor, patch = version.split(".")
        (tree / "tools/cmake/version.cmake").write_text(
            f"set(IDF_VERSION_MAJOR {major})\nset(IDF_VERSION_MINOR {minor})\nset(IDF_VERSION_PATCH {patch})\n"
        )

    def install_python(self, version: str = "5.5.5", tools: Path | None = None, python: str = "3.11") -> Path:
        minor = version.rpartition(".")[0]
        folder = (tools or self.home / ".espressif") / f"python_env/idf{minor}_py{python}_env"
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        (folder / "idf_version.txt").write_text(minor + "\n")
        link = folder / "bin/python"
        link.unlink(missing_ok=True)
        link.symlink_to(sys.executable)
        return link

    def configured(self) -> None:
        """The build directory as CMake leaves it."""
        self.build.mkdir(exist_ok=True)
        (self.build / "CMakeCache.txt").touch()

    def run(self, *arguments: object, do: str = "", **environment: str) -> Result:
        """A command in this process, in the project."""
        before = Path.cwd()
        variables = {**self.environment, "FAKE_IDF_DO": do, **environment}
        hidden: dict[str, str | None] = {name: None for name in os.environ if name not in variables}
        os.chdir(self.project)
        try:
            return CliRunner().invoke(main, ["idf", *map(str, arguments)], env={**hidden, **variables})
        finally:
            os.chdir(before)

    def command(self, *arguments: object) -> list[str]:
        return [str(PROGRAM), "idf", *map(str, arguments)]

    def start(self, *arguments: object, do: str = "", **environment: str) -> "subprocess.Popen[str]":
        """A command as a process, without a terminal."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.project,
            env={**self.environment, "FAKE_IDF_DO": do, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def calls(self, program: str = "idf.py") -> list[dict[str, Any]]:
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [call for call in map(json.loads, lines) if call["program"] == program]

    def only_call(self) -> dict[str, Any]:
        (call,) = self.calls()
        return call

    def argv(self) -> list[str]:
        """What the one call of idf.py was given besides project and build directory."""
        before, argv = self.only_call()["argv"][:4], self.only_call()["argv"][4:]
        assert before == ["-C", str(self.project), "-B", str(self.build)]
        return argv
