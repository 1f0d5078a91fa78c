"""`build.log` in the build directory: the output of the last build, and what it was built with."""

import contextlib
import logging
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

from tinybms_gateway.idf.lines import Lines
from tinybms_gateway.idf.project import Idf
from tinybms_gateway.whole_file import whole_file

log = logging.getLogger("idf")

NAME = "build.log"
COMPILER = "xtensa-esp32-elf-gcc"


def utc_now() -> str:
    """UTC with milliseconds, such as 2026-01-31T12:00:00.123Z."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class BuildLog:
    """Collects output. It goes into the build directory only at the end: if that directory were made or filled before
    CMake makes it, `idf.py set-target` and `fullclean` would refuse to clear it from then on."""

    def __init__(self) -> None:
        self._streams: list[Lines] = []
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 (closed by `kept`)
        self.status: int | None = None
        """How the build ended; None: it was interrupted."""

    def write(self, *lines: str) -> None:
        """Add lines."""
        for line in lines:
            self._file.write(line + "\n")

    def stream(self) -> Callable[[bytes], None]:
        """A stream of output: to be called with what it outputs."""
        lines = Lines()
        self._streams.append(lines)
        return lambda data: self.write(*lines.feed(data))

    def save(self, build_dir: Path) -> Path | None:
        """Put it into the build directory, in place of the last one; None: there is no build directory."""
        with self._file as file:
            for lines in self._streams:
                self.write(*lines.rest())
            end = "interrupted" if self.status is None else f"exit status {self.status}"
            self.write(f"# ended {utc_now()}: {end}")
            if not build_dir.is_dir() or not any(build_dir.iterdir()):
                return None
            file.seek(0)
            target = build_dir / NAME
            with whole_file(target, force=True) as part, part.open("w", encoding="utf-8") as copy:
                shutil.copyfileobj(file, copy)
            return target


@contextlib.contextmanager
def kept(idf: Idf, command: list[str]) -> Iterator[BuildLog]:
    """A log of what happens in the context, with a header; kept however that ends."""
    build_log = BuildLog()
    build_log.write(*header(idf, command))
    try:
        yield build_log
    finally:
        path = build_log.save(idf.build_dir)
        log.info("log: %s", path if path else f"none, because {idf.build_dir} was not made")


def header(idf: Idf, command: list[str]) -> list[str]:
    """What was run, when, and with which versions."""
    return [
        f"# {shlex.join(command)}",
        f"# started {utc_now()} in {idf.project}",
        f"# ESP-IDF {idf.installation.described()} in {idf.installation.path}",
        f"# compiler {first_line([COMPILER, '--version'], idf.variables)}",
        f"# project {project_version(idf.project)}",
    ]


def first_line(command: list[str], variables: dict[str, str]) -> str:
    """The first line of a program's output, such as its version; empty: it is missing, or prints nothing."""
    program = shutil.which(command[0], path=variables.get("PATH"))
    if program is None:
        return ""
    try:
        said = subprocess.run(
            [program, *command[1:]], env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", check=False, timeout=30,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next((line.strip() for line in said.stdout.splitlines() if said.returncode == 0), "")


def project_version(project: Path) -> str:
    """Version of the project, its commit, and whether anything has changed since."""
    try:
        version = (project / "version.txt").read_text(encoding="utf-8").strip()
    except OSError:
        version = "without version.txt"
    commit = first_line(["git", "-C", str(project), "describe", "--always", "--dirty", "--abbrev=12"], dict(os.environ))
    return f"{version}, commit {commit or 'unknown'}"
