"""What a map file of the linker says: bytes by component, with merged texts shared out to their origins.

The linker merges texts (and constants) that are alike: the string literals of all archives become one piece, which the
map assigns to whichever archive came first. The map also shows what each archive contributed, and the piece is shared
out by that.
"""

import contextlib
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esp_idf_size import mapfile, memorymap

from tinybms_gateway.idf.budget import ESP_IDF, Share

RAM = "DRAM"
"""Memory type of esp-idf-size that counts as static RAM."""
IRAM = "IRAM"
WITHOUT_CONTENT = (".bss", "noinit")
"""How the names of sections end that take memory but no flash, as esp-idf-size identifies them."""
MERGEABLE = r"\.(str\d+\.\d+|cst\d+)"
"""How GCC ends the names of sections whose contents may be merged."""
IS_MERGEABLE = re.compile(MERGEABLE + "$")
PART = re.compile(
    rf"^ (?P<name>\.\S*{MERGEABLE})\s+0x[0-9a-f]+\s+0x(?P<size>[0-9a-f]+) .+"
    r"(?:\n\s+0x(?P<before>[0-9a-f]+) \(size before relaxing\)$)?",
    re.MULTILINE,
)
"""Such a part of a section in the map. The second size is there when merging changed the first; a part of which nothing
is left shows the size that it had."""


@dataclass(frozen=True)
class Merged:
    """Bytes of texts and constants that the linker may merge."""

    size: int
    before: int


@dataclass(frozen=True)
class LinkMap:
    """What is in a map file, in bytes."""

    takers: dict[str, Share]
    """Flash and static RAM of each of our components, the rest under ESP-IDF."""
    content: int
    """All sections that are in the image."""
    iram: int
    merged: Merged | None
    """None: the map has a form in which they cannot be told apart; they are where the linker put them."""


def read_map(map_file: Path, ours: list[str]) -> LinkMap:
    """Read a map file.

    An archive lib<NAME>.a is ours when the project has a component of that name: of two components with the same name,
    the build takes the project's. Of a section, what no archive takes (padding, what the linker itself adds) is
    ESP-IDF's.

    Raises:
        OSError: not there.
        ValueError: not a map file of an ESP32 application.
    """
    if not map_file.is_file():
        raise ValueError(f"there is no {map_file}")
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # it warns about what it then raises
            parsed = mapfile.MapFile(str(map_file))
            merged = _share_out_merged(parsed.lines, parsed.sections)
            memory = memorymap.get(str(map_file), load_symbols=False, map_file=parsed)
    except (RuntimeError, ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{map_file} is not a map file of an ESP32 application: {error}") from None
    types = memory["memory_types"]
    if IRAM not in types or not any(contents["sections"] for contents in types.values()):
        raise ValueError(f"{map_file}: no section of an ESP32 application is in it")
    return LinkMap(_takers(types, ours), int(memory["image_size"]), int(types[IRAM]["used"]), merged)


def _takers(memory_types: dict[str, Any], ours: list[str]) -> dict[str, Share]:
    flash: dict[str, int] = defaultdict(int)
    ram: dict[str, int] = defaultdict(int)
    for kind, contents in memory_types.items():
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
    return {owner: Share(flash=flash[owner], static_ram=ram[owner]) for owner in {*ours, ESP_IDF}}


def _owner(archive: str, ours: list[str]) -> str:
    name = Path(archive).name.removeprefix("lib").removesuffix(".a")
    return name if name in ours else ESP_IDF


def _share_out_merged(lines: list[str], sections: list[dict[str, Any]]) -> Merged | None:
    """Within each section of the image, share out what is left of its merged parts by the sizes they had before.

    The sum stays. Alignment is ignored: which parts the linker combines differs between its versions.
    """
    parts = [[part for part in section["input_sections"] if IS_MERGEABLE.search(part["name"])] for section in sections]
    parts_before = list(_parts_before(lines))
    if [len(some) for some in parts] != [len(some) for some in parts_before]:
        return None
    size = before = 0
    for of_section, of_section_before in zip(parts, parts_before, strict=True):
        groups: dict[str, list[tuple[dict[str, Any], int]]] = defaultdict(list)
        for part, (kind, size_before) in zip(of_section, of_section_before, strict=True):
            groups[kind].append((part, size_before))
        for group in groups.values():
            size += sum(part["size"] for part, _before in group)
            before += _share_out(group)
    return Merged(size, before)


def _share_out(group: list[tuple[dict[str, Any], int]]) -> int:
    """Set the sizes of the parts; returns the total that they had before."""
    total, before = sum(part["size"] for part, _before in group), sum(before for _part, before in group)
    seen = given = 0
    for part, size_before in group:
        seen += size_before
        part["size"] = total * seen // before - given if before else part["size"]
        given += part["size"]
    return before


def _parts_before(lines: list[str]) -> Iterator[list[tuple[str, int]]]:
    """Of each section of the map, its parts that may be merged: kind, and size as it came to the linker."""
    text = "\n".join(lines)
    text = text[text.find("Linker script and memory map") :].partition("\nCross Reference Table")[0]
    for block in re.split(r"\n\s*\n", text):
        if begin := re.search(r"^\.", block, re.MULTILINE):
            parts = PART.finditer(block, begin.start())
            yield [(part[2].partition(".")[0], int(part["before"] or part["size"], 16)) for part in parts]
