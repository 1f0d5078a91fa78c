"""Sizes of the components in a build for the chip, from its map file, against the budget."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from tinybms_gateway.idf.budget import ESP_IDF, Limits, Share, Totals, components, load_budget
from tinybms_gateway.idf.link_map import Merged, read_map
from tinybms_gateway.terminal import make_console

SLOT = "ota_0"
"""Partition that the application must fit into."""
BOOT_LOADER = "bootloader/bootloader.bin"
"""Path of a build's boot loader, relative to the folder of the map file."""


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
    totals: Totals
    limits: Limits
    image_file: Path | None
    """Application image; None: it is missing, and counts as the sum of the sections in the map."""
    boot_loader_file: Path | None
    slot: int
    """Bytes of the partition that the application goes into."""
    merged: Merged | None
    problems: list[str]

    def as_json(self) -> dict[str, Any]:
        """For programs, in bytes."""
        boot_loader = {"bytes": self.totals.boot_loader, "file": str(self.boot_loader_file),
                       "limit": self.limits.boot_loader}  # fmt: skip
        return {
            "map": str(self.map_file),
            "components": [line.as_json() for line in self.lines],
            "image": {"bytes": self.totals.application, "file": self.image_file and str(self.image_file),
                      "limit": self.limits.application, "slot": self.slot},
            "boot_loader": boot_loader if self.boot_loader_file else None,
            "static_ram": {"bytes": self.totals.static_ram, "limit": self.limits.static_ram},
            "iram": {"bytes": self.totals.iram, "limit": self.limits.iram},
            "merged": {"bytes": self.merged.size, "before": self.merged.before} if self.merged else None,
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
        ValueError: not a map file of an ESP32 application, or not a budget.
    """
    budget = load_budget(project)
    ours = components(project)
    read = read_map(map_file, ours)
    lines = [
        Line(name, read.takers[name].flash, read.takers[name].static_ram, budget.shares.get(name))
        for name in (*ours, ESP_IDF)
    ]
    image, boot_loader = (
        path if path.is_file() else None for path in (map_file.with_suffix(".bin"), map_file.parent / BOOT_LOADER)
    )
    totals = Totals(
        application=image.stat().st_size if image else read.content,
        boot_loader=boot_loader.stat().st_size if boot_loader else None,
        static_ram=sum(line.static_ram for line in lines),
        iram=read.iram,
    )
    problems = [
        problem
        for line in lines
        for problem in budget.problems_of(line.component, Share(flash=line.flash, static_ram=line.static_ram))
    ]
    problems += budget.problems_of_totals(totals)
    return Result(
        map_file, lines, totals, budget.limits, image, boot_loader, slot_size(project), read.merged, problems
    )  # fmt: skip


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
    table = Table(box=None, pad_edge=False)
    table.add_column("component")
    for title in ("flash", "share", "%", "RAM", "share", "%"):
        table.add_column(title, justify="right")
    for line in result.lines:
        cells = [*_cells(line.flash, line.share.flash if line.share else None),
                 *_cells(line.static_ram, line.share.static_ram if line.share else None)]  # fmt: skip
        table.add_row(Text(line.component), *cells)
    table.add_section()
    totals, limits = result.totals, result.limits
    table.add_row("application image", *_cells(totals.application, limits.application),
                  *_cells(totals.static_ram, limits.static_ram))  # fmt: skip
    if totals.boot_loader is not None:
        table.add_row("boot loader", *_cells(totals.boot_loader, limits.boot_loader))
    table.add_row("IRAM", "", "", "", *_cells(totals.iram, limits.iram))
    console = make_console()
    console.print(table)
    for note in _notes(result):
        console.print(Text(note), soft_wrap=True)


def _notes(result: Result) -> tuple[str, str]:
    of_slot = 100 * result.totals.application / result.slot
    source = result.image_file or f"sections of {result.map_file}, without headers and padding"
    return (
        f"image: {of_slot:.1f} % of its slot of {result.slot:,} bytes ({source})",
        _note_on_texts(result.merged),
    )


def _note_on_texts(merged: Merged | None) -> str:
    if merged is None:
        return "merged texts: the map does not show their origin; most of them are counted as ESP-IDF's"
    return (
        f"merged texts: {merged.size:,} bytes, {merged.before:,} before the linker merged those of all components; "
        "shared out by what each contributed"
    )


def _cells(taken: int, share: int | None) -> list[Any]:
    style = "red" if share is None or taken > share else ""
    part = f"{100 * taken / share:.0f}" if share else ("-" if not taken else "")
    return [Text(f"{taken:,}", style), Text("none" if share is None else f"{share:,}"), Text(part, style)]
