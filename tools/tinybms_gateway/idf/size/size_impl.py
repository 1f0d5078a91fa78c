"""Sizes of the components in a build for the chip, by its map file, against the budget."""

import contextlib
import csv
import io
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinybms_gateway.idf.budget import ESP_IDF, Budget, Share, components, load_budget
from tinybms_gateway.terminal import make_console

SLOT = "ota_0"
"""Partition that the application has to fit into."""
RAM = "DRAM"
"""Memory type of esp-idf-size that counts as static RAM."""
WITHOUT_CONTENT = (".bss", "noinit")
"""How the names of sections end that take memory, but no flash; as esp-idf-size tells them."""


@dataclass(frozen=True)
class Line:
    """A component: bytes that it takes, and its share."""

    component: str
    flash: int
    static_ram: int
    share: Share | None

    def as_json(self) -> dict[str, Any]:
        """For programs, in bytes."""
        share = self.share and {"flash": self.share.flash, "static_ram": self.share.static_ram}
        return {"component": self.component, "flash": self.flash, "static_ram": self.static_ram, "share": share}


@dataclass(frozen=True)
class Result:
    """What was measured."""

    map_file: Path
    lines: list[Line]
    image: int
    """Bytes of the application image."""
    image_file: Path | None
    """Which was measured; None: what the sections of the map add up to."""
    application: int
    """Bytes that it may have."""
    slot: int
    """Bytes of the partition that it goes into."""
    static_ram: int
    static_ram_limit: int
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For programs, in bytes."""
        return {
            "map": str(self.map_file),
            "components": [line.as_json() for line in self.lines],
            "image": {"bytes": self.image, "file": self.image_file and str(self.image_file),
                      "limit": self.application, "slot": self.slot},
            "static_ram": {"bytes": self.static_ram, "limit": self.static_ram_limit},
            "problems": self.problems,
        }  # fmt: skip


def map_of(build_dir: Path) -> Path:
    """The map file of the last build.

    Raises:
        ValueError: there is no build.
    """
    try:
        elf = json.loads((build_dir / "project_description.json").read_text(encoding="utf-8"))["app_elf"]
        path = build_dir / Path(elf).with_suffix(".map").name
    except (OSError, ValueError, KeyError, TypeError):
        path = None
    if path is None or not path.is_file():
        raise ValueError(f"there is no build in {build_dir}: run 'tinybms-gw idf build' first, or give --map")
    return path


def measure(project: Path, map_file: Path) -> Result:
    """Measure a build.

    Raises:
        OSError: a file is not there.
        ValueError: no map file of an ESP32 application; no such budget.
    """
    budget = load_budget(project)
    ours = components(project)
    takers, content = read_map(map_file, ours)
    names = [*ours, ESP_IDF, *(name for name in takers if name not in (*ours, ESP_IDF))]
    lines = [Line(name, takers[name].flash, takers[name].static_ram, budget.shares.get(name)) for name in names]
    binary = map_file.with_suffix(".bin")
    image_file = binary if binary.is_file() else None
    image = binary.stat().st_size if image_file else content
    static_ram = sum(line.static_ram for line in lines)
    result = Result(
        map_file, lines, image, image_file, budget.limits.application, slot_size(project), static_ram,
        budget.limits.static_ram,
    )  # fmt: skip
    result.problems.extend(problems(result, budget))
    return result


def problems(result: Result, budget: Budget) -> list[str]:
    """Where something takes more than it may."""
    found = [
        problem
        for line in result.lines
        for problem in budget.problems_of(line.component, Share(flash=line.flash, static_ram=line.static_ram))
    ]
    for what, taken, limit in (
        ("the application image", result.image, result.application),
        ("static RAM", result.static_ram, result.static_ram_limit),
    ):
        if taken > limit:
            found.append(f"{what} takes {taken} bytes, {limit} are allowed")
    return found


def read_map(map_file: Path, ours: list[str]) -> tuple[dict[str, Share], int]:
    """What each of our components takes, and the rest under ESP-IDF; and the bytes of all sections with content.

    An archive lib<NAME>.a is ours when the project has a component of that name: of two components with one name the
    build takes the project's. Of a section, what no archive takes (padding, what the linker itself adds) is ESP-IDF's.

    Raises:
        OSError: not there.
        ValueError: no map file of an ESP32 application.
    """
    from esp_idf_size import memorymap  # noqa: PLC0415 (takes a while)

    if not map_file.is_file():
        raise ValueError(f"there is no {map_file}")
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # it warns of what it then raises
            memory = memorymap.get(str(map_file), load_symbols=False)
    except (RuntimeError, ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{map_file} is no map file of an ESP32 application: {error}") from None
    flash: dict[str, int] = defaultdict(int)
    ram: dict[str, int] = defaultdict(int)
    for kind, contents in memory["memory_types"].items():
        for name, section in contents["sections"].items():
            sizes = {"": section["size"]}
            for archive, part in section["archives"].items():
                owner = _owner(archive, ours)
                sizes[owner] = sizes.get(owner, 0) + part["size"]
                sizes[""] -= part["size"]
            sizes[ESP_IDF] = sizes.get(ESP_IDF, 0) + max(sizes.pop(""), 0)
            for owner, size in sizes.items():
                flash[owner] += 0 if name.endswith(WITHOUT_CONTENT) else size
                ram[owner] += size if kind == RAM else 0
    if not flash:
        raise ValueError(f"{map_file}: no section of an ESP32 application is in it")
    takers = {owner: Share(flash=flash[owner], static_ram=ram[owner]) for owner in {*flash, *ours, ESP_IDF}}
    return takers, int(memory["image_size"])


def _owner(archive: str, ours: list[str]) -> str:
    name = Path(archive).name.removeprefix("lib").removesuffix(".a")
    return name if name in ours else ESP_IDF


def slot_size(project: Path) -> int:
    """Bytes of the partition that the application goes into.

    Raises:
        OSError: the partition table is not there.
        ValueError: the partition is not in it.
    """
    table = project / "partitions.csv"
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(line for line in file if not line.startswith("#")):
            if len(row) >= 5 and row[0].strip() == SLOT:
                text = row[4].strip().upper()
                factor = {"K": 1024, "M": 1024 * 1024}.get(text[-1:], 1)
                return int(text.rstrip("KM"), 0) * factor
    raise ValueError(f"{table}: there is no partition {SLOT}")


def show(result: Result) -> None:
    """Print a table."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    table.add_column("component")
    for title in ("flash", "share", "%", "RAM", "share", "%"):
        table.add_column(title, justify="right")
    for line in result.lines:
        cells = [*_cells(line.flash, line.share.flash if line.share else None),
                 *_cells(line.static_ram, line.share.static_ram if line.share else None)]  # fmt: skip
        table.add_row(Text(line.component), *cells)
    table.add_section()
    table.add_row(Text("application image"), *_cells(result.image, result.application),
                  *_cells(result.static_ram, result.static_ram_limit))  # fmt: skip
    console = make_console()
    console.print(table)
    of_slot = 100 * result.image / result.slot
    source = result.image_file or f"sections of {result.map_file}, without headers and padding"
    console.print(Text(f"image: {of_slot:.1f} % of its slot of {result.slot:,} bytes ({source})"), soft_wrap=True)


def _cells(taken: int, share: int | None) -> list[Any]:
    from rich.text import Text  # noqa: PLC0415

    style = "red" if share is None or taken > share else ""
    part = f"{100 * taken / share:.0f}" if share else ("-" if not taken else "")
    return [Text(f"{taken:,}", style), Text("none" if share is None else f"{share:,}"), Text(part, style)]
