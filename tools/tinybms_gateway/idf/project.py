"""The ESP-IDF project that the commands work on, and ESP-IDF ready to work on it."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from tinybms_gateway.idf.environment import environment, python_of
from tinybms_gateway.idf.installation import WANTED, Installation, find

log = logging.getLogger("idf")

SOURCE_TREE = Path(__file__).resolve().parents[3]
FLAGS_OF_IDF_PY = ("-v", "--verbose", "-w", "-n", "--cmake-warn-uninitialized", "--no-warnings", "--preview",
                   "--ccache", "--no-ccache", "--no-hints", "--dry-run", "--version")  # fmt: skip
VALUES_OF_IDF_PY = ("-D", "--define-cache-entry", "-G", "--generator")
"""Options that idf.py takes only before an action (or there as well); all others belong to the action."""


def is_project(path: Path) -> bool:
    """Whether there is an ESP-IDF project."""
    try:
        return "tools/cmake/project.cmake" in (path / "CMakeLists.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def find_project(given: Path | None) -> Path:
    """What was given, else the current directory or the nearest one above it with a project, else this source tree.

    Raises:
        ValueError: no project there.
    """
    if given is not None:
        if not is_project(given):
            raise ValueError(f"--project-dir: {given} is not an ESP-IDF project (no CMakeLists.txt of one)")
        return given.resolve()
    here = Path.cwd()
    for path in (here, *here.parents, SOURCE_TREE):
        if is_project(path):
            return path
    raise ValueError(f"no ESP-IDF project in {here} or above it; change to the source tree, or give --project-dir")


def split_extra(extra: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """What idf.py wants before an action, and what belongs to the action."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(extra)
    for word in words:
        if word in VALUES_OF_IDF_PY:
            front += [word, *[value for value in [next(words, None)] if value is not None]]
        elif word in FLAGS_OF_IDF_PY or word.startswith(("-D", "-G", "--define-cache-entry=", "--generator=")):
            front.append(word)
        else:
            rest.append(word)
    return front, rest


@dataclass(frozen=True)
class Idf:
    """ESP-IDF, ready to work on a project."""

    installation: Installation
    python: Path
    variables: dict[str, str]
    project: Path
    build_dir: Path

    def command(
        self, action: str, *options: str, before: tuple[str, ...] = (), extra: tuple[str, ...] = ()
    ) -> list[str]:
        """Command line of idf.py; `before` and `options` stand before and behind the action, `extra` is the user's."""
        front, rest = split_extra(extra)
        places = ["-C", str(self.project), "-B", str(self.build_dir)]
        program = [str(self.python), str(self.installation.path / "tools/idf.py")]
        return [*program, *places, *before, *front, action, *options, *rest]

    def variables_for_port(self, baud: int | None = None) -> dict[str, str]:
        """Variables for a command with a given port.

        An action of idf.py would take ESPPORT and ESPBAUD although another port stands before it. A baud rate for
        flashing is still passed in them: on the command line, idf.py would also use it for a monitor, and the console
        of the chip does not run at that rate.
        """
        variables = {name: value for name, value in self.variables.items() if name not in ("ESPPORT", "ESPBAUD")}
        return variables if baud is None else variables | {"ESPBAUD": str(baud)}


def prepare(idf_path: Path | None, project_dir: Path | None, build_dir: Path | None) -> Idf:
    """Find the project and ESP-IDF, and determine the environment.

    Raises:
        ValueError: one of them is missing or incomplete; says what to do.
    """
    project = find_project(project_dir)
    installation = find(idf_path)
    if not installation.is_wanted:
        wanted = "{}.{}".format(*WANTED)
        log.warning(
            "ESP-IDF %s in %s: this project is made for %s", installation.version_text, installation.path, wanted
        )
    python = python_of(installation)
    variables = environment(installation, python)
    assert python is not None  # environment() refuses to continue without it
    log.debug("ESP-IDF %s in %s (%s)", installation.version_text, installation.path, installation.found_by)
    return Idf(installation, python, variables, project, place_of_build(project, build_dir))


def place_of_build(project: Path, build_dir: Path | None) -> Path:
    """Absolute build directory; like idf.py, from the current directory. Default: `build` of the project."""
    return Path(os.path.realpath(build_dir)) if build_dir else project / "build"
