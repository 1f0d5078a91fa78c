"""Where ESP-IDF is, and which version it is."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

WANTED = (5, 5)
"""ESP-IDF version of this project: major, minor."""
TAG = "v5.5.5"
"""Release to install where there is none."""
GET_IT = f"git clone -b {TAG} --recursive https://github.com/espressif/esp-idf.git ~/esp/esp-idf"
USUAL_PLACES = (
    "~/esp/esp-idf",  # the getting started guide
    "~/esp/v5.5*/esp-idf",  # the extension of VS Code
    "~/.espressif/v5.5*/esp-idf",  # Espressif's installation manager
    "~/.espressif/esp-idf-v5.5*",
    "~/.espressif/frameworks/esp-idf-v5.5*",
    "~/esp-idf",
    "/opt/esp/idf",  # Espressif's container image
    "/opt/esp-idf",
)
EIM_FILE = Path("tools/eim_idf.json")
"""File below ~/.espressif in which Espressif's installation manager lists what it installed."""
_VERSION_LINE = re.compile(r"^\s*set\s*\(\s*IDF_VERSION_(MAJOR|MINOR|PATCH)\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Installation:
    """A tree of ESP-IDF."""

    path: Path
    found_by: str
    """How it was found, for people."""
    tools_path: Path
    """IDF_TOOLS_PATH: where its tools and Python environments are."""
    python: Path | None = None
    """Its Python, if its installer recorded it."""

    @property
    def version(self) -> tuple[int, int, int]:
        """From `tools/cmake/version.cmake`, which idf.py and CMake use; (0, 0, 0): not given."""
        try:
            text = (self.path / "tools/cmake/version.cmake").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return (0, 0, 0)
        parts = {name: int(number) for name, number in _VERSION_LINE.findall(text)}
        return (parts.get("MAJOR", 0), parts.get("MINOR", 0), parts.get("PATCH", 0))

    @property
    def version_text(self) -> str:
        """The same for people, such as v5.5.5."""
        return "v" + ".".join(map(str, self.version)) if any(self.version) else "unknown version"

    @property
    def is_wanted(self) -> bool:
        """Whether it has the version of this project."""
        return self.version[:2] == WANTED

    @property
    def install_command(self) -> str:
        """Installs its tools and its Python environment."""
        usual = self.tools_path == default_tools_path({})
        place = "" if usual else f"IDF_TOOLS_PATH={shlex.quote(str(self.tools_path))} "
        return f"{place}{shlex.quote(str(self.path / 'install.sh'))} esp32"

    def described(self) -> str:
        """Version as git reports it, with what was changed (v5.5.5-3-g0123abcd-dirty), else `version_text`."""
        if not (self.path / ".git").exists():
            return self.version_text
        command = ["git", "-C", str(self.path), "describe", "--tags", "--dirty", "--match", "v*.*"]
        try:
            said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            return self.version_text
        return said.stdout.strip() or self.version_text


def default_tools_path(environ: Mapping[str, str]) -> Path:
    """IDF_TOOLS_PATH, or the default of idf_tools.py."""
    return Path(environ.get("IDF_TOOLS_PATH") or Path.home() / ".espressif")


def is_esp_idf(path: Path) -> bool:
    """Whether there is a tree of ESP-IDF."""
    return (path / "tools/idf.py").is_file() and (path / "tools/idf_tools.py").is_file()


def find(given: Path | None, environ: Mapping[str, str] = os.environ) -> Installation:
    """Find ESP-IDF: what was given, else IDF_PATH, else the best one at the usual places.

    Raises:
        ValueError: there is none; or what was given, or IDF_PATH, is not one.
    """
    tools = default_tools_path(environ)
    for named, source in ((given, "--idf-path"), (environ.get("IDF_PATH") or None, "IDF_PATH")):
        if named is not None:
            return _named(Path(named).expanduser().resolve(), source, tools)
    found = [*_installed_by_eim(), *_at_usual_places(tools)]
    if not found:
        raise ValueError(
            f"ESP-IDF was not found; get it: {GET_IT} (if it is already installed: --idf-path or IDF_PATH)"
        )
    return max(found, key=lambda each: (each.is_wanted, each.version if each.is_wanted else (0, 0, 0)))


def _named(path: Path, source: str, tools: Path) -> Installation:
    if not is_esp_idf(path):
        raise ValueError(f"{source}: there is no ESP-IDF in {path} (tools/idf.py is missing); get it: {GET_IT}")
    for known in _installed_by_eim():
        if known.path == path:
            return replace(known, found_by=source)
    return Installation(path, source, _tools_path_of(path, tools))


def _tools_path_of(path: Path, otherwise: Path) -> Path:
    """The container image has the tools beside the tree, and sets IDF_TOOLS_PATH only while its entry point runs."""
    return path.parent if path == Path("/opt/esp/idf") and "IDF_TOOLS_PATH" not in os.environ else otherwise


def _at_usual_places(tools: Path) -> Iterator[Installation]:
    for pattern in USUAL_PLACES:
        place = Path(pattern).expanduser()
        for path in sorted(Path(place.anchor).glob(str(place.relative_to(place.anchor))), reverse=True):
            if is_esp_idf(path):
                yield Installation(path.resolve(), f"usual place {pattern}", _tools_path_of(path, tools))


def _installed_by_eim() -> Iterator[Installation]:
    """What Espressif's installation manager has installed: it names the Python and the tools of each.

    Its IDF_TOOLS_PATH is the folder `tools` itself, in which each tool has a folder; idf_tools.py looks for those
    below `tools/` of IDF_TOOLS_PATH, which is therefore the folder above.
    """
    try:
        entries = json.loads((Path.home() / ".espressif" / EIM_FILE).read_text(encoding="utf-8"))["idfInstalled"]
        for entry in entries:
            path, tools = Path(entry["path"]), Path(entry["idfToolsPath"])
            python = Path(entry["python"]) if entry.get("python") else None
            if is_esp_idf(path):
                above = tools.parent if tools.name == "tools" else tools
                yield Installation(path.resolve(), "Espressif's installation manager", above, python)
    except (OSError, ValueError, KeyError, TypeError):
        return  # missing, or of an unknown form: as if it had not been used
