"""What an ESP-IDF build directory holds, and whether it was built from the tree as it is."""

import json
import re
import struct
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from esp_idf_defs.image_metadata import ImageMetadata

from tinybms_gateway.release.files import hash_file, inside, is_safe_name, read_text
from tinybms_gateway.release.git import Commit, Repository
from tinybms_gateway.release.record_model import Artefact, Build

APP = "tinybms-web-gateway"
APP_BIN = f"{APP}.bin"
APP_ELF = f"{APP}.elf"
FLASHER_ARGS = "flasher_args.json"
REQUIRED = (
    APP_BIN, APP_ELF, f"{APP}.map", "bootloader/bootloader.bin", "partition_table/partition-table.bin", FLASHER_ARGS,
)  # fmt: skip
LARGEST_IMAGE = 16 << 20
LARGEST_JSON = 8 << 20
SOURCES = ("main", "components", "CMakeLists.txt", "version.txt", "partitions.csv", "sdkconfig.defaults", "web")
TEXTS = ("*.md", "components/*/README*", "components/**/test/*")


@dataclass(frozen=True)
class Component:
    """A component in the build: its name and whose it is, `project`, `esp-idf` or `managed`."""

    name: str
    origin: str


def files_of(build: Path) -> list[str]:
    """Names of the artefacts, relative to the build directory: those that every build has, and everything that is
    flashed.

    Raises:
        ValueError: some are missing, and are named; or flasher_args.json is invalid.
    """
    if not build.is_dir():
        raise FileNotFoundError(f"{build}: no such build directory; run 'idf.py build'")
    missing = [name for name in REQUIRED if not (build / name).is_file()]
    flashed: list[str] = []
    if FLASHER_ARGS not in missing:
        content = _json(inside(build, FLASHER_ARGS))
        entries = content.get("flash_files")
        if not isinstance(entries, dict) or not all(isinstance(name, str) for name in entries.values()):
            raise ValueError(f"{build / FLASHER_ARGS}: there is no 'flash_files' in it; run 'idf.py build'")
        flashed = list(entries.values())
        strange = [name for name in flashed if not is_safe_name(name)]
        if strange:
            raise ValueError(f"{build / FLASHER_ARGS}: {strange[0][:80]!r} is not a name for a file of a release")
        missing += [name for name in flashed if name not in REQUIRED and not (build / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{build}: missing: {', '.join(missing)}; run 'idf.py fullclean build'")
    return sorted({*REQUIRED, *flashed})


def measure(build: Path) -> dict[str, Artefact]:
    """Hash and size of each artefact, sorted by name.

    Raises:
        OSError: one is missing.
        ValueError: one is a link that leads out of the build directory, or has no plain name.
    """
    artefacts = {}
    for name in files_of(build):
        sha256, size = hash_file(inside(build, name))
        artefacts[name] = Artefact(sha256=sha256, size=size)
    return artefacts


def describe(build: Path, version: str, artefacts: dict[str, Artefact]) -> Build:
    """What the application image and the build directory say about themselves.

    Raises:
        OSError: a file cannot be read.
        ValueError: the image is damaged, or of another project or version, or was not made from the ELF beside it.
    """
    path = inside(build, APP_BIN)
    app = _app_description(path)
    if app.project_name != APP:
        raise ValueError(f"{path}: an image of another project, {app.project_name!r}")
    if app.version != version:
        raise ValueError(f"{path}: version {app.version!r}, version.txt says {version}; run 'idf.py fullclean build'")
    if app.elf_sha256.hex() != artefacts[APP_ELF].sha256:
        raise ValueError(f"{path}: not made from {APP_ELF} beside it; run 'idf.py fullclean build'")
    description = project_description(build)
    compiler = Path(str(description.get("c_compiler") or ""))
    tool_chain = next((part for part in compiler.parts if re.fullmatch(r"esp-[\d.]+_\d+\w*", part)), None)
    return Build(
        project=app.project_name,
        target=str(description.get("target") or "") or None,
        idf_version=app.idf_version or "unknown",
        compiler=compiler.name or None,
        compiler_version=_compiler_version(build),
        tool_chain=tool_chain,
        compiled=app.compiled,
        elf_sha256=app.elf_sha256.hex(),
    )


def require_built_from(repository: Repository, head: Commit, build: Path, sdkconfig: Path) -> None:
    """Refuse an application that is older than the commit or than a file that it is built from.

    Raises:
        ValueError: it is.
    """
    app = build / APP_BIN
    built = app.stat().st_mtime
    advice = "run 'idf.py fullclean build'"
    if built < head.time.timestamp():
        made = datetime.fromtimestamp(built, timezone.utc)
        raise ValueError(
            f"{app}: built {made:%F %T} UTC, before {head.short} was committed ({head.time:%F %T}); {advice}"
        )
    texts = set(repository.tracked(*TEXTS))
    sources = [repository.root / name for name in repository.tracked(*SOURCES) if name not in texts]
    newer = [path for path in (*sources, sdkconfig) if path.is_file() and path.stat().st_mtime > built]
    if newer:
        more = f" and {len(newer) - 1} more" if len(newer) > 1 else ""
        raise ValueError(f"{app}: older than {newer[0]}{more}; {advice}")


def project_description(build: Path) -> dict[str, Any]:
    """Content of project_description.json; empty if the build has none."""
    path = build / "project_description.json"
    return _json(path) if path.is_file() else {}


def components(build: Path) -> list[Component]:
    """The components in the build, from project_description.json; none if it is missing."""
    description = project_description(build)
    idf = str(description.get("idf_path") or "")
    info = description.get("build_component_info")
    if not isinstance(info, dict):
        return []
    found = []
    for name, about in sorted(info.items()):
        folder = str(about.get("dir") or "") if isinstance(about, dict) else ""
        if idf and Path(folder).is_relative_to(idf):
            origin = "esp-idf"
        else:
            origin = "managed" if "managed_components" in Path(folder).parts else "project"
        found.append(Component(name, origin))
    return found


def _app_description(path: Path) -> Any:
    if path.stat().st_size > LARGEST_IMAGE:
        raise ValueError(f"{path}: larger than any flash")
    try:
        image = ImageMetadata.from_bytes(path.read_bytes(), app_required=True)
    except (ValueError, IndexError, struct.error) as error:
        raise ValueError(f"{path}: not an application image: {error}; run 'idf.py build'") from None
    return image.app_description


def _compiler_version(build: Path) -> str | None:
    for path in sorted(build.glob("CMakeFiles/*/CMakeCCompiler.cmake")):
        match = re.search(r'set\(CMAKE_C_COMPILER_VERSION "([\w.+-]+)"\)', read_text(path, LARGEST_JSON))
        if match:
            return match[1]
    return None


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path, LARGEST_JSON))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: not what ESP-IDF writes there")
    return content
