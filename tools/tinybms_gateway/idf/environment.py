"""The environment that idf.py needs, determined as ESP-IDF's export.sh does, so that nobody needs to run that."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tinybms_gateway.idf.installation import Installation

PATIENCE_S = 120.0
EXTRA_PATHS = ("components/espcoredump", "components/partition_table", "components/app_update")
"""What export.sh puts on PATH besides the tools."""
_ASSIGNMENT = re.compile(r"(\w+)=(.*)")


class NotReadyError(ValueError):
    """ESP-IDF cannot be used as it is."""

    def __init__(self, missing: list[str], remedy: str) -> None:
        self.missing = missing
        self.remedy = remedy
        super().__init__(f"ESP-IDF is not complete: {', '.join(missing)}; run: {remedy}")


def python_of(installation: Installation, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The Python of its virtual environment; None: there is none.

    IDF_PYTHON_ENV_PATH counts only if that environment was made for this version: the shell may be set up for another
    one. Otherwise the newest Python for which install.sh made an environment is taken, because the one that runs this
    program may not be the one that ran install.sh.
    """
    if installation.python is not None and installation.python.is_file():
        return installation.python
    version = "{}.{}".format(*installation.version)
    folders = sorted(
        installation.tools_path.glob(f"python_env/idf{version}_py*_env"),
        key=lambda folder: [int(number) for number in re.findall(r"\d+", folder.name)],
        reverse=True,
    )
    if environ.get("IDF_PYTHON_ENV_PATH"):
        folders.insert(0, Path(environ["IDF_PYTHON_ENV_PATH"]))
    for folder in folders:
        made_for = folder / "idf_version.txt"
        if made_for.is_file() and made_for.read_text(encoding="utf-8", errors="replace").strip() != version:
            continue
        if (folder / "bin/python").is_file():
            return folder / "bin/python"
    return None


def environment(
    installation: Installation, python: Path | None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Variables for idf.py.

    Raises:
        NotReadyError: the Python environment or a tool is missing.
    """
    if python is None:
        raise NotReadyError(["its Python environment is missing"], installation.install_command)
    prepared = base_environment(installation, python, environ)
    said = idf_tools(installation, python, prepared, "export", "--format", "key-value")
    if said.returncode != 0:
        errors = [line.partition("ERROR: ")[2] for line in said.stderr.splitlines() if "ERROR: " in line]
        tools = re.findall(r"\btool (\S+) has no installed versions", said.stderr)
        raise NotReadyError(
            [f"no {tool}" for tool in tools] or errors or ["idf_tools.py export failed"], installation.install_command
        )
    matches = [_ASSIGNMENT.fullmatch(line.strip()) for line in said.stdout.splitlines()]
    exported = {match[1]: match[2] for match in matches if match}
    _forget_deactivation(exported)
    extra = [str(installation.path / name) for name in EXTRA_PATHS]
    path = exported.pop("PATH", "$PATH").replace("$PATH", prepared.get("PATH", os.defpath))
    return {**prepared, **exported, "PATH": os.pathsep.join([*extra, path])}


def base_environment(
    installation: Installation, python: Path | None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The current variables plus those that locate ESP-IDF, without those of this program's own Python."""
    unwanted = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "IDF_PYTHON_ENV_PATH", "IDF_DEACTIVATE_FILE_PATH")
    variables = {name: value for name, value in environ.items() if name not in unwanted}
    variables |= {"IDF_PATH": str(installation.path), "IDF_TOOLS_PATH": str(installation.tools_path)}
    variables["ESP_IDF_VERSION"] = "{}.{}".format(*installation.version)
    if python is not None:
        variables["IDF_PYTHON_ENV_PATH"] = str(python.parent.parent)
    return variables


def idf_tools(
    installation: Installation, python: Path, variables: dict[str, str], *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Call ESP-IDF's idf_tools.py.

    Raises:
        NotReadyError: it cannot be started.
        ValueError: it does not finish.
    """
    command = [str(python), str(installation.path / "tools/idf_tools.py"), *arguments]
    try:
        return subprocess.run(
            command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            check=False, timeout=PATIENCE_S,
        )  # fmt: skip
    except OSError as error:
        raise NotReadyError(
            [f"its Python {python} does not run ({error.strerror})"], installation.install_command
        ) from None
    except subprocess.TimeoutExpired:
        raise ValueError(f"idf_tools.py {arguments[0]} did not finish within {PATIENCE_S:.0f} s") from None


def _forget_deactivation(exported: dict[str, str]) -> None:
    """idf_tools.py leaves a file that undoes the export in a shell; nobody would ever use ours."""
    left = exported.pop("IDF_DEACTIVATE_FILE_PATH", "")
    if left:
        Path(left).unlink(missing_ok=True)
